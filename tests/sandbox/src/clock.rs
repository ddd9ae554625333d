//! The time by which the chat platforms' limits and deadlines run: tokio's clock, which a test may
//! pause, and a skew that a test may add instead. Invariant: it never goes back. Asked under the lock of
//! a platform's state.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    /// Milliseconds that a test has added.
    skew: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Clock { start: Instant::now(), skew: AtomicU64::new(0) }
    }

    /// Since the start.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed() + Duration::from_millis(self.skew.load(Ordering::Relaxed))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX / 2);
        self.skew.fetch_add(by, Ordering::Relaxed);
    }
}
