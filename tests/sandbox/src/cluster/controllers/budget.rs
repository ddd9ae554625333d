//! PodDisruptionBudgets: the status that says how many pods may be taken away.

use serde_json::{Value, json};

use super::super::json::{namespace, number, terminating};
use super::super::proxy::ready;
use super::super::selector::Labels;
use super::super::state::State;
use super::frozen;

pub(super) fn reconcile(state: &mut State) {
    for budget in state.store.list("poddisruptionbudgets", None) {
        if frozen(&budget) {
            continue;
        }
        let selector = Labels::of(&budget["spec"]["selector"]);
        let mut pods = state.store.list("pods", Some(namespace(&budget)));
        pods.retain(|pod| selector.matches(&pod["metadata"]["labels"]) && !terminating(pod));
        let expected = i64::try_from(pods.len()).expect("pods are few");
        let healthy = super::pods::count(&pods, ready);
        let desired = match (&budget["spec"]["minAvailable"], &budget["spec"]["maxUnavailable"]) {
            (Value::Null, Value::Null) => 1,
            (Value::Null, most) => (expected - part(most, expected)).max(0),
            (least, _) => part(least, expected),
        };
        let status = json!({
            "observedGeneration": number(&budget, "/metadata/generation").unwrap_or(1),
            "expectedPods": expected, "currentHealthy": healthy, "desiredHealthy": desired,
            "disruptionsAllowed": (healthy - desired).max(0),
        });
        state.store.edit("poddisruptionbudgets", &budget, |b| b["status"] = status);
    }
}

/// A number, or a percentage of all rounded up, as for both fields of a real budget.
fn part(value: &Value, total: i64) -> i64 {
    let percent =
        value.as_str().and_then(|s| s.strip_suffix('%')).and_then(|s| s.parse::<i64>().ok());
    match percent {
        Some(percent) => (percent.clamp(0, 100) * total + 99) / 100,
        None => value.as_i64().unwrap_or(0).max(0),
    }
}
