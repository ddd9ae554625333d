//! Interactions over HTTP: signed with Ed25519 over the timestamp and the raw body. Source:
//! docs.discord.com/developers/interactions/overview, "Setting Up an Endpoint".

use std::fmt::Write as _;

use ed25519_dalek::{Signer as _, SigningKey};

use super::Delivery;
use crate::discord::state::{Shared, unix_millis};
use crate::exchange::{Answered, post};

const USER_AGENT: &str = "Discord-Interactions/1.0 (+https://discord.com)";

/// The headers that prove a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `X-Signature-Timestamp`: seconds since 1970.
    pub timestamp: String,
    /// `X-Signature-Ed25519`: 128 hexadecimal digits.
    pub signature: String,
}

/// Signs a body as sent at `timestamp`, seconds since 1970.
pub(in crate::discord) fn sign(seed: &[u8; 32], timestamp: u64, body: &[u8]) -> Signed {
    let timestamp = timestamp.to_string();
    let signed = [timestamp.as_bytes(), body].concat();
    let signature = SigningKey::from_bytes(seed).sign(&signed);
    Signed { timestamp, signature: hex(&signature.to_bytes()) }
}

/// The key that proves what [`sign`] makes, in hexadecimal digits.
pub(in crate::discord) fn public_key(seed: &[u8; 32]) -> String {
    hex(SigningKey::from_bytes(seed).verifying_key().as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

pub(super) async fn send(shared: &Shared, url: &str, delivery: &Delivery) -> Option<Answered> {
    let body = delivery.payload.to_string();
    let seed = shared.look(|state| state.app.seed);
    let signed = sign(&seed, unix_millis() / 1000, body.as_bytes());
    send_signed(url, &body, &signed).await
}

pub(super) async fn send_signed(url: &str, body: &str, signed: &Signed) -> Option<Answered> {
    let head = format!(
        "User-Agent: {USER_AGENT}\r\nContent-Type: application/json\r\n\
         X-Signature-Ed25519: {}\r\nX-Signature-Timestamp: {}\r\n",
        signed.signature, signed.timestamp,
    );
    post(url, &head, body).await
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, VerifyingKey};

    use super::*;

    #[test]
    fn signatures_are_of_the_timestamp_and_the_body() {
        let seed = [9; 32];
        let signed = sign(&seed, 1_700_000_000, b"{}");
        assert_eq!(signed.signature.len(), 128);
        let byte = |at: usize| u8::from_str_radix(&signed.signature[at * 2..at * 2 + 2], 16);
        let bytes: [u8; 64] = std::array::from_fn(|at| byte(at).unwrap());
        let key = VerifyingKey::from(&SigningKey::from_bytes(&seed));
        let signature = Signature::from_bytes(&bytes);
        assert!(key.verify_strict(b"1700000000{}", &signature).is_ok());
        assert!(key.verify_strict(b"1700000001{}", &signature).is_err());
        assert_eq!(public_key(&seed), hex(key.as_bytes()));
    }
}
