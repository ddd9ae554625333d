//! What the platform looks like here: the service catalogue, the clusters and the databases.
//!
//! The guide's values are the defaults. Names, labels, ports and paths differ between
//! installations, so all of them are rows of configuration.

mod kubernetes;
mod outside;

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::SecretRef;
pub use super::databases::{PostgresConfig, PostgresLimits, RedisConfig, RedisLimits};

pub use kubernetes::{CapacityConfig, FederationConfig, FrontendConfig};

pub use outside::{
    AccessConfig, AuditConfig, AuthFailuresConfig, AwsConfig, AzureConfig, Contact, ContactsConfig,
    Escalation, GcpConfig, NetConfig, ProvidersConfig, RateLimitConfig, RecoveryConfig,
    RecoveryStep, Region, SecurityConfig, TokenConfig,
};

/// One service of the platform.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    pub name: String,
    /// The cluster its workload runs in; without it, the first configured cluster.
    pub cluster: Option<String>,
    #[serde(default = "namespace")]
    pub namespace: String,
    /// `KIND/NAME` with kind deployment, statefulset or daemonset. `None`: no workload is looked at.
    pub workload: Option<String>,
    /// Label selector of its pods; without it, the workload's own selector.
    pub selector: Option<String>,
    pub port: Option<u16>,
    /// Base URL without the health path. Default: `http://localhost:PORT`.
    pub url: Option<String>,
    /// The health path. Empty: its health endpoint is not asked.
    #[serde(default = "health")]
    pub health: String,
    /// A second path that must answer too, such as Prometheus's `/-/ready`.
    pub ready: Option<String>,
}

impl ServiceConfig {
    /// The base URL to ask, if there is any way to reach it.
    #[must_use]
    pub fn base_url(&self) -> Option<String> {
        let url = self.url.clone().or_else(|| Some(format!("http://localhost:{}", self.port?)))?;
        Some(url.trim_end_matches('/').to_owned())
    }

    fn guide(name: &str, port: u16) -> Self {
        Self {
            name: name.to_owned(),
            cluster: None,
            namespace: namespace(),
            workload: Some(format!("deployment/{name}")),
            selector: None,
            port: Some(port),
            url: None,
            health: health(),
            ready: None,
        }
    }
}

fn namespace() -> String {
    "novacron".to_owned()
}

fn health() -> String {
    "/health".to_owned()
}

/// The guide's seven services, used when the configuration names none.
#[must_use]
pub fn guide_services() -> Vec<ServiceConfig> {
    let mut services: Vec<_> = [
        ("api-gateway", 8080),
        ("vm-service", 8081),
        ("orchestration-service", 8082),
        ("ml-service", 8083),
        ("federation-service", 8084),
        ("backup-service", 8085),
    ]
    .into_iter()
    .map(|(name, port)| ServiceConfig::guide(name, port))
    .collect();
    // The guide asks port 9090 for /health, which Prometheus answers with 404.
    services.push(ServiceConfig {
        workload: None,
        health: "/-/healthy".to_owned(),
        ready: Some("/-/ready".to_owned()),
        ..ServiceConfig::guide("monitoring", 9090)
    });
    services
}

/// One Kubernetes cluster, by kubeconfig and context.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    pub name: String,
    /// Without it: `$KUBECONFIG`, `~/.kube/config`, or the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// Without it: the kubeconfig's current context.
    pub context: Option<String>,
}

/// The platform's Prometheus.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct PrometheusConfig {
    pub url: String,
    /// Sent as `Authorization: Bearer`.
    pub bearer: Option<SecretRef>,
}

/// Bounds of every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One call's deadline.
    pub deadline: Duration,
    /// HTTP calls under way at once.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(1), concurrency: 256 }
    }
}
