//! The pace of a whole platform: how fast updates may go out there, whatever the conversation, and
//! whether it knows nova at all and since when not. The pace within a conversation is its lane's.
//!
//! Invariant: whoever came first for an update goes first.

use std::num::NonZeroU32;
use std::sync::PoisonError;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use nova_adapters::chat::Pace;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep};

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// One platform, shared by its lanes.
pub(super) struct PlatformPace {
    /// `None`: as fast as they come.
    limiter: Option<Limiter>,
    clock: TokioClock,
    /// Held while waiting for the limiter, so that lanes take turns and only one of them wakes up.
    turn: Mutex<()>,
    /// Why the platform does not know nova any more; changes each time that is final.
    pub(super) unauthorised: watch::Sender<String>,
    /// Since when the token is turned down; `None`: it is accepted, as far as is known.
    refused: std::sync::Mutex<Option<Instant>>,
}

impl PlatformPace {
    pub(super) fn new(pace: Pace) -> Self {
        let clock = TokioClock { start: Instant::now() };
        let burst = NonZeroU32::new(pace.burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(pace.updates).map(|quota| quota.allow_burst(burst));
        let limiter = quota.map(|quota| RateLimiter::direct_with_clock(quota, clock));
        Self {
            limiter,
            clock,
            turn: Mutex::default(),
            unauthorised: watch::Sender::default(),
            refused: std::sync::Mutex::default(),
        }
    }

    /// The token was turned down. Whether a new one may still be waited for, `longest` in all.
    pub(super) fn refused(&self, longest: Duration) -> bool {
        let now = Instant::now();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        now < *refused.get_or_insert(now) + longest
    }

    /// The token was accepted.
    pub(super) fn accepted(&self) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until one more update may go out. Dropped before it returns, it has used up nothing.
    pub(super) async fn update(&self) {
        let Some(limiter) = &self.limiter else { return };
        let _turn = self.turn.lock().await;
        while let Err(not_yet) = limiter.check() {
            sleep(not_yet.wait_time_from(self.clock.now())).await;
        }
    }
}

/// Tokio's time, which tests can stop; governor's own clocks cannot be.
#[derive(Clone, Copy)]
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_then_one_a_period() {
        let pace = Pace { updates: Duration::from_secs(2), burst: 3, ..Pace::default() };
        let platform = PlatformPace::new(pace);
        let start = Instant::now();
        let mut seconds = Vec::new();
        for _ in 0..6 {
            platform.update().await;
            seconds.push(start.elapsed().as_secs());
        }
        assert_eq!(seconds, [0, 0, 0, 2, 4, 6]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_pace_nothing_waits() {
        let platform = PlatformPace::new(Pace::default());
        let start = Instant::now();
        for _ in 0..10_000 {
            platform.update().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_a_turn_costs_nothing() {
        let pace = Pace { updates: Duration::from_secs(2), burst: 1, ..Pace::default() };
        let platform = PlatformPace::new(pace);
        platform.update().await;
        let start = Instant::now();
        let impatient = tokio::time::timeout(Duration::from_secs(1), platform.update());
        assert!(impatient.await.is_err(), "the second update went out early");
        platform.update().await;
        assert_eq!(start.elapsed().as_secs(), 2);
    }
}
