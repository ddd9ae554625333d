//! Scheduler and kubelet in one: pods get a node, start, become ready, end. Invariant: a phase lasts
//! at least until the next step of the clock; what a fault does to a pod is undone when it heals.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::faults::DeploymentFault;
use super::super::json::{annotation, items, name, namespace, now, number, terminating, text, uid};
use super::super::proxy::workload_of;
use super::super::state::State;
use super::{Tick, condition, events, frozen, set_condition};

/// How the message of a failed Ready condition begins.
const UNREADY: &str = "containers with unready status";

/// What a pod is coming to, were it left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Healthy,
    Unready,
    NodeLost,
    CrashLoop,
    NoImage,
}

pub(super) fn reconcile(state: &mut State, tick: Tick<'_>) {
    for pod in state.store.list("pods", None) {
        if frozen(&pod) {
            continue;
        }
        let due = match tick {
            Tick::None => false,
            Tick::All => true,
            Tick::Of(ns, workload) => {
                namespace(&pod) == ns && workload_of(state, &pod).is_some_and(|of| of == workload)
            }
        };
        if text(&pod, "/spec/nodeName").is_empty() && !terminating(&pod) {
            schedule(state, &pod, due);
        } else if due {
            advance(state, &pod);
        }
    }
}

fn course(state: &State, pod: &Value) -> Course {
    let node = state.store.get("nodes", "", text(pod, "/spec/nodeName"));
    if node.is_none_or(|node| condition(&node, "Ready") != "True") {
        return Course::NodeLost;
    }
    let key = workload_of(state, pod).map(|workload| (namespace(pod).to_owned(), workload));
    match key.and_then(|key| state.broken.get(&key)) {
        Some(DeploymentFault::CrashLoop) => return Course::CrashLoop,
        Some(DeploymentFault::Unready) => return Course::Unready,
        None => {}
    }
    match annotation(pod, "sandbox.nova/never-ready") {
        "image" => Course::NoImage,
        "true" => Course::Unready,
        _ => Course::Healthy,
    }
}

/// The ready node with the fewest pods takes it.
fn schedule(state: &mut State, pod: &Value, due: bool) {
    let pods = state.store.list("pods", None);
    let load =
        |node: &Value| pods.iter().filter(|p| text(p, "/spec/nodeName") == name(node)).count();
    let mut nodes = state.store.list("nodes", None);
    nodes
        .retain(|node| condition(node, "Ready") == "True" && node["spec"]["unschedulable"] != true);
    let Some(node) = nodes.iter().min_by_key(|node| load(node)) else {
        if due {
            let count = state.store.list("nodes", None).len();
            let message =
                format!("0/{count} nodes are available: {count} node(s) had untolerated taint(s).");
            events::record(
                state,
                "default-scheduler",
                pod,
                "Warning",
                "FailedScheduling",
                &message,
            );
            state.store.edit("pods", pod, |pod| {
                set_condition(
                    &mut pod["status"],
                    "PodScheduled",
                    "False",
                    "Unschedulable",
                    &message,
                );
            });
        }
        return;
    };
    let node_name = name(node).to_owned();
    let host =
        items(node, "/status/addresses").first().map_or("", |a| text(a, "/address")).to_owned();
    state.store.edit("pods", pod, |pod| {
        pod["spec"]["nodeName"] = json!(node_name);
        let status = &mut pod["status"];
        status["hostIP"] = json!(host);
        status["hostIPs"] = json!([{ "ip": host }]);
        status["startTime"] = json!(now());
        set_condition(status, "PodScheduled", "True", "", "");
        set_condition(status, "Initialized", "True", "", "");
        for kind in ["Ready", "ContainersReady"] {
            set_condition(status, kind, "False", "ContainersNotReady", "containers are not ready");
        }
    });
    let waiting = json!({ "waiting": { "reason": "ContainerCreating" } });
    set_containers(state, pod, |status| status["state"] = waiting.clone());
    let message = format!("Successfully assigned {}/{} to {node_name}", namespace(pod), name(pod));
    events::record(state, "default-scheduler", pod, "Normal", "Scheduled", &message);
}

/// One step of the clock for one pod.
fn advance(state: &mut State, pod: &Arc<Value>) {
    if terminating(pod) {
        if !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed") {
            for container in items(pod, "/spec/containers") {
                let message = format!("Stopping container {}", text(container, "/name"));
                events::record(state, "kubelet", pod, "Normal", "Killing", &message);
            }
        }
        state.store.remove_object("pods", pod);
        state.logs.forget(namespace(pod), name(pod));
        return;
    }
    let course = course(state, pod);
    match (text(pod, "/status/phase"), course) {
        ("Pending", Course::NodeLost) => {}
        ("Pending", Course::NoImage) => no_image(state, pod),
        ("Pending", _) => start(state, pod),
        ("Running", Course::NodeLost) => set_ready(state, pod, false, "NodeNotReady"),
        ("Running", Course::CrashLoop) => crash(state, pod),
        ("Running", _) if text(pod, "/spec/restartPolicy") != "Always" => finish(state, pod),
        ("Running", Course::Unready | Course::NoImage) => unready(state, pod),
        ("Running", Course::Healthy) => healthy(state, pod),
        _ => {}
    }
}

/// Changes the status of each container, made from the spec when absent.
fn set_containers(state: &mut State, pod: &Value, change: impl Fn(&mut Value)) {
    state.store.edit("pods", pod, |pod| {
        let known = items(pod, "/status/containerStatuses").to_vec();
        let statuses: Vec<Value> = items(pod, "/spec/containers")
            .iter()
            .map(|container| {
                let old = known.iter().find(|s| s["name"] == container["name"]).cloned();
                let mut status = old.unwrap_or_else(|| {
                    json!({ "restartCount": 0, "ready": false, "started": false, "lastState": {}, "imageID": "" })
                });
                status["name"] = container["name"].clone();
                status["image"] = container["image"].clone();
                change(&mut status);
                status
            })
            .collect();
        pod["status"]["containerStatuses"] = json!(statuses);
    });
}

fn start(state: &mut State, pod: &Value) {
    let (ip, id) = (address(pod), uid(pod).replace('-', ""));
    let started = now();
    set_containers(state, pod, |status| {
        let image = text(status, "/image").to_owned();
        status["imageID"] = json!(format!("docker.io/{image}@sha256:{id}{id}"));
        status["containerID"] = json!(format!("containerd://{id}{id}"));
        status["state"] = json!({ "running": { "startedAt": started } });
        status["started"] = json!(true);
    });
    state.store.edit("pods", pod, |pod| {
        pod["status"]["phase"] = json!("Running");
        pod["status"]["podIP"] = json!(ip);
        pod["status"]["podIPs"] = json!([{ "ip": ip }]);
    });
    for container in items(pod, "/spec/containers") {
        let image = text(container, "/image");
        let message = format!("Container image \"{image}\" already present on machine");
        events::record(state, "kubelet", pod, "Normal", "Pulled", &message);
        let message = format!("Created container: {}", text(container, "/name"));
        events::record(state, "kubelet", pod, "Normal", "Created", &message);
        let message = format!("Started container {}", text(container, "/name"));
        events::record(state, "kubelet", pod, "Normal", "Started", &message);
    }
}

/// An address out of the pod network, from the pod's uid.
fn address(pod: &Value) -> String {
    let hex = uid(pod).get(..6).unwrap_or("000102");
    let number = u32::from_str_radix(hex, 16).unwrap_or(258);
    let [_, a, b, c] = number.to_be_bytes();
    format!("10.{}.{b}.{}", 64 + a % 64, c.max(1))
}

fn no_image(state: &mut State, pod: &Value) {
    let image = text(pod, "/spec/containers/0/image").to_owned();
    let message = format!("Back-off pulling image \"{image}\"");
    set_containers(state, pod, |status| {
        status["state"] =
            json!({ "waiting": { "reason": "ImagePullBackOff", "message": message } });
    });
    if !text(pod, "/status/containerStatuses/0/state/waiting/reason").contains("ImagePull") {
        events::record(state, "kubelet", pod, "Warning", "BackOff", &message);
    }
}

fn set_ready(state: &mut State, pod: &Value, is_ready: bool, reason: &str) {
    let value = if is_ready { "True" } else { "False" };
    if reason != "NodeNotReady" {
        set_containers(state, pod, |status| status["ready"] = json!(is_ready));
    }
    let names: Vec<&str> =
        items(pod, "/spec/containers").iter().map(|c| text(c, "/name")).collect();
    let message = match (is_ready, reason) {
        (true, _) | (_, "NodeNotReady") => String::new(),
        _ => format!("{UNREADY}: [{}]", names.join(" ")),
    };
    state.store.edit("pods", pod, |pod| {
        set_condition(&mut pod["status"], "Ready", value, reason, &message);
        if reason != "NodeNotReady" {
            set_condition(&mut pod["status"], "ContainersReady", value, reason, &message);
        }
    });
}

fn healthy(state: &mut State, pod: &Value) {
    recover(state, pod);
    set_ready(state, pod, true, "");
}

fn unready(state: &mut State, pod: &Value) {
    recover(state, pod);
    let told = items(pod, "/status/conditions")
        .iter()
        .any(|c| text(c, "/type") == "Ready" && text(c, "/message").starts_with(UNREADY));
    set_ready(state, pod, false, "ContainersNotReady");
    if !told {
        let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
        events::record(state, "kubelet", pod, "Warning", "Unhealthy", message);
    }
}

/// A container that had crashed runs again.
fn recover(state: &mut State, pod: &Value) {
    let started = now();
    set_containers(state, pod, |status| {
        if status["state"].get("running").is_none() {
            status["state"] = json!({ "running": { "startedAt": started } });
            status["started"] = json!(true);
        }
    });
}

/// Ends once more with code 1 and waits to be restarted.
fn crash(state: &mut State, pod: &Value) {
    let at = now();
    let ns_name = format!("{}({})", name(pod), uid(pod));
    set_containers(state, pod, |status| {
        let container = text(status, "/name").to_owned();
        let count =
            number(status, "/restartCount").unwrap_or(0).saturating_add(1).min(i64::from(i32::MAX));
        let started = text(status, "/state/running/startedAt");
        let started = if started.is_empty() { at.clone() } else { started.to_owned() };
        let ended = json!({ "terminated": {
            "exitCode": 1, "reason": "Error", "startedAt": started, "finishedAt": at,
        }});
        let message =
            format!("back-off 5m0s restarting failed container={container} pod={ns_name}");
        status["restartCount"] = json!(count);
        status["lastState"] = ended;
        status["state"] =
            json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } });
        status["started"] = json!(false);
    });
    for container in items(pod, "/spec/containers") {
        state.logs.restart(namespace(pod), name(pod), text(container, "/name"));
    }
    set_ready(state, pod, false, "ContainersNotReady");
    let message = format!("Back-off restarting failed container in pod {ns_name}");
    events::record(state, "kubelet", pod, "Warning", "BackOff", &message);
}

/// A pod that does not restart has done its work, or failed at it.
fn finish(state: &mut State, pod: &Value) {
    let failed = annotation(pod, "sandbox.nova/fail") == "true";
    let (phase, code, reason) =
        if failed { ("Failed", 1, "Error") } else { ("Succeeded", 0, "Completed") };
    let at = now();
    set_containers(state, pod, |status| {
        let started = status["state"]["running"]["startedAt"].clone();
        status["state"] = json!({ "terminated": {
            "exitCode": code, "reason": reason, "startedAt": started, "finishedAt": at,
        }});
        status["ready"] = json!(false);
        status["started"] = json!(false);
    });
    state.store.edit("pods", pod, |pod| {
        pod["status"]["phase"] = json!(phase);
        for kind in ["Ready", "ContainersReady"] {
            set_condition(
                &mut pod["status"],
                kind,
                "False",
                &format!("Pod{}", if failed { "Failed" } else { "Completed" }),
                "",
            );
        }
    });
}
