//! Channels: made, changed, taken away.

use serde_json::Value;

use super::overwrites::read as overwrite;
use super::{Answered, Call, created, ok};
use crate::discord::channel::Channel;
use crate::discord::permissions as may;
use crate::discord::refusal::{Problems, Refusal};
use crate::discord::{posts, shown};

/// Channels in a guild, and in a category.
const CHANNELS: usize = 500;
const IN_CATEGORY: usize = 50;

const TOPIC: usize = 1024;

pub(super) fn get(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(0)?;
    ok(shown::channel(call.state, &channel))
}

pub(super) fn create(call: &mut Call<'_>) -> Answered {
    call.guild()?;
    call.may(may::MANAGE_CHANNELS)?;
    let body = call.body;
    check(call, body, true, None)?;
    let kind = body["type"].as_u64().unwrap_or_default();
    if kind != u64::from(Channel::TEXT) && kind != u64::from(Channel::CATEGORY) {
        let message = "The sandbox makes text channels and categories only.";
        return Err(Refusal::field("type", "BASE_TYPE_CHOICES", message));
    }
    let own = |channel: &&Channel| !channel.is_thread() && channel.recipient.is_none();
    let count = call.state.channels.values().filter(own).count();
    if count >= CHANNELS {
        let message = "Maximum number of guild channels reached (500)";
        return Err(Refusal::new(400, 30013, message));
    }
    let overwrites = overwrites(call, body, call.state.bot_guild_permissions())?;
    let id = call.state.id();
    let mut channel = Channel {
        id: id.clone(),
        kind: if kind == 0 { Channel::TEXT } else { Channel::CATEGORY },
        overwrites: overwrites.unwrap_or_default(),
        position: count,
        ..Channel::default()
    };
    fill(&mut channel, body);
    let shown = shown::channel(call.state, &channel);
    call.state.channels.insert(id.clone(), channel);
    call.state.tell_channel("CREATE", &id);
    created(shown)
}

pub(super) fn edit(call: &mut Call<'_>) -> Answered {
    let mut channel = call.channel(0)?;
    if channel.recipient.is_some() {
        return Err(Refusal::new(403, 50003, "Cannot execute action on a DM channel"));
    }
    let body = call.body;
    let own_thread = channel.owner.as_ref() == Some(&call.state.app.bot_user);
    match channel.is_thread() {
        true if own_thread && body["locked"].is_null() => {}
        true => drop(call.channel(may::MANAGE_THREADS)?),
        false => drop(call.channel(may::MANAGE_CHANNELS)?),
    }
    check(call, body, false, Some(&channel))?;
    // An archived thread takes nothing but what opens it again.
    if channel.archived && body["archived"] != false {
        return Err(Refusal::archived());
    }
    let permissions = call.state.bot_permissions(&channel);
    if let Some(overwrites) = overwrites(call, body, permissions)? {
        call.channel(may::MANAGE_ROLES)?;
        channel.overwrites = overwrites;
    }
    let before = (channel.name.clone(), channel.topic.clone());
    fill(&mut channel, body);
    if before != (channel.name.clone(), channel.topic.clone()) {
        let now = call.state.now;
        call.state.rates.rename(&channel.id, now)?;
    }
    let (id, shown) = (channel.id.clone(), shown::channel(call.state, &channel));
    call.state.channels.insert(id.clone(), channel);
    call.state.tell_channel("UPDATE", &id);
    ok(shown)
}

pub(super) fn delete(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(0)?;
    // A direct conversation is only closed.
    if channel.recipient.is_none() {
        call.channel(if channel.is_thread() { may::MANAGE_THREADS } else { may::MANAGE_CHANNELS })?;
        call.state.remove_channel(&channel.id);
    }
    ok(shown::channel(call.state, &channel))
}

fn check(
    call: &Call<'_>,
    body: &Value,
    new: bool,
    changed: Option<&Channel>,
) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    let length = |value: &Value| value.as_str().map(|text| text.chars().count());
    match (&body["name"], length(&body["name"])) {
        (Value::Null, _) if !new => {}
        (Value::Null, _) => problems.missing("name"),
        (_, Some(1..=100)) => {}
        _ => {
            let message = "Must be between 1 and 100 in length.";
            problems.say("name", "BASE_TYPE_BAD_LENGTH", message);
        }
    }
    match (&body["topic"], length(&body["topic"])) {
        (Value::Null, _) | (_, Some(0..=TOPIC)) => {}
        _ => problems.say("topic", "BASE_TYPE_MAX_LENGTH", "Must be 1024 or fewer in length."),
    }
    if let Some(parent) = posts::text(&body["parent_id"]) {
        let category = call.state.channels.get(&parent);
        let category = category.filter(|known| known.kind == Channel::CATEGORY);
        let inside = |one: &&Channel| one.parent.as_deref() == Some(parent.as_str());
        let moved =
            changed.is_none_or(|channel| channel.parent.as_deref() != Some(parent.as_str()));
        if category.is_none() {
            problems.say("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist");
        } else if moved && call.state.channels.values().filter(inside).count() >= IN_CATEGORY {
            let message = "Maximum number of channels in category reached (50)";
            problems.say("parent_id", "CHANNEL_PARENT_MAX_CHANNELS", message);
        }
    }
    for key in ["archived", "locked", "invitable", "nsfw"] {
        if !matches!(body[key], Value::Null | Value::Bool(_)) {
            problems.say(key, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
        }
    }
    problems.done()
}

/// The overwrites of the body, if it has them; the bot gives only what it has.
fn overwrites(
    call: &Call<'_>,
    body: &Value,
    has: u64,
) -> Result<Option<Vec<crate::discord::Overwrite>>, Refusal> {
    let Some(list) = body["permission_overwrites"].as_array() else { return Ok(None) };
    let mut read = Vec::new();
    for (at, one) in list.iter().enumerate() {
        let id = posts::text(&one["id"]).unwrap_or_default();
        read.push(overwrite(call, &id, one, has, &format!("permission_overwrites.{at}"))?);
    }
    Ok(Some(read))
}

fn fill(channel: &mut Channel, body: &Value) {
    if let Some(name) = body["name"].as_str() {
        // The names of text channels are written in one way.
        let plain = channel.kind == Channel::TEXT;
        channel.name = if plain { name.to_lowercase().replace(' ', "-") } else { name.to_owned() };
    }
    if body.get("topic").is_some() && !channel.is_thread() {
        channel.topic = body["topic"].as_str().filter(|topic| !topic.is_empty()).map(str::to_owned);
    }
    if body.get("parent_id").is_some() && !channel.is_thread() {
        channel.parent = posts::text(&body["parent_id"]);
    }
    if channel.is_thread() {
        channel.archived = body["archived"].as_bool().unwrap_or(channel.archived);
        channel.locked = body["locked"].as_bool().unwrap_or(channel.locked);
    }
}
