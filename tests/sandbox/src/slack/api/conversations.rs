//! `conversations.*`, but for members and messages: creating, naming, archiving, finding.

use serde_json::{Value, json};

use super::{Answered, Call, cursor, page};
use crate::slack::channel::{Channel, merge};
use crate::slack::options::Room;
use crate::slack::refusal::Refusal;
use crate::slack::scopes::Kind;
use crate::slack::state::{State, seconds};

/// The longest topic or purpose, in characters.
const NOTE: usize = 250;

/// The longest name, in characters.
const NAME: usize = 80;

pub(super) fn create(call: &mut Call<'_>) -> Answered {
    let name = name_given(call)?;
    let private = call.args.flag("is_private");
    let kind = if private { Kind::Private } else { Kind::Public };
    call.needs.of(kind, &call.state.tokens.scopes)?;
    let id = call.state.id("C");
    let bot = call.state.app.bot_user.clone();
    let room = Room {
        id: id.clone(),
        name,
        private,
        archived: false,
        shared: false,
        members: vec![bot.clone()],
    };
    let channel = Channel::of(&room, &bot, seconds());
    call.state.channels.insert(id.clone(), channel);
    call.shown(&id)
}

pub(super) fn rename(call: &mut Call<'_>) -> Answered {
    let name = name_given(call)?;
    let channel = call.open_channel()?;
    let old = std::mem::replace(&mut channel.name, name);
    channel.previous_names.push(old);
    let id = channel.id.clone();
    call.shown(&id)
}

/// Lower case, digits, hyphens and underscores, at most 80 characters, and not taken.
fn name_given(call: &Call<'_>) -> Result<String, Refusal> {
    let name = call.args.text("name").ok_or_else(|| Refusal::new("invalid_name_required"))?;
    if name.chars().count() > NAME {
        return Err(Refusal::new("invalid_name_maxlength"));
    }
    let good = |c: char| matches!(c, '-' | '_') || (c.is_alphanumeric() && !c.is_uppercase());
    if !name.chars().all(good) {
        return Err(Refusal::new("invalid_name_specials"));
    }
    if !name.chars().any(char::is_alphanumeric) {
        return Err(Refusal::new("invalid_name_punctuation"));
    }
    if call.state.channels.values().any(|channel| channel.name == name) {
        return Err(Refusal::new("name_taken"));
    }
    Ok(name.to_owned())
}

pub(super) fn set_topic(call: &mut Call<'_>) -> Answered {
    let topic = note(call, "topic")?;
    let channel = call.open_channel()?;
    channel.topic = topic;
    let id = channel.id.clone();
    call.shown(&id)
}

pub(super) fn set_purpose(call: &mut Call<'_>) -> Answered {
    let purpose = note(call, "purpose")?;
    let channel = call.open_channel()?;
    channel.purpose.clone_from(&purpose);
    let id = channel.id.clone();
    let mut answer = call.shown(&id)?;
    merge(&mut answer, json!({ "purpose": purpose }));
    Ok(answer)
}

fn note(call: &Call<'_>, key: &str) -> Result<String, Refusal> {
    let given = call.args.get(key).and_then(Value::as_str);
    let text = given.ok_or_else(|| Refusal::missing(key))?;
    if text.chars().count() > NOTE {
        return Err(Refusal::new("too_long"));
    }
    Ok(text.to_owned())
}

pub(super) fn archive(call: &mut Call<'_>) -> Answered {
    let channel = call.joined()?;
    if channel.archived {
        return Err(Refusal::new("already_archived"));
    }
    if channel.direct.is_some() {
        return Err(Refusal::new("method_not_supported_for_channel_type"));
    }
    channel.archived = true;
    Ok(json!({}))
}

pub(super) fn unarchive(call: &mut Call<'_>) -> Answered {
    let channel = call.channel()?;
    if !channel.archived {
        return Err(Refusal::new("not_archived"));
    }
    channel.archived = false;
    Ok(json!({}))
}

pub(super) fn info(call: &mut Call<'_>) -> Answered {
    let channel = call.channel()?;
    let (id, members) = (channel.id.clone(), channel.members.len());
    let mut answer = call.shown(&id)?;
    if call.args.flag("include_num_members") {
        answer["channel"]["num_members"] = json!(members);
    }
    Ok(answer)
}

pub(super) fn list(call: &mut Call<'_>) -> Answered {
    let channels = visible(call, |_| true)?;
    listed(call, &channels)
}

/// The conversations of one person, or of the bot, as far as the bot sees them.
pub(super) fn of_user(call: &mut Call<'_>) -> Answered {
    let user = call.args.text("user").unwrap_or(&call.state.app.bot_user).to_owned();
    let channels = visible(call, |channel| channel.has(&user))?;
    listed(call, &channels)
}

fn listed(call: &Call<'_>, channels: &[Value]) -> Answered {
    let (channels, next) = page(call.args, channels, 100, 1000)?;
    Ok(json!({ "channels": channels, "response_metadata": cursor(&next) }))
}

fn visible(call: &Call<'_>, wanted: impl Fn(&Channel) -> bool) -> Result<Vec<Value>, Refusal> {
    let (state, bot) = (&*call.state, &call.state.app.bot_user);
    let mut types = call.args.list("types");
    if types.is_empty() {
        types.push("public_channel".to_owned());
    }
    let mut shown = Vec::new();
    for kind in &types {
        let kind = match kind.as_str() {
            "public_channel" => Kind::Public,
            "private_channel" => Kind::Private,
            "im" => Kind::Direct,
            "mpim" => continue,
            _ => return Err(Refusal::new("invalid_types")),
        };
        call.needs.of(kind, &state.tokens.scopes)?;
        let found = state.channels.values().filter(|channel| {
            channel.kind() == kind
                && (kind == Kind::Public || channel.has(bot))
                && !(channel.archived && call.args.flag("exclude_archived"))
                && wanted(channel)
        });
        shown.extend(found.map(|channel| {
            let mut shown = channel.json(&state.team, bot);
            shown["num_members"] = json!(channel.members.len());
            shown
        }));
    }
    Ok(shown)
}

pub(super) fn open(call: &mut Call<'_>) -> Answered {
    if call.args.text("channel").is_some() {
        let id = call.channel()?.id.clone();
        return Ok(json!({ "channel": { "id": id } }));
    }
    let users = call.args.list("users");
    let user = match users.as_slice() {
        [] => return Err(Refusal::missing("users")),
        [user] => user.clone(),
        // Conversations of several people are not among what this workspace has.
        _ => return Err(Refusal::new("too_many_users")),
    };
    if !call.state.users.iter().any(|known| known.id == user) {
        return Err(Refusal::new("user_not_found"));
    }
    let before = call.state.channels.len();
    let id = direct(call.state, &user);
    let already = before == call.state.channels.len();
    let mut answer = json!({ "channel": { "id": id } });
    if already {
        merge(&mut answer, json!({ "no_op": true, "already_open": true }));
    }
    Ok(answer)
}

/// The direct message between the bot and a person, made when there is none.
pub(in crate::slack) fn direct(state: &mut State, user: &str) -> String {
    let mut channels = state.channels.values();
    if let Some(found) = channels.find(|channel| channel.direct.as_deref() == Some(user)) {
        return found.id.clone();
    }
    let id = state.id("D");
    let bot = state.app.bot_user.clone();
    let room = Room {
        id: id.clone(),
        name: String::new(),
        private: true,
        archived: false,
        shared: false,
        members: vec![bot.clone(), user.to_owned()],
    };
    let mut channel = Channel::of(&room, &bot, seconds());
    channel.direct = Some(user.to_owned());
    state.channels.insert(id.clone(), channel);
    id
}
