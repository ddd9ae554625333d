//! What an app sends, read strictly. Invariant: whatever is wrong has the close code that Discord gives
//! for it. Source: docs.discord.com/developers/events/gateway-events, "Send Events". Used by the sockets.

use serde_json::Value;

use super::{close, intents};

/// The largest payload of an app, in bytes.
const PAYLOAD: usize = 4096;

/// A payload that stands for something here.
#[derive(Debug)]
pub(super) enum Payload {
    Heartbeat,
    Identify(Identify),
    Resume(Resume),
    /// Presence, voice and requests for members: allowed, and without effect here.
    Other,
}

#[derive(Debug)]
pub(super) struct Identify {
    pub(super) token: String,
    pub(super) intents: u64,
    /// As it was given, for READY.
    pub(super) shard: Value,
}

#[derive(Debug)]
pub(super) struct Resume {
    pub(super) token: String,
    pub(super) session: String,
    pub(super) sequence: u64,
}

/// Reads a frame's text.
///
/// # Errors
/// The close code.
pub(super) fn read(text: &str) -> Result<Payload, u16> {
    if text.len() > PAYLOAD {
        return Err(close::DECODE_ERROR);
    }
    let payload: Value = serde_json::from_str(text).map_err(|_| close::DECODE_ERROR)?;
    let opcode = payload["op"].as_u64().ok_or(close::DECODE_ERROR)?;
    let data = &payload["d"];
    match opcode {
        1 if data.is_null() || data.is_u64() => Ok(Payload::Heartbeat),
        1 => Err(close::DECODE_ERROR),
        2 => identify(data).map(Payload::Identify),
        6 => resume(data).map(Payload::Resume).ok_or(close::DECODE_ERROR),
        3 | 4 | 8 | 31 if data.is_object() => Ok(Payload::Other),
        3 | 4 | 8 | 31 => Err(close::DECODE_ERROR),
        _ => Err(close::UNKNOWN_OPCODE),
    }
}

/// A token, with or without the word that stands before it in a header.
fn token(data: &Value) -> Option<String> {
    let token = data["token"].as_str()?;
    Some(token.strip_prefix("Bot ").unwrap_or(token).to_owned())
}

fn identify(data: &Value) -> Result<Identify, u16> {
    let token = token(data).ok_or(close::DECODE_ERROR)?;
    if !data["properties"].is_object() {
        return Err(close::DECODE_ERROR);
    }
    let threshold = &data["large_threshold"];
    if !threshold.is_null()
        && !threshold.as_u64().is_some_and(|members| (50..=250).contains(&members))
    {
        return Err(close::DECODE_ERROR);
    }
    let shard = data["shard"].clone();
    // A bot of one guild has one shard.
    if !shard.is_null() && shard != serde_json::json!([0, 1]) {
        return Err(close::INVALID_SHARD);
    }
    let known = |intents: &u64| intents & !intents::KNOWN == 0;
    let intents = data["intents"].as_u64().filter(known).ok_or(close::INVALID_INTENTS)?;
    Ok(Identify { token, intents, shard })
}

fn resume(data: &Value) -> Option<Resume> {
    Some(Resume {
        token: token(data)?,
        session: data["session_id"].as_str()?.to_owned(),
        sequence: data["seq"].as_u64()?,
    })
}
