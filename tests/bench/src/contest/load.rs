//! The load: 32 connections that are kept, as fast as the server answers or at a fixed rate.
//!
//! Invariant: every request is sent once and every answer is the right one, or there is no result. At a
//! fixed rate a request is due by the clock, whatever became of those before it, and its latency counts
//! from then: a server that stalls cannot hide it by not being asked. Called by `server`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::answer::Answer;
use super::connection::Connection;

/// Connections at once.
pub(crate) const CONNECTIONS: usize = 32;
/// Longest that the answers may take beyond the time in which the requests are due.
const LIMIT: Duration = Duration::from_secs(120);

/// Whether this body is a right answer.
pub(crate) type Rightly = fn(&str) -> bool;

/// Requests to one server, and what each answer to them has to be.
pub(crate) struct Load {
    pub(crate) at: SocketAddr,
    pub(crate) requests: Vec<Vec<u8>>,
    /// Of every answer, beside the status 200.
    pub(crate) rightly: Rightly,
}

/// What the connections share.
struct Work {
    load: Load,
    started: Instant,
    interval: Duration,
    next: AtomicUsize,
    /// One permit for every request that is due and not taken on yet.
    due: Semaphore,
}

impl Load {
    /// Sends all requests as fast as they are answered.
    ///
    /// # Errors
    /// At the first wrong answer, broken connection, or when it takes too long.
    pub(crate) async fn flat_out(self) -> anyhow::Result<()> {
        self.run(Duration::ZERO, LIMIT).await.map(drop)
    }

    /// Sends one request every `interval` and says how long each took, from when it was due.
    ///
    /// # Errors
    /// As above.
    pub(crate) async fn on_schedule(self, interval: Duration) -> anyhow::Result<Vec<Duration>> {
        self.run(interval, LIMIT).await
    }

    async fn run(self, interval: Duration, limit: Duration) -> anyhow::Result<Vec<Duration>> {
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(self.at).await?);
        }
        let count = self.requests.len();
        let limit = interval * u32::try_from(count).context("too many requests")? + limit;
        let work = Arc::new(Work {
            load: self,
            started: Instant::now(),
            interval,
            next: AtomicUsize::new(0),
            due: Semaphore::new(0),
        });
        let mut senders = JoinSet::new();
        for connection in connections {
            senders.spawn(Arc::clone(&work).send(connection));
        }
        let clock = Arc::clone(&work);
        let clock = tokio::task::spawn_blocking(move || clock.keep_time());
        let done = timeout(limit, collect(&mut senders, count)).await;
        // The clock stops when nobody is left to send.
        work.due.close();
        clock.await.context("the clock has failed")?;
        done.with_context(|| format!("{count} requests took more than {} s", limit.as_secs()))?
    }
}

impl Work {
    /// Lets one request go whenever it is due. In a thread of its own: the runtime's timer counts in
    /// milliseconds, and what it adds would be counted as the server's.
    fn keep_time(&self) {
        for number in 0..self.load.requests.len() {
            let wait = self.due_at(number).saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                std::thread::sleep(wait);
            }
            if self.due.is_closed() {
                return;
            }
            self.due.add_permits(1);
        }
        // One more for every sender, to find out that nothing is left.
        self.due.add_permits(CONNECTIONS);
    }

    fn due_at(&self, number: usize) -> Instant {
        // As many as `run` has counted.
        self.started + self.interval * u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Sends what is due until nothing is left.
    async fn send(self: Arc<Self>, mut connection: Connection) -> anyhow::Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        while let Ok(permit) = self.due.acquire().await {
            permit.forget();
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = self.load.requests.get(number) else { break };
            let answer = connection.ask(request).await?;
            latencies.push(self.due_at(number).elapsed());
            self.load.check(&answer)?;
        }
        Ok(latencies)
    }
}

impl Load {
    fn check(&self, answer: &Answer) -> anyhow::Result<()> {
        let body = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == 200 && (self.rightly)(&body),
            "a wrong answer: {} {}",
            answer.status,
            body.chars().take(200).collect::<String>().escape_debug()
        );
        Ok(())
    }
}

/// All latencies; the first error ends it.
async fn collect(
    senders: &mut JoinSet<anyhow::Result<Vec<Duration>>>,
    count: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(count);
    while let Some(sender) = senders.join_next().await {
        latencies.extend(sender.context("a sender has failed")??);
    }
    ensure!(latencies.len() == count, "{} of {count} requests were answered", latencies.len());
    Ok(latencies)
}

/// The smallest value that at least `percent` of all do not exceed (nearest rank).
///
/// # Panics
/// When there are no values.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1]
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;

    const STALL: Duration = Duration::from_millis(200);

    /// A server with this answer to its first request, and `pong` to the others.
    async fn server(
        stall: Duration,
        first: (StatusCode, &'static str),
    ) -> (SocketAddr, JoinHandle<()>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let router = Router::new().route(
            "/",
            post(async move || {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                // Every connection is held up once.
                if number < CONNECTIONS {
                    tokio::time::sleep(stall).await;
                }
                if number == 0 { first } else { (StatusCode::OK, "pong") }
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        (at, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
    }

    fn load(at: SocketAddr, count: usize) -> Load {
        let request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".to_vec();
        Load { at, requests: vec![request; count], rightly: |body| body == "pong" }
    }

    #[tokio::test]
    async fn every_request_is_answered_once() {
        let (at, server) = server(Duration::ZERO, (StatusCode::OK, "pong")).await;
        let latencies = load(at, 500).run(Duration::ZERO, LIMIT).await.unwrap();
        assert_eq!(latencies.len(), 500);
        server.abort();
    }

    #[tokio::test]
    async fn what_waits_behind_a_stall_has_waited() {
        let (at, server) = server(STALL, (StatusCode::OK, "pong")).await;
        let count = CONNECTIONS * 2;
        let latencies = load(at, count).on_schedule(Duration::from_micros(10)).await.unwrap();
        // The second half was sent after the stall and answered at once, and was due long before.
        let late = latencies.iter().filter(|latency| **latency > STALL * 9 / 10).count();
        assert_eq!(late, count, "{latencies:?}");
        server.abort();
    }

    #[tokio::test]
    async fn a_wrong_answer_is_no_measurement() {
        for (first, said) in [
            ((StatusCode::SERVICE_UNAVAILABLE, "pong"), "a wrong answer: 503 pong"),
            ((StatusCode::OK, "busy\n"), "a wrong answer: 200 busy\\n"),
        ] {
            let (at, server) = server(Duration::ZERO, first).await;
            let error = load(at, 100).flat_out().await.unwrap_err();
            assert_eq!(error.to_string(), said);
            server.abort();
        }
    }

    #[tokio::test]
    async fn a_silent_server_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let load = load(listener.local_addr().unwrap(), 5);
        let error = load.run(Duration::ZERO, Duration::from_millis(50)).await.unwrap_err();
        assert!(error.to_string().starts_with("5 requests took more than"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let load = load(listener.local_addr().unwrap(), 5);
        let server = tokio::spawn(async move {
            loop {
                drop(listener.accept().await.unwrap());
            }
        });
        let error = format!("{:#}", load.flat_out().await.unwrap_err());
        let (closed, reset) = ("the server closed a connection", "reset by peer");
        let broken = "Broken pipe";
        assert!([closed, reset, broken].iter().any(|said| error.contains(said)), "{error}");
        server.abort();
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let ms = |percent| percentile(&values, percent).as_millis();
        assert_eq!((ms(0), ms(50), ms(99), ms(100)), (1, 100, 198, 200));
        assert_eq!(percentile(&values[..1], 99).as_millis(), 1);
        assert_eq!(percentile(&values[..3], 50).as_millis(), 2);
    }
}
