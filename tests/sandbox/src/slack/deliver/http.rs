//! Deliveries over HTTP: signed the way Slack signs, in the encodings Slack uses, with a deadline.
//! Plain HTTP/1.1 with one connection a delivery, for the app runs on the loopback. Invariant: what is
//! read of an answer is bounded. Source: docs.slack.dev, "Verifying requests from Slack".

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::Uri;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Attempt, Delivery};
use crate::slack::state::seconds;

/// The most bytes taken of an answer.
const ANSWER: u64 = 1 << 20;

const USER_AGENT: &str = "Slackbot 1.0 (+https://api.slack.com/robots)";

/// Where the app listens (`http://127.0.0.1:PORT/…`), and the secret its deliveries are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTarget {
    pub commands_url: String,
    pub interactivity_url: String,
    pub events_url: String,
    pub signing_secret: String,
}

/// The headers that prove a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `X-Slack-Request-Timestamp`: seconds since 1970.
    pub timestamp: String,
    /// `X-Slack-Signature`: `v0=` and 64 hexadecimal digits.
    pub signature: String,
}

/// Signs a body as sent at `timestamp`.
pub(in crate::slack) fn sign(secret: &str, timestamp: u64, body: &[u8]) -> Signed {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    let mut signature = "v0=".to_owned();
    for byte in mac.finalize().into_bytes() {
        // Writing to a String cannot fail.
        write!(signature, "{byte:02x}").ok();
    }
    Signed { timestamp: timestamp.to_string(), signature }
}

pub(super) async fn send(
    target: &HttpTarget,
    delivery: &Delivery,
    deadline: Duration,
    retry: u32,
    reason: &str,
) -> Attempt {
    let (url, body, content_type) = encode(target, delivery);
    let signed = sign(&target.signing_secret, seconds(), body.as_bytes());
    let mut head = format!(
        "Accept: */*\r\nAccept-Encoding: gzip,deflate\r\nUser-Agent: {USER_AGENT}\r\n\
         Content-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\
         X-Slack-Request-Timestamp: {}\r\nX-Slack-Signature: {}\r\n",
        body.len(),
        signed.timestamp,
        signed.signature,
    );
    if retry > 0 {
        // Writing to a String cannot fail.
        write!(head, "x-slack-retry-num: {retry}\r\nx-slack-retry-reason: {reason}\r\n").ok();
    }
    let Ok(answered) = tokio::time::timeout(deadline, post(url, &head, &body)).await else {
        return Attempt { late: true, ..Attempt::failed("http_timeout") };
    };
    let Some(answer) = answered else {
        return Attempt::failed("connection_failed");
    };
    let acked = match delivery {
        Delivery::Event(_) => (200..300).contains(&answer.status),
        _ => answer.status == 200,
    };
    Attempt {
        acked,
        status: Some(answer.status),
        response: decode(&answer.body),
        no_retry: answer.no_retry,
        ..Attempt::failed("http_error")
    }
}

fn encode<'a>(target: &'a HttpTarget, delivery: &Delivery) -> (&'a str, String, &'static str) {
    const FORM: &str = "application/x-www-form-urlencoded";
    let mut form = form_urlencoded::Serializer::new(String::new());
    match delivery {
        Delivery::Command(fields) => {
            for (key, value) in fields.as_object().into_iter().flatten() {
                form.append_pair(key, value.as_str().unwrap_or_default());
            }
            (&target.commands_url, form.finish(), FORM)
        }
        Delivery::Interactive(payload) => {
            form.append_pair("payload", &payload.to_string());
            (&target.interactivity_url, form.finish(), FORM)
        }
        Delivery::Event(payload) => (&target.events_url, payload.to_string(), "application/json"),
    }
}

fn decode(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

struct HttpAnswer {
    status: u16,
    no_retry: bool,
    body: Vec<u8>,
}

/// `None` when nobody answers, or not with HTTP.
async fn post(url: &str, head: &str, body: &str) -> Option<HttpAnswer> {
    let uri: Uri = url.parse().ok()?;
    let (host, port) = (uri.host()?, uri.port_u16().unwrap_or(80));
    let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.ok()?;
    stream.set_nodelay(true).ok();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = format!("POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{head}\r\n{body}");
    // An app may answer and close before it has read a body that it refuses.
    stream.write_all(request.as_bytes()).await.ok();
    let mut raw = Vec::new();
    stream.take(ANSWER).read_to_end(&mut raw).await.ok()?;
    parse(&raw)
}

fn parse(raw: &[u8]) -> Option<HttpAnswer> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..end]).to_ascii_lowercase();
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let (mut no_retry, mut chunked) = (false, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        no_retry |= name == "x-slack-no-retry" && value.trim() == "1";
        chunked |= name == "transfer-encoding" && value.trim() == "chunked";
    }
    let body = &raw[end + 4..];
    let body = if chunked { dechunk(body)? } else { body.to_vec() };
    Some(HttpAnswer { status, no_retry, body })
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
    fn signatures_are_the_documented_ones() {
        // The example on docs.slack.dev, "Verifying requests from Slack".
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
            &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
            &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F\
            commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=\
            398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signed = sign("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body.as_bytes());
        assert_eq!(
            signed.signature,
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
    }

    #[test]
    fn answers_are_read_in_both_framings() {
        let plain = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
        assert_eq!((plain.status, plain.body.as_slice()), (200, &b"hi"[..]));
        let chunked = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\nX-Slack-No-Retry: 1\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n";
        let chunked = parse(chunked).unwrap();
        assert_eq!((chunked.status, chunked.body.as_slice()), (503, &b"hi!"[..]));
        assert!(chunked.no_retry);
        assert!(parse(b"SSH-2.0-OpenSSH\r\n\r\n").is_none());
        assert!(dechunk(b"ff\r\nshort").is_none());
    }
}
