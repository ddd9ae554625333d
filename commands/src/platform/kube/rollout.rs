//! Rollouts: whether one is complete, and waiting for it on a watch.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::super::{Cause, PlatformError};
use super::{Cluster, Workload, WorkloadKind};

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// Every pod is of the newest template, ready and available, and no old one is left.
    Complete,
    /// On its way: pods of the newest template, and available ones, of the desired number.
    Progressing { updated: u32, available: u32, desired: u32 },
    /// Its controller gave up, for this reason.
    Stuck(String),
}

impl Workload {
    /// How far its rollout is. Until the controller has seen the newest generation, its counts are
    /// about the old template, so nothing is complete.
    #[must_use]
    pub fn rollout(&self) -> Rollout {
        let seen = self.observed_generation >= self.generation;
        let done = [self.updated, self.ready, self.available, self.total];
        if seen && done.iter().all(|count| *count == self.desired) {
            return Rollout::Complete;
        }
        if seen && let Some(reason) = &self.stuck {
            return Rollout::Stuck(reason.clone());
        }
        let (updated, available) = if seen { (self.updated, self.available) } else { (0, 0) };
        Rollout::Progressing { updated, available, desired: self.desired }
    }
}

impl Cluster {
    /// Waits until a rollout is complete or stuck, by watching, and tells each change to `seen`.
    /// At `within` the last state is the answer.
    ///
    /// # Errors
    /// When the workload cannot be read or watched.
    pub async fn wait_rollout(
        &self,
        namespace: &str,
        kind: WorkloadKind,
        name: &str,
        within: Duration,
        mut seen: impl FnMut(&Workload),
    ) -> Result<Rollout, PlatformError> {
        let deadline = Instant::now() + within;
        let mut workload = self.workload(namespace, kind, name).await?;
        loop {
            seen(&workload);
            let rollout = workload.rollout();
            if !matches!(rollout, Rollout::Progressing { .. }) {
                return Ok(rollout);
            }
            let next = self.next_change(&workload);
            match tokio::time::timeout_at(deadline, next).await {
                Err(_) => return Ok(rollout),
                Ok(Ok(changed)) => workload = changed,
                // A watch that ended: read again, but not in a tight loop where each one ends at once.
                Ok(Err(error)) if matches!(error.cause, Cause::Invalid | Cause::Broken) => {
                    tokio::time::sleep_until(deadline.min(Instant::now() + PAUSE)).await;
                    workload = self.workload(namespace, kind, name).await?;
                }
                Ok(Err(error)) => return Err(error),
            }
        }
    }

    /// The workload as of its next change after the given version.
    ///
    /// # Errors
    /// [`Cause::NotFound`] when it is deleted; [`Cause::Broken`] when the server ends the watch first.
    pub async fn next_change(&self, of: &Workload) -> Result<Workload, PlatformError> {
        let what = format!("watch {} {}/{}", of.kind, of.namespace, of.name);
        let target = what.clone();
        // The caller bounds the wait; the server ends a watch after this many seconds anyway.
        let longest = Duration::from_secs(SERVER_SECONDS.into()) + self.0.deadline;
        let event = self
            .call_within((&self.0.watches, longest), &what, async |client| match of.kind {
                WorkloadKind::Deployment => first_event::<Deployment>(client, of).await,
                WorkloadKind::StatefulSet => first_event::<StatefulSet>(client, of).await,
                WorkloadKind::DaemonSet => first_event::<DaemonSet>(client, of).await,
            })
            .await?;
        match event {
            Some(Ok(workload)) => Ok(workload),
            Some(Err(cause)) => Err(PlatformError::new(target, cause)),
            None => Err(PlatformError::new(target, Cause::Broken).detail("the watch ended")),
        }
    }
}

/// How long the server keeps one watch.
const SERVER_SECONDS: u32 = 240;
/// Between a watch that ended and the next reading.
const PAUSE: Duration = Duration::from_millis(250);
/// How the server says that it has forgotten the changes since a version.
const EXPIRED: u16 = 410;

/// What one watch, or the list in place of one, came to. `None`: the server ended it.
type Event = Option<Result<Workload, Cause>>;

/// The first change after the version of `of`. An object that has been still for long has a version
/// that no watch can start from: then it is listed, and watched from the version of the list.
async fn first_event<K>(client: Client, of: &Workload) -> kube::Result<Event>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Into<Workload>,
{
    let api: Api<K> = Api::namespaced(client, &of.namespace);
    let params = WatchParams::default()
        .fields(&format!("metadata.name={}", of.name))
        .timeout(SERVER_SECONDS);
    match watch_from(&api, &params, &of.resource_version).await {
        Err(kube::Error::Api(status)) if status.code == EXPIRED => {}
        watched => return watched,
    }
    let list = ListParams::default().fields(&format!("metadata.name={}", of.name));
    let list = api.list(&list).await?;
    let version = list.metadata.resource_version.unwrap_or_default();
    match list.items.into_iter().next() {
        None => Ok(Some(Err(Cause::NotFound))),
        Some(now) if now.resource_version().as_ref() != Some(&of.resource_version) => {
            Ok(Some(Ok(now.into())))
        }
        Some(_) => watch_from(&api, &params, &version).await,
    }
}

async fn watch_from<K>(api: &Api<K>, params: &WatchParams, version: &str) -> kube::Result<Event>
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Into<Workload>,
{
    let mut events = api.watch(params, version).await?.boxed();
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                return Ok(Some(Ok(object.into())));
            }
            WatchEvent::Deleted(_) => return Ok(Some(Err(Cause::NotFound))),
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload() -> Workload {
        Workload {
            generation: 4,
            observed_generation: 4,
            desired: 3,
            total: 3,
            ready: 3,
            updated: 3,
            available: 3,
            ..Workload::from(Deployment::default())
        }
    }

    #[test]
    fn complete_means_seen_updated_available_and_nothing_old() {
        assert_eq!(workload().rollout(), Rollout::Complete);
        let unseen = Workload { observed_generation: 3, ..workload() };
        let progress = Rollout::Progressing { updated: 0, available: 0, desired: 3 };
        assert_eq!(unseen.rollout(), progress);
        for behind in [
            Workload { updated: 2, ..workload() },
            Workload { available: 2, ..workload() },
            Workload { ready: 2, ..workload() },
            Workload { total: 4, ..workload() },
        ] {
            assert!(matches!(behind.rollout(), Rollout::Progressing { .. }), "{behind:?}");
        }
        let stuck = Workload { stuck: Some("deadline".into()), updated: 1, ..workload() };
        assert_eq!(stuck.rollout(), Rollout::Stuck("deadline".into()));
    }
}
