//! `conversations.history` and `conversations.replies`.

use serde_json::{Value, json};

use super::{Answered, Call, cursor, page};
use crate::slack::channel::Message;
use crate::slack::refusal::Refusal;
use crate::slack::state::State;

/// The most messages of one page.
const MOST: usize = 999;

pub(super) fn history(call: &mut Call<'_>) -> Answered {
    let window = Window::read(call)?;
    let channel = call.joined()?;
    let pins = channel.pins.len();
    let shown = |message: &&Message| !message.is_reply() || message.broadcast;
    let messages: Vec<Message> = channel
        .messages
        .iter()
        .rev()
        .filter(shown)
        .filter(|message| window.holds(&message.ts))
        .cloned()
        .collect();
    let mut answer = paged(call, &messages, 100)?;
    answer["pin_count"] = json!(pins);
    answer["channel_actions_ts"] = Value::Null;
    answer["channel_actions_count"] = json!(0);
    Ok(answer)
}

pub(super) fn replies(call: &mut Call<'_>) -> Answered {
    let ts = call.args.required("ts")?.to_owned();
    let window = Window::read(call)?;
    let channel = call.joined()?;
    let at = channel.position(&ts).ok_or_else(|| Refusal::new("thread_not_found"))?;
    let root = channel.messages[at].thread_ts.clone().unwrap_or(ts);
    let messages: Vec<Message> = channel
        .messages
        .iter()
        .filter(|message| {
            message.ts == root
                || (message.thread_ts.as_deref() == Some(&root) && window.holds(&message.ts))
        })
        .cloned()
        .collect();
    paged(call, &messages, 1000)
}

fn paged(call: &Call<'_>, messages: &[Message], default: usize) -> Answered {
    let (messages, next) = page(call.args, messages, default, MOST + 1)?;
    let metadata = call.args.flag("include_all_metadata");
    let shown: Vec<Value> =
        messages.iter().map(|message| whole(call.state, message, metadata)).collect();
    let mut answer = json!({ "messages": shown, "has_more": !next.is_empty() });
    if !next.is_empty() {
        answer["response_metadata"] = cursor(&next);
    }
    Ok(answer)
}

/// A message with its files.
pub(in crate::slack) fn whole(state: &State, message: &Message, metadata: bool) -> Value {
    let files = message.files.iter().filter_map(|id| state.files.get(id));
    let files: Vec<Value> = files.map(|file| file.json(&state.team)).collect();
    message.json(&state.team, &state.app, &files, metadata)
}

/// Between `oldest` and `latest`.
struct Window {
    oldest: f64,
    latest: f64,
    inclusive: bool,
}

impl Window {
    fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        let bound = |key: &str, otherwise: f64| match call.args.text(key) {
            None => Ok(otherwise),
            Some(text) => text
                .parse::<f64>()
                .ok()
                .filter(|bound| bound.is_finite())
                .ok_or_else(|| Refusal::new(&format!("invalid_ts_{key}"))),
        };
        Ok(Window {
            oldest: bound("oldest", 0.0)?,
            latest: bound("latest", f64::MAX)?,
            inclusive: call.args.flag("inclusive"),
        })
    }

    fn holds(&self, ts: &str) -> bool {
        let ts: f64 = ts.parse().unwrap_or(0.0);
        if self.inclusive {
            ts >= self.oldest && ts <= self.latest
        } else {
            ts > self.oldest && ts < self.latest
        }
    }
}
