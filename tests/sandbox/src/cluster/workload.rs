//! The usual thing to put into a cluster: a deployment with its service. Called by the façade.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json::object;
use super::state::State;
use super::validate;

/// A deployment of one container labelled `app=NAME`, and a service of the same name and port.
#[derive(Debug, Clone)]
pub struct Workload {
    pub namespace: String,
    pub name: String,
    pub replicas: u32,
    pub image: String,
    pub port: u16,
    /// Request in millicores; the limit is the double. Two fifths of it are used.
    pub cpu_milli: u32,
    /// Request in MiB; the limit is the double. Three fifths of it are used.
    pub memory_mib: u32,
    /// Further labels of the deployment and its pods.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pods, such as `sandbox.nova/never-ready`.
    pub annotations: BTreeMap<String, String>,
}

impl Default for Workload {
    fn default() -> Self {
        Workload {
            namespace: "novacron".to_owned(),
            name: "web".to_owned(),
            replicas: 1,
            image: "registry.example/web:1.0".to_owned(),
            port: 8080,
            cpu_milli: 250,
            memory_mib: 256,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }
}

/// Creates a namespace unless it is there.
pub(super) fn namespace(state: &mut State, name: &str) {
    if state.store.get("namespaces", "", name).is_none() {
        let mut value =
            json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": { "name": name } });
        validate::defaults("namespaces", &mut value);
        state.store.insert("namespaces", value);
    }
}

impl Workload {
    /// Stores namespace, service and deployment; an existing deployment takes the new spec.
    pub(super) fn create(&self, state: &mut State) {
        namespace(state, &self.namespace);
        let service = self.service(state.store.list("services", None).len());
        let deployment = self.deployment();
        for (plural, value) in [("services", service), ("deployments", deployment)] {
            match state.store.get(plural, &self.namespace, &self.name) {
                None => state.store.insert(plural, value),
                Some(old) => state
                    .store
                    .edit(plural, &old, |new| new["spec"] = value["spec"].clone())
                    .unwrap_or(old),
            };
        }
    }

    fn deployment(&self) -> Value {
        let mut labels = json!(self.labels);
        labels["app"] = json!(self.name);
        let (cpu, memory) = (self.cpu_milli, self.memory_mib);
        let mut template = json!({
            "metadata": { "labels": labels },
            "spec": { "containers": [{
                "name": self.name, "image": self.image,
                "ports": [{ "name": "http", "containerPort": self.port }],
                "resources": {
                    "requests": { "cpu": format!("{cpu}m"), "memory": format!("{memory}Mi") },
                    "limits": {
                        "cpu": format!("{}m", u64::from(cpu) * 2),
                        "memory": format!("{}Mi", u64::from(memory) * 2),
                    },
                },
            }]},
        });
        if !self.annotations.is_empty() {
            object(&mut template, "metadata").insert("annotations".into(), json!(self.annotations));
        }
        let mut value = json!({
            "kind": "Deployment", "apiVersion": "apps/v1",
            "metadata": { "name": self.name, "namespace": self.namespace, "labels": labels },
            "spec": {
                "replicas": self.replicas,
                "selector": { "matchLabels": { "app": self.name } },
                "template": template,
            },
        });
        validate::defaults("deployments", &mut value);
        value
    }

    fn service(&self, index: usize) -> Value {
        let mut value = json!({
            "kind": "Service", "apiVersion": "v1",
            "metadata": { "name": self.name, "namespace": self.namespace, "labels": { "app": self.name } },
            "spec": {
                "selector": { "app": self.name },
                "ports": [{ "name": "http", "port": self.port, "targetPort": self.port }],
                "clusterIP": format!("10.96.{}.{}", index / 250, 10 + index % 240),
            },
            "status": { "loadBalancer": {} },
        });
        validate::defaults("services", &mut value);
        value
    }
}
