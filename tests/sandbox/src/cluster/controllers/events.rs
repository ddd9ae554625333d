//! Core v1 Events as the control loops write them. Invariant: the same thing said again of the same
//! object raises the count of one event; the number of events kept is bounded, oldest out first.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::super::json::{name, namespace, now, number, uid};
use super::super::state::State;

/// How many events the cluster keeps.
const KEPT: usize = 1_000;

/// What an event says: of whom (uid), reason and message.
type Saying = (String, String, String);

/// The events written so far, oldest first, and where each is found (namespace, name).
#[derive(Debug, Default)]
pub(crate) struct Written {
    places: HashMap<Saying, (String, String)>,
    order: VecDeque<Saying>,
}

/// Records that `component` says `reason` and `message` of an object. `kind` is Normal or Warning.
pub(super) fn record(
    state: &mut State,
    component: &str,
    about: &Value,
    kind: &str,
    reason: &str,
    message: &str,
) {
    let home = match namespace(about) {
        "" => "default",
        ns => ns,
    };
    let saying = (uid(about).to_owned(), reason.to_owned(), message.to_owned());
    let known = state.written.places.get(&saying);
    if let Some(event) = known.and_then(|(ns, name)| state.store.get("events", ns, name)) {
        state.store.edit("events", &event, |event| {
            let count = number(event, "/count").unwrap_or(1).saturating_add(1);
            event["count"] = json!(count.min(i64::from(i32::MAX)));
            event["lastTimestamp"] = json!(now());
        });
        return;
    }
    if state.written.order.len() >= KEPT
        && let Some(oldest) = state.written.order.pop_front()
        && let Some((ns, name)) = state.written.places.remove(&oldest)
    {
        state.store.remove("events", &ns, &name);
    }
    let mut involved = json!({
        "kind": about["kind"], "apiVersion": about["apiVersion"], "name": about["metadata"]["name"],
        "uid": about["metadata"]["uid"], "resourceVersion": about["metadata"]["resourceVersion"],
    });
    if !namespace(about).is_empty() {
        involved["namespace"] = json!(namespace(about));
    }
    let event_name = format!("{}.{}{}", name(about), state.store.suffix(), state.store.suffix());
    let place = (home.to_owned(), event_name.clone());
    // A place that was known belonged to an event that somebody deleted.
    if state.written.places.insert(saying.clone(), place).is_none() {
        state.written.order.push_back(saying);
    }
    let time = now();
    state.store.insert(
        "events",
        json!({
            "kind": "Event", "apiVersion": "v1",
            "metadata": { "name": event_name, "namespace": home },
            "involvedObject": involved, "reason": reason, "message": message, "type": kind,
            "source": { "component": component }, "count": 1,
            "firstTimestamp": time, "lastTimestamp": time,
            "reportingComponent": component, "reportingInstance": "",
        }),
    );
}
