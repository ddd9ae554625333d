//! StatefulSets: pods name-0, name-1, … made one after the other and replaced from the last one down.

use serde_json::{Value, json};

use super::super::json::{label, name, namespace, number, omit_empty, terminating, text};
use super::super::proxy::ready;
use super::super::state::State;
use super::{events, frozen, pods};

const REVISION: &str = "controller-revision-hash";

pub(super) fn reconcile(state: &mut State) {
    for set in state.store.list("statefulsets", None) {
        if !terminating(&set) && !frozen(&set) {
            one(state, &set);
        }
    }
}

fn one(state: &mut State, set: &Value) {
    let wanted = number(set, "/spec/replicas").unwrap_or(1);
    let hash = format!("{}-{}", name(set), pods::template_hash(&set["spec"]["template"]));
    let ordinal =
        |pod: &Value| name(pod).rsplit('-').next().and_then(|n| n.parse::<i64>().ok()).unwrap_or(0);
    let parallel = text(set, "/spec/podManagementPolicy") == "Parallel";
    let mut settled = true;
    for index in 0..wanted.min(500) {
        let pod_name = format!("{}-{index}", name(set));
        match state.store.get("pods", namespace(set), &pod_name) {
            None => {
                let index = index.to_string();
                let labels = [
                    (REVISION, hash.as_str()),
                    ("statefulset.kubernetes.io/pod-name", &pod_name),
                    ("apps.kubernetes.io/pod-index", &index),
                ];
                pods::create(state, set, &pod_name, &labels);
                let message =
                    format!("create Pod {pod_name} in StatefulSet {} successful", name(set));
                events::record(
                    state,
                    "statefulset-controller",
                    set,
                    "Normal",
                    "SuccessfulCreate",
                    &message,
                );
                settled = false;
            }
            Some(pod) if !ready(&pod) || terminating(&pod) => settled = false,
            Some(_) => {}
        }
        if !settled && !parallel {
            break;
        }
    }
    let mut alive = pods::alive(state, set);
    alive.sort_by_key(|pod| std::cmp::Reverse(ordinal(pod)));
    let extra = alive.iter().find(|pod| ordinal(pod) >= wanted);
    let outdated = alive.iter().find(|pod| label(pod, REVISION) != hash);
    let on_delete = text(set, "/spec/updateStrategy/type") == "OnDelete";
    // An outdated pod that is not ready is replaced as well, or a bad template could never be mended.
    let stuck = outdated.filter(|pod| !ready(pod));
    let victim = extra
        .or(stuck)
        .or(outdated.filter(|_| settled))
        .filter(|pod| ordinal(pod) >= wanted || !on_delete);
    if pods::all(state, set).iter().all(|pod| !terminating(pod))
        && let Some(victim) = victim
    {
        state.store.mark_deleted("pods", victim, 30);
        let message =
            format!("delete Pod {} in StatefulSet {} successful", name(victim), name(set));
        events::record(
            state,
            "statefulset-controller",
            set,
            "Normal",
            "SuccessfulDelete",
            &message,
        );
    }
    let alive = pods::alive(state, set);
    let updated = pods::count(&alive, |pod| label(pod, REVISION) == hash);
    let count = pods::count(&alive, |_| true);
    let before = text(set, "/status/currentRevision");
    let current = if updated == count || before.is_empty() { hash.as_str() } else { before };
    let mut status = omit_empty(json!({
        "observedGeneration": number(set, "/metadata/generation"),
        "readyReplicas": pods::ready_count(&alive), "updatedReplicas": updated,
        "currentReplicas": pods::count(&alive, |pod| label(pod, REVISION) == current),
        "currentRevision": current, "updateRevision": hash,
    }));
    status["replicas"] = json!(count);
    status["availableReplicas"] = json!(pods::ready_count(&alive));
    status["collisionCount"] = json!(0);
    state.store.edit("statefulsets", set, |set| set["status"] = status);
}
