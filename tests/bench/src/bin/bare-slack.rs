//! The least that can answer Slack in Rust: axum, one route, the v0 signature, an empty 200.
//!
//! What `nova-bench slack` holds nova against; nothing else calls it. Invariant: the raw body is
//! verified as nova has to, in constant time and with the same window, and nothing else is done.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Seconds that a signature is good for, both ways.
const WINDOW: u64 = 300;

/// As many threads as nova has.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let variable = |name| std::env::var(name).with_context(|| format!("{name} is not set"));
    let at: SocketAddr = variable("LISTEN")?.parse().context("LISTEN is no address")?;
    let listener = tokio::net::TcpListener::bind(at).await.context("cannot listen")?;
    axum::serve(listener, routes(&variable("SIGNING_SECRET")?)).await.context("cannot serve")
}

fn routes(secret: &str) -> Router {
    let key = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    Router::new()
        .route("/slack/commands", post(command))
        .route("/readyz", get(async || StatusCode::OK))
        .with_state(key.expect("HMAC takes a key of any length"))
}

async fn command(State(key): State<Hmac<Sha256>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match verify(key, &headers, &body) {
        Some(()) => StatusCode::OK,
        None => StatusCode::UNAUTHORIZED,
    }
}

/// `None` when Slack has not signed this body, or long ago.
fn verify(mut key: Hmac<Sha256>, headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let header = |name| headers.get(name)?.to_str().ok();
    let timestamp = header("x-slack-request-timestamp")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let age = timestamp.parse::<u64>().ok()?.abs_diff(now);
    let signature = unhex(header("x-slack-signature")?.strip_prefix("v0=")?)?;
    key.update(b"v0:");
    key.update(timestamp.as_bytes());
    key.update(b":");
    key.update(body);
    (age <= WINDOW).then_some(())?;
    key.verify_slice(&signature).ok()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let pairs = text.as_bytes().chunks_exact(2);
    (text.len() == 2 * bytes.len()).then_some(())?;
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digit = |character: u8| char::from(character).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(timestamp: u64, body: &str) -> HeaderMap {
        let mut key = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
        key.update(format!("v0:{timestamp}:{body}").as_bytes());
        let digest = key.finalize().into_bytes();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut headers = HeaderMap::new();
        headers.insert("x-slack-request-timestamp", timestamp.to_string().parse().unwrap());
        headers.insert("x-slack-signature", format!("v0={hex}").parse().unwrap());
        headers
    }

    #[test]
    fn only_what_was_signed_lately_is_taken() {
        let key = || Hmac::<Sha256>::new_from_slice(b"key").unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let taken = |headers: &HeaderMap, body: &[u8]| verify(key(), headers, body).is_some();
        assert!(taken(&signed(now, "a=b"), b"a=b"));
        assert!(taken(&signed(now - WINDOW + 10, "a=b"), b"a=b"));
        assert!(!taken(&signed(now, "a=b"), b"a=c"));
        assert!(!taken(&signed(now - WINDOW - 10, "a=b"), b"a=b"));
        assert!(!taken(&signed(now + WINDOW + 10, "a=b"), b"a=b"));
        assert!(!taken(&HeaderMap::new(), b"a=b"));
    }

    #[test]
    fn a_signature_is_64_digits() {
        assert_eq!(unhex(&"0f".repeat(32)), Some([15; 32]));
        for text in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &"é".repeat(32)] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }
}
