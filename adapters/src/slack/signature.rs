//! Slack's request signature, version 0: HMAC-SHA256 with the app's signing secret over
//! `v0:{timestamp}:{raw body}`, in `X-Slack-Signature` and `X-Slack-Request-Timestamp`
//! (docs.slack.dev/authentication/verifying-requests-from-slack). Called by [`super::http`].
//!
//! Invariant: a request is compared in constant time with every secret, and is refused when its
//! timestamp is more than [`WINDOW`] seconds away from now, in the past or in the future.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use thiserror::Error;

use crate::signature;

pub use crate::signature::{Forgery, WINDOW, unix_now};

/// The header with the time of signing, in seconds since 1970.
pub const TIMESTAMP: &str = "x-slack-request-timestamp";
/// The header with the signature.
pub const SIGNATURE: &str = "x-slack-signature";

/// A MAC's length in bytes.
const MAC: usize = 32;

/// Checks signatures with one or more signing secrets.
pub struct Verifier {
    /// Keyed once here; a check clones the state instead of hashing the key again.
    keys: RwLock<Arc<[Hmac<Sha256>]>>,
}

/// There is no signing secret, or an empty one, with which anybody could sign.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("there is no signing secret, or an empty one")]
pub struct NoSecret;

/// What a request's headers claim. Nothing is proved before [`Verifier::check`].
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    timestamp: &'a [u8],
    mac: [u8; MAC],
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
        let mac = signature.strip_prefix(b"v0=").and_then(signature::bytes);
        let mac = mac.ok_or(Forgery::Malformed)?;
        signature::fresh(timestamp, now)?;
        Ok(Self { timestamp, mac })
    }
}

impl Verifier {
    /// With all secrets that are accepted: while a secret is rotated, the old and the new one.
    ///
    /// # Errors
    /// Without a secret, or with an empty one.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Result<Self, NoSecret> {
        Ok(Self { keys: RwLock::new(keyed(secrets)?) })
    }

    /// From now on these secrets are accepted and no others.
    ///
    /// # Errors
    /// Without a secret, or with an empty one; the old ones stay.
    pub fn replace<'a>(
        &self,
        secrets: impl IntoIterator<Item = &'a SecretString>,
    ) -> Result<(), NoSecret> {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keyed(secrets)?;
        Ok(())
    }

    fn keys(&self) -> Arc<[Hmac<Sha256>]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks a claim against the raw body.
    ///
    /// # Errors
    /// [`Forgery::Wrong`].
    pub fn check(&self, claim: &Claim<'_>, body: &[u8]) -> Result<(), Forgery> {
        // Every key is tried, so that the time tells nothing about which one fitted.
        let fits = self.keys().iter().fold(false, |fits, key| {
            let mut mac = key.clone();
            mac.update(b"v0:");
            mac.update(claim.timestamp);
            mac.update(b":");
            mac.update(body);
            mac.verify_slice(&claim.mac).is_ok() | fits
        });
        if fits { Ok(()) } else { Err(Forgery::Wrong) }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({} secrets)", self.keys().len())
    }
}

fn keyed<'a>(
    secrets: impl IntoIterator<Item = &'a SecretString>,
) -> Result<Arc<[Hmac<Sha256>]>, NoSecret> {
    let keys: Result<Vec<_>, _> = secrets
        .into_iter()
        .map(|secret| match secret.expose_secret().as_bytes() {
            [] => Err(NoSecret),
            key => Ok(Hmac::new_from_slice(key).expect("HMAC takes keys of any length")),
        })
        .collect();
    let keys = keys?;
    if keys.is_empty() { Err(NoSecret) } else { Ok(keys.into()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The example of Slack's own documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const STAMP: &[u8] = b"1531420618";
    const SIGNED: &[u8] = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const NOW: i64 = 1_531_420_618;

    fn verifier(secrets: &[&str]) -> Verifier {
        let secrets: Vec<_> = secrets.iter().map(|s| SecretString::from(*s)).collect();
        Verifier::new(&secrets).unwrap()
    }

    fn verify(stamp: &[u8], signed: &[u8], body: &[u8], now: i64) -> Result<(), Forgery> {
        let claim = Claim::read(Some(stamp), Some(signed), now)?;
        verifier(&[SECRET]).check(&claim, body)
    }

    #[test]
    fn slacks_own_example_is_accepted() {
        assert_eq!(verify(STAMP, SIGNED, BODY, NOW), Ok(()));
    }

    #[test]
    fn the_window_is_five_minutes_both_ways() {
        for (now, expected) in [
            (NOW + 300, Ok(())),
            (NOW - 300, Ok(())),
            (NOW + 301, Err(Forgery::Stale)),
            (NOW - 301, Err(Forgery::Stale)),
            (0, Err(Forgery::Stale)),
            (i64::MIN, Err(Forgery::Stale)),
            (i64::MAX, Err(Forgery::Stale)),
        ] {
            assert_eq!(verify(STAMP, SIGNED, BODY, now), expected, "{now}");
        }
    }

    #[test]
    fn any_of_several_secrets_fits_and_an_empty_one_is_none() {
        let claim = Claim::read(Some(STAMP), Some(SIGNED), NOW).unwrap();
        assert_eq!(verifier(&["new", SECRET]).check(&claim, BODY), Ok(()));
        assert_eq!(verifier(&[SECRET, "new"]).check(&claim, BODY), Ok(()));
        assert_eq!(verifier(&["new"]).check(&claim, BODY), Err(Forgery::Wrong));
        assert_eq!(Verifier::new([]).unwrap_err(), NoSecret);
        assert_eq!(Verifier::new([&SecretString::from("")]).unwrap_err(), NoSecret);
        assert_eq!(format!("{:?}", verifier(&[SECRET])), "Verifier(1 secrets)");
    }

    #[test]
    fn headers_that_are_missing_or_no_signature_are_told_apart() {
        assert_eq!(Claim::read(None, Some(SIGNED), NOW).unwrap_err(), Forgery::Missing);
        assert_eq!(Claim::read(Some(STAMP), None, NOW).unwrap_err(), Forgery::Missing);
        let upper = SIGNED.to_ascii_uppercase();
        for (stamp, signed) in [
            (&b""[..], SIGNED),
            (b"-1531420618", SIGNED),
            (b"+1531420618", SIGNED),
            (b" 1531420618", SIGNED),
            (b"99999999999999999999", SIGNED),
            (b"\xff", SIGNED),
            (STAMP, b""),
            (STAMP, &SIGNED[3..]),
            (STAMP, &SIGNED[..66]),
            (STAMP, &upper),
            (STAMP, &[SIGNED, b"0"].concat()),
        ] {
            assert_eq!(
                Claim::read(Some(stamp), Some(signed), NOW).unwrap_err(),
                Forgery::Malformed
            );
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for (name, bytes) in [("stamp", STAMP), ("signature", SIGNED), ("body", BODY)] {
            for bit in 0..bytes.len() * 8 {
                let mut forged = bytes.to_vec();
                forged[bit / 8] ^= 1 << (bit % 8);
                let verdict = match name {
                    "stamp" => verify(&forged, SIGNED, BODY, NOW),
                    "signature" => verify(STAMP, &forged, BODY, NOW),
                    _ => verify(STAMP, SIGNED, &forged, NOW),
                };
                assert!(verdict.is_err(), "bit {bit} of the {name}");
            }
        }
    }

    proptest! {
        #[test]
        fn only_the_signed_bytes_pass(
            body in prop::collection::vec(any::<u8>(), 0..300),
            other in prop::collection::vec(any::<u8>(), 0..300),
            secret in "[a-f0-9]{1,80}",
        ) {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(b"v0:1531420618:");
            mac.update(&body);
            let hex: String =
                mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            let signed = format!("v0={hex}");
            let claim = Claim::read(Some(STAMP), Some(signed.as_bytes()), NOW).unwrap();
            let verifier = verifier(&[&secret]);
            prop_assert_eq!(verifier.check(&claim, &body), Ok(()));
            prop_assert_eq!(verifier.check(&claim, &other).is_ok(), body == other);
        }

        #[test]
        fn headers_of_any_kind_never_panic(
            stamp in prop::collection::vec(any::<u8>(), 0..40),
            signed in prop::collection::vec(any::<u8>(), 0..100),
            now in any::<i64>(),
        ) {
            prop_assert!(verify(&stamp, &signed, b"", now).is_err());
        }
    }
}
