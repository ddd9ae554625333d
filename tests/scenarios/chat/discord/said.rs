//! What the guild's messages and nova's responses show, in the words of the scenarios. Invariant: a
//! response says what its kind shows of it and nothing else.

use std::collections::BTreeMap;

use nova_sandbox::discord::Message;
use serde_json::Value;

use super::aloud::{buttons, message_aloud, unescaped};
use crate::chat::driver::{Said, Shown};

/// Interaction responses: a message, and that there will be one.
const MESSAGE: u64 = 4;
const DEFERRED: u64 = 5;

/// What a command's acknowledgement showed.
pub(super) fn shown_at_once(response: &Value) -> Said {
    let data = &response["data"];
    match response["type"].as_u64() {
        Some(MESSAGE) if is_private(data) => Said::Privately(aloud(data)),
        Some(MESSAGE) => Said::Publicly(aloud(data)),
        Some(DEFERRED) if !is_private(data) => Said::Publicly(String::new()),
        _ => Said::Nothing,
    }
}

/// What is said to a press is a message like any other.
pub(super) fn said_beside(_: &Value) -> Said {
    Said::Nothing
}

/// A form that was sent is closed; what is wrong is one private message that lists its questions.
pub(super) fn wrong(response: &Value) -> Said {
    let data = &response["data"];
    let fields = data["embeds"][0]["fields"].as_array().cloned().unwrap_or_default();
    if !is_private(data) || fields.is_empty() {
        return Said::Nothing;
    }
    let text = |value: &Value| unescaped(value.as_str().unwrap_or_default());
    let each = fields.iter().map(|field| (text(&field["name"]), text(&field["value"])));
    Said::Wrong(each.collect::<BTreeMap<_, _>>())
}

pub(super) fn is_private(data: &Value) -> bool {
    data["flags"].as_u64().unwrap_or_default() & Message::EPHEMERAL != 0
}

fn aloud(message: &Value) -> String {
    let list = |key: &str| message[key].as_array().cloned().unwrap_or_default();
    let content = message["content"].as_str().unwrap_or_default();
    message_aloud(content, &list("embeds"), &list("components"))
}

/// A message as people see it.
pub(super) fn shown(channel: &str, message: &Message) -> Shown {
    Shown {
        channel: Some(channel.to_owned()),
        id: message.id.clone(),
        text: message_aloud(&message.content, &message.embeds, &message.components),
        notice: unescaped(&message.content),
        buttons: buttons(&message.components),
        edits: message.edits,
        by_bot: message.by_bot,
    }
}
