//! Socket Mode: Slack sends over WebSockets that nova opens, so that no address has to be reachable
//! from outside. [`SocketMode::run`] is one task of the `bot` crate.
//!
//! Invariant: two sockets stand, and a socket that Slack wants back is given up only when its
//! replacement stands. No more is read than there are places for; every envelope is acknowledged as
//! soon as the inbox has its event, and an event that could not be recorded is not acknowledged, so
//! that it comes again.
//!
//! slack-morphism has a listener of its own. It closes the old socket before the new one stands, tries
//! again every 30 seconds without jitter, starts tasks that nobody owns, and acknowledges one envelope
//! after the other when its handler has returned.

mod connect;
mod envelope;
mod lane;
mod link;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::inbound::Intake;
use crate::chat::ChatError;
use crate::health::Board;

use connect::Connector;

pub use crate::health::SocketHealth;
pub use connect::ConnectError;

/// Sockets that stand at once. Slack allows ten, and sends each envelope to any of them.
pub const SOCKETS: usize = 2;

/// Asks Slack for the address of one socket (`apps.connections.open`). It holds a ticket and is good
/// for one connection.
pub type Open = Arc<dyn Fn() -> BoxFuture<'static, Result<SecretString, ChatError>> + Send + Sync>;

/// Which addresses a socket may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// `wss` to Slack's hosts only.
    Slack,
    /// `ws` to this machine as well: for a Web API that is served here.
    Loopback,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// From asking for an address to Slack's hello.
    connect: Duration,
    /// Between two pings.
    ping: Duration,
    /// Without a frame the peer is dead.
    silence: Duration,
    /// For what was taken in when a socket is given up.
    drain: Duration,
    /// For one frame to be written.
    write: Duration,
    /// For the peer to say goodbye.
    goodbye: Duration,
}

const PACE: Pace = Pace {
    connect: Duration::from_secs(15),
    ping: Duration::from_secs(15),
    silence: Duration::from_secs(40),
    drain: Duration::from_secs(10),
    write: Duration::from_secs(5),
    goodbye: Duration::from_secs(1),
};

/// Why the sockets were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As asked.
    Cancelled,
    /// Socket Mode is switched off in the app's settings: connecting again is of no use.
    LinkDisabled,
    /// A fault of nova's own.
    Failed,
}

/// The sockets of one app.
pub struct SocketMode {
    shared: Arc<Shared>,
}

/// What the sockets have in common.
struct Shared {
    open: Open,
    connector: Connector,
    intake: Arc<Intake>,
    board: Board,
    pace: Pace,
}

impl SocketMode {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(open: Open, reach: Reach, intake: Arc<Intake>) -> Self {
        let connector = Connector::new(reach);
        let board = Board::new();
        Self { shared: Arc::new(Shared { open, connector, intake, board, pace: PACE }) }
    }

    /// How the sockets stand, now and later.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<SocketHealth> {
        self.shared.board.watch()
    }

    /// Keeps the sockets until `cancel`; what was taken in is then answered within ten seconds, and
    /// the sockets are closed. Ends earlier only when connecting again is of no use.
    pub async fn run(self, cancel: CancellationToken) -> Ended {
        let stop = cancel.child_token();
        let mut lanes = JoinSet::new();
        for _ in 0..SOCKETS {
            lanes.spawn(lane::run(Arc::clone(&self.shared), stop.clone()));
        }
        let mut ended = Ended::Cancelled;
        while let Some(lane) = lanes.join_next().await {
            match lane {
                Ok(Ended::Cancelled) => {}
                Ok(why) => ended = why,
                Err(failure) => {
                    error!(%failure, "a socket's task failed");
                    ended = Ended::Failed;
                }
            }
            // One lane never ends alone.
            stop.cancel();
        }
        match ended {
            Ended::LinkDisabled => {
                error!(
                    "Socket Mode is switched off in the app's settings; nova hears nothing there"
                );
            }
            _ => info!(?ended, "the sockets are closed"),
        }
        ended
    }
}
