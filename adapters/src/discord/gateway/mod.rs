//! The gateway: Discord sends over a WebSocket that nova opens, so that no address has to be reachable
//! from outside (docs.discord.com/developers/events/gateway). [`Gateway::run`] is one task of the `bot`
//! crate.
//!
//! Invariant: one connection stands. A connection that is lost is resumed where it broke off; a new
//! session is begun only within Discord's budget for that. Every interaction is answered by one call,
//! which is repeated only when Discord surely has not got it.
//!
//! twilight's `Shard` speaks the protocol: heartbeats, identify, resume. It is used for one connection
//! each, since by itself it connects again at once, without jitter, and to whatever address it was told.

mod answering;
mod link;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use twilight_gateway::Session;

use super::api::{Discord, GatewayAddress};
use super::inbound::Intake;
use crate::backoff::Backoff;
use crate::chat::ChatError;
use crate::health::Board;

use answering::Answering;
use link::{Leaving, Link};

pub use crate::health::SocketHealth;

/// Identifies that are left below which the rest of the day's is spread evenly.
const SPARSE: u32 = 200;

/// Asks Discord for the address of the gateway and for what is left of the budget
/// (`GET /gateway/bot`).
pub type Open = Arc<dyn Fn() -> BoxFuture<'static, Result<Entry, ChatError>> + Send + Sync>;

/// Answers an interaction (`POST /interactions/{id}/{token}/callback`), once.
pub type Respond = Arc<dyn Fn(Callback) -> BoxFuture<'static, Result<(), ChatError>> + Send + Sync>;

/// What `GET /gateway/bot` says.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The gateway's address, without a query.
    pub url: String,
    /// `session_start_limit.remaining`: sessions that may still be begun. One more, and Discord resets
    /// the bot token.
    pub remaining: u32,
    /// `session_start_limit.reset_after`: when there are all of them again.
    pub reset_after: Duration,
}

/// An interaction's answer on its way.
#[derive(Clone, Debug)]
pub struct Callback {
    pub interaction: String,
    pub token: SecretString,
    /// JSON.
    pub body: String,
}

/// Which addresses the gateway may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// `wss` to Discord's hosts only.
    Discord,
    /// `ws` to this machine as well: for an API that is served here.
    Loopback,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// From connecting to a session.
    connect: Duration,
    /// Between two identifies: Discord takes one in five seconds.
    identify: Duration,
    /// For the peer to say goodbye.
    goodbye: Duration,
    /// For what was taken in when the gateway is given up.
    drain: Duration,
}

const PACE: Pace = Pace {
    connect: Duration::from_secs(20),
    identify: Duration::from_secs(5),
    goodbye: Duration::from_secs(1),
    drain: Duration::from_secs(10),
};

/// Why the gateway was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As asked.
    Cancelled,
    /// Discord refuses nova as it is (a close code from 4010 to 4014): connecting again is of no use.
    Refused(u16),
}

/// What the gateway needs.
pub struct GatewayOptions {
    /// The bot token, now and after each change.
    pub token: watch::Receiver<SecretString>,
    pub open: Open,
    pub respond: Respond,
    pub reach: Reach,
    pub intake: Arc<Intake>,
}

/// The connection of one application.
pub struct Gateway {
    token: watch::Receiver<SecretString>,
    open: Open,
    reach: Reach,
    answering: Answering,
    board: Board,
    pace: Pace,
    backoff: Backoff,
    /// What a lost connection goes on with.
    resume: Option<Resume>,
    /// When a session was last begun.
    identified: Option<Instant>,
}

/// Where a session broke off, and the address to go on at; none once that was of no use.
struct Resume {
    session: Session,
    url: Option<String>,
}

/// Why an attempt came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no address for the gateway: {0}")]
    Open(ChatError),
    #[error("Discord gave an address that is not its own")]
    Address,
}

impl Gateway {
    /// For a client of the REST API, which knows the address and answers. Connects to nothing yet.
    #[must_use]
    pub fn of(client: &Discord, token: watch::Receiver<SecretString>, intake: Arc<Intake>) -> Self {
        let reach = if client.is_local() { Reach::Loopback } else { Reach::Discord };
        let (opening, answering) = (client.clone(), client.clone());
        let open: Open = Arc::new(move || {
            let client = opening.clone();
            Box::pin(async move {
                let GatewayAddress { url, remaining, reset_after } = client.gateway().await?;
                Ok(Entry { url, remaining, reset_after })
            })
        });
        let respond: Respond = Arc::new(move |callback| {
            let client = answering.clone();
            Box::pin(async move {
                let Callback { interaction, token, body } = callback;
                let body = RawValue::from_string(body)
                    .map_err(|_| ChatError::Refused("the answer is no JSON".into()))?;
                client.respond(&interaction, token.expose_secret(), &body).await
            })
        });
        Self::new(GatewayOptions { token, open, respond, reach, intake })
    }

    /// Connects to nothing yet.
    #[must_use]
    pub fn new(options: GatewayOptions) -> Self {
        Self::with_pace(options, PACE)
    }

    fn with_pace(options: GatewayOptions, pace: Pace) -> Self {
        let GatewayOptions { token, open, respond, reach, intake } = options;
        Self {
            token,
            open,
            reach,
            answering: Answering::new(intake, respond),
            board: Board::new(),
            pace,
            backoff: Backoff::default(),
            resume: None,
            identified: None,
        }
    }

    /// How the connection stands, now and later.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<SocketHealth> {
        self.board.watch()
    }

    /// Keeps the connection until `cancel`; what was taken in is then answered within ten seconds.
    /// Ends earlier only when connecting again is of no use.
    pub async fn run(mut self, cancel: CancellationToken) -> Ended {
        // Boxed: a handshake in progress is large.
        let ended = Box::pin(self.keep(&cancel)).await;
        let left = self.answering.close(self.pace.drain).await;
        match ended {
            Ended::Refused(code) => {
                error!(
                    code,
                    "Discord refuses nova's connection for good; nova hears nothing there"
                );
            }
            Ended::Cancelled => info!(left, "the gateway is closed"),
        }
        ended
    }

    async fn keep(&mut self, cancel: &CancellationToken) -> Ended {
        loop {
            let Some(link) = cancel.run_until_cancelled(self.connect()).await else {
                return Ended::Cancelled;
            };
            let begun = Instant::now();
            let (leaving, resume) = link.serve(&mut self.answering, &self.board, cancel).await;
            self.resume = resume;
            let why = leaving.to_string();
            match leaving {
                Leaving::Stopped => return Ended::Cancelled,
                Leaving::Refused(code) => {
                    self.board.error(why);
                    return Ended::Refused(code);
                }
                Leaving::Token => {
                    error!("Discord does not accept the bot token; nova hears nothing there");
                    self.board.error(why);
                    let another = async {
                        // Whoever keeps the token hears of it only by a call that is turned down.
                        drop(timeout(self.pace.connect, (self.open)()).await);
                        self.another_token().await;
                    };
                    if cancel.run_until_cancelled(another).await.is_none() {
                        return Ended::Cancelled;
                    }
                    self.backoff = Backoff::default();
                }
                Leaving::Asked => {
                    info!("Discord wants the connection back");
                    self.backoff.stood(begun.elapsed(), true);
                }
                Leaving::Lost(_) | Leaving::Closed(_) | Leaving::Invalid => {
                    warn!(why, "the gateway was lost");
                    self.board.error(why);
                    self.backoff.stood(begun.elapsed(), false);
                }
            }
        }
    }

    /// Waits until there is another token than the one that was used last.
    async fn another_token(&mut self) {
        if self.token.changed().await.is_err() {
            // Nobody is left to bring one.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until it is time and makes a connection ready, which is opened when it is served.
    async fn connect(&mut self) -> Link {
        loop {
            sleep(self.backoff.delay()).await;
            let failure = match self.attempt().await {
                Ok(link) => return link,
                Err(failure) => failure,
            };
            let why = failure.to_string();
            warn!(why, "no gateway");
            self.board.error(why);
            self.backoff.failed();
            match failure {
                // Asked again and again, Discord would shut out this machine's address.
                Failure::Open(ChatError::Unauthorised(_)) => self.another_token().await,
                Failure::Open(error) => sleep(error.retry_after().unwrap_or_default()).await,
                Failure::Address => {}
            }
        }
    }

    /// Resumes where there is something to resume; begins a session otherwise, when the budget allows.
    async fn attempt(&mut self) -> Result<Link, Failure> {
        let token = self.token.borrow_and_update().expose_secret().to_owned();
        if let Some(Resume { session, url: Some(url) }) = &self.resume {
            let (session, url) = (Some(session.clone()), url.clone());
            return Link::new(token, &url, session, self.reach, self.pace).ok_or(Failure::Address);
        }
        let asked = timeout(self.pace.connect, (self.open)()).await;
        let entry = asked.map_err(|slow| Failure::Open(ChatError::Unavailable(slow.into())))?;
        let entry = entry.map_err(Failure::Open)?;
        let session = self.resume.as_ref().map(|resume| resume.session.clone());
        if session.is_none() {
            self.until_identify(&entry).await;
        }
        Link::new(token, &entry.url, session, self.reach, self.pace).ok_or(Failure::Address)
    }

    /// Waits until a session may be begun.
    async fn until_identify(&mut self, entry: &Entry) {
        if let Some(last) = self.identified {
            sleep_until(last + self.pace.identify).await;
        }
        if entry.remaining < SPARSE {
            let pause = entry.reset_after / entry.remaining.max(1);
            warn!(remaining = entry.remaining, ?pause, "few sessions may be begun today");
            self.board
                .error("few sessions may be begun today: nova waits before the next".to_owned());
            sleep(pause).await;
        }
        self.identified = Some(Instant::now());
    }
}
