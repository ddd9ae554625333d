//! Nodes, and what nodes and pods use: the last part of the guide's health script.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::stores::not_configured;
use crate::platform::kube::{Cluster, Node};
use crate::platform::{Cause, PlatformError};
use crate::report::{Finding, Provenance, Status, Table};
use crate::text::Untrusted;

/// A node above this use of its allocatable CPU or memory, in percent, is worth a warning.
const LIMIT: u64 = 90;
/// Rows shown, as in the guide's `head -5` and `head -10`.
const NODES: usize = 5;
const PODS: usize = 10;

/// The nodes of each cluster, and the busiest pods of the namespaces in use.
pub(super) async fn check(clusters: &[&Cluster], namespaces: &[&str]) -> (Vec<Finding>, Vec<Table>) {
    if clusters.is_empty() {
        return (vec![not_configured("Kubernetes", "[clusters]")], Vec::new());
    }
    let answers = join_all(clusters.iter().map(|cluster| one(cluster, namespaces))).await;
    let (findings, tables): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    (findings.concat(), tables.concat())
}

async fn one(cluster: &Cluster, namespaces: &[&str]) -> (Vec<Finding>, Vec<Table>) {
    let name = cluster.name();
    let pods = join_all(namespaces.iter().map(|namespace| cluster.pod_metrics(namespace)));
    let (nodes, metrics, pods) = futures_util::join!(cluster.nodes(), cluster.node_metrics(), pods);
    let subject = format!("nodes {name}");
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(error) => {
            return (vec![error.finding(subject.as_str(), format!("list nodes of {name}"))], Vec::new());
        }
    };
    let (mut findings, mut tables) = (Vec::new(), Vec::new());
    let usage: BTreeMap<String, (u64, u64, Timestamp)> = match metrics {
        Ok(metrics) => metrics.into_iter().map(|m| (m.name, (m.cpu_milli, m.memory_bytes, m.at))).collect(),
        Err(error) => {
            findings.push(no_metrics(name, &error));
            BTreeMap::new()
        }
    };
    findings.push(judge(&subject, name, &nodes, &usage));
    if !usage.is_empty() {
        tables.push(node_table(name, &nodes, &usage));
    }
    let mut busiest: Vec<_> = pods.into_iter().flatten().flatten().collect();
    busiest.sort_by(|a, b| b.cpu_milli.cmp(&a.cpu_milli).then_with(|| a.name.cmp(&b.name)));
    if let Some(first) = busiest.first() {
        let at = first.at;
        let row = |pod: &crate::platform::kube::PodMetrics| {
            vec![pod.name.as_str().into(), cores(pod.cpu_milli), mebibytes(pod.memory_bytes)]
        };
        tables.push(Table {
            title: format!("Busiest pods in {name}").into(),
            columns: vec!["pod", "cpu", "memory"],
            rows: busiest.iter().take(PODS).map(row).collect(),
            provenance: Provenance { source: "metrics.k8s.io pods".into(), at },
        });
    }
    (findings, tables)
}

fn judge(
    subject: &str,
    cluster: &str,
    nodes: &[Node],
    usage: &BTreeMap<String, (u64, u64, Timestamp)>,
) -> Finding {
    let source = format!("list nodes of {cluster}");
    let ready = nodes.iter().filter(|node| node.ready).count();
    let mut troubles: Vec<String> = Vec::new();
    for node in nodes {
        if !node.ready {
            troubles.push(format!("{} not ready", node.name));
        }
        troubles.extend(node.bad_conditions.iter().map(|c| format!("{} {c}", node.name)));
        let Some((cpu, memory, _)) = usage.get(&node.name) else { continue };
        for (what, used, of) in [("cpu", *cpu, node.cpu_milli), ("memory", *memory, node.memory_bytes)] {
            if let Some(share) = percent(used, of).filter(|share| *share >= LIMIT) {
                troubles.push(format!("{} {what} {share} %", node.name));
            }
        }
    }
    let status = match (nodes.len(), ready) {
        (0, _) => Status::NoData,
        (_, 0) => Status::Fail,
        _ if troubles.is_empty() => Status::Ok,
        _ => Status::Warn,
    };
    let mut measured = format!("{ready}/{} ready", nodes.len());
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
        Cause::NotFound => Finding::new(Status::Unsupported, subject, "no metrics API here", source),
        _ => Finding::new(Status::NoData, subject, error.measured(), source),
    }
}

fn node_table(cluster: &str, nodes: &[Node], usage: &BTreeMap<String, (u64, u64, Timestamp)>) -> Table {
    let mut rows: Vec<(u64, Vec<Untrusted>)> = nodes
        .iter()
        .filter_map(|node| {
            let (cpu, memory, _) = usage.get(&node.name)?;
            let share = |used, of| percent(used, of).map_or_else(|| "?".to_owned(), |p| format!("{p} %"));
            let row = vec![
                node.name.as_str().into(),
                cores(*cpu),
                share(*cpu, node.cpu_milli).into(),
                mebibytes(*memory),
                share(*memory, node.memory_bytes).into(),
            ];
            Some((*cpu, row))
        })
        .collect();
    rows.sort_by_key(|(cpu, _)| std::cmp::Reverse(*cpu));
    Table {
        title: format!("Nodes of {cluster}").into(),
        columns: vec!["node", "cpu", "cpu %", "memory", "memory %"],
        rows: rows.into_iter().take(NODES).map(|(_, row)| row).collect(),
        provenance: Provenance {
            source: "metrics.k8s.io nodes".into(),
            at: usage.values().map(|(_, _, at)| *at).min().unwrap_or_else(Timestamp::now),
        },
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
