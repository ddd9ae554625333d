//! Follows the bot token: when Slack turns it down, looks where it is kept for a new one.
//!
//! Invariant: a token that was turned down is tried once more at most, since the word of its end may be
//! old news. Where to look is what the configuration says now: one that was read again never loses to
//! the one before it.

use std::time::Duration;

use nova_adapters::slack::api::Slack;
use nova_commands::platform::{SecretRef, Secrets};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::SlackSection;

/// How often a token that is not accepted any more is looked for anew where it is kept.
const ROTATION: Duration = Duration::from_secs(30);

/// Where the bot token is kept.
#[derive(Clone)]
pub(super) struct Kept {
    token: SecretRef,
    secrets: Secrets,
}

impl Kept {
    pub(super) fn new(section: &SlackSection, secrets: &Secrets) -> Self {
        Self { token: section.bot_token.clone(), secrets: secrets.clone() }
    }

    fn read(&self) -> Option<SecretString> {
        self.secrets.resolve(&self.token).ok()
    }
}

/// Puts a new token in the place of one that is not accepted any more, until cancelled.
pub(super) async fn follow(
    client: Slack,
    mut kept: watch::Receiver<Kept>,
    cancel: CancellationToken,
) {
    let mut stopped = client.watch_stopped();
    // Since a token was last accepted.
    let mut tried: Option<SecretString> = None;
    let following = async {
        loop {
            let why = stopped.borrow_and_update().clone();
            let Some(why) = why else {
                if stopped.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let token = kept.borrow_and_update().read();
            if token.is_some() && !same(token.as_ref(), tried.as_ref()) {
                tracing::warn!(
                    why,
                    "Slack does not accept nova's token: the one that is kept is tried"
                );
                tried.clone_from(&token);
                token.into_iter().for_each(|token| client.replace_token(token));
                // Whether it is accepted shows at once, and not at somebody's next command.
                if client.identity().await.is_ok() {
                    tried = None;
                }
                continue;
            }
            tracing::error!(
                why,
                "Slack does not accept nova's token: nothing is sent until there is a new one"
            );
            tokio::select! {
                () = sleep(ROTATION) => {}
                Ok(()) = stopped.changed() => {}
                Ok(()) = kept.changed() => {}
            }
        }
    };
    cancel.run_until_cancelled(following).await;
}

fn same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    let exposed = |token: Option<&SecretString>| token.map(|t| t.expose_secret().to_owned());
    exposed(one) == exposed(other)
}
