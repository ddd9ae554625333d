//! Pods, reduced to how they are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::quantity::{bytes, milli};
use super::{Cluster, PlatformError, Workload, WorkloadKind};

/// Names the container that kubectl picks.
/// <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-default-container>
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

type List = BTreeMap<String, Quantity>;

/// One pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    pub namespace: String,
    pub name: String,
    pub node: Option<String>,
    /// Pending, Running, Succeeded, Failed or Unknown; Terminating when it is being deleted.
    pub phase: String,
    pub ready: bool,
    /// Restarts of all its containers.
    pub restarts: u32,
    /// The youngest of them.
    pub last_restart: Option<Restart>,
    /// Why a container does not run, such as `CrashLoopBackOff`.
    pub waiting_reason: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub started: Option<Timestamp>,
    /// The first container's image.
    pub image: String,
    /// Its containers, without those that only prepare it.
    pub containers: Vec<String>,
    /// The container that is meant where none is named, as kubectl picks it.
    pub main_container: Option<String>,
    pub requests: Resources,
    pub limits: Resources,
}

/// What all containers of a pod ask for or may use; what none of them says is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Thousandths of a core.
    pub cpu_milli: u64,
    pub memory_bytes: u64,
}

/// The last end of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    pub at: Timestamp,
    /// Such as `OOMKilled` or `Error`.
    pub reason: String,
}

impl Cluster {
    /// The pods of a namespace that a label selector selects; all of them without one.
    ///
    /// # Errors
    /// When the list cannot be had.
    pub async fn pods(
        &self,
        namespace: &str,
        selector: Option<&str>,
    ) -> Result<Vec<Pod>, PlatformError> {
        let pods = self.list::<v1::Pod>("pods", Some(namespace), selector).await?;
        Ok(pods.into_iter().map(Pod::from).collect())
    }

    /// The pods of every namespace.
    ///
    /// # Errors
    /// When the list cannot be had, for which a right to the whole cluster is needed.
    pub async fn pods_everywhere(&self) -> Result<Vec<Pod>, PlatformError> {
        let pods = self.list::<v1::Pod>("pods", None, None).await?;
        Ok(pods.into_iter().map(Pod::from).collect())
    }

    /// A workload and its pods: those that `selector` selects, or else its own selector.
    ///
    /// # Errors
    /// [`super::Cause::NotFound`] when there is no such workload; else when one of both cannot be had.
    pub async fn deployed(
        &self,
        (namespace, kind, name): (&str, WorkloadKind, &str),
        selector: Option<&str>,
    ) -> Result<(Workload, Vec<Pod>), PlatformError> {
        let workload = self.workload(namespace, kind, name);
        let Some(selector) = selector else {
            let workload = workload.await?;
            let pods = self.pods(namespace, Some(&workload.selector)).await?;
            return Ok((workload, pods));
        };
        futures_util::try_join!(workload, self.pods(namespace, Some(selector)))
    }
}

impl Pod {
    /// Whether it takes room: it has not ended.
    #[must_use]
    pub fn counts(&self) -> bool {
        !matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether a selector of equality terms (`a=b,c=d`), which is what `matchLabels` makes, selects it.
    /// One with anything else selects nothing here: no facts about pods are better than facts about the
    /// wrong pods.
    #[must_use]
    pub fn selected_by(&self, selector: &str) -> bool {
        selects(selector, &self.labels)
    }
}

impl Resources {
    /// One of the two lists of a pod, as the scheduler counts it: what runs together is added up, and
    /// a container that runs before the others counts only where it alone wants more.
    /// <https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers>
    fn of(spec: &v1::PodSpec, list: impl Fn(&v1::ResourceRequirements) -> Option<&List>) -> Self {
        let of = |container: &v1::Container| {
            let list = container.resources.as_ref().and_then(&list);
            let get = |name: &str| list.and_then(|list| list.get(name));
            Self {
                cpu_milli: get("cpu").and_then(milli).unwrap_or_default(),
                memory_bytes: get("memory").and_then(bytes).unwrap_or_default(),
            }
        };
        let mut running = spec.containers.iter().map(&of).fold(Self::default(), Self::plus);
        let mut preparing = Self::default();
        for container in spec.init_containers.iter().flatten() {
            if container.restart_policy.as_deref() == Some("Always") {
                running = running.plus(of(container));
            } else {
                preparing = preparing.larger(of(container));
            }
        }
        running.larger(preparing)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_add(other.cpu_milli),
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
        }
    }

    fn larger(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.max(other.cpu_milli),
            memory_bytes: self.memory_bytes.max(other.memory_bytes),
        }
    }
}

impl From<v1::Pod> for Pod {
    fn from(object: v1::Pod) -> Self {
        let meta = object.metadata;
        let status = object.status.unwrap_or_default();
        let containers: Vec<_> = status
            .init_container_statuses
            .into_iter()
            .flatten()
            .chain(status.container_statuses.into_iter().flatten())
            .collect();
        let ready = status
            .conditions
            .iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        let waiting_reason = containers
            .iter()
            .find_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone());
        let ended = containers.iter().filter_map(|container| {
            let last = container.last_state.as_ref()?.terminated.as_ref()?;
            let at = last.finished_at.as_ref()?.0;
            Some(Restart { at, reason: last.reason.clone().unwrap_or_else(|| "ended".to_owned()) })
        });
        let phase = match meta.deletion_timestamp {
            Some(_) => "Terminating".to_owned(),
            None => status.phase.unwrap_or_else(|| "Unknown".to_owned()),
        };
        let counts = containers.iter().map(|c| u32::try_from(c.restart_count).unwrap_or_default());
        let restarts = counts.fold(0, u32::saturating_add);
        let spec = object.spec.unwrap_or_default();
        let names: Vec<String> = spec.containers.iter().map(|c| c.name.clone()).collect();
        let default = meta.annotations.as_ref().and_then(|all| all.get(DEFAULT_CONTAINER));
        let default = default.filter(|name| names.contains(name)).or(names.first()).cloned();
        Self {
            namespace: meta.namespace.unwrap_or_default(),
            name: meta.name.unwrap_or_default(),
            image: spec.containers.first().and_then(|c| c.image.clone()).unwrap_or_default(),
            main_container: default,
            containers: names,
            requests: Resources::of(&spec, |resources| resources.requests.as_ref()),
            limits: Resources::of(&spec, |resources| resources.limits.as_ref()),
            node: spec.node_name,
            phase,
            ready,
            restarts,
            last_restart: ended.max_by_key(|restart| restart.at),
            waiting_reason,
            labels: meta.labels.unwrap_or_default(),
            started: status.start_time.map(|time| time.0),
        }
    }
}

fn selects(selector: &str, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty()
        && selector.split(',').all(|term| {
            let term = term.replace("==", "=");
            let Some((key, value)) = term.split_once('=') else { return false };
            labels.get(key.trim()).is_some_and(|label| label == value.trim())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_whole_labels() {
        let labels = BTreeMap::from([
            ("app".to_owned(), "vm".to_owned()),
            ("tier".to_owned(), "x".to_owned()),
        ]);
        assert!(selects("app=vm", &labels));
        assert!(selects("app=vm, tier==x", &labels));
        assert!(!selects("app=vm-service", &labels));
        assert!(!selects("app in (vm)", &labels));
        assert!(!selects("", &labels));
    }
}
