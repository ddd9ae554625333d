//! What the clients of Slack's and Discord's web APIs share: one bounded exchange, the token and whether
//! it is still accepted, checked addresses, and things that are asked for and kept for a while.
//!
//! Invariant: nothing here knows a platform, and no error of it holds an address, a body or a token.

pub(crate) mod address;
pub(crate) mod cache;
pub(crate) mod exchange;
pub(crate) mod token;

use std::time::Duration;

/// The pause after a rate limit that came without one: both platforms' pace for one channel.
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);
/// No pause is longer, whatever the answer says.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Whether making a call twice would be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Reads, and writes that set something to a value.
    Safe,
    /// Posts, and whatever else makes something new.
    Unsafe,
}

/// How long to wait after a rate limit that asked for `asked`.
pub(crate) fn pause(asked: Option<Duration>) -> Duration {
    asked.unwrap_or(DEFAULT_PAUSE).min(LONGEST_PAUSE)
}
