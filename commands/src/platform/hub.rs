//! All clients of one installation, built from its configuration.

use std::time::Duration;

use super::config::{
    CapacityConfig, ClusterConfig, ContactsConfig, FederationConfig, FrontendConfig, Limits,
    NetConfig, PostgresConfig, PrometheusConfig, ProvidersConfig, RecoveryConfig, RedisConfig,
    SecurityConfig, ServiceConfig,
};
use super::http::Http;
use super::kube::Cluster;
use super::postgres::Postgres;
use super::prometheus::Prometheus;
use super::redis::Redis;
use super::{Cause, PlatformError, SecretRef, Secrets};
use crate::command::UserError;

/// What the platform's section of the configuration comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlatformConfig {
    pub services: Vec<ServiceConfig>,
    pub clusters: Vec<ClusterConfig>,
    pub postgres: Option<PostgresConfig>,
    pub redis: Option<RedisConfig>,
    pub prometheus: Option<PrometheusConfig>,
    pub federation: FederationConfig,
    pub frontend: FrontendConfig,
    pub capacity: CapacityConfig,
    pub net: NetConfig,
    pub providers: ProvidersConfig,
    pub security: SecurityConfig,
    pub recovery: RecoveryConfig,
    pub contacts: ContactsConfig,
    pub limits: Limits,
}

/// A dependency that may be left out of the configuration (`None`), or whose configuration cannot be
/// used (`Err`): then every question to it is answered by that error, and the rest goes on.
pub type Optional<T> = Option<Result<T, PlatformError>>;

/// The clients. Building them opens no connection.
pub struct Platform {
    pub services: Vec<ServiceConfig>,
    pub http: Http,
    pub clusters: Vec<Cluster>,
    pub postgres: Optional<Postgres>,
    pub redis: Optional<Redis>,
    pub prometheus: Optional<Prometheus>,
    pub federation: FederationConfig,
    pub frontend: FrontendConfig,
    pub capacity: CapacityConfig,
    pub net: NetConfig,
    pub providers: ProvidersConfig,
    pub security: SecurityConfig,
    pub recovery: RecoveryConfig,
    pub contacts: ContactsConfig,
    /// Every call's deadline.
    pub deadline: Duration,
}

impl Platform {
    /// Builds every client.
    ///
    /// # Errors
    /// When no HTTP client can be had at all.
    pub fn new(config: &PlatformConfig, secrets: &Secrets) -> Result<Self, PlatformError> {
        let limits = config.limits;
        let http = Http::new(limits)?;
        let secret = |target: &str, reference: &Option<SecretRef>| {
            let resolved =
                reference.as_ref().map(|reference| secrets.resolve(reference)).transpose();
            resolved
                .map_err(|e| PlatformError::new(target, Cause::Misconfigured).detail(e.to_string()))
        };
        Ok(Self {
            services: config.services.clone(),
            federation: config.federation.clone(),
            frontend: config.frontend.clone(),
            capacity: config.capacity.clone(),
            net: config.net.clone(),
            providers: config.providers.clone(),
            security: config.security.clone(),
            recovery: config.recovery.clone(),
            contacts: config.contacts.clone(),
            deadline: limits.deadline,
            clusters: config.clusters.iter().map(|c| Cluster::new(c, limits)).collect(),
            postgres: config
                .postgres
                .as_ref()
                .map(|c| Postgres::new(c, secret("PostgreSQL", &c.password)?, limits)),
            redis: config
                .redis
                .as_ref()
                .map(|c| Redis::new(c, secret("Redis", &c.password)?, limits)),
            prometheus: config
                .prometheus
                .as_ref()
                .map(|c| Ok(Prometheus::new(c, secret("Prometheus", &c.bearer)?, http.clone()))),
            http,
        })
    }

    /// The service of this name.
    ///
    /// # Errors
    /// When there is none; names the nearest.
    pub fn service(&self, name: &str) -> Result<&ServiceConfig, UserError> {
        let names = self.services.iter().map(|s| s.name.as_str());
        self.services
            .iter()
            .find(|s| s.name == name)
            .ok_or_else(|| UserError::no_such("service", name, names))
    }

    /// The cluster of this name.
    ///
    /// # Errors
    /// When there is none; names the nearest.
    pub fn cluster(&self, name: &str) -> Result<&Cluster, UserError> {
        let names = self.clusters.iter().map(Cluster::name);
        self.clusters
            .iter()
            .find(|c| c.name() == name)
            .ok_or_else(|| UserError::no_such("cluster", name, names))
    }
}
