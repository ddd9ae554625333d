//! The task that sends to one conversation, one thing at a time: posts first, then updates. It is
//! made by `lanes.rs` when there is something to send, and ends when there was nothing for a while.
//!
//! Invariant: between the starts of any two sends in the conversation lies at least its pace, and
//! nothing is sent within a pause that the platform asked for. The lane outlives both.

use std::sync::Arc;
use std::time::Duration;

use nova_adapters::chat::{ChatError, Conversation};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::call::guarded;
use super::lanes::Lanes;
use super::pace::PlatformPace;
use super::queue::Next;
use super::tries::LONGEST_PAUSE;

/// How often it is looked whether there is a new token. The client knows, and asks nobody meanwhile.
pub(super) const NEW_TOKEN: Duration = Duration::from_millis(500);

/// One conversation's task.
pub(super) struct Lane {
    pub(super) lanes: Arc<Lanes>,
    pub(super) conversation: Conversation,
    pub(super) wake: Arc<Notify>,
    pub(super) platform: Arc<PlatformPace>,
    pace: Duration,
    /// Nothing is sent before.
    pub(super) clear_at: Instant,
    /// Whether it is out of the table already.
    retired: bool,
}

impl Lane {
    /// `pace`: the conversation's, and the platform's.
    pub(super) fn new(
        lanes: Arc<Lanes>,
        conversation: Conversation,
        wake: Arc<Notify>,
        (pace, platform): (Duration, Arc<PlatformPace>),
    ) -> Self {
        let clear_at = Instant::now();
        Self { lanes, conversation, wake, platform, pace, clear_at, retired: false }
    }

    /// Until it was idle for long enough, or everything stops.
    pub(super) async fn run(mut self) {
        let stop = self.lanes.stop.clone();
        let ended = stop.run_until_cancelled(self.work()).await;
        self.retired = ended.is_some();
    }

    async fn work(&mut self) {
        while let Some(next) = self.lanes.next(&self.conversation) {
            match next {
                Next::Post(post) => self.post(*post).await,
                Next::Update => self.update().await,
                Next::Wait(until) => {
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = sleep_until(until) => {}
                    }
                }
                Next::Idle => {
                    let until = self.clear_at.max(Instant::now() + self.lanes.options.linger);
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = sleep_until(until) => if self.lanes.retire(&self.conversation) {
                            return;
                        },
                    }
                }
            }
        }
    }

    /// Waits until something may be sent.
    ///
    /// # Errors
    /// [`ChatError::Unauthorised`] as soon as any lane of the platform has waited in vain for a token.
    pub(super) async fn clear(&self) -> Result<(), ChatError> {
        let mut unauthorised = self.platform.unauthorised.subscribe();
        tokio::select! {
            biased;
            () = sleep_until(self.clear_at) => Ok(()),
            Ok(()) = unauthorised.changed() => {
                Err(ChatError::Unauthorised(unauthorised.borrow().clone()))
            }
        }
    }

    /// Sends now: the pace counts from here.
    pub(super) async fn send<T>(
        &mut self,
        call: impl Future<Output = Result<T, ChatError>>,
    ) -> Result<T, ChatError> {
        self.clear_at = Instant::now() + self.pace;
        self.ask(call).await
    }

    /// Makes one call, and heeds what its error says about the conversation and the platform.
    pub(super) async fn ask<T>(
        &mut self,
        call: impl Future<Output = Result<T, ChatError>>,
    ) -> Result<T, ChatError> {
        let answer = guarded(self.lanes.options.call, call).await;
        match &answer {
            Err(ChatError::RateLimited { retry_after }) => {
                self.hold((*retry_after).min(LONGEST_PAUSE));
            }
            Err(ChatError::Unauthorised(reason)) => {
                if self.platform.refused(self.lanes.options.token) {
                    self.hold(NEW_TOKEN);
                } else {
                    self.lanes.revoke(self.conversation.platform, reason);
                }
            }
            Ok(_) | Err(ChatError::Gone | ChatError::Refused(_)) => self.platform.accepted(),
            Err(ChatError::Unavailable(_) | ChatError::Unanswered(_)) => {}
        }
        answer
    }

    /// Whether what failed so is tried again, since there may be a new token soon.
    pub(super) fn awaits_token(&self, error: &ChatError) -> bool {
        matches!(error, ChatError::Unauthorised(_))
            && self.platform.refused(self.lanes.options.token)
    }

    /// Sends nothing for so long.
    pub(super) fn hold(&mut self, pause: Duration) {
        self.clear_at = self.clear_at.max(Instant::now() + pause);
    }
}

/// Also when it is stopped in the middle of something, or has a fault: its conversation gets a new
/// lane then, and whoever waits gets an answer.
impl Drop for Lane {
    fn drop(&mut self) {
        if !self.retired {
            self.lanes.abandon(&self.conversation);
        }
    }
}
