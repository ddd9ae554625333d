//! nova as a process in one task of the test. Invariant: it ends with [`Serving::end`], and without a
//! panic. Called by the office and the drivers of platforms that nova serves.

use std::future::pending;

use nova::config::{Config, Environment};
use nova::serve::{Reloaded, Server};
use nova_commands::platform::Secrets;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A nova that serves.
pub(crate) struct Serving {
    /// `http://127.0.0.1:PORT`, where it listens.
    pub(crate) address: String,
    reload: mpsc::UnboundedSender<Reloaded>,
    cancel: CancellationToken,
    running: JoinHandle<usize>,
}

impl Serving {
    pub(crate) async fn start(config: &Config, secrets: &Secrets) -> Self {
        let server = Server::start(config, &Environment::default(), secrets).await;
        let server = server.expect("nova starts");
        let address = format!("http://{}", server.address().expect("it listens"));
        let cancel = server.cancel();
        let (reload, mut reloads) = mpsc::unbounded_channel();
        let running = tokio::spawn(server.run(async move || match reloads.recv().await {
            Some(reloaded) => reloaded,
            None => pending().await,
        }));
        Self { address, reload, cancel, running }
    }

    /// Gives it a configuration and secrets again.
    pub(crate) fn reload(&self, reloaded: Reloaded) {
        self.reload.send(reloaded).expect("nova runs");
    }

    /// The status of a request that the test makes itself.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> u16 {
        let host = self.address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.expect("nova listens");
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.expect("nova reads");
        // A body that is refused early is not read to its end.
        drop(stream.write_all(body).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer);
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// Ends it: nothing is left undelivered.
    pub(crate) async fn end(self) {
        self.cancel.cancel();
        let left = self.running.await.expect("nova ends without a panic");
        assert_eq!(left, 0, "messages were left undelivered");
    }
}
