//! A server that says, byte for byte, what it is told to say, and one that says nothing.
//!
//! Invariant: what it started ends when it is dropped, and it reads no more than a request's head.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Longest head of a request that is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What comes after the bytes that were asked for.
#[derive(Clone, Copy)]
pub(crate) enum After {
    Close,
    /// One more byte now and then, for ever.
    Trickle,
}

pub(crate) struct Raw {
    pub(crate) port: u16,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Raw {
    /// Answers every request with these bytes.
    pub(crate) async fn answering(bytes: impl Into<Vec<u8>>, after: After) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (bytes, asked) = (Arc::<[u8]>::from(bytes.into()), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (bytes, count) = (Arc::clone(&bytes), Arc::clone(&count));
                // A client that goes away is no concern of ours.
                lines.spawn(async move { converse(stream, &bytes, after, &count).await.ok() });
            }
        });
        Ok(Self { port, asked, task })
    }

    /// An HTTP answer with a body and a closed connection.
    pub(crate) async fn http(status: &str, media_type: &str, body: &str) -> Result<Self> {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        Self::answering(head + body, After::Close).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests have come.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn converse(
    mut stream: TcpStream,
    bytes: &[u8],
    after: After,
    asked: &AtomicUsize,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    // What does not begin as HTTP does (TLS, PostgreSQL) is answered at once.
    let http = |head: &[u8]| head.first().is_none_or(u8::is_ascii_uppercase);
    let whole = |head: &[u8]| head.windows(4).any(|window| window == b"\r\n\r\n");
    while http(&head) && !whole(&head) && head.len() < MAX_HEAD {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    asked.fetch_add(1, Ordering::SeqCst);
    stream.write_all(bytes).await?;
    if matches!(after, After::Trickle) {
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        loop {
            pace.tick().await;
            stream.write_all(b"x").await?;
        }
    }
    stream.shutdown().await
}

/// A port where the kernel accepts and nobody ever speaks, for as long as the value lives.
pub(crate) fn silent() -> Result<(std::net::TcpListener, u16)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// A port where nobody listens: bound and not listening, so that nobody else takes it.
pub(crate) fn closed() -> Result<(tokio::net::TcpSocket, u16)> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let port = socket.local_addr()?.port();
    Ok((socket, port))
}
