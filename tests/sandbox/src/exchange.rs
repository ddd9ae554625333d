//! One HTTP/1.1 exchange on a connection of its own, as the chat platforms deliver to an app on the
//! loopback. Invariant: what is read of an answer is bounded. Used by Slack's and Discord's deliveries.

use axum::http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes taken of an answer.
const ANSWER: u64 = 1 << 20;

/// What was answered.
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// Names and values in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    /// A header's value in lower case.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Posts a body with these header lines, each ended by CRLF. `None` when nobody answers, or not with
/// HTTP.
pub(crate) async fn post(url: &str, head: &str, body: &str) -> Option<Answered> {
    let uri: Uri = url.parse().ok()?;
    let (host, port) = (uri.host()?, uri.port_u16().unwrap_or(80));
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.ok()?;
    stream.set_nodelay(true).ok();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: */*\r\nConnection: close\r\n\
         Content-Length: {}\r\n{head}\r\n{body}",
        body.len()
    );
    // An app may answer and close before it has read a body that it refuses.
    stream.write_all(request.as_bytes()).await.ok();
    let mut raw = Vec::new();
    stream.take(ANSWER).read_to_end(&mut raw).await.ok()?;
    parse(&raw)
}

fn parse(raw: &[u8]) -> Option<Answered> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..end]).to_ascii_lowercase();
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> =
        pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let mut answered = Answered { status, headers, body: Vec::new() };
    let body = &raw[end + 4..];
    answered.body = match answered.header("transfer-encoding") {
        "chunked" => dechunk(body)?,
        _ => body.to_vec(),
    };
    Some(answered)
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_both_framings() {
        let plain = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
        assert_eq!((plain.status, plain.body.as_slice()), (200, &b"hi"[..]));
        let chunked = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\nX-Slack-No-Retry: 1\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n";
        let chunked = parse(chunked).unwrap();
        assert_eq!((chunked.status, chunked.body.as_slice()), (503, &b"hi!"[..]));
        assert_eq!(chunked.header("x-slack-no-retry"), "1");
        assert!(parse(b"SSH-2.0-OpenSSH\r\n\r\n").is_none());
        assert!(dechunk(b"ff\r\nshort").is_none());
    }
}
