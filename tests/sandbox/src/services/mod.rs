//! Stand-ins for the NovaCron services: small HTTP servers on loopback whose health can be broken
//! at run time.
//!
//! Each service has its own port and keeps it for life: a refused port is closed but stays
//! reserved, so healing opens the same number again. Everything a `Services` starts ends when it is
//! dropped. Used by the world (`crate::world`) and straight by tests and the benchmark.

mod bodies;
mod fault;
mod metrics;
mod server;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

pub use self::fault::{Fault, HTTP_FAULT_NAMES};

use self::bodies::Shape;
use self::metrics::Stats;
use self::server::{Door, Order};

/// The guide's six services with the port each one has there, in the guide's order.
pub const NOVACRON: [(&str, u16); 6] = [
    ("api-gateway", 8080),
    ("vm-service", 8081),
    ("orchestration-service", 8082),
    ("ml-service", 8083),
    ("federation-service", 8084),
    ("backup-service", 8085),
];

/// How often the simulated traffic adds requests to the counters.
const TRAFFIC_TICK: Duration = Duration::from_millis(250);

/// What the server, its connections and the traffic share about one service.
struct Service {
    name: String,
    /// Answers of single paths, beside health and metrics.
    paths: Mutex<HashMap<String, Path>>,
    shape: Shape,
    fault: watch::Sender<Fault>,
    stats: Mutex<Stats>,
}

/// What a path answers.
#[derive(Clone, Debug, Default)]
pub struct Path {
    pub status: u16,
    /// JSON.
    pub body: String,
    /// Whoever does not send this as a bearer is refused with 401, and is told what they sent.
    pub bearer: Option<String>,
}

impl Service {
    fn path(&self, path: &str) -> Option<Path> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn stats<T>(&self, work: impl FnOnce(&mut Stats) -> T) -> T {
        // Plain numbers: they stay usable whatever a holder of the lock did.
        work(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Handle {
    service: Arc<Service>,
    port: u16,
    orders: mpsc::Sender<Order>,
}

/// A set of running stand-ins; dropping it stops them all.
pub struct Services {
    handles: Vec<Handle>,
    index: HashMap<String, usize>,
    /// Owns every server and the traffic: dropping it aborts them, and with them their connections.
    _tasks: JoinSet<()>,
}

impl Services {
    /// Starts one healthy service for each name. The guide's names get the bodies and paths they
    /// have on the platform; others take the known shapes in turn.
    ///
    /// # Errors
    /// When a name comes twice or no port can be had.
    pub async fn start<N: AsRef<str>>(names: &[N]) -> anyhow::Result<Self> {
        let mut handles = Vec::with_capacity(names.len());
        let mut index = HashMap::with_capacity(names.len());
        let mut tasks = JoinSet::new();
        for (number, name) in names.iter().enumerate() {
            let name = name.as_ref().to_owned();
            let (door, port) = Door::open()
                .await
                .with_context(|| format!("no port for the stand-in of {name}"))?;
            let service = Arc::new(Service {
                shape: Shape::of(&name, number),
                fault: watch::Sender::new(Fault::Ok),
                stats: Mutex::new(Stats::new(number)),
                paths: Mutex::default(),
                name,
            });
            anyhow::ensure!(
                index.insert(service.name.clone(), number).is_none(),
                "service {} is named twice",
                service.name
            );
            let (orders, inbox) = mpsc::channel(8);
            tasks.spawn(server::run(Arc::clone(&service), door, inbox));
            handles.push(Handle { service, port, orders });
        }
        let busy: Vec<_> = handles.iter().map(|h| Arc::clone(&h.service)).collect();
        tasks.spawn(traffic(busy));
        Ok(Self { handles, index, _tasks: tasks })
    }

    /// Starts `count` services named `service-000`, `service-001` and so on.
    ///
    /// # Errors
    /// As [`Services::start`]; each service takes one file descriptor and one more a connection.
    pub async fn start_many(count: usize) -> anyhow::Result<Self> {
        let names: Vec<String> = (0..count).map(|n| format!("service-{n:03}")).collect();
        Self::start(&names).await
    }

    /// The names, in the order in which they were started.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.handles.iter().map(|h| h.service.name.as_str()).collect()
    }

    /// The port of a service; the same for as long as it lives.
    ///
    /// # Panics
    /// When there is no such service.
    #[must_use]
    pub fn port(&self, name: &str) -> u16 {
        self.handle(name).expect("the service was started").port
    }

    /// The base URL of a service, without a path.
    ///
    /// # Panics
    /// When there is no such service.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}", self.port(name))
    }

    /// Gives a path of a service an answer. Every other path is a 404.
    ///
    /// # Panics
    /// When there is no such service.
    pub fn path(&self, name: &str, path: &str, answer: Path) {
        let service = &self.handle(name).expect("the service was started").service;
        let mut paths = service.paths.lock().unwrap_or_else(PoisonError::into_inner);
        paths.insert(path.to_owned(), answer);
    }

    /// The fault a service has now.
    ///
    /// # Panics
    /// When there is no such service.
    #[must_use]
    pub fn fault(&self, name: &str) -> Fault {
        *self.handle(name).expect("the service was started").service.fault.borrow()
    }

    /// Gives a service a fault (or [`Fault::Ok`]) and returns once it is in effect: after
    /// [`Fault::Refused`] the port is closed and every connection is gone.
    ///
    /// # Errors
    /// When there is no such service or its port cannot be closed or opened.
    pub async fn set(&self, name: &str, fault: Fault) -> anyhow::Result<()> {
        let handle = self.handle(name).with_context(|| format!("no service `{name}`"))?;
        let (done, answer) = oneshot::channel();
        let order = Order { fault, done };
        if handle.orders.send(order).await.is_err() {
            anyhow::bail!("the server of {name} has ended");
        }
        answer
            .await
            .with_context(|| format!("the server of {name} has ended"))?
            .with_context(|| format!("cannot set {name} to {fault}"))
    }

    fn handle(&self, name: &str) -> Option<&Handle> {
        self.index.get(name).map(|&number| &self.handles[number])
    }
}

/// Feeds the counters of all services, so that rates and percentiles exist without a client.
async fn traffic(services: Vec<Arc<Service>>) {
    let mut tick = tokio::time::interval(TRAFFIC_TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tick.tick().await;
        for service in &services {
            let fault = *service.fault.borrow();
            service.stats(|stats| stats.simulate(fault));
        }
    }
}

#[cfg(test)]
mod tests;
