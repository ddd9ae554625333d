//! The forms of Discord's ids. Called for every id of a payload, before it becomes part of an event.
//!
//! Invariant: what passes has no slash, colon, space or control character, so that ids can be joined
//! and put into an address.

use super::{MAX_TEXT, Refusal};

/// A snowflake: the decimal digits of a 64-bit number.
pub(super) fn id<'a>(text: Option<&'a str>, name: &'static str) -> Result<&'a str, Refusal> {
    let snowflake = |text: &&str| {
        (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.filter(snowflake).ok_or(Refusal::Malformed(name))
}

/// What [`id`] checks, where it may be missing.
pub(super) fn optional<'a>(
    text: Option<&'a str>,
    name: &'static str,
) -> Result<Option<&'a str>, Refusal> {
    text.map(|text| id(Some(text), name)).transpose()
}

/// The token that answers an interaction: URL-safe characters.
pub(super) fn token(text: &str) -> Result<&str, Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+=".contains(&byte);
    if (1..=1_000).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err(Refusal::Malformed("token"))
    }
}

/// A text from a person: anything, up to [`MAX_TEXT`].
pub(super) fn text(text: &str) -> Result<&str, Refusal> {
    if text.len() > MAX_TEXT { Err(Refusal::Malformed("a text is too long")) } else { Ok(text) }
}
