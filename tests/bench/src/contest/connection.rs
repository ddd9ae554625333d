//! A kept-alive connection to a server: one request, one answer, and again.
//!
//! Invariant: nothing lies unread between two requests. Called by `load` and by `server`, which bound
//! the time.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::answer::{Answer, first};

pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// # Errors
    /// When nobody listens there.
    pub(crate) async fn open(at: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(at).await.with_context(|| format!("cannot reach {at}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4096) })
    }

    /// Sends a whole request and waits for its answer, without a limit of time.
    ///
    /// # Errors
    /// When the connection is closed or carries something else than one answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request).await.context("cannot send a request")?;
        loop {
            if self.stream.read_buf(&mut self.read).await.context("cannot read an answer")? == 0 {
                bail!("the server closed a connection");
            }
            if let Some(answer) = first(&self.read)? {
                ensure!(self.read.len() == answer.length, "more came than one answer");
                self.read.clear();
                return Ok(answer);
            }
        }
    }
}
