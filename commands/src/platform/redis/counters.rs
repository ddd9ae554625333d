//! Counters with an end, as rate limits keep them, in whatever type an installation uses for them.

use std::time::Duration;

use redis::RedisError;
use redis::aio::MultiplexedConnection;

use super::Redis;
use crate::platform::PlatformError;
use crate::text::Untrusted;

/// Bytes of a plain value that are read.
const KEPT: isize = 200;

/// The fields of a hash that say how far somebody is, in the words of common limiters.
const FIELDS: [&str; 8] =
    ["count", "used", "requests", "tokens", "remaining", "limit", "reset", "reset_at"];

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    pub key: String,
    pub counted: Counted,
    /// Until it ends; `None`: never, or it is not there.
    pub expires: Option<Duration>,
}

/// What stands in a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    Absent,
    Number(i64),
    /// A value that is no number.
    Text(Untrusted),
    /// The known fields of a hash.
    Fields(Vec<(&'static str, Untrusted)>),
    /// The members of a set or a list, one for each request of a sliding window.
    Members(u64),
    /// A type that counts nothing that we know.
    Other(String),
}

impl Redis {
    /// Reads these keys, whatever their types.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn counters(&self, keys: &[String]) -> Result<Vec<Counter>, PlatformError> {
        self.ask(async |connection| {
            let mut counters = Vec::with_capacity(keys.len());
            for key in keys {
                counters.push(one(connection, key).await?);
            }
            Ok(counters)
        })
        .await
    }
}

async fn one(connection: &mut MultiplexedConnection, key: &str) -> Result<Counter, RedisError> {
    let (kind, left): (String, i64) =
        redis::pipe().cmd("TYPE").arg(key).cmd("PTTL").arg(key).query_async(connection).await?;
    let mut ask = async |command: &str, more: &[&str]| {
        redis::cmd(command).arg(key).arg(more).query_async::<u64>(connection).await
    };
    let counted = match kind.as_str() {
        "none" => Counted::Absent,
        "set" => Counted::Members(ask("SCARD", &[]).await?),
        "zset" => Counted::Members(ask("ZCARD", &[]).await?),
        "list" => Counted::Members(ask("LLEN", &[]).await?),
        "string" => {
            let mut cut = redis::cmd("GETRANGE");
            let bytes: Vec<u8> = cut.arg(key).arg(0).arg(KEPT - 1).query_async(connection).await?;
            match std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok()) {
                Some(number) => Counted::Number(number),
                None => Counted::Text(Untrusted::from_bytes(&bytes)),
            }
        }
        "hash" => {
            let mut get = redis::cmd("HMGET");
            let values: Vec<Option<Vec<u8>>> =
                get.arg(key).arg(&FIELDS).query_async(connection).await?;
            let known = FIELDS.into_iter().zip(values);
            let text = |bytes: Vec<u8>| Untrusted::from_bytes(&bytes[..bytes.len().min(64)]);
            let known = known.filter_map(|(name, value)| Some((name, text(value?))));
            Counted::Fields(known.collect())
        }
        other => Counted::Other(other.to_owned()),
    };
    // -1: it never ends; -2: it is not there.
    let expires = u64::try_from(left).ok().map(Duration::from_millis);
    Ok(Counter { key: key.to_owned(), counted, expires })
}
