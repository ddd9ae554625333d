//! Pods, reduced to how they are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1;

use super::{Cluster, PlatformError};

/// One pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
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
        Self {
            name: meta.name.unwrap_or_default(),
            node: object.spec.and_then(|spec| spec.node_name),
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
