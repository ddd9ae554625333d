//! APIs that other servers answer behind the aggregator: their APIService objects, and the custom and
//! external metrics of an adapter. Invariant: an API is in discovery if and only if its APIService is
//! there, and one that is down answers 503 for everything but its name. Called by the routes and the
//! façade. Shapes: k8s.io/metrics `custom_metrics/v1beta1` and `external_metrics/v1beta1`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};

use super::json::{items, name, now, text};
use super::rbac::{Attributes, User};
use super::resources::TABLE;
use super::routes::{Reply, text_reply};
use super::state::{Shared, State};
use super::status::Refusal;

pub(crate) const RESOURCE: &str = "metrics.k8s.io";
pub(crate) const CUSTOM: &str = "custom.metrics.k8s.io";
pub(crate) const EXTERNAL: &str = "external.metrics.k8s.io";
const VERSION: &str = "v1beta1";

/// Metrics with the value that every pod, or the world outside, has.
type Values = BTreeMap<String, String>;

/// What a metrics adapter serves; `None`: it is not installed.
#[derive(Debug, Default)]
pub(crate) struct Adapter {
    pub(crate) custom: Option<Values>,
    pub(crate) external: Option<Values>,
}

impl Adapter {
    fn values(&self, group: &str) -> Option<&Values> {
        match group {
            CUSTOM => self.custom.as_ref(),
            EXTERNAL => self.external.as_ref(),
            _ => None,
        }
    }
}

/// Registers what a new cluster has: its own APIs, and metrics-server's.
pub(crate) fn register_defaults(state: &mut State) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for row in TABLE {
        let pair = (row.group, row.version);
        if !seen.contains(&pair) && row.group != RESOURCE {
            seen.push(pair);
            register(state, pair, None);
        }
    }
    register_metrics(state);
}

/// Installs metrics-server.
pub(crate) fn register_metrics(state: &mut State) {
    register(state, (RESOURCE, VERSION), Some(("kube-system", "metrics-server")));
}

/// Adds an APIService: local, or answered by a service.
pub(crate) fn register(
    state: &mut State,
    (group, version): (&str, &str),
    service: Option<(&str, &str)>,
) {
    let mut spec = json!({
        "group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100,
    });
    if let Some((namespace, name)) = service {
        spec["service"] = json!({ "namespace": namespace, "name": name, "port": 443 });
    }
    let local = service.is_none();
    let mut status = json!({});
    let (reason, message) = match local {
        true => ("Local", "Local APIServices are always available"),
        false => ("Passed", "all checks passed"),
    };
    super::controllers::set_condition(&mut status, "Available", "True", reason, message);
    let name = format!("{version}.{group}");
    unregister(state, &name);
    state.store.insert(
        "apiservices",
        json!({
            "kind": "APIService", "apiVersion": "apiregistration.k8s.io/v1",
            "metadata": { "name": name }, "spec": spec, "status": status,
        }),
    );
}

pub(crate) fn unregister(state: &mut State, name: &str) {
    state.store.remove("apiservices", "", name);
}

/// Whether the server behind an API answers.
pub(crate) fn set_available(state: &mut State, group: &str, available: bool) {
    let name = format!("{VERSION}.{group}");
    let Some(service) = state.store.get("apiservices", "", &name) else { return };
    state.store.edit("apiservices", &service, |service| {
        let (value, reason, message) = if available {
            ("True", "Passed", "all checks passed".to_owned())
        } else {
            let of = |key: &str| text(service, &format!("/spec/service/{key}")).to_owned();
            let why = format!(
                "endpoints for service/{} in \"{}\" have no addresses with port name \"https\"",
                of("name"),
                of("namespace")
            );
            ("False", "MissingEndpoints", why)
        };
        let status = &mut service["status"];
        super::controllers::set_condition(status, "Available", value, reason, &message);
    });
}

fn registered(state: &State, group: &str) -> Option<bool> {
    let service = state.store.get("apiservices", "", &format!("{VERSION}.{group}"))?;
    let condition = items(&service, "/status/conditions").iter().find(|c| c["type"] == "Available");
    Some(condition.is_some_and(|condition| condition["status"] == "True"))
}

/// Brings the list of groups (`/apis`) to what is registered.
pub(crate) fn groups(state: &State, document: &mut Value) {
    let Some(groups) = document["groups"].as_array_mut() else { return };
    groups.retain(|group| group["name"] != RESOURCE || registered(state, RESOURCE).is_some());
    for group in [CUSTOM, EXTERNAL] {
        if registered(state, group).is_some() {
            groups.push(api_group(group));
        }
    }
}

fn api_group(group: &str) -> Value {
    let version = json!({ "groupVersion": format!("{group}/{VERSION}"), "version": VERSION });
    json!({ "name": group, "versions": [version], "preferredVersion": version })
}

/// Answers what is below `/apis/GROUP` of an extension; `None` for every other path.
///
/// # Errors
/// 404 for what is not registered or not there, 403 for what the user may not read.
pub(crate) fn answer(
    shared: &Arc<Shared>,
    user: &User,
    method: &Method,
    path: &str,
) -> Option<Result<Reply, Refusal>> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let ["apis", group, rest @ ..] = parts.as_slice() else { return None };
    if *group == RESOURCE {
        let missing = shared.with(|state| registered(state, RESOURCE)).is_none();
        return missing.then(|| Err(Refusal::no_such_path()));
    }
    if ![CUSTOM, EXTERNAL].contains(group) {
        return None;
    }
    Some(shared.with(|state| {
        let up = registered(state, group).ok_or_else(Refusal::no_such_path)?;
        if rest.is_empty() {
            let mut found = api_group(group);
            found["kind"] = json!("APIGroup");
            found["apiVersion"] = json!("v1");
            return Ok(Reply::Json(200, found));
        }
        if !up {
            // The aggregator's own answer, which is plain text.
            return Ok(Reply::Raw(text_reply(503, "service unavailable\n")));
        }
        if method != Method::GET {
            return Err(Refusal::method_not_allowed());
        }
        let none = Values::new();
        let values = state.adapter.values(group).unwrap_or(&none);
        let may = |resource: &str, namespace: &str, name: &str| {
            user.check(None, Attributes { verb: "get", group, resource, namespace, name })
        };
        match (*group, rest) {
            (_, [VERSION]) => Ok(Reply::Json(200, resources(group, values))),
            (CUSTOM, [VERSION, "namespaces", namespace, "pods", "*", metric]) => {
                may(&format!("pods/{metric}"), namespace, "*")?;
                let value = values.get(*metric).ok_or_else(|| unknown(metric))?;
                Ok(Reply::Json(200, of_pods(state, namespace, metric, value)))
            }
            (EXTERNAL, [VERSION, "namespaces", namespace, metric]) => {
                may(metric, namespace, "")?;
                let value = values.get(*metric).ok_or_else(|| unknown(metric))?;
                Ok(Reply::Json(200, json!({
                    "kind": "ExternalMetricValueList", "apiVersion": format!("{EXTERNAL}/{VERSION}"),
                    "metadata": {}, "items": [{
                        "metricName": metric, "metricLabels": {}, "timestamp": now(), "value": value,
                    }],
                })))
            }
            _ => Err(Refusal::no_such_path()),
        }
    }))
}

fn unknown(metric: &str) -> Refusal {
    let mut refusal = Refusal::no_such_path();
    refusal.body["message"] =
        json!(format!("the server could not find the metric {metric} for pods"));
    refusal
}

fn resources(group: &str, values: &Values) -> Value {
    let (prefix, kind) = match group {
        CUSTOM => ("pods/", "MetricValueList"),
        _ => ("", "ExternalMetricValueList"),
    };
    let list: Vec<Value> = values
        .keys()
        .map(|metric| {
            json!({
                "name": format!("{prefix}{metric}"), "singularName": "", "namespaced": true,
                "kind": kind, "verbs": ["get"],
            })
        })
        .collect();
    json!({
        "kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": format!("{group}/{VERSION}"), "resources": list,
    })
}

fn of_pods(state: &State, namespace: &str, metric: &str, value: &str) -> Value {
    let pods = state.store.list("pods", Some(namespace));
    let list: Vec<Value> = pods
        .iter()
        .filter(|pod| text(pod, "/status/phase") == "Running")
        .map(|pod| {
            json!({
                "describedObject": {
                    "kind": "Pod", "namespace": namespace, "name": name(pod), "apiVersion": "/v1",
                },
                "metricName": metric, "timestamp": now(), "value": value, "selector": null,
            })
        })
        .collect();
    json!({
        "kind": "MetricValueList", "apiVersion": format!("{CUSTOM}/{VERSION}"),
        "metadata": {}, "items": list,
    })
}
