//! autoscaling/v1 and v2 of one HorizontalPodAutoscaler. Stored is v2; a request in v1 sees and
//! writes the CPU target as the plain number that v1 has. Called where objects enter and leave.

use serde_json::{Map, Value, json};

use super::json::{items, number, text};
use super::resources::Resource;

fn is_v1(resource: &Resource) -> bool {
    resource.group == "autoscaling" && resource.version == "v1"
}

fn is_cpu(metric: &Value) -> bool {
    text(metric, "/type") == "Resource" && text(metric, "/resource/name") == "cpu"
}

/// A stored object in the version that was asked for.
pub(crate) fn outward(resource: &Resource, stored: &Value) -> Value {
    let mut object = stored.clone();
    if !is_v1(resource) {
        return object;
    }
    object["apiVersion"] = json!("autoscaling/v1");
    let cpu = items(stored, "/spec/metrics").iter().find(|m| is_cpu(m));
    let target = cpu.and_then(|m| number(m, "/resource/target/averageUtilization"));
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.retain(|key, _| {
            matches!(key.as_str(), "scaleTargetRef" | "minReplicas" | "maxReplicas")
        });
        if let Some(target) = target {
            spec.insert("targetCPUUtilizationPercentage".into(), json!(target));
        }
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.retain(|key, _| !matches!(key.as_str(), "conditions" | "currentMetrics"));
    }
    object
}

/// An incoming object in the stored version; what v1 cannot say is kept from `old`.
pub(crate) fn inward(resource: &Resource, mut object: Value, old: Option<&Value>) -> Value {
    if !is_v1(resource) {
        return object;
    }
    object["apiVersion"] = json!("autoscaling/v2");
    let none = Map::new();
    let kept = old.and_then(|o| o["spec"].as_object()).unwrap_or(&none);
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        let mut metrics: Vec<Value> = kept
            .get("metrics")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|m| !is_cpu(m))
            .cloned()
            .collect();
        if let Some(target) = spec.remove("targetCPUUtilizationPercentage") {
            let target = json!({ "type": "Utilization", "averageUtilization": target });
            metrics.push(
                json!({ "type": "Resource", "resource": { "name": "cpu", "target": target } }),
            );
        }
        if !metrics.is_empty() {
            spec.insert("metrics".into(), json!(metrics));
        }
        if let Some(behavior) = kept.get("behavior") {
            spec.insert("behavior".into(), behavior.clone());
        }
    }
    object
}
