//! The services' workloads and pods: what the cluster says of them.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::platform::Platform;
use crate::platform::config::ServiceConfig;
use crate::platform::kube::{Cluster, Pod, Workload};
use crate::report::{Finding, Provenance, Status, Table};

/// A restart younger than this is worth a warning.
const RECENT: SignedDuration = SignedDuration::from_mins(15);

/// Everything that one namespace told.
struct Namespace {
    workloads: Vec<Workload>,
    /// `Err` is a finding of its own; the workloads stand without it.
    pods: Vec<Pod>,
}

/// What the clusters say of these services. One list a namespace, whatever the number of services.
pub(super) async fn check(
    platform: &Platform,
    services: &[&ServiceConfig],
) -> (Vec<Finding>, Vec<Table>) {
    let mut wanted: BTreeMap<&str, Vec<&ServiceConfig>> = BTreeMap::new();
    for service in services.iter().filter(|s| s.workload.is_some()) {
        let first = platform.clusters.first().map(Cluster::name);
        if let Some(cluster) = service.cluster.as_deref().or(first) {
            wanted.entry(cluster).or_default().push(service);
        }
    }
    let single = services.len() == 1;
    let asked = platform.clusters.iter().filter_map(|cluster| {
        let services = wanted.remove(cluster.name())?;
        Some(one_cluster(cluster, services, single))
    });
    let answers = join_all(asked.collect::<Vec<_>>()).await;
    let (findings, tables): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    (findings.concat(), tables.concat())
}

async fn one_cluster(
    cluster: &Cluster,
    services: Vec<&ServiceConfig>,
    single: bool,
) -> (Vec<Finding>, Vec<Table>) {
    let names: BTreeSet<&str> = services.iter().map(|s| s.namespace.as_str()).collect();
    let asked = names.iter().map(|name| async {
        let (workloads, pods) =
            futures_util::join!(cluster.workloads(name), cluster.pods(name, None));
        (*name, workloads, pods)
    });
    let mut namespaces = BTreeMap::new();
    let mut findings: Vec<Finding> = Vec::new();
    let subject = format!("cluster {}", cluster.name());
    for (name, workloads, pods) in join_all(asked).await {
        let source = |what: &str| format!("list {what} in {name} of {}", cluster.name());
        let pods = pods.unwrap_or_else(|error| {
            if workloads.is_ok() {
                findings.push(error.finding(subject.as_str(), source("pods")));
            }
            Vec::new()
        });
        match workloads {
            Ok(workloads) => drop(namespaces.insert(name, Namespace { workloads, pods })),
            Err(error) => findings.push(error.finding(subject.as_str(), source("workloads"))),
        }
    }
    // An unreachable cluster is one fact, not one a namespace.
    findings.dedup_by(|a, b| a.measured == b.measured);
    let mut tables = Vec::new();
    for service in services {
        if let Some(namespace) = namespaces.get(service.namespace.as_str()) {
            let (finding, pods) = one_service(cluster.name(), service, namespace);
            findings.push(finding);
            if single && !pods.is_empty() {
                tables.push(pod_table(service, cluster.name(), &pods));
            }
        }
    }
    (findings, tables)
}

fn one_service<'a>(
    cluster: &str,
    service: &ServiceConfig,
    namespace: &'a Namespace,
) -> (Finding, Vec<&'a Pod>) {
    let place = service.workload.as_deref().unwrap_or_default();
    let (kind, name) = place.split_once('/').unwrap_or(("deployment", place));
    let source = format!("{kind} {}/{name} in {cluster}", service.namespace);
    let found = namespace.workloads.iter().find(|w| w.name == name && w.kind.word() == kind);
    let Some(workload) = found else {
        let text = format!("no {kind} {}/{name} in {cluster}", service.namespace);
        let finding = Finding::new(Status::Absent, service.name.as_str(), text, source);
        return (
            finding.hint("removed, or named differently here: see the service's `workload`"),
            Vec::new(),
        );
    };
    let selector = service.selector.as_deref().unwrap_or(&workload.selector);
    let pods: Vec<&Pod> = namespace.pods.iter().filter(|pod| pod.selected_by(selector)).collect();
    let (status, mut facts) = judge(workload, &pods);
    let restarts: u64 = pods.iter().map(|pod| u64::from(pod.restarts)).sum();
    if restarts > 0 {
        facts.push(format!("{restarts} restarts"));
    }
    if let Some(image) = workload.images.first() {
        facts.push(short_image(image).to_owned());
    }
    (Finding::new(status, service.name.as_str(), facts.join(" · "), source), pods)
}

/// Ready replicas first, then why they are not all there.
fn judge(workload: &Workload, pods: &[&Pod]) -> (Status, Vec<String>) {
    let (ready, desired) = (workload.ready, workload.desired);
    let mut facts = vec![format!("{ready}/{desired} ready")];
    let mut status = match (ready, desired) {
        (_, 0) => Status::Warn,
        (0, _) => Status::Fail,
        (r, d) if r < d => Status::Warn,
        _ => Status::Ok,
    };
    if desired == 0 {
        facts.push("scaled to zero".to_owned());
    }
    if workload.observed_generation < workload.generation || workload.updated < desired {
        facts.push(format!("rolling out, {} updated", workload.updated));
    }
    if let Some(reason) = &workload.stuck {
        facts.push(format!("rollout stuck: {reason}"));
        status = status.min(Status::Warn);
    }
    let waiting: BTreeSet<&str> =
        pods.iter().filter_map(|pod| pod.waiting_reason.as_deref()).collect();
    for reason in waiting.iter().take(2) {
        let count = pods.iter().filter(|pod| pod.waiting_reason.as_deref() == Some(reason)).count();
        facts.push(format!("{reason} ×{count}"));
        if !matches!(*reason, "ContainerCreating" | "PodInitializing") {
            status = status.min(Status::Warn);
        }
    }
    let youngest = pods.iter().filter_map(|pod| pod.last_restart.as_ref()).max_by_key(|r| r.at);
    if let Some(restart) = youngest {
        let age = Timestamp::now().duration_since(restart.at);
        if age < RECENT {
            let when = match age.as_mins() {
                ..=0 => "just now".to_owned(),
                minutes => format!("{minutes} min ago"),
            };
            facts.push(format!("restarted {when} ({})", restart.reason));
            status = status.min(Status::Warn);
        }
    }
    (status, facts)
}

/// `registry/team/name:tag` → `name:tag`; a digest is cut to 12 characters.
fn short_image(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split_once("@sha256:") {
        Some((head, digest)) => &name[..head.len() + 8 + digest.len().min(12)],
        None => name,
    }
}

fn pod_table(service: &ServiceConfig, cluster: &str, pods: &[&Pod]) -> Table {
    let row = |pod: &&Pod| {
        let state = pod.waiting_reason.clone().unwrap_or_else(|| pod.phase.clone());
        let ready = if pod.ready { "yes" } else { "no" };
        let node = pod.node.clone().unwrap_or_default();
        vec![
            pod.name.as_str().into(),
            ready.into(),
            state.into(),
            pod.restarts.to_string().into(),
            node.into(),
        ]
    };
    Table {
        title: format!("Pods of {}", service.name).into(),
        columns: vec!["pod", "ready", "state", "restarts", "node"],
        rows: pods.iter().map(row).collect(),
        provenance: Provenance {
            source: format!("list pods in {} of {cluster}", service.namespace).into(),
            at: Timestamp::now(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_shown_short() {
        assert_eq!(short_image("registry.io:5000/nova/vm-service:1.4.2"), "vm-service:1.4.2");
        assert_eq!(short_image("vm@sha256:0123456789abcdef0123"), "vm@sha256:0123456789ab");
        assert_eq!(short_image("vm@sha256:é"), "vm@sha256:é");
    }
}
