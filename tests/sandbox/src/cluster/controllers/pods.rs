//! Pods as their owners see them: making one from a template, counting, choosing which to end.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::json::{namespace, object, terminating, text};
use super::super::proxy::ready;
use super::super::state::State;
use super::super::store::letters;
use super::super::validate;
use super::{owned_by, owns};

/// A hash of a pod template as it stands in names and labels.
pub(super) fn template_hash(template: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    template.to_string().hash(&mut hasher);
    letters(hasher.finish(), 10)
}

/// The owner's pods that nobody asked to end, in order of name.
pub(super) fn alive(state: &State, owner: &Value) -> Vec<Arc<Value>> {
    let mut pods = all(state, owner);
    pods.retain(|pod| !terminating(pod));
    pods
}

/// The owner's pods, those on their way out included.
pub(super) fn all(state: &State, owner: &Value) -> Vec<Arc<Value>> {
    let mut pods = state.store.list("pods", Some(namespace(owner)));
    pods.retain(|pod| owns(owner, pod));
    pods
}

pub(super) fn ready_count(pods: &[Arc<Value>]) -> i64 {
    count(pods, ready)
}

pub(super) fn count(pods: &[Arc<Value>], what: impl Fn(&Value) -> bool) -> i64 {
    i64::try_from(pods.iter().filter(|pod| what(pod)).count()).expect("pods are few")
}

/// Creates a pod of `owner` from its template, with more labels if given.
pub(super) fn create(
    state: &mut State,
    owner: &Value,
    name: &str,
    labels: &[(&str, &str)],
) -> Arc<Value> {
    let template = &owner["spec"]["template"];
    let mut meta = json!({
        "name": name, "namespace": namespace(owner), "ownerReferences": [owned_by(owner)],
        "labels": {},
    });
    for key in ["labels", "annotations"] {
        if let Some(map) = template["metadata"].get(key) {
            meta[key] = map.clone();
        }
    }
    for (key, value) in labels {
        object(&mut meta, "labels").insert((*key).to_owned(), json!(value));
    }
    let mut pod = json!({
        "kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": template["spec"],
    });
    validate::defaults("pods", &mut pod);
    pod["status"]["qosClass"] = json!("Burstable");
    state.store.insert("pods", pod)
}

/// The pods to end first: not ready ones, then the youngest.
pub(super) fn victims(mut pods: Vec<Arc<Value>>, count: i64) -> Vec<Arc<Value>> {
    let age = |pod: &Value| text(pod, "/metadata/creationTimestamp").to_owned();
    pods.sort_by_key(|pod| (ready(pod), std::cmp::Reverse(age(pod))));
    pods.truncate(usize::try_from(count).unwrap_or(0));
    pods
}
