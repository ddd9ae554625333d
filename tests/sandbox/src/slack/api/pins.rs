//! `pins.*` and `reactions.add`: what is done to one message.

use serde_json::{Value, json};

use super::{Answered, Call};
use crate::slack::channel::{Message, Pin};
use crate::slack::refusal::Refusal;
use crate::slack::state::seconds;

/// The most pins of a channel.
const MOST: usize = 100;

pub(super) fn add(call: &mut Call<'_>) -> Answered {
    let ts = call.args.required("timestamp")?.to_owned();
    let by = call.state.app.bot_user.clone();
    let channel = call.open_channel()?;
    channel.position(&ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    if channel.pins.iter().any(|pin| pin.ts == ts) {
        return Err(Refusal::new("already_pinned"));
    }
    if channel.pins.len() >= MOST {
        return Err(Refusal::new("too_many_pins"));
    }
    channel.pins.push(Pin { ts, by, at: seconds() });
    Ok(json!({}))
}

pub(super) fn remove(call: &mut Call<'_>) -> Answered {
    let ts = call.args.required("timestamp")?.to_owned();
    let channel = call.open_channel()?;
    let before = channel.pins.len();
    channel.pins.retain(|pin| pin.ts != ts);
    if channel.pins.len() == before { Err(Refusal::new("no_pin")) } else { Ok(json!({})) }
}

pub(super) fn list(call: &mut Call<'_>) -> Answered {
    let channel = call.joined()?;
    let id = channel.id.clone();
    let pinned: Vec<(Pin, Message)> = channel
        .pins
        .iter()
        .filter_map(|pin| {
            Some((pin.clone(), channel.messages.get(channel.position(&pin.ts)?)?.clone()))
        })
        .collect();
    let items: Vec<Value> = pinned
        .iter()
        .map(|(pin, message)| {
            let message = super::history::whole(call.state, message, false);
            json!({
                "type": "message", "channel": id, "created": pin.at, "created_by": pin.by,
                "message": message,
            })
        })
        .collect();
    Ok(json!({ "items": items }))
}

pub(super) fn react(call: &mut Call<'_>) -> Answered {
    let ts = call.args.required("timestamp")?.to_owned();
    let name = call.args.required("name")?.to_owned();
    let bot = call.state.app.bot_user.clone();
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-+'".contains(c);
    if !name.chars().all(good) {
        return Err(Refusal::new("invalid_name"));
    }
    let channel = call.open_channel()?;
    let message = channel.message(&ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    let reaction = (name, bot);
    if message.reactions.contains(&reaction) {
        return Err(Refusal::new("already_reacted"));
    }
    message.reactions.push(reaction);
    Ok(json!({}))
}
