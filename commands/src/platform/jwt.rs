//! Reads a JSON Web Token without believing it: what it claims, not whether its signature is right
//! (RFC 7519, RFC 7515).
//!
//! Invariant: the token itself is in nothing that comes out of here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::text::Untrusted;

/// Longest token that is read, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// Header and claims that can be read.
    Signed(Box<Claims>),
    /// A JWE: its claims are for the receiver only.
    Encrypted,
    /// No JWT: a key that means something to its issuer alone.
    Opaque,
}

/// The registered claims, as far as they are there, and the names of the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    pub algorithm: Option<Untrusted>,
    pub key: Option<Untrusted>,
    pub issuer: Option<Untrusted>,
    pub subject: Option<Untrusted>,
    pub audience: Vec<Untrusted>,
    pub id: Option<Untrusted>,
    pub expires: Option<Moment>,
    pub not_before: Option<Moment>,
    pub issued: Option<Moment>,
    /// Names only: what an installation puts there may be anything.
    pub others: Vec<Untrusted>,
}

/// A time as a token gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    At(Timestamp),
    /// Something that is no number of seconds.
    Unreadable,
}

/// Reads it.
#[must_use]
pub fn read(token: &str) -> Token {
    let parts: Vec<&str> = token.split('.').collect();
    if token.len() > MAX_TOKEN {
        return Token::Opaque;
    }
    match parts[..] {
        [header, _, _, _, _] if object(header).is_some_and(|h| h.contains_key("enc")) => {
            Token::Encrypted
        }
        [header, claims, _] => match (object(header), object(claims)) {
            (Some(header), Some(claims)) => Token::Signed(Box::new(signed(&header, &claims))),
            _ => Token::Opaque,
        },
        _ => Token::Opaque,
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn signed(header: &Map<String, Value>, claims: &Map<String, Value>) -> Claims {
    const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(Untrusted::from);
    let claim = |name: &str| text(claims.get(name));
    let time = |name: &str| Some(moment(claims.get(name)?));
    let audience = match claims.get("aud") {
        Some(Value::Array(list)) => list.iter().filter_map(|one| text(Some(one))).collect(),
        one => text(one).into_iter().collect(),
    };
    let others = claims.keys().filter(|name| !REGISTERED.contains(&name.as_str()));
    Claims {
        algorithm: text(header.get("alg")),
        key: text(header.get("kid")),
        issuer: claim("iss"),
        subject: claim("sub"),
        audience,
        id: claim("jti"),
        expires: time("exp"),
        not_before: time("nbf"),
        issued: time("iat"),
        others: others.map(|name| name.as_str().into()).collect(),
    }
}

/// Seconds, perhaps with a fraction.
fn moment(value: &Value) -> Moment {
    #[expect(clippy::cast_possible_truncation, reason = "what is no date is refused after it")]
    let seconds = value.as_f64().map(|seconds| seconds as i64);
    seconds
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or(Moment::Unreadable, Moment::At)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2lnbmF0dXJl", part(header), part(claims))
    }

    #[test]
    fn claims_are_read_and_names_of_others_only() {
        let text = token(
            r#"{"alg":"RS256","kid":"k1"}"#,
            r#"{"sub":"ana","aud":["a","b"],"exp":1700000000.5,"nbf":"soon","roles":["admin"]}"#,
        );
        let Token::Signed(claims) = read(&text) else { panic!("it is signed") };
        assert_eq!(claims.subject, Some("ana".into()));
        assert_eq!(claims.audience, ["a".into(), "b".into()]);
        let expires = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(claims.expires, Some(Moment::At(expires)));
        assert_eq!(claims.not_before, Some(Moment::Unreadable));
        assert_eq!(claims.others, ["roles".into()]);
    }

    #[test]
    fn what_is_no_signed_token_is_told_apart() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM"}"#);
        assert_eq!(read(&format!("{header}.a.b.c.d")), Token::Encrypted);
        for opaque in ["", "secret-key", "a.b.c", "..", &"x.".repeat(20_000)] {
            assert_eq!(read(opaque), Token::Opaque);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,200}") {
            drop(read(&text));
        }
    }
}
