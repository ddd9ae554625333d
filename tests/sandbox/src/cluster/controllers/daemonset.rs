//! DaemonSets: one pod on each node, replaced one at a time when the template changes.

use serde_json::{Value, json};

use super::super::json::{label, name, number, omit_empty, terminating, text};
use super::super::proxy::ready;
use super::super::state::State;
use super::{events, frozen, pods};

const REVISION: &str = "controller-revision-hash";

pub(super) fn reconcile(state: &mut State) {
    for set in state.store.list("daemonsets", None) {
        if !terminating(&set) && !frozen(&set) {
            one(state, &set);
        }
    }
}

fn one(state: &mut State, set: &Value) {
    let hash = pods::template_hash(&set["spec"]["template"]);
    let nodes = state.store.list("nodes", None);
    let all = pods::all(state, set);
    for node in &nodes {
        if all.iter().any(|pod| text(pod, "/spec/nodeName") == name(node)) {
            continue;
        }
        let pod_name = format!("{}-{}", name(set), state.store.suffix());
        let pod = pods::create(state, set, &pod_name, &[(REVISION, &hash)]);
        let host = super::super::json::items(node, "/status/addresses")
            .first()
            .map_or("", |a| text(a, "/address"));
        // The controller binds each pod to its node itself.
        state.store.edit("pods", &pod, |pod| {
            pod["spec"]["nodeName"] = json!(name(node));
            pod["status"]["hostIP"] = json!(host);
            pod["status"]["hostIPs"] = json!([{ "ip": host }]);
        });
        let message = format!("Created pod: {pod_name}");
        events::record(state, "daemonset-controller", set, "Normal", "SuccessfulCreate", &message);
    }
    let placed = |pod: &Value| nodes.iter().any(|node| name(node) == text(pod, "/spec/nodeName"));
    let alive = pods::alive(state, set);
    for pod in alive.iter().filter(|pod| !placed(pod)) {
        state.store.mark_deleted("pods", pod, 30);
    }
    let busy = pods::all(state, set).iter().any(|pod| terminating(pod) || !ready(pod));
    let outdated = alive.iter().find(|pod| label(pod, REVISION) != hash);
    let stuck = outdated.filter(|pod| !ready(pod));
    if text(set, "/spec/updateStrategy/type") != "OnDelete"
        && let Some(victim) = stuck.or(outdated.filter(|_| !busy))
    {
        state.store.mark_deleted("pods", victim, 30);
    }
    let alive = pods::alive(state, set);
    let wanted = i64::try_from(nodes.len()).expect("nodes are few");
    let ready = pods::ready_count(&alive);
    let mut status = omit_empty(json!({
        "observedGeneration": number(set, "/metadata/generation"),
        "updatedNumberScheduled": pods::count(&alive, |pod| label(pod, REVISION) == hash),
        "numberAvailable": ready, "numberUnavailable": (wanted - ready).max(0),
    }));
    status["currentNumberScheduled"] = json!(pods::count(&alive, |_| true));
    status["desiredNumberScheduled"] = json!(wanted);
    status["numberReady"] = json!(ready);
    status["numberMisscheduled"] = json!(0);
    state.store.edit("daemonsets", set, |set| set["status"] = status);
}
