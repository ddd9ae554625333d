//! Messages that are there already. Without the intent for messages' contents, an app reads nothing of
//! what others said, but in direct messages and where it is mentioned. Source:
//! docs.discord.com/developers/events/gateway, "Message Content Intent".

use serde_json::{Value, json};

use super::{Answered, Call, ok};
use crate::discord::channel::{Channel, Message};
use crate::discord::permissions as may;
use crate::discord::refusal::Refusal;
use crate::discord::shown;

pub(super) fn list(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(0)?;
    let limit = call.limit(50, 100)?;
    // Without the permission the list is empty, and that is no refusal.
    if call.channel(may::READ_HISTORY).is_err() {
        return ok(json!([]));
    }
    let bound = |name: &str| call.query(name).and_then(|id| id.parse::<u64>().ok());
    let number = |message: &&Message| message.id.parse::<u64>().unwrap_or_default();
    let newest = channel.messages.iter().rev();
    let page: Vec<&Message> = if let Some(before) = bound("before") {
        newest.filter(|one| number(one) < before).take(limit).collect()
    } else if let Some(after) = bound("after") {
        let later: Vec<_> = newest.filter(|one| number(one) > after).collect();
        later[later.len().saturating_sub(limit)..].to_vec()
    } else if let Some(around) = bound("around") {
        let at = channel.messages.iter().filter(|one| number(one) < around).count();
        let start = at.saturating_sub(limit / 2);
        let mut some: Vec<_> = channel.messages.iter().skip(start).take(limit).collect();
        some.reverse();
        some
    } else {
        newest.take(limit).collect()
    };
    let page = page.into_iter().map(|one| seen(call, &channel, one)).collect();
    ok(Value::Array(page))
}

pub(super) fn get(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(may::READ_HISTORY)?;
    let id = call.parameter("message_id");
    let found = channel.messages.iter().find(|message| message.id == id);
    let found = found.ok_or_else(Refusal::unknown_message)?;
    ok(seen(call, &channel, found))
}

/// A message as the app reads it.
pub(super) fn seen(call: &Call<'_>, channel: &Channel, message: &Message) -> Value {
    let mut shown = shown::message(call.state, message);
    let bot = &call.state.app.bot_user;
    let own = message.author == *bot || message.mentions.contains(bot);
    if !own && channel.recipient.is_none() {
        shown["content"] = json!("");
        for key in ["embeds", "attachments", "components"] {
            shown[key] = json!([]);
        }
    }
    shown
}
