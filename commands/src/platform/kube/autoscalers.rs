//! HorizontalPodAutoscalers (autoscaling/v2), reduced to what they hold to and why they do not.

use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v2::{
    HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus,
};

use super::quantity::milli;
use super::{Cluster, PlatformError};
use crate::text::Untrusted;

/// One autoscaler. Counts are pods.
#[derive(Clone, Debug, PartialEq)]
pub struct Autoscaler {
    pub name: String,
    /// Kind and name of what it scales.
    pub scales: (String, String),
    pub min: u32,
    pub max: u32,
    pub current: u32,
    pub desired: u32,
    pub last_scale: Option<Timestamp>,
    pub targets: Vec<Target>,
    pub conditions: Vec<Condition>,
}

/// One metric that an autoscaler holds to.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// `cpu`, or the metric's name.
    pub metric: Untrusted,
    /// As kubectl writes it: `45%`, `120m`. `None`: the autoscaler has no value.
    pub current: Option<String>,
    pub wanted: String,
    /// The value over the target; above 1 it wants more pods.
    pub load: Option<f64>,
}

/// What an autoscaler says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `AbleToScale`, `ScalingActive` or `ScalingLimited`.
    pub kind: String,
    pub holds: bool,
    pub reason: String,
    pub message: Untrusted,
}

impl Cluster {
    /// The autoscalers of a namespace.
    ///
    /// # Errors
    /// When the list cannot be had.
    pub async fn autoscalers(&self, namespace: &str) -> Result<Vec<Autoscaler>, PlatformError> {
        let what = "horizontalpodautoscalers";
        let found = self.list::<HorizontalPodAutoscaler>(what, Some(namespace), None).await?;
        Ok(found.into_iter().map(Autoscaler::from).collect())
    }
}

impl From<HorizontalPodAutoscaler> for Autoscaler {
    fn from(object: HorizontalPodAutoscaler) -> Self {
        let spec = object.spec.unwrap_or_default();
        let status = object.status.unwrap_or_default();
        let measured = status.current_metrics.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default().into_iter();
        let metrics = spec.metrics.unwrap_or_default();
        Self {
            name: object.metadata.name.unwrap_or_default(),
            scales: (spec.scale_target_ref.kind, spec.scale_target_ref.name),
            min: count(spec.min_replicas.unwrap_or(1)),
            max: count(spec.max_replicas),
            current: count(status.current_replicas.unwrap_or_default()),
            desired: count(status.desired_replicas),
            last_scale: status.last_scale_time.map(|time| time.0),
            targets: metrics.iter().map(|metric| Target::of(metric, &measured)).collect(),
            conditions: conditions
                .map(|condition| Condition {
                    kind: condition.type_,
                    holds: condition.status == "True",
                    reason: condition.reason.unwrap_or_default(),
                    message: condition.message.unwrap_or_default().into(),
                })
                .collect(),
        }
    }
}

impl Target {
    fn of(metric: &MetricSpec, measured: &[MetricStatus]) -> Self {
        let (name, wanted) = wanted(metric);
        let current =
            measured.iter().map(current).find(|(kind, of, _)| *kind == metric.type_ && *of == name);
        let current = current.map(|(_, _, value)| value);
        let (wanted, target) = match wanted {
            Some(target) => amount(
                target.average_utilization,
                target.average_value.as_ref().or(target.value.as_ref()),
            ),
            None => ("?".to_owned(), None),
        };
        let (current, value) = match current {
            Some(status) => {
                let quantity = status.average_value.as_ref().or(status.value.as_ref());
                let (text, value) = amount(status.average_utilization, quantity);
                (Some(text).filter(|text| text != "?"), value)
            }
            None => (None, None),
        };
        let load = value.zip(target).filter(|(_, target)| *target > 0.0);
        Self {
            metric: name.into(),
            current,
            wanted,
            load: load.map(|(value, target)| value / target),
        }
    }
}

/// The name of a metric and what it should be.
fn wanted(metric: &MetricSpec) -> (&str, Option<&MetricTarget>) {
    let resource = metric.resource.as_ref().map(|m| (m.name.as_str(), &m.target));
    let container = metric.container_resource.as_ref().map(|m| (m.name.as_str(), &m.target));
    let pods = metric.pods.as_ref().map(|m| (m.metric.name.as_str(), &m.target));
    let object = metric.object.as_ref().map(|m| (m.metric.name.as_str(), &m.target));
    let external = metric.external.as_ref().map(|m| (m.metric.name.as_str(), &m.target));
    match resource.or(container).or(pods).or(object).or(external) {
        Some((name, target)) => (name, Some(target)),
        None => (&metric.type_, None),
    }
}

/// The kind and name of a metric and what it is.
fn current(metric: &MetricStatus) -> (&str, &str, &MetricValueStatus) {
    static NONE: MetricValueStatus =
        MetricValueStatus { average_utilization: None, average_value: None, value: None };
    let resource = metric.resource.as_ref().map(|m| (m.name.as_str(), &m.current));
    let container = metric.container_resource.as_ref().map(|m| (m.name.as_str(), &m.current));
    let pods = metric.pods.as_ref().map(|m| (m.metric.name.as_str(), &m.current));
    let object = metric.object.as_ref().map(|m| (m.metric.name.as_str(), &m.current));
    let external = metric.external.as_ref().map(|m| (m.metric.name.as_str(), &m.current));
    let (name, value) =
        resource.or(container).or(pods).or(object).or(external).unwrap_or(("", &NONE));
    (&metric.type_, name, value)
}

/// As text and as a number to compare.
fn amount(
    utilisation: Option<i32>,
    quantity: Option<&k8s_openapi::apimachinery::pkg::api::resource::Quantity>,
) -> (String, Option<f64>) {
    match (utilisation, quantity) {
        (Some(percent), _) => (format!("{percent} %"), Some(f64::from(percent))),
        (None, Some(quantity)) => (quantity.0.clone(), milli(quantity).map(|m| m as f64 / 1000.0)),
        (None, None) => ("?".to_owned(), None),
    }
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_paired_with_its_own_value() {
        let object: HorizontalPodAutoscaler = serde_json::from_value(serde_json::json!({
            "metadata": { "name": "web" },
            "spec": {
                "minReplicas": 2, "maxReplicas": 8,
                "scaleTargetRef": { "kind": "Deployment", "name": "web" },
                "metrics": [
                    { "type": "Resource", "resource": { "name": "cpu", "target": {
                        "type": "Utilization", "averageUtilization": 80 } } },
                    { "type": "Pods", "pods": { "metric": { "name": "rps" }, "target": {
                        "type": "AverageValue", "averageValue": "100" } } },
                    { "type": "External", "external": { "metric": { "name": "queue" }, "target": {
                        "type": "Value", "value": "30" } } },
                ],
            },
            "status": { "currentReplicas": 3, "desiredReplicas": 5, "currentMetrics": [
                { "type": "Pods", "pods": { "metric": { "name": "rps" }, "current": {
                    "averageValue": "150" } } },
                { "type": "Resource", "resource": { "name": "cpu", "current": {
                    "averageUtilization": 40, "averageValue": "100m" } } },
            ] },
        }))
        .unwrap();
        let scaler = Autoscaler::from(object);
        let shown: Vec<_> = scaler
            .targets
            .iter()
            .map(|t| (t.metric.raw(), t.current.as_deref(), t.wanted.as_str(), t.load))
            .collect();
        assert_eq!(
            shown,
            [
                ("cpu", Some("40 %"), "80 %", Some(0.5)),
                ("rps", Some("150"), "100", Some(1.5)),
                ("queue", None, "30", None),
            ]
        );
        assert_eq!((scaler.min, scaler.max, scaler.current, scaler.desired), (2, 8, 3, 5));
    }
}
