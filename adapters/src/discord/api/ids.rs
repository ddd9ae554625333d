//! Discord's ids: what a snowflake looks like, how a place is written, and an interaction's token.
//!
//! Invariant: nothing goes into a request's path as an id or a token that does not look like one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use secrecy::{ExposeSecret, SecretString};

use crate::chat::{ChatError, Conversation, Platform};

/// Milliseconds from 1970 to Discord's own beginning of time:
/// <https://docs.discord.com/developers/reference#snowflakes>.
const EPOCH: u64 = 1_420_070_400_000;
/// Far more than Discord's.
const MAX_TOKEN: usize = 1_000;

/// Where a message may go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// A channel or a thread, which is a channel to Discord.
    Channel(&'a str),
    /// The direct messages with an account.
    Person(&'a str),
}

impl<'a> Place<'a> {
    /// # Errors
    /// [`ChatError::Gone`]: what is not an id of Discord's is nowhere on Discord.
    pub(super) fn of(conversation: &'a Conversation) -> Result<Self, ChatError> {
        let id = conversation.id.as_str();
        let place = match id.strip_prefix('@') {
            Some(account) => (account, Self::Person(account)),
            None => (id, Self::Channel(id)),
        };
        let fine = conversation.platform == Platform::Discord && is_id(place.0);
        if fine { Ok(place.1) } else { Err(ChatError::Gone) }
    }

    /// Where it has to be a channel.
    ///
    /// # Errors
    /// [`ChatError::Gone`].
    pub(super) fn channel(conversation: &'a Conversation) -> Result<&'a str, ChatError> {
        match Self::of(conversation)? {
            Self::Channel(id) => Ok(id),
            Self::Person(_) => Err(ChatError::Gone),
        }
    }
}

/// The direct messages with an account.
pub(super) fn direct(account: &str) -> Conversation {
    Conversation { platform: Platform::Discord, id: format!("@{account}") }
}

/// Whether `text` looks like a snowflake.
pub(super) fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// What answers one interaction, out of [`crate::event::Reply::token`].
pub(super) struct InteractionToken<'a> {
    pub(super) interaction: &'a str,
    secret: &'a str,
}

impl<'a> InteractionToken<'a> {
    pub(super) fn of(token: &'a SecretString) -> Option<Self> {
        let (interaction, secret) = token.expose_secret().split_once(':')?;
        Self::new(interaction, secret)
    }

    pub(super) fn new(interaction: &'a str, secret: &'a str) -> Option<Self> {
        let part_of_token = |b: u8| b.is_ascii_alphanumeric() || b"-_=.".contains(&b);
        let fine = is_id(interaction)
            && (1..=MAX_TOKEN).contains(&secret.len())
            && secret.bytes().all(part_of_token)
            && !secret.starts_with('.');
        fine.then_some(Self { interaction, secret })
    }

    /// For a path; a permission.
    pub(super) fn secret(&self) -> &'a str {
        self.secret
    }

    /// How long ago the interaction was, as far as the clocks agree.
    pub(super) fn age(&self) -> Option<Duration> {
        let made = (self.interaction.parse::<u64>().ok()? >> 22) + EPOCH;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        now.checked_sub(Duration::from_millis(made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_are_places() {
        let place = |id: &str| Conversation { platform: Platform::Discord, id: id.into() };
        assert_eq!(Place::of(&place("123")).unwrap(), Place::Channel("123"));
        assert_eq!(Place::of(&place("@123")).unwrap(), Place::Person("123"));
        assert!(Place::channel(&place("@123")).is_err());
        for bad in ["", "@", "general", "12/3", "1?x=y", "@@1", "1".repeat(21).as_str(), "１"] {
            assert!(Place::of(&place(bad)).is_err(), "{bad}");
        }
        let slack = Conversation { platform: Platform::Slack, id: "123".into() };
        assert!(Place::of(&slack).is_err());
    }

    #[test]
    fn a_token_cannot_leave_its_path() {
        let token = |text: &str| InteractionToken::of(&text.into()).is_some();
        assert!(token("17:aW50ZXJhY3Rpb24_x-y="));
        for bad in ["", "17", "17:", "x:abc", "17:a/b", "17:a?b", "17:..", "17:a#b", "17:a%2fb"] {
            assert!(!token(bad), "{bad}");
        }
    }

    #[test]
    fn an_id_tells_its_age() {
        let age = InteractionToken::new("175928847299117063", "x").unwrap().age();
        // 2016-04-30, the example of Discord's documentation.
        assert!(age.unwrap() > Duration::from_secs(9 * 365 * 24 * 3600));
    }
}
