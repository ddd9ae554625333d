//! `chat.*`: posting, changing and deleting messages.

use serde_json::{Value, json};

use super::{Answered, Call};
use crate::slack::channel::{Channel, Message};
use crate::slack::limits::{self, Content};
use crate::slack::refusal::Refusal;
use crate::slack::scopes::Kind;
use crate::slack::state::State;

pub(super) fn post(call: &mut Call<'_>) -> Answered {
    let id = target(call)?;
    let content = limits::content(&call.args.fields)?;
    let metadata = limits::metadata(&call.args.fields)?;
    let thread_ts = thread(&call.state.channels[&id], call.args.text("thread_ts"))?;
    let mut message = written(call.state, content);
    message.metadata = metadata;
    message.broadcast = thread_ts.is_some() && call.args.flag("reply_broadcast");
    message.thread_ts = thread_ts;
    let ts = message.ts.clone();
    let shown = message.json(&call.state.team, &call.state.app, &[], true);
    call.state.channels.get_mut(&id).expect("it was found above").post(message);
    Ok(json!({ "channel": id, "ts": ts, "message": shown }))
}

pub(super) fn post_ephemeral(call: &mut Call<'_>) -> Answered {
    let id = target(call)?;
    let user = call.args.required("user")?.to_owned();
    let content = limits::content(&call.args.fields)?;
    let channel = &call.state.channels[&id];
    if !channel.has(&user) {
        let known = call.state.users.iter().any(|known| known.id == user);
        return Err(Refusal::new(if known { "user_not_in_channel" } else { "user_not_found" }));
    }
    let thread_ts = thread(channel, call.args.text("thread_ts"))?;
    let mut message = written(call.state, content);
    message.only_for = Some(user);
    message.thread_ts = thread_ts;
    let ts = message.ts.clone();
    call.state.channels.get_mut(&id).expect("it was found above").post(message);
    Ok(json!({ "message_ts": ts }))
}

pub(super) fn update(call: &mut Call<'_>) -> Answered {
    let ts = call.args.required("ts")?.to_owned();
    let fields = &call.args.fields;
    let content = limits::content(fields)?;
    let metadata = limits::metadata(fields)?;
    let given = |key: &str| call.args.get(key).is_some();
    let (text, blocks, attachments) = (given("text"), given("blocks"), given("attachments"));
    let new_blocks = call.state.named(content.blocks);
    let edited = call.state.ts();
    let channel = call.open_channel()?;
    let id = channel.id.clone();
    let message = own(channel, &ts, "cant_update_message")?;
    if text {
        message.text = content.text;
    }
    // What is not given stays, an empty list removes (docs.slack.dev, chat.update).
    if blocks {
        message.blocks = new_blocks;
    }
    if attachments {
        message.attachments = content.attachments;
    }
    if metadata.is_some() {
        message.metadata = metadata;
    }
    message.edits += 1;
    message.edited = Some(edited);
    let (message, text) = (message.clone(), message.text.clone());
    let shown = message.json(&call.state.team, &call.state.app, &[], true);
    Ok(json!({ "channel": id, "ts": ts, "text": text, "message": shown }))
}

pub(super) fn delete(call: &mut Call<'_>) -> Answered {
    let ts = call.args.required("ts")?.to_owned();
    let channel = call.joined()?;
    own(channel, &ts, "cant_delete_message")?;
    channel.remove(&ts);
    Ok(json!({ "channel": channel.id, "ts": ts }))
}

pub(super) fn permalink(call: &mut Call<'_>) -> Answered {
    let ts = call.args.required("message_ts")?.to_owned();
    let domain = call.state.team.domain.clone();
    let channel = call.channel()?;
    let id = channel.id.clone();
    let message = channel.message(&ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    let mut link = format!("https://{domain}.slack.com/archives/{id}/p{}", ts.replace('.', ""));
    if message.is_reply() {
        let root = message.thread_ts.as_deref().unwrap_or_default();
        link = format!("{link}?thread_ts={root}&cid={id}");
    }
    Ok(json!({ "channel": id, "permalink": link }))
}

/// The bot's own message at `ts`.
///
/// # Errors
/// `message_not_found`, or `not_own` for somebody else's.
fn own<'a>(channel: &'a mut Channel, ts: &str, not_own: &str) -> Result<&'a mut Message, Refusal> {
    let message = channel.message(ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    if message.by_bot { Ok(message) } else { Err(Refusal::new(not_own)) }
}

/// The id of the conversation to post to: an id, a name with `#`, or a user's id.
fn target(call: &mut Call<'_>) -> Result<String, Refusal> {
    let given = call.args.required("channel")?.to_owned();
    let not_found = || Refusal::new("channel_not_found");
    if call.state.users.iter().any(|user| user.id == given) {
        return Ok(super::conversations::direct(call.state, &given));
    }
    let channel = call.state.room(&given).ok_or_else(not_found)?;
    let (id, kind, archived) = (channel.id.clone(), channel.kind(), channel.archived);
    let member = call.state.channels[&id].has(&call.state.app.bot_user);
    let everywhere = call.state.tokens.scopes.iter().any(|scope| scope == "chat:write.public");
    if !member && kind != Kind::Public {
        return Err(not_found());
    }
    if archived {
        return Err(Refusal::new("is_archived"));
    }
    if !member && !everywhere {
        return Err(Refusal::new("not_in_channel"));
    }
    Ok(id)
}

/// The first message of the thread that a reply goes to.
pub(super) fn thread(channel: &Channel, ts: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(ts) = ts else {
        return Ok(None);
    };
    let at = channel.position(ts).ok_or_else(|| Refusal::new("thread_not_found"))?;
    let root = channel.messages[at].thread_ts.clone();
    Ok(Some(root.unwrap_or_else(|| ts.to_owned())))
}

/// A new message of the bot's, not posted yet.
pub(super) fn written(state: &mut State, content: Content) -> Message {
    let blocks: Vec<Value> = state.named(content.blocks);
    Message {
        ts: state.ts(),
        user: state.app.bot_user.clone(),
        by_bot: true,
        text: content.text,
        blocks,
        attachments: content.attachments,
        ..Message::default()
    }
}
