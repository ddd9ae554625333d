//! The hash chain's arithmetic: what exactly is hashed, and with which key. Pure. A row's hash
//! covers all its columns and the hash before it, each with its length, so that no two different
//! rows have the same encoding. Used to append and to verify.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// The shortest key that is accepted, in bytes: the hash's own width.
pub const MIN_KEY_BYTES: usize = 32;

/// The key of the timeline's hashes. It lives outside the database: whoever can edit rows must not
/// be able to hash them again.
#[derive(Clone)]
pub struct TimelineKey(SecretSlice<u8>);

impl fmt::Debug for TimelineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TimelineKey([REDACTED])")
    }
}

/// A key that is too short to protect anything.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the timeline's key has {found} bytes, it needs at least {MIN_KEY_BYTES} random ones")]
pub struct ShortKey {
    /// How many bytes there were.
    pub found: usize,
}

impl TimelineKey {
    /// Takes the bytes as they are (the caller trims a file's newline or decodes its hex).
    ///
    /// # Errors
    /// [`ShortKey`] below [`MIN_KEY_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Self, ShortKey> {
        if bytes.len() < MIN_KEY_BYTES {
            return Err(ShortKey { found: bytes.len() });
        }
        Ok(Self(bytes.to_vec().into()))
    }

    /// What the database stores to notice another key: it tells nothing about this one.
    pub(super) fn check(&self) -> String {
        self.hasher().finish(|mac| mac.update(b"nova timeline key check v1"))
    }

    /// The hash before the first row.
    pub(super) fn genesis(&self) -> String {
        self.hasher().finish(|mac| mac.update(b"nova timeline genesis v1"))
    }

    /// For many rows in a row: takes the key in once. Short-lived, as it holds what a key makes.
    pub(super) fn hasher(&self) -> Hasher {
        Hasher(
            Hmac::new_from_slice(self.0.expose_secret()).expect("HMAC takes a key of any length"),
        )
    }
}

/// The key, ready to hash rows.
pub(super) struct Hasher(Hmac<Sha256>);

impl Hasher {
    /// The hash of `row` as if it stood at `seq`.
    pub(super) fn hash_at(&self, seq: i64, row: &Columns<'_>) -> String {
        self.finish(|mac| {
            mac.update(b"nova timeline row v1");
            mac.update(&seq.to_be_bytes());
            mac.update(&row.at_ms.to_be_bytes());
            for column in [
                row.incident,
                Some(row.kind),
                row.invocation,
                Some(row.actor),
                Some(row.body),
                Some(row.prev_hash),
            ] {
                match column {
                    None => mac.update(&[0]),
                    Some(text) => {
                        mac.update(&[1]);
                        mac.update(&(text.len() as u64).to_be_bytes());
                        mac.update(text.as_bytes());
                    }
                }
            }
        })
    }

    fn finish(&self, feed: impl FnOnce(&mut Hmac<Sha256>)) -> String {
        let mut mac = self.0.clone();
        feed(&mut mac);
        hex(&mac.finalize().into_bytes())
    }
}

/// The columns under a row's hash, except its seq.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) at_ms: i64,
    pub(super) incident: Option<&'a str>,
    pub(super) kind: &'a str,
    pub(super) invocation: Option<&'a str>,
    pub(super) actor: &'a str,
    pub(super) body: &'a str,
    pub(super) prev_hash: &'a str,
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        digits.push(char::from(DIGITS[usize::from(byte >> 4)]));
        digits.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Columns<'static> {
        Columns {
            at_ms: 1_700_000_000_000,
            incident: None,
            kind: "note",
            invocation: Some("01ARYZ6S41"),
            actor: "ana",
            body: "{}",
            prev_hash: "00",
        }
    }

    #[test]
    fn every_column_and_its_borders_are_under_the_hash() {
        let key = TimelineKey::new(&[7; 32]).unwrap();
        let other_key = TimelineKey::new(&[8; 32]).unwrap();
        let hasher = key.hasher();
        let all = [
            hasher.hash_at(1, &row()),
            hasher.hash_at(2, &row()),
            hasher.hash_at(1, &Columns { at_ms: 1, ..row() }),
            hasher.hash_at(1, &Columns { incident: Some(""), ..row() }),
            hasher.hash_at(1, &Columns { kind: "notea", actor: "na", ..row() }),
            hasher.hash_at(1, &Columns { invocation: None, ..row() }),
            hasher.hash_at(1, &Columns { incident: Some("01ARYZ6S41"), invocation: None, ..row() }),
            hasher.hash_at(1, &Columns { actor: "ana{", body: "}", ..row() }),
            hasher.hash_at(1, &Columns { prev_hash: "01", ..row() }),
            other_key.hasher().hash_at(1, &row()),
            key.check(),
            key.genesis(),
        ];
        for (i, one) in all.iter().enumerate() {
            assert_eq!(one.len(), 64);
            for other in &all[i + 1..] {
                assert_ne!(one, other);
            }
        }
        assert_eq!(all[0], hasher.hash_at(1, &row()));
    }

    #[test]
    fn the_encoding_does_not_change_under_stored_rows() {
        let key = TimelineKey::new(b"0123456789abcdef0123456789abcdef").unwrap();
        // Computed with Python's hmac from the encoding described above.
        assert_eq!(
            key.hasher().hash_at(1, &row()),
            "1805c9ce9462bd382cc0e3f3e39f6d578d58e1e4885d774060dd0555af7f5cff"
        );
    }

    #[test]
    fn keys_are_long_and_never_printed() {
        assert_eq!(TimelineKey::new(&[b'k'; 31]).unwrap_err(), ShortKey { found: 31 });
        let key = TimelineKey::new(&[b'k'; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "TimelineKey([REDACTED])");
    }
}
