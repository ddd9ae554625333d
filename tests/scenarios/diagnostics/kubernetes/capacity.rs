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

fn load_of(replicas: u32, percent: u32) -> Value {
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
    autoscaler(cluster(&nova), "vm-service", (2, 6), &load_of(3, 40));
    autoscaler(cluster(&nova), "api-gateway", (2, 3), &load_of(3, 130));
    let mut blind = load_of(2, 0);
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
    steady(|| {
        insta::assert_snapshot!(replies, @r#"
        > capacity hpa
        ○ autoscalers: 1 absent
          ○ autoscalers  no autoscaler in novacron
            └ list horizontalpodautoscalers of each cluster · AGE
            → replicas are set by hand: see `capacity recommend`

        [1] Metrics they use   [2] Recommended
          N ms
        exit 1

        > capacity hpa
        ✗ autoscalers: 1 failing, 1 warning, 1 ok
          ✗ novacron-ml-service-hpa   2 of 1..4 replicas · cpu unknown of 80 % · FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get cpu utilization
            └ horizontalpodautoscaler novacron-ml-service-hpa in novacron of us-east · AGE
            → the metric that it holds to cannot be read: see `capacity metrics`
          ! novacron-api-gateway-hpa  3 of 2..3 replicas · cpu 130 % of 80 % · at its maximum and wants more
            └ horizontalpodautoscaler novacron-api-gateway-hpa in novacron of us-east · AGE
            → raise maxReplicas if the nodes have room: see `top nodes --allocated`

        ─ 1 ok
          ✓ novacron-vm-service-hpa  3 of 2..6 replicas · cpu 40 % of 80 %  horizontalpodautoscaler novacron-vm-service-hpa in novacron of us-east · AGE

        ─ Autoscalers, list horizontalpodautoscalers of each cluster · AGE
          autoscaler                scales                  min  max  replicas  wanted  metrics              scaled
          novacron-api-gateway-hpa  deployment/api-gateway    2    3         3       3  cpu 130 % of 80 %    never
          novacron-ml-service-hpa   deployment/ml-service     1    4         2       2  cpu unknown of 80 %  never
          novacron-vm-service-hpa   deployment/vm-service     2    6         3       3  cpu 40 % of 80 %     never

        [1] Metrics they use   [2] Recommended
          N ms
        exit 1

        > capacity hpa
        ? autoscalers: 1 without data
          ? cluster us-east  not permitted: horizontalpodautoscalers.autoscaling is forbidden: User "reader" cannot list resource "horizontalpodautoscalers" in API group "autoscaling" in the namespace
                             "novacron"  list horizontalpodautoscalers in novacron of us-east · AGE
            → grant nova's account a role that may do this

        [1] Metrics they use   [2] Recommended
          N ms
        exit 0
        "#);
    });
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
    steady(|| {
        insta::assert_snapshot!(replies, @r#"
    > capacity metrics
    ✓ metrics for autoscalers: 2 not available here, 1 ok
      – custom metrics us-east    custom.metrics.k8s.io is not installed  list API groups of us-east · AGE
      – external metrics us-east  external.metrics.k8s.io is not installed  list API groups of us-east · AGE

    ─ 1 ok
      ✓ metrics server us-east  answers: 3 nodes, the oldest sample AGE old  metrics.k8s.io/v1beta1 nodes of us-east · AGE

    [1] Autoscalers   [2] In use
      N ms
    exit 0

    > capacity metrics
    ✓ metrics for autoscalers: 4 ok

    ─ 4 ok
      ✓ custom metrics us-east       2 metrics  custom.metrics.k8s.io/v1beta1 of us-east · AGE
      ✓ external metrics us-east     1 metric  external.metrics.k8s.io/v1beta1 of us-east · AGE
      ✓ metrics server us-east       answers: 3 nodes, the oldest sample AGE old  metrics.k8s.io/v1beta1 nodes of us-east · AGE
      ✓ requests_per_second us-east  16 pods with a value  custom.metrics.k8s.io/v1beta1/namespaces/*/pods/*/requests_per_second of us-east · AGE

    ─ Metrics offered, list resources of the custom and external metrics APIs · AGE
      metric                    API                      cluster
      pods/queue                custom.metrics.k8s.io    us-east
      pods/requests_per_second  custom.metrics.k8s.io    us-east
      sqs                       external.metrics.k8s.io  us-east

    [1] Autoscalers   [2] In use
      N ms
    exit 0

    > capacity metrics
    ✗ metrics for autoscalers: 3 failing
      ✗ custom metrics us-east    registered and does not answer: endpoints for service/prometheus-adapter in "monitoring" have no addresses with port name "https"
        └ custom.metrics.k8s.io/v1beta1 of us-east · AGE
        → look at the pods behind the service monitoring/prometheus-adapter
      ✗ external metrics us-east  registered and does not answer: endpoints for service/prometheus-adapter in "monitoring" have no addresses with port name "https"
        └ external.metrics.k8s.io/v1beta1 of us-east · AGE
        → look at the pods behind the service monitoring/prometheus-adapter
      ✗ metrics server us-east    registered and does not answer: endpoints for service/metrics-server in "kube-system" have no addresses with port name "https"
        └ metrics.k8s.io/v1beta1 nodes of us-east · AGE
        → look at the pods behind the service kube-system/metrics-server

    [1] Autoscalers   [2] In use
      N ms
    exit 1

    > capacity metrics
    ○ metrics for autoscalers: 1 absent, 2 not available here, 1 ok
      ○ requests_per_second us-east  no such metric of pods
        └ custom.metrics.k8s.io/v1beta1/namespaces/*/pods/*/requests_per_second of us-east · AGE
        → see [capacity] `custom_metric` and the adapter's rules
      – external metrics us-east     external.metrics.k8s.io is not installed  list API groups of us-east · AGE
      – metrics server us-east       metrics.k8s.io is not installed  list API groups of us-east · AGE

    ─ 1 ok
      ✓ custom metrics us-east  1 metric  custom.metrics.k8s.io/v1beta1 of us-east · AGE

    ─ Metrics offered, list resources of the custom and external metrics APIs · AGE
      metric      API                    cluster
      pods/queue  custom.metrics.k8s.io  us-east

    [1] Autoscalers   [2] In use
      N ms
    exit 1
    "#);
    });
}

#[tokio::test]
async fn what_is_used_of_what_was_promised() {
    let mut nova = Nova::start().await;
    let mut replies = say_all(&mut nova, &["capacity usage"]).await;
    cluster(&nova).fault(Fault::MetricsInstalled(false));
    replies += &say_all(&mut nova, &["capacity usage"]).await;
    steady(|| {
        insta::assert_snapshot!(replies, @r"
    > capacity usage
    ✓ usage: 7 ok

    ─ 7 ok
      ✓ api-gateway            cpu 300m of 750m (40 %) · memory 461 MiB of 768 MiB (59 %) · 3 pods  metrics.k8s.io and list pods in novacron of us-east · AGE
      ✓ backup-service         cpu 160m of 400m (40 %) · memory 307 MiB of 512 MiB (59 %) · 2 pods  metrics.k8s.io and list pods in novacron of us-east · AGE
      ✓ federation-service     cpu 160m of 400m (40 %) · memory 307 MiB of 512 MiB (59 %) · 2 pods  metrics.k8s.io and list pods in novacron of us-east · AGE
      ✓ ml-service             cpu 800m of 2000m (40 %) · memory 2.4 GiB of 4 GiB (59 %) · 2 pods  metrics.k8s.io and list pods in novacron of us-east · AGE
      ✓ novacron-frontend      cpu 80m of 200m (40 %) · memory 154 MiB of 256 MiB (59 %) · 2 pods  metrics.k8s.io and list pods in novacron of us-east · AGE
      ✓ orchestration-service  cpu 160m of 400m (40 %) · memory 307 MiB of 512 MiB (59 %) · 2 pods  metrics.k8s.io and list pods in novacron of us-east · AGE
      ✓ vm-service             cpu 300m of 750m (40 %) · memory 461 MiB of 768 MiB (59 %) · 3 pods  metrics.k8s.io and list pods in novacron of us-east · AGE

    ─ Pods by cpu, metrics.k8s.io pods · AGE
      pod                                      cpu  of request    memory  of request
      ml-service-TEMPLATE-PODID             400m        40 %   1.2 GiB        59 %
      ml-service-TEMPLATE-PODID             400m        40 %   1.2 GiB        59 %
      api-gateway-TEMPLATE-PODID            100m        40 %   154 MiB        59 %
      api-gateway-TEMPLATE-PODID            100m        40 %   154 MiB        59 %
      api-gateway-TEMPLATE-PODID            100m        40 %   154 MiB        59 %
      vm-service-TEMPLATE-PODID             100m        40 %   154 MiB        59 %
      vm-service-TEMPLATE-PODID             100m        40 %   154 MiB        59 %
      vm-service-TEMPLATE-PODID             100m        40 %   154 MiB        59 %
      backup-service-TEMPLATE-PODID          80m        40 %   154 MiB        59 %
      backup-service-TEMPLATE-PODID          80m        40 %   154 MiB        59 %
      federation-service-TEMPLATE-PODID      80m        40 %   154 MiB        59 %
      federation-service-TEMPLATE-PODID      80m        40 %   154 MiB        59 %
      orchestration-service-TEMPLATE-PODID   80m        40 %   154 MiB        59 %
      orchestration-service-TEMPLATE-PODID   80m        40 %   154 MiB        59 %
      novacron-frontend-TEMPLATE-PODID       40m        40 %  7N.N MiB        59 %
      novacron-frontend-TEMPLATE-PODID       40m        40 %  7N.N MiB        59 %

    ─ Pods by memory, metrics.k8s.io pods · AGE
      pod                                      cpu  of request    memory  of request
      ml-service-TEMPLATE-PODID             400m        40 %   1.2 GiB        59 %
      ml-service-TEMPLATE-PODID             400m        40 %   1.2 GiB        59 %
      api-gateway-TEMPLATE-PODID            100m        40 %   154 MiB        59 %
      api-gateway-TEMPLATE-PODID            100m        40 %   154 MiB        59 %
      api-gateway-TEMPLATE-PODID            100m        40 %   154 MiB        59 %
      backup-service-TEMPLATE-PODID          80m        40 %   154 MiB        59 %
      backup-service-TEMPLATE-PODID          80m        40 %   154 MiB        59 %
      federation-service-TEMPLATE-PODID      80m        40 %   154 MiB        59 %
      federation-service-TEMPLATE-PODID      80m        40 %   154 MiB        59 %
      orchestration-service-TEMPLATE-PODID   80m        40 %   154 MiB        59 %
      orchestration-service-TEMPLATE-PODID   80m        40 %   154 MiB        59 %
      vm-service-TEMPLATE-PODID             100m        40 %   154 MiB        59 %
      vm-service-TEMPLATE-PODID             100m        40 %   154 MiB        59 %
      vm-service-TEMPLATE-PODID             100m        40 %   154 MiB        59 %
      novacron-frontend-TEMPLATE-PODID       40m        40 %  7N.N MiB        59 %
      novacron-frontend-TEMPLATE-PODID       40m        40 %  7N.N MiB        59 %

    [1] Recommended   [2] Autoscalers   [3] Nodes
      N ms
    exit 0

    > capacity usage
    ? usage: 1 not available here
      – metrics us-east  no metrics API here  metrics.k8s.io of us-east · AGE
        → install metrics-server to see what is used

    [1] Recommended   [2] Autoscalers   [3] Nodes
      N ms
    exit 0
    ");
    });
}

#[tokio::test]
async fn replicas_for_the_load_within_the_autoscalers_limits() {
    // A load that is the same in every run.
    let one = |service: &str, load: u32| {
        format!(r#"label_replace(vector({load}), "service", "{service}", "", "")"#)
    };
    let load = [("api-gateway", 930), ("vm-service", 120), ("ml-service", 450)];
    let load = load.map(|(service, load)| one(service, load)).join(" or ");
    let edit = |text: String| patient(format!("{text}\n[capacity]\nrequests = '{load}'\n"));
    let mut nova = Nova::on(world(true).await, edit).await;
    autoscaler(cluster(&nova), "api-gateway", (2, 4), &load_of(3, 70));
    let replies =
        say_all(&mut nova, &["capacity recommend", "capacity recommend vm-service"]).await;
    steady(|| {
        insta::assert_snapshot!(replies, @r#"
    > capacity recommend
    ! replicas for the load of all services: 2 warnings, 3 without data, 1 ok
      ! api-gateway            3 replicas for 930 req/s: 10 would do · autoscaler novacron-api-gateway-hpa keeps 2..4 (expected 4 replicas)
        └ label_replace(vector(930), "service", "api-gateway", "", "") or label_replace(vector(120), "service", "vm-service", "", "") or label_replace(vector(450), "service", "ml-service", "", "") at
          http://127.0.0.1:PORT · AGE
        → more than its autoscaler allows: raise maxReplicas
      ! ml-service             2 replicas for 450 req/s: 5 would do (expected 5 replicas)
        └ label_replace(vector(930), "service", "api-gateway", "", "") or label_replace(vector(120), "service", "vm-service", "", "") or label_replace(vector(450), "service", "ml-service", "", "") at
          http://127.0.0.1:PORT · AGE
      ? backup-service         no requests measured
        └ label_replace(vector(930), "service", "api-gateway", "", "") or label_replace(vector(120), "service", "vm-service", "", "") or label_replace(vector(450), "service", "ml-service", "", "") at
          http://127.0.0.1:PORT · AGE
        → see [capacity] `requests` and `service_label`
      ? federation-service     no requests measured
        └ label_replace(vector(930), "service", "api-gateway", "", "") or label_replace(vector(120), "service", "vm-service", "", "") or label_replace(vector(450), "service", "ml-service", "", "") at
          http://127.0.0.1:PORT · AGE
        → see [capacity] `requests` and `service_label`
      ? orchestration-service  no requests measured
        └ label_replace(vector(930), "service", "api-gateway", "", "") or label_replace(vector(120), "service", "vm-service", "", "") or label_replace(vector(450), "service", "ml-service", "", "") at
          http://127.0.0.1:PORT · AGE
        → see [capacity] `requests` and `service_label`

    ─ 1 ok
      ✓ vm-service  3 replicas for 120 req/s: 2 would do
        └ label_replace(vector(930), "service", "api-gateway", "", "") or label_replace(vector(120), "service", "vm-service", "", "") or label_replace(vector(450), "service", "ml-service", "", "") at
          http://127.0.0.1:PORT · AGE

    ─ Load in the last hour, label_replace(vector(930), "service", "api-gateway", "", "") or label_replace(vector(120), "service", "vm-service", "", "") or label_replace(vector(450), "service", "ml-servi…
      api-gateway ████████████████████████ AGE 930 req/s (930 to 930)
      ml-service  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄ AGE 450 req/s (450 to 450)
      vm-service  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ AGE 120 req/s (120 to 120)

    ─ Replicas, Prometheus and each workload · AGE
      service                req/s  replicas  by load  autoscaler  recommended
      api-gateway            930           3  10       2..4        4
      vm-service             120           3  2        none        2
      orchestration-service  –             2  –        none        –
      ml-service             450           2  5        none        5
      federation-service     –             2  –        none        –
      backup-service         –             2  –        none        –

    [1] Autoscalers   [2] In use
      N ms
    exit 1

    > capacity recommend vm-service
    ✓ replicas for the load of vm-service: 1 ok

    ─ 1 ok
      ✓ vm-service  3 replicas for 120 req/s: 2 would do
        └ label_replace(vector(930), "service", "api-gateway", "", "") or label_replace(vector(120), "service", "vm-service", "", "") or label_replace(vector(450), "service", "ml-service", "", "") at
          http://127.0.0.1:PORT · AGE

    ─ Load in the last hour, label_replace(vector(930), "service", "api-gateway", "", "") or label_replace(vector(120), "service", "vm-service", "", "") or label_replace(vector(450), "service", "ml-servi…
      vm-service ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ AGE 120 req/s (120 to 120)

    ─ Replicas, Prometheus and each workload · AGE
      service     req/s  replicas  by load  autoscaler  recommended
      vm-service    120         3        2  none                  2

    [1] Autoscalers   [2] In use
      N ms
    exit 0
    "#);
    });
}

#[tokio::test]
async fn the_guides_own_query_finds_every_service() {
    let mut nova = Nova::on(world(true).await, patient).await;
    for _ in 0..500 {
        let reply = nova.say("capacity recommend").await;
        if reply.matches(" req/s: 1 would do").count() == 6 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the load of all six services was awaited");
}

#[tokio::test]
async fn without_prometheus_or_requests_nothing_is_recommended() {
    let mut nova = Nova::start().await;
    let mut replies =
        say_all(&mut nova, &["capacity recommend", "capacity recommend nothing"]).await;
    let edit = |text: String| patient(text + "[capacity]\nrequests = \"absent_metric\"\n");
    let mut nova = Nova::on(world(true).await, edit).await;
    replies += &say_all(&mut nova, &["capacity recommend vm-service"]).await;
    steady(|| {
        insta::assert_snapshot!(replies, @r"
        > capacity recommend
        ? replicas: 1 not available here
          – Prometheus  not configured  configuration · AGE
            → add [prometheus] to the configuration

          N ms
        exit 0

        > capacity recommend nothing
        ✗ no service `nothing`; there are api-gateway, vm-service, orchestration-service, ml-service, federation-service, backup-service
        exit 2

        > capacity recommend vm-service
        ? replicas for the load of vm-service: 1 without data
          ? vm-service  no requests measured  absent_metric at http://127.0.0.1:PORT · AGE
            → see [capacity] `requests` and `service_label`

        ─ Replicas, Prometheus and each workload · AGE
          service     req/s  replicas  by load  autoscaler  recommended
          vm-service  –             3  –        none        –

        [1] Autoscalers   [2] In use
          N ms
        exit 0
        ");
    });
}
