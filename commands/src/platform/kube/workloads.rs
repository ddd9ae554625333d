//! Deployments, StatefulSets and DaemonSets, reduced to what all three have.

use std::fmt;

use futures_util::try_join;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::api::Api;

use super::{Cluster, PlatformError};

/// What kind of workload it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl WorkloadKind {
    /// The kind of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Deployment, Self::StatefulSet, Self::DaemonSet]
            .into_iter()
            .find(|k| k.word() == word)
    }

    /// The word of kubectl and of nova's configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One workload. Counts are pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    pub kind: WorkloadKind,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub resource_version: String,
    pub generation: i64,
    /// The newest generation that its controller has seen.
    pub observed_generation: i64,
    pub desired: u32,
    /// All pods, old ones of a rollout included.
    pub total: u32,
    pub ready: u32,
    pub updated: u32,
    pub available: u32,
    pub images: Vec<String>,
    /// Its label selector in kubectl's form.
    pub selector: String,
    /// A reason why its rollout does not go on, if its controller gave one.
    pub stuck: Option<String>,
}

impl Cluster {
    /// Every workload of a namespace.
    ///
    /// # Errors
    /// When one of the three lists cannot be had.
    pub async fn workloads(&self, namespace: &str) -> Result<Vec<Workload>, PlatformError> {
        let (deployments, stateful, daemons) = try_join!(
            self.list::<Deployment>("deployments", Some(namespace), None),
            self.list::<StatefulSet>("statefulsets", Some(namespace), None),
            self.list::<DaemonSet>("daemonsets", Some(namespace), None),
        )?;
        let deployments = deployments.into_iter().map(Workload::from);
        let stateful = stateful.into_iter().map(Workload::from);
        let daemons = daemons.into_iter().map(Workload::from);
        Ok(deployments.chain(stateful).chain(daemons).collect())
    }

    /// One workload.
    ///
    /// # Errors
    /// [`super::Cause::NotFound`] when it is not there.
    pub async fn workload(
        &self,
        namespace: &str,
        kind: WorkloadKind,
        name: &str,
    ) -> Result<Workload, PlatformError> {
        let what = format!("get {kind} {namespace}/{name}");
        self.call(&what, async |client| match kind {
            WorkloadKind::Deployment => {
                Api::<Deployment>::namespaced(client, namespace).get(name).await.map(Workload::from)
            }
            WorkloadKind::StatefulSet => Api::<StatefulSet>::namespaced(client, namespace)
                .get(name)
                .await
                .map(Workload::from),
            WorkloadKind::DaemonSet => {
                Api::<DaemonSet>::namespaced(client, namespace).get(name).await.map(Workload::from)
            }
        })
        .await
    }
}

impl Workload {
    fn new(
        kind: WorkloadKind,
        meta: ObjectMeta,
        selector: &LabelSelector,
        template: &PodTemplateSpec,
    ) -> Self {
        let containers = template.spec.iter().flat_map(|spec| &spec.containers);
        Self {
            kind,
            namespace: meta.namespace.unwrap_or_default(),
            name: meta.name.unwrap_or_default(),
            uid: meta.uid.unwrap_or_default(),
            resource_version: meta.resource_version.unwrap_or_default(),
            generation: meta.generation.unwrap_or_default(),
            observed_generation: 0,
            desired: 0,
            total: 0,
            ready: 0,
            updated: 0,
            available: 0,
            images: containers.filter_map(|c| c.image.clone()).collect(),
            selector: written(selector),
            stuck: None,
        }
    }
}

impl From<Deployment> for Workload {
    fn from(object: Deployment) -> Self {
        let spec = object.spec.unwrap_or_default();
        let status = object.status.unwrap_or_default();
        let failed = status.conditions.iter().flatten().find(|condition| {
            let reason = condition.reason.as_deref();
            (condition.type_ == "Progressing" && reason == Some("ProgressDeadlineExceeded"))
                || (condition.type_ == "ReplicaFailure" && condition.status == "True")
        });
        let stuck =
            failed.map(|c| c.message.clone().or_else(|| c.reason.clone()).unwrap_or_default());
        let stuck = stuck.or_else(|| spec.paused.filter(|p| *p).map(|_| "paused".to_owned()));
        Self {
            observed_generation: status.observed_generation.unwrap_or_default(),
            desired: count(spec.replicas.or(Some(1))),
            total: count(status.replicas),
            ready: count(status.ready_replicas),
            updated: count(status.updated_replicas),
            available: count(status.available_replicas),
            stuck,
            ..Self::new(WorkloadKind::Deployment, object.metadata, &spec.selector, &spec.template)
        }
    }
}

impl From<StatefulSet> for Workload {
    fn from(object: StatefulSet) -> Self {
        let spec = object.spec.unwrap_or_default();
        let status = object.status.unwrap_or_default();
        Self {
            observed_generation: status.observed_generation.unwrap_or_default(),
            desired: count(spec.replicas.or(Some(1))),
            total: count(Some(status.replicas)),
            ready: count(status.ready_replicas),
            updated: count(status.updated_replicas),
            available: count(status.available_replicas),
            ..Self::new(WorkloadKind::StatefulSet, object.metadata, &spec.selector, &spec.template)
        }
    }
}

impl From<DaemonSet> for Workload {
    fn from(object: DaemonSet) -> Self {
        let spec = object.spec.unwrap_or_default();
        let status = object.status.unwrap_or_default();
        Self {
            observed_generation: status.observed_generation.unwrap_or_default(),
            desired: count(Some(status.desired_number_scheduled)),
            total: count(Some(status.current_number_scheduled)),
            ready: count(Some(status.number_ready)),
            updated: count(status.updated_number_scheduled),
            available: count(status.number_available),
            ..Self::new(WorkloadKind::DaemonSet, object.metadata, &spec.selector, &spec.template)
        }
    }
}

fn count(number: Option<i32>) -> u32 {
    u32::try_from(number.unwrap_or_default()).unwrap_or_default()
}

fn written(selector: &LabelSelector) -> String {
    let labels =
        selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|term| {
        let values = term.values.clone().unwrap_or_default().join(",");
        match term.operator.as_str() {
            "In" => format!("{} in ({values})", term.key),
            "NotIn" => format!("{} notin ({values})", term.key),
            "Exists" => term.key.clone(),
            _ => format!("!{}", term.key),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}
