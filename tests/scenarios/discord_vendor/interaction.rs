//! Interactions as the sandbox delivers them. Discord publishes no schema of one; the objects in it are
//! published, and held against their schemas here. What stands around them is judged by `discord.py`'s
//! types (`gateway_peer.py`). Called by the judge of the conversations.

use serde_json::Value;

use super::contract::{Side, check, named};

/// What is wrong in the objects of an interaction.
pub(super) fn complaints(payload: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut held = |at: &str, object: &Value, schema: &str| {
        if !object.is_null() {
            let wrong = check(Side::Discord, &named(schema), object);
            found.extend(wrong.into_iter().map(|wrong| format!("interaction: {at}{wrong}")));
        }
    };
    for (key, schema) in [
        ("id", "SnowflakeType"),
        ("application_id", "SnowflakeType"),
        ("channel_id", "SnowflakeType"),
        ("guild_id", "SnowflakeType"),
        ("type", "InteractionTypes"),
        ("context", "InteractionContextType"),
        ("user", "UserResponse"),
        ("message", "MessageResponse"),
    ] {
        held(key, &payload[key], schema);
    }
    held("member", &member(&payload["member"]), "GuildMemberResponse");
    held("channel", &payload["channel"], channel(&payload["channel"]));
    let messages = payload["data"]["resolved"]["messages"].as_object();
    for message in messages.into_iter().flat_map(|messages| messages.values()) {
        held("data/resolved/messages", message, "MessageResponse");
    }
    found
}

/// A member without what interactions have more: developers/resources/guild, "Guild Member Object" (the
/// permissions), and the example in developers/interactions/application-commands (`is_pending`).
fn member(member: &Value) -> Value {
    let mut member = member.clone();
    if let Some(fields) = member.as_object_mut() {
        for key in ["permissions", "is_pending", "unusual_dm_activity_until"] {
            fields.remove(key);
        }
    }
    member
}

/// The schema of a channel.
pub(super) fn channel(channel: &Value) -> &'static str {
    match channel["type"].as_u64() {
        Some(1) => "PrivateChannelResponse",
        Some(10..=12) => "ThreadResponse",
        _ => "GuildChannelResponse",
    }
}
