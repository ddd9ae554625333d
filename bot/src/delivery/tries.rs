//! Counts the attempts at one thing and says how long to wait before the next: as told by the
//! platform, or by exponential backoff with jitter. Posts, updates, lookups and files each keep one.

use std::time::Duration;

use nova_adapters::chat::ChatError;
use tokio::time::Instant;

use super::options::Patience;

/// A platform that asks for more is asked again after this all the same.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Also after "slow down, wait 0 s": repeating at once would be a busy loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The attempts that failed so far.
#[derive(Debug, Default)]
pub(super) struct Tries {
    failures: u32,
    /// Those that count against [`Patience::attempts`].
    counted: u32,
    since: Option<Instant>,
}

impl Tries {
    /// The wait before the next attempt, after one that failed with `error`; `None`: no more.
    pub(super) fn after(
        &mut self,
        error: &ChatError,
        patience: &Patience,
        now: Instant,
    ) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        let wait = match error.retry_after() {
            Some(told) => {
                // Never earlier than told; a little later, so that not everybody comes at once.
                let told = told.clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                told.mul_f64(1.0 + 0.1 * fraction())
            }
            None => {
                self.failures += 1;
                self.counted += 1;
                backoff(self.failures, patience)
            }
        };
        let goes_on = self.counted < patience.attempts && now + wait <= since + patience.longest;
        goes_on.then_some(wait)
    }

    /// All the patience again, for a newer state of the same message; the backoff goes on where it
    /// was, since the platform is the same.
    pub(super) fn renew(&mut self) {
        self.counted = 0;
        self.since = None;
    }
}

/// Between half and the whole of what doubling gives.
fn backoff(failures: u32, patience: &Patience) -> Duration {
    let doubled = patience.first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled
        .clamp(SHORTEST_PAUSE, patience.ceiling.max(SHORTEST_PAUSE))
        .mul_f64(0.5 + 0.5 * fraction())
}

/// Evenly between 0 and 1. Without randomness, the middle: the wait matters more than its jitter.
fn fraction() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> ChatError {
        ChatError::Unavailable("down".into())
    }

    fn slow(seconds: u64) -> ChatError {
        ChatError::RateLimited { retry_after: Duration::from_secs(seconds) }
    }

    #[test]
    fn the_wait_doubles_up_to_the_ceiling_and_the_attempts_are_counted() {
        let patience = Patience::default();
        let mut tries = Tries::default();
        let now = Instant::now();
        for expected in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0] {
            let wait = tries.after(&down(), &patience, now).unwrap().as_secs_f64();
            assert!((expected / 2.0..=expected).contains(&wait), "{wait} for {expected}");
        }
        assert_eq!(tries.after(&down(), &patience, now), None, "the eighth attempt was the last");
        tries.renew();
        let wait = tries.after(&down(), &patience, now).unwrap();
        assert!(wait >= Duration::from_secs(15), "backoff starts anew: {wait:?}");
    }

    #[test]
    fn a_told_pause_is_never_cut_short_but_for_the_cap_and_counts_in_time_only() {
        let patience = Patience { attempts: 2, ..Patience::default() };
        let mut tries = Tries::default();
        let now = Instant::now();
        for (told, least) in [(3, 3.0), (60, 60.0), (3_600, 60.0), (0, 0.1)] {
            let wait = tries.after(&slow(told), &patience, now).unwrap().as_secs_f64();
            assert!((least..=least * 1.11).contains(&wait), "{wait} for {told}");
        }
        let late = now + Duration::from_secs(250);
        assert_eq!(tries.after(&slow(60), &patience, late), None);
        assert!(tries.after(&slow(10), &patience, late).is_some());
    }

    #[test]
    fn extreme_patience_does_not_overflow() {
        let forever = Patience {
            attempts: u32::MAX,
            longest: Duration::from_secs(1 << 30),
            first: Duration::from_secs(1 << 30),
            ceiling: Duration::from_secs(1),
        };
        let mut tries = Tries::default();
        for _ in 0..100 {
            let wait = tries.after(&down(), &forever, Instant::now()).unwrap();
            assert!(wait <= Duration::from_secs(1), "{wait:?}");
        }
    }
}
