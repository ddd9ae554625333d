//! `top nodes`, `top pods`, `rollout status`.

use std::collections::BTreeMap;

use nova_sandbox::cluster::{DeploymentFault, Fault, Workload};

use super::{cluster, forbid, say_all, steady};
use crate::support::Nova;

#[tokio::test]
async fn nodes_and_pods_that_are_well() {
    let mut nova = Nova::start().await;
    let lines =
        ["top nodes", "top nodes --allocated", "top pods", "top pods --sort memory --cluster us-east"];
    let replies = say_all(&mut nova, &lines).await;
    steady(|| insta::assert_snapshot!(replies, @""));
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
        replies += &format!("metrics {name}\n{}", say_all(&mut nova, &["top nodes", "top pods"]).await);
        cluster(&nova).fault(Fault::MetricsInstalled(true));
    }
    steady(|| insta::assert_snapshot!(replies, @""));
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
    steady(|| insta::assert_snapshot!(replies, @""));
}

#[tokio::test]
async fn a_rollout_from_its_image_that_is_missing_to_its_end() {
    let mut nova = Nova::start().await;
    let mut replies = say_all(&mut nova, &["rollout status vm-service"]).await;
    let annotations =
        BTreeMap::from([("sandbox.nova/never-ready".to_owned(), "image".to_owned())]);
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
    steady(|| insta::assert_snapshot!(replies, @""));
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
    steady(|| insta::assert_snapshot!(replies, @""));
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
