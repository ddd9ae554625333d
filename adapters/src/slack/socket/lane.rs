//! Keeps one socket standing, by replacing it: the next one is opened first, then the old one ends.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::link::{Leaving, Link};
use super::{Ended, Shared};
use crate::backoff::Backoff;
use crate::chat::ChatError;

/// Until `stop`, or until Slack has switched Socket Mode off.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Ended {
    let mut backoff = Backoff::default();
    // The current link, and those before it that are finishing.
    let mut links = JoinSet::new();
    let mut retire = CancellationToken::new();
    let ended = loop {
        // Boxed: a handshake in progress is large, and mostly none is.
        let connecting = Box::pin(connect(&shared, &mut backoff));
        let Some(connected) = stop.run_until_cancelled(connecting).await else {
            break Ended::Cancelled;
        };
        let Ok(link) = connected else { break Ended::LinkDisabled };
        retire.cancel();
        while links.try_join_next().is_some() {}
        retire = CancellationToken::new();
        let (leaving, left) = oneshot::channel();
        let since = Instant::now();
        links.spawn(link.serve(Arc::clone(&shared), leaving, retire.clone(), stop.clone()));
        match left.await {
            Ok(Leaving::Stopped) => break Ended::Cancelled,
            Ok(Leaving::Disabled) => break Ended::LinkDisabled,
            Ok(Leaving::Asked) => backoff.stood(since.elapsed(), true),
            // Without a word it was lost, too.
            Ok(Leaving::Lost) | Err(_) => backoff.stood(since.elapsed(), false),
        }
    };
    // Each ends by itself, within the time to drain.
    retire.cancel();
    while links.join_next().await.is_some() {}
    ended
}

/// Slack has switched Socket Mode off.
struct Disabled;

/// Tries until a socket stands.
async fn connect(shared: &Shared, backoff: &mut Backoff) -> Result<Link, Disabled> {
    loop {
        sleep(backoff.delay()).await;
        let attempt = timeout(shared.pace.connect, attempt(shared)).await;
        let failure = match attempt.unwrap_or(Err(Failure::Slow)) {
            Ok(link) => {
                info!("a socket stands");
                return Ok(link);
            }
            Err(Failure::Disabled) => return Err(Disabled),
            Err(failure) => failure,
        };
        let why = failure.to_string();
        warn!(why, "no socket");
        shared.board.error(why);
        backoff.failed();
        if let Failure::Open(error) = failure
            && let Some(pause) = error.retry_after()
        {
            sleep(pause).await;
        }
    }
}

async fn attempt(shared: &Shared) -> Result<Link, Failure> {
    let url = (shared.open)().await.map_err(Failure::Open)?;
    let socket = shared.connector.connect(&url).await.map_err(Failure::Connect)?;
    Link::greeted(socket).await
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no address for a socket: {0}")]
    Open(ChatError),
    #[error(transparent)]
    Connect(super::ConnectError),
    #[error("Slack did not say hello in time")]
    Slow,
    #[error("Socket Mode is switched off")]
    Disabled,
    #[error("Slack said something else than hello")]
    NoHello,
}
