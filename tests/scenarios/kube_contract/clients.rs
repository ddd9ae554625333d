//! The vendors' own clients against the sandbox: `kube`, kubectl and the Python client.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use futures_util::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{
    Api, AttachParams, ListParams, LogParams, Patch, PatchParams, PostParams, WatchEvent,
    WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use nova_sandbox::cluster::{Cluster, Rule, Workload};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::{cluster, judge};

/// How long an outside program may take.
const LIMIT: Duration = Duration::from_secs(60);

async fn client(cluster: &Cluster, user: &str) -> Client {
    // Even plain http goes through the TLS connector; a second installation is refused and harmless.
    rustls::crypto::ring::default_provider().install_default().ok();
    let config: Kubeconfig =
        serde_json::from_value(cluster.kubeconfig(user)).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default())
        .await
        .expect("the kubeconfig is complete");
    Client::try_from(config).expect("a client")
}

fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        other => panic!("not an answer of the API: {other:?}"),
    }
}

#[tokio::test]
async fn the_kube_client_works() {
    let cluster = cluster().await;
    let client = client(&cluster, "admin").await;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "novacron");
    let pods: Api<Pod> = Api::namespaced(client.clone(), "novacron");
    assert_eq!(deployments.list(&ListParams::default()).await.unwrap().items.len(), 1);
    assert_eq!(
        Api::<Node>::all(client.clone()).list(&ListParams::default()).await.unwrap().items.len(),
        3
    );

    let before = deployments.get("web").await.unwrap();
    deployments.restart("web").await.unwrap();
    cluster.settled("novacron", "web").await.unwrap();
    let stale = json!({ "metadata": { "resourceVersion": before.metadata.resource_version }, "spec": { "replicas": 5 } });
    let refused =
        deployments.patch("web", &PatchParams::default(), &Patch::Merge(&stale)).await.unwrap_err();
    assert_eq!(code(&refused), 409);
    let apply = PatchParams::apply("nova").force();
    assert_eq!(
        code(&deployments.patch("web", &apply, &Patch::Apply(&before)).await.unwrap_err()),
        415
    );

    let scale = json!({ "spec": { "replicas": 4 } });
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    let seen = deployments.patch_scale("web", &dry, &Patch::Merge(&scale)).await.unwrap();
    assert_eq!(seen.spec.and_then(|s| s.replicas), Some(4));
    assert_eq!(deployments.get_scale("web").await.unwrap().spec.and_then(|s| s.replicas), Some(3));

    let params = WatchParams::default().labels("app=web").timeout(20);
    let mut events = pods.watch(&params, "0").await.unwrap().boxed();
    deployments.patch_scale("web", &PatchParams::default(), &Patch::Merge(&scale)).await.unwrap();
    let mut added = 0;
    while added < 4 {
        match events.try_next().await.unwrap() {
            Some(WatchEvent::Added(_)) => added += 1,
            Some(_) => {}
            None => panic!("the watch ended after {added} of 4 pods"),
        }
    }
    cluster.settled("novacron", "web").await.unwrap();
    let held = judge(&cluster);
    assert!(held > 10, "only {held} bodies were judged");
}

#[tokio::test]
async fn the_kube_client_reads_kinds_that_are_not_in_the_published_set() {
    let cluster = cluster().await;
    let client = client(&cluster, "admin").await;
    let meta = json!({ "name": "x" });
    let create = PostParams::default();
    let policies: Api<NetworkPolicy> = Api::namespaced(client.clone(), "novacron");
    let policy = json!({ "metadata": meta, "spec": { "podSelector": {} } });
    policies.create(&create, &serde_json::from_value(policy).unwrap()).await.unwrap();
    let budgets: Api<PodDisruptionBudget> = Api::namespaced(client.clone(), "novacron");
    let budget = json!({ "metadata": meta, "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app": "web" } } } });
    budgets.create(&create, &serde_json::from_value(budget).unwrap()).await.unwrap();
    let leases: Api<Lease> = Api::namespaced(client.clone(), "novacron");
    let lease =
        json!({ "metadata": meta, "spec": { "holderIdentity": "a", "leaseDurationSeconds": 15 } });
    leases.create(&create, &serde_json::from_value(lease).unwrap()).await.unwrap();
    let scalers: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), "novacron");
    let scaler = json!({ "metadata": meta, "spec": { "minReplicas": 2, "maxReplicas": 4,
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
        "metrics": [{ "type": "Resource", "resource": { "name": "cpu",
            "target": { "type": "Utilization", "averageUtilization": 70 } } }] } });
    let made = scalers.create(&create, &serde_json::from_value(scaler).unwrap()).await.unwrap();
    assert_eq!(made.spec.and_then(|s| s.metrics).map(|m| m.len()), Some(1));
    let v1 =
        super::get(&cluster, "/apis/autoscaling/v1/namespaces/novacron/horizontalpodautoscalers/x")
            .await
            .json();
    assert_eq!(v1["spec"]["targetCPUUtilizationPercentage"], 70);
    for count in [
        policies.list(&ListParams::default()).await.unwrap().items.len(),
        budgets.list(&ListParams::default()).await.unwrap().items.len(),
        leases.list(&ListParams::default()).await.unwrap().items.len(),
        scalers.list(&ListParams::default()).await.unwrap().items.len(),
    ] {
        assert_eq!(count, 1);
    }
    judge(&cluster);
}

#[tokio::test]
async fn access_reviews_agree_with_what_is_refused() {
    let cluster = cluster().await;
    for (user, allowed) in [("admin", true), ("reader", false)] {
        let client = client(&cluster, user).await;
        let review = json!({ "spec": { "resourceAttributes": {
            "namespace": "novacron", "verb": "patch", "group": "apps", "resource": "deployments", "subresource": "scale",
        }}});
        let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
        let answer = reviews
            .create(&PostParams::default(), &serde_json::from_value(review).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status.map(|s| s.allowed), Some(allowed), "{user}");
        let deployments: Api<Deployment> = Api::namespaced(client, "novacron");
        let scale = json!({ "spec": { "replicas": 2 } });
        let done =
            deployments.patch_scale("web", &PatchParams::default(), &Patch::Merge(&scale)).await;
        assert_eq!(done.is_ok(), allowed, "{user}: {done:?}");
    }
    judge(&cluster);
}

#[tokio::test]
async fn logs_are_cut_and_followed() {
    let cluster = cluster().await;
    let pods: Api<Pod> = Api::namespaced(client(&cluster, "reader").await, "novacron");
    let pod = cluster.pods_of("novacron", "web").remove(0);
    for line in ["one", "two", "three"] {
        cluster.log("novacron", &pod, line);
    }
    let text = async |params: LogParams| pods.logs(&pod, &params).await;
    assert_eq!(text(LogParams::default()).await.unwrap(), "one\ntwo\nthree\n");
    assert_eq!(
        text(LogParams { tail_lines: Some(1), ..LogParams::default() }).await.unwrap(),
        "three\n"
    );
    assert_eq!(
        text(LogParams { limit_bytes: Some(5), ..LogParams::default() }).await.unwrap(),
        "one\nt"
    );
    assert_eq!(
        text(LogParams { since_seconds: Some(3600), ..LogParams::default() }).await.unwrap().len(),
        14
    );
    let stamped = text(LogParams { timestamps: true, ..LogParams::default() }).await.unwrap();
    let first =
        stamped.lines().next().and_then(|line| line.split_once(' ')).expect("a stamped line");
    assert!(first.0.ends_with('Z') && first.0.len() == 30 && first.1 == "one", "{stamped}");
    for wrong in [
        LogParams { container: Some("none".to_owned()), ..LogParams::default() },
        LogParams { previous: true, ..LogParams::default() },
    ] {
        assert_eq!(code(&text(wrong).await.unwrap_err()), 400);
    }
    let follow = LogParams { follow: true, tail_lines: Some(1), ..LogParams::default() };
    let mut lines = pods.log_stream(&pod, &follow).await.unwrap().lines();
    assert_eq!(lines.try_next().await.unwrap().as_deref(), Some("three"));
    cluster.log("novacron", &pod, "four");
    assert_eq!(lines.try_next().await.unwrap().as_deref(), Some("four"));
    cluster.remove("pods", "novacron", &pod);
    assert_eq!(lines.try_next().await.unwrap(), None, "the stream ends with its pod");
}

async fn exec(pods: &Api<Pod>, pod: &str, command: &[&str]) -> (String, String, Option<String>) {
    let mut process = pods
        .exec(pod, command.iter().copied(), &AttachParams::default())
        .await
        .expect("exec is accepted");
    let (mut out, mut err) = (String::new(), String::new());
    let (mut stdout, mut stderr) = (
        process.stdout().expect("stdout was asked for"),
        process.stderr().expect("stderr was asked for"),
    );
    let status = process.take_status().expect("nobody took it before");
    let (a, b) = futures_util::future::join(
        stdout.read_to_string(&mut out),
        stderr.read_to_string(&mut err),
    )
    .await;
    a.expect("stdout ends");
    b.expect("stderr ends");
    let status = status.await.expect("a status is sent");
    let exit = status.details.and_then(|d| {
        d.causes?.into_iter().find(|c| c.reason.as_deref() == Some("ExitCode"))?.message
    });
    process.join().await.ok();
    (out, err, exit)
}

#[tokio::test]
async fn exec_runs_commands_and_gives_exit_codes() {
    let cluster = cluster().await;
    let pods: Api<Pod> = Api::namespaced(client(&cluster, "admin").await, "novacron");
    let pod = cluster.pods_of("novacron", "web").remove(0);
    assert_eq!(exec(&pods, &pod, &["echo", "a", "b"]).await, ("a b\n".into(), String::new(), None));
    assert_eq!(exec(&pods, &pod, &["hostname"]).await.0, format!("{pod}\n"));
    assert_eq!(exec(&pods, &pod, &["sh", "-c", "exit 3"]).await.2.as_deref(), Some("3"));
    let (_, err, exit) = exec(&pods, &pod, &["foo"]).await;
    assert_eq!(exit.as_deref(), Some("127"));
    assert!(err.contains("exec: \"foo\": executable file not found in $PATH"), "{err}");
    let (_, err, exit) = exec(&pods, &pod, &["curl", "-sS", "http://localhost:8080/healthz"]).await;
    assert_eq!(exit.as_deref(), Some("7"), "{err}");
    let behind = Cluster::start(nova_sandbox::cluster::ClusterSpec::default()).await.unwrap();
    cluster.backend("web", 8080, Some(behind.url()));
    let (out, _, exit) = exec(&pods, &pod, &["curl", "-s", "http://localhost:8080/healthz"]).await;
    assert!(out.contains("Unauthorized") && exit.is_none(), "{out}");
    let (_, err, exit) =
        exec(&pods, &pod, &["curl", "-fsS", "http://localhost:8080/healthz"]).await;
    assert_eq!(exit.as_deref(), Some("22"), "{err}");

    let params = AttachParams::default().stdin(true).stderr(false);
    let mut process = pods.exec(&pod, ["cat"], &params).await.unwrap();
    let mut stdin = process.stdin().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, b"through").await.unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut stdin).await.unwrap();
    drop(stdin);
    let mut out = String::new();
    process.stdout().unwrap().read_to_string(&mut out).await.unwrap();
    assert_eq!(out, "through");

    let annotations = [("sandbox.nova/scratch".to_owned(), "true".to_owned())].into();
    cluster.deploy(&Workload { name: "bare".to_owned(), annotations, ..Workload::default() });
    let bare = cluster.pods_of("novacron", "bare").remove(0);
    assert_eq!(exec(&pods, &bare, &["sh", "-c", "exit 0"]).await.2.as_deref(), Some("127"));
}

/// Runs an outside program and gives what it wrote to stdout.
async fn run(mut command: Command) -> String {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let shown = format!("{command:?}");
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .unwrap_or_else(|_| panic!("{shown} did not end within {LIMIT:?}"))
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// A private directory with the cluster's kubeconfig as `config`.
fn home(cluster: &Cluster) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(home.path().join("config"), cluster.kubeconfig("admin").to_string())
        .expect("it can be written");
    home
}

#[tokio::test]
async fn kubectl_works() {
    let cluster = cluster().await;
    // kubectl keeps its token to itself over plain http.
    cluster.user("system:anonymous", vec![Rule::new(&["*"], &["*"], &["*"], &["*"])]);
    let home = home(&cluster);
    let kubectl = async |arguments: &str| {
        let mut command = Command::new("kubectl");
        command.env("HOME", home.path()).arg("--kubeconfig").arg(home.path().join("config"));
        command.args(["-n", "novacron"]).args(arguments.split(' '));
        run(command).await
    };
    let nodes = kubectl("get nodes -o name").await;
    assert_eq!(nodes.lines().count(), 3, "{nodes}");
    assert!(kubectl("get pods").await.contains("web-"));
    assert!(kubectl("get deploy web -o jsonpath={.status.readyReplicas}").await.ends_with('3'));
    let top = kubectl("top nodes").await;
    assert!(top.contains("us-east-node-1") && top.contains('%'), "{top}");
    assert!(kubectl("top pods").await.contains("web-"));
    assert!(kubectl("scale deploy/web --replicas=4").await.contains("scaled"));
    assert!(kubectl("rollout restart deploy/web").await.contains("restarted"));
    assert!(
        kubectl("rollout status deploy/web --timeout=30s")
            .await
            .contains("successfully rolled out")
    );
    assert!(kubectl("describe deploy web").await.contains("NewReplicaSetAvailable"));
    let pod = cluster.pods_of("novacron", "web").remove(0);
    cluster.log("novacron", &pod, "hello from the pod");
    assert_eq!(kubectl(&format!("logs {pod} --tail=1")).await, "hello from the pod\n");
    // Not exec: Debian's kubectl speaks SPDY, which the sandbox does not. The Python client judges
    // exec over WebSocket.
    assert_eq!(kubectl(&format!("delete pod {pod} --now")).await.split(' ').next(), Some("pod"));
    cluster.settled("novacron", "web").await.expect("the pod is replaced");
    judge(&cluster);
}

const SCRIPT: &str = r#"
import json, sys
from kubernetes import client, config, watch
from kubernetes.stream import stream
from kubernetes.client.exceptions import ApiException

config.load_kube_config(sys.argv[1])
core, apps = client.CoreV1Api(), client.AppsV1Api()
out = {}
out["pods"] = len(core.list_namespaced_pod("novacron", label_selector="app=web").items)
before = apps.read_namespaced_deployment("web", "novacron")
out["scaled"] = apps.patch_namespaced_deployment_scale("web", "novacron", {"spec": {"replicas": 4}}).spec.replicas
try:
    apps.patch_namespaced_deployment("web", "novacron", {
        "metadata": {"resourceVersion": before.metadata.resource_version}, "spec": {"replicas": 9}})
except ApiException as error:
    out["stale"] = [error.status, json.loads(error.body)["reason"]]
pod = sys.argv[2]
out["logs"] = core.read_namespaced_pod_log(pod, "novacron", tail_lines=1)
def run(*command):
    shell = stream(core.connect_get_namespaced_pod_exec, pod, "novacron", command=list(command),
                   stdin=False, stdout=True, stderr=True, tty=False, _preload_content=False)
    shell.run_forever(timeout=20)
    return [shell.read_stdout(), shell.returncode]
out["echo"] = run("echo", "hi")
out["exit"] = run("sh", "-c", "exit 3")
seen = []
for event in watch.Watch().stream(apps.list_namespaced_deployment, "novacron", timeout_seconds=20):
    seen.append(event["type"])
    if (event["object"].status.ready_replicas or 0) == 4:
        break
out["watched"] = seen[0]
print(json.dumps(out))
"#;

fn python() -> PathBuf {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = std::env::var_os("NOVA_TEST_PYTHON")
        .map_or_else(|| workspace.join("target/test-venv/bin/python"), PathBuf::from);
    assert!(
        python.exists(),
        "there is no Python with the kubernetes client at {}: run tests/run once, which installs it",
        python.display()
    );
    python
}

#[tokio::test]
async fn the_python_client_works() {
    let cluster = cluster().await;
    let home = home(&cluster);
    let pod = cluster.pods_of("novacron", "web").remove(0);
    cluster.log("novacron", &pod, "hello from the pod");
    let mut command = Command::new(python());
    command.env("HOME", home.path()).args(["-c", SCRIPT]).arg(home.path().join("config")).arg(&pod);
    let out: Value = serde_json::from_str(&run(command).await).expect("the script prints JSON");
    assert_eq!(
        out,
        json!({
            "pods": 3, "scaled": 4, "stale": [409, "Conflict"], "logs": "hello from the pod\n",
            "echo": ["hi\n", 0], "exit": ["", 3], "watched": "ADDED",
        })
    );
    judge(&cluster);
}
