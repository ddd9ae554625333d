//! `capacity hpa`, `metrics`, `usage`, `recommend`.

use nova_sandbox::cluster::{Cluster, Fault};
use serde_json::{Value, json};

use super::{cluster, forbid, say_all, steady};
use crate::support::{Nova, patient, world};

/// An autoscaler that says this of itself; the control loops leave it alone.
fn autoscaler(cluster: &Cluster, service: &str, (min, max): (u32, u32), status: &Value) {
    cluster.put(
        "horizontalpodautoscalers",
        json!({
            "metadata": {
                "name": format!("novacron-{service}-hpa"), "namespace": "novacron",
                "annotations": { "sandbox.nova/frozen": "true" },
            },
            "spec": {
                "minReplicas": min, "maxReplicas": max,
                "scaleTargetRef": {
                    "apiVersion": "apps/v1", "kind": "Deployment", "name": service,
                },
                "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": {
                    "type": "Utilization", "averageUtilization": 80,
                } } }],
            },
            "status": status,
        }),
    );
}

fn load(replicas: u32, percent: u32) -> Value {
    json!({
        "currentReplicas": replicas, "desiredReplicas": replicas,
        "currentMetrics": [{ "type": "Resource", "resource": { "name": "cpu", "current": {
            "averageUtilization": percent, "averageValue": "200m",
        } } }],
        "conditions": [
            { "type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale",
              "lastTransitionTime": "2026-11-25T09:00:00Z", "message": "" },
            { "type": "ScalingActive", "status": "True", "reason": "ValidMetricFound",
              "lastTransitionTime": "2026-11-25T09:00:00Z", "message": "" },
        ],
    })
}

#[tokio::test]
async fn autoscalers_from_none_to_one_that_is_blind() {
    let mut nova = Nova::start().await;
    let mut replies = say_all(&mut nova, &["capacity hpa"]).await;
    autoscaler(cluster(&nova), "vm-service", (2, 6), &load(3, 40));
    autoscaler(cluster(&nova), "api-gateway", (2, 3), &load(3, 130));
    let mut blind = load(2, 0);
    blind["currentMetrics"] = json!([]);
    blind["conditions"][1] = json!({
        "type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric",
        "lastTransitionTime": "2026-11-25T09:00:00Z",
        "message": "the HPA was unable to compute the replica count: failed to get cpu utilization",
    });
    autoscaler(cluster(&nova), "ml-service", (1, 4), &blind);
    replies += &say_all(&mut nova, &["capacity hpa"]).await;
    forbid(cluster(&nova), &["horizontalpodautoscalers"]);
    replies += &say_all(&mut nova, &["capacity hpa"]).await;
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn metrics_that_are_there_not_installed_and_down() {
    let mut nova = Nova::start().await;
    let mut replies = say_all(&mut nova, &["capacity metrics"]).await;
    cluster(&nova).adapter(&[("requests_per_second", "48500m"), ("queue", "3")], &[("sqs", "12")]);
    replies += &say_all(&mut nova, &["capacity metrics"]).await;
    cluster(&nova).fault(Fault::Adapter(false));
    cluster(&nova).fault(Fault::MetricsApi(false));
    replies += &say_all(&mut nova, &["capacity metrics"]).await;
    cluster(&nova).fault(Fault::Clear);
    cluster(&nova).fault(Fault::MetricsInstalled(false));
    cluster(&nova).adapter(&[("queue", "3")], &[]);
    replies += &say_all(&mut nova, &["capacity metrics"]).await;
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn what_is_used_of_what_was_promised() {
    let mut nova = Nova::start().await;
    let mut replies = say_all(&mut nova, &["capacity usage"]).await;
    cluster(&nova).fault(Fault::MetricsInstalled(false));
    replies += &say_all(&mut nova, &["capacity usage"]).await;
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn replicas_for_the_load_within_the_autoscalers_limits() {
    // The stand-ins serve some 20 requests a second.
    let edit = |text: String| {
        patient(text + "[capacity]\nrequests_per_replica = 2\nrequests = \"sum by (service) (rate(http_requests_total[5m]))\"\n")
    };
    let mut nova = Nova::on(world(true).await, edit).await;
    autoscaler(cluster(&nova), "api-gateway", (2, 4), &load(3, 70));
    let mut reply = String::new();
    for _ in 0..500 {
        reply = nova.say("capacity recommend").await;
        if !reply.contains("no requests measured") {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(reply.contains("more than its autoscaler allows"), "{reply}");
    assert!(reply.contains("Load in the last hour"), "{reply}");
    let gateway = nova.say("capacity recommend api-gateway").await;
    assert!(gateway.contains("autoscaler novacron-api-gateway-hpa keeps 2..4"), "{gateway}");
    let mut rows = Vec::new();
    for line in reply.lines().filter(|line| line.contains("req/s: ")) {
        // How much they serve differs from run to run; that each is judged does not.
        let shown: String = line.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c }).collect();
        rows.push(shown.split(" for ").next().unwrap_or_default().trim().to_owned());
    }
    rows.sort();
    assert_eq!(rows.len(), 6, "{reply}");
}

#[tokio::test]
async fn without_prometheus_or_requests_nothing_is_recommended() {
    let mut nova = Nova::start().await;
    let mut replies = say_all(&mut nova, &["capacity recommend", "capacity recommend nothing"]).await;
    let edit = |text: String| patient(text + "[capacity]\nrequests = \"absent_metric\"\n");
    let mut nova = Nova::on(world(true).await, edit).await;
    replies += &say_all(&mut nova, &["capacity recommend vm-service"]).await;
    steady(|| insta::assert_snapshot!(replies, @""));
}
