//! The metrics API (`metrics.k8s.io`), which an installation may not have: then every call here ends
//! with [`super::super::Cause::NotFound`] or [`super::super::Cause::Busy`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::quantity::{bytes, milli};
use super::{Cluster, PlatformError};

/// What a node uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeMetrics {
    pub name: String,
    /// Thousandths of a core.
    pub cpu_milli: u64,
    pub memory_bytes: u64,
    /// The sample's own time.
    pub at: Timestamp,
}

/// What a pod uses, all containers together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodMetrics {
    pub name: String,
    /// Thousandths of a core.
    pub cpu_milli: u64,
    pub memory_bytes: u64,
    /// The sample's own time.
    pub at: Timestamp,
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Meta {
    name: String,
}

type Usage = BTreeMap<String, Quantity>;

#[derive(Deserialize)]
struct RawNode {
    metadata: Meta,
    timestamp: Timestamp,
    usage: Usage,
}

#[derive(Deserialize)]
struct RawPod {
    metadata: Meta,
    timestamp: Timestamp,
    containers: Vec<RawContainer>,
}

#[derive(Deserialize)]
struct RawContainer {
    usage: Usage,
}

impl Cluster {
    /// What the nodes use.
    ///
    /// # Errors
    /// When the list cannot be had.
    pub async fn node_metrics(&self) -> Result<Vec<NodeMetrics>, PlatformError> {
        let nodes: List<RawNode> = self.metrics("/nodes").await?;
        let reduce = |node: RawNode| {
            let (cpu_milli, memory_bytes) = used(&node.usage)?;
            let name = node.metadata.name;
            Some(NodeMetrics { name, cpu_milli, memory_bytes, at: node.timestamp })
        };
        Ok(nodes.items.into_iter().filter_map(reduce).collect())
    }

    /// What the pods of a namespace use.
    ///
    /// # Errors
    /// When the list cannot be had.
    pub async fn pod_metrics(&self, namespace: &str) -> Result<Vec<PodMetrics>, PlatformError> {
        let pods: List<RawPod> = self.metrics(&format!("/namespaces/{namespace}/pods")).await?;
        let reduce = |pod: RawPod| {
            let (mut cpu_milli, mut memory_bytes) = (0u64, 0u64);
            for container in &pod.containers {
                let (cpu, memory) = used(&container.usage)?;
                cpu_milli = cpu_milli.saturating_add(cpu);
                memory_bytes = memory_bytes.saturating_add(memory);
            }
            let name = pod.metadata.name;
            Some(PodMetrics { name, cpu_milli, memory_bytes, at: pod.timestamp })
        };
        Ok(pods.items.into_iter().filter_map(reduce).collect())
    }

    async fn metrics<T: DeserializeOwned>(&self, path: &str) -> Result<List<T>, PlatformError> {
        let uri = format!("/apis/metrics.k8s.io/v1beta1{path}");
        self.call("metrics", async |client| {
            let request =
                http::Request::get(uri).body(Vec::new()).map_err(kube::Error::HttpError)?;
            client.request(request).await
        })
        .await
    }
}

/// `None` where one of the two is missing or unreadable: no sample is not a sample of zero.
fn used(usage: &Usage) -> Option<(u64, u64)> {
    Some((usage.get("cpu").and_then(milli)?, usage.get("memory").and_then(bytes)?))
}
