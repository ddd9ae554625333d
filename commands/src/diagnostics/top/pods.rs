//! `top pods [--sort cpu|memory]`: the pods that use most, and those that are near their limits.

use clap::{Args as _, FromArgMatches as _};
use futures_util::future::join_all;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::{Cluster, PodUsage};
use crate::platform::no_cluster;
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

#[derive(clap::Args)]
struct Args {
    /// What the list is sorted by
    #[arg(long, value_name = "BY", value_parser = ["cpu", "memory"], default_value = "cpu")]
    sort: String,
    /// Only this cluster
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
}

pub(crate) const COMMAND: Command = Command {
    path: "top pods",
    summary: "CPU and memory of the pods",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G06"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// A pod above this share of its limit, in percent, is worth a warning. Memory above its limit is killed;
/// CPU above it waits.
const LIMIT: u64 = 90;

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let platform = &*call.platform;
    let clusters = platform.clusters_of(args.cluster.as_deref())?;
    if clusters.is_empty() {
        return Ok(Report::only("pods", no_cluster()));
    }
    let namespaces: Vec<&str> = platform.namespaces().into_iter().collect();
    call.progress.total(clusters.len());
    let asked = clusters.iter().map(|cluster| async {
        let told = one(cluster, &namespaces).await;
        call.progress.done();
        (cluster.name(), told)
    });
    let mut report = Report::new("pods");
    let (mut rows, mut at) = (Vec::new(), None);
    for (cluster, (findings, pods)) in join_all(asked).await {
        report.findings.extend(findings);
        for PodUsage { pod, used } in &pods {
            let Some(used) = used else { continue };
            at = [at, Some(used.at)].into_iter().flatten().min();
            let (cpu, memory) = (pod.limits.cpu_milli, pod.limits.memory_bytes);
            let row: Vec<Untrusted> = vec![
                pod.name.as_str().into(),
                format!("{}m", used.cpu_milli).into(),
                limit(used.cpu_milli, cpu),
                human::bytes(used.memory_bytes as f64).into(),
                limit(used.memory_bytes, memory),
                pod.restarts.to_string().into(),
                cluster.into(),
            ];
            let by = if args.sort == "cpu" { used.cpu_milli } else { used.memory_bytes };
            rows.push((by, row));
        }
    }
    rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1[0].raw().cmp(b.1[0].raw())));
    let mut columns = vec!["pod", "cpu", "of limit", "memory", "of limit", "restarts"];
    if clusters.len() > 1 {
        columns.push("cluster");
    }
    let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    for row in &mut rows {
        row.truncate(columns.len());
    }
    if let Some(at) = at {
        let title = format!("Pods by {}", args.sort);
        let provenance = Provenance { source: "metrics.k8s.io pods".into(), at };
        report.tables.push(Table { title: title.into(), columns, rows, provenance });
    }
    report.sort();
    let other = if args.sort == "cpu" { "memory" } else { "cpu" };
    let within = args.cluster.map_or_else(String::new, |name| format!(" --cluster {name}"));
    Ok(report
        .then(&format!("By {other}"), format!("top pods --sort {other}{within}"))
        .then("Nodes", format!("top nodes{within}"))
        .bounded())
}

async fn one(cluster: &Cluster, namespaces: &[&str]) -> (Vec<Finding>, Vec<PodUsage>) {
    let asked = namespaces.iter().map(|namespace| cluster.pod_usage(namespace));
    let (mut findings, mut pods) = (Vec::new(), Vec::new());
    for answer in join_all(asked).await {
        match answer {
            Ok(told) => pods.extend(told),
            Err(error) => findings.push(cluster.no_metrics(&error)),
        }
    }
    // A cluster that does not answer is one fact, not one a namespace.
    findings.dedup_by(|a, b| a.measured == b.measured);
    let source = format!("metrics.k8s.io pods of {}", cluster.name());
    let near = |used: u64, limit: u64| limit > 0 && used.saturating_mul(100) >= limit * LIMIT;
    let (mut cpu, mut memory, mut measured) = (0u64, 0u64, 0);
    for PodUsage { pod, used } in &pods {
        let Some(used) = used else { continue };
        measured += 1;
        cpu += used.cpu_milli;
        memory += used.memory_bytes;
        let mut facts = Vec::new();
        if near(used.memory_bytes, pod.limits.memory_bytes) {
            let [now, most] =
                [used.memory_bytes, pod.limits.memory_bytes].map(|b| human::bytes(b as f64));
            facts.push(format!("memory {now} of {most}"));
        }
        if near(used.cpu_milli, pod.limits.cpu_milli) {
            facts.push(format!("cpu {}m of {}m", used.cpu_milli, pod.limits.cpu_milli));
        }
        if !facts.is_empty() {
            let text = facts.join(" · ");
            let finding = Finding::new(Status::Warn, pod.name.as_str(), text, source.as_str());
            let finding = finding.expected(format!("below {LIMIT} % of its limit"));
            findings.push(finding.at(used.at));
        }
    }
    if measured > 0 {
        let text = format!(
            "{} · {cpu}m and {} in use",
            human::count(measured, "pod"),
            human::bytes(memory as f64)
        );
        findings.push(Finding::new(Status::Ok, format!("pods {}", cluster.name()), text, source));
    } else if findings.is_empty() {
        let text = format!("no pods in {}", namespaces.join(", "));
        findings.push(Finding::new(
            Status::NoData,
            format!("pods {}", cluster.name()),
            text,
            source,
        ));
    }
    (findings, pods)
}

/// The share of a limit; a pod without one has none.
fn limit(used: u64, limit: u64) -> Untrusted {
    match used.saturating_mul(100).checked_div(limit) {
        Some(share) => format!("{share} %").into(),
        None => "no limit".into(),
    }
}
