//! What the diagnostics of the clusters are told: the federation, the front end, the capacity.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The federation: which service it is, and how its members are asked about raft.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct FederationConfig {
    /// The service of the catalogue whose pods are the members, in every cluster.
    pub service: String,
    /// The clusters that take part; without it, all of them.
    pub clusters: Option<Vec<String>>,
    /// The members' port, asked through the API server.
    pub port: u16,
    /// Base URLs by cluster, where members are asked directly and not through the API server.
    pub urls: BTreeMap<String, String>,
    pub status_path: String,
    pub peers_path: String,
    /// Log entries that a member may be behind.
    pub max_lag: u64,
}

impl Default for FederationConfig {
    fn default() -> Self {
        Self {
            service: "federation-service".to_owned(),
            clusters: None,
            port: 8084,
            urls: BTreeMap::new(),
            status_path: "/api/v1/raft/status".to_owned(),
            peers_path: "/api/v1/raft/peers".to_owned(),
            max_lag: 100,
        }
    }
}

/// The front end: its pods, and what a browser asks.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct FrontendConfig {
    /// Without it, the first configured cluster.
    pub cluster: Option<String>,
    pub namespace: String,
    /// `KIND/NAME`.
    pub workload: String,
    /// Label selector of its pods; empty: the workload's own selector.
    pub selector: String,
    /// The health of the gateway as browsers reach it. Empty: not asked.
    pub health: String,
    /// The WebSocket of live updates. Empty: not asked.
    pub websocket: String,
    /// Which of the pods' last log lines are errors, as a regular expression.
    pub errors: String,
}

impl Default for FrontendConfig {
    fn default() -> Self {
        Self {
            cluster: None,
            namespace: "novacron".to_owned(),
            workload: "deployment/novacron-frontend".to_owned(),
            selector: "app=novacron-frontend".to_owned(),
            health: "http://api-gateway.novacron.internal:8080/api/v1/health".to_owned(),
            websocket: "ws://api-gateway.novacron.internal:8080/ws/vms/tenant-123".to_owned(),
            errors: "(?i)error|panic|fatal|exception".to_owned(),
        }
    }
}

/// How much a replica carries, and where that is measured.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct CapacityConfig {
    /// Requests a second that one replica is good for.
    pub requests_per_replica: u32,
    /// PromQL: requests a second of each service.
    pub requests: String,
    /// The label of its answer that names the service.
    pub service_label: String,
    /// The custom metric that autoscalers hold to.
    pub custom_metric: String,
}

impl Default for CapacityConfig {
    fn default() -> Self {
        Self {
            requests_per_replica: 100,
            requests: "sum by (service) (rate(http_requests_total[5m]))".to_owned(),
            service_label: "service".to_owned(),
            custom_metric: "requests_per_second".to_owned(),
        }
    }
}
