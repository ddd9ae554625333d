//! Discord's interactions: the Ed25519 signature, verified as strictly as nova does, a body of the same
//! size at most, and a fixed message.

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use ed25519_dalek::{Signature, VerifyingKey};

use super::{fresh, header, unhex};

/// Bytes of a request.
const MAX_BODY: usize = 1024 * 1024;
const PONG: &str = r#"{"type":4,"data":{"content":"pong"}}"#;

/// `key`: 64 hexadecimal digits.
pub(super) fn routes(key: &str) -> anyhow::Result<Router> {
    let key = unhex(key).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    let key = key.context("KEY is no public key")?;
    let interactions = post(interaction).layer(DefaultBodyLimit::max(MAX_BODY));
    Ok(Router::new().route("/discord/interactions", interactions).with_state(key))
}

async fn interaction(State(key): State<VerifyingKey>, headers: HeaderMap, body: Bytes) -> Response {
    match verify(&key, &headers, &body) {
        Some(()) => ([(CONTENT_TYPE, "application/json")], PONG).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// `None` when Discord has not signed this body, or long ago.
fn verify(key: &VerifyingKey, headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let timestamp = header(headers, "x-signature-timestamp")?;
    let signature = unhex(header(headers, "x-signature-ed25519")?)?;
    fresh(timestamp)?;
    let signed = [timestamp.as_bytes(), body].concat();
    key.verify_strict(&signed, &Signature::from_bytes(&signature)).ok()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;
    use crate::WINDOW;
    use crate::tests::{hex, now};

    fn signed(timestamp: u64, body: &str) -> HeaderMap {
        let signature =
            SigningKey::from_bytes(&[7; 32]).sign(format!("{timestamp}{body}").as_bytes());
        let mut headers = HeaderMap::new();
        headers.insert("x-signature-timestamp", timestamp.to_string().parse().unwrap());
        headers.insert("x-signature-ed25519", hex(&signature.to_bytes()).parse().unwrap());
        headers
    }

    #[test]
    fn only_what_was_signed_lately_is_taken() {
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let taken = |headers: &HeaderMap, body: &[u8]| verify(&key, headers, body).is_some();
        assert!(taken(&signed(now(), "{}"), b"{}"));
        assert!(!taken(&signed(now(), "{}"), b"[]"));
        assert!(!taken(&signed(now() - WINDOW - 10, "{}"), b"{}"));
        assert!(!taken(&HeaderMap::new(), b"{}"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(routes(&"zz".repeat(32)).is_err());
    }
}
