//! Nodes, reduced to whether they can carry load.

use k8s_openapi::api::core::v1;

use super::quantity::{bytes, milli};
use super::{Cluster, PlatformError};

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    pub ready: bool,
    /// Conditions that should be false and are not, such as `MemoryPressure`.
    pub bad_conditions: Vec<String>,
    /// Allocatable CPU in thousandths of a core.
    pub cpu_milli: Option<u64>,
    /// Allocatable memory in bytes.
    pub memory_bytes: Option<u64>,
    /// The most pods that it takes.
    pub pods: Option<u64>,
    /// Cordoned.
    pub unschedulable: bool,
}

impl Cluster {
    /// Every node.
    ///
    /// # Errors
    /// When the list cannot be had.
    pub async fn nodes(&self) -> Result<Vec<Node>, PlatformError> {
        let nodes = self.list::<v1::Node>("nodes", None, None).await?;
        Ok(nodes.into_iter().map(Node::from).collect())
    }
}

impl From<v1::Node> for Node {
    fn from(object: v1::Node) -> Self {
        let status = object.status.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let is = |name: &str| conditions.iter().any(|c| c.type_ == name && c.status == "True");
        let bad = conditions.iter().filter(|c| c.type_ != "Ready" && c.status == "True");
        let allocatable = status.allocatable.unwrap_or_default();
        Self {
            name: object.metadata.name.unwrap_or_default(),
            ready: is("Ready"),
            bad_conditions: bad.map(|c| c.type_.clone()).collect(),
            cpu_milli: allocatable.get("cpu").and_then(milli),
            memory_bytes: allocatable.get("memory").and_then(bytes),
            pods: allocatable.get("pods").and_then(bytes),
            unschedulable: object.spec.and_then(|spec| spec.unschedulable).unwrap_or(false),
        }
    }
}
