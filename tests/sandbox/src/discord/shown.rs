//! How Discord shows what the guild holds: users, members, roles, channels, messages, the guild itself.
//! Invariant: every object has the fields that the published schema requires of it. Source:
//! docs.discord.com/developers/resources. Used by the methods, the interactions and the gateway.

use serde_json::{Value, json};

use super::channel::{Channel, Message};
use super::gateway::Ready;
use super::options::{Role, User};
use super::state::State;

const JOINED: &str = "2024-01-01T00:00:00.000000+00:00";

/// Milliseconds since 1970 as Discord writes times.
pub(super) fn time(millis: u64) -> String {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}

pub(super) fn user(user: &User) -> Value {
    let mut shown = json!({
        "id": user.id, "username": user.name, "discriminator": "0", "avatar": null,
        "global_name": user.global_name, "public_flags": 0, "flags": 0, "banner": null,
        "accent_color": null, "avatar_decoration_data": null, "collectibles": null,
        "primary_guild": null,
    });
    // Discord leaves the field out for people.
    if user.bot {
        shown["bot"] = json!(true);
    }
    shown
}

/// The bot's own user.
pub(super) fn me(state: &State) -> Value {
    let mut shown = state.user(&state.app.bot_user).map(user).unwrap_or_default();
    shown["verified"] = json!(true);
    shown["mfa_enabled"] = json!(true);
    shown["email"] = Value::Null;
    shown["locale"] = json!("en-US");
    shown
}

pub(super) fn member(one: &User) -> Value {
    json!({
        "user": user(one), "nick": one.nick, "avatar": null, "banner": null,
        "avatar_decoration_data": null, "collectibles": null, "roles": one.roles,
        "joined_at": JOINED, "premium_since": null, "deaf": false, "mute": false, "flags": 0,
        "pending": one.pending, "communication_disabled_until": null,
    })
}

pub(super) fn role(state: &State, role: &Role) -> Value {
    let position = state.roles.iter().position(|known| known.id == role.id).unwrap_or_default();
    let mut shown = json!({
        "id": role.id, "name": role.name, "permissions": role.permissions.to_string(),
        "position": position, "color": 0,
        "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
        "hoist": false, "managed": role.managed, "mentionable": false, "icon": null,
        "unicode_emoji": null, "flags": 0,
    });
    if role.managed {
        shown["tags"] = json!({ "bot_id": state.app.bot_user });
    }
    shown
}

pub(super) fn channel(state: &State, channel: &Channel) -> Value {
    let last = channel.messages.back().map(|message| message.id.clone());
    if let Some(recipient) = &channel.recipient {
        let recipient = state.user(recipient).map(user);
        return json!({
            "id": channel.id, "type": channel.kind, "flags": 0, "last_message_id": last,
            "recipients": [recipient],
        });
    }
    let mut shown = json!({
        "id": channel.id, "type": channel.kind, "guild_id": state.guild, "name": channel.name,
        "parent_id": channel.parent, "last_message_id": last, "flags": 0,
        "rate_limit_per_user": 0,
    });
    let more = if channel.is_thread() {
        let created = millis_of(&channel.id);
        json!({
            "owner_id": channel.owner, "message_count": channel.messages.len(),
            "member_count": channel.members.len().min(50),
            "total_message_sent": channel.messages.len(),
            "thread_metadata": {
                "archived": channel.archived, "locked": channel.locked,
                "auto_archive_duration": 1440, "archive_timestamp": time(created),
                "create_timestamp": time(created), "invitable": true,
            },
        })
    } else {
        let overwrites: Vec<Value> =
            channel.overwrites.iter().map(super::channel::Overwrite::json).collect();
        json!({
            "topic": channel.topic, "position": channel.position, "nsfw": false,
            "permission_overwrites": overwrites,
        })
    };
    extend(&mut shown, more);
    shown
}

/// When an id was made, milliseconds since 1970.
fn millis_of(id: &str) -> u64 {
    (id.parse::<u64>().unwrap_or_default() >> 22) + 1_420_070_400_000
}

pub(super) fn message(state: &State, message: &Message) -> Value {
    let mut shown = bare_message(state, message);
    if let Some(id) = &message.reply_to {
        let channel = state.channels.get(&message.channel);
        let found = channel.and_then(|channel| channel.messages.iter().find(|one| one.id == *id));
        shown["message_reference"] = json!({
            "type": 0, "channel_id": message.channel, "message_id": id, "guild_id": state.guild,
        });
        shown["referenced_message"] = found.map(|one| bare_message(state, one)).unwrap_or_default();
    }
    shown
}

fn bare_message(state: &State, message: &Message) -> Value {
    let people = message.mentions.iter().filter_map(|id| state.user(id));
    let pinged: Vec<Value> = people.map(user).collect();
    let roles: Vec<&str> =
        message.mentions.iter().filter_map(|mention| mention.strip_prefix('&')).collect();
    let mut shown = json!({
        "id": message.id, "channel_id": message.channel, "type": message.kind,
        "author": state.user(&message.author).map(user), "content": message.content,
        "timestamp": time(message.sent_at), "edited_timestamp": message.edited_at.map(time),
        "tts": false, "mention_everyone": message.mentions.iter().any(|one| one == "@everyone"),
        "mentions": pinged, "mention_roles": roles, "attachments": message.attachments,
        "embeds": message.embeds, "components": message.components, "pinned": message.pinned,
        "flags": message.flags,
    });
    if let Some(nonce) = &message.nonce {
        shown["nonce"] = json!(nonce);
    }
    if message.by_bot && message.author == state.app.bot_user {
        shown["application_id"] = json!(state.app.application_id);
    }
    if let Some(interaction) = &message.interaction {
        shown["interaction_metadata"] = interaction.clone();
        shown["webhook_id"] = json!(state.app.application_id);
    }
    shown
}

/// The channels that the bot sees, in their order.
pub(super) fn channels(state: &State) -> Vec<Value> {
    let mut seen: Vec<&Channel> = state
        .channels
        .values()
        .filter(|one| !one.is_thread() && one.recipient.is_none() && state.bot_sees(one))
        .collect();
    seen.sort_by_key(|channel| channel.position);
    seen.into_iter().map(|one| channel(state, one)).collect()
}

/// The threads that are open and that the bot sees.
pub(super) fn active_threads(state: &State) -> Vec<Value> {
    let seen = state
        .channels
        .values()
        .filter(|one| one.is_thread() && !one.archived && state.bot_sees(one));
    seen.map(|one| channel(state, one)).collect()
}

pub(super) fn guild(state: &State) -> Value {
    let roles: Vec<Value> = state.roles.iter().map(|one| role(state, one)).collect();
    json!({
        "id": state.guild, "name": state.guild_name, "icon": null, "description": null,
        "home_header": null, "splash": null, "discovery_splash": null, "features": [],
        "banner": null, "owner_id": state.owner, "application_id": null, "region": "deprecated",
        "afk_channel_id": null, "afk_timeout": 300, "system_channel_id": null,
        "system_channel_flags": 0, "widget_enabled": false, "widget_channel_id": null,
        "verification_level": 0, "roles": roles, "default_message_notifications": 1,
        "mfa_level": 0, "explicit_content_filter": 0, "max_presences": null,
        "max_members": 25_000_000, "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25, "vanity_url_code": null, "premium_tier": 0,
        "premium_subscription_count": 0, "preferred_locale": "en-US", "rules_channel_id": null,
        "safety_alerts_channel_id": null, "public_updates_channel_id": null,
        "premium_progress_bar_enabled": false, "nsfw": false, "nsfw_level": 0, "emojis": [],
        "stickers": [], "incidents_data": null,
    })
}

/// What a session of the gateway begins with.
pub(super) fn ready(state: &State) -> Ready {
    let mut whole = guild(state);
    let bot = state.user(&state.app.bot_user).map(member);
    let members = state.users.iter().filter(|user| user.member).count();
    extend(
        &mut whole,
        json!({
            "joined_at": JOINED, "large": false, "unavailable": false, "member_count": members,
            "voice_states": [], "members": [bot], "channels": channels(state),
            "threads": active_threads(state), "presences": [], "stage_instances": [],
            "guild_scheduled_events": [], "soundboard_sounds": [],
        }),
    );
    let guilds = vec![json!({ "id": state.guild, "unavailable": true })];
    Ready {
        user: me(state),
        guilds: if state.installed { guilds } else { Vec::new() },
        guild_create: if state.installed { vec![whole] } else { Vec::new() },
        application: json!({ "id": state.app.application_id, "flags": 0 }),
    }
}

/// The application, as its own bot sees it.
pub(super) fn application(state: &State) -> Value {
    let owner = state.user(&state.owner).map(user);
    json!({
        "id": state.app.application_id, "name": state.app.name, "icon": null, "description": "",
        "type": null, "bot": state.user(&state.app.bot_user).map(user), "bot_public": false,
        "bot_require_code_grant": false, "verify_key": state.app.public_key, "flags": 0,
        "flags_new": "0", "owner": owner, "team": null,
        "guild_id": state.guild, "tags": [], "redirect_uris": [], "eligible_oauth2_scopes": [],
        "interactions_endpoint_url": state.target.as_deref(), "explicit_content_filter": 0,
        "role_connections_verification_url": null, "integration_types_config": { "0": {} },
        "approximate_guild_count": 1, "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
    })
}

/// Adds the fields of one object to another.
pub(super) fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}
