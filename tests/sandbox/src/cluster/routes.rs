//! From method and path to a verb on a resource: get, list, create, update, patch, delete and the
//! subresources. Invariant: each request is authorised for exactly what it then does, and a dry run
//! stores nothing. Called by the server with the whole body read.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use super::json::number;
use super::query::Query;
use super::rbac::{Attributes, User};
use super::resources::{Resource, discovery, find};
use super::selector::{Fields, Labels};
use super::state::{Shared, State};
use super::status::Refusal;
use super::watch::{self, Scope};
use super::writes::{create, delete, dry_run, patched, write};
use super::{exec, extensions, hpa_versions, list, logs, metrics, proxy, validate};

/// What a request is answered with.
pub(crate) enum Reply {
    Json(u16, Value),
    /// A stream, a text or an upgrade.
    Raw(Response),
}

/// The parts of a path below `/api/v1` or `/apis/GROUP/VERSION`.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) resource: &'static Resource,
    /// "" for cluster-wide resources and lists over all namespaces.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) sub: String,
    /// What follows the subresource, for a proxy.
    pub(crate) rest: String,
}

impl Target {
    fn parse(path: &str) -> Option<Self> {
        let parts: Vec<String> = path.split('/').skip(1).map(decode).collect::<Option<_>>()?;
        let words: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, words) = match words.as_slice() {
            ["api", version, words @ ..] => ("", *version, words),
            ["apis", group, version, words @ ..] => (*group, *version, words),
            _ => return None,
        };
        let (namespace, words) = match words {
            // `namespaces/NAME` and `namespaces/NAME/status` are the namespace itself.
            ["namespaces", _] | ["namespaces", _, "status"] => ("", words),
            ["namespaces", ns, words @ ..] if !ns.is_empty() => (*ns, words),
            _ => ("", words),
        };
        let (plural, words) = words.split_first()?;
        let resource = find(group, version, plural)?;
        let name = words.first().copied().unwrap_or_default();
        if (!namespace.is_empty() && !resource.namespaced)
            || (namespace.is_empty() && resource.namespaced && !name.is_empty())
        {
            return None;
        }
        let sub = words.get(1).copied().unwrap_or_default();
        let rest = words.get(2..).unwrap_or_default().join("/");
        if !rest.is_empty() && sub != "proxy" {
            return None;
        }
        Some(Target {
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            sub: sub.to_owned(),
            rest,
        })
    }

    fn verb(&self, method: &Method, watch: bool) -> Result<&'static str, Refusal> {
        Ok(match (method, self.name.is_empty()) {
            (&Method::GET, true) if watch => "watch",
            (&Method::GET, true) => "list",
            (&Method::GET, false) => "get",
            (&Method::POST, _) => "create",
            (&Method::PUT, false) => "update",
            (&Method::PATCH, false) => "patch",
            (&Method::DELETE, false) => "delete",
            _ => return Err(Refusal::method_not_allowed()),
        })
    }

    /// The verb must be one that discovery lists.
    fn supports(&self, verb: &str) -> Result<(), Refusal> {
        let verbs = if self.sub.is_empty() {
            self.resource.verbs
        } else {
            let sub = self.resource.subs.iter().find(|s| s.name == self.sub);
            sub.ok_or_else(Refusal::no_such_path)?.verbs
        };
        let creates_here = verb != "create" || self.name.is_empty() || !self.sub.is_empty();
        if verbs.contains(&verb) && creates_here {
            Ok(())
        } else {
            Err(Refusal::method_not_allowed())
        }
    }

    pub(crate) fn stored(&self, state: &State) -> Result<Arc<Value>, Refusal> {
        state
            .store
            .get(self.resource.plural, &self.namespace, &self.name)
            .ok_or_else(|| Refusal::not_found(self.resource, &self.name))
    }
}

/// Undoes percent-encoding; None when the bytes are not UTF-8.
fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let code = (byte == b'%').then(|| tail.get(..2)).flatten();
        match code.and_then(|c| u8::from_str_radix(std::str::from_utf8(c).ok()?, 16).ok()) {
            Some(code) => {
                bytes.push(code);
                rest = &tail[2..];
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Answers one request of a known user.
///
/// # Errors
/// Every refusal, as the `Status` to send.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    user: &User,
    parts: &mut Parts,
    body: &Bytes,
) -> Result<Reply, Refusal> {
    let path = parts.uri.path().trim_end_matches('/').to_owned();
    if matches!(path.as_str(), "/healthz" | "/readyz" | "/livez") {
        return Ok(Reply::Raw(text_reply(200, "ok")));
    }
    let host = parts.headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or_default();
    if let Some(answer) = extensions::answer(shared, user, &parts.method, &path) {
        return answer;
    }
    if let Some(mut document) = discovery(&path, host) {
        if parts.method != Method::GET {
            return Err(Refusal::method_not_allowed());
        }
        if path == "/apis" {
            shared.with(|state| extensions::groups(state, &mut document));
        }
        return Ok(Reply::Json(200, document));
    }
    // A proxied path keeps its last slash.
    let Some(target) = Target::parse(parts.uri.path()) else {
        return Err(Refusal::no_such_path());
    };
    let query = Query::read(&parts.uri)?;
    let verb = target.verb(&parts.method, query.flag("watch"))?;
    authorise(user, &target, verb)?;
    target.supports(verb)?;
    if target.resource.is_metrics() {
        return metrics::answer(shared, &target, &query);
    }
    if target.resource.plural == "selfsubjectaccessreviews" {
        let mut review = read_json(body)?;
        validate::head(target.resource, "", &mut review)?;
        return Ok(Reply::Json(201, user.review(review)));
    }
    match (target.sub.as_str(), verb) {
        ("log", _) => {
            let pod = shared.with(|state| target.stored(state))?;
            logs::serve(shared, &pod, &query).map(Reply::Raw)
        }
        ("exec", _) => {
            let pod = shared.with(|state| target.stored(state))?;
            exec::serve(shared, &pod, &query, parts).await.map(Reply::Raw)
        }
        ("proxy", _) => {
            let path_and_query = match parts.uri.query() {
                Some(query) => format!("/{}?{query}", target.rest),
                None => format!("/{}", target.rest),
            };
            proxy::serve(shared, &target, &path_and_query).await.map(Reply::Raw)
        }
        ("", "watch") => watch::serve(shared, scope(&target, &query)?, &query).map(Reply::Raw),
        ("", "list") => shared.with(|state| list::serve(state, &scope(&target, &query)?, &query)),
        (_, "get") => shared.with(|state| {
            let stored = target.stored(state)?;
            let accept =
                parts.headers.get("accept").and_then(|h| h.to_str().ok()).unwrap_or_default();
            let whole = target_view(&target, &stored);
            Ok(Reply::Json(200, if only_metadata(accept) { metadata_of(&whole) } else { whole }))
        }),
        (_, "create") => {
            let value = read_json(body)?;
            shared.with(|state| create(state, &target, value, dry_run(&query)?))
        }
        (_, "delete") => {
            let options = if body.is_empty() { json!({}) } else { read_json(body)? };
            shared.with(|state| delete(state, &target, &query, &options))
        }
        (_, "update") => {
            let value = read_json(body)?;
            shared.with(|state| {
                let old = target.stored(state)?;
                write(state, &target, &old, value, dry_run(&query)?)
            })
        }
        _ => {
            let content =
                parts.headers.get("content-type").and_then(|h| h.to_str().ok()).unwrap_or_default();
            let content = content.split(';').next().unwrap_or_default().trim();
            shared.with(|state| {
                let old = target.stored(state)?;
                let value = patched(&target_view(&target, &old), content, body)?;
                write(state, &target, &old, value, dry_run(&query)?)
            })
        }
    }
}

fn authorise(user: &User, target: &Target, verb: &str) -> Result<(), Refusal> {
    // Whoever has a token may ask what it is good for.
    if target.resource.plural == "selfsubjectaccessreviews" {
        return Ok(());
    }
    let mut resource = target.resource.plural.to_owned();
    if !target.sub.is_empty() {
        resource = format!("{resource}/{}", target.sub);
    }
    // Since 1.35 a WebSocket exec, which is a GET, needs "create" as a POST always did.
    let verbs: &[&str] = if target.sub == "exec" { &["create"] } else { &[verb] };
    let name = target.name.split(':').next().unwrap_or_default();
    verbs.iter().try_for_each(|verb| {
        let wanted = Attributes {
            verb,
            group: target.resource.group,
            resource: &resource,
            namespace: &target.namespace,
            name,
        };
        user.check(Some(target.resource), wanted)
    })
}

fn scope(target: &Target, query: &Query) -> Result<Scope, Refusal> {
    let plural = target.resource.plural;
    Ok(Scope {
        resource: target.resource,
        namespace: Some(target.namespace.clone()).filter(|ns| !ns.is_empty()),
        labels: Labels::parse(query.get("labelSelector").unwrap_or_default())?,
        fields: Fields::parse(query.get("fieldSelector").unwrap_or_default(), plural)?,
    })
}

pub(crate) fn read_json(body: &Bytes) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        Refusal::bad_request(&format!("couldn't get version/kind; json parse error: {error}"))
    })
}

/// Whether a client accepts nothing but metadata, as kube's `get_metadata` asks
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources>).
fn only_metadata(accept: &str) -> bool {
    accept.split(',').all(|one| one.contains("as=PartialObjectMetadata;"))
}

fn metadata_of(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

/// A text answer.
pub(crate) fn text_reply(code: u16, body: &'static str) -> Response {
    Response::builder()
        .status(code)
        .header("content-type", "text/plain; charset=utf-8")
        .body(body.into())
        .expect("constant headers and a known code are valid")
}

/// The object as the path shows it: itself, or its Scale.
pub(crate) fn target_view(target: &Target, stored: &Value) -> Value {
    if target.sub == "scale" {
        scale_of(stored)
    } else {
        hpa_versions::outward(target.resource, stored)
    }
}

fn scale_of(stored: &Value) -> Value {
    let meta = &stored["metadata"];
    let mut spec = json!({});
    // A real server leaves a zero out.
    if let Some(replicas) = number(stored, "/spec/replicas").filter(|n| *n != 0) {
        spec["replicas"] = json!(replicas);
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"], "creationTimestamp": meta["creationTimestamp"],
        },
        "spec": spec,
        "status": {
            "replicas": number(stored, "/status/replicas").unwrap_or(0),
            "selector": Labels::of(&stored["spec"]["selector"]).to_string(),
        },
    })
}
