//! `health [SERVICE]`: what is broken, in one answer.
//!
//! Everything is asked at once: the services' endpoints, their workloads, the databases, the nodes.
//! A service's endpoint and its workload are two facts with two sources; a handler that always says
//! "healthy" does not hide pods that are not ready.

pub(super) mod body;
mod endpoints;
mod resources;
mod stores;
mod workloads;

use std::collections::BTreeSet;

use clap::{Args as _, FromArgMatches as _};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::ServiceConfig;
use crate::platform::kube::Cluster;
use crate::platform::{NOT_CONFIGURED, Platform};
use crate::report::{Finding, Report, Status, Suggestion};

#[derive(clap::Args)]
struct Args {
    /// Only this service
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
    /// Only this cluster
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
}

pub(crate) const COMMAND: Command = Command {
    path: "health",
    summary: "What is broken: services, workloads, databases, nodes",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G03", "G04", "G89"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Services looked at more closely that are offered as buttons.
const OFFERED: usize = 3;

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let platform = &*call.platform;
    let cluster = args.cluster.as_deref().map(|name| platform.cluster(name)).transpose()?;
    let services: Vec<&ServiceConfig> = match &args.service {
        Some(name) => {
            let service = platform.service(name)?;
            if !runs_in(platform, service, cluster) {
                let home = service.cluster.as_deref().unwrap_or("another cluster");
                return Err(UserError::new(format!("`{name}` runs in {home}")));
            }
            vec![service]
        }
        None => platform.services.iter().filter(|s| runs_in(platform, s, cluster)).collect(),
    };
    // A service's own answer, and the whole platform's: one service leaves the rest out.
    let whole = args.service.is_none();
    call.progress.total(services.len() + usize::from(whole) * 4 + 1);

    let clusters: Vec<&Cluster> = match cluster {
        Some(cluster) => vec![cluster],
        None => platform.clusters.iter().collect(),
    };
    let namespaces: BTreeSet<&str> = services.iter().map(|s| s.namespace.as_str()).collect();
    let namespaces: Vec<&str> = namespaces.into_iter().collect();
    let step = async |found| {
        call.progress.done();
        found
    };
    let stores = async {
        if !whole {
            return Vec::new();
        }
        let postgres = async { step(stores::postgres(platform).await).await };
        let redis = async { step(stores::redis(platform).await).await };
        let prometheus = async { step(stores::prometheus(platform).await).await };
        let (postgres, redis, prometheus) = futures_util::join!(postgres, redis, prometheus);
        vec![postgres, redis, prometheus]
    };
    let resources = async {
        if !whole {
            return (Vec::new(), Vec::new());
        }
        let found = resources::check(&clusters, &namespaces).await;
        call.progress.done();
        found
    };
    let workloads = async {
        let found = workloads::check(platform, &services).await;
        call.progress.done();
        found
    };
    let (endpoints, workloads, stores, resources) = futures_util::join!(
        endpoints::check(platform, &services, &call.progress),
        workloads,
        stores,
        resources
    );

    let mut report = Report::new(match (&args.service, cluster) {
        (Some(service), _) => service.clone(),
        (None, Some(cluster)) => format!("NovaCron in {}", cluster.name()),
        (None, None) => "NovaCron".to_owned(),
    });
    report.findings = [endpoints, workloads.0, stores, resources.0].concat();
    join_unconfigured(&mut report.findings);
    report.tables = [workloads.1, resources.1].concat();
    report.sort();
    report.next = suggestions(&report, args.service.as_deref(), platform);
    Ok(report)
}

/// What the configuration does not name is one line, not one each.
fn join_unconfigured(findings: &mut Vec<Finding>) {
    let missing = |finding: &Finding| finding.measured.raw() == NOT_CONFIGURED;
    let names: Vec<String> =
        findings.iter().filter(|f| missing(f)).map(|f| f.subject.raw().to_owned()).collect();
    if names.len() > 1 {
        findings.retain(|finding| !missing(finding));
        let source = "configuration";
        let joined = Finding::new(Status::Unsupported, NOT_CONFIGURED, names.join(", "), source);
        findings.push(joined.hint("`nova check` says what to add"));
    }
}

fn runs_in(platform: &Platform, service: &ServiceConfig, cluster: Option<&Cluster>) -> bool {
    let first = platform.clusters.first().map(Cluster::name);
    cluster.is_none_or(|cluster| service.cluster.as_deref().or(first) == Some(cluster.name()))
}

/// The next sensible step: the log of the one service, a closer look at the worst ones.
fn suggestions(report: &Report, service: Option<&str>, platform: &Platform) -> Vec<Suggestion> {
    let suggest = |label: &str, line: String| Suggestion { label: label.to_owned(), line };
    let attention = |name: &str| {
        report.findings.iter().any(|f| f.subject.raw() == name && f.status.needs_attention())
    };
    if let Some(name) = service {
        let mut next = vec![suggest("Check again", format!("health {name}"))];
        if attention(name) {
            next.push(suggest("Logs", format!("logs {name} --tail 50")));
            next.push(suggest("Restart", format!("restart {name}")));
        }
        return next;
    }
    let worst = report
        .findings
        .iter()
        .filter(|f| f.status.needs_attention())
        .filter_map(|f| platform.services.iter().find(|s| s.name == f.subject.raw()));
    let mut names: Vec<&str> = Vec::new();
    for service in worst {
        if !names.contains(&service.name.as_str()) {
            names.push(&service.name);
        }
    }
    let closer = names.iter().take(OFFERED).map(|name| suggest(name, format!("health {name}")));
    closer.chain([suggest("Check again", "health".to_owned())]).collect()
}
