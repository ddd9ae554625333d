//! The smallest clients that can tell whether a program is ready.
//!
//! Invariant: every exchange is bounded in time and in bytes. Called by the programs' readiness
//! checks and by Redis' commands.

use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(5);
/// The longest reply read, in bytes.
const MAX_REPLY: u64 = 1024 * 1024;

/// Whether GET of that path on loopback answers 200.
pub(super) async fn http_ok(port: u16, path: &str) -> bool {
    http(port, path).await.is_some_and(|answer| answer.starts_with("HTTP/1.0 200"))
}

/// The whole answer to GET of that path on loopback, head included, if there is one in time.
pub(super) async fn http(port: u16, path: &str) -> Option<String> {
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let work = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MAX_REPLY).read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    tokio::time::timeout(DEADLINE, work).await.ok()?.ok()
}

/// Sends Redis commands after AUTH on one connection; the reply to the last, in plain text.
pub(super) async fn redis(
    port: u16,
    password: &str,
    commands: &[&[&str]],
) -> anyhow::Result<String> {
    let auth: &[&str] = &["AUTH", password];
    let mut bytes = Vec::new();
    for words in std::iter::once(&auth).chain(commands) {
        bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in *words {
            bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
    }
    let work = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let (read, mut write) = stream.split();
        let mut replies = BufReader::new(read.take(MAX_REPLY));
        let send = async { write.write_all(&bytes).await.context("sending to Redis") };
        let receive = async {
            let mut last = String::new();
            for _ in 0..=commands.len() {
                last = reply(&mut replies).await?;
            }
            anyhow::Ok(last)
        };
        let ((), last) = tokio::try_join!(send, receive)?;
        anyhow::Ok(last)
    };
    tokio::time::timeout(DEADLINE, work).await.context("Redis does not answer")?
}

/// One reply that is not an array.
async fn reply(from: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> anyhow::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line).await?;
    let line = line.trim_end();
    match (line.chars().next(), line.get(1..).unwrap_or_default()) {
        (Some('+' | ':'), text) => Ok(text.to_owned()),
        (Some('$'), "-1") => Ok(String::new()),
        (Some('$'), length) => {
            let mut bytes = vec![0; length.parse::<usize>()?.min(MAX_REPLY as usize) + 2];
            from.read_exact(&mut bytes).await?;
            bytes.truncate(bytes.len() - 2);
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        (Some('-'), error) => anyhow::bail!("Redis says: {error}"),
        _ => anyhow::bail!("Redis sent a reply that is not understood: {line:?}"),
    }
}
