//! `net services [--from SERVICE]`: whether the services can be reached, and how long that takes: from
//! nova's own pod by TCP and HTTP, or from inside a pod of another service by the tool that it has.

use clap::{Args as _, FromArgMatches as _};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use crate::command::{Call, Command, Kind, Progress, Run, UserError};
use crate::platform::config::ServiceConfig;
use crate::platform::kube::Cluster;
use crate::platform::probe::{Address, Sight, no_tool};
use crate::platform::tcp::{self, Tries};
use crate::platform::{Cause, Home, Platform, no_cluster};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::human;

#[derive(clap::Args)]
struct Args {
    /// From inside a pod of this service
    #[arg(long, value_name = "SERVICE")]
    from: Option<String>,
}

pub(crate) const COMMAND: Command = Command {
    path: "net services",
    summary: "Reachability and time between services",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G12", "G49"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Connects to each service: one can be lucky.
const TRIES: usize = 3;
/// Services that are looked at together, from here and from one pod.
const AT_ONCE: usize = 64;
const FROM_ONE_POD: usize = 8;

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let platform = &*call.platform;
    match args.from {
        None => Ok(from_here(platform, &call.progress).await),
        Some(name) => from_pod(platform, platform.service(&name)?, &call.progress).await,
    }
}

/// One service as it looks from here.
struct Seen {
    finding: Finding,
    /// Microseconds and the cells of its row.
    row: Option<(u128, Vec<String>)>,
}

async fn from_here(platform: &Platform, progress: &Progress) -> Report {
    progress.total(platform.services.len());
    let asked = platform.services.iter().map(|service| async {
        let seen = one(platform, service).await;
        progress.done();
        seen
    });
    let asked: Vec<_> = asked.collect();
    let seen: Vec<Seen> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    let mut report = Report::new("Services from nova's own pod");
    let mut rows: Vec<(u128, Vec<String>)> = Vec::new();
    for one in seen {
        report.findings.push(one.finding);
        rows.extend(one.row);
    }
    rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    if !rows.is_empty() {
        let cells = |(_, row): (u128, Vec<String>)| row.into_iter().map(Into::into).collect();
        report.tables.push(Table {
            title: "Slowest first".into(),
            columns: vec![
                "service",
                "address",
                "connect min",
                "median",
                "max",
                "HTTP",
                "answer in",
            ],
            rows: rows.into_iter().map(cells).collect(),
            provenance: Provenance::now(format!("TCP connect ×{TRIES} and one GET each")),
        });
    }
    report.sort();
    let worst = report.findings.iter().find(|finding| finding.status.needs_attention());
    let name = worst.map(|finding| finding.subject.raw().to_owned());
    let mut report = report.bounded();
    if let Some(name) = name {
        report = report.then("Packet loss", format!("net loss {name}"));
        report = report.then("Health", format!("health {name}"));
    }
    if platform.service(&platform.security.service).is_ok() {
        let gateway = &platform.security.service;
        report = report.then(&format!("From {gateway}"), format!("net services --from {gateway}"));
    }
    report
}

async fn one(platform: &Platform, service: &ServiceConfig) -> Seen {
    let name = service.name.as_str();
    let address = service.base_url().and_then(|base| Address::of(&base, &service.health));
    let Some((base, address)) = service.base_url().zip(address) else {
        let text = "no address configured";
        let finding = Finding::new(Status::Unsupported, name, text, "configuration");
        let finding = finding.hint("give the service a `url` or a `port`");
        return Seen { finding, row: None };
    };
    let url = format!("{base}{}", service.health);
    let source = format!("TCP connect ×{TRIES} to {}:{}, GET {url}", address.host, address.port);
    let to = (address.host.as_str(), address.port);
    let tries = tcp::connect(to, TRIES, std::time::Duration::ZERO, platform.deadline);
    let (tries, answer) = futures_util::join!(tries, platform.http.get(&url, None));
    let tries = match tries {
        Ok(tries) => tries,
        Err(error) => return Seen { finding: error.finding(name, source), row: None },
    };
    let Some(median) = tries.median() else {
        let measured = tries.failure().unwrap_or(Cause::Broken).to_string();
        let finding = Finding::new(Status::Fail, name, measured, source);
        return Seen {
            finding: finding.hint("nothing listens there, or a rule drops it"),
            row: None,
        };
    };
    let connect = human::seconds(median.as_secs_f64());
    let answered = match &answer {
        Ok(answer) => (answer.status.to_string(), human::seconds(answer.took.as_secs_f64())),
        Err(error) => (error.cause.to_string(), "-".to_owned()),
    };
    let measured = format!("connect {connect} · HTTP {} in {}", answered.0, answered.1);
    let (lost, slow) = (TRIES - tries.times().len(), platform.net.slow);
    let finding = match &answer {
        Err(error) => {
            let text = format!("connect {connect} · HTTP: {}", error.measured().raw());
            Finding::new(Status::Fail, name, text, source)
        }
        Ok(_) if lost > 0 => {
            let text = format!("{lost} of {TRIES} connects failed · {measured}");
            Finding::new(Status::Warn, name, text, source)
        }
        Ok(_) if median.as_secs_f64() > slow.as_secs_f64() => {
            let limit = human::seconds(slow.as_secs_f64());
            let finding = Finding::new(Status::Warn, name, measured, source);
            finding.expected(format!("connect below {limit}"))
        }
        Ok(answer) if answer.took > platform.http.slow() => {
            let limit = human::seconds(platform.http.slow().as_secs_f64());
            let finding = Finding::new(Status::Warn, name, measured, source);
            finding.expected(format!("answer below {limit}"))
        }
        Ok(_) => Finding::new(Status::Ok, name, measured, source),
    };
    let row = Some((median.as_micros(), row(name, &tries, answered)));
    Seen { finding, row }
}

fn row(name: &str, tries: &Tries, (code, took): (String, String)) -> Vec<String> {
    let times = tries.times();
    let at = |index: usize| {
        times.get(index).map_or("-".to_owned(), |time| human::seconds(time.as_secs_f64()))
    };
    let last = times.len().saturating_sub(1);
    let address = tries.address.to_string();
    vec![name.to_owned(), address, at(0), at(times.len() / 2), at(last), code, took]
}

async fn from_pod(
    platform: &Platform,
    service: &ServiceConfig,
    progress: &Progress,
) -> Result<Report, UserError> {
    let name = service.name.as_str();
    let mut report = Report::new(format!("Services from {name}"));
    let Some(home) = platform.home(service, None)? else {
        return Ok(Report { findings: vec![no_cluster()], ..report });
    };
    let pod = match home.a_pod().await {
        Ok(pod) => pod,
        Err(error) => return Ok(Report { findings: vec![home.missing(name, &error)], ..report }),
    };
    let others: Vec<(&ServiceConfig, Address)> =
        platform.services.iter().filter_map(|other| inside(platform, &home, other)).collect();
    progress.total(others.len());
    let place = format!("{} of {}", pod.name, home.place());
    let look = |address| home.look(&pod, address, platform.deadline);
    // The first one tells whether there is a tool at all.
    let mut others = others.into_iter();
    let Some((first, address)) = others.next() else {
        let text = "no service with a `port` in this cluster";
        let finding = Finding::new(Status::Unsupported, name, text, "configuration");
        return Ok(Report { findings: vec![finding], ..report });
    };
    let seen = look(&address).await;
    progress.done();
    match &seen {
        Ok(None) => {
            report.findings.push(no_tool(name, place));
            return Ok(report.then("From nova's pod", "net services"));
        }
        Err(error) => {
            report.findings.push(error.finding(name, format!("exec in {place}")));
            return Ok(report.then("From nova's pod", "net services"));
        }
        Ok(Some(_)) => {}
    }
    let others: Vec<_> = others.collect();
    let asked = others.iter().map(|(other, address)| async {
        let seen = look(address).await;
        progress.done();
        (*other, seen)
    });
    let asked: Vec<_> = asked.collect();
    let mut all: Vec<_> = stream::iter(asked).buffer_unordered(FROM_ONE_POD).collect().await;
    all.push((first, seen));
    let mut times: Vec<(f64, String, Sight)> = Vec::new();
    for (other, seen) in all {
        let source = || format!("exec in {place}");
        report.findings.push(match seen {
            Ok(Some(sight)) => {
                let finding = sight.finding(&other.name, platform.net.slow);
                times.extend(sight.times.map(|t| (t.total, other.name.clone(), sight)));
                finding
            }
            Ok(None) => no_tool(&other.name, source()),
            Err(error) => error.finding(other.name.as_str(), source()),
        });
    }
    times.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    if !times.is_empty() {
        report.tables.push(table(&times));
    }
    report.sort();
    Ok(report.bounded().then("Again", format!("net services --from {name}")))
}

/// A service's address as pods of this cluster know it.
fn inside<'a>(
    platform: &Platform,
    home: &Home<'_>,
    service: &'a ServiceConfig,
) -> Option<(&'a ServiceConfig, Address)> {
    let first = platform.clusters.first().map(Cluster::name);
    let here = service.cluster.as_deref().or(first) == Some(home.cluster.name());
    let port = service.port.filter(|_| here)?.to_string();
    let url = platform.net.inside.replace("{service}", &service.name);
    let url = url.replace("{namespace}", &service.namespace).replace("{port}", &port);
    Some((service, Address::of(&url, &service.health)?))
}

fn table(times: &[(f64, String, Sight)]) -> Table {
    let row = |(_, name, sight): &(f64, String, Sight)| {
        let times = sight.times.map(|t| [t.resolved, t.connected, t.total]).unwrap_or_default();
        let cells = times.map(human::seconds).map(Into::into);
        [name.as_str().into()].into_iter().chain(cells).collect()
    };
    Table {
        title: "Slowest first".into(),
        columns: vec!["service", "name known after", "connected after", "answered after"],
        rows: times.iter().map(row).collect(),
        provenance: Provenance { source: "curl in the pod".into(), at: Timestamp::now() },
    }
}
