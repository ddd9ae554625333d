//! Garbage collection: what lost its owner goes, and a namespace takes its content along.

use std::collections::HashSet;

use super::super::json::{items, name, terminating, text, uid};
use super::super::state::State;

/// Resources that may own or be owned.
const OWNED: &[&str] = &["replicasets", "pods"];
const OWNERS: &[&str] =
    &["deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "nodes"];

/// Deletes dependents whose every owner is gone.
pub(super) fn orphans(state: &mut State) {
    let mut owners = HashSet::new();
    for plural in OWNERS {
        for owner in state.store.list(plural, None) {
            owners.insert(uid(&owner).to_owned());
        }
    }
    for plural in OWNED {
        for object in state.store.list(plural, None) {
            let refs = items(&object, "/metadata/ownerReferences");
            if refs.is_empty() || refs.iter().any(|o| owners.contains(text(o, "/uid"))) {
                continue;
            }
            if *plural == "pods" {
                state.store.mark_deleted("pods", &object, 30);
            } else {
                state.store.remove_object(plural, &object);
            }
        }
    }
}

/// Empties namespaces that are being deleted, then removes them.
pub(super) fn namespaces(state: &mut State) {
    for ns in state.store.list("namespaces", None) {
        if !terminating(&ns) {
            continue;
        }
        let mut empty = true;
        for row in super::super::resources::TABLE {
            if !row.namespaced || row.is_metrics() || row.plural == "events" {
                continue;
            }
            for object in state.store.list(row.plural, Some(name(&ns))) {
                empty = false;
                if row.plural == "pods" {
                    state.store.mark_deleted("pods", &object, 30);
                } else {
                    state.store.remove_object(row.plural, &object);
                }
            }
        }
        if empty {
            for event in state.store.list("events", Some(name(&ns))) {
                state.store.remove_object("events", &event);
            }
            state.store.remove_object("namespaces", &ns);
        }
    }
}
