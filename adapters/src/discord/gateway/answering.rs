//! Hands what the gateway dispatched to the intake and sends the answers of interactions.
//!
//! Invariant: an interaction goes on whatever becomes of the connection that it came by, and no more
//! are in hand than [`IN_HAND`].

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{debug, warn};

use super::{Callback, Respond};
use crate::chat::ChatError;
use crate::discord::inbound::{self, Answer, Inbound, Intake, Refusal};
use crate::intake::DEADLINE;

/// Events in hand at once, with those that have no place and are only told so.
const IN_HAND: usize = 512;
/// How long an answer may take to arrive, from the event on: Discord waits three seconds.
const ARRIVES: Duration = Duration::from_secs(5);
/// Before an answer that did not go out is sent again.
const AGAIN: Duration = Duration::from_millis(100);

/// Everything that is in hand.
pub(super) struct Answering {
    intake: Arc<Intake>,
    respond: Respond,
    tasks: JoinSet<()>,
}

impl Answering {
    pub(super) fn new(intake: Arc<Intake>, respond: Respond) -> Self {
        Self { intake, respond, tasks: JoinSet::new() }
    }

    /// Takes one event in and returns at once.
    pub(super) fn dispatched(&mut self, kind: &str, seq: u64, json: &[u8]) {
        let read = match inbound::dispatch(kind, seq, json, self.intake.identity()) {
            Ok(Inbound::Ignored) => return,
            Err(refusal @ Refusal::Malformed(_)) => {
                warn!(%refusal, kind, "an event of the gateway was refused");
                return;
            }
            read => read,
        };
        if self.tasks.len() >= IN_HAND {
            warn!(kind, "too many events at once, dropped");
            return;
        }
        let address = inbound::address(json);
        // Only what the inbox gets needs a place.
        let place = matches!(read, Ok(Inbound::Event(..))).then(|| self.intake.place()).flatten();
        let (intake, respond) = (Arc::clone(&self.intake), Arc::clone(&self.respond));
        let now = Instant::now();
        self.tasks.spawn(async move {
            let answer = intake.answer(read, place, now + DEADLINE).await;
            if let (Ok(Answer::Json(body)), Some(address)) = (answer, address) {
                let callback = Callback { interaction: address.id, token: address.token, body };
                send(&respond, callback, now + ARRIVES).await;
            }
        });
    }

    /// Waits until something in hand is done; for ever if nothing is.
    pub(super) async fn one_done(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(())) => {}
            // A panic in the inbox is an answer, so this is one in sending.
            Some(Err(failure)) => warn!(%failure, "an answer failed"),
            None => std::future::pending().await,
        }
    }

    /// Waits for what is in hand, and after `within` ends it. Gives how many had to be ended.
    pub(super) async fn close(&mut self, within: Duration) -> usize {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(within, all).await.is_ok() {
            return 0;
        }
        let left = self.tasks.len();
        self.tasks.shutdown().await;
        left
    }
}

/// Sends an answer, again only when Discord surely has not got it.
async fn send(respond: &Respond, callback: Callback, by: Instant) {
    loop {
        let sent = timeout_at(by, respond(callback.clone())).await;
        let sent = sent.unwrap_or_else(|late| Err(ChatError::Unanswered(late.into())));
        match sent {
            Ok(()) => return,
            // Answered already (40060), or nobody waits for it any more (10062).
            Err(ChatError::Gone) => {
                debug!(interaction = callback.interaction, "an answer came too late or twice");
                return;
            }
            Err(error) if error.retryable() => {
                let pause = error.retry_after().unwrap_or_default().max(AGAIN);
                if Instant::now() + pause < by {
                    sleep(pause).await;
                    continue;
                }
                warn!(interaction = callback.interaction, %error, "an answer did not go out");
                return;
            }
            Err(error) => {
                warn!(interaction = callback.interaction, %error, "an answer was lost or refused");
                return;
            }
        }
    }
}
