//! What nova needs of any platform: to post a message, to update one, to find one again. Delivery, in
//! the `bot` crate, calls it and decides about repeats by [`ChatError::retryable`].
//!
//! Invariant: an implementation does one attempt a call. It waits for no rate limit and repeats
//! nothing, so that there is one place that knows what was sent.

use std::error::Error;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::message::{Attachment, Message};

/// Where people are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    Console,
    Web,
    Slack,
    Discord,
}

impl Platform {
    /// The word used in text and in the store.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Web => "web",
            Self::Slack => "slack",
            Self::Discord => "discord",
        }
    }
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
    /// The platform's own id. On Slack `C012` is a channel, `C012/1700000000.000100` a thread, and a
    /// member's `U012` the direct conversation with them, which can only be posted to.
    pub id: String,
}

impl Conversation {
    /// The channel that a thread belongs to; anything else is its own. Platforms limit by channel.
    #[must_use]
    pub fn channel(&self) -> Self {
        let id = self.id.split('/').next().unwrap_or_default().to_owned();
        Self { platform: self.platform, id }
    }
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

    /// How fast it takes messages.
    fn pace(&self) -> Pace;

    /// Posts a new message. Not idempotent: a repeat is a second message. `key` goes along where the
    /// platform can carry it, for [`Chat::find`]; it is unique to this message and holds no secret.
    ///
    /// # Errors
    /// [`ChatError`], which says whether another attempt may help.
    fn post<'a>(
        &'a self,
        to: &'a Conversation,
        message: &'a Message,
        key: &'a str,
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

    /// Looks for the message that was posted with `key`, after a [`ChatError::Unanswered`]. `None`:
    /// it is not there, and posting it again is safe.
    ///
    /// # Errors
    /// When the platform cannot tell.
    fn find<'a>(
        &'a self,
        to: &'a Conversation,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, ChatError>>;

    /// The files that go along with a message: its own, and what does not fit into it.
    fn files(&self, message: &Message) -> Vec<Attachment> {
        message.files.clone()
    }

    /// Puts a file beside a posted message, in its thread where there are threads.
    ///
    /// # Errors
    /// [`ChatError`], which says whether another attempt may help.
    fn attach<'a>(
        &'a self,
        at: &'a MessageRef,
        file: &'a Attachment,
    ) -> BoxFuture<'a, Result<(), ChatError>>;
}

/// How fast a platform takes messages. Zero: as fast as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Between any two messages or updates in one conversation.
    pub conversation: Duration,
    /// Between any two updates on the whole platform, after a burst of [`Pace::burst`].
    pub updates: Duration,
    /// So many updates may come at once before [`Pace::updates`] holds.
    pub burst: u32,
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
    /// The conversation or the message is not there any more, or nova is not in it: removed, archived,
    /// deleted.
    #[error("the conversation or the message is gone")]
    Gone,
    /// The platform does not know nova any more: the token was revoked or has expired. Nothing goes
    /// out until there is a new one.
    #[error("the platform does not accept nova's token: {0}")]
    Unauthorised(String),
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
