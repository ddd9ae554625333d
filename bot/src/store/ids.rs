//! Typed identifiers. Each is storable as it is: no NUL, bounded length. Everything that speaks of
//! a stored row uses these.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::chain::hex;
use super::text::clean;

/// The longest identifier that is kept as it came, in bytes.
pub(super) const MAX_ID_BYTES: usize = 256;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as stored.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same, for a statement to keep.
            pub(super) fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// One use of one command. 26 characters of Crockford's base32 (a ULID): sorts by time, tells
    /// nobody anything, and can be read out over the telephone.
    InvocationId
}
text_id! {
    /// One human, whichever accounts they use.
    PersonId
}
text_id! {
    /// One incident.
    IncidentId
}
text_id! {
    /// What makes two deliveries of one command the same: a platform's event id, say.
    DedupeId
}

impl InvocationId {
    /// A new identifier for something that happens at `now_ms`.
    pub(super) fn generate(now_ms: i64) -> Result<Self, getrandom::Error> {
        let mut one = Self::several(now_ms, 1)?;
        Ok(one.next().expect("one was asked for"))
    }

    /// So many of them: the system is asked for randomness once.
    pub(super) fn several(
        now_ms: i64,
        count: usize,
    ) -> Result<impl Iterator<Item = Self>, getrandom::Error> {
        const RANDOM: usize = 10;
        let mut random = vec![0; RANDOM * count];
        getrandom::fill(&mut random)?;
        let time = u128::from(now_ms.max(0).unsigned_abs() & 0xffff_ffff_ffff) << 80;
        Ok((0..count).map(move |at| {
            let mut bytes = [0; 16];
            bytes[16 - RANDOM..].copy_from_slice(&random[RANDOM * at..][..RANDOM]);
            Self(base32(time | u128::from_be_bytes(bytes)).into())
        }))
    }

    pub(super) fn stored(text: String) -> Self {
        Self(text.into())
    }
}

impl PersonId {
    /// Keeps at most 256 bytes; NUL becomes U+FFFD.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(bounded(text))
    }
}

impl IncidentId {
    /// Keeps at most 256 bytes; NUL becomes U+FFFD.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(bounded(text))
    }
}

impl DedupeId {
    /// Text that cannot be stored whole is kept as its SHA-256: cutting it could make two
    /// different deliveries look like one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        if text.len() > MAX_ID_BYTES || text.contains('\0') {
            Self(format!("sha256:{}", hex(&Sha256::digest(text))).into())
        } else {
            Self(text.into())
        }
    }
}

/// Most identifiers are fine as they are.
fn bounded(text: &str) -> Arc<str> {
    let fits = text.len() <= MAX_ID_BYTES && !text.contains('\0');
    if fits { text.into() } else { clean(text, MAX_ID_BYTES).into() }
}

/// 130 bits, of which the upper two are zero, five to a character.
fn base32(value: u128) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..26).rev().map(|place| char::from(ALPHABET[(value >> (5 * place)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invocation_ids_match_the_ulid_specification_and_sort_by_time() {
        assert_eq!(base32(0), "0".repeat(26));
        assert_eq!(base32(u128::MAX), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        // The example of the ULID specification: 1469918176385 is 01ARYZ6S41.
        let early = InvocationId::generate(1_469_918_176_385).unwrap();
        assert_eq!(&early.as_str()[..10], "01ARYZ6S41");
        let late = InvocationId::generate(1_469_918_176_386).unwrap();
        assert!(early < late);
        assert_ne!(late, InvocationId::generate(1_469_918_176_386).unwrap());
        assert!(InvocationId::generate(-1).unwrap().as_str().starts_with("0000000000"));
    }

    #[test]
    fn dedupe_ids_never_collide_by_being_cleaned() {
        let long = "x".repeat(MAX_ID_BYTES);
        assert_eq!(DedupeId::new(&long).as_str(), long);
        assert_ne!(DedupeId::new(&format!("{long}a")), DedupeId::new(&format!("{long}b")));
        assert_ne!(DedupeId::new("a\0"), DedupeId::new("a\u{fffd}"));
        assert!(DedupeId::new("a\0").as_str().len() <= MAX_ID_BYTES);
    }
}
