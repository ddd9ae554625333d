//! The control loops: what makes objects come true. One owned task runs all of them whenever
//! something changed and at each step of the clock. Invariant: a pass without news changes nothing,
//! so the loops come to rest. Also run at once by the façade, for deployments that start ready.

mod budget;
mod daemonset;
mod deployment;
pub(crate) mod events;
mod gc;
mod hpa;
mod job;
mod kubelet;
pub(crate) mod node;
mod pods;
mod replicaset;
mod statefulset;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::json::{annotation, items, now, text};
use super::state::{Shared, State};

/// How many passes one wake-up may take; what is left is done at the next.
const PASSES: usize = 50;

/// Whose pods move on to their next phase in this pass.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tick<'a> {
    /// Nobody's: only react.
    None,
    All,
    /// Those of one workload: namespace and name.
    Of(&'a str, &'a str),
}

/// Runs until the cluster stops.
pub(super) async fn run(shared: Arc<Shared>, step: Duration) {
    let mut changes = shared.changes();
    let mut clock = tokio::time::interval(step.max(Duration::from_millis(1)));
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rest = Rest::default();
    loop {
        let tick = tokio::select! {
            () = shared.stopped() => return,
            _ = clock.tick() => Tick::All,
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                Tick::None
            }
        };
        shared.with(|state| {
            if matches!(tick, Tick::All) && rest.holds(state) {
                return;
            }
            let before = state.store.version();
            settle(state, tick);
            if matches!(tick, Tick::All) && state.store.version() == before {
                rest.begin(before);
            }
        });
    }
}

/// Whether a step would find nothing to do: the last one changed nothing and nothing changed since.
/// A cluster at rest must cost nothing, or its tests take the time that it burns.
#[derive(Default)]
struct Rest {
    at: Option<(u64, Instant)>,
}

impl Rest {
    /// Deadlines pass without a change, so that no rest is longer than this.
    const LONGEST: Duration = Duration::from_millis(500);

    fn begin(&mut self, version: u64) {
        self.at = Some((version, Instant::now()));
    }

    fn holds(&self, state: &State) -> bool {
        self.at.is_some_and(|(version, since)| {
            version == state.store.version()
                && state.broken.is_empty()
                && since.elapsed() < Self::LONGEST
        })
    }
}

/// One step of the clock if asked for, then reactions until nothing moves any more.
pub(super) fn settle(state: &mut State, tick: Tick<'_>) {
    pass(state, tick);
    for _ in 0..PASSES {
        let before = state.store.version();
        pass(state, Tick::None);
        if state.store.version() == before {
            return;
        }
    }
}

fn pass(state: &mut State, tick: Tick<'_>) {
    gc::namespaces(state);
    gc::orphans(state);
    deployment::reconcile(state);
    replicaset::reconcile(state);
    statefulset::reconcile(state);
    daemonset::reconcile(state);
    job::reconcile(state);
    kubelet::reconcile(state, tick);
    budget::reconcile(state);
    if matches!(tick, Tick::All) {
        hpa::reconcile(state);
    }
}

/// Whether an object asks the control loops to leave it as it was put.
fn frozen(object: &Value) -> bool {
    annotation(object, "sandbox.nova/frozen") == "true"
}

/// Sets a condition by type; its transition time moves only when its status does.
pub(super) fn set_condition(
    status: &mut Value,
    kind: &str,
    value: &str,
    reason: &str,
    message: &str,
) {
    let mut condition = json!({ "type": kind, "status": value, "lastTransitionTime": now() });
    for (key, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            condition[key] = json!(text);
        }
    }
    let list = match status.get_mut("conditions").and_then(Value::as_array_mut) {
        Some(list) => list,
        None => {
            status["conditions"] = json!([]);
            status["conditions"].as_array_mut().expect("made a list just above")
        }
    };
    match list.iter_mut().find(|c| c["type"] == kind) {
        Some(old) => {
            if old["status"] == value {
                condition["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            let map = condition.as_object_mut().expect("built as an object above");
            for (key, value) in std::mem::take(map) {
                old[key.as_str()] = value;
            }
            if let (true, Some(old)) = (message.is_empty(), old.as_object_mut()) {
                old.remove("message");
            }
            if let (true, Some(old)) = (reason.is_empty(), old.as_object_mut()) {
                old.remove("reason");
            }
        }
        None => list.push(condition),
    }
}

/// The status of a condition, or "".
fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    items(object, "/status/conditions")
        .iter()
        .find(|c| text(c, "/type") == kind)
        .map_or("", |c| text(c, "/status"))
}

/// A reference that makes `owner` the controller of another object.
fn owned_by(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    })
}

/// Whether `owner` controls `object`.
fn owns(owner: &Value, object: &Value) -> bool {
    items(object, "/metadata/ownerReferences").iter().any(|o| o["uid"] == owner["metadata"]["uid"])
}
