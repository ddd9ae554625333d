//! Threads and who is in them. Source: docs.discord.com/developers/topics/threads.

use serde_json::{Value, json};

use super::{Answered, Call, created, nothing, ok};
use crate::discord::channel::{Channel, Message};
use crate::discord::permissions as may;
use crate::discord::refusal::{Problems, Refusal};
use crate::discord::state::unix_millis;
use crate::discord::{posts, shown};

/// Of a message: it has a thread.
const HAS_THREAD: u64 = 1 << 5;

/// A thread that begins at a message; it has the message's id.
pub(super) fn from_message(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(may::CREATE_PUBLIC_THREADS | may::READ_HISTORY)?;
    parent(&channel)?;
    let id = call.parameter("message_id").to_owned();
    let message = channel.messages.iter().find(|message| message.id == id);
    let mut message = message.cloned().ok_or_else(Refusal::unknown_message)?;
    if message.flags & HAS_THREAD != 0 {
        let text = "A thread has already been created for this message";
        return Err(Refusal::new(400, 160_004, text));
    }
    check(call.body)?;
    message.flags |= HAS_THREAD;
    posts::replace(call.state, message)?;
    begin(call, &id, &channel, Channel::PUBLIC_THREAD)
}

/// A thread that begins by itself. It is private unless the body says otherwise.
pub(super) fn create(call: &mut Call<'_>) -> Answered {
    let kind = call.body["type"].as_u64().unwrap_or(u64::from(Channel::PRIVATE_THREAD));
    let (kind, needs) = match kind {
        11 => (Channel::PUBLIC_THREAD, may::CREATE_PUBLIC_THREADS),
        12 => (Channel::PRIVATE_THREAD, may::CREATE_PRIVATE_THREADS),
        _ => {
            let message = "Value must be one of (11, 12).";
            return Err(Refusal::field("type", "BASE_TYPE_CHOICES", message));
        }
    };
    let channel = call.channel(needs)?;
    parent(&channel)?;
    check(call.body)?;
    let id = call.state.id();
    let answered = begin(call, &id, &channel, kind)?;
    if kind == Channel::PUBLIC_THREAD {
        let notice = Message {
            id: call.state.id(),
            channel: channel.id,
            kind: 18,
            author: call.state.app.bot_user.clone(),
            by_bot: true,
            content: answered.body["name"].as_str().unwrap_or_default().to_owned(),
            sent_at: unix_millis(),
            ..Message::default()
        };
        posts::post(call.state, notice)?;
    }
    Ok(answered)
}

fn parent(channel: &Channel) -> Result<(), Refusal> {
    let text = "Cannot execute action on this channel type";
    let fits = channel.kind == Channel::TEXT;
    if fits { Ok(()) } else { Err(Refusal::new(400, 50024, text)) }
}

fn check(body: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    match body["name"].as_str().map(|name| name.chars().count()) {
        None => problems.missing("name"),
        Some(1..=100) => {}
        Some(_) => {
            let message = "Must be between 1 and 100 in length.";
            problems.say("name", "BASE_TYPE_BAD_LENGTH", message);
        }
    }
    let archive = &body["auto_archive_duration"];
    if !archive.is_null() && !matches!(archive.as_u64(), Some(60 | 1440 | 4320 | 10080)) {
        let message = "Value must be one of (60, 1440, 4320, 10080).";
        problems.say("auto_archive_duration", "BASE_TYPE_CHOICES", message);
    }
    problems.done()
}

fn begin(call: &mut Call<'_>, id: &str, channel: &Channel, kind: u8) -> Answered {
    let bot = call.state.app.bot_user.clone();
    let thread = Channel {
        id: id.to_owned(),
        kind,
        name: call.body["name"].as_str().unwrap_or_default().to_owned(),
        parent: Some(channel.id.clone()),
        members: vec![bot.clone()],
        owner: Some(bot),
        ..Channel::default()
    };
    let shown = shown::channel(call.state, &thread);
    call.state.channels.insert(id.to_owned(), thread);
    call.state.tell_channel("CREATE", id);
    created(shown)
}

/// The thread of the path, while it is open.
fn open(call: &Call<'_>, needs: u64) -> Result<Channel, Refusal> {
    let channel = call.channel(needs)?;
    if !channel.is_thread() {
        return Err(Refusal::new(400, 50024, "Cannot execute action on this channel type"));
    }
    if channel.archived { Err(Refusal::archived()) } else { Ok(channel) }
}

pub(super) fn members(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(0)?;
    let shown = channel.members.iter().map(|id| {
        json!({
            "id": channel.id, "user_id": id, "flags": 0,
            "join_timestamp": shown::time(unix_millis()),
        })
    });
    ok(Value::Array(shown.collect()))
}

pub(super) fn join(call: &mut Call<'_>) -> Answered {
    let bot = call.state.app.bot_user.clone();
    enter(call, 0, bot)
}

pub(super) fn add(call: &mut Call<'_>) -> Answered {
    let user = call.parameter("user_id").to_owned();
    enter(call, may::SEND_IN_THREADS, user)
}

fn enter(call: &mut Call<'_>, needs: u64, user: String) -> Answered {
    let channel = open(call, needs)?;
    let known = call.state.users.iter().any(|known| known.id == user && known.member);
    if !known {
        return Err(Refusal::new(404, 10007, "Unknown Member"));
    }
    let stored = call.stored(&channel.id)?;
    if !stored.members.contains(&user) {
        stored.members.push(user);
    }
    nothing()
}

pub(super) fn leave(call: &mut Call<'_>) -> Answered {
    let bot = call.state.app.bot_user.clone();
    go(call, 0, &bot)
}

pub(super) fn remove(call: &mut Call<'_>) -> Answered {
    let user = call.parameter("user_id").to_owned();
    go(call, may::MANAGE_THREADS, &user)
}

fn go(call: &mut Call<'_>, needs: u64, user: &str) -> Answered {
    let channel = open(call, needs)?;
    call.stored(&channel.id)?.members.retain(|known| known != user);
    nothing()
}
