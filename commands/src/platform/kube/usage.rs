//! Pods with what they use.

use futures_util::try_join;

use super::super::{Cause, PlatformError};
use super::{Cluster, Pod, PodMetrics};
use crate::report::{Finding, Status};

/// A pod and what it uses; `None` where the metrics API has no sample of it, as of one that has just
/// started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodUsage {
    pub pod: Pod,
    pub used: Option<PodMetrics>,
}

impl Cluster {
    /// The running pods of a namespace with what they use.
    ///
    /// # Errors
    /// When either cannot be had; see [`Cluster::no_metrics`].
    pub async fn pod_usage(&self, namespace: &str) -> Result<Vec<PodUsage>, PlatformError> {
        let (pods, metrics) = try_join!(self.pods(namespace, None), self.pod_metrics(namespace))?;
        let mut metrics: std::collections::HashMap<String, PodMetrics> =
            metrics.into_iter().map(|metrics| (metrics.name.clone(), metrics)).collect();
        let pods = pods.into_iter().filter(Pod::counts);
        Ok(pods.map(|pod| PodUsage { used: metrics.remove(&pod.name), pod }).collect())
    }

    /// What it means that the metrics API did not answer: without it nothing is known, and nothing
    /// is wrong.
    #[must_use]
    pub fn no_metrics(&self, error: &PlatformError) -> Finding {
        let subject = format!("metrics {}", self.name());
        let source = format!("metrics.k8s.io of {}", self.name());
        match error.cause {
            Cause::NotFound => {
                let text = "no metrics API here";
                Finding::new(Status::Unsupported, subject, text, source)
                    .hint("install metrics-server to see what is used")
            }
            Cause::Busy => Finding::new(Status::NoData, subject, error.measured(), source)
                .hint("metrics-server is registered and does not answer: see `capacity metrics`"),
            _ => error.finding(subject, source),
        }
    }
}
