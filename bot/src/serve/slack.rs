//! The Slack side of the process: the client, the way in over HTTP and sockets, the inbox behind it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use futures_util::FutureExt;
use nova_adapters::chat::{Conversation, Platform};
use nova_adapters::slack::api::{Slack, SlackOptions};
use nova_adapters::slack::http;
use nova_adapters::slack::inbound::{Identity, Intake};
use nova_adapters::slack::signature::{Verifier, unix_now};
use nova_adapters::slack::socket::{Ended, Open, Reach, SocketHealth, SocketMode};
use nova_commands::platform::Secrets;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, SlackSection};
use crate::delivery::Delivery;
use crate::engine::Engine;
use crate::inbox::ChatInbox;
use crate::people::People;
use crate::rooms::Rooms;

use super::token::Kept;

/// How long one call to Slack may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Everything about one workspace.
pub(super) struct SlackSide {
    client: Slack,
    inbox: Arc<ChatInbox>,
    intake: Arc<Intake>,
    verifier: Option<Arc<Verifier>>,
    sockets: Option<SocketMode>,
    health: Option<watch::Receiver<SocketHealth>>,
    /// Where the bot token is kept.
    kept: watch::Sender<Kept>,
}

/// Where messages go whose channel is gone.
pub(super) fn fallback(section: &SlackSection) -> Option<(Platform, Conversation)> {
    let id = section.fallback_channel.clone()?;
    Some((Platform::Slack, Conversation { platform: Platform::Slack, id }))
}

impl SlackSide {
    /// Asks Slack who nova is and builds the way in. Nothing is taken in yet.
    pub(super) async fn start(
        config: &Config,
        section: &SlackSection,
        secrets: &Secrets,
        engine: &Arc<Engine>,
        delivery: &Delivery,
        rooms: &Arc<Rooms>,
    ) -> anyhow::Result<Self> {
        let app_token =
            section.app_token.as_ref().map(|token| secrets.resolve(token)).transpose()?;
        let socket_mode = app_token.is_some();
        let client = Slack::new(SlackOptions {
            api_url: section.api_url.clone(),
            bot_token: secrets.resolve(&section.bot_token)?,
            app_token,
            deadline: DEADLINE,
        })?;
        let us = client.identity().await.context("Slack does not say who nova is")?;
        for (scope, purpose) in us.missing_scopes() {
            tracing::warn!(scope, purpose, "the Slack app lacks a scope");
        }
        let us =
            Identity { team: us.team, enterprise: us.enterprise, app: None, bot_user: us.user };
        rooms.connect(Arc::new(client.clone()), section.archive_resolved);
        let inbox = Arc::new(ChatInbox::new(
            Arc::clone(engine),
            Arc::new(client.clone()),
            delivery.clone(),
            Arc::new(People::new(config)),
            Arc::clone(rooms),
        ));
        let intake = Intake::new(us, Arc::clone(&inbox) as _, Arc::clone(&inbox) as _);
        let verifier = match signing_secret(section, secrets)? {
            Some(secret) => Some(Arc::new(Verifier::new([&secret])?)),
            None => None,
        };
        let sockets = socket_mode.then(|| {
            let local = !section.api_url.starts_with("https://");
            let reach = if local { Reach::Loopback } else { Reach::Slack };
            SocketMode::new(opener(client.clone()), reach, Arc::clone(&intake))
        });
        let health = sockets.as_ref().map(SocketMode::health);
        let kept = watch::Sender::new(Kept::new(section, secrets));
        Ok(Self { client, inbox, intake, verifier, sockets, health, kept })
    }

    pub(super) fn client(&self) -> Slack {
        self.client.clone()
    }

    pub(super) fn health(&self) -> Option<watch::Receiver<SocketHealth>> {
        self.health.clone()
    }

    /// Where the bot token is kept, now and after each reload.
    pub(super) fn kept(&self) -> watch::Receiver<Kept> {
        self.kept.subscribe()
    }

    /// The routes that Slack calls; none without a signing secret.
    pub(super) fn routes(&self) -> Router {
        match &self.verifier {
            Some(verifier) => {
                http::routes(Arc::clone(verifier), Arc::clone(&self.intake), unix_now)
            }
            None => Router::new(),
        }
    }

    /// The sockets to run; once.
    pub(super) fn take_sockets(&mut self) -> Option<SocketMode> {
        self.sockets.take()
    }

    /// Draws the home pages again that somebody may be looking at, until cancelled.
    pub(super) async fn keep_homes(&self, cancel: CancellationToken) {
        cancel.run_until_cancelled(Box::pin(self.inbox.keep_homes())).await;
    }

    /// From now on the people, groups and roles of this configuration hold, and its bot token and
    /// signing secret. What cannot be read stays as it was.
    pub(super) async fn reload(&self, config: &Config, secrets: &Secrets) {
        let Some(section) = &config.slack else {
            tracing::error!(
                "the new configuration has no [slack] section; it is kept until a restart"
            );
            return;
        };
        self.inbox.replace_people(Arc::new(People::new(config)));
        self.reload_signing_secret(section, secrets);
        self.kept.send_replace(Kept::new(section, secrets));
        match secrets.resolve(&section.bot_token) {
            Ok(token) => self.client.replace_token(token),
            Err(error) => tracing::error!(%error, "the old bot token stays"),
        }
        // Whether it is accepted shows at once, and not at somebody's next command.
        match self.client.identity().await {
            Ok(_) => tracing::info!(
                "people, roles, the bot token and the signing secret are those of the configuration \
                 now; everything else in it holds from the next start"
            ),
            Err(error) => tracing::error!(%error, "Slack does not say who nova is"),
        }
    }

    fn reload_signing_secret(&self, section: &SlackSection, secrets: &Secrets) {
        let Some(verifier) = &self.verifier else { return };
        match signing_secret(section, secrets) {
            Ok(Some(secret)) => {
                if let Err(error) = verifier.replace([&secret]) {
                    tracing::error!(%error, "the old signing secret stays");
                }
            }
            Ok(None) => {
                tracing::error!("no signing secret any more; it is kept until a restart");
            }
            Err(error) => tracing::error!(%error, "the old signing secret stays"),
        }
    }

    /// Ends what was taken in: cancels it at `by`, and is done four seconds later.
    pub(super) async fn close(&self, by: Instant) {
        let left = || by.saturating_duration_since(Instant::now());
        self.intake.close(left() / 4).await;
        self.inbox.close(left()).await;
    }
}

/// Runs the sockets until cancelled.
pub(super) async fn run_sockets(sockets: Option<SocketMode>, cancel: CancellationToken) {
    let Some(sockets) = sockets else { return cancel.cancelled().await };
    match sockets.run(cancel.clone()).await {
        Ended::Cancelled => {}
        Ended::LinkDisabled => {
            tracing::error!("Socket Mode is switched off in the Slack app's settings");
            cancel.cancelled().await;
        }
        Ended::Failed => {
            tracing::error!("the sockets to Slack failed for good");
            cancel.cancelled().await;
        }
    }
}

fn signing_secret(
    section: &SlackSection,
    secrets: &Secrets,
) -> anyhow::Result<Option<SecretString>> {
    Ok(section.signing_secret.as_ref().map(|secret| secrets.resolve(secret)).transpose()?)
}

fn opener(client: Slack) -> Open {
    Arc::new(move || {
        let client = client.clone();
        async move { client.open_socket().await }.boxed()
    })
}
