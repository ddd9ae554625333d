//! The HTTP listener: a bounded number of connections, each of which has to come to the point.
//!
//! Invariant: a peer that sends slowly or not at all holds one connection for seconds, and no peer
//! holds the process when it is told to end. (`axum::serve` sets neither timer nor bound.)

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// So many connections at once; the next ones wait in the kernel's queue.
const CONNECTIONS: usize = 1_024;
/// The longest that a request's head may take, from the connection or the answer before it.
const HEAD: Duration = Duration::from_secs(10);
/// The longest that a request in flight may take when the process ends.
const GOODBYE: Duration = Duration::from_secs(5);
/// Nearer than what any request has to keep. Tokio goes through the kernel to wake itself for a timer that
/// is due before all others, and each request has some: behind this one they cost nothing.
const BEAT: Duration = Duration::from_secs(1);
/// After a failed accept (no file descriptors left, mostly), before the next.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `cancel`, then lets what is in flight finish.
pub(super) async fn serve(listener: TcpListener, router: Router, cancel: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(64 * 1024);
    let mut beat = tokio::time::interval(BEAT);
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            _ = beat.tick() => continue,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        connections.spawn(async move {
            // A peer that went away or talks nonsense is its own business.
            drop(connection.await);
            drop(permit);
        });
    }
    drop(tokio::time::timeout(GOODBYE, graceful.shutdown()).await);
    connections.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> std::io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, permit))
}
