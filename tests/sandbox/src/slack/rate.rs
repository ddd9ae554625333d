//! Slack's rate limits: one message a second and channel for `chat.postMessage`, and a tier for every
//! other method. Token buckets, filled by the server's clock. Invariant: a refused call costs nothing.
//! Source: docs.slack.dev/apis/web-api/rate-limits. Asked by the server before a method runs.

use std::collections::HashMap;
use std::time::Duration;

use super::refusal::Refusal;

/// How strictly calls are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A thousand calls a second of each method: ordinary scenarios never meet it.
    Generous,
    /// What Slack allows.
    Real,
}

/// A method's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    /// `chat.postMessage`: one a second in each channel, and a few at once.
    Posting,
    /// 20 a minute.
    Two,
    /// 50 a minute.
    Three,
    /// 100 a minute.
    Four,
    /// Hundreds a minute.
    Special,
}

impl Tier {
    /// Calls a second, and how many may come at once.
    fn bucket(self) -> (f64, f64) {
        match self {
            Tier::Posting => (1.0, 4.0),
            Tier::Two => (20.0 / 60.0, 20.0),
            Tier::Three => (50.0 / 60.0, 50.0),
            Tier::Four => (100.0 / 60.0, 100.0),
            Tier::Special => (600.0 / 60.0, 600.0),
        }
    }
}

/// How many buckets are kept; full ones are forgotten when there are more.
const BUCKETS: usize = 10_000;

#[derive(Debug)]
struct Bucket {
    left: f64,
    seen: Duration,
    rate: f64,
    size: f64,
}

impl Bucket {
    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.seen).as_secs_f64();
        self.left = (self.left + passed * self.rate).min(self.size);
        self.seen = now;
    }
}

#[derive(Debug)]
pub(super) struct Rates {
    pub(super) pace: Pace,
    /// By method and, for posting, channel.
    buckets: HashMap<(&'static str, String), Bucket>,
}

impl Rates {
    pub(super) fn new(pace: Pace) -> Self {
        Rates { pace, buckets: HashMap::new() }
    }

    /// Switches the limits and forgets what was used.
    pub(super) fn set(&mut self, pace: Pace) {
        *self = Rates::new(pace);
    }

    /// # Errors
    /// `ratelimited` with the whole seconds until the next call is taken.
    pub(super) fn take(
        &mut self,
        method: &'static str,
        tier: Tier,
        channel: &str,
        now: Duration,
    ) -> Result<(), Refusal> {
        let (rate, size) = match self.pace {
            Pace::Generous => (1000.0, 1000.0),
            Pace::Real => tier.bucket(),
        };
        let channel = if tier == Tier::Posting { channel } else { "" };
        if self.buckets.len() >= BUCKETS {
            self.forget_full(now);
        }
        let bucket = self.buckets.entry((method, channel.to_owned())).or_insert_with(|| Bucket {
            left: size,
            seen: now,
            rate,
            size,
        });
        bucket.fill(now);
        if bucket.left < 1.0 {
            let wait = ((1.0 - bucket.left) / rate).ceil().max(1.0);
            return Err(Refusal::rate_limited(Duration::from_secs_f64(wait)));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    fn forget_full(&mut self, now: Duration) {
        self.buckets.retain(|_, bucket| {
            bucket.fill(now);
            bucket.left < bucket.size
        });
        // Thousands of channels in mid-burst: start over rather than grow.
        if self.buckets.len() >= BUCKETS {
            self.buckets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_a_second_after_a_small_burst() {
        let mut rates = Rates::new(Pace::Real);
        let mut post = |channel: &str, at: u64| {
            rates.take("chat.postMessage", Tier::Posting, channel, Duration::from_millis(at))
        };
        assert_eq!((0..10).filter(|_| post("C1", 0).is_ok()).count(), 4);
        let refused = post("C1", 0).unwrap_err();
        assert_eq!(refused.retry_after, Some(Duration::from_secs(1)));
        assert!(post("C2", 0).is_ok(), "another channel has its own second");
        assert!(post("C1", 999).is_err());
        assert!(post("C1", 1000).is_ok());
        assert!(post("C1", 1001).is_err());
    }

    #[test]
    fn a_tier_is_a_minute_wide_for_all_channels_together() {
        let mut rates = Rates::new(Pace::Real);
        let now = Duration::from_secs(7);
        let taken = (0..60)
            .filter(|n| rates.take("chat.update", Tier::Three, &format!("C{n}"), now).is_ok());
        assert_eq!(taken.count(), 50);
        let refused = rates.take("chat.update", Tier::Three, "C1", now).unwrap_err();
        assert_eq!(refused.retry_after, Some(Duration::from_secs(2)));
    }

    #[test]
    fn the_buckets_are_bounded() {
        let mut rates = Rates::new(Pace::Real);
        for n in 0..3 * BUCKETS {
            let channel = format!("C{n}");
            rates.take("chat.postMessage", Tier::Posting, &channel, Duration::ZERO).unwrap();
        }
        assert!(rates.buckets.len() <= BUCKETS);
    }
}
