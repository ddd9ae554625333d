//! Slack's slash commands: the v0 signature, checked in constant time, and an empty 200.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{fresh, header, unhex};

pub(super) fn routes(secret: &str) -> Router {
    let key = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let key = key.expect("HMAC takes a key of any length");
    Router::new().route("/slack/commands", post(command)).with_state(key)
}

async fn command(State(key): State<Hmac<Sha256>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match verify(key, &headers, &body) {
        Some(()) => StatusCode::OK,
        None => StatusCode::UNAUTHORIZED,
    }
}

/// `None` when Slack has not signed this body, or long ago.
fn verify(mut key: Hmac<Sha256>, headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let timestamp = header(headers, "x-slack-request-timestamp")?;
    let signature = header(headers, "x-slack-signature")?.strip_prefix("v0=")?;
    let signature: [u8; 32] = unhex(signature)?;
    fresh(timestamp)?;
    key.update(b"v0:");
    key.update(timestamp.as_bytes());
    key.update(b":");
    key.update(body);
    key.verify_slice(&signature).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WINDOW;
    use crate::tests::{hex, now};

    fn signed(timestamp: u64, body: &str) -> HeaderMap {
        let mut key = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
        key.update(format!("v0:{timestamp}:{body}").as_bytes());
        let signature = hex(&key.finalize().into_bytes());
        let mut headers = HeaderMap::new();
        headers.insert("x-slack-request-timestamp", timestamp.to_string().parse().unwrap());
        headers.insert("x-slack-signature", format!("v0={signature}").parse().unwrap());
        headers
    }

    #[test]
    fn only_what_was_signed_lately_is_taken() {
        let key = || Hmac::<Sha256>::new_from_slice(b"key").unwrap();
        let taken = |headers: &HeaderMap, body: &[u8]| verify(key(), headers, body).is_some();
        assert!(taken(&signed(now(), "a=b"), b"a=b"));
        assert!(!taken(&signed(now(), "a=b"), b"a=c"));
        assert!(!taken(&signed(now() - WINDOW - 10, "a=b"), b"a=b"));
        assert!(!taken(&HeaderMap::new(), b"a=b"));
    }
}
