//! `capacity recommend [SERVICE]`: the replicas that the present load asks for.

use std::collections::BTreeMap;

use clap::{Args as _, FromArgMatches as _};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::{CapacityConfig, ServiceConfig};
use crate::platform::kube::{Autoscaler, Workload};
use crate::platform::prometheus::Series;
use crate::platform::{Home, Platform, PlatformError, configured};
use crate::report::{Chart, ChartLine, Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

#[derive(clap::Args)]
struct Args {
    /// Only this service
    #[arg(value_name = "SERVICE")]
    service: Option<String>,
}

pub(crate) const COMMAND: Command = Command {
    path: "capacity recommend",
    summary: "Replicas for the present load",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G84"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// How far back the chart of the load goes, and the seconds between its points.
const HISTORY: SignedDuration = SignedDuration::from_hours(1);
const STEP: u32 = 30;
/// Lines of the chart, and changes that are offered as buttons.
const LINES: usize = 5;
const OFFERED: usize = 3;

/// What is known of a service.
struct Known<'a> {
    service: &'a ServiceConfig,
    place: String,
    workload: Result<Workload, PlatformError>,
    /// The autoscaler of its workload, if it has one.
    scaler: Option<Autoscaler>,
}

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let platform = &*call.platform;
    let config = &platform.capacity;
    let services: Vec<&ServiceConfig> = match &args.service {
        Some(name) => vec![platform.service(name)?],
        None => platform.services.iter().filter(|service| service.workload.is_some()).collect(),
    };
    let subject = args.service.as_deref().unwrap_or("replicas");
    let prometheus = match configured("Prometheus", "prometheus", &platform.prometheus) {
        Ok(prometheus) => prometheus,
        Err(finding) => return Ok(Report::only(subject, *finding)),
    };
    call.progress.total(services.len() + 1);
    let now = Timestamp::now();
    let known = async {
        let homes = services.iter().map(|service| async {
            let home = platform.home(service, None)?;
            let known = match home {
                Some(home) => Some(look(service, &home).await),
                None => None,
            };
            call.progress.done();
            Ok::<_, UserError>(known)
        });
        join_all(homes).await.into_iter().collect::<Result<Vec<_>, _>>()
    };
    let load = prometheus.query(&config.requests, None);
    let history = prometheus.query_range(&config.requests, (now - HISTORY, now), STEP);
    let (known, load, history) = futures_util::join!(known, load, history);
    let known: Vec<Known<'_>> = known?.into_iter().flatten().collect();
    let source = format!("{} at {}", config.requests, prometheus.target());
    let load = match load {
        Ok(samples) => samples,
        Err(error) => return Ok(Report::only(subject, error.finding("Prometheus", source))),
    };
    let load: BTreeMap<&str, f64> = load
        .iter()
        .filter_map(|sample| Some((sample.labels.get(&config.service_label)?.raw(), sample.value)))
        .filter(|(_, value)| value.is_finite())
        .collect();
    let mut report = Report::new(format!(
        "replicas for the load of {}",
        match &args.service {
            Some(name) => name.as_str(),
            None => "all services",
        }
    ));
    let mut offers = Vec::new();
    for known in &known {
        let rate = load.get(known.service.name.as_str()).copied();
        let advice = advise(known, rate, config);
        report.findings.push(finding(known, &advice, &source));
        offers.extend(advice.change.map(|replicas| (known.service.name.as_str(), replicas)));
        if let Some(row) = row(known, &advice) {
            rows(&mut report, row);
        }
    }
    if known.is_empty() {
        report.findings.push(crate::platform::no_cluster());
    }
    report.charts.extend(chart(history, platform, &services, source));
    report.sort();
    for (name, replicas) in offers.into_iter().take(OFFERED) {
        let label = format!("{name}: {replicas} replicas");
        report = report.then(&label, format!("scale {name} --replicas {replicas}"));
    }
    Ok(report.then("Autoscalers", "capacity hpa").then("In use", "capacity usage").bounded())
}

async fn look<'a>(service: &'a ServiceConfig, home: &Home<'_>) -> Known<'a> {
    let (workload, scalers) = futures_util::join!(
        home.cluster.workload(home.namespace, home.kind, home.name),
        home.cluster.autoscalers(home.namespace)
    );
    let ours = |scaler: &Autoscaler| {
        scaler.scales.0.eq_ignore_ascii_case(home.kind.word()) && scaler.scales.1 == home.name
    };
    let scaler = scalers.unwrap_or_default().into_iter().find(ours);
    Known { service, place: home.place(), workload, scaler }
}

/// What the load asks for.
#[derive(Debug, Default, PartialEq)]
struct Advice {
    /// Requests a second.
    rate: Option<f64>,
    /// By the load alone.
    needed: Option<u32>,
    /// Within the autoscaler's limits.
    allowed: Option<u32>,
    /// What to scale to, where that differs from what runs and an autoscaler would not undo it.
    change: Option<u32>,
}

fn advise(known: &Known<'_>, rate: Option<f64>, config: &CapacityConfig) -> Advice {
    let Some(rate) = rate else { return Advice::default() };
    let per_replica = f64::from(config.requests_per_replica.max(1));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a finite rate, bounded on both sides"
    )]
    let needed = (rate / per_replica).ceil().clamp(1.0, 10_000.0) as u32;
    let scaler = known.scaler.as_ref();
    let allowed = scaler.map_or(needed, |s| needed.clamp(s.min, s.max.max(s.min)));
    let running = known.workload.as_ref().ok().map(|workload| workload.desired);
    // Fewer than run are only offered where nobody scales them by load.
    let change = running.filter(|running| match scaler {
        Some(_) => *running < allowed,
        // A single replica is no advice: its node may go.
        None => *running < allowed || (*running > allowed && allowed > 1),
    });
    Advice {
        rate: Some(rate),
        needed: Some(needed),
        allowed: Some(allowed),
        change: change.map(|_| allowed),
    }
}

fn finding(known: &Known<'_>, advice: &Advice, source: &str) -> Finding {
    let name = known.service.name.as_str();
    let workload = match &known.workload {
        Ok(workload) => workload,
        Err(error) => return error.finding(name, known.place.as_str()),
    };
    let (Some(rate), Some(needed), Some(allowed)) = (advice.rate, advice.needed, advice.allowed)
    else {
        let finding = Finding::new(Status::NoData, name, "no requests measured", source);
        return finding.hint("see [capacity] `requests` and `service_label`");
    };
    let running = workload.desired;
    let mut text = format!(
        "{} for {} req/s: {needed} would do",
        human::count(running as usize, "replica"),
        human::number(rate)
    );
    if let Some(scaler) = &known.scaler {
        text = format!("{text} · autoscaler {} keeps {}..{}", scaler.name, scaler.min, scaler.max);
    }
    let at_most = known.scaler.as_ref().filter(|scaler| needed > scaler.max);
    let status = if running < allowed || at_most.is_some() { Status::Warn } else { Status::Ok };
    let finding = Finding::new(status, name, text, source);
    let finding = match status {
        Status::Ok => finding,
        _ => finding.expected(human::count(allowed as usize, "replica")),
    };
    match at_most {
        Some(_) => finding.hint("more than its autoscaler allows: raise maxReplicas"),
        None => finding,
    }
}

fn row(known: &Known<'_>, advice: &Advice) -> Option<Vec<Untrusted>> {
    let workload = known.workload.as_ref().ok()?;
    let number = |n: Option<u32>| n.map_or_else(|| "–".to_owned(), |n| n.to_string()).into();
    let range = known.scaler.as_ref().map(|scaler| format!("{}..{}", scaler.min, scaler.max));
    Some(vec![
        known.service.name.as_str().into(),
        advice.rate.map_or_else(|| "–".to_owned(), human::number).into(),
        workload.desired.to_string().into(),
        number(advice.needed),
        range.unwrap_or_else(|| "none".to_owned()).into(),
        number(advice.allowed),
    ])
}

fn rows(report: &mut Report, row: Vec<Untrusted>) {
    match report.tables.first_mut() {
        Some(table) => table.rows.push(row),
        None => report.tables.push(Table {
            title: "Replicas".into(),
            columns: vec!["service", "req/s", "replicas", "by load", "autoscaler", "recommended"],
            rows: vec![row],
            provenance: Provenance::now("Prometheus and each workload"),
        }),
    }
}

/// The load of the busiest services over the last hour.
fn chart(
    history: Result<Vec<Series>, PlatformError>,
    platform: &Platform,
    services: &[&ServiceConfig],
    source: String,
) -> Option<Chart> {
    let label = &platform.capacity.service_label;
    let mut lines: Vec<ChartLine> = history
        .ok()?
        .into_iter()
        .filter_map(|series| {
            let name = series.labels.get(label)?.clone();
            let asked = services.iter().any(|service| service.name == name.raw());
            asked.then_some(ChartLine { name, points: series.points })
        })
        .collect();
    let newest = |line: &ChartLine| line.points.last().map_or(0.0, |(_, value)| *value);
    lines.sort_by(|a, b| newest(b).total_cmp(&newest(a)));
    lines.truncate(LINES);
    (!lines.is_empty()).then(|| Chart {
        title: "Load in the last hour".into(),
        unit: "req/s",
        lines,
        limit: None,
        provenance: Provenance::now(source),
    })
}
