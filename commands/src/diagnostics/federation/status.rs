//! `federation status`: the nodes and the federation's pods of every cluster.

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::{Cluster, Pod, Rollout, Workload, WorkloadKind};
use crate::platform::{Cause, PlatformError, no_cluster};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "federation status",
    summary: "Nodes and federation pods in each cluster",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G25"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

type Place<'a> = (&'a str, WorkloadKind, &'a str);

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let clusters = platform.federated()?;
    let (namespace, kind, name, selector) = platform.federation_home()?;
    if clusters.is_empty() {
        return Ok(Report::only("federation", no_cluster()));
    }
    call.progress.total(clusters.len());
    let asked = clusters.iter().map(|cluster| async {
        let deployed = cluster.deployed((namespace, kind, name), selector);
        let (nodes, deployed) = futures_util::join!(cluster.nodes(), deployed);
        call.progress.done();
        let ready =
            nodes.map(|nodes| (nodes.iter().filter(|node| node.ready).count(), nodes.len()));
        (*cluster, ready, deployed)
    });
    let mut report = Report::new("federation");
    let mut rows = Vec::new();
    for (cluster, nodes, deployed) in join_all(asked).await {
        // A cluster that does not answer at all is one fact.
        if let (Err(a), Err(b)) = (&nodes, &deployed)
            && a.cause == b.cause
        {
            let source = format!("list nodes and pods of {}", cluster.name());
            report.findings.push(a.finding(format!("cluster {}", cluster.name()), source));
            continue;
        }
        report.findings.push(judge_nodes(cluster, nodes));
        report.findings.push(judge_pods(cluster, (namespace, kind, name), &deployed));
        if let Ok((_, pods)) = deployed {
            rows.extend(pods.iter().map(|pod| row(cluster, pod)));
        }
    }
    if !rows.is_empty() {
        // The unready first.
        rows.sort_by(|a, b| a[2].raw().cmp(b[2].raw()).then_with(|| a[0].raw().cmp(b[0].raw())));
        report.tables.push(Table {
            title: "Federation pods".into(),
            columns: vec!["cluster", "pod", "ready", "state", "restarts", "age", "node"],
            rows,
            provenance: Provenance::now(format!("list pods in {namespace} of each cluster")),
        });
    }
    report.sort();
    Ok(report
        .then("Who leads", "federation raft")
        .then("Peers", "federation peers")
        .then("Between clusters", "net clusters")
        .bounded())
}

fn judge_nodes(cluster: &Cluster, nodes: Result<(usize, usize), PlatformError>) -> Finding {
    let subject = format!("nodes {}", cluster.name());
    let source = format!("list nodes of {}", cluster.name());
    match nodes {
        Ok((ready, all)) => {
            let status = match (ready, all) {
                (_, 0) => Status::NoData,
                (0, _) => Status::Fail,
                (ready, all) if ready < all => Status::Warn,
                _ => Status::Ok,
            };
            Finding::new(status, subject, format!("{ready}/{all} ready"), source)
        }
        Err(error) => error.finding(subject, source),
    }
}

fn judge_pods(
    cluster: &Cluster,
    (namespace, kind, name): Place<'_>,
    deployed: &Result<(Workload, Vec<Pod>), PlatformError>,
) -> Finding {
    let subject = format!("federation {}", cluster.name());
    let source = format!("{kind} {namespace}/{name} in {}", cluster.name());
    match deployed {
        Ok((workload, pods)) => {
            let (ready, desired) = (workload.ready, workload.desired);
            let status = match (ready, desired) {
                (_, 0) => Status::Warn,
                (0, _) => Status::Fail,
                (ready, desired) if ready < desired => Status::Warn,
                _ => Status::Ok,
            };
            let mut facts = vec![format!("{ready}/{desired} pods ready")];
            match workload.rollout() {
                Rollout::Complete => {}
                Rollout::Progressing { .. } => facts.push("rolling out".to_owned()),
                Rollout::Stuck(why) => facts.push(format!("rollout stuck: {why}")),
            }
            let restarts: u64 = pods.iter().map(|pod| u64::from(pod.restarts)).sum();
            if restarts > 0 {
                facts.push(format!("{restarts} restarts"));
            }
            Finding::new(status, subject, facts.join(" · "), source)
        }
        Err(error) if error.cause == Cause::NotFound => {
            Finding::new(Status::Absent, subject, format!("no {source}"), source.as_str())
                .hint("a cluster outside the federation: see [federation] `clusters`")
        }
        Err(error) => error.finding(subject, source),
    }
}

fn row(cluster: &Cluster, pod: &Pod) -> Vec<Untrusted> {
    let age = pod.started.map(|at| human::span(Timestamp::now().duration_since(at).as_secs_f64()));
    vec![
        cluster.name().into(),
        pod.name.as_str().into(),
        if pod.ready { "yes" } else { "no" }.into(),
        pod.waiting_reason.as_ref().unwrap_or(&pod.phase).as_str().into(),
        pod.restarts.to_string().into(),
        age.unwrap_or_default().into(),
        pod.node.as_deref().unwrap_or_default().into(),
    ]
}
