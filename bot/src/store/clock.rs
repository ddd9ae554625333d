//! The time that SQLite's rows carry. PostgreSQL has its own clock, shared by every replica, and
//! the store asks that one instead; so nobody but [`super::Store`] reads this.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where an embedded store takes its time from. On PostgreSQL it is not consulted.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's wall clock.
    System,
    /// A clock that moves only when it is told to.
    Manual(ManualClock),
}

impl Clock {
    /// Milliseconds since the epoch, UTC.
    pub(super) fn now_ms(&self) -> i64 {
        match self {
            Self::System => jiff::Timestamp::now().as_millisecond(),
            Self::Manual(clock) => clock.0.load(Ordering::SeqCst),
        }
    }
}

/// A clock set by hand; clones share one time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at `ms` milliseconds since the epoch.
    #[must_use]
    pub fn at(ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(ms)))
    }

    /// Moves every clone forwards, or backwards when `ms` is negative.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}
