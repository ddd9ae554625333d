//! Discord's rate limits: one bucket for each route and channel (guild, webhook), 50 calls a second in
//! all, and the ban of an address with 10,000 invalid requests in ten minutes. Windows that begin with
//! their first call, by the server's clock. Source: docs.discord.com/developers/topics/rate-limits, and
//! the headers of real answers for the figures, which Discord does not publish. Asked by the server
//! before a call is done.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::refusal::Refusal;

/// How strictly calls are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A thousand calls a second of each route: ordinary scenarios never meet it.
    Generous,
    /// What Discord allows.
    Real,
}

/// A route's own limit: so many calls, in so many seconds.
pub(super) type Limit = (u32, u64);

/// Calls a second in all, for calls with the bot's token.
const GLOBAL: u32 = 50;

/// How many invalid requests in which time lock an address out.
const INVALID: usize = 10_000;
const INVALID_WINDOW: Duration = Duration::from_secs(600);

/// How many windows are kept; those that are over are forgotten when there are more.
const WINDOWS: usize = 10_000;

/// Changes of a channel's name or topic: two in ten minutes.
const RENAMES: Limit = (2, 600);

#[derive(Debug, Clone, Copy)]
struct Window {
    used: u32,
    ends: Duration,
}

/// Where a bucket stands after a call; the headers say it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset_after: Duration,
    pub(super) bucket: String,
}

#[derive(Debug)]
pub(super) struct Rates {
    pace: Pace,
    /// By route and the path's first id.
    windows: HashMap<(&'static str, String), Window>,
    invalid: VecDeque<Duration>,
}

impl Rates {
    pub(super) fn new(pace: Pace) -> Self {
        Rates { pace, windows: HashMap::new(), invalid: VecDeque::new() }
    }

    /// Switches the limits and forgets what was used.
    pub(super) fn set(&mut self, pace: Pace) {
        *self = Rates::new(pace);
    }

    /// The call's own bucket, and the refusal when it is empty.
    pub(super) fn take(
        &mut self,
        route: &'static str,
        major: &str,
        limit: Limit,
        now: Duration,
    ) -> (Standing, Option<Refusal>) {
        let (most, seconds) = match self.pace {
            Pace::Generous => (1_000, 1),
            Pace::Real => limit,
        };
        let (left, ends) = self.use_one(route, major, (most, seconds), now);
        let standing = Standing {
            limit: most,
            remaining: left.unwrap_or(0),
            reset_after: ends - now,
            bucket: bucket(route),
        };
        let refused = left.is_none().then(|| Refusal::limited(ends - now, false));
        (standing, refused)
    }

    /// # Errors
    /// The global limit's refusal.
    pub(super) fn global(&mut self, now: Duration) -> Result<(), Refusal> {
        let most = if self.pace == Pace::Real { GLOBAL } else { 10_000 };
        let (left, ends) = self.use_one("", "", (most, 1), now);
        left.map(drop).ok_or_else(|| Refusal::limited(ends - now, true))
    }

    /// Counts a change of a channel's name or topic, at whatever pace.
    ///
    /// # Errors
    /// The refusal of a third within ten minutes.
    pub(super) fn rename(&mut self, channel: &str, now: Duration) -> Result<(), Refusal> {
        let (left, ends) = self.use_one("rename", channel, RENAMES, now);
        left.map(drop).ok_or_else(|| Refusal::limited(ends - now, false))
    }

    /// How many are left after this one, or `None` when it was one too many; and the window's end.
    fn use_one(
        &mut self,
        route: &'static str,
        major: &str,
        (most, seconds): Limit,
        now: Duration,
    ) -> (Option<u32>, Duration) {
        if self.windows.len() >= WINDOWS {
            self.windows.retain(|_, window| window.ends > now);
        }
        let fresh = Window { used: 0, ends: now + Duration::from_secs(seconds) };
        let window = self.windows.entry((route, major.to_owned())).or_insert(fresh);
        if window.ends <= now {
            *window = fresh;
        }
        if window.used >= most {
            return (None, window.ends);
        }
        window.used += 1;
        (Some(most - window.used), window.ends)
    }

    /// Counts an answer of 401, 403 or 429.
    pub(super) fn count_invalid(&mut self, now: Duration) {
        self.invalid.push_back(now);
        while self.invalid.len() > INVALID {
            self.invalid.pop_front();
        }
    }

    /// How many of the last ten minutes' requests were invalid.
    pub(super) fn invalid(&mut self, now: Duration) -> usize {
        while self.invalid.front().is_some_and(|at| *at + INVALID_WINDOW <= now) {
            self.invalid.pop_front();
        }
        self.invalid.len()
    }

    /// Whether the address is locked out.
    pub(super) fn banned(&mut self, now: Duration) -> bool {
        self.invalid(now) >= INVALID
    }
}

/// The opaque name of a route's bucket.
fn bucket(route: &str) -> String {
    let hash = route.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_bucket_is_of_one_route_and_channel() {
        let mut rates = Rates::new(Pace::Real);
        let mut post = |channel: &str, now| rates.take("post", channel, (5, 5), now).1;
        for _ in 0..5 {
            assert_eq!(post("1", at(100)), None);
        }
        let refused = post("1", at(600)).unwrap().limited.unwrap();
        assert_eq!((refused.retry_after, refused.global), (at(4_500), false));
        assert_eq!(post("2", at(600)), None);
        assert_eq!(post("1", at(5_100)), None, "the window is over");
    }

    #[test]
    fn fifty_calls_a_second_in_all() {
        let mut rates = Rates::new(Pace::Real);
        let taken = (0..60).filter(|_| rates.global(at(0)).is_ok()).count();
        assert_eq!(taken, 50);
        assert!(rates.global(at(999)).unwrap_err().limited.unwrap().global);
        assert!(rates.global(at(1_000)).is_ok());
    }

    #[test]
    fn a_channel_is_renamed_twice_in_ten_minutes_at_any_pace() {
        let mut rates = Rates::new(Pace::Generous);
        assert!(rates.rename("1", at(0)).is_ok() && rates.rename("1", at(1)).is_ok());
        let wait = rates.rename("1", at(1_000)).unwrap_err().limited.unwrap().retry_after;
        assert_eq!(wait, Duration::from_secs(599));
        assert!(rates.rename("1", at(600_000)).is_ok());
    }

    #[test]
    fn ten_thousand_invalid_requests_lock_the_address_out_for_a_while() {
        let mut rates = Rates::new(Pace::Real);
        for _ in 0..INVALID + 10 {
            rates.count_invalid(at(5));
        }
        assert!(rates.banned(at(600_004)));
        assert!(!rates.banned(at(600_005)));
    }
}
