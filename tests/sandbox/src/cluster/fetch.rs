//! One GET over plain HTTP, for what a pod's port is forwarded to. HTTP/1.0, so that the answer ends
//! with the connection and has no chunks. Bounded in size and time. Called by exec's curl and wget
//! and by the proxies.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes taken of an answer.
const SIZE: u64 = 8 << 20;

/// What came back.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

#[derive(Debug)]
pub(crate) enum FetchError {
    /// Nobody listens there.
    Refused,
    TimedOut,
    /// Somebody answers, but not HTTP.
    NotHttp,
}

/// Fetches `base` (http only) with `path_and_query` after it.
pub(crate) async fn get(
    base: &str,
    path_and_query: &str,
    limit: Duration,
) -> Result<Fetched, FetchError> {
    tokio::time::timeout(limit, exchange(base, path_and_query))
        .await
        .unwrap_or(Err(FetchError::TimedOut))
}

async fn exchange(base: &str, path_and_query: &str) -> Result<Fetched, FetchError> {
    let uri: Uri = base.parse().map_err(|_| FetchError::Refused)?;
    let host = uri.host().ok_or(FetchError::Refused)?;
    let port = uri.port_u16().unwrap_or(80);
    let path = format!("{}{path_and_query}", uri.path().trim_end_matches('/'));
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port))
        .await
        .map_err(|_| FetchError::Refused)?;
    // The path cannot break the request apart: a Uri holds no blanks or line breaks.
    if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(FetchError::NotHttp);
    }
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: */*\r\nUser-Agent: curl/8.5.0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(|_| FetchError::Refused)?;
    let mut raw = Vec::new();
    stream.take(SIZE).read_to_end(&mut raw).await.map_err(|_| FetchError::NotHttp)?;
    parse(&raw).ok_or(FetchError::NotHttp)
}

fn parse(raw: &[u8]) -> Option<Fetched> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..end]);
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut content_type = String::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-type") {
            value.trim().clone_into(&mut content_type);
        }
    }
    Some(Fetched { status, content_type, body: Bytes::copy_from_slice(&raw[end + 4..]) })
}
