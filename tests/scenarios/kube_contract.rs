//! The sandbox's Kubernetes API against its judges: the published OpenAPI (v1.36), the `kube` client,
//! kubectl and the official Python client.
//!
//! Not in the published set, and so judged by the typed clients only: discovery, metrics.k8s.io,
//! networking.k8s.io, policy, coordination.k8s.io, autoscaling/v2, the scale of replica sets, the
//! status of some kinds, proxies, and the lines of a watch (held against the schema of their kind).

mod clients;
mod faults;
mod plain;
mod published;

use nova_sandbox::cluster::{Cluster, ClusterSpec, DeploymentFault, Fault, Workload};
use serde_json::{Value, json};

use plain::{admin, get, send};
use published::{Published, Verdict};

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const WEB: &str = "/apis/apps/v1/namespaces/novacron/deployments/web";

async fn cluster() -> Cluster {
    let cluster = Cluster::start(ClusterSpec::default()).await.expect("a port is free");
    cluster.deploy(&Workload { replicas: 3, ..Workload::default() });
    cluster
}

/// Holds every exchange so far against the published schemas; says how many bodies were judged.
fn judge(cluster: &Cluster) -> usize {
    let mut published = Published::load();
    let mut held = 0;
    for exchange in cluster.exchanges() {
        match published.judge(&exchange) {
            Verdict::Fits(bodies) => held += bodies,
            Verdict::Unpublished => {
                let known = [
                    "/api",
                    "/apis",
                    "/version",
                    "/healthz",
                    "/readyz",
                    "/apis/metrics.k8s.io/",
                    "/apis/networking.k8s.io/",
                    "/apis/policy/",
                    "/apis/coordination.k8s.io/",
                    "/apis/autoscaling/v2/",
                    "/api/v1/services",
                    "/api/v1/secrets",
                ];
                let path = exchange.path.as_str();
                // Reading a document of discovery, or everything of a kind over all namespaces.
                let discovery = path.split('/').count() <= 5 && exchange.method == "GET";
                assert!(
                    discovery
                        || path.contains("/proxy")
                        || known
                            .iter()
                            .any(|k| k.ends_with('/') && path.starts_with(k) || path == *k),
                    "{} {path} should be in the published set",
                    exchange.method
                );
            }
        }
    }
    held
}

fn status_of(answer: &plain::Answer) -> (u16, String) {
    let body = answer.json();
    assert_eq!(body["kind"], "Status", "{body}");
    assert_eq!(body["code"], answer.status, "{body}");
    (answer.status, body["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_kind_has_the_published_shape() {
    let cluster = cluster().await;
    let meta = |name: &str| json!({ "name": name, "namespace": "novacron" });
    let template = json!({ "metadata": { "labels": { "app": "x" } },
        "spec": { "containers": [{ "name": "x", "image": "x:1" }] } });
    let mut once = template.clone();
    once["spec"]["restartPolicy"] = json!("Never");
    let selector = json!({ "matchLabels": { "app": "x" } });
    let core = "/api/v1/namespaces/novacron";
    let apps = "/apis/apps/v1/namespaces/novacron";
    for (path, body) in [
        ("/api/v1/namespaces".to_owned(), json!({ "metadata": { "name": "extra" } })),
        (format!("{core}/configmaps"), json!({ "metadata": meta("c"), "data": { "a": "b" } })),
        (
            format!("{core}/services"),
            json!({ "metadata": meta("s"), "spec": { "ports": [{ "port": 80 }] } }),
        ),
        (format!("{core}/pods"), json!({ "metadata": meta("p"), "spec": template["spec"] })),
        (
            format!("{core}/events"),
            json!({ "metadata": meta("e"), "involvedObject": { "kind": "Pod", "name": "p" } }),
        ),
        (
            format!("{apps}/deployments"),
            json!({ "metadata": meta("d"), "spec": { "selector": selector, "template": template } }),
        ),
        (
            format!("{apps}/replicasets"),
            json!({ "metadata": meta("r"), "spec": { "selector": selector, "template": template } }),
        ),
        (
            format!("{apps}/statefulsets"),
            json!({ "metadata": meta("st"), "spec": { "selector": selector, "template": template } }),
        ),
        (
            format!("{apps}/daemonsets"),
            json!({ "metadata": meta("ds"), "spec": { "selector": selector, "template": template } }),
        ),
        (
            "/apis/batch/v1/namespaces/novacron/jobs".to_owned(),
            json!({ "metadata": meta("j"), "spec": { "template": once } }),
        ),
        (
            "/apis/autoscaling/v1/namespaces/novacron/horizontalpodautoscalers".to_owned(),
            json!({ "metadata": meta("h"),
            "spec": { "maxReplicas": 4, "targetCPUUtilizationPercentage": 70,
                      "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } } }),
        ),
    ] {
        let mut body = body;
        let listed = get(&cluster, &path).await.json();
        body["kind"] = json!(listed["kind"].as_str().unwrap_or_default().trim_end_matches("List"));
        body["apiVersion"] = listed["apiVersion"].clone();
        let name = body["metadata"]["name"].as_str().expect("named above").to_owned();
        let created = admin(&cluster, "POST", &path, JSON, &body).await;
        assert_eq!(created.status, 201, "{path}: {}", created.body);
        assert_eq!(admin(&cluster, "POST", &path, JSON, &body).await.status, 409);
        cluster.deploy(&Workload { name: "other".to_owned(), ..Workload::default() });
        let one = format!("{path}/{name}");
        if !path.ends_with("/events") {
            let labelled = admin(
                &cluster,
                "PATCH",
                &one,
                MERGE,
                &json!({ "metadata": { "labels": { "l": "1" } } }),
            )
            .await;
            assert_eq!(labelled.status, 200, "{}", labelled.body);
            let mut value = get(&cluster, &one).await.json();
            value["metadata"]["labels"]["l"] = json!("2");
            let replaced = admin(&cluster, "PUT", &one, JSON, &value).await;
            // The control loops may have been quicker, which is what a conflict is for.
            assert!(matches!(replaced.status, 200 | 409), "{}", replaced.body);
        }
    }
    cluster.settled("novacron", "d").await.expect("the deployment rolls out");
    cluster.break_deployment("novacron", "web", DeploymentFault::CrashLoop);
    cluster.fault(Fault::NodeReady { node: "us-east-node-1".to_owned(), ready: false });
    cluster.fault(Fault::NodeMemoryPressure { node: "us-east-node-2".to_owned(), pressure: true });
    for list in [
        "/api/v1/namespaces",
        "/api/v1/nodes",
        "/api/v1/pods",
        "/api/v1/events",
        "/apis/apps/v1/deployments",
        "/apis/batch/v1/namespaces/novacron/jobs",
        "/apis/apps/v1/namespaces/novacron/replicasets",
        "/apis/apps/v1/namespaces/novacron/statefulsets",
        "/apis/apps/v1/namespaces/novacron/daemonsets",
        "/apis/autoscaling/v1/namespaces/novacron/horizontalpodautoscalers",
        "/api/v1/nodes/us-east-node-1",
        "/api/v1/namespaces/novacron",
        "/apis/apps/v1/namespaces/novacron/statefulsets/st/scale",
    ] {
        assert_eq!(get(&cluster, list).await.status, 200, "{list}");
    }
    let deleted =
        admin(&cluster, "DELETE", &format!("{apps}/deployments/d"), JSON, &Value::Null).await;
    assert_eq!((deleted.status, deleted.json()["status"].as_str()), (200, Some("Success")));
    let held = judge(&cluster);
    assert!(held > 60, "only {held} bodies were judged");
}

#[tokio::test]
async fn a_watch_tells_every_change_once_and_in_order() {
    let cluster = cluster().await;
    let list = get(&cluster, "/api/v1/namespaces/novacron/pods").await.json();
    let version =
        list["metadata"]["resourceVersion"].as_str().expect("a list has a version").to_owned();
    let scaled = admin(
        &cluster,
        "PATCH",
        &format!("{WEB}/scale"),
        MERGE,
        &json!({ "spec": { "replicas": 1 } }),
    )
    .await;
    assert_eq!(scaled.status, 200);
    cluster.settled("novacron", "web").await.expect("the scale is done");
    let path = format!(
        "/api/v1/namespaces/novacron/pods?watch=true&resourceVersion={version}&timeoutSeconds=1&allowWatchBookmarks=true"
    );
    let events = get(&cluster, &path).await.lines();
    let of = |kind: &str| events.iter().filter(|e| e["type"] == kind).count();
    assert_eq!((of("DELETED"), of("BOOKMARK")), (2, 1), "{events:#?}");
    let mut published = Published::load();
    let mut last = 0;
    for event in events {
        let this = event["object"]["metadata"]["resourceVersion"]
            .as_str()
            .and_then(|v| v.parse::<u64>().ok());
        let this = this.expect("each event has a version");
        assert!(this >= last, "{this} after {last}");
        last = this;
        if event["type"] != "BOOKMARK" {
            assert!(published.check_kind(&event["object"], "a watch event"));
        }
    }
    cluster.fault(Fault::Compact);
    cluster.deploy(&Workload { name: "other".to_owned(), ..Workload::default() });
    let expired = get(&cluster, &path).await.lines();
    assert_eq!(
        (expired.len(), &expired[0]["type"], &expired[0]["object"]["code"]),
        (1, &json!("ERROR"), &json!(410))
    );
    let future = get(&cluster, "/api/v1/pods?watch=true&resourceVersion=999999999").await;
    assert_eq!(status_of(&future), (504, "Timeout".to_owned()));
}

#[tokio::test]
async fn lists_are_paged_and_selected() {
    let cluster = cluster().await;
    cluster.deploy(&Workload { name: "other".to_owned(), replicas: 2, ..Workload::default() });
    let pods = "/api/v1/namespaces/novacron/pods";
    let count = async |query: &str| {
        let list = get(&cluster, &format!("{pods}?{query}")).await.json();
        list["items"].as_array().unwrap_or_else(|| panic!("{query}: {list}")).len()
    };
    assert_eq!(count("labelSelector=app%3Dweb").await, 3);
    assert_eq!(count("labelSelector=app+in+(web,other)").await, 5);
    assert_eq!(count("labelSelector=app+notin+(web)").await, 2);
    assert_eq!(count("labelSelector=!app").await, 0);
    assert_eq!(count("fieldSelector=status.phase%3DRunning").await, 5);
    assert_eq!(
        count("fieldSelector=spec.nodeName!%3Dus-east-node-1,status.phase%3DPending").await,
        0
    );
    let first = get(&cluster, &format!("{pods}?limit=2")).await.json();
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    let token = first["metadata"]["continue"].as_str().expect("more is to come").to_owned();
    // What happens between two pages is not part of the list.
    cluster.deploy(&Workload { name: "zzz".to_owned(), ..Workload::default() });
    let rest = get(&cluster, &format!("{pods}?limit=5&continue={token}")).await.json();
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    cluster.fault(Fault::Compact);
    cluster.deploy(&Workload { name: "zzzz".to_owned(), ..Workload::default() });
    let expired = get(&cluster, &format!("{pods}?limit=5&continue={token}")).await;
    assert_eq!(status_of(&expired), (410, "Expired".to_owned()));
    for bad in ["labelSelector=a+b", "fieldSelector=spec.replicas%3D1", "limit=x", "continue=zz"] {
        assert_eq!(get(&cluster, &format!("{pods}?{bad}")).await.status, 400, "{bad}");
    }
    judge(&cluster);
}

#[tokio::test]
async fn patches_keep_versions_and_rules() {
    let cluster = cluster().await;
    let patch =
        async |content: &str, body: Value| admin(&cluster, "PATCH", WEB, content, &body).await;
    let image = |d: &Value| d["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    let before = get(&cluster, WEB).await.json();
    let containers = json!([{ "name": "web", "image": "web:2" }]);
    let after = patch(
        STRATEGIC,
        json!({ "spec": { "template": { "spec": { "containers": containers } } } }),
    )
    .await
    .json();
    assert_eq!(image(&after), "web:2");
    let ports = |d: &Value| d["spec"]["template"]["spec"]["containers"][0]["ports"].clone();
    assert_eq!(ports(&after), ports(&before), "a strategic merge keeps what it does not name");
    assert_eq!(after["metadata"]["generation"], 2);
    let after = patch(JSON_PATCH, json!([{ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:3" }])).await.json();
    assert_eq!(image(&after), "web:3");
    let stale = json!({ "metadata": { "resourceVersion": before["metadata"]["resourceVersion"] }, "spec": { "replicas": 9 } });
    let answer = patch(MERGE, stale).await;
    assert_eq!(status_of(&answer), (409, "Conflict".to_owned()));
    assert!(
        answer.body.contains(
            "the object has been modified; please apply your changes to the latest version"
        )
    );
    assert_eq!(status_of(&admin(&cluster, "PUT", WEB, JSON, &before).await).0, 409);
    for (content, body, code) in [
        (MERGE, json!({ "spec": { "replicas": -1 } }), 422),
        (MERGE, json!({ "spec": { "selector": { "matchLabels": { "app": "x" } } } }), 422),
        (MERGE, json!({ "metadata": { "name": "x" } }), 400),
        (MERGE, json!({ "kind": "Pod" }), 400),
        (JSON_PATCH, json!([{ "op": "test", "path": "/spec/replicas", "value": 77 }]), 422),
        ("application/apply-patch+yaml", json!({}), 415),
        ("text/plain", json!({}), 415),
    ] {
        assert_eq!(status_of(&patch(content, body.clone()).await).0, code, "{content} {body}");
    }
    let dry = admin(
        &cluster,
        "PATCH",
        &format!("{WEB}?dryRun=All"),
        MERGE,
        &json!({ "spec": { "replicas": 7 } }),
    )
    .await;
    assert_eq!(dry.json()["spec"]["replicas"], 7);
    let scale = admin(
        &cluster,
        "PATCH",
        &format!("{WEB}/scale?dryRun=All"),
        MERGE,
        &json!({ "spec": { "replicas": 8 } }),
    )
    .await;
    assert_eq!(scale.json()["spec"]["replicas"], 8);
    assert_eq!(get(&cluster, WEB).await.json()["spec"]["replicas"], 3, "a dry run stores nothing");
    let negative = admin(
        &cluster,
        "PATCH",
        &format!("{WEB}/scale"),
        MERGE,
        &json!({ "spec": { "replicas": -2 } }),
    )
    .await;
    assert_eq!(status_of(&negative), (422, "Invalid".to_owned()));
    let condition = json!({ "preconditions": { "uid": "somebody-else" } });
    assert_eq!(status_of(&admin(&cluster, "DELETE", WEB, JSON, &condition).await).0, 409);
    judge(&cluster);
}

#[tokio::test]
async fn refusals_are_worded_as_by_a_real_server() {
    let cluster = cluster().await;
    let ask = async |user: &str, method: &str, path: &str| {
        let answer = send(&cluster, user, method, path, MERGE, "{}").await.expect("answered");
        let (code, reason) = status_of(&answer);
        (code, reason, answer.json()["message"].as_str().unwrap_or_default().to_owned())
    };
    let expected =
        |code: u16, reason: &str, message: &str| (code, reason.to_owned(), message.to_owned());
    assert_eq!(ask("", "GET", "/api/v1/pods").await, expected(401, "Unauthorized", "Unauthorized"));
    assert_eq!(
        ask("reader", "PATCH", WEB).await,
        expected(
            403,
            "Forbidden",
            "deployments.apps \"web\" is forbidden: User \"reader\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"novacron\""
        )
    );
    assert_eq!(
        ask("nobody", "GET", "/api/v1/nodes").await,
        expected(
            403,
            "Forbidden",
            "nodes is forbidden: User \"nobody\" cannot list resource \"nodes\" in API group \"\" at the cluster scope"
        )
    );
    assert_eq!(ask("reader", "GET", "/api/v1/namespaces/novacron/secrets").await.0, 403);
    assert_eq!(
        ask("admin", "GET", "/apis/apps/v1/namespaces/novacron/deployments/none").await,
        expected(404, "NotFound", "deployments.apps \"none\" not found")
    );
    assert_eq!(
        ask("admin", "GET", "/apis/nova.example/v1/things").await,
        expected(404, "NotFound", "the server could not find the requested resource")
    );
    assert_eq!(ask("admin", "DELETE", "/api/v1/nodes").await.0, 405);
    let large = "x".repeat(4 << 20);
    let answer = send(&cluster, "admin", "PATCH", WEB, MERGE, &large).await;
    // The refusal may be lost when the connection closes on unread bytes; nothing may be stored.
    assert!(answer.is_none_or(|a| a.status == 413));
    let policy = |peer: Value| {
        json!({ "kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1",
        "metadata": { "name": "block", "namespace": "novacron" },
        "spec": { "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{ "from": [peer] }] } })
    };
    let path = "/apis/networking.k8s.io/v1/namespaces/novacron/networkpolicies";
    let slip = policy(json!({ "namespaceSelector": {}, "except": ["10.0.0.0/8"] }));
    let answer = admin(&cluster, "POST", path, JSON, &slip).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains("unknown field \\\"spec.ingress[0].from[0].except\\\""),
        "{}",
        answer.body
    );
    let right = policy(json!({ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"] } }));
    assert_eq!(admin(&cluster, "POST", path, JSON, &right).await.status, 201);
    judge(&cluster);
}
