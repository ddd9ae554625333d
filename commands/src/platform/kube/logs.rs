//! A pod's log, in bounded memory whatever the container writes.

use futures_util::AsyncReadExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};

use super::{Cluster, PlatformError};
use crate::text::Untrusted;

/// Longest part of a line that is kept, in bytes.
const MAX_LINE: usize = 16 * 1024;

/// Which part of a log to read.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Needed where a pod has several.
    pub container: Option<String>,
    /// The last so many lines.
    pub tail: Option<u32>,
    /// Only lines of the last so many seconds.
    pub since_seconds: Option<u32>,
    /// Of the container before its last restart.
    pub previous: bool,
    /// Each line begins with its time and a space.
    pub timestamps: bool,
    /// Most bytes that are read.
    pub limit_bytes: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            container: None,
            tail: Some(100),
            since_seconds: None,
            previous: false,
            timestamps: false,
            limit_bytes: 1024 * 1024,
        }
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    pub lines: Vec<Untrusted>,
    /// There was more than `limit_bytes`.
    pub truncated: bool,
}

impl Cluster {
    /// Reads a pod's log.
    ///
    /// # Errors
    /// [`super::super::Cause::Invalid`] when the container has to be named or there is no such log.
    pub async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        options: &LogOptions,
    ) -> Result<Logs, PlatformError> {
        let params = LogParams {
            container: options.container.clone(),
            tail_lines: options.tail.map(i64::from),
            since_seconds: options.since_seconds.map(i64::from),
            previous: options.previous,
            timestamps: options.timestamps,
            limit_bytes: Some(options.limit_bytes as i64 + 1),
            ..LogParams::default()
        };
        let what = format!("logs of {namespace}/{pod}");
        let limit = options.limit_bytes;
        let bytes = self
            .call(&what, async |client| {
                let api: Api<Pod> = Api::namespaced(client, namespace);
                let mut bytes = Vec::new();
                // One byte more than is kept tells whether something was left.
                let mut stream =
                    std::pin::pin!(api.log_stream(pod, &params).await?.take(limit as u64 + 1));
                stream.read_to_end(&mut bytes).await.map_err(kube::Error::ReadEvents)?;
                Ok(bytes)
            })
            .await?;
        let truncated = bytes.len() > limit;
        let kept = &bytes[..bytes.len().min(limit)];
        let lines = kept
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| Untrusted::from_bytes(&line[..line.len().min(MAX_LINE)]))
            .collect();
        Ok(Logs { lines, truncated })
    }
}
