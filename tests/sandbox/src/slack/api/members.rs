//! Who is in a conversation: `conversations.invite`, `.kick`, `.join`, `.leave`, `.members`.

use serde_json::{Value, json};

use super::{Answered, Call, cursor, page};
use crate::slack::refusal::Refusal;
use crate::slack::scopes::Kind;

/// The most people invited at once.
const MOST: usize = 100;

pub(super) fn invite(call: &mut Call<'_>) -> Answered {
    let users = call.args.list("users");
    if users.is_empty() {
        return Err(Refusal::new("no_user"));
    }
    if users.len() > MOST {
        return Err(Refusal::new("too_many_users"));
    }
    let channel = call.open_channel()?;
    let (id, members) = (channel.id.clone(), channel.members.clone());
    let mut errors: Vec<Value> = Vec::new();
    let mut good = Vec::new();
    for user in users {
        match refused(call, &members, &user) {
            Some(error) => errors.push(json!({ "ok": false, "error": error, "user": user })),
            None => good.push(user),
        }
    }
    // All or nothing, unless the caller says otherwise.
    if let Some(first) = errors.first().filter(|_| good.is_empty() || !call.args.flag("force")) {
        let error = first["error"].as_str().unwrap_or_default().to_owned();
        return Err(Refusal::new(&error).with("errors", errors));
    }
    let channel = call.state.channels.get_mut(&id).expect("it was found above");
    channel.members.extend(good);
    let mut answer = call.shown(&id)?;
    if !errors.is_empty() {
        answer["errors"] = Value::Array(errors);
    }
    Ok(answer)
}

fn refused(call: &Call<'_>, members: &[String], id: &str) -> Option<&'static str> {
    let Some(user) = call.state.users.iter().find(|user| user.id == id) else {
        return Some("user_not_found");
    };
    if id == call.state.app.bot_user {
        Some("cant_invite_self")
    } else if members.iter().any(|member| member == id) {
        Some("already_in_channel")
    } else if user.deleted {
        Some("user_not_found")
    } else if user.ultra_restricted {
        Some("ura_max_channels")
    } else if user.stranger {
        Some("cant_invite")
    } else {
        None
    }
}

pub(super) fn kick(call: &mut Call<'_>) -> Answered {
    let user = call.args.required("user")?.to_owned();
    let bot = call.state.app.bot_user.clone();
    let known = call.state.users.iter().any(|known| known.id == user);
    let channel = call.open_channel()?;
    if user == bot {
        return Err(Refusal::new("cant_kick_self"));
    }
    if !known {
        return Err(Refusal::new("user_not_found"));
    }
    if !channel.has(&user) {
        return Err(Refusal::new("not_in_channel"));
    }
    channel.members.retain(|member| *member != user);
    Ok(json!({}))
}

pub(super) fn join(call: &mut Call<'_>) -> Answered {
    let bot = call.state.app.bot_user.clone();
    let channel = call.channel()?;
    let id = channel.id.clone();
    if channel.archived {
        return Err(Refusal::new("is_archived"));
    }
    if channel.kind() != Kind::Public {
        return Err(Refusal::new("method_not_supported_for_channel_type"));
    }
    let already = channel.has(&bot);
    if !already {
        channel.members.push(bot);
    }
    let mut answer = call.shown(&id)?;
    if already {
        answer["warning"] = json!("already_in_channel");
        answer["response_metadata"] = json!({ "warnings": ["already_in_channel"] });
    }
    Ok(answer)
}

pub(super) fn leave(call: &mut Call<'_>) -> Answered {
    let bot = call.state.app.bot_user.clone();
    let channel = call.channel()?;
    if channel.archived {
        return Err(Refusal::new("is_archived"));
    }
    if !channel.has(&bot) {
        return Ok(json!({ "not_in_channel": true }));
    }
    channel.members.retain(|member| *member != bot);
    Ok(json!({}))
}

pub(super) fn members(call: &mut Call<'_>) -> Answered {
    let members = call.channel()?.members.clone();
    let (members, next) = page(call.args, &members, 100, 1000)?;
    Ok(json!({ "members": members, "response_metadata": cursor(&next) }))
}
