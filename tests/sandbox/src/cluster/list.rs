//! Lists, in pages when a limit is given. Invariant: the pages of one list together are the state at
//! the version of its first page, or the token has expired with 410. Called by the list route.

use serde_json::{Value, json};

use super::hpa_versions;
use super::json::{name, namespace};
use super::query::Query;
use super::routes::Reply;
use super::state::State;
use super::status::Refusal;
use super::watch::Scope;

/// # Errors
/// 400 for unreadable parameters, 410 for a version that is forgotten, 504 for one from the future.
pub(crate) fn serve(state: &State, scope: &Scope, query: &Query) -> Result<Reply, Refusal> {
    let plural = scope.resource.plural;
    let current = state.store.version();
    let limit = query.number("limit")?.unwrap_or(0);
    let token = query.get("continue").map(read_token).transpose()?;
    let asked = query.number("resourceVersion")?.unwrap_or(0);
    if asked > current {
        return Err(Refusal::version_too_large(asked, current));
    }
    let exact = query.get("resourceVersionMatch") == Some("Exact") && asked > 0;
    let version = match &token {
        Some((version, ..)) => *version,
        None if exact => asked,
        None => current,
    };
    let ns = scope.namespace.as_deref();
    let objects = if version == current {
        Some(state.store.list(plural, ns))
    } else {
        state.store.list_at(plural, ns, version)
    };
    let objects = objects.ok_or_else(|| {
        Refusal::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start \
             a new list without the continue parameter.",
        )
    })?;
    let after = token.map(|(_, ns, name)| (ns, name));
    let mut left = objects.into_iter().filter(|object| {
        let is_later = |(ns, after): &(String, String)| {
            (namespace(object), name(object)) > (ns.as_str(), after.as_str())
        };
        after.as_ref().is_none_or(is_later) && scope.holds(object)
    });
    let size = if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
    let page: Vec<_> = left.by_ref().take(size).collect();
    let remaining = left.count();
    let mut meta = json!({ "resourceVersion": version.to_string() });
    if let (Some(last), true) = (page.last(), remaining > 0) {
        meta["continue"] = json!(token_after(version, last));
        // A real server cannot count what a selector leaves.
        if scope.labels.is_empty() && scope.fields.is_empty() {
            meta["remainingItemCount"] = json!(remaining);
        }
    }
    let items: Vec<Value> = page
        .iter()
        .map(|object| {
            let mut item = hpa_versions::outward(scope.resource, object);
            if let Some(map) = item.as_object_mut() {
                map.remove("kind");
                map.remove("apiVersion");
            }
            item
        })
        .collect();
    Ok(Reply::Json(
        200,
        json!({
            "kind": format!("{}List", scope.resource.kind),
            "apiVersion": scope.resource.api_version(),
            "metadata": meta,
            "items": items,
        }),
    ))
}

/// Opaque to clients: the version and the last key, in hexadecimal.
fn token_after(version: u64, last: &Value) -> String {
    format!("{version}/{}/{}", namespace(last), name(last))
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn read_token(token: &str) -> Result<(u64, String, String), Refusal> {
    let read = || {
        let bytes: Option<Vec<u8>> = token
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let plain = String::from_utf8(bytes?).ok()?;
        let mut fields = plain.splitn(3, '/');
        let version = fields.next()?.parse().ok()?;
        Some((version, fields.next()?.to_owned(), fields.next()?.to_owned()))
    };
    read().ok_or_else(|| Refusal::bad_request("continue key is not valid: it could not be read"))
}
