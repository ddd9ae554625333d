//! A Kubernetes cluster that runs in this process: a stateful API server over HTTP and the control
//! loops behind it. `kube`, kubectl and the Python client work against it unchanged. Invariant: what
//! it answers has the published shape (see `tests/scenarios/kube_contract.rs`), and dropping it ends
//! all that it started. Called by scenarios, the benchmark and the demo.
//!
//! Annotations that it understands: on a pod template `sandbox.nova/never-ready` (`true`: the probe
//! fails, `image`: the image cannot be pulled), `sandbox.nova/scratch: "true"` (no shell and no tools
//! in it), `sandbox.nova/lacks: "curl wget"` (without these tools) and `sandbox.nova/fail: "true"` (a job's pod ends with code 1); on any object
//! `sandbox.nova/frozen: "true"` (the control loops leave it alone).

mod controllers;
mod exchange;
mod exec;
mod extensions;
mod faults;
mod fetch;
mod hpa_versions;
mod image;
mod json;
mod list;
mod logs;
mod metrics;
mod patch;
mod proxy;
mod query;
mod rbac;
mod resources;
mod routes;
mod selector;
mod server;
mod state;
mod status;
mod store;
mod validate;
mod watch;
mod workload;
mod writes;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use exchange::Exchange;
pub use faults::{DeploymentFault, Fault};
pub use image::Said;
pub use rbac::Rule;
pub use workload::Workload;

use controllers::{Tick, node, settle};
use exchange::Recorder;
use faults::ApiFaults;
use json::{name, namespace, number, terminating, text};
use rbac::User;
use state::{Shared, State};

/// How long [`Cluster::settled`] waits.
const SETTLE: Duration = Duration::from_secs(10);

/// How long [`Cluster::stop`] waits for connections to end.
const STOP: Duration = Duration::from_secs(5);

/// What to start.
#[derive(Debug, Clone)]
pub struct ClusterSpec {
    /// Names the cluster, its context and its nodes (NAME-node-1, …).
    pub name: String,
    pub nodes: usize,
    /// How long a pod takes from one phase to the next.
    pub step: Duration,
}

impl Default for ClusterSpec {
    fn default() -> Self {
        ClusterSpec { name: "us-east".to_owned(), nodes: 3, step: Duration::from_millis(20) }
    }
}

/// A running cluster. It stops when dropped.
pub struct Cluster {
    shared: Arc<Shared>,
    recorder: Arc<Recorder>,
    address: SocketAddr,
    name: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.shared.shut_down();
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Cluster {
    /// Starts the API server on a free port of the loopback, and the control loops.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(spec: ClusterSpec) -> anyhow::Result<Cluster> {
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("no port for the API server")?;
        let address = listener.local_addr()?;
        let token = |user: &str| format!("{}-{user}-token", spec.name);
        let mut state = State {
            name: spec.name.clone(),
            store: store::Store::new(),
            logs: logs::Logs::default(),
            written: controllers::events::Written::default(),
            users: User::presets(token),
            api: ApiFaults::none(),
            broken: HashMap::new(),
            backends: HashMap::new(),
            adapter: extensions::Adapter::default(),
            images: image::Images::default(),
        };
        extensions::register_defaults(&mut state);
        for ns in ["default", "kube-system"] {
            workload::namespace(&mut state, ns);
        }
        for index in 1..=spec.nodes {
            state.store.insert("nodes", node::make(&spec.name, index));
        }
        let shared = Arc::new(Shared::new(state));
        let recorder = Arc::new(Recorder::default());
        let tasks = vec![
            tokio::spawn(server::serve(listener, Arc::clone(&shared), Arc::clone(&recorder))),
            tokio::spawn(controllers::run(Arc::clone(&shared), spec.step)),
        ];
        Ok(Cluster { shared, recorder, address, name: spec.name, tasks })
    }

    /// Stops the cluster and waits until its connections are closed, at most five seconds.
    pub async fn stop(mut self) {
        self.shared.shut_down();
        for mut task in std::mem::take(&mut self.tasks) {
            // A client that does not read its answer would hold us up; a panic has been reported.
            if tokio::time::timeout(STOP, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bearer token of a user; "" for one that is not known.
    #[must_use]
    pub fn token(&self, user: &str) -> String {
        self.shared.with(|state| {
            let known = state.users.iter().find(|known| known.name == user);
            known.map_or_else(String::new, |known| known.token.clone())
        })
    }

    /// Adds or replaces a user beside `admin`, `reader` and `nobody`. Adding `system:anonymous` admits
    /// requests without a token, which is how kubectl comes over plain http.
    pub fn user(&self, user: &str, rules: Vec<Rule>) {
        self.shared.with(|state| {
            state.users.retain(|known| known.name != user);
            let token = format!("{}-{user}-token", state.name);
            state.users.push(User::new(user, token, rules));
        });
    }

    /// A kubeconfig with one cluster, user and context, all named after the cluster. JSON is YAML.
    #[must_use]
    pub fn kubeconfig(&self, user: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": self.name,
            "clusters": [{ "name": self.name, "cluster": { "server": self.url() } }],
            "users": [{ "name": self.name, "user": { "token": self.token(user) } }],
            "contexts": [{ "name": self.name, "context": {
                "cluster": self.name, "user": self.name, "namespace": "default",
            }}],
        })
    }

    /// Creates namespace, service and deployment, with every pod running and ready on return (as far
    /// as its annotations and faults let it).
    pub fn deploy(&self, workload: &Workload) {
        self.shared.with(|state| {
            workload.create(state);
            for _ in 0..4 {
                settle(state, Tick::Of(&workload.namespace, &workload.name));
            }
        });
    }

    /// Says what answers on a port of a deployment's pods: an http URL, or nothing (refused). By a pod's
    /// name it is about that pod alone.
    pub fn backend(&self, deployment: &str, port: u16, url: Option<String>) {
        self.shared.with(|state| {
            let key = (deployment.to_owned(), port);
            match url {
                Some(url) => state.backends.insert(key, url),
                None => state.backends.remove(&key),
            }
        });
    }

    /// Puts a file into every pod of a deployment.
    pub fn file(&self, deployment: &str, path: &str, content: &str) {
        self.shared.with(|state| state.images.file(deployment, path, content));
    }

    /// Puts a program into every pod of a deployment, with its answer to exactly this command line.
    pub fn program(&self, deployment: &str, line: &str, said: Said) {
        self.shared.with(|state| state.images.program(deployment, line, said));
    }

    /// Says what the pods reach at a host outside the cluster: an http URL, or nothing (refused).
    pub fn host(&self, name: &str, port: u16, url: Option<String>) {
        self.shared.with(|state| state.images.host(name, port, url));
    }

    /// An object by plural resource name; `ns` is "" for cluster-wide resources.
    #[must_use]
    pub fn get(&self, resource: &str, ns: &str, name: &str) -> Option<Value> {
        let row = resources::stored(resource).ok()?;
        self.shared
            .with(|state| state.store.get(row.plural, ns, name).map(|object| (*object).clone()))
    }

    /// Every object of a resource in a namespace, or in all of them for "".
    #[must_use]
    pub fn list(&self, resource: &str, ns: &str) -> Vec<Value> {
        let Ok(row) = resources::stored(resource) else {
            return Vec::new();
        };
        let ns = Some(ns).filter(|ns| !ns.is_empty());
        let objects = self.shared.with(|state| state.store.list(row.plural, ns));
        objects.iter().map(|object| (**object).clone()).collect()
    }

    /// Stores an object as it is, created or replaced; kind and apiVersion are filled in. A status
    /// is kept, but the control loops own it unless the object is annotated
    /// `sandbox.nova/frozen: "true"`.
    ///
    /// # Panics
    /// For a resource that this API does not have.
    pub fn put(&self, resource: &str, mut object: Value) {
        let row = resources::stored(resource).expect("the caller names a resource of this API");
        self.shared.with(|state| {
            json::default(&mut object, "apiVersion", json!(row.api_version()));
            json::default(&mut object, "kind", json!(row.kind));
            validate::defaults(row.plural, &mut object);
            let home = namespace(&object).to_owned();
            if row.namespaced && !home.is_empty() {
                workload::namespace(state, &home);
            }
            if state.store.get(row.plural, &home, name(&object)).is_some() {
                state.store.update(row.plural, object);
            } else {
                state.store.insert(row.plural, object);
            }
        });
    }

    /// Removes an object at once; what it owns follows by the control loops.
    pub fn remove(&self, resource: &str, ns: &str, name: &str) {
        if let Ok(row) = resources::stored(resource) {
            self.shared.with(|state| state.store.remove(row.plural, ns, name));
        }
    }

    /// Switches a fault of the API or of a node on or off.
    ///
    /// # Panics
    /// For a node that does not exist.
    pub fn fault(&self, fault: Fault) {
        self.shared.with(|state| {
            state.api.set(&fault);
            match fault {
                Fault::NodeReady { node, ready } => {
                    assert!(
                        state.store.get("nodes", "", &node).is_some(),
                        "there is no node {node}"
                    );
                    node::set_ready(state, &node, ready);
                    settle(state, Tick::All);
                }
                Fault::NodeMemoryPressure { node, pressure } => {
                    assert!(
                        state.store.get("nodes", "", &node).is_some(),
                        "there is no node {node}"
                    );
                    node::set_memory_pressure(state, &node, pressure);
                }
                Fault::Compact => state.store.compact(),
                Fault::MetricsApi(up) => extensions::set_available(state, extensions::RESOURCE, up),
                Fault::MetricsInstalled(true) => extensions::register_metrics(state),
                Fault::MetricsInstalled(false) => {
                    extensions::unregister(state, &format!("v1beta1.{}", extensions::RESOURCE));
                }
                Fault::Adapter(up) => {
                    for group in [extensions::CUSTOM, extensions::EXTERNAL] {
                        extensions::set_available(state, group, up);
                    }
                }
                Fault::Clear => {
                    for group in [extensions::RESOURCE, extensions::CUSTOM, extensions::EXTERNAL] {
                        extensions::set_available(state, group, true);
                    }
                }
                _ => {}
            }
        });
    }

    /// Breaks every pod of a deployment, those to come included, until [`Cluster::heal`]. The pods
    /// and the deployment's status show it on return.
    pub fn break_deployment(&self, ns: &str, name: &str, fault: DeploymentFault) {
        self.shared.with(|state| {
            state.broken.insert((ns.to_owned(), name.to_owned()), fault);
            settle(state, Tick::Of(ns, name));
        });
    }

    /// Ends what [`Cluster::break_deployment`] began; the pods are ready on return.
    pub fn heal(&self, ns: &str, name: &str) {
        self.shared.with(|state| {
            state.broken.remove(&(ns.to_owned(), name.to_owned()));
            settle(state, Tick::Of(ns, name));
        });
    }

    /// Installs a metrics adapter with custom metrics of every running pod, and external ones, each with
    /// its value (a quantity). An empty list leaves that API out.
    pub fn adapter(&self, custom: &[(&str, &str)], external: &[(&str, &str)]) {
        let owned = |list: &[(&str, &str)]| {
            let owned = list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            (!list.is_empty()).then(|| owned.collect())
        };
        self.shared.with(|state| {
            state.adapter =
                extensions::Adapter { custom: owned(custom), external: owned(external) };
            let lists = [(extensions::CUSTOM, custom), (extensions::EXTERNAL, external)];
            for (group, list) in lists {
                if list.is_empty() {
                    extensions::unregister(state, &format!("v1beta1.{group}"));
                } else {
                    let service = Some(("monitoring", "prometheus-adapter"));
                    extensions::register(state, (group, "v1beta1"), service);
                }
            }
        });
    }

    /// Writes to the log of a pod's first container.
    pub fn log(&self, ns: &str, pod: &str, line: &str) {
        self.shared.with(|state| {
            let found = state.store.get("pods", ns, pod);
            let container = found.as_ref().map_or("", |pod| text(pod, "/spec/containers/0/name"));
            state.logs.write(ns, pod, container, line);
        });
    }

    /// The names of a deployment's pods that are not on their way out, in order.
    #[must_use]
    pub fn pods_of(&self, ns: &str, deployment: &str) -> Vec<String> {
        self.shared.with(|state| {
            let mut pods = state.store.list("pods", Some(ns));
            pods.retain(|pod| {
                !terminating(pod) && proxy::workload_of(state, pod).is_some_and(|w| w == deployment)
            });
            pods.iter().map(|pod| name(pod).to_owned()).collect()
        })
    }

    /// Waits until a rollout is complete: every pod new, ready, and no old one left.
    ///
    /// # Errors
    /// When that is not so after ten seconds; the message shows how far it came.
    pub async fn settled(&self, ns: &str, deployment: &str) -> anyhow::Result<()> {
        let mut changes = self.shared.changes();
        let wait = async {
            while !self.shared.with(|state| complete(state, ns, deployment)) {
                if changes.changed().await.is_err() {
                    break;
                }
            }
        };
        let waited = tokio::time::timeout(SETTLE, wait).await;
        let status = self.get("deployments", ns, deployment).map(|d| d["status"].clone());
        ensure!(
            waited.is_ok(),
            "waited for the rollout of {ns}/{deployment} to complete; its status is {status:?}"
        );
        Ok(())
    }

    /// The last exchanges, oldest first: at most 10,000 and 64 MiB.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.recorder.exchanges()
    }
}

fn complete(state: &State, ns: &str, name: &str) -> bool {
    let Some(deployment) = state.store.get("deployments", ns, name) else {
        return false;
    };
    let wanted = number(&deployment, "/spec/replicas").unwrap_or(1);
    let of = |key: &str| number(&deployment, &format!("/status/{key}")).unwrap_or(0);
    let pods = state.store.list("pods", Some(ns));
    let leaving = pods
        .iter()
        .any(|pod| terminating(pod) && proxy::workload_of(state, pod).is_some_and(|of| of == name));
    of("observedGeneration") >= number(&deployment, "/metadata/generation").unwrap_or(1)
        && ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
            .iter()
            .all(|key| of(key) == wanted)
        && !leaving
}

#[cfg(test)]
mod tests;
