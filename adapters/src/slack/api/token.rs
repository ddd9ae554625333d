//! What is Slack's own about tokens: the library's type for one, and which of the two it is.

use secrecy::{ExposeSecret, SecretString};
use slack_morphism::{SlackApiToken, SlackApiTokenValue};

/// The library takes a token as a plain string; this one lives as long as its call.
pub(super) fn for_library(token: &SecretString) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(token.expose_secret().to_owned()))
}

/// Why a token that begins with `other` is the wrong one of the two.
pub(super) fn mixed_up(token: &SecretString, other: &str) -> Option<String> {
    let mixed = token.expose_secret().starts_with(other);
    mixed.then(|| {
        format!("a bot token begins with xoxb-, an app-level token with xapp-; this is {other}")
    })
}
