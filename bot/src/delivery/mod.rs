//! Delivery: everything that goes out to a chat platform goes through here. It keeps the pace that
//! the platform asks for, the order of posts, the newest of several states of one message, and it
//! alone decides about repeats. The engine and the console call it.
//!
//! Invariant: a post appears once, or it is marked as a possible duplicate; of the wanted states of a
//! message the last is shown, or [`Delivery::settled`] says why not. What waits is bounded
//! ([`DeliveryOptions`]) and kept in memory only: what must outlive a crash is drawn again from state.
//!
//! Each channel has a lane (`lane.rs`) for itself and its threads, a task that sends one thing at a
//! time, so that a channel that has to wait holds up no other. `queue.rs` is what waits in one lane, `lanes.rs`
//! is all of them, `post.rs`, `update.rs` and `files.rs` are how one thing is sent. `beside.rs` repeats
//! what belongs in no lane.

mod beside;
mod call;
mod failures;
mod files;
mod lane;
mod lanes;
mod options;
mod pace;
mod post;
mod queue;
#[cfg(test)]
mod tests;
mod through;
mod tries;
mod update;

use std::sync::Arc;
use std::time::Duration;

use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef};
use nova_adapters::message::Message;
use tokio::sync::oneshot;
use tokio_util::sync::DropGuard;

use lanes::Lanes;
use queue::{Post, Settling};

pub use lanes::Counts;
pub use options::{DeliveryOptions, Patience};
pub use through::Through;

/// The way out to every platform. Cheap to clone; when the last one is dropped, sending stops.
#[derive(Clone)]
pub struct Delivery {
    lanes: Arc<Lanes>,
    _stop: Arc<DropGuard>,
}

impl Delivery {
    /// Nothing runs until something is sent.
    ///
    /// # Panics
    /// Outside of a tokio runtime, which its tasks need.
    #[must_use]
    pub fn new(options: DeliveryOptions) -> Self {
        let lanes = Arc::new(Lanes::new(options));
        let stop = Arc::new(lanes.stop.clone().drop_guard());
        Self { lanes, _stop: stop }
    }

    /// Posts `message` and returns when it stands there, which is not always in `to`: when that is
    /// gone, it stands in the platform's fallback and says so. Posts to one conversation keep their
    /// order. Dropping the future does not take the message back.
    ///
    /// # Errors
    /// When it was given up: see [`ChatError`]. [`ChatError::Refused`] also when too much waits
    /// already or after [`Delivery::close`]. After [`ChatError::Unanswered`] it may stand there.
    pub async fn post(
        &self,
        chat: &Arc<dyn Chat>,
        to: &Conversation,
        message: Message,
    ) -> Result<MessageRef, ChatError> {
        let (reply, answer) = oneshot::channel();
        let chat = Arc::clone(chat);
        self.lanes.post(Post { chat, to: to.clone(), message, reply, meant_for: None });
        answer.await.unwrap_or_else(|_| Err(call::dropped()))
    }

    /// Wants `message` shown at `at`, in the place of whatever was wanted there before. Returns at
    /// once; [`Delivery::settled`] tells what became of it.
    ///
    /// # Errors
    /// [`ChatError::Refused`] when it was not taken on: too much waits already, or it comes after
    /// [`Delivery::close`].
    pub fn update(
        &self,
        chat: &Arc<dyn Chat>,
        at: &MessageRef,
        message: Message,
    ) -> Result<(), ChatError> {
        self.lanes.update(chat, at, message)
    }

    /// Waits until the state that is wanted at `at` now, or a newer one, is shown. At once when
    /// nothing waits.
    ///
    /// # Errors
    /// Why it cannot be shown. An error that came while nobody waited is told once; the newest 256 are
    /// kept.
    pub async fn settled(&self, at: &MessageRef) -> Result<(), ChatError> {
        match self.lanes.settling(at) {
            Settling::Settled => Ok(()),
            Settling::Failed(error) => Err(error),
            Settling::Waits(answer) => answer.await.unwrap_or_else(|_| Err(call::dropped())),
        }
    }

    /// A [`Chat`] that sends through here to `chat`, for callers that know only that trait.
    #[must_use]
    pub fn through(&self, chat: Arc<dyn Chat>) -> Through {
        Through::new(self.clone(), chat)
    }

    /// What was done so far and what waits now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lanes.counts()
    }

    /// Takes on nothing more, sends what waits, and stops `within` that time at the latest. Gives the
    /// number of posts and states that were left undelivered; their callers get an error.
    pub async fn close(&self, within: Duration) -> usize {
        self.lanes.close(within).await
    }
}
