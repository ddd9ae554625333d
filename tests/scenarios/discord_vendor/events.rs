//! Events of the gateway as an app gets them. Discord publishes no schema of one; each is an object of
//! the API with a few fields more, which the pages named here list. Called by the scenarios of
//! `discord.py`, which records them.

use serde_json::Value;

use super::contract::{Side, check, named};
use super::interaction;

/// What is wrong with the contents of an event.
///
/// # Panics
/// For an event that the sandbox is not known to send.
pub(super) fn complaints(event: &str, data: &Value) -> Vec<String> {
    let of = |object: &Value, more: &[&str], schema: &str| {
        let mut object = object.clone();
        if let Some(fields) = object.as_object_mut() {
            fields.retain(|key, _| !more.contains(&key.as_str()));
        }
        check(Side::Discord, &named(schema), &object)
    };
    let each = |key: &str, schema: &dyn Fn(&Value) -> &'static str| {
        let list = data[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let wrong = list.iter().flat_map(|one| of(one, &[], schema(one)));
        wrong.map(|wrong| format!("/{key}{wrong}")).collect::<Vec<_>>()
    };
    // developers/events/gateway-events, "extra fields" of each event.
    let wrong = match event {
        "READY" => of(&data["user"], &[], "UserPIIResponse"),
        "RESUMED" => Vec::new(),
        "GUILD_CREATE" => {
            let more = [
                "joined_at",
                "large",
                "unavailable",
                "member_count",
                "voice_states",
                "members",
                "channels",
                "threads",
                "presences",
                "stage_instances",
                "guild_scheduled_events",
                "soundboard_sounds",
            ];
            let mut wrong = of(data, &more, "GuildResponse");
            wrong.extend(each("members", &|_| "GuildMemberResponse"));
            wrong.extend(each("channels", &interaction::channel));
            wrong.extend(each("threads", &interaction::channel));
            wrong
        }
        "GUILD_DELETE" => Vec::new(),
        "GUILD_MEMBER_UPDATE" => of(data, &["guild_id"], "GuildMemberResponse"),
        "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "CHANNEL_DELETE" | "THREAD_CREATE"
        | "THREAD_UPDATE" => of(data, &["newly_created"], interaction::channel(data)),
        "MESSAGE_CREATE" | "MESSAGE_UPDATE" => of(data, &["guild_id", "member"], "MessageResponse"),
        "MESSAGE_DELETE" => ids(data, &["id", "channel_id", "guild_id"]),
        // "Just the id, guild_id, parent_id, and type fields."
        "THREAD_DELETE" => {
            let mut wrong = ids(data, &["id", "guild_id", "parent_id"]);
            let more = data.as_object().is_none_or(|fields| fields.len() != 4);
            wrong.extend(more.then(|| "there are other fields".to_owned()));
            wrong.extend(check(Side::Discord, &named("ChannelTypes"), &data["type"]));
            wrong
        }
        "INTERACTION_CREATE" => interaction::complaints(data),
        other => panic!("an event that no schema is known for: {other}"),
    };
    wrong.into_iter().map(|wrong| format!("{event}: {wrong}")).collect()
}

/// What is wrong with the ids of an event that has not much else.
fn ids(data: &Value, keys: &[&str]) -> Vec<String> {
    keys.iter().flat_map(|key| check(Side::Discord, &named("SnowflakeType"), &data[*key])).collect()
}
