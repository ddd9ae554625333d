//! What the signatures of Slack and Discord have in common: a time of signing that must be near, and
//! hexadecimal digits. Called by [`crate::slack::signature`] and [`crate::discord::signature`].

use std::time::{SystemTime, UNIX_EPOCH};

use thiserror::Error;

/// How far a request's clock may be from ours, in seconds.
pub const WINDOW: i64 = 300;

/// Why a request is not the platform's.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Forgery {
    #[error("the signature or its timestamp is missing")]
    Missing,
    #[error("the signature or its timestamp is malformed")]
    Malformed,
    #[error("the request was signed more than 5 minutes away from now")]
    Stale,
    #[error("the signature is wrong")]
    Wrong,
}

/// The time by the system's clock, in seconds since 1970.
#[must_use]
pub fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Refuses a timestamp, in seconds since 1970, that is none or not within [`WINDOW`] of `now`.
pub(crate) fn fresh(timestamp: &[u8], now: i64) -> Result<(), Forgery> {
    let signed = seconds(timestamp).ok_or(Forgery::Malformed)?;
    if now.abs_diff(signed) > WINDOW.unsigned_abs() { Err(Forgery::Stale) } else { Ok(()) }
}

fn seconds(text: &[u8]) -> Option<i64> {
    // Twelve digits last for 30,000 years; `parse` alone would take a sign.
    if text.is_empty() || text.len() > 12 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

/// `N` bytes in lower-case digits and nothing else, so that a request has one signature.
pub(crate) fn bytes<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    if hex.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut seen = 0;
    for (byte, pair) in bytes.iter_mut().zip(hex.as_chunks::<2>().0) {
        let [high, low] = pair.map(|digit| DIGITS[usize::from(digit)]);
        seen |= high | low;
        *byte = high << 4 | low & 15;
    }
    (seen < 16).then_some(bytes)
}

/// The value of each lower-case digit; 16 is none.
const DIGITS: [u8; 256] = {
    let mut digits = [16; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};
