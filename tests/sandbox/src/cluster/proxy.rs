//! The pod and service proxies, and which backend stands behind a pod's port. Invariant: what is not
//! running or not ready is not reached, as in a real cluster. Called by the routes and by exec.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use serde_json::Value;

use super::fetch::{self, FetchError};
use super::json::{items, label, namespace, number, terminating, text};
use super::routes::Target;
use super::selector::Labels;
use super::state::{Shared, State};
use super::status::Refusal;

/// How long a backend may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The workload a pod belongs to: its deployment, or what owns it directly.
pub(crate) fn workload_of(state: &State, pod: &Value) -> Option<String> {
    let owner = items(pod, "/metadata/ownerReferences").first()?;
    if text(owner, "/kind") != "ReplicaSet" {
        return Some(text(owner, "/name").to_owned());
    }
    let set = state.store.get("replicasets", namespace(pod), text(owner, "/name"));
    let deployment = set.and_then(|set| {
        let owner = items(&set, "/metadata/ownerReferences").first()?;
        Some(text(owner, "/name").to_owned())
    });
    // A set that is being replaced may be gone before its pods.
    deployment.or_else(|| Some(label(pod, "app").to_owned()).filter(|app| !app.is_empty()))
}

/// The URL behind a port of a pod.
pub(crate) fn backend(state: &State, pod: &Value, port: u16) -> Option<String> {
    let own = (super::json::name(pod).to_owned(), port);
    if let Some(url) = state.backends.get(&own) {
        return Some(url.clone());
    }
    let workload = workload_of(state, pod)?;
    state.backends.get(&(workload, port)).cloned()
}

/// Whether the pod's Ready condition is true.
pub(crate) fn ready(pod: &Value) -> bool {
    items(pod, "/status/conditions")
        .iter()
        .any(|c| text(c, "/type") == "Ready" && text(c, "/status") == "True")
}

/// Answers `GET …/proxy/…`.
///
/// # Errors
/// 404 for what does not exist, 400 for a port that does not, 503 when nobody answers.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    target: &Target,
    path_and_query: &str,
) -> Result<Response, Refusal> {
    let (address, url) = shared.with(|state| match target.resource.plural {
        "services" => through_service(state, target),
        _ => through_pod(state, target),
    })?;
    let trouble = |why: &str| {
        Refusal::unavailable(&format!("error trying to reach service: dial tcp {address}: {why}"))
    };
    let url = url.ok_or_else(|| trouble("connect: connection refused"))?;
    let fetched = fetch::get(&url, path_and_query, LIMIT).await.map_err(|error| match error {
        FetchError::Refused => trouble("connect: connection refused"),
        FetchError::TimedOut => trouble("i/o timeout"),
        FetchError::NotHttp => trouble("malformed HTTP response"),
    })?;
    Response::builder()
        .status(fetched.status)
        .header("content-type", fetched.content_type)
        .body(Body::from(fetched.body))
        .map_err(|_| trouble("malformed HTTP response"))
}

/// `name`, `name:port` or `scheme:name:port`.
fn split(name: &str) -> (&str, &str) {
    let parts: Vec<&str> = name.split(':').collect();
    match parts.as_slice() {
        [_scheme, name, port] => (name, port),
        [name, port] => (name, port),
        _ => (name, ""),
    }
}

type Route = (String, Option<String>);

fn through_pod(state: &State, target: &Target) -> Result<Route, Refusal> {
    let (pod_name, port) = split(&target.name);
    let pod = state.store.get("pods", &target.namespace, pod_name);
    let pod = pod.ok_or_else(|| Refusal::not_found(target.resource, pod_name))?;
    let first = number(&pod, "/spec/containers/0/ports/0/containerPort").unwrap_or(80);
    let port = if port.is_empty() { u16::try_from(first).ok() } else { port.parse().ok() };
    let port = port
        .ok_or_else(|| Refusal::bad_request(&format!("invalid pod request \"{}\"", target.name)))?;
    if text(&pod, "/status/podIP").is_empty() {
        return Err(Refusal::bad_request("address not allowed"));
    }
    Ok((format!("{}:{port}", text(&pod, "/status/podIP")), backend(state, &pod, port)))
}

fn through_service(state: &State, target: &Target) -> Result<Route, Refusal> {
    let (service_name, asked) = split(&target.name);
    let service = state.store.get("services", &target.namespace, service_name);
    let service = service.ok_or_else(|| Refusal::not_found(target.resource, service_name))?;
    let ports = items(&service, "/spec/ports");
    let port = if asked.is_empty() {
        ports.first()
    } else {
        ports.iter().find(|p| text(p, "/name") == asked || number(p, "/port") == asked.parse().ok())
    };
    let unavailable =
        || Refusal::unavailable(&format!("no endpoints available for service \"{}\"", target.name));
    let port = port.ok_or_else(|| {
        Refusal::unavailable(&format!(
            "no service port \"{asked}\" found for service \"{service_name}\""
        ))
    })?;
    let selector = Labels::of_map(&service["spec"]["selector"]);
    let pods = state.store.list("pods", Some(&target.namespace));
    let pod = pods
        .iter()
        .find(|pod| {
            !selector.is_empty()
                && selector.matches(&pod["metadata"]["labels"])
                && ready(pod)
                && !terminating(pod)
        })
        .ok_or_else(unavailable)?;
    let target_port = port_number(pod, &port["targetPort"])
        .or_else(|| port_number(pod, &port["port"]))
        .ok_or_else(unavailable)?;
    Ok((format!("{}:{target_port}", text(pod, "/status/podIP")), backend(state, pod, target_port)))
}

/// The URL behind a port of a service: that of a ready pod. `None`: nothing to connect to.
pub(crate) fn behind(state: &State, service: &Value, port: u16) -> Option<String> {
    let wanted = u64::from(port);
    let found =
        items(service, "/spec/ports").iter().find(|p| p["port"].as_u64() == Some(wanted))?;
    let selector = Labels::of_map(&service["spec"]["selector"]);
    let pods = state.store.list("pods", Some(namespace(service)));
    let pod = pods.iter().find(|pod| {
        !selector.is_empty()
            && selector.matches(&pod["metadata"]["labels"])
            && ready(pod)
            && !terminating(pod)
    })?;
    backend(state, pod, port_number(pod, &found["targetPort"]).unwrap_or(port))
}

/// A port given by number, or by the name a container gives it.
fn port_number(pod: &Value, port: &Value) -> Option<u16> {
    if let Some(number) = port.as_u64() {
        return u16::try_from(number).ok();
    }
    let wanted = port.as_str()?;
    let ports = items(pod, "/spec/containers").iter().flat_map(|c| items(c, "/ports"));
    let found = ports.into_iter().find(|p| text(p, "/name") == wanted)?;
    number(found, "/containerPort").and_then(|n| u16::try_from(n).ok())
}

/// Whether a pod's containers can be entered: running, whether ready or not.
pub(crate) fn running(pod: &Value, container: &str) -> bool {
    items(pod, "/status/containerStatuses")
        .iter()
        .any(|s| text(s, "/name") == container && s["state"].get("running").is_some())
}
