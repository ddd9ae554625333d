//! ReplicaSets: as many pods as asked for, replaced when they end.

use serde_json::json;

use super::super::json::{name, number, omit_empty, terminating};
use super::super::state::State;
use super::{events, frozen, pods};

/// The most pods made or ended in one pass, as a real controller's burst.
const BURST: i64 = 100;
/// The most pods one set gets here; a real cluster would go on until it is full.
const MOST: i64 = 500;

pub(super) fn reconcile(state: &mut State) {
    for set in state.store.list("replicasets", None) {
        if terminating(&set) || frozen(&set) {
            continue;
        }
        let wanted = number(&set, "/spec/replicas").unwrap_or(1).min(MOST);
        let alive = pods::alive(state, &set);
        let have = pods::count(&alive, |_| true);
        for _ in 0..(wanted - have).clamp(0, BURST) {
            let pod_name = format!("{}-{}", name(&set), state.store.suffix());
            pods::create(state, &set, &pod_name, &[]);
            let message = format!("Created pod: {pod_name}");
            events::record(
                state,
                "replicaset-controller",
                &set,
                "Normal",
                "SuccessfulCreate",
                &message,
            );
        }
        for pod in pods::victims(alive, have - wanted) {
            state.store.mark_deleted("pods", &pod, 30);
            let message = format!("Deleted pod: {}", name(&pod));
            events::record(
                state,
                "replicaset-controller",
                &set,
                "Normal",
                "SuccessfulDelete",
                &message,
            );
        }
        let alive = pods::alive(state, &set);
        let ready = pods::ready_count(&alive);
        let count = pods::count(&alive, |_| true);
        let mut status = omit_empty(json!({
            "fullyLabeledReplicas": count, "readyReplicas": ready, "availableReplicas": ready,
            "observedGeneration": number(&set, "/metadata/generation"),
        }));
        status["replicas"] = json!(count);
        state.store.edit("replicasets", &set, |set| set["status"] = status);
    }
}
