//! What Discord has said about how much may be sent: rate limits by route, the one for everything, and
//! how many wrong calls one address may make. Asked before each call, told of each answer.
//!
//! Invariant: what Discord would surely turn down is not sent, and the wrong calls of ten minutes stay
//! far below the 10,000 after which it bans the address. What is remembered is bounded.
//!
//! Source: docs.discord.com/developers/topics/rate-limits.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderName, RETRY_AFTER};
use serde::Deserialize;
use tokio::time::Instant;

use crate::rest::exchange::Answer;
use crate::rest::pause;

use super::ask::Ask;

/// Wrong calls in [`WINDOW`] after which nothing is sent any more for the rest of it.
const MAX_WRONG: usize = 50;
const WINDOW: Duration = Duration::from_secs(10 * 60);
/// Used-up limits that are remembered; a forgotten one costs a wrong call.
const MAX_ROUTES: usize = 1_000;

const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET_AFTER: HeaderName = HeaderName::from_static("x-ratelimit-reset-after");
const SCOPE: HeaderName = HeaderName::from_static("x-ratelimit-scope");

#[derive(Default)]
pub(super) struct Limits {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Used-up limits, and when they are whole again.
    routes: HashMap<(&'static str, String), Instant>,
    /// The same for everything.
    global: Option<Instant>,
    /// When the last wrong calls were.
    wrong: VecDeque<Instant>,
}

/// The body of a 429.
#[derive(Deserialize)]
struct Slow {
    retry_after: f64,
    #[serde(default)]
    global: bool,
}

impl Limits {
    /// Whether `ask` may be sent now; otherwise how long not.
    pub(super) fn check(&self, ask: &Ask) -> Result<(), Duration> {
        let now = Instant::now();
        let mut state = self.lock();
        while state.wrong.front().is_some_and(|at| now >= *at + WINDOW) {
            state.wrong.pop_front();
        }
        // An interaction's own answer is certain: its token came with it, just now.
        let broken = state.wrong.front().filter(|_| state.wrong.len() >= MAX_WRONG && !ask.by_path);
        let route = state.routes.get(&(ask.route, ask.major.clone())).copied();
        let until = [broken.map(|first| *first + WINDOW), state.global, route];
        match until.into_iter().flatten().max().filter(|until| *until > now) {
            Some(until) => Err(until - now),
            None => Ok(()),
        }
    }

    /// Remembers what `answer` to `ask` says; gives the pause of a 429.
    pub(super) fn learn(&self, ask: &Ask, answer: &Answer) -> Option<Duration> {
        let now = Instant::now();
        let mut state = self.lock();
        let shared = answer.header(&SCOPE) == Some("shared");
        let wrong = matches!(answer.status, 401 | 403) || answer.status == 429 && !shared;
        if wrong && state.wrong.len() < MAX_WRONG {
            state.wrong.push_back(now);
            if state.wrong.len() == MAX_WRONG {
                tracing::error!(
                    route = ask.route,
                    "Discord turned down {MAX_WRONG} calls in ten minutes; nova pauses before it bans \
                     the address"
                );
            }
        }
        if answer.status == 429 {
            let slow: Option<Slow> = serde_json::from_slice(&answer.body).ok();
            let told = slow.as_ref().map(|slow| slow.retry_after).and_then(seconds);
            let header = || answer.header(&RETRY_AFTER)?.parse().ok().and_then(seconds);
            let pause = pause(told.or_else(header));
            // Without Discord's own body it comes from what stands in front of everything.
            if slow.is_none_or(|slow| slow.global) {
                state.global = Some(now + pause);
            } else {
                state.exhaust(ask, now, pause);
            }
            return Some(pause);
        }
        let reset = || answer.header(&RESET_AFTER)?.parse().ok().and_then(seconds);
        if answer.header(&REMAINING) == Some("0")
            && let Some(reset) = reset()
        {
            state.exhaust(ask, now, pause(Some(reset)));
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn exhaust(&mut self, ask: &Ask, now: Instant, pause: Duration) {
        if self.routes.len() >= MAX_ROUTES {
            self.routes.retain(|_, until| *until > now);
        }
        if self.routes.len() >= MAX_ROUTES {
            self.routes.clear();
        }
        self.routes.insert((ask.route, ask.major.clone()), now + pause);
    }
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    fn ask(major: &str) -> Ask {
        Ask::get("/channels/{channel}", major, "")
    }

    fn answer(status: u16, headers: &[(HeaderName, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        Answer { status, headers: HeaderMap::from_iter(headers), body: body.into() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_used_up_limit_holds_its_route_only() {
        let limits = Limits::default();
        let last = answer(200, &[(REMAINING, "0"), (RESET_AFTER, "2.5")], "{}");
        assert_eq!(limits.learn(&ask("1"), &last), None);
        assert_eq!(limits.check(&ask("1")), Err(Duration::from_millis(2_500)));
        assert_eq!(limits.check(&ask("2")), Ok(()));
        tokio::time::advance(Duration::from_millis(2_500)).await;
        assert_eq!(limits.check(&ask("1")), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_global_limit_holds_everything() {
        let limits = Limits::default();
        let slow = answer(429, &[], r#"{"retry_after":1.25,"global":true}"#);
        assert_eq!(limits.learn(&ask("1"), &slow), Some(Duration::from_millis(1_250)));
        assert_eq!(limits.check(&ask("2")), Err(Duration::from_millis(1_250)));
        let page = answer(429, &[(RETRY_AFTER, "30")], "<html>");
        assert_eq!(limits.learn(&ask("1"), &page), Some(Duration::from_secs(30)));
        assert_eq!(limits.check(&ask("2")), Err(Duration::from_secs(30)));
        for odd in [r#"{"retry_after":-1}"#, r#"{"retry_after":1e300}"#, "{}"] {
            let pause = limits.learn(&ask("1"), &answer(429, &[], odd)).unwrap();
            assert!(pause <= Duration::from_secs(3600), "{odd}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn far_below_the_ban_nothing_is_sent_any_more() {
        let limits = Limits::default();
        for n in 0..MAX_WRONG {
            assert_eq!(limits.check(&ask(&n.to_string())), Ok(()));
            limits.learn(&ask(&n.to_string()), &answer(403, &[], "{}"));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let shared = answer(429, &[(SCOPE, "shared")], r#"{"retry_after":0}"#);
        limits.learn(&ask("x"), &shared);
        assert_eq!(limits.check(&ask("y")), Err(WINDOW - Duration::from_secs(50)));
        assert_eq!(limits.check(&ask("y").by_path()), Ok(()), "an answer that is waited for");
        tokio::time::advance(WINDOW).await;
        assert_eq!(limits.check(&ask("y")), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let limits = Limits::default();
        let last = answer(200, &[(REMAINING, "0"), (RESET_AFTER, "60")], "{}");
        for n in 0..=MAX_ROUTES {
            limits.learn(&ask(&n.to_string()), &last);
        }
        assert!(limits.lock().routes.len() <= MAX_ROUTES);
    }
}
