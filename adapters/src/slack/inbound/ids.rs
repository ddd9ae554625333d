//! The forms of Slack's ids. Called for every id of a payload, before it becomes part of an event.
//!
//! Invariant: what passes has no slash, colon, space or control character, so that ids can be joined
//! and shown.

use super::{MAX_TEXT, Refusal, present};

/// A workspace, user, channel, app or view.
pub(super) fn id<'a, T: AsRef<str>>(
    text: Option<&'a T>,
    missing: &'static str,
) -> Result<&'a str, Refusal> {
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    checked(text, missing, 2..=30, capital)
}

/// An event, such as `Ev08MFMKH6`.
pub(super) fn event_id<T: AsRef<str>>(text: Option<&T>) -> Result<&str, Refusal> {
    checked(text, "event_id", 2..=64, |byte| byte.is_ascii_alphanumeric())
}

/// A trigger: numbers and a token joined by dots.
pub(super) fn trigger<T: AsRef<str>>(text: Option<&T>) -> Result<&str, Refusal> {
    checked(text, "trigger_id", 1..=150, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
    })
}

/// A message's time stamp, which is its id: seconds, a dot, six digits.
pub(super) fn ts<'a, T: AsRef<str>>(
    text: Option<&'a T>,
    name: &'static str,
) -> Result<&'a str, Refusal> {
    let digits = |text: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    present(text)
        .filter(|ts| {
            let parts = ts.split_once('.');
            parts.is_some_and(|(whole, rest)| digits(whole, 1..=20) && digits(rest, 6..=6))
        })
        .ok_or(Refusal::Malformed(name))
}

/// What [`ts`] checks, where it may be missing.
pub(super) fn optional_ts<'a, T: AsRef<str>>(
    text: Option<&'a T>,
    name: &'static str,
) -> Result<Option<&'a str>, Refusal> {
    if present(text).is_none() { Ok(None) } else { ts(text, name).map(Some) }
}

/// What [`id`] checks, where it may be missing.
pub(super) fn optional_id<'a, T: AsRef<str>>(
    text: Option<&'a T>,
    name: &'static str,
) -> Result<Option<&'a str>, Refusal> {
    if present(text).is_none() { Ok(None) } else { id(text, name).map(Some) }
}

/// A text from a person: anything, up to [`MAX_TEXT`].
pub(super) fn text(text: &str) -> Result<&str, Refusal> {
    if text.len() > MAX_TEXT { Err(Refusal::Malformed("a text is too long")) } else { Ok(text) }
}

/// A web address to answer at.
pub(super) fn url<T: AsRef<str>>(text: Option<&T>) -> Result<Option<&str>, Refusal> {
    let plain = |url: &str| url.len() <= 2_000 && url.bytes().all(|byte| byte.is_ascii_graphic());
    match present(text) {
        Some(url) if !plain(url) => Err(Refusal::Malformed("response_url")),
        url => Ok(url),
    }
}

fn checked<'a, T: AsRef<str>>(
    text: Option<&'a T>,
    name: &'static str,
    length: std::ops::RangeInclusive<usize>,
    allowed: impl Fn(u8) -> bool,
) -> Result<&'a str, Refusal> {
    present(text)
        .filter(|text| length.contains(&text.len()) && text.bytes().all(allowed))
        .ok_or(Refusal::Malformed(name))
}
