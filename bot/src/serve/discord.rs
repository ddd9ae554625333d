//! The Discord side of the process: the client, the way in over HTTP and the gateway, the inbox behind
//! it, and the commands that Discord shows.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use futures_util::future::BoxFuture;
use nova_adapters::chat::ChatError;
use nova_adapters::discord::api::{self, Discord, DiscordOptions, Rooms, Scope};
use nova_adapters::discord::commands::register;
use nova_adapters::discord::gateway::{Gateway, SocketHealth};
use nova_adapters::discord::http;
use nova_adapters::discord::inbound::{Discord as Answering, Identity};
use nova_adapters::discord::signature::{Verifier, unix_now};
use nova_commands::platform::Secrets;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::side::{Link, Parts, Side, WayIn};
use super::token::{Kept, Tokened};
use crate::config::{CommandScope, Config, DiscordSection, IncidentRooms};
use crate::menu::menu;

/// How long one call to Discord may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Everything about one server.
pub(super) struct DiscordSide {
    way_in: WayIn<Answering, Held>,
    public_key: Option<String>,
    gateway: Option<Gateway>,
    health: Option<watch::Receiver<SocketHealth>>,
}

/// The client, and the token that the gateway uses.
#[derive(Clone)]
struct Held {
    client: Discord,
    gateway: watch::Sender<SecretString>,
}

impl DiscordSide {
    /// Asks Discord who nova is, registers the commands and builds the way in. Nothing is taken in yet.
    pub(super) async fn start(section: &DiscordSection, parts: &Parts<'_>) -> anyhow::Result<Self> {
        let token = parts.secrets.resolve(&section.bot_token)?;
        let client = Discord::new(options(section, token.clone(), DEADLINE))?;
        let us = client.identity().await.context("Discord does not say who nova is")?;
        for (permission, purpose) in us.missing_permissions() {
            tracing::warn!(
                permission,
                purpose,
                "nova's role in the Discord server lacks a permission"
            );
        }
        if let Some(problem) = mismatch(section, &us) {
            tracing::warn!("{problem}");
        }
        let menu = Arc::new(menu(&parts.engine.grammar));
        match register(&client, &menu, scope(section)).await {
            Ok(true) => tracing::info!("the commands are registered on Discord"),
            Ok(false) => {}
            // Those of the last start are there, mostly.
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::error!(error, "the commands on Discord stay as they are");
            }
        }
        let us = Identity {
            application: section.application_id.clone(),
            guild: section.guild_id.clone(),
            menu,
        };
        let workspace = Arc::new(client.clone());
        let held = Held { client: client.clone(), gateway: watch::Sender::new(token) };
        let listened = held.gateway.subscribe();
        let kept = Kept::new(&section.bot_token, parts.secrets);
        let way_in = WayIn::new(parts, workspace, section.archive_resolved, us, held, kept);
        let gateway =
            section.gateway.then(|| Gateway::of(&client, listened, Arc::clone(&way_in.intake)));
        let health = gateway.as_ref().map(Gateway::health);
        Ok(Self { way_in, public_key: section.public_key.clone(), gateway, health })
    }
}

impl Side for DiscordSide {
    /// None without a public key.
    fn routes(&self) -> Router {
        match self.public_key.as_deref().map(Verifier::new) {
            Some(Ok(verifier)) => http::routes(verifier, Arc::clone(&self.way_in.intake), unix_now),
            // Loading has refused a key that is none.
            Some(Err(_)) | None => Router::new(),
        }
    }

    fn link(&self) -> Link {
        let stopped = self.way_in.client.watch_stopped();
        Link { platform: Held::PLATFORM, stopped, sockets: self.health.clone() }
    }

    fn work(&mut self, cancel: CancellationToken) -> BoxFuture<'static, ()> {
        let kept = self.way_in.keep(&cancel);
        let gateway = self.gateway.take();
        Box::pin(async move {
            let listening = async {
                if let Some(gateway) = gateway {
                    gateway.run(cancel).await;
                }
            };
            tokio::join!(kept, listening);
        })
    }

    fn reload<'a>(&'a self, config: &'a Config, secrets: &'a Secrets) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some(section) = &config.discord else {
                tracing::error!(
                    "the new configuration has no [discord] section; it is kept until a restart"
                );
                return;
            };
            self.way_in.reload(config, Kept::new(&section.bot_token, secrets)).await;
        })
    }

    fn close(&self, by: Instant) -> BoxFuture<'_, ()> {
        Box::pin(self.way_in.close(by))
    }
}

impl Tokened for Held {
    const PLATFORM: &'static str = "Discord";

    fn watch_stopped(&self) -> watch::Receiver<Option<String>> {
        self.client.watch_stopped()
    }

    fn replace_token(&self, token: SecretString) {
        self.client.replace_token(token.clone());
        self.gateway.send_replace(token);
    }

    async fn accepted(&self) -> Result<(), ChatError> {
        self.client.identity().await.map(drop)
    }
}

/// The client's options by the configuration.
pub(crate) fn options(
    section: &DiscordSection,
    bot_token: SecretString,
    deadline: Duration,
) -> DiscordOptions {
    let under = section.incidents_under.clone();
    DiscordOptions {
        api_url: section.api_url.clone(),
        application_id: section.application_id.clone(),
        guild_id: section.guild_id.clone(),
        bot_token,
        rooms: match (section.incident_rooms, under) {
            (IncidentRooms::Threads, Some(parent)) => Rooms::Threads { parent },
            (_, category) => Rooms::Channels { category },
        },
        deadline,
    }
}

fn scope(section: &DiscordSection) -> Scope {
    match section.commands {
        CommandScope::Guild => Scope::Guild,
        CommandScope::Global => Scope::Global,
    }
}

/// Why interactions will not come as the configuration expects them, in words for its writer.
pub(crate) fn mismatch(section: &DiscordSection, us: &api::Identity) -> Option<&'static str> {
    let key = section.public_key.as_deref().map(|key| key.trim().to_ascii_lowercase());
    match (key, &us.interactions_url) {
        (Some(key), _) if key != us.public_key => Some(
            "`public_key` is not this application's: see its page in Discord's developer portal",
        ),
        (None, Some(_)) => Some(
            "the application has an interactions endpoint URL, so nothing comes through the gateway: \
             remove it in Discord's developer portal, or set `public_key`",
        ),
        (Some(_), None) if !section.gateway => Some(
            "the application has no interactions endpoint URL, so nothing comes over HTTP: set it in \
             Discord's developer portal, or `gateway = true`",
        ),
        _ => None,
    }
}
