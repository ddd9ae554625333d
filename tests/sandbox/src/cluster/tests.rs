//! The control loops and the façade, without HTTP; the HTTP side is judged by real clients in
//! `tests/scenarios/kube_contract.rs`.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

/// Waits until `what` holds, at most ten seconds.
async fn wait(cluster: &Cluster, awaited: &str, what: impl Fn(&Cluster) -> bool) {
    let mut changes = cluster.shared.changes();
    let waiting = async {
        while !what(cluster) {
            changes.changed().await.expect("the cluster outlives the wait");
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap_or_else(|_| {
        panic!("waited for {awaited}; deployments: {:#?}", cluster.list("deployments", ""))
    });
}

fn web(replicas: u32) -> Workload {
    Workload { replicas, ..Workload::default() }
}

fn deployment(cluster: &Cluster) -> Value {
    cluster.get("deployments", "novacron", "web").expect("the deployment was created")
}

fn edit(cluster: &Cluster, change: impl FnOnce(&mut Value)) {
    let mut value = deployment(cluster);
    change(&mut value);
    cluster.put("deployments", value);
}

#[tokio::test]
async fn a_deployment_is_ready_at_once() {
    let cluster = Cluster::start(ClusterSpec::default()).await.unwrap();
    cluster.deploy(&web(3));
    let status = &deployment(&cluster)["status"];
    for key in ["replicas", "readyReplicas", "availableReplicas", "updatedReplicas"] {
        assert_eq!(status[key], 3, "{key} of {status}");
    }
    assert_eq!(status.get("unavailableReplicas"), None);
    assert_eq!(cluster.pods_of("novacron", "web").len(), 3);
    cluster.stop().await;
}

#[tokio::test]
async fn a_rollout_keeps_to_its_bounds_and_completes() {
    let cluster = Cluster::start(ClusterSpec::default()).await.unwrap();
    cluster.deploy(&web(4));
    let old = cluster.pods_of("novacron", "web");
    edit(&cluster, |d| d["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:2"));
    let seen = std::cell::Cell::new((i64::MAX, 0));
    wait(&cluster, "the rollout", |c| {
        let status = &deployment(c)["status"];
        let of = |key: &str| status[key].as_i64().unwrap_or(0);
        let (least, most) = seen.get();
        seen.set((least.min(of("availableReplicas")), most.max(of("replicas"))));
        c.shared.with(|state| complete(state, "novacron", "web"))
    })
    .await;
    let (least, most) = seen.get();
    assert!(least >= 3, "25% of 4 may be unavailable, {least} were left");
    assert!(most <= 5, "25% of 4 may be added, there were {most}");
    assert!(cluster.pods_of("novacron", "web").iter().all(|pod| !old.contains(pod)));
    let d = deployment(&cluster);
    assert_eq!(d["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    assert!(d["status"]["conditions"].to_string().contains("NewReplicaSetAvailable"));
}

#[tokio::test]
async fn a_rollout_that_cannot_become_ready_is_stuck_and_can_be_undone() {
    let cluster = Cluster::start(ClusterSpec::default()).await.unwrap();
    cluster.deploy(&web(4));
    let good = deployment(&cluster)["spec"]["template"].clone();
    edit(&cluster, |d| {
        d["spec"]["template"]["metadata"]["annotations"] =
            json!({ "sandbox.nova/never-ready": "true" });
        d["spec"]["progressDeadlineSeconds"] = json!(1);
    });
    wait(&cluster, "the rollout to time out", |c| {
        deployment(c)["status"]["conditions"].to_string().contains("ProgressDeadlineExceeded")
    })
    .await;
    assert_eq!(deployment(&cluster)["status"]["availableReplicas"], 3);
    edit(&cluster, |d| d["spec"]["template"] = good);
    cluster.settled("novacron", "web").await.unwrap();
    assert_eq!(
        deployment(&cluster)["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "3"
    );
}

#[tokio::test]
async fn faults_show_at_once_and_heal() {
    let cluster = Cluster::start(ClusterSpec::default()).await.unwrap();
    cluster.deploy(&web(2));
    cluster.break_deployment("novacron", "web", DeploymentFault::Unready);
    assert_eq!(deployment(&cluster)["status"].get("readyReplicas"), None);
    cluster.heal("novacron", "web");
    assert_eq!(deployment(&cluster)["status"]["readyReplicas"], 2);
    cluster.break_deployment("novacron", "web", DeploymentFault::CrashLoop);
    let pod = cluster.pods_of("novacron", "web").remove(0);
    let restarts = |c: &Cluster| {
        let pod = c.get("pods", "novacron", &pod).expect("a crashing pod stays");
        pod["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap_or(0)
    };
    wait(&cluster, "three restarts", |c| restarts(c) >= 3).await;
    let crashing = cluster.get("pods", "novacron", &pod).unwrap();
    assert_eq!(
        crashing["status"]["containerStatuses"][0]["state"]["waiting"]["reason"],
        "CrashLoopBackOff"
    );
    cluster.heal("novacron", "web");
    cluster.settled("novacron", "web").await.unwrap();
    assert!(restarts(&cluster) >= 3, "healing keeps the count");
}

#[tokio::test]
async fn a_lost_node_makes_its_pods_unready() {
    let cluster = Cluster::start(ClusterSpec::default()).await.unwrap();
    cluster.deploy(&web(3));
    let node = "us-east-node-1".to_owned();
    cluster.fault(Fault::NodeReady { node: node.clone(), ready: false });
    assert_eq!(deployment(&cluster)["status"]["readyReplicas"], 2);
    cluster.fault(Fault::NodeReady { node, ready: true });
    cluster.settled("novacron", "web").await.unwrap();
}

#[tokio::test]
async fn an_autoscaler_undoes_a_manual_scale_below_its_minimum() {
    let cluster = Cluster::start(ClusterSpec::default()).await.unwrap();
    cluster.deploy(&web(3));
    cluster.put("horizontalpodautoscalers", json!({
        "metadata": { "name": "web", "namespace": "novacron" },
        "spec": { "minReplicas": 2, "maxReplicas": 5,
                  "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
    }));
    edit(&cluster, |d| d["spec"]["replicas"] = json!(1));
    wait(&cluster, "the autoscaler to scale back to 2", |c| deployment(c)["spec"]["replicas"] == 2)
        .await;
    cluster.settled("novacron", "web").await.unwrap();
}

#[tokio::test]
async fn other_workloads_run() {
    let cluster = Cluster::start(ClusterSpec::default()).await.unwrap();
    let template = json!({ "metadata": { "labels": { "app": "x" } },
        "spec": { "restartPolicy": "Always", "containers": [{ "name": "x", "image": "x:1" }] } });
    let selector = json!({ "matchLabels": { "app": "x" } });
    for (plural, replicas) in [("statefulsets", json!(2)), ("daemonsets", Value::Null)] {
        let mut spec = json!({ "selector": selector, "template": template });
        if !replicas.is_null() {
            spec["replicas"] = replicas;
        }
        cluster.put(
            plural,
            json!({ "metadata": { "name": plural, "namespace": "novacron" }, "spec": spec }),
        );
    }
    for (name, fail) in [("good", "false"), ("bad", "true")] {
        let mut template = template.clone();
        template["spec"]["restartPolicy"] = json!("Never");
        template["metadata"]["annotations"] = json!({ "sandbox.nova/fail": fail });
        cluster.put(
            "jobs",
            json!({ "metadata": { "name": name, "namespace": "novacron" },
            "spec": { "template": template, "backoffLimit": 1 } }),
        );
    }
    wait(&cluster, "the stateful set", |c| {
        c.get("statefulsets", "novacron", "statefulsets")
            .is_some_and(|s| s["status"]["readyReplicas"] == 2)
    })
    .await;
    assert!(cluster.get("pods", "novacron", "statefulsets-1").is_some());
    wait(&cluster, "the daemon set", |c| {
        c.get("daemonsets", "novacron", "daemonsets")
            .is_some_and(|s| s["status"]["numberReady"] == 3)
    })
    .await;
    for (name, condition) in [("good", "Complete"), ("bad", "Failed")] {
        wait(&cluster, condition, |c| {
            let job = c.get("jobs", "novacron", name).expect("the job was put");
            job["status"]["conditions"].to_string().contains(&format!("\"{condition}\""))
        })
        .await;
    }
    assert_eq!(cluster.get("jobs", "novacron", "bad").unwrap()["status"]["failed"], 2);
}

#[tokio::test]
async fn what_is_owned_goes_with_its_owner() {
    let cluster = Cluster::start(ClusterSpec::default()).await.unwrap();
    cluster.deploy(&web(3));
    cluster.remove("deployments", "novacron", "web");
    wait(&cluster, "the pods to go", |c| {
        c.list("pods", "novacron").is_empty() && c.list("replicasets", "novacron").is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_quiet_cluster_changes_nothing() {
    let cluster = Cluster::start(ClusterSpec::default()).await.unwrap();
    cluster.deploy(&web(3));
    cluster.shared.with(|state| {
        settle(state, Tick::All);
        let before = state.store.version();
        settle(state, Tick::All);
        assert_eq!(state.store.version(), before, "a step without news changes nothing");
    });
}
