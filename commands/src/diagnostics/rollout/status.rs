//! `rollout status SERVICE`: how far a rollout is, and what keeps it.

use std::collections::BTreeMap;

use clap::{Args as _, FromArgMatches as _};
use jiff::Timestamp;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::{Event, Pod, Rollout, Workload};
use crate::platform::{Home, no_cluster};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

#[derive(clap::Args)]
struct Args {
    /// Whose rollout
    #[arg(value_name = "SERVICE")]
    service: String,
    /// In this cluster, where the service does not run in its usual one
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
}

pub(crate) const COMMAND: Command = Command {
    path: "rollout status",
    summary: "How far a rollout is",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G46"],
    args: Args::augment_args,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// The labels by which a controller tells the pods of one template from those of another.
const TEMPLATE: [&str; 2] = ["pod-template-hash", "controller-revision-hash"];
/// Events shown.
const EVENTS: usize = 10;

async fn run(call: Call) -> Result<Report, UserError> {
    let args = Args::from_arg_matches(&call.args).map_err(|e| UserError::new(e.to_string()))?;
    let service = call.platform.service(&args.service)?;
    let Some(home) = call.platform.home(service, args.cluster.as_deref())? else {
        return Ok(Report::only(service.name.as_str(), no_cluster()));
    };
    let (deployed, events) =
        futures_util::join!(home.deployed(), home.cluster.events(home.namespace, "Pod"));
    let within = args.cluster.map_or_else(String::new, |name| format!(" --cluster {name}"));
    let again = format!("rollout status {}{within}", service.name);
    let (workload, pods) = match deployed {
        Ok(deployed) => deployed,
        Err(error) => {
            let report = Report::only(service.name.as_str(), home.missing(&service.name, &error));
            return Ok(report.then("Check again", again));
        }
    };
    let mut report = Report::new(format!("rollout of {}", service.name));
    report.findings.push(judge(&service.name, &home, &workload));
    report.findings.extend(hindrances(&service.name, &home, &pods));
    report.tables.push(pod_table(&home, &pods));
    let finished = workload.rollout() == Rollout::Complete;
    if !finished && let Ok(events) = events {
        report.tables.extend(event_table(&home, &pods, &events));
    }
    report.sort();
    let report = if finished {
        report
    } else {
        report.then("Logs", format!("logs {}{within} --tail 50", service.name))
    };
    Ok(report
        .then("Check again", again)
        .then("Health", format!("health {}", service.name))
        .bounded())
}

fn judge(service: &str, home: &Home<'_>, workload: &Workload) -> Finding {
    let (status, text) = match workload.rollout() {
        Rollout::Complete if workload.desired == 0 => {
            (Status::Warn, "complete, scaled to zero".to_owned())
        }
        Rollout::Complete => {
            (Status::Ok, format!("complete: {0}/{0} updated and ready", workload.desired))
        }
        Rollout::Progressing { .. } if workload.observed_generation < workload.generation => {
            (Status::Warn, "its controller has not begun with the newest change".to_owned())
        }
        Rollout::Progressing { updated, available, desired } => {
            let old = workload.total.saturating_sub(updated);
            let text =
                format!("under way: {updated}/{desired} updated, {available} available, {old} old");
            (Status::Warn, text)
        }
        Rollout::Stuck(reason) => (Status::Fail, format!("stuck: {reason}")),
    };
    let image = workload.images.first().map(String::as_str).unwrap_or_default();
    let finding = Finding::new(status, service, format!("{text} · {image}"), home.place());
    if status == Status::Ok {
        return finding;
    }
    let finding = finding.expected(format!("{} updated and ready", workload.desired));
    match (status, workload.available) {
        (Status::Fail, 0) => {
            finding.hint("nothing of it serves: roll back, or mend the new template")
        }
        (Status::Fail, _) => {
            finding.hint("the old pods still serve: mend the new template or roll back")
        }
        _ => finding,
    }
}

/// Why pods do not become ready, one finding a reason.
fn hindrances(service: &str, home: &Home<'_>, pods: &[Pod]) -> Vec<Finding> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !pod.ready && pod.phase != "Terminating") {
        let reason = pod.waiting_reason.as_deref();
        *reasons
            .entry(reason.unwrap_or(if pod.phase == "Pending" {
                "not scheduled or starting"
            } else {
                "runs and is not ready"
            }))
            .or_default() += 1;
    }
    let told = reasons.into_iter().map(|(reason, count)| {
        let status = match reason {
            "ContainerCreating" | "PodInitializing" => Status::Warn,
            "ImagePullBackOff"
            | "ErrImagePull"
            | "CrashLoopBackOff"
            | "InvalidImageName"
            | "CreateContainerConfigError" => Status::Fail,
            _ => Status::Warn,
        };
        let text = format!("{}: {reason}", human::count(count, "pod"));
        let finding = Finding::new(status, service, text, format!("list pods of {}", home.place()));
        match reason {
            "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" => {
                finding.hint("check the image's name and the right to pull it")
            }
            "CrashLoopBackOff" => {
                finding.hint("its log before the restart says why: `logs --previous`")
            }
            "runs and is not ready" => finding.hint("its readiness probe does not succeed"),
            _ => finding,
        }
    });
    told.collect()
}

fn pod_table(home: &Home<'_>, pods: &[Pod]) -> Table {
    // The unready first, then the youngest.
    let mut pods: Vec<&Pod> = pods.iter().collect();
    pods.sort_by_key(|pod| (pod.ready, std::cmp::Reverse(pod.started), pod.name.clone()));
    let now = Timestamp::now();
    let row = |pod: &&Pod| -> Vec<Untrusted> {
        let template = TEMPLATE.iter().find_map(|label| pod.labels.get(*label));
        let state = pod.waiting_reason.as_ref().unwrap_or(&pod.phase);
        let age = pod.started.map(|at| human::span(now.duration_since(at).as_secs_f64()));
        vec![
            pod.name.as_str().into(),
            template.map(String::as_str).unwrap_or_default().into(),
            if pod.ready { "yes" } else { "no" }.into(),
            state.as_str().into(),
            pod.restarts.to_string().into(),
            age.unwrap_or_default().into(),
            pod.node.as_deref().unwrap_or_default().into(),
        ]
    };
    Table {
        title: "Pods".into(),
        columns: vec!["pod", "template", "ready", "state", "restarts", "age", "node"],
        rows: pods.iter().map(row).collect(),
        provenance: Provenance::now(format!("list pods of {}", home.place())),
    }
}

/// The newest events about these pods that tell of trouble: everything else says what the table shows.
fn event_table(home: &Home<'_>, pods: &[Pod], events: &[Event]) -> Option<Table> {
    let ours = |event: &&Event| {
        let trouble = event.kind == "Warning" || event.reason == "BackOff";
        trouble && pods.iter().any(|pod| pod.name == event.about.1)
    };
    let rows: Vec<Vec<Untrusted>> = events
        .iter()
        .rev()
        .filter(ours)
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
    let source = format!("list events in {} of {}", home.namespace, home.cluster.name());
    (!rows.is_empty()).then(|| Table {
        title: "Events, the newest first".into(),
        columns: vec!["pod", "reason", "message", "times"],
        rows,
        provenance: Provenance::now(source),
    })
}
