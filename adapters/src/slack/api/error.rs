//! How a call to Slack can end without success, and what that means to a caller who only knows
//! [`ChatError`].
//!
//! Invariant: no word of an answer's body, no address and no token is in an error. Slack's own error
//! codes are shown only when they look like one.

use std::time::Duration;

use slack_morphism::errors::{SlackClientError, SlackClientSystemError};
use thiserror::Error;

use super::refusal::{self, Meaning};
use crate::chat::ChatError;
use crate::rest;
pub(super) use crate::rest::Repeat;
use crate::rest::exchange::Failure;
use crate::rest::token::Stopped;

/// How a call ended.
#[derive(Debug, Error)]
pub(super) enum CallError {
    /// Slack never got it.
    #[error("Slack cannot be reached: {0}")]
    NotSent(String),
    /// Slack may have got it; its answer is missing, unreadable or says that it failed on its side.
    #[error("Slack gave no usable answer: {0}")]
    Lost(String),
    #[error("Slack asks for a pause of {} s", .0.as_secs_f32())]
    Limited(Duration),
    /// `ok: false`.
    #[error("Slack answered {}", .0.shown())]
    Refusal(Refusal),
    /// An HTTP status that the Web API does not answer with: something else stands in its place.
    #[error("Slack's address answered HTTP {0}")]
    Status(u16),
    /// Not even tried: the token is not accepted any more.
    #[error("nothing is sent to Slack: {0}")]
    Stopped(String),
}

/// What Slack says with `ok: false`.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    code: String,
    /// The missing scopes.
    pub(super) needed: Option<String>,
    /// Which part of the request it does not like, as a JSON pointer.
    pub(super) pointer: Option<String>,
}

impl Refusal {
    /// From untrusted parts: whatever does not look as it should is left out.
    pub(super) fn new(code: String, needed: Option<String>, messages: &[String]) -> Self {
        let pointer = messages.iter().find_map(|text| json_pointer(text));
        Self { code, needed: needed.filter(|text| is_word_list(text)), pointer }
    }

    /// The code for comparing; from outside.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// The code for people.
    pub(super) fn shown(&self) -> &str {
        if is_code(&self.code) { &self.code } else { "an error without a name" }
    }
}

impl CallError {
    /// A rate limit with the pause that was asked for, if any.
    pub(super) fn limited(pause: Option<Duration>) -> Self {
        Self::Limited(rest::pause(pause))
    }

    /// Slack's code, if it gave one.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refusal(refusal) => Some(refusal.code()),
            _ => None,
        }
    }

    /// Why the token is not accepted any more, if that is what this says.
    pub(super) fn token_trouble(&self) -> Option<&'static str> {
        match refusal::meaning(self.code()?) {
            Some(Meaning::Token(why)) => Some(why),
            _ => None,
        }
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
                "Slack's address answered HTTP {status}, which Slack itself does not; check the \
                 address and whatever stands in between"
            )),
            Self::Refusal(refusal) => refused(refusal, repeat),
        }
    }
}

fn refused(refusal: Refusal, repeat: Repeat) -> ChatError {
    match refusal::meaning(refusal.code()) {
        Some(Meaning::Gone) => ChatError::Gone,
        Some(Meaning::Token(why)) => ChatError::Unauthorised(why.into()),
        Some(Meaning::Busy) => ChatError::Unavailable(Box::new(CallError::Refusal(refusal))),
        Some(Meaning::Doubtful) => CallError::Lost(refusal.shown().to_owned()).into_chat(repeat),
        Some(Meaning::Refused(_)) | None => ChatError::Refused(refusal::sentence(&refusal)),
    }
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

/// slack-morphism hands our connector's errors through; this is how they travel.
impl From<CallError> for SlackClientError {
    fn from(error: CallError) -> Self {
        Self::SystemError(SlackClientSystemError::new().with_cause(Box::new(error)))
    }
}

/// Unpacks what our connector packed. The library makes one error of its own, about an address that is
/// no URL, and its words are not shown: they repeat the address.
impl From<SlackClientError> for CallError {
    fn from(error: SlackClientError) -> Self {
        let cause = match error {
            SlackClientError::SystemError(error) => error.cause,
            _ => None,
        };
        match cause.map(<dyn std::error::Error + Send + Sync>::downcast::<Self>) {
            Some(Ok(error)) => *error,
            _ => Self::NotSent("the request could not be made".into()),
        }
    }
}

fn is_code(text: &str) -> bool {
    (1..=60).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_word_list(text: &str) -> bool {
    let part_of_scope = |b: u8| b.is_ascii_lowercase() || b":._-, ".contains(&b);
    (1..=200).contains(&text.len()) && text.bytes().all(part_of_scope)
}

/// `/blocks/3/text` out of `… [json-pointer:/blocks/3/text]`.
fn json_pointer(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("[json-pointer:")?;
    let (pointer, _) = rest.split_once(']')?;
    let part_of_pointer = |b: u8| b.is_ascii_alphanumeric() || b"/_-".contains(&b);
    let fine = (1..=100).contains(&pointer.len()) && pointer.bytes().all(part_of_pointer);
    fine.then(|| pointer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str) -> CallError {
        CallError::Refusal(Refusal::new(code.into(), None, &[]))
    }

    #[test]
    fn a_lost_answer_is_in_doubt_only_where_a_repeat_would_be_seen() {
        let lost = || CallError::Lost("timeout".into());
        assert!(matches!(lost().into_chat(Repeat::Safe), ChatError::Unavailable(_)));
        assert!(matches!(lost().into_chat(Repeat::Unsafe), ChatError::Unanswered(_)));
        // Slack's documentation of these: some of the operation may have succeeded.
        for code in ["internal_error", "fatal_error"] {
            assert!(matches!(refusal(code).into_chat(Repeat::Safe), ChatError::Unavailable(_)));
            assert!(matches!(refusal(code).into_chat(Repeat::Unsafe), ChatError::Unanswered(_)));
        }
        let not_sent = CallError::NotSent("refused".into());
        assert!(matches!(not_sent.into_chat(Repeat::Unsafe), ChatError::Unavailable(_)));
    }

    #[test]
    fn only_what_looks_like_a_code_is_repeated() {
        for hostile in ["<!channel> pay me", "a\u{1b}[2J", "", &"x".repeat(61), "Über"] {
            let shown = refusal(hostile).into_chat(Repeat::Safe).to_string();
            assert!(shown.contains("an error without a name"), "{shown}");
        }
        let shown = refusal("some_new_error").into_chat(Repeat::Safe).to_string();
        assert_eq!(shown, "the platform refused the message: Slack answered some_new_error");
    }

    #[test]
    fn a_pointer_says_which_part_was_wrong() {
        let messages = |text: &str| vec![text.to_owned()];
        let good = messages("[ERROR] too long [json-pointer:/blocks/3/text/text]");
        let error = CallError::Refusal(Refusal::new("invalid_blocks".into(), None, &good));
        let shown = error.into_chat(Repeat::Unsafe).to_string();
        assert!(shown.ends_with("(at /blocks/3/text/text)"), "{shown}");
        for hostile in ["[json-pointer:<!here>]", "[json-pointer:/a", "[json-pointer:]", "nothing"]
        {
            assert!(json_pointer(hostile).is_none(), "{hostile}");
        }
    }

    #[test]
    fn a_pause_is_bounded() {
        let pause = |asked| CallError::limited(asked).into_chat(Repeat::Unsafe).retry_after();
        assert_eq!(pause(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(pause(Some(Duration::MAX)), Some(Duration::from_secs(3600)));
        assert_eq!(pause(None), Some(Duration::from_secs(1)));
    }

    #[test]
    fn errors_survive_the_way_through_the_library() {
        let through = |error: CallError| CallError::from(SlackClientError::from(error));
        assert!(matches!(through(CallError::Status(302)), CallError::Status(302)));
        let foreign = SlackClientError::from(reqwest::Url::parse("::secret::").unwrap_err());
        assert!(!CallError::from(foreign).to_string().contains("secret"));
    }
}
