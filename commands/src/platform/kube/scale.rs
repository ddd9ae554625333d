//! The writes: scale and restart. Each can be a server-side dry run, and each can be bound to the
//! state that somebody has seen, so that a change in between is a conflict and not a surprise.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use super::super::{Cause, PlatformError};
use super::{Cluster, Workload, WorkloadKind};

/// The state that a change is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    pub uid: String,
    pub resource_version: String,
}

impl From<&Workload> for Precondition {
    fn from(workload: &Workload) -> Self {
        Self { uid: workload.uid.clone(), resource_version: workload.resource_version.clone() }
    }
}

impl Cluster {
    /// Sets the number of replicas through the scale subresource. Returns the desired number that
    /// the server answers.
    ///
    /// # Errors
    /// [`Cause::Conflict`] when the precondition does not hold; [`Cause::Invalid`] for a DaemonSet.
    pub async fn scale(
        &self,
        (namespace, kind, name): (&str, WorkloadKind, &str),
        replicas: u32,
        precondition: Option<&Precondition>,
        dry_run: bool,
    ) -> Result<u32, PlatformError> {
        let what = format!("scale {kind} {namespace}/{name}");
        let patch = guarded(json!({ "spec": { "replicas": replicas } }), precondition);
        let (params, patch) = (params(dry_run), Patch::Merge(&patch));
        let target = what.clone();
        let scaled = self
            .call(&what, async |client| match kind {
                WorkloadKind::Deployment => Api::<Deployment>::namespaced(client, namespace)
                    .patch_scale(name, &params, &patch)
                    .await
                    .map(Some),
                WorkloadKind::StatefulSet => Api::<StatefulSet>::namespaced(client, namespace)
                    .patch_scale(name, &params, &patch)
                    .await
                    .map(Some),
                WorkloadKind::DaemonSet => Ok(None),
            })
            .await;
        let Some(scaled) = scaled.map_err(|e| moved(e, precondition))? else {
            let error = PlatformError::new(target, Cause::Invalid);
            return Err(error.detail("a daemonset runs one pod on each node"));
        };
        let replicas = scaled.spec.and_then(|spec| spec.replicas).unwrap_or_default();
        Ok(u32::try_from(replicas).unwrap_or_default())
    }

    /// Starts a rolling restart as kubectl does, by an annotation on the pod template.
    ///
    /// # Errors
    /// [`Cause::Conflict`] when the precondition does not hold.
    pub async fn restart(
        &self,
        place: (&str, WorkloadKind, &str),
        at: Timestamp,
        precondition: Option<&Precondition>,
        dry_run: bool,
    ) -> Result<Workload, PlatformError> {
        let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let annotations = json!({ "kubectl.kubernetes.io/restartedAt": at });
        let template = json!({ "metadata": { "annotations": annotations } });
        self.patch(place, json!({ "spec": { "template": template } }), precondition, dry_run).await
    }

    /// Applies a strategic merge patch.
    ///
    /// # Errors
    /// [`Cause::Conflict`] when the precondition does not hold; [`Cause::Invalid`] when the server
    /// does not accept the result.
    pub async fn patch(
        &self,
        (namespace, kind, name): (&str, WorkloadKind, &str),
        patch: Value,
        precondition: Option<&Precondition>,
        dry_run: bool,
    ) -> Result<Workload, PlatformError> {
        let what = format!("patch {kind} {namespace}/{name}");
        let patch = guarded(patch, precondition);
        let (params, patch) = (params(dry_run), Patch::Strategic(&patch));
        self.call(&what, async |client| match kind {
            WorkloadKind::Deployment => Api::<Deployment>::namespaced(client, namespace)
                .patch(name, &params, &patch)
                .await
                .map(Workload::from),
            WorkloadKind::StatefulSet => Api::<StatefulSet>::namespaced(client, namespace)
                .patch(name, &params, &patch)
                .await
                .map(Workload::from),
            WorkloadKind::DaemonSet => Api::<DaemonSet>::namespaced(client, namespace)
                .patch(name, &params, &patch)
                .await
                .map(Workload::from),
        })
        .await
        .map_err(|e| moved(e, precondition))
    }
}

/// A server answers a patch with another object's uid by 422 ("metadata.uid: … field is immutable")
/// where it answers a stale version by 409; for us both are the precondition that does not hold.
fn moved(error: PlatformError, precondition: Option<&Precondition>) -> PlatformError {
    let uid = error.cause == Cause::Invalid && error.detail.raw().contains("metadata.uid");
    if uid && precondition.is_some() {
        return PlatformError { cause: Cause::Conflict, ..error };
    }
    error
}

fn params(dry_run: bool) -> PatchParams {
    PatchParams { dry_run, ..PatchParams::default() }
}

/// The server compares both with what it holds and answers 409 when they differ.
fn guarded(mut patch: Value, precondition: Option<&Precondition>) -> Value {
    if let Some(Precondition { uid, resource_version }) = precondition {
        patch["metadata"] = json!({ "uid": uid, "resourceVersion": resource_version });
    }
    patch
}
