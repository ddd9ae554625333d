//! `nova serve`: the bot in chat. Joins the platforms' adapters with the engine, listens, and ends in
//! good order.
//!
//! Invariant: whatever is started here is ended here, at most 25 seconds after it is told to: running
//! commands have `COMMANDS`, what is cancelled then 4 s, channels `ROOMS` and messages `MESSAGES`.

pub(crate) mod discord;
mod health;
mod listener;
mod side;
mod slack;
mod token;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use nova_commands::platform::Secrets;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Environment};
use crate::delivery::{Delivery, DeliveryOptions};
use crate::engine::{Engine, open_store};
use crate::people::People;
use crate::rooms::Rooms;
use discord::DiscordSide;
use health::Health;
use side::{Parts, Side};
use slack::SlackSide;

/// The longest that running commands may take when the process is told to end. The transports end
/// meanwhile; the slower of them, sockets that still answer, takes 11 s at most.
const COMMANDS: Duration = Duration::from_secs(13);
/// The longest that channels and cards may take then; what is left is done at the next start.
const ROOMS: Duration = Duration::from_secs(1);
/// The longest that messages on their way may take then.
const MESSAGES: Duration = Duration::from_secs(6);

/// A bot that serves, for whoever runs it in a process of their own or in a test.
pub struct Server {
    engine: Arc<Engine>,
    delivery: Delivery,
    listener: TcpListener,
    rooms: Arc<Rooms>,
    sides: Vec<Box<dyn Side>>,
    cancel: CancellationToken,
}

impl Server {
    /// Builds everything and binds the listener.
    ///
    /// # Errors
    /// When the store cannot be opened, a secret read, a platform reached, or the address used; when
    /// there is nothing to serve.
    pub async fn start(
        config: &Config,
        environment: &Environment,
        secrets: &Secrets,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(
            config.slack.is_some() || config.discord.is_some(),
            "nothing to serve: the configuration has no [slack] and no [discord] section (see \
             deploy/nova.toml)"
        );
        let store = open_store(config, environment, secrets).await.context("the store")?;
        let engine = Arc::new(Engine::new(config, secrets, Ok(store))?);
        let listen = config.http.listen;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}: see `listen` under [http]"))?;
        let fallback = side::fallbacks(config).into_iter().collect();
        let delivery = Delivery::new(DeliveryOptions { fallback, ..DeliveryOptions::default() });
        let people = Arc::new(People::new(config));
        let rooms = Rooms::new(Arc::clone(&engine), delivery.clone(), people);
        let parts = Parts { config, secrets, engine: &engine, delivery: &delivery, rooms: &rooms };
        let mut sides: Vec<Box<dyn Side>> = Vec::new();
        if let Some(section) = &config.slack {
            sides.push(Box::new(SlackSide::start(section, &parts).await?));
        }
        if let Some(section) = &config.discord {
            sides.push(Box::new(DiscordSide::start(section, &parts).await?));
        }
        Ok(Self { engine, delivery, listener, rooms, sides, cancel: CancellationToken::new() })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> std::io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Ends [`Server::run`].
    #[must_use]
    pub fn cancel(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// What delivery has done so far.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.delivery.clone()
    }

    /// Serves until cancelled; `reload` gives a new configuration now and then. Gives the number of
    /// messages that were left undelivered.
    pub async fn run(self, mut reload: impl AsyncFnMut() -> Reloaded) -> usize {
        let Self { engine, delivery, listener, rooms, mut sides, cancel } = self;
        let links = sides.iter().map(|side| side.link()).collect();
        let health = health::routes(Health { engine: Arc::clone(&engine), links });
        let router = sides.iter().fold(health, |router, side| router.merge(side.routes()));
        let working: Vec<_> = sides.iter_mut().map(|side| side.work(cancel.clone())).collect();
        if let Err(error) = Box::pin(rooms.catch_up()).await {
            tracing::error!(%error, "the incidents' channels stay as they are until the next change");
        }
        let work = async {
            let ((), _, _, told) = tokio::join!(
                listener::serve(listener, router, cancel.clone()),
                join_all(working),
                cancel.run_until_cancelled(Box::pin(engine.end_leftovers())),
                async {
                    cancel.cancelled().await;
                    Instant::now()
                },
            );
            told
        };
        let reloading = async {
            loop {
                let (config, secrets) = reload().await;
                rooms.replace_people(Arc::new(People::new(&config)));
                join_all(sides.iter().map(|side| side.reload(&config, &secrets))).await;
            }
        };
        let told: Instant = tokio::select! {
            told = work => told,
            never = reloading => never,
        };
        join_all(sides.iter().map(|side| side.close(told + COMMANDS))).await;
        rooms.close(ROOMS).await;
        let lost = delivery.close(MESSAGES).await;
        if lost > 0 {
            tracing::error!(lost, "messages were not delivered before the end");
        }
        engine.close().await;
        lost
    }
}

/// A configuration that has passed its checks, with what resolves its secrets.
pub type Reloaded = (Config, Secrets);

/// `nova serve`: until SIGTERM or SIGINT. SIGHUP reads the configuration again; a bad one changes
/// nothing.
///
/// # Errors
/// When it cannot start.
pub async fn serve(
    path: Option<PathBuf>,
    config: &Config,
    environment: &Environment,
) -> anyhow::Result<()> {
    let secrets = Secrets::new(environment.0.clone());
    let server = Server::start(config, environment, &secrets).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tracing::info!(address = %server.address()?, "nova serves");
    let cancel = server.cancel();
    let reload = async || {
        loop {
            hangup.recv().await;
            match Config::load(path.as_deref()) {
                Ok(config) => return (config, Secrets::new(environment.0.clone())),
                Err(error) => tracing::error!(%error, "the old configuration stays"),
            }
        }
    };
    let mut running = std::pin::pin!(server.run(reload));
    tokio::select! {
        _ = &mut running => return Ok(()),
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("nova ends");
    cancel.cancel();
    running.await;
    Ok(())
}
