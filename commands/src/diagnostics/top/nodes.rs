//! `top nodes [--allocated]`: what the nodes use, or what their pods have been promised.

use std::collections::BTreeMap;

use clap::{Args as _, FromArgMatches as _};
use futures_util::future::join_all;
use jiff::Timestamp;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::{Cluster, Node, NodeMetrics, Pod, Resources};
use crate::platform::no_cluster;
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

#[derive(clap::Args)]
struct Args {
    /// Requests and limits of the pods against what the node has
    #[arg(long)]
    allocated: bool,
    /// Only this cluster
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
}

pub(crate) const COMMAND: Command = Command {
    path: "top nodes",
    summary: "CPU and memory of the nodes",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G06", "G11"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// A node above this share of its CPU or memory, in percent, is worth a warning.
const LIMIT: u64 = 90;

/// What one cluster told.
#[derive(Default)]
struct Told {
    findings: Vec<Finding>,
    /// Each row with the share by which it is sorted.
    rows: Vec<(u64, Vec<Untrusted>)>,
    /// The oldest sample.
    at: Option<Timestamp>,
}

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let clusters = call.platform.clusters_of(args.cluster.as_deref())?;
    if clusters.is_empty() {
        return Ok(Report::only("nodes", no_cluster()));
    }
    call.progress.total(clusters.len());
    let asked = clusters.iter().map(|cluster| async {
        let told = match args.allocated {
            true => allocated(cluster).await,
            false => used(cluster).await,
        };
        call.progress.done();
        told
    });
    let mut all = Told::default();
    for told in join_all(asked).await {
        all.findings.extend(told.findings);
        all.rows.extend(told.rows);
        all.at = [all.at, told.at].into_iter().flatten().min();
    }
    all.rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1[0].raw().cmp(b.1[0].raw())));
    let mut columns = if args.allocated {
        vec![
            "node",
            "pods",
            "cpu requests",
            "cpu limits",
            "memory requests",
            "memory limits",
            "state",
        ]
    } else {
        vec!["node", "cpu", "cpu %", "memory", "memory %", "state"]
    };
    if clusters.len() > 1 {
        columns.push("cluster");
    }
    let mut rows: Vec<_> = all.rows.into_iter().map(|(_, row)| row).collect();
    for row in &mut rows {
        row.truncate(columns.len());
    }
    let source = if args.allocated { "list nodes and pods" } else { "metrics.k8s.io nodes" };
    let provenance =
        Provenance { source: source.into(), at: all.at.unwrap_or_else(Timestamp::now) };
    let subject = match &args.cluster {
        Some(name) => format!("nodes of {name}"),
        None => "nodes".to_owned(),
    };
    let mut report = Report::new(subject.as_str());
    report.findings = all.findings;
    if !rows.is_empty() {
        let title = if args.allocated { "Allocated, the fullest first" } else { "Busiest nodes" };
        report.tables.push(Table { title: title.into(), columns, rows, provenance });
    }
    report.sort();
    let within = args.cluster.map_or_else(String::new, |name| format!(" --cluster {name}"));
    let report = if args.allocated {
        report.then("In use", format!("top nodes{within}"))
    } else {
        report.then("Allocated", format!("top nodes --allocated{within}"))
    };
    Ok(report.then("Busiest pods", format!("top pods{within}")).bounded())
}

async fn used(cluster: &Cluster) -> Told {
    let (nodes, metrics) = futures_util::join!(cluster.nodes(), cluster.node_metrics());
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(error) => return unknown(error.finding(subject(cluster), listed(cluster))),
    };
    let mut told = Told::default();
    let usage: BTreeMap<String, NodeMetrics> = match metrics {
        Ok(metrics) => metrics.into_iter().map(|m| (m.name.clone(), m)).collect(),
        Err(error) => {
            told.findings.push(cluster.no_metrics(&error));
            BTreeMap::new()
        }
    };
    told.at = usage.values().map(|sample| sample.at).min();
    let mut sum = Resources::default();
    for node in &nodes {
        let sample = usage.get(&node.name);
        let cpu = sample.and_then(|s| share(s.cpu_milli, node.cpu_milli));
        let memory = sample.and_then(|s| share(s.memory_bytes, node.memory_bytes));
        if let Some(sample) = sample {
            sum.cpu_milli += sample.cpu_milli;
            sum.memory_bytes += sample.memory_bytes;
        }
        told.findings.extend(trouble(cluster, node, &[("cpu", cpu), ("memory", memory)]));
        let none = || Untrusted::from("–");
        let percent = |share: Option<u64>| share.map_or_else(none, |s| format!("{s} %").into());
        let row = vec![
            node.name.as_str().into(),
            sample.map_or_else(none, |s| cores(s.cpu_milli).into()),
            percent(cpu),
            sample.map_or_else(none, |s| human::bytes(s.memory_bytes as f64).into()),
            percent(memory),
            state(node).into(),
            cluster.name().into(),
        ];
        told.rows.push((cpu.max(memory).unwrap_or_default(), row));
    }
    let measured = (!usage.is_empty()).then(|| {
        format!("{} and {} in use", cores(sum.cpu_milli), human::bytes(sum.memory_bytes as f64))
    });
    told.findings.push(summary(cluster, &nodes, measured));
    told
}

async fn allocated(cluster: &Cluster) -> Told {
    let (nodes, pods) = futures_util::join!(cluster.nodes(), cluster.pods_everywhere());
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(error) => return unknown(error.finding(subject(cluster), listed(cluster))),
    };
    let mut told = Told::default();
    let pods = pods.unwrap_or_else(|error| {
        let source = format!("list pods of every namespace of {}", cluster.name());
        told.findings.push(error.finding(format!("pods {}", cluster.name()), source));
        Vec::new()
    });
    let mut promised: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| pod.counts()) {
        if let Some(node) = &pod.node {
            promised.entry(node).or_default().push(pod);
        }
    }
    let known = !pods.is_empty();
    for node in &nodes {
        let pods = promised.remove(node.name.as_str()).unwrap_or_default();
        let sum = |of: fn(&Pod) -> Resources| {
            pods.iter().map(|pod| of(pod)).fold(Resources::default(), Resources::plus)
        };
        let (requests, limits) = (sum(|pod| pod.requests), sum(|pod| pod.limits));
        let cpu = share(requests.cpu_milli, node.cpu_milli);
        let memory = share(requests.memory_bytes, node.memory_bytes);
        let full = node.pods.and_then(|most| share(pods.len() as u64, Some(most)));
        let shares = [("cpu requests", cpu), ("memory requests", memory), ("pods", full)];
        told.findings.extend(trouble(cluster, node, &shares));
        if known {
            let row = vec![
                node.name.as_str().into(),
                match node.pods {
                    Some(most) => format!("{} of {most}", pods.len()).into(),
                    None => pods.len().to_string().into(),
                },
                with_share(cores(requests.cpu_milli), cpu),
                with_share(cores(limits.cpu_milli), share(limits.cpu_milli, node.cpu_milli)),
                with_share(human::bytes(requests.memory_bytes as f64), memory),
                with_share(
                    human::bytes(limits.memory_bytes as f64),
                    share(limits.memory_bytes, node.memory_bytes),
                ),
                state(node).into(),
                cluster.name().into(),
            ];
            told.rows.push((cpu.max(memory).unwrap_or_default(), row));
        }
    }
    told.findings.push(summary(cluster, &nodes, None));
    told
}

fn unknown(finding: Finding) -> Told {
    Told { findings: vec![finding], ..Told::default() }
}

/// What is wrong with a node, if anything is.
fn trouble(cluster: &Cluster, node: &Node, shares: &[(&str, Option<u64>)]) -> Option<Finding> {
    let mut facts = Vec::new();
    if !node.ready {
        facts.push("not ready".to_owned());
    }
    facts.extend(node.bad_conditions.iter().cloned());
    for (what, share) in shares {
        facts.extend(share.filter(|s| *s >= LIMIT).map(|share| format!("{what} {share} %")));
    }
    if facts.is_empty() {
        return None;
    }
    let status = if node.ready { Status::Warn } else { Status::Fail };
    let finding = Finding::new(status, node.name.as_str(), facts.join(" · "), listed(cluster));
    let finding = finding.expected(format!("ready, below {LIMIT} %"));
    Some(match node.bad_conditions.iter().any(|condition| condition == "MemoryPressure") {
        true => finding.hint("pods are being evicted here: see what uses the memory in `top pods`"),
        false => finding,
    })
}

/// One line for a cluster, which is well where nothing else is said.
fn summary(cluster: &Cluster, nodes: &[Node], used: Option<String>) -> Finding {
    let ready = nodes.iter().filter(|node| node.ready).count();
    let status = match (nodes.len(), ready) {
        (0, _) => Status::NoData,
        (_, 0) => Status::Fail,
        (all, ready) if ready < all => Status::Warn,
        _ => Status::Ok,
    };
    let mut facts = vec![format!("{ready}/{} ready", nodes.len())];
    facts.extend(used);
    let cordoned = nodes.iter().filter(|node| node.unschedulable).count();
    if cordoned > 0 {
        facts.push(format!("{cordoned} cordoned"));
    }
    Finding::new(status, subject(cluster), facts.join(" · "), listed(cluster))
}

fn state(node: &Node) -> String {
    let mut words = vec![if node.ready { "ready" } else { "not ready" }];
    words.extend(node.bad_conditions.iter().map(String::as_str));
    words.extend(node.unschedulable.then_some("cordoned"));
    words.join(", ")
}

fn subject(cluster: &Cluster) -> String {
    format!("nodes {}", cluster.name())
}

fn listed(cluster: &Cluster) -> String {
    format!("list nodes of {}", cluster.name())
}

fn share(used: u64, of: Option<u64>) -> Option<u64> {
    of.filter(|of| *of > 0).map(|of| used.saturating_mul(100) / of)
}

fn with_share(amount: String, share: Option<u64>) -> Untrusted {
    match share {
        Some(share) => format!("{amount} ({share} %)").into(),
        None => amount.into(),
    }
}

fn cores(milli: u64) -> String {
    format!("{milli}m")
}
