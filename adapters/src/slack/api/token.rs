//! The bot token, and whether Slack still accepts it.
//!
//! Invariant: after Slack has turned the token down, nothing goes out with it. An answer to a call that
//! was made with an older token stops nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use slack_morphism::{SlackApiToken, SlackApiTokenValue};
use tokio::sync::watch;

use super::error::CallError;

/// The token in use.
pub(super) struct BotToken {
    current: Mutex<Current>,
    stopped: watch::Sender<Option<String>>,
}

struct Current {
    token: SecretString,
    generation: u64,
}

/// A token for one call.
pub(super) struct Lent {
    pub(super) token: SlackApiToken,
    /// Counts the tokens.
    pub(super) generation: u64,
}

impl BotToken {
    pub(super) fn new(token: SecretString) -> Self {
        let unfit = unfit(&token);
        let current = Mutex::new(Current { token, generation: 0 });
        Self { current, stopped: watch::Sender::new(unfit) }
    }

    /// The token for the next call.
    ///
    /// # Errors
    /// [`CallError::Stopped`] when nothing is sent any more.
    pub(super) fn lend(&self) -> Result<Lent, CallError> {
        let current = self.lock();
        match self.stopped() {
            Some(why) => Err(CallError::Stopped(why)),
            None => Ok(Lent { token: for_library(&current.token), generation: current.generation }),
        }
    }

    /// Which token is in use.
    pub(super) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Takes a new token and starts again.
    pub(super) fn replace(&self, token: SecretString) {
        let mut current = self.lock();
        let unfit = unfit(&token);
        *current = Current { token, generation: current.generation + 1 };
        self.stopped.send_replace(unfit);
    }

    /// Sends nothing any more, whatever the token.
    pub(super) fn stop(&self, why: &str) {
        let _current = self.lock();
        self.set_stopped(why);
    }

    /// Slack turned `lent` down.
    pub(super) fn turned_down(&self, lent: &Lent, why: &str) {
        let current = self.lock();
        if current.generation == lent.generation {
            self.set_stopped(why);
        }
    }

    pub(super) fn stopped(&self) -> Option<String> {
        self.stopped.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<String>> {
        self.stopped.subscribe()
    }

    fn set_stopped(&self, why: &str) {
        let first = self.stopped.send_if_modified(|stopped| {
            let first = stopped.is_none();
            if first {
                *stopped = Some(why.to_owned());
            }
            first
        });
        if first {
            tracing::error!(why, "nothing is sent to Slack any more");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The library takes a token as a plain string; this one lives as long as its call.
pub(super) fn for_library(token: &SecretString) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(token.expose_secret().to_owned()))
}

/// Why `token` cannot be put into a request at all.
pub(super) fn unfit(token: &SecretString) -> Option<String> {
    let token = token.expose_secret();
    let fit = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    (!fit).then(|| "the token is empty or holds characters that no token has".into())
}

/// Why a token that begins with `other` is the wrong one of the two.
pub(super) fn mixed_up(token: &SecretString, other: &str) -> Option<String> {
    let mixed = token.expose_secret().starts_with(other);
    mixed.then(|| {
        format!("a bot token begins with xoxb-, an app-level token with xapp-; this is {other}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_tokens_refusal_does_not_stop_the_new_one() {
        let tokens = BotToken::new("xoxb-1".into());
        let old = tokens.lend().unwrap();
        tokens.replace("xoxb-2".into());
        tokens.turned_down(&old, "revoked");
        assert_eq!(tokens.stopped(), None);
        let new = tokens.lend().unwrap();
        assert_eq!(new.token.token_value.0, "xoxb-2");
        tokens.turned_down(&new, "revoked");
        assert!(matches!(tokens.lend(), Err(CallError::Stopped(why)) if why == "revoked"));
    }

    #[test]
    fn whoever_watches_hears_of_a_stop_and_of_the_new_token() {
        let tokens = BotToken::new("xoxb-1".into());
        let mut watch = tokens.watch();
        tokens.stop("the app was removed");
        assert!(watch.has_changed().unwrap());
        assert_eq!(watch.borrow_and_update().as_deref(), Some("the app was removed"));
        tokens.stop("another reason comes too late");
        assert!(!watch.has_changed().unwrap());
        tokens.replace("xoxb-2".into());
        assert_eq!(*watch.borrow_and_update(), None);
    }

    #[test]
    fn what_no_header_can_carry_is_not_tried() {
        for bad in ["", "xoxb 1", "xoxb-1\r\nX: y", "xöxb"] {
            let tokens = BotToken::new(bad.into());
            assert!(matches!(tokens.lend(), Err(CallError::Stopped(_))), "{bad:?}");
        }
    }
}
