//! Deployments: one ReplicaSet a template, rolled from old to new within maxSurge and
//! maxUnavailable, and the status that says how far it is. The rules are those of the real
//! controller (pkg/controller/deployment/rolling.go).

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::json::{
    annotation, items, items_mut, name, namespace, now, number, object, terminating, text,
};
use super::super::state::State;
use super::{events, frozen, owned_by, owns, pods, set_condition};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

pub(super) fn reconcile(state: &mut State) {
    for deployment in state.store.list("deployments", None) {
        if terminating(&deployment) || frozen(&deployment) {
            continue;
        }
        let (new, old) = sets(state, &deployment);
        let paused = deployment["spec"]["paused"] == true;
        let new = match new {
            None if paused => None,
            new => Some(current(state, &deployment, new, &old)),
        };
        roll(state, &deployment, new.as_deref(), &old, paused);
        clean_up(state, &deployment);
        report(state, &deployment);
    }
}

fn spec_replicas(set: &Value) -> i64 {
    number(set, "/spec/replicas").unwrap_or(0)
}

fn available(set: &Value) -> i64 {
    number(set, "/status/availableReplicas").unwrap_or(0)
}

fn revision(set: &Value) -> i64 {
    annotation(set, REVISION).parse().unwrap_or(0)
}

/// The ReplicaSet of the present template, if there is one, and all others.
fn sets(state: &State, deployment: &Value) -> (Option<Arc<Value>>, Vec<Arc<Value>>) {
    let mut old = state.store.list("replicasets", Some(namespace(deployment)));
    old.retain(|set| owns(deployment, set) && !terminating(set));
    let index = old.iter().position(|set| {
        let mut template = set["spec"]["template"].clone();
        object(&mut template["metadata"], "labels").remove(HASH);
        template == deployment["spec"]["template"]
    });
    (index.map(|index| old.remove(index)), old)
}

/// The set of the present template, made when absent, carrying the highest revision.
fn current(
    state: &mut State,
    deployment: &Value,
    new: Option<Arc<Value>>,
    old: &[Arc<Value>],
) -> Arc<Value> {
    let newest = old.iter().map(|set| revision(set)).max().unwrap_or(0);
    let set = match new {
        Some(set) if revision(&set) > newest => set,
        // A rollback: the old set is the newest revision again.
        Some(set) => state
            .store
            .edit("replicasets", &set, |set| {
                set["metadata"]["annotations"][REVISION] = json!((newest + 1).to_string());
            })
            .unwrap_or(set),
        None => create(state, deployment, newest + 1),
    };
    let number = revision(&set).to_string();
    state.store.edit("deployments", deployment, |d| {
        object(&mut d["metadata"], "annotations").insert(REVISION.into(), json!(number));
    });
    set
}

fn create(state: &mut State, deployment: &Value, revision: i64) -> Arc<Value> {
    let mut template = deployment["spec"]["template"].clone();
    let hash = pods::template_hash(&template);
    object(&mut template["metadata"], "labels").insert(HASH.into(), json!(hash));
    let mut selector = deployment["spec"]["selector"].clone();
    object(&mut selector, "matchLabels").insert(HASH.into(), json!(hash));
    state.store.insert(
        "replicasets",
        json!({
            "kind": "ReplicaSet", "apiVersion": "apps/v1",
            "metadata": {
                "name": format!("{}-{hash}", name(deployment)), "namespace": namespace(deployment),
                "labels": template["metadata"]["labels"], "ownerReferences": [owned_by(deployment)],
                "annotations": {
                    REVISION: revision.to_string(),
                    "deployment.kubernetes.io/desired-replicas": deployment["spec"]["replicas"].to_string(),
                },
            },
            "spec": { "replicas": 0, "selector": selector, "template": template },
            "status": { "replicas": 0 },
        }),
    )
}

/// `25%` or a number, of `total`.
fn share(value: &Value, total: i64, round_up: bool) -> i64 {
    let percent =
        value.as_str().and_then(|s| s.strip_suffix('%')).and_then(|s| s.parse::<i64>().ok());
    match percent {
        Some(percent) => {
            let product = percent.clamp(0, 10_000).saturating_mul(total);
            if round_up { product.saturating_add(99) / 100 } else { product / 100 }
        }
        None => value.as_i64().unwrap_or(0).max(0),
    }
}

/// maxSurge and maxUnavailable in pods; never both zero.
fn bounds(deployment: &Value, wanted: i64) -> (i64, i64) {
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    let surge = share(&rolling["maxSurge"], wanted, true);
    let unavailable = share(&rolling["maxUnavailable"], wanted, false).min(wanted);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

fn roll(
    state: &mut State,
    deployment: &Value,
    new: Option<&Value>,
    old: &[Arc<Value>],
    paused: bool,
) {
    let wanted = number(deployment, "/spec/replicas").unwrap_or(1);
    let Some(new) = new else {
        // Paused before its first set of this template: only a change of scale is followed.
        if let Some(active) = old.iter().max_by_key(|set| (spec_replicas(set) > 0, revision(set))) {
            scale(state, deployment, active, wanted);
        }
        return;
    };
    if paused {
        let others: i64 = old.iter().map(|set| spec_replicas(set)).sum();
        scale(state, deployment, new, (wanted - others).max(0));
        return;
    }
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        for set in old {
            scale(state, deployment, set, 0);
        }
        if old.iter().all(|set| pods::all(state, set).is_empty()) {
            scale(state, deployment, new, wanted);
        }
        return;
    }
    let (surge, unavailable) = bounds(deployment, wanted);
    let total = spec_replicas(new) + old.iter().map(|set| spec_replicas(set)).sum::<i64>();
    let have = spec_replicas(new);
    if have > wanted {
        scale(state, deployment, new, wanted);
    } else {
        let room = (wanted + surge - total).max(0);
        scale(state, deployment, new, wanted.min(have + room));
    }
    scale_down_old(state, deployment, new, old, wanted - unavailable);
}

fn scale_down_old(
    state: &mut State,
    deployment: &Value,
    new: &Value,
    old: &[Arc<Value>],
    minimum: i64,
) {
    let fresh = state.store.get("replicasets", namespace(new), name(new));
    let (new_spec, new_available) =
        fresh.map_or((0, 0), |set| (spec_replicas(&set), available(&set)));
    let old_spec: i64 = old.iter().map(|set| spec_replicas(set)).sum();
    let old_available: i64 = old.iter().map(|set| available(set)).sum();
    let mut spare = new_spec + old_spec - minimum - (new_spec - new_available);
    if spare <= 0 {
        return;
    }
    let mut ordered: Vec<(Arc<Value>, i64)> =
        old.iter().map(|set| (Arc::clone(set), spec_replicas(set))).collect();
    ordered.sort_by_key(|(set, _)| text(set, "/metadata/creationTimestamp").to_owned());
    // Pods that do not serve anyway go first.
    for (set, left) in &mut ordered {
        let unhealthy = (*left - available(set)).clamp(0, spare);
        *left -= unhealthy;
        spare -= unhealthy;
    }
    let mut excess = (new_available + old_available - minimum).max(0);
    for (_, left) in &mut ordered {
        let step = (*left).min(excess);
        *left -= step;
        excess -= step;
    }
    for (set, left) in &ordered {
        scale(state, deployment, set, *left);
    }
}

fn scale(state: &mut State, deployment: &Value, set: &Value, wanted: i64) {
    let have = spec_replicas(set);
    if have == wanted {
        return;
    }
    let direction = if wanted > have { "up" } else { "down" };
    state.store.edit("replicasets", set, |set| set["spec"]["replicas"] = json!(wanted));
    let message = format!("Scaled {direction} replica set {} from {have} to {wanted}", name(set));
    events::record(
        state,
        "deployment-controller",
        deployment,
        "Normal",
        "ScalingReplicaSet",
        &message,
    );
}

/// Drops the oldest empty sets beyond the revision history.
fn clean_up(state: &mut State, deployment: &Value) {
    let (_, mut old) = sets(state, deployment);
    old.retain(|set| spec_replicas(set) == 0 && number(set, "/status/replicas").unwrap_or(0) == 0);
    old.sort_by_key(|set| revision(set));
    let limit = number(deployment, "/spec/revisionHistoryLimit").unwrap_or(10).max(0);
    let excess = old.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    for set in &old[..excess] {
        state.store.remove_object("replicasets", set);
    }
}

fn report(state: &mut State, deployment: &Value) {
    let (new, mut all) = sets(state, deployment);
    let of = |set: &Value, key: &str| number(set, &format!("/status/{key}")).unwrap_or(0);
    let new_name = new.as_ref().map_or(String::new(), |set| name(set).to_owned());
    let updated = new.as_ref().map_or(0, |set| of(set, "replicas"));
    all.extend(new);
    let sum = |key: &str| all.iter().map(|set| of(set, key)).sum::<i64>();
    let (replicas, ready, available) =
        (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let wanted = number(deployment, "/spec/replicas").unwrap_or(1);
    let mut status = deployment["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    let moved = [
        ("replicas", replicas),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", available),
    ]
    .iter()
    .any(|(key, value)| status[*key].as_i64().unwrap_or(0) != *value);
    for (key, value) in [
        ("observedGeneration", number(deployment, "/metadata/generation").unwrap_or(1)),
        ("replicas", replicas),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", available),
        ("unavailableReplicas", (wanted.max(replicas) - available).max(0)),
    ] {
        let map = status.as_object_mut().expect("made an object just above");
        // Zeros are left out, as a real server leaves them.
        if value == 0 {
            map.remove(key)
        } else {
            map.insert(key.into(), json!(value))
        };
    }
    let (_, unavailable) = bounds(deployment, wanted);
    let (value, reason, message) = if available >= wanted - unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set_dated_condition(&mut status, "Available", value, reason, message, false);
    let complete = updated == wanted && replicas == wanted && available == wanted;
    if !new_name.is_empty() {
        progress(deployment, &mut status, &new_name, complete, moved, replicas == updated);
    }
    state.store.edit("deployments", deployment, |d| d["status"] = status);
}

/// The Progressing condition, by the rules of pkg/controller/deployment/progress.go.
fn progress(
    deployment: &Value,
    status: &mut Value,
    set: &str,
    complete: bool,
    moved: bool,
    one_set: bool,
) {
    let before = items(status, "/conditions").iter().find(|c| c["type"] == "Progressing").cloned();
    let before = before.unwrap_or_default();
    let reason = text(&before, "/reason");
    // Once complete it stays so, whatever becomes of the pods, until the next rollout.
    if reason == "NewReplicaSetAvailable" && one_set {
        return;
    }
    let limit = number(deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
    let age = text(&before, "/lastUpdateTime")
        .parse::<jiff::Timestamp>()
        .map_or(0, |since| jiff::Timestamp::now().duration_since(since).as_secs());
    let (value, reason, what) = if complete {
        ("True", "NewReplicaSetAvailable", "has successfully progressed.")
    } else if moved || before.is_null() || reason == "NewReplicaSetAvailable" {
        ("True", "ReplicaSetUpdated", "is progressing.")
    } else if age > limit {
        ("False", "ProgressDeadlineExceeded", "has timed out progressing.")
    } else {
        return;
    };
    let message = format!("ReplicaSet \"{set}\" {what}");
    set_dated_condition(status, "Progressing", value, reason, &message, moved);
}

/// A condition that also says when it was last updated: on a change, or when `touch` is set.
fn set_dated_condition(
    status: &mut Value,
    kind: &str,
    value: &str,
    reason: &str,
    message: &str,
    touch: bool,
) {
    let find =
        |status: &Value| items(status, "/conditions").iter().find(|c| c["type"] == kind).cloned();
    let before = find(status).unwrap_or_default();
    set_condition(status, kind, value, reason, message);
    let same = before["status"] == value && before["reason"] == reason && !touch;
    let updated = if same { before["lastUpdateTime"].clone() } else { json!(now()) };
    for condition in items_mut(status, "conditions") {
        if condition["type"] == kind {
            condition["lastUpdateTime"] = updated.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_round_as_kubernetes_rounds_them() {
        assert_eq!(share(&json!("25%"), 3, true), 1);
        assert_eq!(share(&json!("25%"), 3, false), 0);
        assert_eq!(share(&json!("25%"), 8, false), 2);
        assert_eq!(share(&json!(2), 8, false), 2);
        assert_eq!(bounds(&json!({ "spec": {} }), 3), (0, 1));
    }
}
