//! Discord's request signature: Ed25519 with the application's key over the timestamp and the raw body,
//! in `X-Signature-Ed25519` and `X-Signature-Timestamp`
//! (docs.discord.com/developers/interactions/overview, "Validating Security Request Headers"). Called
//! by [`super::http`].
//!
//! Invariant: a signature is verified strictly, so that each request has one, and a request is refused
//! when its timestamp is more than [`WINDOW`] seconds away from now. Discord promises no age, but what
//! was recorded once must not be sent again for ever.

use axum::http::header::HeaderMap;
use ed25519_dalek::{Signature, VerifyingKey};
use thiserror::Error;

use crate::http::Proof;
use crate::signature;

pub use crate::signature::{Forgery, WINDOW, unix_now};

/// The header with the time of signing, in seconds since 1970.
pub const TIMESTAMP: &str = "x-signature-timestamp";
/// The header with the signature, in 128 hexadecimal digits.
pub const SIGNATURE: &str = "x-signature-ed25519";

/// Checks signatures with the application's public key.
#[derive(Debug)]
pub struct Verifier {
    key: VerifyingKey,
}

/// The public key is none with which a signature could be trusted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the public key is not the 64 hexadecimal digits of the developer portal")]
pub struct NoKey;

/// What a request's headers claim. Nothing is proved before [`Verifier::check`].
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    timestamp: &'a [u8],
    signature: [u8; Signature::BYTE_SIZE],
}

impl<'a> Claim<'a> {
    /// Reads the two headers, so that a request without them is refused before its body is read.
    ///
    /// # Errors
    /// All but [`Forgery::Wrong`]. `now` is in seconds since 1970.
    pub fn read(
        timestamp: Option<&'a [u8]>,
        signature: Option<&'a [u8]>,
        now: i64,
    ) -> Result<Self, Forgery> {
        let (Some(timestamp), Some(signature)) = (timestamp, signature) else {
            return Err(Forgery::Missing);
        };
        let signature = signature::bytes(signature).ok_or(Forgery::Malformed)?;
        signature::fresh(timestamp, now)?;
        Ok(Self { timestamp, signature })
    }
}

impl Verifier {
    /// With the public key as the developer portal shows it.
    ///
    /// # Errors
    /// When it is no key, or one under which anybody can sign.
    pub fn new(public_key: &str) -> Result<Self, NoKey> {
        let hex = public_key.trim().to_ascii_lowercase();
        let bytes = signature::bytes(hex.as_bytes()).ok_or(NoKey)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NoKey)?;
        if key.is_weak() { Err(NoKey) } else { Ok(Self { key }) }
    }

    /// Checks a claim against the raw body.
    ///
    /// # Errors
    /// [`Forgery::Wrong`].
    pub fn check(&self, claim: &Claim<'_>, body: &[u8]) -> Result<(), Forgery> {
        let signed = [claim.timestamp, body].concat();
        let signature = Signature::from_bytes(&claim.signature);
        self.key.verify_strict(&signed, &signature).map_err(|_| Forgery::Wrong)
    }
}

impl Proof for Verifier {
    type Claim<'a> = Claim<'a>;

    fn claim<'a>(&self, headers: &'a HeaderMap, now: i64) -> Result<Claim<'a>, Forgery> {
        let header = |name| headers.get(name).map(axum::http::HeaderValue::as_bytes);
        Claim::read(header(TIMESTAMP), header(SIGNATURE), now)
    }

    fn check(&self, claim: &Claim<'_>, body: &[u8]) -> Result<(), Forgery> {
        Self::check(self, claim, body)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use ed25519_dalek::{Signer, SigningKey};
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000;
    const STAMP: &[u8] = b"1700000000";
    const BODY: &[u8] = br#"{"type":1}"#;
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));

    pub(in crate::discord) fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// With the key of these tests.
    pub(in crate::discord) fn verifier() -> Verifier {
        Verifier::new(&hex(KEY.verifying_key().as_bytes())).unwrap()
    }

    /// The signature of the key of these tests.
    pub(in crate::discord) fn sign(stamp: &[u8], body: &[u8]) -> String {
        hex(&KEY.sign(&[stamp, body].concat()).to_bytes())
    }

    fn verify(stamp: &[u8], signed: &[u8], body: &[u8], now: i64) -> Result<(), Forgery> {
        let claim = Claim::read(Some(stamp), Some(signed), now)?;
        verifier().check(&claim, body)
    }

    /// RFC 8032, section 7.1, test 3: the message stands as the body of an empty timestamp, which no
    /// request can have.
    #[test]
    fn the_vector_of_the_rfc_is_accepted() {
        let key = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
        let signed = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                      18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
        let signature = signature::bytes(signed.as_bytes()).unwrap();
        let claim = Claim { timestamp: b"", signature };
        for key in [key, &key.to_uppercase()] {
            assert_eq!(Verifier::new(key).unwrap().check(&claim, b"\xaf\x82"), Ok(()));
        }
        assert_eq!(Verifier::new(key).unwrap().check(&claim, b"\xaf"), Err(Forgery::Wrong));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        // No point of the curve, and its neutral element, under which anybody can sign.
        let (none, weak) = (format!("02{}", "00".repeat(31)), format!("01{}", "00".repeat(31)));
        for key in ["", "fc51", &"zz".repeat(32), &"0".repeat(65), &none, &weak] {
            assert_eq!(Verifier::new(key).unwrap_err(), NoKey, "{key}");
        }
    }

    #[test]
    fn the_window_is_five_minutes_both_ways() {
        let signed = sign(STAMP, BODY);
        for (now, expected) in [
            (NOW + 300, Ok(())),
            (NOW - 300, Ok(())),
            (NOW + 301, Err(Forgery::Stale)),
            (NOW - 301, Err(Forgery::Stale)),
            (i64::MIN, Err(Forgery::Stale)),
            (i64::MAX, Err(Forgery::Stale)),
        ] {
            assert_eq!(verify(STAMP, signed.as_bytes(), BODY, now), expected, "{now}");
        }
    }

    #[test]
    fn headers_that_are_missing_or_no_signature_are_told_apart() {
        let signed = sign(STAMP, BODY);
        let signed = signed.as_bytes();
        assert_eq!(Claim::read(None, Some(signed), NOW).unwrap_err(), Forgery::Missing);
        assert_eq!(Claim::read(Some(STAMP), None, NOW).unwrap_err(), Forgery::Missing);
        let upper = signed.to_ascii_uppercase();
        for (stamp, signed) in [
            (&b""[..], signed),
            (b"-1700000000", signed),
            (b" 1700000000", signed),
            (b"\xff", signed),
            (STAMP, b""),
            (STAMP, &signed[1..]),
            (STAMP, &upper),
            (STAMP, &[signed, b"0"].concat()),
        ] {
            let refused = Claim::read(Some(stamp), Some(signed), NOW).unwrap_err();
            assert_eq!(refused, Forgery::Malformed);
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let signed = sign(STAMP, BODY);
        for (name, bytes) in [("stamp", STAMP), ("signature", signed.as_bytes()), ("body", BODY)] {
            for bit in 0..bytes.len() * 8 {
                let mut forged = bytes.to_vec();
                forged[bit / 8] ^= 1 << (bit % 8);
                let verdict = match name {
                    "stamp" => verify(&forged, signed.as_bytes(), BODY, NOW),
                    "signature" => verify(STAMP, &forged, BODY, NOW),
                    _ => verify(STAMP, signed.as_bytes(), &forged, NOW),
                };
                assert!(verdict.is_err(), "bit {bit} of the {name}");
            }
        }
    }

    /// The order of the group can be added to a signature's second half, and a lenient check takes that
    /// for another signature of the same bytes.
    #[test]
    fn a_second_form_of_a_good_signature_is_refused() {
        const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
        let order: [u8; 32] = signature::bytes(ORDER.as_bytes()).unwrap();
        let mut forged: [u8; 64] = signature::bytes(sign(STAMP, BODY).as_bytes()).unwrap();
        let mut carry = 0;
        for (byte, more) in forged[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(more) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        assert_eq!(verify(STAMP, hex(&forged).as_bytes(), BODY, NOW), Err(Forgery::Wrong));
    }

    proptest! {
        #[test]
        fn headers_of_any_kind_never_panic(
            stamp in prop::collection::vec(any::<u8>(), 0..40),
            signed in prop::collection::vec(any::<u8>(), 0..140),
            now in any::<i64>(),
        ) {
            prop_assert!(verify(&stamp, &signed, b"", now).is_err());
        }
    }
}
