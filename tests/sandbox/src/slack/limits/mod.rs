//! What Slack takes in a message or a view, and how much of it. Invariant: whatever passes here, a
//! real workspace takes too, as far as docs.slack.dev ("Block Kit" reference) says. Asked by the
//! methods, the response URLs and the answers to deliveries.

mod blocks;
mod check;
mod elements;
mod views;

use serde_json::Value;

use super::refusal::Refusal;
use check::{At, Check};

pub(super) use views::{Surface, view};

/// The longest text of a message, in characters.
const TEXT: usize = 40_000;

/// The most blocks in a message.
const BLOCKS: usize = 50;

/// The longest JSON text of all blocks of a message, in characters: about 13,000 on the real thing.
const BLOCKS_TEXT: usize = 13_200;

/// The most attachments in a message.
const ATTACHMENTS: usize = 100;

/// The longest JSON text of a message's metadata, in bytes.
const METADATA: usize = 8_000;

/// What a message shows, checked.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) blocks: Vec<Value>,
    pub(super) attachments: Vec<Value>,
}

/// Reads `text`, `blocks` and `attachments` of a message.
///
/// # Errors
/// `no_text`, `msg_too_long`, `invalid_blocks_format`, `invalid_blocks`, `msg_blocks_too_long`,
/// `invalid_attachments`, `too_many_attachments`.
pub(super) fn content(fields: &Value) -> Result<Content, Refusal> {
    let text = fields["text"].as_str().unwrap_or_default();
    if text.chars().count() > TEXT {
        return Err(Refusal::new("msg_too_long"));
    }
    let blocks = list(&fields["blocks"], "invalid_blocks_format")?;
    let attachments = list(&fields["attachments"], "invalid_attachments")?;
    if attachments.len() > ATTACHMENTS {
        return Err(Refusal::new("too_many_attachments"));
    }
    message_blocks(&blocks)?;
    if text.trim().is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err(Refusal::new("no_text"));
    }
    Ok(Content { text: text.to_owned(), blocks, attachments })
}

fn list(value: &Value, error: &str) -> Result<Vec<Value>, Refusal> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::Array(items) => Ok(items.clone()),
        _ => Err(Refusal::new(error)),
    }
}

fn message_blocks(given: &[Value]) -> Result<(), Refusal> {
    if given.is_empty() {
        return Ok(());
    }
    let mut check = Check::default();
    let at = At::root("blocks");
    if given.len() > BLOCKS {
        check.say(at, &format!("no more than {BLOCKS} items allowed"));
    }
    blocks::all(&mut check, at, given, Surface::Message);
    if !check.problems.is_empty() {
        return Err(
            Refusal::explained("invalid_blocks", &check.problems).with("errors", check.problems)
        );
    }
    let length: usize = given.iter().map(|block| block.to_string().chars().count() + 1).sum();
    if length > BLOCKS_TEXT {
        return Err(Refusal::new("msg_blocks_too_long"));
    }
    Ok(())
}

/// Reads a message's `metadata`.
///
/// # Errors
/// `invalid_metadata_format`, `metadata_too_large`.
pub(super) fn metadata(fields: &Value) -> Result<Option<Value>, Refusal> {
    let given = &fields["metadata"];
    if given.is_null() || given == "" {
        return Ok(None);
    }
    let invalid = || Refusal::new("invalid_metadata_format");
    let object = given.as_object().ok_or_else(invalid)?;
    let kind = object.get("event_type").and_then(Value::as_str).unwrap_or_default();
    let payload = object.get("event_payload").and_then(Value::as_object).ok_or_else(invalid)?;
    let plain = |value: &Value| match value {
        Value::Array(items) => items.iter().all(|item| !item.is_object() && !item.is_array()),
        Value::Object(_) => false,
        _ => true,
    };
    if kind.is_empty() || kind.chars().count() > 255 || !payload.values().all(plain) {
        return Err(invalid());
    }
    if given.to_string().len() > METADATA {
        return Err(Refusal::new("metadata_too_large"));
    }
    Ok(Some(given.clone()))
}

#[cfg(test)]
mod tests;
