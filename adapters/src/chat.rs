//! What nova needs of any platform: to post a message and to update one. Delivery, in the `bot`
//! crate, calls it and decides about repeats by [`ChatError::retryable`].
//!
//! Invariant: an implementation does one attempt a call. It waits for no rate limit and repeats
//! nothing, so that there is one place that knows what was sent.

use std::error::Error;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::message::Message;

/// Where people are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    Console,
    Web,
    Slack,
    Discord,
}

/// One identity on one platform. Several may belong to one person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    pub platform: Platform,
    /// The platform's own id, not the name that people see and can change.
    pub id: String,
}

/// A channel, a thread or a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Conversation {
    pub platform: Platform,
    /// The platform's own id.
    pub id: String,
}

/// Where a posted message stands, so that it can be updated. Made by [`Chat::post`]; kept as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MessageRef {
    pub conversation: Conversation,
    /// Slack's `ts`, Discord's snowflake, the console's count.
    pub id: String,
}

/// A platform that messages can be sent to.
pub trait Chat: Send + Sync {
    /// Which one it is.
    fn platform(&self) -> Platform;

    /// Posts a new message. Not idempotent: a repeat is a second message.
    ///
    /// # Errors
    /// [`ChatError`], which says whether another attempt may help.
    fn post<'a>(
        &'a self,
        to: &'a Conversation,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<MessageRef, ChatError>>;

    /// Puts `message` in the place of the one at `at`. Idempotent. Where a platform cannot take
    /// something back (a terminal's scrolled text), the new message is added instead.
    ///
    /// # Errors
    /// [`ChatError`], which says whether another attempt may help.
    fn update<'a>(
        &'a self,
        at: &'a MessageRef,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>>;
}

/// Why a message did not go out.
#[derive(Debug, Error)]
pub enum ChatError {
    /// Too fast. Nothing was sent.
    #[error("the platform asks for a pause of {} s", retry_after.as_secs_f32())]
    RateLimited { retry_after: Duration },
    /// Not reached, or it failed on its side. Nothing was sent.
    #[error("the platform cannot be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Sent, but the answer was lost: the message may be there or not.
    #[error("the platform took the message and did not answer")]
    Unanswered(#[source] Box<dyn Error + Send + Sync>),
    /// The conversation or the message is not there any more.
    #[error("the conversation or the message is gone")]
    Gone,
    /// Turned down: not permitted, or not acceptable as it is.
    #[error("the platform refused the message: {0}")]
    Refused(String),
}

impl ChatError {
    /// Whether the same call may be made again without the risk of a second message.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable(_))
    }

    /// How long to wait before that, where the platform said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}
