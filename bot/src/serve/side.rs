//! One platform's side of the process, and what the sides have in common.
//!
//! Invariant: a side takes nothing in before [`Side::work`] is polled, and what it took in is ended by
//! [`Side::close`].

use std::sync::Arc;

use axum::Router;
use futures_util::future::BoxFuture;
use nova_adapters::chat::{Conversation, Platform};
use nova_adapters::health::SocketHealth;
use nova_adapters::intake::{Answers, Intake};
use nova_adapters::workspace::Workspace;
use nova_commands::platform::Secrets;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::token::{self, Kept, Tokened};
use crate::config::Config;
use crate::delivery::Delivery;
use crate::engine::Engine;
use crate::inbox::ChatInbox;
use crate::people::People;
use crate::rooms::Rooms;

/// A platform that is served.
pub(super) trait Side: Send + Sync {
    /// The routes that the platform calls.
    fn routes(&self) -> Router;

    /// What readiness looks at.
    fn link(&self) -> Link;

    /// Everything that runs until `cancel`; once.
    fn work(&mut self, cancel: CancellationToken) -> BoxFuture<'static, ()>;

    /// From now on the people, roles and secrets of this configuration hold. What cannot be read stays
    /// as it was.
    fn reload<'a>(&'a self, config: &'a Config, secrets: &'a Secrets) -> BoxFuture<'a, ()>;

    /// Ends what was taken in: cancels it at `by`, and is done four seconds later.
    fn close(&self, by: Instant) -> BoxFuture<'_, ()>;
}

/// How a platform can be reached at the moment.
pub(super) struct Link {
    pub(super) platform: &'static str,
    /// Why the platform does not accept the token.
    pub(super) stopped: watch::Receiver<Option<String>>,
    /// The connections that nova opens, if it does.
    pub(super) sockets: Option<watch::Receiver<SocketHealth>>,
}

/// What the sides are made of.
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) secrets: &'a Secrets,
    pub(super) engine: &'a Arc<Engine>,
    pub(super) delivery: &'a Delivery,
    pub(super) rooms: &'a Arc<Rooms>,
}

/// The way in of one platform, whatever transport it comes by.
pub(super) struct WayIn<A: Answers, C> {
    pub(super) client: C,
    pub(super) inbox: Arc<ChatInbox>,
    pub(super) intake: Arc<Intake<A>>,
    /// Where the bot token is kept, now and after each reload.
    kept: watch::Sender<Kept>,
}

impl<A: Answers, C: Tokened> WayIn<A, C> {
    pub(super) fn new(
        parts: &Parts<'_>,
        workspace: Arc<dyn Workspace>,
        archive_resolved: bool,
        us: A::Identity,
        client: C,
        kept: Kept,
    ) -> Self {
        parts.rooms.connect(Arc::clone(&workspace), archive_resolved);
        let inbox = Arc::new(ChatInbox::new(
            Arc::clone(parts.engine),
            workspace,
            parts.delivery.clone(),
            Arc::new(People::new(parts.config)),
            Arc::clone(parts.rooms),
        ));
        let intake = Intake::new(us, Arc::clone(&inbox) as _, Arc::clone(&inbox) as _);
        Self { client, inbox, intake, kept: watch::Sender::new(kept) }
    }

    /// Follows the token and keeps the home pages current, until cancelled.
    pub(super) fn keep(&self, cancel: &CancellationToken) -> BoxFuture<'static, ()> {
        let following = token::follow(self.client.clone(), self.kept.subscribe(), cancel.clone());
        let (inbox, cancel) = (Arc::clone(&self.inbox), cancel.clone());
        Box::pin(async move {
            let homes = cancel.run_until_cancelled(inbox.keep_homes());
            tokio::join!(following, homes);
        })
    }

    /// Takes over the people and the token. Whether it is accepted shows at once, and not at
    /// somebody's next command.
    pub(super) async fn reload(&self, config: &Config, kept: Kept) {
        self.inbox.replace_people(Arc::new(People::new(config)));
        match kept.read() {
            Ok(token) => self.client.replace_token(token),
            Err(error) => tracing::error!(%error, "the old bot token stays"),
        }
        self.kept.send_replace(kept);
        let platform = C::PLATFORM;
        match self.client.accepted().await {
            Ok(()) => tracing::info!(
                platform,
                "people, roles and secrets are those of the configuration now; everything else in it \
                 holds from the next start"
            ),
            Err(error) => {
                tracing::error!(platform, %error, "the platform does not say who nova is");
            }
        }
    }

    pub(super) async fn close(&self, by: Instant) {
        let left = || by.saturating_duration_since(Instant::now());
        self.intake.close(left() / 4).await;
        self.inbox.close(left()).await;
    }
}

/// Where messages go whose channel is gone.
pub(super) fn fallbacks(config: &Config) -> Vec<(Platform, Conversation)> {
    let slack = config.slack.as_ref().and_then(|section| section.fallback_channel.clone());
    let discord = config.discord.as_ref().and_then(|section| section.fallback_channel.clone());
    [(Platform::Slack, slack), (Platform::Discord, discord)]
        .into_iter()
        .filter_map(|(platform, id)| Some((platform, Conversation { platform, id: id? })))
        .collect()
}
