//! Intents: what an app asks to hear of. Invariant: a session gets no event, and no words of a message,
//! that it has not asked for. Source: docs.discord.com/developers/events/gateway, "Gateway Intents".
//! Used where sessions begin and where events are sent.

use std::borrow::Cow;

use serde_json::{Value, json};

pub(super) const GUILDS: u64 = 1 << 0;
const GUILD_MEMBERS: u64 = 1 << 1;
const GUILD_PRESENCES: u64 = 1 << 8;
const GUILD_MESSAGES: u64 = 1 << 9;
const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
const DIRECT_MESSAGES: u64 = 1 << 12;
const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
pub(super) const MESSAGE_CONTENT: u64 = 1 << 15;

/// Bits 0 to 16, 20, 21, 24 and 25.
pub(super) const KNOWN: u64 = 0x0331_FFFF;

/// Those that have to be switched on for the app first.
pub(super) const PRIVILEGED: u64 = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT;

/// The event's contents for a session with these intents; `None` when it does not get the event.
pub(super) fn heard<'a>(
    intents: u64,
    event: &str,
    data: &'a Value,
    bot: &str,
) -> Option<Cow<'a, Value>> {
    let needed = needed(event, data, bot);
    if needed != 0 && intents & needed == 0 {
        return None;
    }
    let worded = matches!(event, "MESSAGE_CREATE" | "MESSAGE_UPDATE");
    if worded && intents & MESSAGE_CONTENT == 0 && foreign(data, bot) {
        return Some(Cow::Owned(wordless(data)));
    }
    Some(Cow::Borrowed(data))
}

/// The intent of an event. An event that is not listed goes to everybody, as an interaction does.
fn needed(event: &str, data: &Value, bot: &str) -> u64 {
    let direct = data["guild_id"].is_null();
    match event {
        "GUILD_MEMBER_UPDATE" if data["user"]["id"] == bot => 0,
        "GUILD_MEMBER_ADD" | "GUILD_MEMBER_UPDATE" | "GUILD_MEMBER_REMOVE" => GUILD_MEMBERS,
        "PRESENCE_UPDATE" => GUILD_PRESENCES,
        "CHANNEL_PINS_UPDATE" if direct => DIRECT_MESSAGES,
        "GUILD_CREATE" | "GUILD_UPDATE" | "GUILD_DELETE" => GUILDS,
        _ if event.starts_with("GUILD_ROLE_") => GUILDS,
        _ if event.starts_with("CHANNEL_") || event.starts_with("THREAD_") => GUILDS,
        _ if event.starts_with("MESSAGE_REACTION_") => {
            if direct {
                DIRECT_MESSAGE_REACTIONS
            } else {
                GUILD_MESSAGE_REACTIONS
            }
        }
        "MESSAGE_CREATE" | "MESSAGE_UPDATE" | "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK" => {
            if direct { DIRECT_MESSAGES } else { GUILD_MESSAGES }
        }
        _ => 0,
    }
}

/// Whether a message's words are none of the bot's business: said in a guild, by somebody else, and not
/// to the bot.
fn foreign(message: &Value, bot: &str) -> bool {
    let mentions = message["mentions"].as_array().map(Vec::as_slice).unwrap_or_default();
    !message["guild_id"].is_null()
        && message["author"]["id"] != bot
        && !mentions.iter().any(|user| user["id"] == bot)
}

fn wordless(message: &Value) -> Value {
    let mut message = message.clone();
    if let Some(fields) = message.as_object_mut() {
        for key in ["embeds", "attachments", "components"] {
            if let Some(field) = fields.get_mut(key) {
                *field = json!([]);
            }
        }
        if let Some(content) = fields.get_mut("content") {
            *content = json!("");
        }
        fields.remove("poll");
    }
    message
}
