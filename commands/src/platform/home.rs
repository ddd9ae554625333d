//! Where a service runs: its cluster and its workload there.

use std::collections::BTreeSet;

use super::config::ServiceConfig;
use super::kube::{Cluster, Pod, Workload, WorkloadKind};
use super::{Cause, Platform, PlatformError};
use crate::command::UserError;
use crate::report::{Finding, Status};

/// A workload in a cluster.
#[derive(Clone, Copy)]
pub struct Home<'a> {
    pub cluster: &'a Cluster,
    pub namespace: &'a str,
    pub kind: WorkloadKind,
    pub name: &'a str,
    /// Where the configuration names one.
    pub selector: Option<&'a str>,
}

impl Platform {
    /// The cluster of this name, or all of them.
    ///
    /// # Errors
    /// When there is none of this name; names the nearest.
    pub fn clusters_of(&self, name: Option<&str>) -> Result<Vec<&Cluster>, UserError> {
        match name {
            Some(name) => Ok(vec![self.cluster(name)?]),
            None => Ok(self.clusters.iter().collect()),
        }
    }

    /// The namespaces that the services are in.
    #[must_use]
    pub fn namespaces(&self) -> BTreeSet<&str> {
        self.services.iter().map(|service| service.namespace.as_str()).collect()
    }

    /// Where a service runs; `cluster` looks elsewhere than the configuration says. `None`: no cluster
    /// is configured at all.
    ///
    /// # Errors
    /// When there is no such cluster, or the service is not told to have a workload.
    pub fn home<'a>(
        &'a self,
        service: &'a ServiceConfig,
        cluster: Option<&str>,
    ) -> Result<Option<Home<'a>>, UserError> {
        let named = |name| self.cluster(name);
        let place = service.workload.as_deref();
        let Some((kind, name)) = place.and_then(|place| workload(place)) else {
            return Err(UserError::new(format!(
                "`{}` has no workload: see `workload` of the service in the configuration",
                service.name
            )));
        };
        let cluster = cluster.or(service.cluster.as_deref()).map(named).transpose()?;
        let Some(cluster) = cluster.or(self.clusters.first()) else { return Ok(None) };
        let selector = service.selector.as_deref();
        Ok(Some(Home { cluster, namespace: &service.namespace, kind, name, selector }))
    }
}

impl Home<'_> {
    /// The workload and its pods.
    ///
    /// # Errors
    /// [`Cause::NotFound`] when there is no such workload; else when one of both cannot be had.
    pub async fn deployed(&self) -> Result<(Workload, Vec<Pod>), PlatformError> {
        self.cluster.deployed((self.namespace, self.kind, self.name), self.selector).await
    }

    /// `deployment novacron/vm-service in us-east`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{} {}/{} in {}", self.kind, self.namespace, self.name, self.cluster.name())
    }

    /// Why it cannot be looked at, as a finding about `subject`.
    #[must_use]
    pub fn missing(&self, subject: &str, error: &PlatformError) -> Finding {
        if error.cause == Cause::NotFound {
            let measured = format!("no {}", self.place());
            let finding = Finding::new(Status::Absent, subject, measured, self.place());
            return finding
                .hint("removed, or named differently here: see the service's `workload`");
        }
        error.finding(subject, self.place())
    }
}

/// The kind and name in `deployment/vm-service`.
#[must_use]
pub fn workload(place: &str) -> Option<(WorkloadKind, &str)> {
    let (kind, name) = place.split_once('/')?;
    Some((WorkloadKind::named(kind)?, name))
}

/// That there is no cluster to look at.
#[must_use]
pub fn no_cluster() -> Finding {
    let finding =
        Finding::new(Status::Unsupported, "Kubernetes", "not configured", "configuration");
    finding.hint("add [[clusters]] to the configuration")
}
