//! Response URLs: a way to answer one interaction, five times within thirty minutes, also in channels
//! where the bot is not. Invariant: a refused request uses nothing up, and no lookup tells a wrong URL
//! from an old one. Source: docs.slack.dev, "Handling user interaction". Called by the server.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use super::arguments::Arguments;
use super::channel::Message;
use super::limits;
use super::refusal::Refusal;
use super::state::State;

/// How long and how often a URL can be used.
const LIFE: Duration = Duration::from_secs(30 * 60);
const USES: u32 = 5;

/// How many URLs are remembered, used up ones included.
const KEPT: usize = 10_000;

/// What a URL answers.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) user: String,
    pub(super) channel: String,
    /// The message that was clicked; for a command, the last message made by this URL.
    pub(super) message: Option<String>,
    pub(super) thread_ts: Option<String>,
}

#[derive(Debug)]
struct Url {
    path: String,
    origin: Origin,
    born: Duration,
    uses: u32,
}

#[derive(Debug, Default)]
pub(super) struct ResponseUrls {
    kept: VecDeque<Url>,
    count: u64,
}

impl ResponseUrls {
    fn find(&mut self, path: &str) -> Option<&mut Url> {
        self.kept.iter_mut().rev().find(|url| url.path == path)
    }
}

/// A new URL: `kind` is `commands` or `actions`.
pub(super) fn make(state: &mut State, kind: &str, origin: Origin) -> String {
    let urls = &mut state.response_urls;
    urls.count += 1;
    let path = format!("/{kind}/{}/{}/{:024x}", state.team.id, 1_000_000 + urls.count, urls.count);
    if urls.kept.len() >= KEPT {
        urls.kept.pop_front();
    }
    let url = format!("{}{path}", state.base);
    urls.kept.push_back(Url { path, origin, born: state.now, uses: 0 });
    url
}

/// Applies what was posted to a URL.
///
/// # Errors
/// `used_url`, `expired_url` (both HTTP 404), and what a message can be refused for.
pub(super) fn post(state: &mut State, path: &str, args: &Arguments) -> Result<(), Refusal> {
    let now = state.now;
    let url = state.response_urls.find(path).ok_or_else(|| Refusal::new("expired_url"))?;
    if now.saturating_sub(url.born) > LIFE {
        return Err(Refusal::new("expired_url"));
    }
    if url.uses >= USES {
        return Err(Refusal::new("used_url"));
    }
    let origin = url.origin.clone();
    let made = answer(state, &origin, &args.fields)?;
    if let Some(url) = state.response_urls.find(path) {
        url.uses += 1;
        // A command has no message of its own: what it said last is what it can replace.
        if url.origin.message.is_none() || made.is_none() {
            url.origin.message = made;
        }
    }
    Ok(())
}

/// Remembers the message that a command's own answer made as the one that its URL can replace.
pub(super) fn made_by_ack(state: &mut State, url: &str, ts: &str) {
    let path = url.strip_prefix(&state.base).unwrap_or_default().to_owned();
    if let Some(url) = state.response_urls.find(&path) {
        url.origin.message = Some(ts.to_owned());
    }
}

/// Applies an answer to an interaction: a new message for the person or for all, or a change of the
/// one that was clicked. Returns the message that stands now, none when it was deleted.
///
/// # Errors
/// `channel_not_found`, `is_archived`, and what a message can be refused for.
pub(super) fn answer(
    state: &mut State,
    origin: &Origin,
    fields: &Value,
) -> Result<Option<String>, Refusal> {
    let on = |key: &str| matches!(&fields[key], Value::Bool(true)) || fields[key] == "true";
    let refused = || Refusal::new("channel_not_found");
    if state.channels.get(&origin.channel).ok_or_else(refused)?.archived {
        return Err(Refusal::new("is_archived"));
    }
    if on("delete_original") {
        if let (Some(ts), Some(channel)) =
            (&origin.message, state.channels.get_mut(&origin.channel))
        {
            channel.remove(ts);
        }
        return Ok(None);
    }
    let content = limits::content(fields)?;
    let blocks = state.named(content.blocks);
    let edited = state.ts();
    let channel = state.channels.get_mut(&origin.channel).ok_or_else(refused)?;
    if on("replace_original")
        && let Some(ts) = &origin.message
    {
        let found = match channel.position(ts) {
            Some(at) => channel.messages.get_mut(at),
            None => channel.ephemeral(ts),
        };
        if let Some(message) = found {
            message.text = content.text;
            message.blocks = blocks;
            message.attachments = content.attachments;
            message.edits += 1;
            message.edited = Some(edited);
            return Ok(Some(ts.clone()));
        }
    }
    let in_channel = fields["response_type"] == "in_channel";
    channel.post(Message {
        ts: edited.clone(),
        user: state.app.bot_user.clone(),
        by_bot: true,
        text: content.text,
        blocks,
        attachments: content.attachments,
        thread_ts: fields["thread_ts"].as_str().map(str::to_owned).or(origin.thread_ts.clone()),
        only_for: (!in_channel).then(|| origin.user.clone()),
        ..Message::default()
    });
    Ok(Some(edited))
}
