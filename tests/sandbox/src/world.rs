//! A whole NovaCron platform on loopback: clusters, services, and the real programs that this machine
//! has, made to agree with each other.
//!
//! Invariant: what the clusters hold, what the services answer and what the configuration says are
//! about the same things, and all of it ends with the `World`. Started by scenarios, the benchmark
//! and the demo; broken and healed by words through `crate::control`.

mod config;
mod seed;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::cluster::{Cluster, ClusterSpec};
use crate::live::Live;
use crate::process::{Postgres, Prometheus, Redis, random_password};
use crate::services::{NOVACRON, Services};

/// The namespace of the platform itself.
pub(crate) const NAMESPACE: &str = "novacron";
/// The service that runs in every cluster; the others run in the first one.
pub(crate) const EVERYWHERE: &str = "federation-service";

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// Names of the clusters; the first one holds the services. At least one.
    pub clusters: Vec<String>,
    /// How long one step of the clusters' controllers takes.
    pub step: Duration,
    /// Whether to start the real programs (PostgreSQL, Redis, Prometheus) that are installed.
    pub databases: bool,
}

impl Default for WorldOptions {
    /// The guide's three regions with the real programs.
    fn default() -> Self {
        Self {
            clusters: ["us-east", "us-west", "eu-central"].map(str::to_owned).into(),
            step: Duration::from_millis(50),
            databases: true,
        }
    }
}

/// A running platform.
pub struct World {
    services: Services,
    live: Live,
    clusters: Vec<(String, Cluster)>,
    postgres: Option<Database>,
    redis: Option<Redis>,
    prometheus: Option<Prometheus>,
    /// What is broken, by name, and how. Held while something is being broken or healed.
    pub(crate) broken: Mutex<BTreeMap<String, &'static str>>,
}

/// PostgreSQL and the password of the bot's own role in it.
struct Database {
    server: Postgres,
    role_password: String,
}

impl World {
    /// Starts everything; when it returns, everything answers and nothing is broken.
    ///
    /// # Errors
    /// When a part does not come up. A program that is not installed is left out instead.
    pub async fn start(options: WorldOptions) -> anyhow::Result<Self> {
        anyhow::ensure!(!options.clusters.is_empty(), "a world has at least one cluster");
        let services = Services::start(&NOVACRON.map(|(name, _)| name)).await?;
        let live = Live::start().await?;
        let mut clusters = Vec::with_capacity(options.clusters.len());
        for name in &options.clusters {
            let spec = ClusterSpec { name: name.clone(), nodes: 3, step: options.step };
            clusters.push((name.clone(), Cluster::start(spec).await?));
        }
        // Boxed: the three together make a large future that every caller would carry.
        let programs = Box::pin(programs(&services, options.databases));
        let (postgres, redis, prometheus) = programs.await?;
        let world = Self {
            services,
            live,
            clusters,
            postgres,
            redis,
            prometheus,
            broken: Mutex::default(),
        };
        for (name, _) in NOVACRON {
            world.deploy_service(name);
        }
        for (_, cluster) in world.clusters.iter().take(1) {
            for workload in seed::neighbours() {
                cluster.deploy(&workload);
            }
        }
        Ok(world)
    }

    /// The stand-in services.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The WebSocket of live updates.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// A cluster by its name.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        let (_, cluster) = self.clusters.iter().find(|(known, _)| known == name)?;
        Some(cluster)
    }

    /// The names of the clusters, the one with the services first.
    #[must_use]
    pub fn cluster_names(&self) -> Vec<&str> {
        self.clusters.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[must_use]
    pub fn postgres(&self) -> Option<&Postgres> {
        self.postgres.as_ref().map(|database| &database.server)
    }

    #[must_use]
    pub fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref()
    }

    #[must_use]
    pub fn prometheus(&self) -> Option<&Prometheus> {
        self.prometheus.as_ref()
    }

    /// The clusters that a service runs in.
    pub(crate) fn homes(&self, service: &str) -> impl Iterator<Item = &Cluster> {
        let count = if service == EVERYWHERE { self.clusters.len() } else { 1 };
        self.clusters.iter().take(count).map(|(_, cluster)| cluster)
    }

    /// Creates the deployment of a service wherever it runs, with its stand-in behind its port.
    pub(crate) fn deploy_service(&self, service: &str) {
        let Some(workload) = seed::service(service) else {
            return;
        };
        for cluster in self.homes(service) {
            cluster.deploy(&workload);
            cluster.backend(service, workload.port, Some(self.services.url(service)));
        }
    }

    /// Fills Redis anew: it keeps nothing over a restart.
    pub(crate) async fn fill_redis(&self) -> anyhow::Result<()> {
        match &self.redis {
            Some(redis) => seed::redis(redis).await,
            None => Ok(()),
        }
    }
}

type Programs = (Option<Database>, Option<Redis>, Option<Prometheus>);

async fn programs(services: &Services, wanted: bool) -> anyhow::Result<Programs> {
    let postgres = async {
        if !wanted || Postgres::find().is_none() {
            return Ok(None);
        }
        let server = Postgres::start_recording().await?;
        let role_password = random_password()?;
        seed::postgres(&server, &role_password).await?;
        anyhow::Ok(Some(Database { server, role_password }))
    };
    let redis = async {
        if !wanted || Redis::find().is_none() {
            return Ok(None);
        }
        let redis = Redis::start().await?;
        seed::redis(&redis).await?;
        anyhow::Ok(Some(redis))
    };
    let prometheus = async {
        if !wanted || Prometheus::find().is_none() {
            return Ok(None);
        }
        let targets: Vec<_> = services
            .names()
            .into_iter()
            .map(|name| (name, format!("127.0.0.1:{}", services.port(name))))
            .collect();
        let prometheus = Prometheus::start(&targets).await?;
        prometheus.scraped().await?;
        Ok(Some(prometheus))
    };
    tokio::try_join!(postgres, redis, prometheus)
}

#[cfg(test)]
mod tests;
