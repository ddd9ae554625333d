//! Jobs: pods until enough have succeeded, or too many failed.

use serde_json::{Value, json};

use super::super::json::{items_mut, name, now, number, object, terminating, text, uid};
use super::super::state::State;
use super::{condition, events, frozen, pods, set_condition};

pub(super) fn reconcile(state: &mut State) {
    for job in state.store.list("jobs", None) {
        let over = condition(&job, "Complete") == "True" || condition(&job, "Failed") == "True";
        if !terminating(&job) && !frozen(&job) && !over {
            one(state, &job);
        }
    }
}

fn one(state: &mut State, job: &Value) {
    let wanted = number(job, "/spec/completions").unwrap_or(1);
    let parallel = number(job, "/spec/parallelism").unwrap_or(1);
    let limit = number(job, "/spec/backoffLimit").unwrap_or(6);
    let phase = |wanted: &'static str| move |pod: &Value| text(pod, "/status/phase") == wanted;
    let own = pods::all(state, job);
    let (succeeded, failed) =
        (pods::count(&own, phase("Succeeded")), pods::count(&own, phase("Failed")));
    let mut active =
        pods::count(&own, |pod| !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed"));
    if text(job, "/spec/selector/matchLabels/batch.kubernetes.io~1controller-uid").is_empty() {
        let labels = json!({ "batch.kubernetes.io/controller-uid": uid(job) });
        state.store.edit("jobs", job, |job| {
            object(&mut job["spec"], "selector").insert("matchLabels".into(), labels);
        });
    }
    let exhausted = failed > limit;
    if !exhausted {
        let lacking = (parallel.min(wanted - succeeded).min(100) - active).max(0);
        active += lacking;
        for _ in 0..lacking {
            let pod_name = format!("{}-{}", name(job), state.store.suffix());
            let labels = [
                ("batch.kubernetes.io/job-name", name(job)),
                ("job-name", name(job)),
                ("batch.kubernetes.io/controller-uid", uid(job)),
            ];
            pods::create(state, job, &pod_name, &labels);
            let message = format!("Created pod: {pod_name}");
            events::record(state, "job-controller", job, "Normal", "SuccessfulCreate", &message);
        }
    }
    let mut status = job["status"].clone();
    if !status.is_object() {
        status = json!({ "startTime": now() });
    }
    for (key, value) in [("active", active), ("succeeded", succeeded), ("failed", failed)] {
        status[key] = json!(value);
    }
    status["ready"] = json!(pods::ready_count(&own));
    status["terminating"] = json!(0);
    status["uncountedTerminatedPods"] = json!({});
    let mut end = |kind: &str, reason: &str, message: &str| {
        for kind in [if kind == "Complete" { "SuccessCriteriaMet" } else { "FailureTarget" }, kind]
        {
            set_condition(&mut status, kind, "True", reason, message);
        }
        for condition in items_mut(&mut status, "conditions") {
            condition["lastProbeTime"] = json!(now());
        }
    };
    if succeeded >= wanted {
        end("Complete", "CompletionsReached", "Reached expected number of succeeded pods");
        status["completionTime"] = json!(now());
        events::record(state, "job-controller", job, "Normal", "Completed", "Job completed");
    } else if exhausted && active == 0 {
        let message = "Job has reached the specified backoff limit";
        end("Failed", "BackoffLimitExceeded", message);
        events::record(state, "job-controller", job, "Warning", "BackoffLimitExceeded", message);
    }
    state.store.edit("jobs", job, |job| job["status"] = status);
}
