//! The tasks that an inbox leaves work to, and their end.
//!
//! Invariant: no task outlives [`Tasks::close`], and that ends in time whatever a task waits for: a
//! platform may ask for pauses of a minute, which nobody has who is told to stop.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

/// How long what was cancelled may take to be recorded as such: a little more than the engine waits for
/// its store.
const RECORDED: Duration = Duration::from_secs(4);

/// The tasks of one inbox.
#[derive(Default)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    /// Asks for an end that is told and recorded.
    cancel: CancellationToken,
    /// Ends everything where it stands.
    stop: CancellationToken,
}

impl Tasks {
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            stop.run_until_cancelled(work).await;
        });
    }

    /// Completes when what runs has to come to an end.
    pub(super) fn cancelled(&self) -> WaitForCancellationFutureOwned {
        self.cancel.clone().cancelled_owned()
    }

    /// Waits for what runs, cancels what is not done `within` this time, and drops what is not done
    /// [`RECORDED`] later. What was handed to delivery by then is delivery's to send.
    pub(super) async fn close(&self, within: Duration) {
        self.tracker.close();
        if timeout(within, self.tracker.wait()).await.is_ok() {
            return;
        }
        self.cancel.cancel();
        if timeout(RECORDED, self.tracker.wait()).await.is_err() {
            tracing::error!(tasks = self.tracker.len(), "dropped at the end, not seen through");
            self.stop.cancel();
            self.tracker.wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::Instant;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(12);

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_ever_does_not_hold_the_end() {
        let tasks = Tasks::default();
        tasks.spawn(std::future::pending());
        let start = Instant::now();
        tasks.close(WITHIN).await;
        let took = start.elapsed().as_millis();
        let most = (WITHIN + RECORDED).as_millis() + 10;
        assert!(took <= most, "{took} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_cancelled_may_say_so() {
        let tasks = Tasks::default();
        let said = Arc::new(AtomicBool::new(false));
        let (cancelled, saying) = (tasks.cancelled(), Arc::clone(&said));
        tasks.spawn(async move {
            cancelled.await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            saying.store(true, Ordering::SeqCst);
        });
        tasks.close(WITHIN).await;
        assert!(said.load(Ordering::SeqCst), "it was dropped before it could be recorded");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_waited_for_in_vain() {
        let tasks = Tasks::default();
        tasks.spawn(async {});
        let start = Instant::now();
        tasks.close(WITHIN).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
