//! `net clusters`: whether each cluster reaches the federation's port in each other one, looked at from a
//! pod of the federation there, and from nova's own pod.

use futures_util::future::{join, join_all};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::ServiceConfig;
use crate::platform::kube::Cluster;
use crate::platform::probe::{Address, no_tool};
use crate::platform::{Cause, Platform, no_cluster, tcp};
use crate::report::{Finding, Report, Status};
use crate::text::human;

pub(crate) const COMMAND: Command = Command {
    path: "net clusters",
    summary: "Connectivity between clusters",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G27"],
    args: |c| c,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Connects from nova's own pod to each cluster.
const TRIES: usize = 3;

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let service = platform.service(&platform.net.federation)?;
    let mut report = Report::new("Between the clusters");
    if platform.clusters.is_empty() {
        return Ok(Report { findings: vec![no_cluster()], ..report });
    }
    call.progress.total(platform.clusters.len());
    let from = join_all(platform.clusters.iter().map(|cluster| async {
        let found = from_cluster(platform, service, cluster).await;
        call.progress.done();
        found
    }));
    let here = join_all(platform.clusters.iter().map(|cluster| from_here(platform, cluster)));
    let (from, here) = join(from, here).await;
    for findings in from {
        report.findings.extend(findings?);
    }
    report.findings.extend(here);
    if platform.clusters.len() == 1 {
        let text = "only one cluster is configured: there is nothing between clusters to look at";
        let only = Finding::new(Status::Unsupported, "clusters", text, "configuration");
        report.findings.push(only.hint("add the others as [[clusters]]"));
    }
    report.sort();
    let report = report.bounded();
    Ok(report.then("Federation", "federation status").then("Check again", "net clusters"))
}

fn peer(platform: &Platform, service: &ServiceConfig, cluster: &Cluster) -> Address {
    Address {
        host: platform.net.peer.replace("{cluster}", cluster.name()),
        port: platform.net.peer_port,
        path: if service.health.is_empty() { "/".to_owned() } else { service.health.clone() },
    }
}

/// From a pod of the federation in this cluster to each other cluster.
async fn from_cluster(
    platform: &Platform,
    service: &ServiceConfig,
    cluster: &Cluster,
) -> Result<Vec<Finding>, UserError> {
    let others: Vec<&Cluster> =
        platform.clusters.iter().filter(|other| other.name() != cluster.name()).collect();
    let name = cluster.name();
    let Some(home) = platform.home(service, Some(name))?.filter(|_| !others.is_empty()) else {
        return Ok(Vec::new());
    };
    let pod = match home.a_pod().await {
        Ok(pod) => pod,
        Err(error) => return Ok(vec![home.missing(&format!("from {name}"), &error)]),
    };
    let place = format!("exec in {} of {}", pod.name, home.place());
    let seen = join_all(others.iter().map(|other| {
        let address = peer(platform, service, other);
        let (home, pod) = (&home, &pod);
        async move { home.look(pod, &address, platform.deadline).await }
    }))
    .await;
    let mut findings: Vec<Finding> = Vec::new();
    for (other, seen) in others.iter().zip(seen) {
        let way = format!("{name} → {}", other.name());
        match seen {
            Ok(Some(sight)) => findings.push(sight.finding(&way, platform.net.slow)),
            // Both are facts about the pod, not about the way: once is enough.
            Ok(None) => return Ok(vec![no_tool(&format!("from {name}"), place)]),
            Err(error) if matches!(error.cause, Cause::Timeout(_)) => {
                findings.push(error.finding(way, place.as_str()));
            }
            Err(error) => return Ok(vec![error.finding(format!("from {name}"), place)]),
        }
    }
    Ok(findings)
}

/// From nova's own pod, which may well know none of these names.
async fn from_here(platform: &Platform, cluster: &Cluster) -> Finding {
    let host = platform.net.peer.replace("{cluster}", cluster.name());
    let port = platform.net.peer_port;
    let way = format!("nova → {}", cluster.name());
    let source = format!("TCP connect ×{TRIES} to {host}:{port} from nova's own pod");
    let pause = std::time::Duration::ZERO;
    match tcp::connect((&host, port), TRIES, pause, platform.deadline).await {
        Err(error) if error.cause == Cause::UnknownHost => {
            let finding = Finding::new(Status::NoData, way, error.cause.to_string(), source);
            finding.hint("nova's own network does not know that name; the clusters may")
        }
        Err(error) => error.finding(way, source),
        Ok(tries) => match tries.median() {
            Some(median) if tries.failure().is_none() => {
                let measured = format!("connected in {}", human::seconds(median.as_secs_f64()));
                Finding::new(Status::Ok, way, measured, source)
            }
            Some(_) => {
                let failed = TRIES - tries.times().len();
                let measured = format!("{failed} of {TRIES} connects failed");
                Finding::new(Status::Warn, way, measured, source)
            }
            None => {
                let cause = tries.failure().unwrap_or(Cause::Broken);
                Finding::new(Status::Fail, way, cause.to_string(), source)
            }
        },
    }
}
