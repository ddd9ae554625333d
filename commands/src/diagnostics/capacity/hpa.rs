//! `capacity hpa`: the autoscalers, what they hold to and why they do not scale.

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::{Autoscaler, Cluster, Event};
use crate::platform::{PlatformError, no_cluster};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "capacity hpa",
    summary: "Autoscalers and their limits",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G80"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// The kind whose events are looked for.
const KIND: &str = "HorizontalPodAutoscaler";
/// Events shown.
const EVENTS: usize = 10;

/// What one namespace of one cluster told.
struct Told<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    scalers: Result<Vec<Autoscaler>, PlatformError>,
    events: Vec<Event>,
}

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    if platform.clusters.is_empty() {
        return Ok(Report::only("autoscalers", no_cluster()));
    }
    let namespaces = platform.namespaces();
    let places: Vec<(&Cluster, &str)> = platform
        .clusters
        .iter()
        .flat_map(|cluster| namespaces.iter().map(move |namespace| (cluster, *namespace)))
        .collect();
    call.progress.total(places.len());
    let asked = places.iter().map(|(cluster, namespace)| async {
        let (scalers, events) =
            futures_util::join!(cluster.autoscalers(namespace), cluster.events(namespace, KIND));
        call.progress.done();
        Told { cluster, namespace, scalers, events: events.unwrap_or_default() }
    });
    let told = join_all(asked).await;

    let several = platform.clusters.len() > 1;
    let mut report = Report::new("autoscalers");
    let (mut rows, mut said) = (Vec::new(), Vec::new());
    for Told { cluster, namespace, scalers, events } in &told {
        let place = format!("{namespace} of {}", cluster.name());
        match scalers {
            Err(error) => {
                let source = format!("list horizontalpodautoscalers in {place}");
                report.findings.push(error.finding(format!("cluster {}", cluster.name()), source));
            }
            Ok(scalers) => {
                for scaler in scalers {
                    report.findings.push(judge(scaler, &place));
                    rows.push(row(scaler, cluster));
                }
                said.extend(events.iter());
            }
        }
    }
    // A cluster that does not answer is one fact, not one a namespace.
    report.findings.dedup_by(|a, b| a.subject == b.subject && a.measured == b.measured);
    if report.findings.is_empty() {
        let text =
            format!("no autoscaler in {}", namespaces.into_iter().collect::<Vec<_>>().join(", "));
        let source = "list horizontalpodautoscalers of each cluster";
        let finding = Finding::new(Status::Absent, "autoscalers", text, source);
        report.findings.push(finding.hint("replicas are set by hand: see `capacity recommend`"));
    }
    if !rows.is_empty() {
        let mut columns =
            vec!["autoscaler", "scales", "min", "max", "replicas", "wanted", "metrics", "scaled"];
        if several {
            columns.push("cluster");
        }
        rows.iter_mut().for_each(|row| row.truncate(columns.len()));
        report.tables.push(Table {
            title: "Autoscalers".into(),
            columns,
            rows,
            provenance: Provenance::now("list horizontalpodautoscalers of each cluster"),
        });
    }
    report.tables.extend(event_table(said));
    report.sort();
    Ok(report
        .then("Metrics they use", "capacity metrics")
        .then("Recommended", "capacity recommend")
        .bounded())
}

fn judge(scaler: &Autoscaler, place: &str) -> Finding {
    let condition = |kind: &str| scaler.conditions.iter().find(|condition| condition.kind == kind);
    let failed = |kind: &str| condition(kind).filter(|condition| !condition.holds);
    let mut facts = vec![format!("{} of {}..{} replicas", scaler.current, scaler.min, scaler.max)];
    facts.extend(scaler.targets.iter().map(shown));
    let (mut status, mut hint) = (Status::Ok, None);
    if let Some(why) = failed("AbleToScale").or(failed("ScalingActive")) {
        status = if why.reason == "ScalingDisabled" { Status::Warn } else { Status::Fail };
        facts.push(format!("{}: {}", why.reason, why.message.raw()));
        hint = Some(match why.reason.as_str() {
            "ScalingDisabled" => {
                "its target is at zero replicas: it starts again with the first one"
            }
            "FailedGetScale" => "its target is not there, or nova's cluster names it differently",
            _ => "the metric that it holds to cannot be read: see `capacity metrics`",
        });
    } else if scaler.current >= scaler.max && wants_more(scaler) {
        status = Status::Warn;
        facts.push("at its maximum and wants more".to_owned());
        hint = Some("raise maxReplicas if the nodes have room: see `top nodes --allocated`");
    } else if scaler.targets.iter().any(|target| target.current.is_none()) {
        // A target without a value: either it is new, or the metric has gone.
        status = Status::NoData;
        hint = Some("a metric has no value: see `capacity metrics`");
    } else if scaler.desired != scaler.current {
        facts.push(format!("scaling to {}", scaler.desired));
    }
    let source = format!("horizontalpodautoscaler {} in {place}", scaler.name);
    let finding = Finding::new(status, scaler.name.as_str(), facts.join(" · "), source);
    match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

/// Whether it is held back by its maximum: by its own account, or because a metric is over its target.
fn wants_more(scaler: &Autoscaler) -> bool {
    let limited = |condition: &crate::platform::kube::Condition| {
        condition.kind == "ScalingLimited"
            && condition.holds
            && condition.reason == "TooManyReplicas"
    };
    scaler.conditions.iter().any(limited)
        || scaler.targets.iter().any(|target| target.load.is_some_and(|load| load > 1.0))
}

fn shown(target: &crate::platform::kube::Target) -> String {
    let current = target.current.as_deref().unwrap_or("unknown");
    format!("{} {current} of {}", target.metric.raw(), target.wanted)
}

fn row(scaler: &Autoscaler, cluster: &Cluster) -> Vec<Untrusted> {
    let age = scaler.last_scale.map(|at| {
        format!("{} ago", human::span(Timestamp::now().duration_since(at).as_secs_f64()))
    });
    let metrics: Vec<String> = scaler.targets.iter().map(shown).collect();
    vec![
        scaler.name.as_str().into(),
        format!("{}/{}", scaler.scales.0.to_lowercase(), scaler.scales.1).into(),
        scaler.min.to_string().into(),
        scaler.max.to_string().into(),
        scaler.current.to_string().into(),
        scaler.desired.to_string().into(),
        metrics.join(", ").into(),
        age.unwrap_or_else(|| "never".to_owned()).into(),
        cluster.name().into(),
    ]
}

/// The newest events, as `kubectl describe` has them.
fn event_table(mut events: Vec<&Event>) -> Option<Table> {
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    let rows: Vec<Vec<Untrusted>> = events
        .into_iter()
        .take(EVENTS)
        .map(|event| {
            vec![
                event.about.1.as_str().into(),
                event.reason.as_str().into(),
                event.message.clone(),
                event.count.to_string().into(),
            ]
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        title: "Events, the newest first".into(),
        columns: vec!["autoscaler", "reason", "message", "times"],
        rows,
        provenance: Provenance::now("list events of each cluster"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::kube::{Condition, Target};

    fn scaler(current: u32, cpu: Option<f64>) -> Autoscaler {
        Autoscaler {
            name: "web".into(),
            scales: ("Deployment".into(), "web".into()),
            min: 2,
            max: 4,
            current,
            desired: current,
            last_scale: None,
            targets: vec![Target {
                metric: "cpu".into(),
                current: cpu.map(|load| format!("{} %", load * 80.0)),
                wanted: "80 %".into(),
                load: cpu,
            }],
            conditions: Vec::new(),
        }
    }

    fn told(scaler: &Autoscaler) -> (Status, String) {
        let finding = judge(scaler, "test");
        (finding.status, finding.measured.raw().to_owned())
    }

    #[test]
    fn the_maximum_matters_only_under_load() {
        assert_eq!(
            told(&scaler(3, Some(0.5))),
            (Status::Ok, "3 of 2..4 replicas · cpu 40 % of 80 %".into())
        );
        assert_eq!(told(&scaler(4, Some(0.5))).0, Status::Ok);
        let (status, text) = told(&scaler(4, Some(1.25)));
        assert_eq!(status, Status::Warn);
        assert!(text.ends_with("cpu 100 % of 80 % · at its maximum and wants more"), "{text}");
    }

    #[test]
    fn an_autoscaler_without_its_metric_is_blind() {
        assert_eq!(told(&scaler(3, None)).0, Status::NoData);
        let mut blind = scaler(3, None);
        blind.conditions.push(Condition {
            kind: "ScalingActive".into(),
            holds: false,
            reason: "FailedGetResourceMetric".into(),
            message: "no metrics returned".into(),
        });
        let (status, text) = told(&blind);
        assert_eq!(status, Status::Fail);
        assert!(text.ends_with("FailedGetResourceMetric: no metrics returned"), "{text}");
    }
}
