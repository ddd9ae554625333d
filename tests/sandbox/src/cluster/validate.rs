//! Defaults and validation of objects on their way in. Invariant: what passes here has the shape the
//! controllers rely on; what does not is refused with the wording of a real server. Called by create,
//! update and patch.

use serde_json::{Value, json};

use super::json::{default, items, items_mut, name, number, object, text};
use super::resources::Resource;
use super::selector::Labels;
use super::status::{Cause, Refusal};

/// Checks that apiVersion, kind and metadata fit the path, filling in what may be left out.
///
/// # Errors
/// 400, when they contradict it.
pub(crate) fn head(resource: &Resource, ns: &str, value: &mut Value) -> Result<(), Refusal> {
    if !value.is_object() {
        return Err(Refusal::bad_request("json: cannot unmarshal the body into an object"));
    }
    let wanted = (resource.api_version(), resource.kind);
    default(value, "apiVersion", json!(wanted.0));
    default(value, "kind", json!(wanted.1));
    let given = (text(value, "/apiVersion"), text(value, "/kind"));
    if given != (wanted.0.as_str(), wanted.1) {
        return Err(Refusal::bad_request(&format!(
            "the API version in the data ({}, Kind={}) does not match the expected API version ({}, Kind={})",
            given.0, given.1, wanted.0, wanted.1
        )));
    }
    for part in ["metadata", "spec", "status"] {
        match value.get(part) {
            None | Some(Value::Object(_)) => {}
            Some(Value::Null) => {
                value.as_object_mut().expect("checked above").remove(part);
            }
            Some(_) => {
                return Err(Refusal::bad_request(&format!(
                    "{} in version \"{}\" cannot be handled as a {}: json: cannot unmarshal {part} into an object",
                    resource.kind, resource.version, resource.kind
                )));
            }
        }
    }
    let given = text(value, "/metadata/namespace");
    if !given.is_empty() && given != ns {
        return Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let meta = object(value, "metadata");
    if resource.namespaced {
        meta.insert("namespace".into(), json!(ns));
    }
    for map in ["labels", "annotations"] {
        let Some(entries) = meta.get(map) else { continue };
        let plain = entries.is_null()
            || entries.as_object().is_some_and(|m| m.values().all(Value::is_string));
        if !plain {
            return Err(Refusal::bad_request(&format!(
                "{} in version \"{}\" cannot be handled as a {}: json: cannot unmarshal metadata.{map} of type map[string]string",
                resource.kind, resource.version, resource.kind
            )));
        }
    }
    Ok(())
}

/// Fills in what a real server fills in, so far as clients look at it.
pub(crate) fn defaults(plural: &str, value: &mut Value) {
    match plural {
        "namespaces" => {
            let own = json!(name(value));
            default(value, "spec", json!({ "finalizers": ["kubernetes"] }));
            default(value, "status", json!({ "phase": "Active" }));
            let meta = object(value, "metadata");
            let labels = meta.entry("labels").or_insert_with(|| json!({}));
            labels["kubernetes.io/metadata.name"] = own;
        }
        "pods" => {
            pod(object_value(value, "spec"));
            default(value, "status", json!({ "phase": "Pending" }));
        }
        "services" => service(object_value(value, "spec")),
        "deployments" => {
            let spec = object_value(value, "spec");
            default(spec, "replicas", json!(1));
            default(spec, "revisionHistoryLimit", json!(10));
            default(spec, "progressDeadlineSeconds", json!(600));
            default(spec, "strategy", json!({ "type": "RollingUpdate" }));
            default(&mut spec["strategy"], "type", json!("RollingUpdate"));
            if spec["strategy"]["type"] == "RollingUpdate" {
                let rolling = object_value(&mut spec["strategy"], "rollingUpdate");
                default(rolling, "maxSurge", json!("25%"));
                default(rolling, "maxUnavailable", json!("25%"));
            }
            template(spec);
        }
        "replicasets" | "statefulsets" => {
            let spec = object_value(value, "spec");
            default(spec, "replicas", json!(1));
            if plural == "statefulsets" {
                default(spec, "podManagementPolicy", json!("OrderedReady"));
                default(spec, "serviceName", json!(""));
            }
            template(spec);
        }
        "daemonsets" => template(object_value(value, "spec")),
        "jobs" => {
            let spec = object_value(value, "spec");
            default(spec, "parallelism", json!(1));
            default(spec, "completions", json!(1));
            default(spec, "backoffLimit", json!(6));
            template(spec);
        }
        "horizontalpodautoscalers" => default(object_value(value, "spec"), "minReplicas", json!(1)),
        "secrets" => default(value, "type", json!("Opaque")),
        _ => {}
    }
}

fn object_value<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    object(value, key);
    &mut value[key]
}

fn template(spec: &mut Value) {
    pod(object_value(object_value(spec, "template"), "spec"));
}

fn pod(spec: &mut Value) {
    default(spec, "restartPolicy", json!("Always"));
    default(spec, "terminationGracePeriodSeconds", json!(30));
    default(spec, "dnsPolicy", json!("ClusterFirst"));
    default(spec, "schedulerName", json!("default-scheduler"));
    default(spec, "securityContext", json!({}));
    for container in items_mut(spec, "containers") {
        let latest =
            !text(container, "/image").rsplit('/').next().unwrap_or_default().contains([':', '@'])
                || text(container, "/image").ends_with(":latest");
        default(
            container,
            "imagePullPolicy",
            json!(if latest { "Always" } else { "IfNotPresent" }),
        );
        default(container, "terminationMessagePath", json!("/dev/termination-log"));
        default(container, "terminationMessagePolicy", json!("File"));
        default(container, "resources", json!({}));
        for port in items_mut(container, "ports") {
            default(port, "protocol", json!("TCP"));
        }
    }
}

fn service(spec: &mut Value) {
    default(spec, "type", json!("ClusterIP"));
    default(spec, "sessionAffinity", json!("None"));
    default(spec, "internalTrafficPolicy", json!("Cluster"));
    for port in items_mut(spec, "ports") {
        default(port, "protocol", json!("TCP"));
        let target = port["port"].clone();
        default(port, "targetPort", target);
    }
}

/// # Errors
/// 400 for a field that the type does not have, 422 for values it does not take.
pub(crate) fn check(
    resource: &Resource,
    value: &Value,
    old: Option<&Value>,
) -> Result<(), Refusal> {
    let mut causes = Vec::new();
    if old.is_none() {
        check_name(value, &mut causes);
    }
    match resource.plural {
        "deployments" | "replicasets" | "statefulsets" | "daemonsets" => {
            workload(resource, value, old, &mut causes);
        }
        "jobs" => containers(value, "/spec/template/spec", "spec.template.spec", &mut causes),
        "pods" => pod_change(value, old, &mut causes),
        "horizontalpodautoscalers" => autoscaler(value, &mut causes),
        "networkpolicies" => network_policy(resource, value, &mut causes)?,
        "services"
            if items(value, "/spec/ports").is_empty()
                && text(value, "/spec/clusterIP") != "None" =>
        {
            causes.push(Cause::required("spec.ports", ""));
        }
        _ => {}
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid(resource, name(value), &causes))
}

fn check_name(value: &Value, causes: &mut Vec<Cause>) {
    let name = name(value);
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
        return;
    }
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let legal = name.len() <= 253
        && name.chars().all(|c| edge(c) || c == '-' || c == '.')
        && name.starts_with(edge)
        && name.ends_with(edge);
    if !legal {
        causes.push(Cause::invalid(
            "metadata.name",
            &json!(name),
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
             and must start and end with an alphanumeric character",
        ));
    }
}

fn not_negative(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    let pointer = format!("/{}", field.replace('.', "/"));
    let Some(given) = value.pointer(&pointer) else { return };
    match given.as_i64() {
        Some(n) if (0..=i64::from(i32::MAX)).contains(&n) => {}
        Some(_) => causes.push(Cause::invalid(field, given, "must be greater than or equal to 0")),
        None => causes.push(Cause::invalid(field, given, "must be an integer")),
    }
}

fn workload(resource: &Resource, value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    not_negative(value, "spec.replicas", causes);
    let selector = &value["spec"]["selector"];
    let labels = Labels::of(selector);
    if labels.is_empty() {
        causes.push(Cause::required("spec.selector", ""));
    } else if !labels.matches(&value["spec"]["template"]["metadata"]["labels"]) {
        causes.push(Cause::invalid(
            "spec.template.metadata.labels",
            &value["spec"]["template"]["metadata"]["labels"],
            "`selector` does not match template `labels`",
        ));
    }
    if old.is_some_and(|old| &old["spec"]["selector"] != selector) {
        causes.push(Cause::invalid("spec.selector", selector, "field is immutable"));
    }
    containers(value, "/spec/template/spec", "spec.template.spec", causes);
    let rolling = &value["spec"]["strategy"]["rollingUpdate"];
    let zero = |v: &Value| v.as_i64() == Some(0) || v.as_str() == Some("0%");
    if resource.plural == "deployments"
        && zero(&rolling["maxSurge"])
        && zero(&rolling["maxUnavailable"])
    {
        causes.push(Cause::invalid(
            "spec.strategy.rollingUpdate.maxUnavailable",
            &rolling["maxUnavailable"],
            "may not be 0 when `maxSurge` is 0",
        ));
    }
}

fn containers(value: &Value, pointer: &str, field: &str, causes: &mut Vec<Cause>) {
    let found = items(value, &format!("{pointer}/containers"));
    if found.is_empty() {
        causes.push(Cause::required(&format!("{field}.containers"), ""));
    }
    for (index, container) in found.iter().enumerate() {
        for key in ["name", "image"] {
            if text(container, &format!("/{key}")).is_empty() {
                causes.push(Cause::required(&format!("{field}.containers[{index}].{key}"), ""));
            }
        }
    }
}

fn pod_change(value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    containers(value, "/spec", "spec", causes);
    let frame = |pod: &Value| {
        let mut spec = pod["spec"].clone();
        for container in items_mut(&mut spec, "containers").filter(|c| c.is_object()) {
            container["image"] = Value::Null;
        }
        for free in ["tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds"] {
            if let Some(map) = spec.as_object_mut() {
                map.remove(free);
            }
        }
        spec
    };
    if old.is_some_and(|old| frame(old) != frame(value)) {
        causes.push(Cause::forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,\
             `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions \
             to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
             previously negative)",
        ));
    }
}

fn autoscaler(value: &Value, causes: &mut Vec<Cause>) {
    let (low, high) =
        (number(value, "/spec/minReplicas").unwrap_or(1), number(value, "/spec/maxReplicas"));
    if low < 1 {
        causes.push(Cause::invalid(
            "spec.minReplicas",
            &json!(low),
            "must be greater than or equal to 1",
        ));
    }
    match high {
        None => causes.push(Cause::required("spec.maxReplicas", "")),
        Some(high) if high < low => causes.push(Cause::invalid(
            "spec.maxReplicas",
            &json!(high),
            "must be greater than or equal to `minReplicas`",
        )),
        Some(_) => {}
    }
    for key in ["kind", "name"] {
        if text(value, &format!("/spec/scaleTargetRef/{key}")).is_empty() {
            causes.push(Cause::required(&format!("spec.scaleTargetRef.{key}"), ""));
        }
    }
}

/// Rules and peers take no other fields than these; the usual slip is an `except` outside ipBlock.
fn network_policy(
    resource: &Resource,
    value: &Value,
    causes: &mut Vec<Cause>,
) -> Result<(), Refusal> {
    let mut unknown = Vec::new();
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (r, rule) in items(value, &format!("/spec/{direction}")).iter().enumerate() {
            let place = format!("spec.{direction}[{r}]");
            unknown_fields(rule, &[peers, "ports"], &place, &mut unknown);
            for (p, peer) in items(rule, &format!("/{peers}")).iter().enumerate() {
                let place = format!("{place}.{peers}[{p}]");
                unknown_fields(
                    peer,
                    &["ipBlock", "namespaceSelector", "podSelector"],
                    &place,
                    &mut unknown,
                );
                let block = !peer["ipBlock"].is_null();
                let selects =
                    !peer["podSelector"].is_null() || !peer["namespaceSelector"].is_null();
                match (block, selects) {
                    (false, false) => causes.push(Cause::required(&place, "must specify a peer")),
                    (true, true) => causes.push(Cause::forbidden(
                        &place,
                        "may not specify both ipBlock and another peer",
                    )),
                    (true, false) if text(peer, "/ipBlock/cidr").is_empty() => {
                        causes.push(Cause::required(&format!("{place}.ipBlock.cidr"), ""));
                    }
                    _ => {}
                }
            }
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Refusal::bad_request(&format!(
        "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
        resource.kind,
        resource.version,
        resource.kind,
        unknown.join(", ")
    )))
}

fn unknown_fields(value: &Value, known: &[&str], place: &str, out: &mut Vec<String>) {
    for key in value.as_object().into_iter().flat_map(|map| map.keys()) {
        if !known.contains(&key.as_str()) {
            out.push(format!("unknown field \"{place}.{key}\""));
        }
    }
}
