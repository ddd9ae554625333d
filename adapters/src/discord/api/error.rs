//! How a call to Discord can end without success, and what that means to a caller who only knows
//! [`ChatError`].
//!
//! Invariant: no word of an answer's body, no address and no token is in an error. Discord's own error
//! codes are numbers; names are shown only when they look like one.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::codes::{self, Meaning};
use crate::chat::ChatError;
pub(super) use crate::rest::Repeat;
use crate::rest::exchange::Failure;
use crate::rest::token::Stopped;

/// How deep an error may point into a request.
const MAX_DEPTH: usize = 12;

/// How a call ended.
#[derive(Debug, Error)]
pub(super) enum CallError {
    /// Discord never got it.
    #[error("Discord cannot be reached: {0}")]
    NotSent(String),
    /// Discord may have got it; its answer is missing, unreadable or says that it failed on its side.
    #[error("Discord gave no usable answer: {0}")]
    Lost(String),
    /// Discord asked for it, or would if it were called.
    #[error("Discord asks for a pause of {} s", .0.as_secs_f32())]
    Limited(Duration),
    #[error("{0}")]
    Refusal(Refusal),
    /// An HTTP status without Discord's error: something else stands in its place.
    #[error("Discord's address answered HTTP {0}")]
    Status(u16),
    /// Not even tried: the token is not accepted any more.
    #[error("nothing is sent to Discord: {0}")]
    Stopped(String),
}

/// What Discord says with an error.
#[derive(Debug, Error)]
#[error("Discord answered {status} ({code})")]
pub(super) struct Refusal {
    status: u16,
    pub(super) code: u64,
    /// Which part of the request it does not like, and why.
    part: Option<String>,
    /// The permissions that the call needs.
    needs: &'static str,
}

/// The body of an error.
#[derive(Deserialize)]
struct Told {
    code: u64,
    #[serde(default)]
    errors: Value,
}

impl CallError {
    /// What an answer with a status of failure says.
    pub(super) fn told(status: u16, body: &[u8], needs: &'static str) -> Self {
        if status == 408 || status >= 500 {
            return Self::Lost(format!("HTTP {status}"));
        }
        match serde_json::from_slice::<Told>(body) {
            Ok(told) => {
                let part = wrong_part(&told.errors);
                Self::Refusal(Refusal { status, code: told.code, part, needs })
            }
            Err(_) => Self::Status(status),
        }
    }

    /// Discord's code, if it gave one.
    pub(super) fn code(&self) -> Option<u64> {
        match self {
            Self::Refusal(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// Whether this says that the token is not accepted.
    pub(super) fn is_token_trouble(&self) -> bool {
        matches!(self, Self::Refusal(refusal) if refusal.status == 401)
    }

    /// What a caller needs to know of it. `repeat` is about the call that ended so.
    pub(super) fn into_chat(self, repeat: Repeat) -> ChatError {
        match self {
            Self::NotSent(_) => ChatError::Unavailable(Box::new(self)),
            Self::Lost(_) if repeat == Repeat::Safe => ChatError::Unavailable(Box::new(self)),
            Self::Lost(_) => ChatError::Unanswered(Box::new(self)),
            Self::Limited(retry_after) => ChatError::RateLimited { retry_after },
            Self::Stopped(why) => ChatError::Unauthorised(why),
            Self::Status(status) => ChatError::Refused(format!(
                "Discord's address answered HTTP {status} as Discord itself does not; check the \
                 address and whatever stands in between"
            )),
            Self::Refusal(refusal) => refused(refusal),
        }
    }
}

/// Why the token is not accepted, for people.
pub(super) const TURNED_DOWN: &str =
    "the token is not valid any more; set the one from the application's page";

fn refused(refusal: Refusal) -> ChatError {
    let words = match codes::meaning(refusal.code) {
        _ if refusal.status == 401 => return ChatError::Unauthorised(TURNED_DOWN.into()),
        Some(Meaning::Gone) => return ChatError::Gone,
        Some(Meaning::Busy) => {
            return ChatError::Unavailable(Box::new(CallError::Refusal(refusal)));
        }
        Some(Meaning::Forbidden) if refusal.needs.is_empty() => {
            "nova's role lacks a permission for this".to_owned()
        }
        Some(Meaning::Forbidden) => {
            format!("nova's role lacks a permission here: {}", refusal.needs)
        }
        Some(Meaning::Refused(words)) => words.to_owned(),
        None => format!("Discord answered {}", refusal.status),
    };
    let part = refusal.part.map(|part| format!(" (at {part})")).unwrap_or_default();
    ChatError::Refused(format!("{words} ({}){part}", refusal.code))
}

/// `embeds.0.description: BASE_TYPE_MAX_LENGTH` out of the nested `errors` of code 50035:
/// <https://docs.discord.com/developers/reference#error-messages>.
fn wrong_part(errors: &Value) -> Option<String> {
    let mut path = Vec::new();
    let mut at = errors;
    while path.len() < MAX_DEPTH {
        if let Some(code) = at.pointer("/_errors/0/code").and_then(Value::as_str) {
            let named = if is_name(code) { format!(": {code}") } else { String::new() };
            return Some(format!("{}{named}", path.join(".")));
        }
        let (key, inner) = at.as_object()?.iter().next()?;
        path.push(Some(key.as_str()).filter(|key| is_name(key))?);
        at = inner;
    }
    None
}

fn is_name(text: &str) -> bool {
    let part_of_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=60).contains(&text.len()) && text.bytes().all(part_of_name)
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent(why) => Self::NotSent(why),
            Failure::Lost(why) => Self::Lost(why),
        }
    }
}

impl From<Stopped> for CallError {
    fn from(Stopped(why): Stopped) -> Self {
        Self::Stopped(why)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ended(status: u16, body: &Value, needs: &'static str) -> ChatError {
        CallError::told(status, body.to_string().as_bytes(), needs).into_chat(Repeat::Unsafe)
    }

    #[test]
    fn a_lost_answer_is_in_doubt_only_where_a_repeat_would_be_seen() {
        for lost in [|| CallError::Lost("timeout".into()), || CallError::told(502, b"<html>", "")] {
            assert!(matches!(lost().into_chat(Repeat::Safe), ChatError::Unavailable(_)));
            assert!(matches!(lost().into_chat(Repeat::Unsafe), ChatError::Unanswered(_)));
        }
        let not_sent = CallError::NotSent("refused".into());
        assert!(matches!(not_sent.into_chat(Repeat::Unsafe), ChatError::Unavailable(_)));
    }

    #[test]
    fn the_wrong_part_of_a_request_is_named() {
        let errors = json!({ "embeds": { "0": { "description": {
            "_errors": [{ "code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 4096 or fewer" }],
        } } } });
        let body = json!({ "code": 50035, "message": "Invalid Form Body", "errors": errors });
        assert_eq!(
            ended(400, &body, "").to_string(),
            "the platform refused the message: Discord does not take the request as it is (50035) \
             (at embeds.0.description: BASE_TYPE_MAX_LENGTH)"
        );
        for hostile in [
            json!({ "<@1>": { "_errors": [{ "code": "X" }] } }),
            json!({ "_errors": [{ "code": "pay me" }] }),
            json!([1]),
            json!({ "a": {} }),
        ] {
            let said = wrong_part(&hostile).unwrap_or_default();
            assert!(!said.contains(['<', ' ']), "{said}");
        }
    }

    #[test]
    fn a_missing_permission_is_named() {
        let said = ended(403, &json!({ "code": 50013 }), "Manage Channels").to_string();
        assert!(said.ends_with("lacks a permission here: Manage Channels (50013)"), "{said}");
    }

    #[test]
    fn what_discord_does_not_say_is_not_taken_for_its_word() {
        for body in [&b"<html>"[..], b"{}", b"[]", b"\"401\"", b""] {
            assert!(matches!(CallError::told(401, body, ""), CallError::Status(401)));
        }
        assert!(CallError::told(401, br#"{"code":0}"#, "").is_token_trouble());
    }
}
