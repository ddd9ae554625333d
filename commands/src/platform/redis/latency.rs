//! How fast Redis answers: PINGs over a window, and what it has recorded of its own slowness.
//!
//! Of its slow log only the commands' names are kept: keys and values name users and sessions.

use std::time::Duration;

use jiff::Timestamp;
use redis::Value;
use tokio::time::Instant;

use super::Redis;
use crate::platform::{Cause, PlatformError};

/// Between two PINGs, as `redis-cli --latency` does. 30 s of them are 3,000 samples.
const EVERY: Duration = Duration::from_millis(10);
/// Entries of the slow log that are read.
const SLOW: usize = 50;

/// The answers to PING over a window, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pings {
    pub took: Vec<(Timestamp, Duration)>,
    /// What ended the window before its time.
    pub ended: Option<PlatformError>,
}

/// A command that took longer than the server's limit for its slow log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slow {
    /// The command's name, without what it was given.
    pub command: String,
    pub took: Duration,
    pub at: Option<Timestamp>,
}

/// The newest of one kind of delay that the latency monitor has recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worst {
    /// Redis's word: `command`, `fork`, `expire-cycle`.
    pub event: String,
    pub at: Option<Timestamp>,
    pub latest: Duration,
    pub longest: Duration,
}

impl Redis {
    /// PINGs for so long on a connection of its own; `each_second` is called as it goes on.
    ///
    /// # Errors
    /// When it cannot be reached, refuses the login or the very first PING.
    pub async fn pings(
        &self,
        window: Duration,
        mut each_second: impl FnMut(),
    ) -> Result<Pings, PlatformError> {
        let busy = || PlatformError::new(self.name(), Cause::NotAsked);
        let _place = self.windows.try_acquire().map_err(|_| busy())?;
        let mut connection = self.within(self.connect()).await?;
        let mut pings = Pings { took: Vec::new(), ended: None };
        let mut next_second = Duration::from_secs(1);
        let began = Instant::now();
        while began.elapsed() < window {
            let (at, asked) = (Timestamp::now(), Instant::now());
            let ping = redis::cmd("PING");
            match self.within(ping.query_async::<()>(&mut connection)).await {
                Ok(()) => pings.took.push((at, asked.elapsed())),
                Err(error) if pings.took.is_empty() => return Err(error),
                Err(error) => {
                    pings.ended = Some(error);
                    break;
                }
            }
            while began.elapsed() >= next_second {
                each_second();
                next_second += Duration::from_secs(1);
            }
            tokio::time::sleep_until(asked + EVERY).await;
        }
        Ok(pings)
    }

    /// The newest commands of the slow log, longest first.
    ///
    /// # Errors
    /// When it cannot be reached or our user may not read the slow log.
    pub async fn slow_log(&self) -> Result<Vec<Slow>, PlatformError> {
        let command = redis::cmd("SLOWLOG").arg("GET").arg(SLOW).to_owned();
        let entries: Vec<Value> =
            self.ask(async |connection| command.query_async(connection).await).await?;
        let mut slow: Vec<Slow> = entries.iter().filter_map(slow).collect();
        slow.sort_by_key(|slow| std::cmp::Reverse((slow.took, slow.at)));
        Ok(slow)
    }

    /// What the latency monitor has recorded, longest first, and from where on it records: `None` when
    /// our user may not know, zero when it is off.
    ///
    /// # Errors
    /// When it cannot be reached or our user may not read it.
    pub async fn worst(&self) -> Result<(Vec<Worst>, Option<Duration>), PlatformError> {
        let latest = redis::cmd("LATENCY").arg("LATEST").to_owned();
        let setting = redis::cmd("CONFIG").arg("GET").arg("latency-monitor-threshold").to_owned();
        let (events, limit) = self
            .ask(async |connection| {
                let events: Vec<Value> = latest.query_async(connection).await?;
                let limit: Option<(String, String)> = setting.query_async(connection).await.ok();
                Ok((events, limit))
            })
            .await?;
        let mut events: Vec<Worst> = events.iter().filter_map(worst).collect();
        events.sort_by_key(|worst| std::cmp::Reverse(worst.longest));
        let limit = limit.and_then(|(_, millis)| Some(Duration::from_millis(millis.parse().ok()?)));
        Ok((events, limit))
    }
}

fn slow(entry: &Value) -> Option<Slow> {
    let [_, at, micros, words, ..] = list(entry)? else { return None };
    let command = text(list(words)?.first()?)?;
    Some(Slow {
        command: command.to_uppercase(),
        took: Duration::from_micros(number(micros)?),
        at: moment(at),
    })
}

fn worst(entry: &Value) -> Option<Worst> {
    let [event, at, latest, longest, ..] = list(entry)? else { return None };
    Some(Worst {
        event: text(event)?,
        at: moment(at),
        latest: Duration::from_millis(number(latest)?),
        longest: Duration::from_millis(number(longest)?),
    })
}

fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(list) => Some(list),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn moment(seconds: &Value) -> Option<Timestamp> {
    Timestamp::from_second(number(seconds)?.try_into().ok()?).ok()
}
