//! When to connect again: full jitter under a bound that doubles, so that many clients do not come
//! back at the same moment. The sockets of [`crate::slack::socket`] and the gateway of
//! [`crate::discord::gateway`] connect by it.
//!
//! Invariant: a socket that did not stand for [`STABLE`] counts as a failure, however it ended, so that
//! a server that sends everybody away at once is not asked in a loop.

use std::time::Duration;

/// The bound after the first failure.
const FIRST: Duration = Duration::from_millis(500);
/// The largest bound.
const LONGEST: Duration = Duration::from_secs(60);
/// A socket that stood so long starts the count anew.
pub(crate) const STABLE: Duration = Duration::from_secs(60);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// A connection could not be made.
    pub(crate) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// A connection stood for `lived` and is to be replaced. `asked`: the platform wanted it so, which
    /// after a stable time is no reason to wait.
    pub(crate) fn stood(&mut self, lived: Duration, asked: bool) {
        if lived < STABLE {
            self.failed();
        } else {
            self.failures = u32::from(!asked);
        }
    }

    /// How long to wait now.
    pub(crate) fn delay(&self) -> Duration {
        // Without randomness the bound itself is a safe choice.
        self.spread(getrandom::u64().unwrap_or(u64::MAX))
    }

    fn bound(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            // Seven doublings pass the longest.
            n => LONGEST.min(FIRST * 2u32.pow((n - 1).min(7))),
        }
    }

    fn spread(&self, random: u64) -> Duration {
        let share = random as f64 / u64::MAX as f64;
        self.bound().mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bound_doubles_up_to_a_minute() {
        let mut backoff = Backoff::default();
        let mut bounds = vec![backoff.bound().as_millis()];
        for _ in 0..9 {
            backoff.failed();
            bounds.push(backoff.bound().as_millis());
        }
        assert_eq!(bounds, [0, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
        backoff.failures = u32::MAX;
        backoff.failed();
        assert_eq!(backoff.bound(), LONGEST);
    }

    #[test]
    fn only_a_stable_minute_starts_the_count_anew() {
        let mut backoff = Backoff { failures: 5 };
        backoff.stood(STABLE - Duration::from_millis(1), true);
        assert_eq!(backoff.failures, 6);
        backoff.stood(STABLE, false);
        assert_eq!(backoff.bound(), FIRST);
        backoff.stood(STABLE, true);
        assert_eq!(backoff.bound(), Duration::ZERO);
    }

    #[test]
    fn the_whole_width_under_the_bound_is_used() {
        let backoff = Backoff { failures: 8 };
        assert_eq!(backoff.spread(0), Duration::ZERO);
        assert_eq!(backoff.spread(u64::MAX), LONGEST);
        let distinct: std::collections::HashSet<_> = (0..20).map(|_| backoff.delay()).collect();
        assert!(distinct.len() > 10, "{distinct:?}");
    }

    proptest! {
        #[test]
        fn no_delay_is_above_its_bound(failures in any::<u32>(), random in any::<u64>()) {
            let backoff = Backoff { failures };
            prop_assert!(backoff.spread(random) <= backoff.bound());
        }
    }
}
