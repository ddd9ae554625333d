//! Nodes, and what nodes and pods use: the last part of the guide's health script.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::platform::kube::{Cluster, Node, NodeMetrics, PodMetrics};
use crate::platform::{Cause, PlatformError, not_configured};
use crate::report::{Finding, Provenance, Status, Table};
use crate::text::Untrusted;

/// A node above this use of its allocatable CPU or memory, in percent, is worth a warning.
const LIMIT: u64 = 90;
/// Rows shown, as in the guide's `head -5` and `head -10`.
const NODES: usize = 5;
const PODS: usize = 10;

/// What one cluster told.
#[derive(Default)]
struct Told {
    findings: Vec<Finding>,
    nodes: Vec<(u64, Vec<Untrusted>)>,
    pods: Vec<(u64, Vec<Untrusted>)>,
    /// The oldest sample.
    at: Option<Timestamp>,
}

/// The nodes of each cluster, and the busiest nodes and pods of all of them.
pub(super) async fn check(
    clusters: &[&Cluster],
    namespaces: &[&str],
) -> (Vec<Finding>, Vec<Table>) {
    if clusters.is_empty() {
        return (vec![not_configured("Kubernetes", "[clusters]")], Vec::new());
    }
    let told = join_all(clusters.iter().map(|cluster| one(cluster, namespaces))).await;
    let mut all = Told::default();
    for part in told {
        all.findings.extend(part.findings);
        all.nodes.extend(part.nodes);
        all.pods.extend(part.pods);
        all.at = [all.at, part.at].into_iter().flatten().min();
    }
    let Some(at) = all.at else { return (all.findings, Vec::new()) };
    let several = clusters.len() > 1;
    let table = |title: &str, mut columns: Vec<_>, mut rows: Vec<(u64, Vec<Untrusted>)>, most| {
        rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1[0].raw().cmp(b.1[0].raw())));
        // The last column says which cluster; one cluster needs no word.
        if several {
            columns.push("cluster");
        }
        for (_, row) in &mut rows {
            row.truncate(columns.len());
        }
        Table {
            title: title.into(),
            columns,
            rows: rows.into_iter().take(most).map(|(_, row)| row).collect(),
            provenance: Provenance { source: "metrics.k8s.io".into(), at },
        }
    };
    let nodes = vec!["node", "cpu", "cpu %", "memory", "memory %"];
    let pods = vec!["pod", "cpu", "memory"];
    let tables = [
        table("Busiest nodes", nodes, all.nodes, NODES),
        table("Busiest pods", pods, all.pods, PODS),
    ];
    (all.findings, tables.into_iter().filter(|table| !table.rows.is_empty()).collect())
}

async fn one(cluster: &Cluster, namespaces: &[&str]) -> Told {
    let name = cluster.name();
    let pods = join_all(namespaces.iter().map(|namespace| cluster.pod_metrics(namespace)));
    let (nodes, metrics, pods) = futures_util::join!(cluster.nodes(), cluster.node_metrics(), pods);
    let subject = format!("nodes {name}");
    let mut told = Told::default();
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(error) => {
            told.findings.push(error.finding(subject, format!("list nodes of {name}")));
            return told;
        }
    };
    let pods: Vec<_> = if metrics.is_ok() {
        for error in pods.iter().filter_map(|pods| pods.as_ref().err()) {
            told.findings.push(no_metrics(name, error));
        }
        pods.into_iter().flatten().flatten().collect()
    } else {
        // Said once, of the nodes.
        Vec::new()
    };
    let usage: BTreeMap<String, NodeMetrics> = match metrics {
        Ok(metrics) => metrics.into_iter().map(|m| (m.name.clone(), m)).collect(),
        Err(error) => {
            told.findings.push(no_metrics(name, &error));
            BTreeMap::new()
        }
    };
    told.findings.push(judge(&subject, name, &nodes, &usage));
    let samples = usage.values().map(|sample| sample.at);
    told.at = samples.chain(pods.iter().map(|pod| pod.at)).min();
    told.nodes = nodes
        .iter()
        .filter_map(|node| Some(node_row(name, node, usage.get(&node.name)?)))
        .collect();
    let row = |pod: PodMetrics| {
        let cells =
            [pod.name.into(), cores(pod.cpu_milli), mebibytes(pod.memory_bytes), name.into()];
        (pod.cpu_milli, cells.into())
    };
    told.pods = pods.into_iter().map(row).collect();
    told
}

fn node_row(cluster: &str, node: &Node, used: &NodeMetrics) -> (u64, Vec<Untrusted>) {
    let share = |used, of| percent(used, of).map_or_else(|| "?".to_owned(), |p| format!("{p} %"));
    let row = vec![
        node.name.as_str().into(),
        cores(used.cpu_milli),
        share(used.cpu_milli, node.cpu_milli).into(),
        mebibytes(used.memory_bytes),
        share(used.memory_bytes, node.memory_bytes).into(),
        cluster.into(),
    ];
    (used.cpu_milli, row)
}

fn judge(
    subject: &str,
    cluster: &str,
    nodes: &[Node],
    usage: &BTreeMap<String, NodeMetrics>,
) -> Finding {
    let source = format!("list nodes of {cluster}");
    let ready = nodes.iter().filter(|node| node.ready).count();
    let mut troubles: Vec<String> = Vec::new();
    for node in nodes {
        if !node.ready {
            troubles.push(format!("{} not ready", node.name));
        }
        troubles.extend(node.bad_conditions.iter().map(|c| format!("{} {c}", node.name)));
        let Some(used) = usage.get(&node.name) else { continue };
        let parts = [
            ("cpu", used.cpu_milli, node.cpu_milli),
            ("memory", used.memory_bytes, node.memory_bytes),
        ];
        for (what, used, of) in parts {
            if let Some(share) = percent(used, of).filter(|share| *share >= LIMIT) {
                troubles.push(format!("{} {what} {share} %", node.name));
            }
        }
    }
    let cordoned = nodes.iter().filter(|node| node.unschedulable).count();
    let status = match (nodes.len(), ready) {
        (0, _) => Status::NoData,
        (_, 0) => Status::Fail,
        _ if troubles.is_empty() => Status::Ok,
        _ => Status::Warn,
    };
    let mut measured = format!("{ready}/{} ready", nodes.len());
    if cordoned > 0 {
        measured = format!("{measured} · {cordoned} cordoned");
    }
    for trouble in troubles.iter().take(3) {
        measured = format!("{measured} · {trouble}");
    }
    if troubles.len() > 3 {
        measured = format!("{measured} · {} more", troubles.len() - 3);
    }
    Finding::new(status, subject, measured, source)
}

fn no_metrics(cluster: &str, error: &PlatformError) -> Finding {
    let source = format!("metrics.k8s.io nodes of {cluster}");
    let subject = format!("metrics {cluster}");
    match error.cause {
        Cause::NotFound => {
            Finding::new(Status::Unsupported, subject, "no metrics API here", source)
        }
        _ => Finding::new(Status::NoData, subject, error.measured(), source),
    }
}

fn percent(used: u64, of: Option<u64>) -> Option<u64> {
    of.filter(|of| *of > 0).map(|of| used.saturating_mul(100) / of)
}

fn cores(milli: u64) -> Untrusted {
    format!("{milli}m").into()
}

fn mebibytes(bytes: u64) -> Untrusted {
    format!("{} MiB", bytes / 1_048_576).into()
}
