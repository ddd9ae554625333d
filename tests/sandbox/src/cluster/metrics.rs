//! metrics.k8s.io: usage of pods and nodes, derived from the pods that run. Invariant: a pod uses a
//! fixed share of what it requests, and a node the sum of its pods and a little for itself, so the
//! figures agree with each other. Can be switched off. Called by the routes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::json::{items, now, text};
use super::query::Query;
use super::routes::{Reply, Target, text_reply};
use super::selector::Labels;
use super::state::{Shared, State};
use super::status::Refusal;

/// CPU in millicores and memory in KiB.
type Usage = (i64, i64);

/// What a node uses for itself.
const NODE: Usage = (180, 900 << 10);

/// # Errors
/// 404 for what does not exist, 400 for unreadable selectors.
pub(crate) fn answer(
    shared: &Arc<Shared>,
    target: &Target,
    query: &Query,
) -> Result<Reply, Refusal> {
    shared.with(|state| {
        if !state.api.metrics {
            // The aggregator's own answer, which is plain text.
            return Ok(Reply::Raw(text_reply(503, "service unavailable\n")));
        }
        let labels = Labels::parse(query.get("labelSelector").unwrap_or_default())?;
        let plural = target.resource.plural;
        let ns = Some(target.namespace.as_str()).filter(|ns| !ns.is_empty());
        let metric = |object: &Value| {
            if plural == "nodes" { node_metrics(state, object) } else { pod_metrics(object) }
        };
        if !target.name.is_empty() {
            let object = state.store.get(plural, &target.namespace, &target.name);
            let found = object.and_then(|object| metric(&object));
            let mut found =
                found.ok_or_else(|| Refusal::not_found(target.resource, &target.name))?;
            found["kind"] = json!(target.resource.kind);
            found["apiVersion"] = json!(target.resource.api_version());
            return Ok(Reply::Json(200, found));
        }
        let items: Vec<Value> = state
            .store
            .list(plural, ns)
            .iter()
            .filter(|object| labels.matches(&object["metadata"]["labels"]))
            .filter_map(|object| metric(object))
            .collect();
        Ok(Reply::Json(
            200,
            json!({
                "kind": format!("{}List", target.resource.kind),
                "apiVersion": target.resource.api_version(),
                "metadata": { "resourceVersion": state.store.version().to_string() },
                "items": items,
            }),
        ))
    })
}

fn base(object: &Value) -> Value {
    let mut meta = json!({ "name": object["metadata"]["name"], "creationTimestamp": now() });
    for key in ["namespace", "labels"] {
        if let Some(value) = object["metadata"].get(key) {
            meta[key] = value.clone();
        }
    }
    json!({ "metadata": meta, "timestamp": now(), "window": "15s" })
}

fn usage_value((cpu, memory): Usage) -> Value {
    json!({ "cpu": format!("{cpu}m"), "memory": format!("{memory}Ki") })
}

/// Two fifths of the CPU and three fifths of the memory that a container requests.
fn container_usage(container: &Value) -> Usage {
    let request = |key: &str| text(container, &format!("/resources/requests/{key}"));
    // Bounded, so that absurd requests cannot overflow the sums.
    let sane = |n: i64| n.clamp(0, 1 << 40);
    (sane(millicores(request("cpu"))) * 2 / 5, sane(kibibytes(request("memory"))) * 3 / 5)
}

fn pod_metrics(pod: &Value) -> Option<Value> {
    if text(pod, "/status/phase") != "Running" {
        return None;
    }
    let mut metrics = base(pod);
    metrics["containers"] = items(pod, "/spec/containers")
        .iter()
        .map(|c| json!({ "name": c["name"], "usage": usage_value(container_usage(c)) }))
        .collect();
    Some(metrics)
}

fn node_metrics(state: &State, node: &Value) -> Option<Value> {
    let ready = items(node, "/status/conditions")
        .iter()
        .any(|c| text(c, "/type") == "Ready" && text(c, "/status") == "True");
    if !ready {
        return None;
    }
    let mut total = NODE;
    for pod in state.store.list("pods", None) {
        if text(&pod, "/spec/nodeName") == super::json::name(node)
            && text(&pod, "/status/phase") == "Running"
        {
            for container in items(&pod, "/spec/containers") {
                let (cpu, memory) = container_usage(container);
                total = (total.0 + cpu, total.1 + memory);
            }
        }
    }
    let mut metrics = base(node);
    metrics["usage"] = usage_value(total);
    Some(metrics)
}

/// `250m`, `2` or `0.5` in millicores; what cannot be read is 0.
fn millicores(quantity: &str) -> i64 {
    if let Some(milli) = quantity.strip_suffix('m') {
        return milli.parse().unwrap_or(0);
    }
    let (whole, part) = quantity.split_once('.').unwrap_or((quantity, ""));
    let part = format!("{part:0<3}");
    let thousandths: i64 = part.get(..3).and_then(|p| p.parse().ok()).unwrap_or(0);
    whole.parse::<i64>().unwrap_or(0).saturating_mul(1000).saturating_add(thousandths)
}

/// `64Mi`, `1Gi`, `512Ki` or bytes in KiB; what cannot be read is 0.
fn kibibytes(quantity: &str) -> i64 {
    let parse =
        |digits: &str, factor: i64| digits.parse::<i64>().unwrap_or(0).saturating_mul(factor);
    match quantity.get(quantity.len().saturating_sub(2)..) {
        Some("Ki") => parse(quantity.trim_end_matches("Ki"), 1),
        Some("Mi") => parse(quantity.trim_end_matches("Mi"), 1 << 10),
        Some("Gi") => parse(quantity.trim_end_matches("Gi"), 1 << 20),
        _ => parse(quantity, 1) / 1024,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read() {
        assert_eq!(
            [millicores("250m"), millicores("2"), millicores("0.5"), millicores("x")],
            [250, 2000, 500, 0]
        );
        assert_eq!(
            [kibibytes("64Mi"), kibibytes("1Gi"), kibibytes("2048"), kibibytes("")],
            [65536, 1 << 20, 2, 0]
        );
    }
}
