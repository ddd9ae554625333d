//! The bot token, and whether its platform still accepts it.
//!
//! Invariant: after the platform has turned the token down, nothing goes out with it. An answer to a call that
//! was made with an older token stops nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

/// Why nothing is sent any more.
#[derive(Debug)]
pub(crate) struct Stopped(pub(crate) String);

/// The token in use.
pub(crate) struct BotToken {
    /// The platform's name.
    platform: &'static str,
    current: Mutex<Current>,
    stopped: watch::Sender<Option<String>>,
}

struct Current {
    token: SecretString,
    generation: u64,
}

/// A token for one call.
pub(crate) struct Lent {
    pub(crate) token: SecretString,
    /// Counts the tokens.
    pub(crate) generation: u64,
}

impl BotToken {
    pub(crate) fn new(platform: &'static str, token: SecretString) -> Self {
        let unfit = unfit(&token);
        let current = Mutex::new(Current { token, generation: 0 });
        Self { platform, current, stopped: watch::Sender::new(unfit) }
    }

    /// The token for the next call.
    ///
    /// # Errors
    /// [`Stopped`] when nothing is sent any more.
    pub(crate) fn lend(&self) -> Result<Lent, Stopped> {
        let current = self.lock();
        match self.stopped() {
            Some(why) => Err(Stopped(why)),
            None => Ok(Lent { token: current.token.clone(), generation: current.generation }),
        }
    }

    /// Which token is in use.
    pub(crate) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Takes a new token and starts again.
    pub(crate) fn replace(&self, token: SecretString) {
        let mut current = self.lock();
        let unfit = unfit(&token);
        *current = Current { token, generation: current.generation + 1 };
        self.stopped.send_replace(unfit);
    }

    /// Sends nothing any more, whatever the token.
    pub(crate) fn stop(&self, why: &str) {
        let _current = self.lock();
        self.set_stopped(why);
    }

    /// The platform turned `lent` down.
    pub(crate) fn turned_down(&self, lent: &Lent, why: &str) {
        let current = self.lock();
        if current.generation == lent.generation {
            self.set_stopped(why);
        }
    }

    pub(crate) fn stopped(&self) -> Option<String> {
        self.stopped.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Option<String>> {
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
            tracing::error!(why, "nothing is sent to {} any more", self.platform);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why `token` cannot be put into a request at all.
pub(crate) fn unfit(token: &SecretString) -> Option<String> {
    let token = token.expose_secret();
    let fit = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    (!fit).then(|| "the token is empty or holds characters that no token has".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_tokens_refusal_does_not_stop_the_new_one() {
        let tokens = BotToken::new("Slack", "xoxb-1".into());
        let old = tokens.lend().unwrap();
        tokens.replace("xoxb-2".into());
        tokens.turned_down(&old, "revoked");
        assert_eq!(tokens.stopped(), None);
        let new = tokens.lend().unwrap();
        assert_eq!(new.token.expose_secret(), "xoxb-2");
        tokens.turned_down(&new, "revoked");
        assert!(matches!(tokens.lend(), Err(Stopped(why)) if why == "revoked"));
    }

    #[test]
    fn whoever_watches_hears_of_a_stop_and_of_the_new_token() {
        let tokens = BotToken::new("Slack", "xoxb-1".into());
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
            let tokens = BotToken::new("Slack", bad.into());
            assert!(matches!(tokens.lend(), Err(Stopped(_))), "{bad:?}");
        }
    }
}
