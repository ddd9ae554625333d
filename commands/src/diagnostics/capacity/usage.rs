//! `capacity usage`: what each workload and pod uses of what it was promised.

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::{Cluster, PodUsage, Resources, Workload};
use crate::platform::{PlatformError, no_cluster};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "capacity usage",
    summary: "CPU and memory by pod",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G83"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// A workload that uses more than this share of its requests, in percent, has no room left: the nodes
/// have promised it no more.
const LIMIT: u64 = 90;

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    if platform.clusters.is_empty() {
        return Ok(Report::only("usage", no_cluster()));
    }
    let namespaces = platform.namespaces();
    let places: Vec<(&Cluster, &str)> = platform
        .clusters
        .iter()
        .flat_map(|cluster| namespaces.iter().map(move |namespace| (cluster, *namespace)))
        .collect();
    call.progress.total(places.len());
    let asked = places.iter().map(|(cluster, namespace)| async {
        let both = futures_util::join!(cluster.workloads(namespace), cluster.pod_usage(namespace));
        call.progress.done();
        (*cluster, *namespace, both)
    });
    let several = platform.clusters.len() > 1;
    let mut report = Report::new("usage");
    let mut pods: Vec<(PodUsage, &Cluster)> = Vec::new();
    for (cluster, namespace, (workloads, usage)) in join_all(asked).await {
        match usage {
            Ok(usage) => {
                let by = workloads.unwrap_or_default();
                let place = format!("{namespace} of {}", cluster.name());
                let judged = by.iter().filter_map(|workload| judge(workload, &usage, &place));
                report.findings.extend(judged.map(|finding| match several {
                    true => {
                        let subject = format!("{} {}", finding.subject.raw(), cluster.name());
                        Finding { subject: subject.into(), ..finding }
                    }
                    false => finding,
                }));
                pods.extend(usage.into_iter().map(|pod| (pod, cluster)));
            }
            Err(error) => report.findings.push(unknown(cluster, &error)),
        }
    }
    // A cluster that does not answer is one fact, not one a namespace.
    report.findings.dedup_by(|a, b| a.subject == b.subject && a.measured == b.measured);
    if report.findings.is_empty() {
        let text =
            format!("no workload in {}", namespaces.into_iter().collect::<Vec<_>>().join(", "));
        report.findings.push(Finding::new(Status::NoData, "usage", text, "list workloads"));
    }
    let cpu = |used: &PodUsage| used.used.as_ref().map_or(0, |used| used.cpu_milli);
    let memory = |used: &PodUsage| used.used.as_ref().map_or(0, |used| used.memory_bytes);
    report.tables.extend(table("Pods by cpu", &mut pods, several, cpu));
    report.tables.extend(table("Pods by memory", &mut pods, several, memory));
    report.sort();
    Ok(report
        .then("Recommended", "capacity recommend")
        .then("Autoscalers", "capacity hpa")
        .then("Nodes", "top nodes --allocated")
        .bounded())
}

fn unknown(cluster: &Cluster, error: &PlatformError) -> Finding {
    cluster.no_metrics(error)
}

/// What the pods of a workload use together; `None` for one that has none with a sample.
fn judge(workload: &Workload, usage: &[PodUsage], place: &str) -> Option<Finding> {
    let (mut used, mut requests, mut pods) = (Resources::default(), Resources::default(), 0);
    for PodUsage { pod, used: sample } in usage {
        let Some(sample) = sample.as_ref().filter(|_| pod.selected_by(&workload.selector)) else {
            continue;
        };
        pods += 1;
        requests = requests.plus(pod.requests);
        used =
            used.plus(Resources { cpu_milli: sample.cpu_milli, memory_bytes: sample.memory_bytes });
    }
    if pods == 0 {
        return None;
    }
    let cpu = share(used.cpu_milli, requests.cpu_milli);
    let memory = share(used.memory_bytes, requests.memory_bytes);
    let tight = [cpu, memory].iter().any(|share| share.is_some_and(|share| share >= LIMIT));
    let of = |amount: String, share: Option<u64>, asked: String| match share {
        Some(share) => format!("{amount} of {asked} ({share} %)"),
        None => format!("{amount}, nothing requested"),
    };
    let bytes = |bytes: u64| human::bytes(bytes as f64);
    let text = format!(
        "cpu {} · memory {} · {}",
        of(format!("{}m", used.cpu_milli), cpu, format!("{}m", requests.cpu_milli)),
        of(bytes(used.memory_bytes), memory, bytes(requests.memory_bytes)),
        human::count(pods, "pod"),
    );
    let source = format!("metrics.k8s.io and list pods in {place}");
    let status = if tight { Status::Warn } else { Status::Ok };
    let finding = Finding::new(status, workload.name.as_str(), text, source);
    Some(match tight {
        true => finding
            .expected(format!("below {LIMIT} % of its requests"))
            .hint("more replicas, or larger requests: see `capacity recommend`"),
        false => finding,
    })
}

fn table(
    title: &str,
    pods: &mut [(PodUsage, &Cluster)],
    several: bool,
    by: impl Fn(&PodUsage) -> u64,
) -> Option<Table> {
    pods.sort_by(|(a, _), (b, _)| by(b).cmp(&by(a)).then_with(|| a.pod.name.cmp(&b.pod.name)));
    let mut columns = vec!["pod", "cpu", "of request", "memory", "of request"];
    if several {
        columns.push("cluster");
    }
    let percent = |used, of| match share(used, of) {
        Some(share) => format!("{share} %"),
        None => "no request".to_owned(),
    };
    let rows: Vec<Vec<Untrusted>> = pods
        .iter()
        .filter_map(|(PodUsage { pod, used }, cluster)| {
            let used = used.as_ref()?;
            let mut row: Vec<Untrusted> = vec![
                pod.name.as_str().into(),
                format!("{}m", used.cpu_milli).into(),
                percent(used.cpu_milli, pod.requests.cpu_milli).into(),
                human::bytes(used.memory_bytes as f64).into(),
                percent(used.memory_bytes, pod.requests.memory_bytes).into(),
                cluster.name().into(),
            ];
            row.truncate(columns.len());
            Some(row)
        })
        .collect();
    let samples = pods.iter().filter_map(|(pod, _)| Some(pod.used.as_ref()?.at));
    let at = samples.min().unwrap_or_else(Timestamp::now);
    let provenance = Provenance { source: "metrics.k8s.io pods".into(), at };
    (!rows.is_empty()).then(|| Table { title: title.into(), columns, rows, provenance })
}

fn share(used: u64, of: u64) -> Option<u64> {
    used.saturating_mul(100).checked_div(of)
}
