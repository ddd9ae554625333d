//! The last lines of a pod's log that match a pattern, in flat memory however long the log is.

use std::time::Duration;

use futures_util::AsyncBufReadExt;
use jiff::{Timestamp, TimestampRound, Unit};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use tokio::time::{Instant, timeout};

use super::lines::{Filter, Last, Line};
use super::{Cluster, PlatformError};

/// The longest that one log is read, and the longest wait for its next bytes.
const LONGEST: Duration = Duration::from_secs(60);
const SILENT: Duration = Duration::from_secs(10);
/// The most that is read of one log, in bytes.
const MOST: u64 = 8 << 30;

/// What to read and how much of it to keep.
#[derive(Clone, Copy, Debug)]
pub struct TailOptions<'a> {
    /// Needed where a pod has several.
    pub container: Option<&'a str>,
    pub since: Option<Timestamp>,
    /// Of the container before its last restart.
    pub previous: bool,
    pub filter: Option<&'a Filter>,
    /// The most lines and bytes that are kept, the newest ones.
    pub lines: u32,
    pub bytes: usize,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Tail {
    /// The oldest first.
    pub lines: Vec<Line>,
    /// How many lines and bytes were read, and how many lines of them matched.
    pub read: (u64, u64),
    pub matched: u64,
    pub end: End,
}

/// Why the reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At the end of the log.
    Whole,
    /// After so long or so much: newer lines were not seen.
    Early,
    /// The connection broke or fell silent: newer lines were not seen.
    Broken,
}

impl Cluster {
    /// Reads a pod's log, from the oldest line that is asked for to the newest.
    ///
    /// # Errors
    /// [`super::super::Cause::Invalid`] when the container has to be named or there is no such log.
    pub async fn tail(
        &self,
        (namespace, pod): (&str, &str),
        options: &TailOptions<'_>,
    ) -> Result<Tail, PlatformError> {
        // The server takes whole seconds; a moment too many is better than one too few.
        let floor = TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor);
        let params = LogParams {
            container: options.container.map(str::to_owned),
            // The last lines that match may lie further back than the last lines.
            tail_lines: options.filter.is_none().then_some(i64::from(options.lines)),
            since_time: options.since.map(|at| at.round(floor).unwrap_or(at)),
            previous: options.previous,
            timestamps: true,
            ..LogParams::default()
        };
        let what = format!("logs of {namespace}/{pod}");
        let stream = self
            .call(&what, async |client| {
                Api::<Pod>::namespaced(client, namespace).log_stream(pod, &params).await
            })
            .await?;
        let mut stream = std::pin::pin!(stream);
        let mut last = Last::new(options.filter, options.lines as usize, options.bytes);
        let (mut bytes, over) = (0u64, Instant::now() + LONGEST);
        let end = loop {
            if bytes >= MOST || Instant::now() >= over {
                break End::Early;
            }
            let length = match timeout(SILENT, stream.fill_buf()).await {
                Ok(Ok([])) => break End::Whole,
                Ok(Ok(chunk)) => {
                    last.feed(chunk);
                    chunk.len()
                }
                Ok(Err(_)) | Err(_) => break End::Broken,
            };
            stream.consume_unpin(length);
            bytes += length as u64;
        };
        let found = last.finish();
        let read = (found.lines, bytes);
        Ok(Tail { lines: found.kept, read, matched: found.matched, end })
    }
}
