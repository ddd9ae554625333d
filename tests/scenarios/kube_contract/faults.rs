//! Faults, proxies and nonsense: what the sandbox does when things go wrong, on purpose or not.

use nova_sandbox::cluster::{Cluster, ClusterSpec, DeploymentFault, Fault};
use serde_json::{Value, json};

use super::plain::{admin, get, send};
use super::{JSON, MERGE, WEB, cluster, judge, status_of};

#[tokio::test]
async fn faults_of_the_api_can_be_switched() {
    let cluster = cluster().await;
    cluster.fault(Fault::Refuse(true));
    assert_eq!(get(&cluster, WEB).await.status, 401);
    cluster.fault(Fault::Refuse(false));
    cluster.fault(Fault::Error500(1));
    assert_eq!(status_of(&get(&cluster, WEB).await), (500, "InternalError".to_owned()));
    cluster.fault(Fault::Conflict(1));
    let scale = format!("{WEB}/scale");
    let to = |n: u32| json!({ "spec": { "replicas": n } });
    assert_eq!(get(&cluster, WEB).await.status, 200, "reads are not writes");
    let refused = admin(&cluster, "PATCH", &scale, MERGE, &to(2)).await;
    assert_eq!(status_of(&refused), (409, "Conflict".to_owned()));
    cluster.fault(Fault::LoseReply(1));
    let lost = send(&cluster, "admin", "PATCH", &scale, MERGE, &to(2).to_string()).await;
    assert!(lost.is_none(), "the connection was to be cut: {lost:?}");
    assert_eq!(get(&cluster, WEB).await.json()["spec"]["replicas"], 2, "but the write was applied");
    judge(&cluster);
    cluster.fault(Fault::Malformed(1));
    let cut = get(&cluster, WEB).await;
    assert!(cut.status == 200 && serde_json::from_str::<Value>(&cut.body).is_err());
    let metrics = "/apis/metrics.k8s.io/v1beta1/nodes";
    assert_eq!(get(&cluster, metrics).await.json()["items"].as_array().map(Vec::len), Some(3));
    cluster.fault(Fault::MetricsApi(false));
    assert_eq!(get(&cluster, metrics).await.status, 503);
    cluster.fault(Fault::Hang(true));
    let late = get(&cluster, WEB);
    let freed = async { cluster.fault(Fault::Clear) };
    assert_eq!(futures_util::future::join(late, freed).await.0.status, 200);
    cluster.stop().await;
}

#[tokio::test]
async fn proxies_reach_the_backend_of_ready_pods() {
    let cluster = cluster().await;
    let behind = Cluster::start(ClusterSpec::default()).await.expect("a port is free");
    let service = "/api/v1/namespaces/novacron/services/web:http/proxy/healthz";
    assert_eq!(status_of(&get(&cluster, service).await), (503, "ServiceUnavailable".to_owned()));
    cluster.backend("web", 8080, Some(behind.url()));
    // The API server behind asks for a token, which shows that the answer is its own.
    assert_eq!(get(&cluster, service).await.status, 401);
    let pod = cluster.pods_of("novacron", "web").remove(0);
    assert_eq!(
        get(&cluster, &format!("/api/v1/namespaces/novacron/pods/{pod}:8080/proxy/healthz"))
            .await
            .status,
        401
    );
    cluster.break_deployment("novacron", "web", DeploymentFault::Unready);
    assert_eq!(get(&cluster, service).await.status, 503);
    judge(&cluster);
}

/// Every place in a value, as JSON pointers.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, child)| (key.replace('/', "~1"), child)).collect()
        }
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect()
        }
        _ => Vec::new(),
    };
    for (key, child) in children {
        places(child, &format!("{at}/{key}"), out);
    }
}

#[tokio::test]
async fn nonsense_does_not_stop_the_server_or_its_loops() {
    let cluster = cluster().await;
    let apps = "/apis/apps/v1/namespaces/novacron";
    let mut deployment = cluster.get("deployments", "novacron", "web").expect("deployed above");
    deployment["metadata"] =
        json!({ "name": "odd", "labels": { "a": "b" }, "ownerReferences": [{ "uid": "x" }] });
    let workload = deployment.clone();
    let job = json!({ "metadata": { "name": "odd" }, "spec": { "template": {
        "spec": { "restartPolicy": "Never", "containers": [{ "name": "x", "image": "x:1" }] } } } });
    let pod = json!({ "metadata": { "name": "odd", "annotations": { "a": "b" } },
        "spec": workload["spec"]["template"]["spec"], "status": { "conditions": [{ "type": "Ready" }] } });
    let scaler = json!({ "metadata": { "name": "odd" }, "spec": { "maxReplicas": 4, "minReplicas": 2,
        "targetCPUUtilizationPercentage": 5, "scaleTargetRef": { "kind": "Deployment", "name": "web" } } });
    let budget = json!({ "metadata": { "name": "odd" }, "spec": { "minAvailable": "50%", "selector": { "matchLabels": { "a": "b" } } } });
    let mut tried = 0;
    for (path, valid) in [
        (format!("{apps}/deployments"), workload.clone()),
        (format!("{apps}/statefulsets"), workload.clone()),
        (format!("{apps}/daemonsets"), workload),
        ("/api/v1/namespaces/novacron/pods".to_owned(), pod),
        ("/apis/batch/v1/namespaces/novacron/jobs".to_owned(), job),
        ("/apis/autoscaling/v1/namespaces/novacron/horizontalpodautoscalers".to_owned(), scaler),
        ("/apis/policy/v1/namespaces/novacron/poddisruptionbudgets".to_owned(), budget),
    ] {
        let mut valid = valid;
        if let Some(map) = valid.as_object_mut() {
            map.remove("kind");
            map.remove("apiVersion");
        }
        let mut all = Vec::new();
        places(&valid, "", &mut all);
        for place in all {
            for odd in [json!("x"), Value::Null, json!(-1), json!([1]), json!({ "x": null })] {
                let mut body = valid.clone();
                *body.pointer_mut(&place).expect("a place of this very value") = odd;
                let made = admin(&cluster, "POST", &path, JSON, &body).await;
                assert!(made.status < 500, "{path} {place}: {}", made.body);
                if made.status == 201 {
                    let name = made.json()["metadata"]["name"].clone();
                    let one =
                        format!("{path}/{}", name.as_str().expect("what was made has a name"));
                    let status = json!({ "status": body });
                    admin(&cluster, "PATCH", &format!("{one}/status"), MERGE, &status).await;
                    let now = format!("{one}?gracePeriodSeconds=0");
                    assert_eq!(
                        admin(&cluster, "DELETE", &now, JSON, &Value::Null).await.status,
                        200
                    );
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "only {tried} were tried");
    let scaled = admin(
        &cluster,
        "PATCH",
        &format!("{WEB}/scale"),
        MERGE,
        &json!({ "spec": { "replicas": 5 } }),
    )
    .await;
    assert_eq!(scaled.status, 200, "{}", scaled.body);
    cluster.settled("novacron", "web").await.expect("the control loops still run");
}
