//! The time by which limits, response URLs and triggers run: tokio's clock, which a test may pause,
//! and a skew that a test may add instead. Invariant: it never goes back. Asked under the state's lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Clock {
    start: Instant,
    /// Milliseconds that a test has added.
    skew: AtomicU64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Clock { start: Instant::now(), skew: AtomicU64::new(0) }
    }

    /// Since the start.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed() + Duration::from_millis(self.skew.load(Ordering::Relaxed))
    }

    pub(super) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX / 2);
        self.skew.fetch_add(by, Ordering::Relaxed);
    }
}
