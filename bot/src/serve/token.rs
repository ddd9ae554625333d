//! Follows the bot token: when the platform turns it down, looks where it is kept for a new one.
//!
//! Invariant: a token that was turned down is tried once more at most, since the word of its end may be
//! old news. Where to look is what the configuration says now: one that was read again never loses to
//! the one before it.

use std::time::Duration;

use nova_adapters::chat::ChatError;
use nova_commands::platform::{SecretError, SecretRef, Secrets};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often a token that is not accepted any more is looked for anew where it is kept.
const ROTATION: Duration = Duration::from_secs(30);

/// A client that stops when its token is turned down.
pub(super) trait Tokened: Clone + Send + Sync + 'static {
    /// For the log.
    const PLATFORM: &'static str;

    /// Why nothing is sent any more.
    fn watch_stopped(&self) -> watch::Receiver<Option<String>>;

    /// Uses this one from now on, and sends again.
    fn replace_token(&self, token: SecretString);

    /// Asks the platform who nova is, which shows whether the token is accepted.
    fn accepted(&self) -> impl Future<Output = Result<(), ChatError>> + Send;
}

/// Where the bot token is kept.
#[derive(Clone)]
pub(super) struct Kept {
    token: SecretRef,
    secrets: Secrets,
}

impl Kept {
    pub(super) fn new(token: &SecretRef, secrets: &Secrets) -> Self {
        Self { token: token.clone(), secrets: secrets.clone() }
    }

    pub(super) fn read(&self) -> Result<SecretString, SecretError> {
        self.secrets.resolve(&self.token)
    }
}

/// Puts a new token in the place of one that is not accepted any more, until cancelled.
pub(super) async fn follow<C: Tokened>(
    client: C,
    mut kept: watch::Receiver<Kept>,
    cancel: CancellationToken,
) {
    let platform = C::PLATFORM;
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
            let token = kept.borrow_and_update().read().ok();
            if token.is_some() && !same(token.as_ref(), tried.as_ref()) {
                tracing::warn!(
                    platform,
                    why,
                    "nova's token is not accepted: the one that is kept is tried"
                );
                tried.clone_from(&token);
                token.into_iter().for_each(|token| client.replace_token(token));
                // Whether it is accepted shows at once, and not at somebody's next command.
                if client.accepted().await.is_ok() {
                    tried = None;
                }
                continue;
            }
            tracing::error!(
                platform,
                why,
                "nova's token is not accepted: nothing is sent until there is a new one"
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
