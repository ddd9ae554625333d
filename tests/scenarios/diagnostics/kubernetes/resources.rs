//! `top nodes`, `top pods`, `rollout status`.

use std::collections::BTreeMap;

use nova_sandbox::cluster::{DeploymentFault, Fault, Workload};

use super::{cluster, forbid, say_all, steady};
use crate::support::Nova;

#[tokio::test]
async fn nodes_and_pods_that_are_well() {
    let mut nova = Nova::start().await;
    let lines = [
        "top nodes",
        "top nodes --allocated",
        "top pods",
        "top pods --sort memory --cluster us-east",
    ];
    let replies = say_all(&mut nova, &lines).await;
    steady(|| {
        insta::assert_snapshot!(replies, @r"
    > top nodes
    ✓ nodes: 1 ok

    ─ 1 ok
      ✓ nodes us-east  3/3 ready · 2660m and 7.29 GiB in use  list nodes of us-east · AGE

    ─ Busiest nodes, metrics.k8s.io nodes · AGE
      node              cpu  cpu %    memory  memory %  state
      us-east-node-1  1020m   12 %  2.83 GiB       8 %  ready
      us-east-node-3   940m   11 %  2.68 GiB       8 %  ready
      us-east-node-2   700m    8 %  1.78 GiB       5 %  ready

    [1] Allocated   [2] Busiest pods
      N ms
    exit 0

    > top nodes --allocated
    ✓ nodes: 1 ok

    ─ 1 ok
      ✓ nodes us-east  3/3 ready  list nodes of us-east · AGE

    ─ Allocated, the fullest first, list nodes and pods · AGE
      node                pods  cpu requests    cpu limits  memory requests   memory limits  state
      us-east-node-1  7 of 110  2100m (26 %)  4200m (52 %)  3.25 GiB (10 %)  6.5 GiB (20 %)  ready
      us-east-node-3  6 of 110  1900m (23 %)  3800m (47 %)      3 GiB (9 %)    6 GiB (18 %)  ready
      us-east-node-2  7 of 110  1300m (16 %)  2600m (32 %)    1.5 GiB (4 %)     3 GiB (9 %)  ready

    [1] In use   [2] Busiest pods
      N ms
    exit 0

    > top pods
    ✓ pods: 1 ok

    ─ 1 ok
      ✓ pods us-east  16 pods · 1960m and 4.35 GiB in use  metrics.k8s.io pods of us-east · AGE

    ─ Pods by cpu, metrics.k8s.io pods · AGE
      pod                                      cpu  of limit    memory  of limit  restarts
      ml-service-TEMPLATE-PODID             400m      20 %   1.2 GiB      29 %         0
      ml-service-TEMPLATE-PODID             400m      20 %   1.2 GiB      29 %         0
      api-gateway-TEMPLATE-PODID            100m      20 %   154 MiB      29 %         0
      api-gateway-TEMPLATE-PODID            100m      20 %   154 MiB      29 %         0
      api-gateway-TEMPLATE-PODID            100m      20 %   154 MiB      29 %         0
      vm-service-TEMPLATE-PODID             100m      20 %   154 MiB      29 %         0
      vm-service-TEMPLATE-PODID             100m      20 %   154 MiB      29 %         0
      vm-service-TEMPLATE-PODID             100m      20 %   154 MiB      29 %         0
      backup-service-TEMPLATE-PODID          80m      20 %   154 MiB      29 %         0
      backup-service-TEMPLATE-PODID          80m      20 %   154 MiB      29 %         0
      federation-service-TEMPLATE-PODID      80m      20 %   154 MiB      29 %         0
      federation-service-TEMPLATE-PODID      80m      20 %   154 MiB      29 %         0
      orchestration-service-TEMPLATE-PODID   80m      20 %   154 MiB      29 %         0
      orchestration-service-TEMPLATE-PODID   80m      20 %   154 MiB      29 %         0
      novacron-frontend-TEMPLATE-PODID       40m      20 %  7N.N MiB      29 %         0
      novacron-frontend-TEMPLATE-PODID       40m      20 %  7N.N MiB      29 %         0

    [1] By memory   [2] Nodes
      N ms
    exit 0

    > top pods --sort memory --cluster us-east
    ✓ pods: 1 ok

    ─ 1 ok
      ✓ pods us-east  16 pods · 1960m and 4.35 GiB in use  metrics.k8s.io pods of us-east · AGE

    ─ Pods by memory, metrics.k8s.io pods · AGE
      pod                                      cpu  of limit    memory  of limit  restarts
      ml-service-TEMPLATE-PODID             400m      20 %   1.2 GiB      29 %         0
      ml-service-TEMPLATE-PODID             400m      20 %   1.2 GiB      29 %         0
      api-gateway-TEMPLATE-PODID            100m      20 %   154 MiB      29 %         0
      api-gateway-TEMPLATE-PODID            100m      20 %   154 MiB      29 %         0
      api-gateway-TEMPLATE-PODID            100m      20 %   154 MiB      29 %         0
      backup-service-TEMPLATE-PODID          80m      20 %   154 MiB      29 %         0
      backup-service-TEMPLATE-PODID          80m      20 %   154 MiB      29 %         0
      federation-service-TEMPLATE-PODID      80m      20 %   154 MiB      29 %         0
      federation-service-TEMPLATE-PODID      80m      20 %   154 MiB      29 %         0
      orchestration-service-TEMPLATE-PODID   80m      20 %   154 MiB      29 %         0
      orchestration-service-TEMPLATE-PODID   80m      20 %   154 MiB      29 %         0
      vm-service-TEMPLATE-PODID             100m      20 %   154 MiB      29 %         0
      vm-service-TEMPLATE-PODID             100m      20 %   154 MiB      29 %         0
      vm-service-TEMPLATE-PODID             100m      20 %   154 MiB      29 %         0
      novacron-frontend-TEMPLATE-PODID       40m      20 %  7N.N MiB      29 %         0
      novacron-frontend-TEMPLATE-PODID       40m      20 %  7N.N MiB      29 %         0

    [1] By cpu   [2] Nodes
      N ms
    exit 0
    ");
    });
}

#[tokio::test]
async fn nodes_under_pressure_and_without_metrics() {
    let mut nova = Nova::start().await;
    let node = |n: u32| format!("us-east-node-{n}");
    cluster(&nova).fault(Fault::NodeMemoryPressure { node: node(1), pressure: true });
    cluster(&nova).fault(Fault::NodeReady { node: node(2), ready: false });
    let mut replies = say_all(&mut nova, &["top nodes --allocated"]).await;
    for (name, fault) in [
        ("not installed", Fault::MetricsInstalled(false)),
        ("installed and down", Fault::MetricsApi(false)),
    ] {
        cluster(&nova).fault(fault);
        replies +=
            &format!("metrics {name}\n{}", say_all(&mut nova, &["top nodes", "top pods"]).await);
        cluster(&nova).fault(Fault::MetricsInstalled(true));
    }
    steady(|| {
        insta::assert_snapshot!(replies, @r"
    > top nodes --allocated
    ✗ nodes: 1 failing, 2 warnings
      ✗ us-east-node-2  not ready (expected ready, below 90 %)
        └ list nodes of us-east · AGE
      ! nodes us-east   2/3 ready
        └ list nodes of us-east · AGE
      ! us-east-node-1  MemoryPressure (expected ready, below 90 %)
        └ list nodes of us-east · AGE
        → pods are being evicted here: see what uses the memory in `top pods`

    ─ Allocated, the fullest first, list nodes and pods · AGE
      node                pods  cpu requests    cpu limits  memory requests   memory limits  state
      us-east-node-1  7 of 110  2100m (26 %)  4200m (52 %)  3.25 GiB (10 %)  6.5 GiB (20 %)  ready, MemoryPressure
      us-east-node-3  6 of 110  1900m (23 %)  3800m (47 %)      3 GiB (9 %)    6 GiB (18 %)  ready
      us-east-node-2  7 of 110  1300m (16 %)  2600m (32 %)    1.5 GiB (4 %)     3 GiB (9 %)  not ready

    [1] In use   [2] Busiest pods
      N ms
    exit 1

    metrics not installed
    > top nodes
    ✗ nodes: 1 failing, 2 warnings, 1 not available here
      ✗ us-east-node-2   not ready (expected ready, below 90 %)
        └ list nodes of us-east · AGE
      ! nodes us-east    2/3 ready
        └ list nodes of us-east · AGE
      ! us-east-node-1   MemoryPressure (expected ready, below 90 %)
        └ list nodes of us-east · AGE
        → pods are being evicted here: see what uses the memory in `top pods`
      – metrics us-east  no metrics API here  metrics.k8s.io of us-east · AGE
        → install metrics-server to see what is used

    ─ Busiest nodes, metrics.k8s.io nodes · AGE
      node            cpu  cpu %  memory  memory %  state
      us-east-node-1  –    –      –       –         ready, MemoryPressure
      us-east-node-2  –    –      –       –         not ready
      us-east-node-3  –    –      –       –         ready

    [1] Allocated   [2] Busiest pods
      N ms
    exit 1

    > top pods
    ? pods: 1 not available here
      – metrics us-east  no metrics API here  metrics.k8s.io of us-east · AGE
        → install metrics-server to see what is used

    [1] By memory   [2] Nodes
      N ms
    exit 0

    metrics installed and down
    > top nodes
    ✗ nodes: 1 failing, 2 warnings, 1 without data
      ✗ us-east-node-2   not ready (expected ready, below 90 %)
        └ list nodes of us-east · AGE
      ! nodes us-east    2/3 ready
        └ list nodes of us-east · AGE
      ! us-east-node-1   MemoryPressure (expected ready, below 90 %)
        └ list nodes of us-east · AGE
        → pods are being evicted here: see what uses the memory in `top pods`
      ? metrics us-east  too busy: service unavailable  metrics.k8s.io of us-east · AGE
        → metrics-server is registered and does not answer: see `capacity metrics`

    ─ Busiest nodes, metrics.k8s.io nodes · AGE
      node            cpu  cpu %  memory  memory %  state
      us-east-node-1  –    –      –       –         ready, MemoryPressure
      us-east-node-2  –    –      –       –         not ready
      us-east-node-3  –    –      –       –         ready

    [1] Allocated   [2] Busiest pods
      N ms
    exit 1

    > top pods
    ? pods: 1 without data
      ? metrics us-east  too busy: service unavailable  metrics.k8s.io of us-east · AGE
        → metrics-server is registered and does not answer: see `capacity metrics`

    [1] By memory   [2] Nodes
      N ms
    exit 0
    ");
    });
}

#[tokio::test]
async fn what_is_forbidden_is_no_fault_of_the_nodes() {
    let mut nova = Nova::start().await;
    forbid(cluster(&nova), &["nodes"]);
    let mut replies = say_all(&mut nova, &["top nodes"]).await;
    forbid(cluster(&nova), &["pods"]);
    replies += &say_all(&mut nova, &["top nodes --allocated", "top pods"]).await;
    cluster(&nova).fault(Fault::Refuse(true));
    replies += &say_all(&mut nova, &["top nodes", "top pods"]).await;
    steady(|| {
        insta::assert_snapshot!(replies, @r#"
    > top nodes
    ? nodes: 1 without data
      ? nodes us-east  not permitted: nodes is forbidden: User "reader" cannot list resource "nodes" in API group "" at the cluster scope  list nodes of us-east · AGE
        → grant nova's account a role that may do this

    [1] Allocated   [2] Busiest pods
      N ms
    exit 0

    > top nodes --allocated
    ✓ nodes: 1 without data, 1 ok
      ? pods us-east  not permitted: pods is forbidden: User "reader" cannot list resource "pods" in API group "" at the cluster scope  list pods of every namespace of us-east · AGE
        → grant nova's account a role that may do this

    ─ 1 ok
      ✓ nodes us-east  3/3 ready  list nodes of us-east · AGE

    [1] In use   [2] Busiest pods
      N ms
    exit 0

    > top pods
    ? pods: 1 without data
      ? metrics us-east  not permitted: pods is forbidden: User "reader" cannot list resource "pods" in API group "" in the namespace "novacron"  metrics.k8s.io of us-east · AGE
        → grant nova's account a role that may do this

    [1] By memory   [2] Nodes
      N ms
    exit 0

    > top nodes
    ✗ nodes: 1 failing
      ✗ nodes us-east  credentials refused: Unauthorized
        └ list nodes of us-east · AGE
        → renew the credentials in the kubeconfig

    [1] Allocated   [2] Busiest pods
      N ms
    exit 1

    > top pods
    ✗ pods: 1 failing
      ✗ metrics us-east  credentials refused: Unauthorized
        └ metrics.k8s.io of us-east · AGE
        → renew the credentials in the kubeconfig

    [1] By memory   [2] Nodes
      N ms
    exit 1
    "#);
    });
}

#[tokio::test]
async fn a_rollout_from_its_image_that_is_missing_to_its_end() {
    let mut nova = Nova::start().await;
    let mut replies = say_all(&mut nova, &["rollout status vm-service"]).await;
    let annotations = BTreeMap::from([("sandbox.nova/never-ready".to_owned(), "image".to_owned())]);
    let broken = Workload {
        name: "vm-service".into(),
        image: "registry.novacron.example/vm-service:1.9.0-typo".into(),
        port: 8081,
        replicas: 3,
        annotations,
        ..Workload::default()
    };
    cluster(&nova).deploy(&broken);
    replies += &awaited(&mut nova, "rollout status vm-service", "ImagePullBackOff").await;
    let mended = Workload { annotations: BTreeMap::new(), ..broken };
    cluster(&nova).deploy(&mended);
    cluster(&nova).settled("novacron", "vm-service").await.expect("it rolls out");
    replies += &say_all(&mut nova, &["rollout status vm-service"]).await;
    steady(|| {
        insta::assert_snapshot!(replies, @r#"
        > rollout status vm-service
        ✓ rollout of vm-service: 1 ok

        ─ 1 ok
          ✓ vm-service  complete: 3/3 updated and ready · registry.novacron.example/vm-service:1.8.2  deployment novacron/vm-service in us-east · AGE

        ─ Pods, list pods of deployment novacron/vm-service in us-east · AGE
          pod                          template    ready  state    restarts  age  node
          vm-service-TEMPLATE-PODID HASH yes    Running         0  AGE NODE
          vm-service-TEMPLATE-PODID HASH yes    Running         0  AGE NODE
          vm-service-TEMPLATE-PODID HASH yes    Running         0  AGE NODE

        [1] Check again   [2] Health
          N ms
        exit 0

        > rollout status vm-service
        ✗ rollout of vm-service: 1 failing, 1 warning
          ✗ vm-service  1 pod: ImagePullBackOff
            └ list pods of deployment novacron/vm-service in us-east · AGE
            → check the image's name and the right to pull it
          ! vm-service  under way: 1/3 updated, 3 available, 3 old · registry.novacron.example/vm-service:1.9.0-typo (expected 3 updated and ready)
            └ deployment novacron/vm-service in us-east · AGE

        ─ Pods, list pods of deployment novacron/vm-service in us-east · AGE
          pod                          template    ready  state             restarts  age  node
          vm-service-TEMPLATE-PODID HASH no     ImagePullBackOff         0  AGE NODE
          vm-service-TEMPLATE-PODID HASH yes    Running                  0  AGE NODE
          vm-service-TEMPLATE-PODID HASH yes    Running                  0  AGE NODE
          vm-service-TEMPLATE-PODID HASH yes    Running                  0  AGE NODE

        ─ Events, the newest first, list events in novacron of us-east · AGE
          pod                          reason   message                                                                   times
          vm-service-TEMPLATE-PODID  BackOff  Back-off pulling image "registry.novacron.example/vm-service:1.9.0-typo"      1

        [1] Logs   [2] Check again   [3] Health
          N ms
        exit 1

        > rollout status vm-service
        ✓ rollout of vm-service: 1 ok

        ─ 1 ok
          ✓ vm-service  complete: 3/3 updated and ready · registry.novacron.example/vm-service:1.9.0-typo  deployment novacron/vm-service in us-east · AGE

        ─ Pods, list pods of deployment novacron/vm-service in us-east · AGE
          pod                          template    ready  state    restarts  age  node
          vm-service-TEMPLATE-PODID HASH yes    Running         0  AGE NODE
          vm-service-TEMPLATE-PODID HASH yes    Running         0  AGE NODE
          vm-service-TEMPLATE-PODID HASH yes    Running         0  AGE NODE

        [1] Check again   [2] Health
          N ms
        exit 0
        "#);
    });
}

#[tokio::test]
async fn rollouts_of_what_crashes_is_not_there_or_has_no_workload() {
    let mut nova = Nova::start().await;
    cluster(&nova).break_deployment("novacron", "ml-service", DeploymentFault::Unready);
    nova.sandbox("break backup-service absent").await;
    let lines = [
        "rollout status ml-service",
        "rollout status backup-service",
        "rollout status vm-servic",
        "rollout status vm-service --cluster us-est",
        "rollout status",
    ];
    let replies = say_all(&mut nova, &lines).await;
    steady(|| {
        insta::assert_snapshot!(replies, @r"
        > rollout status ml-service
        ! rollout of ml-service: 2 warnings
          ! ml-service  under way: 2/2 updated, 0 available, 0 old · registry.novacron.example/ml-service:1.8.2 (expected 2 updated and ready)
            └ deployment novacron/ml-service in us-east · AGE
          ! ml-service  2 pods: runs and is not ready
            └ list pods of deployment novacron/ml-service in us-east · AGE
            → its readiness probe does not succeed

        ─ Pods, list pods of deployment novacron/ml-service in us-east · AGE
          pod                          template    ready  state    restarts  age  node
          ml-service-TEMPLATE-PODID HASH no     Running         0  AGE NODE
          ml-service-TEMPLATE-PODID HASH no     Running         0  AGE NODE

        ─ Events, the newest first, list events in novacron of us-east · AGE
          pod                          reason     message                                                         times
          ml-service-TEMPLATE-PODID  Unhealthy  Readiness probe failed: HTTP probe failed with statuscode: 503      1
          ml-service-TEMPLATE-PODID  Unhealthy  Readiness probe failed: HTTP probe failed with statuscode: 503      1

        [1] Logs   [2] Check again   [3] Health
          N ms
        exit 1

        > rollout status backup-service
        ○ backup-service: 1 absent
          ○ backup-service  no deployment novacron/backup-service in us-east
            └ deployment novacron/backup-service in us-east · AGE
            → removed, or named differently here: see the service's `workload`

        [1] Check again
          N ms
        exit 1

        > rollout status vm-servic
        ✗ no service `vm-servic`; did you mean `vm-service`?
        exit 2

        > rollout status vm-service --cluster us-est
        ✗ no cluster `us-est`; did you mean `us-east`?
        exit 2

        > rollout status
        ✗ `rollout status` needs `<SERVICE>`; see `help rollout status`
        exit 2
        ");
    });
}

/// Asks again until the reply holds a word: the cluster's controllers take their steps.
async fn awaited(nova: &mut Nova, line: &str, word: &str) -> String {
    for _ in 0..500 {
        let reply = nova.say(line).await;
        if reply.contains(word) {
            return format!("> {line}\n{reply}\n");
        }
        tokio::task::yield_now().await;
    }
    panic!("{word} was awaited in the reply to {line}");
}
