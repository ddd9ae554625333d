//! Create, update, patch and delete. Invariant: an object is stored whole and valid or not at all,
//! a stale version is a conflict, and a dry run stores nothing. Called by the routes.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::json::{flag, name, number, object, text, uid};
use super::query::Query;
use super::routes::{Reply, Target, read_json, target_view};
use super::state::State;
use super::status::{Refusal, deleted};
use super::store::Store;
use super::{hpa_versions, patch, validate};

pub(crate) fn create(
    state: &mut State,
    target: &Target,
    mut value: Value,
    dry_run: bool,
) -> Result<Reply, Refusal> {
    let resource = target.resource;
    if resource.namespaced && target.namespace.is_empty() {
        return Err(Refusal::method_not_allowed());
    }
    validate::head(resource, &target.namespace, &mut value)?;
    if name(&value).is_empty() && !text(&value, "/metadata/generateName").is_empty() {
        let made = format!("{}{}", text(&value, "/metadata/generateName"), state.store.suffix());
        object(&mut value, "metadata").insert("name".into(), json!(made));
    }
    let mut value = hpa_versions::inward(resource, value, None);
    if resource.subs.iter().any(|s| s.name == "status")
        && let Some(map) = value.as_object_mut()
    {
        map.remove("status");
    }
    validate::defaults(resource.plural, &mut value);
    validate::check(resource, &value, None)?;
    if resource.namespaced {
        let namespaces = super::resources::stored("namespaces")?;
        let home = state.store.get("namespaces", "", &target.namespace);
        let home = home.ok_or_else(|| Refusal::not_found(namespaces, &target.namespace))?;
        if super::json::terminating(&home) {
            let message = format!(
                "{} \"{}\" is forbidden: unable to create new content in namespace {} because it is being terminated",
                resource.qualified(),
                name(&value),
                target.namespace
            );
            return Err(Refusal::forbidden(Some(resource), name(&value), &message));
        }
    }
    if state.store.get(resource.plural, &target.namespace, name(&value)).is_some() {
        return Err(Refusal::already_exists(resource, name(&value)));
    }
    if dry_run {
        state.store.stamp(resource.plural, &mut value);
        return Ok(Reply::Json(201, hpa_versions::outward(resource, &value)));
    }
    let stored = state.store.insert(resource.plural, value);
    Ok(Reply::Json(201, hpa_versions::outward(resource, &stored)))
}

/// The document after a patch of the given media type.
pub(crate) fn patched(document: &Value, content: &str, body: &Bytes) -> Result<Value, Refusal> {
    const ACCEPTED: [&str; 3] = [
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
    ];
    let mut out = document.clone();
    match ACCEPTED.iter().position(|accepted| *accepted == content) {
        Some(0) => out = patch::json_patch(document, &read_json(body)?)?,
        Some(index) => {
            let patch = read_json(body)?;
            if !patch.is_object() {
                return Err(Refusal::bad_request(
                    "json: cannot unmarshal the patch into an object",
                ));
            }
            if index == 1 {
                patch::merge(&mut out, &patch);
            } else {
                patch::strategic(&mut out, &patch)?;
            }
        }
        None => return Err(Refusal::media_type(&ACCEPTED)),
    }
    Ok(out)
}

/// Replaces `old` by `value`, which is in the form the path shows.
pub(crate) fn write(
    state: &mut State,
    target: &Target,
    old: &Value,
    mut value: Value,
    dry_run: bool,
) -> Result<Reply, Refusal> {
    let resource = target.resource;
    if target.sub == "scale" {
        if text(&value, "/kind") != "Scale" {
            return Err(Refusal::bad_request("the object provided is not a Scale"));
        }
    } else {
        validate::head(resource, &target.namespace, &mut value)?;
    }
    if name(&value) != target.name {
        return Err(Refusal::bad_request(&format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            name(&value),
            target.name
        )));
    }
    let version = text(&value, "/metadata/resourceVersion");
    if !version.is_empty() && version != text(old, "/metadata/resourceVersion") {
        return Err(Refusal::stale(resource, &target.name));
    }
    if !uid(&value).is_empty() && uid(&value) != uid(old) {
        let why = format!(
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            uid(&value),
            uid(old)
        );
        return Err(Refusal::conflict(resource, &target.name, &why));
    }
    let new = match target.sub.as_str() {
        "scale" => {
            let mut new = old.clone();
            new["spec"]["replicas"] = value["spec"].get("replicas").cloned().unwrap_or(json!(0));
            new
        }
        "status" => {
            let mut new = old.clone();
            new["status"] = hpa_versions::inward(resource, value, Some(old))["status"].take();
            new
        }
        _ => {
            let mut new = hpa_versions::inward(resource, value, Some(old));
            let keeps_status = resource.subs.iter().any(|s| s.name == "status");
            if let Some(map) = new.as_object_mut().filter(|_| keeps_status) {
                match old.get("status") {
                    Some(status) => map.insert("status".into(), status.clone()),
                    None => map.remove("status"),
                };
            }
            validate::defaults(resource.plural, &mut new);
            new
        }
    };
    validate::check(resource, &new, Some(old))?;
    let after = if dry_run {
        Store::successor(resource.plural, old, new)
    } else {
        let stored = state.store.update(resource.plural, new);
        let stored = stored.ok_or_else(|| Refusal::not_found(resource, &target.name))?;
        (*stored).clone()
    };
    Ok(Reply::Json(200, target_view(target, &after)))
}

pub(crate) fn delete(
    state: &mut State,
    target: &Target,
    query: &Query,
    options: &Value,
) -> Result<Reply, Refusal> {
    let resource = target.resource;
    let old = target.stored(state)?;
    for (key, shown) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let wanted = text(options, &format!("/preconditions/{key}"));
        let found = text(&old, &format!("/metadata/{key}"));
        if !wanted.is_empty() && wanted != found {
            let why = format!(
                "the {shown} in the precondition ({wanted}) does not match the {shown} in record ({found}). \
                 The object might have been deleted and then recreated"
            );
            return Err(Refusal::conflict(resource, &target.name, &why));
        }
    }
    let pod = resource.plural == "pods";
    let gone = deleted(resource, &target.name, uid(&old));
    if dry_run(query)? || options["dryRun"] == json!(["All"]) {
        return Ok(Reply::Json(200, if pod { (*old).clone() } else { gone }));
    }
    let asked = number(options, "/gracePeriodSeconds");
    let grace = match (asked, query.number("gracePeriodSeconds")?) {
        (Some(seconds), _) => seconds,
        (None, Some(seconds)) => i64::try_from(seconds).unwrap_or(i64::MAX),
        (None, None) => number(&old, "/spec/terminationGracePeriodSeconds").unwrap_or(30),
    };
    let policy = query.get("propagationPolicy").unwrap_or(text(options, "/propagationPolicy"));
    if policy == "Orphan" || flag(options, "/orphanDependents") {
        orphan(state, uid(&old));
    }
    if pod && grace > 0 {
        let marked = state.store.mark_deleted("pods", &old, grace);
        return Ok(Reply::Json(200, marked.map_or_else(|| (*old).clone(), |pod| (*pod).clone())));
    }
    if resource.plural == "namespaces" {
        state.store.mark_deleted("namespaces", &old, 0);
        state.store.edit("namespaces", &old, |ns| ns["status"]["phase"] = json!("Terminating"));
        return Ok(Reply::Json(200, gone));
    }
    let last = state.store.remove(resource.plural, &target.namespace, &target.name);
    if pod {
        state.logs.forget(&target.namespace, &target.name);
        return Ok(Reply::Json(200, last.map_or_else(|| (*old).clone(), |pod| (*pod).clone())));
    }
    Ok(Reply::Json(200, gone))
}

/// Cuts the dependents of a deleted object loose, so that they stay.
fn orphan(state: &mut State, owner: &str) {
    for plural in ["replicasets", "pods"] {
        for dependent in state.store.list(plural, None) {
            state.store.edit(plural, &dependent, |dependent| {
                let owners = dependent.pointer_mut("/metadata/ownerReferences");
                let owners = owners.and_then(Value::as_array_mut);
                if let Some(owners) = owners {
                    owners.retain(|o| o["uid"] != owner);
                }
            });
        }
    }
}

pub(crate) fn dry_run(query: &Query) -> Result<bool, Refusal> {
    match query.get("dryRun") {
        None => Ok(false),
        Some("All") => Ok(true),
        Some(other) => Err(Refusal::bad_request(&format!(
            "dryRun: Unsupported value: \"{other}\": supported values: \"All\""
        ))),
    }
}
