//! The Slack side of the process: the client, the way in over HTTP and sockets, the inbox behind it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nova_adapters::chat::ChatError;
use nova_adapters::slack::api::{Slack, SlackOptions};
use nova_adapters::slack::http;
use nova_adapters::slack::inbound::{Identity, Slack as Answering};
use nova_adapters::slack::signature::{Verifier, unix_now};
use nova_adapters::slack::socket::{Ended, Open, Reach, SocketHealth, SocketMode};
use nova_commands::platform::Secrets;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::side::{Link, Parts, Side, WayIn};
use super::token::{Kept, Tokened};
use crate::config::{Config, SlackSection};

/// How long one call to Slack may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Everything about one workspace.
pub(super) struct SlackSide {
    way_in: WayIn<Answering, Slack>,
    verifier: Option<Arc<Verifier>>,
    sockets: Option<SocketMode>,
    health: Option<watch::Receiver<SocketHealth>>,
}

impl SlackSide {
    /// Asks Slack who nova is and builds the way in. Nothing is taken in yet.
    pub(super) async fn start(section: &SlackSection, parts: &Parts<'_>) -> anyhow::Result<Self> {
        let secrets = parts.secrets;
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
        let verifier = match signing_secret(section, secrets)? {
            Some(secret) => Some(Arc::new(Verifier::new([&secret])?)),
            None => None,
        };
        let workspace = Arc::new(client.clone());
        let kept = Kept::new(&section.bot_token, secrets);
        let way_in =
            WayIn::new(parts, workspace, section.archive_resolved, us, client.clone(), kept);
        let sockets = socket_mode.then(|| {
            let local = !section.api_url.starts_with("https://");
            let reach = if local { Reach::Loopback } else { Reach::Slack };
            SocketMode::new(opener(client), reach, Arc::clone(&way_in.intake))
        });
        let health = sockets.as_ref().map(SocketMode::health);
        Ok(Self { way_in, verifier, sockets, health })
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
}

impl Side for SlackSide {
    /// None without a signing secret.
    fn routes(&self) -> Router {
        match &self.verifier {
            Some(verifier) => {
                http::routes(Arc::clone(verifier), Arc::clone(&self.way_in.intake), unix_now)
            }
            None => Router::new(),
        }
    }

    fn link(&self) -> Link {
        let stopped = self.way_in.client.watch_stopped();
        Link { platform: Slack::PLATFORM, stopped, sockets: self.health.clone() }
    }

    fn work(&mut self, cancel: CancellationToken) -> BoxFuture<'static, ()> {
        let kept = self.way_in.keep(&cancel);
        let sockets = self.sockets.take();
        Box::pin(async move {
            tokio::join!(kept, run_sockets(sockets, cancel));
        })
    }

    fn reload<'a>(&'a self, config: &'a Config, secrets: &'a Secrets) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some(section) = &config.slack else {
                tracing::error!(
                    "the new configuration has no [slack] section; it is kept until a restart"
                );
                return;
            };
            self.reload_signing_secret(section, secrets);
            self.way_in.reload(config, Kept::new(&section.bot_token, secrets)).await;
        })
    }

    fn close(&self, by: Instant) -> BoxFuture<'_, ()> {
        Box::pin(self.way_in.close(by))
    }
}

impl Tokened for Slack {
    const PLATFORM: &'static str = "Slack";

    fn watch_stopped(&self) -> watch::Receiver<Option<String>> {
        Slack::watch_stopped(self)
    }

    fn replace_token(&self, token: SecretString) {
        Slack::replace_token(self, token);
    }

    async fn accepted(&self) -> Result<(), ChatError> {
        self.identity().await.map(drop)
    }
}

/// Runs the sockets until cancelled.
async fn run_sockets(sockets: Option<SocketMode>, cancel: CancellationToken) {
    let Some(sockets) = sockets else { return };
    match sockets.run(cancel.clone()).await {
        Ended::Cancelled => {}
        Ended::LinkDisabled => {
            tracing::error!("Socket Mode is switched off in the Slack app's settings");
        }
        Ended::Failed => tracing::error!("the sockets to Slack failed for good"),
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
