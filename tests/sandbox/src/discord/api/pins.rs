//! Pinned messages: 250 in a channel, by the routes of today and by the old ones. Source:
//! docs.discord.com/developers/resources/message, "Get Channel Pins".

use serde_json::{Value, json};

use super::history::seen;
use super::{Answered, Call, nothing, ok};
use crate::discord::channel::{Channel, Message};
use crate::discord::permissions as may;
use crate::discord::posts;
use crate::discord::refusal::Refusal;
use crate::discord::shown;
use crate::discord::state::unix_millis;

const PINS: usize = 250;

/// The pinned messages, the last pinned first.
fn pinned(channel: &Channel) -> Vec<&Message> {
    let mut pinned: Vec<_> = channel.messages.iter().filter(|message| message.pinned).collect();
    pinned.sort_by_key(|message| std::cmp::Reverse(message.pinned_at));
    pinned
}

pub(super) fn list(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(0)?;
    let limit = call.limit(50, 50)?;
    let all = pinned(&channel);
    let item = |message: &&Message| {
        let at = shown::time(message.pinned_at.unwrap_or_default());
        json!({ "pinned_at": at, "message": seen(call, &channel, message) })
    };
    let items: Vec<Value> = all.iter().take(limit).map(item).collect();
    ok(json!({ "items": items, "has_more": all.len() > limit }))
}

pub(super) fn list_old(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(0)?;
    let all = pinned(&channel);
    let all = all.into_iter().take(50).map(|message| seen(call, &channel, message)).collect();
    ok(Value::Array(all))
}

pub(super) fn add(call: &mut Call<'_>) -> Answered {
    let (channel, mut message) = found(call)?;
    if message.pinned {
        return nothing();
    }
    if pinned(&channel).len() >= PINS {
        let text = "Maximum number of pinned messages reached for this channel (250)";
        return Err(Refusal::new(400, 30003, text));
    }
    let notice = Message {
        id: call.state.id(),
        channel: channel.id,
        kind: 6,
        author: call.state.app.bot_user.clone(),
        by_bot: true,
        reply_to: Some(message.id.clone()),
        sent_at: unix_millis(),
        ..Message::default()
    };
    message.pinned = true;
    message.pinned_at = Some(unix_millis());
    posts::replace(call.state, message)?;
    posts::post(call.state, notice)?;
    nothing()
}

pub(super) fn remove(call: &mut Call<'_>) -> Answered {
    let (_, mut message) = found(call)?;
    message.pinned = false;
    message.pinned_at = None;
    posts::replace(call.state, message)?;
    nothing()
}

fn found(call: &Call<'_>) -> Result<(Channel, Message), Refusal> {
    let channel = call.channel(may::PIN_MESSAGES)?;
    if channel.archived {
        return Err(Refusal::archived());
    }
    let id = call.parameter("message_id");
    let message = channel.messages.iter().find(|message| message.id == id).cloned();
    let message = message.ok_or_else(Refusal::unknown_message)?;
    if message.is_said() {
        return Ok((channel, message));
    }
    Err(Refusal::new(400, 50021, "Cannot execute action on a system message"))
}
