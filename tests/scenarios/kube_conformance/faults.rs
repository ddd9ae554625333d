//! What goes wrong between the Kubernetes client and a cluster, each by its own name, and never a
//! credential among the words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use nova_commands::platform::config::{ClusterConfig, Limits};
use nova_commands::platform::kube::{Cluster, LogOptions, Rollout, WorkloadKind};
use nova_commands::platform::{Cause, PlatformError};
use nova_sandbox::cluster::{self as sandbox, ClusterSpec, DeploymentFault, Fault, Workload};
use serde_json::json;
use tempfile::TempDir;

use crate::platform_clients::raw::{self, After, Raw};
use crate::platform_clients::{HASTY, PATIENT, TOO_LATE, refused, told};
use crate::support::install_tls;

const KIND: WorkloadKind = WorkloadKind::Deployment;
const WEB: (&str, WorkloadKind, &str) = ("novacron", KIND, "web");
/// A token that would be seen at once.
const TOKEN: &str = "s3cret-t0ken-of-a-test";
/// Only a wait that hangs gets there.
const HANGS: Duration = Duration::from_secs(60);

/// A sandbox with one deployment, and a directory for kubeconfigs.
struct Place {
    sandbox: sandbox::Cluster,
    home: TempDir,
}

impl Place {
    async fn new() -> Result<Self> {
        install_tls();
        let sandbox = sandbox::Cluster::start(ClusterSpec::default()).await?;
        sandbox.deploy(&Workload { replicas: 2, ..Workload::default() });
        Ok(Self { sandbox, home: tempfile::tempdir()? })
    }

    fn cluster(&self, limits: Limits) -> Result<Cluster> {
        let path = self.home.path().join("kubeconfig");
        std::fs::write(&path, self.sandbox.kubeconfig("admin").to_string())?;
        Ok(client(&path, None, limits))
    }

    /// The call fails for this cause, and tells neither our token nor the sandbox's.
    fn refused<T: std::fmt::Debug>(
        &self,
        result: Result<T, PlatformError>,
        cause: Cause,
    ) -> Result<PlatformError> {
        let error = refused(result, cause)?;
        let words = told(&error);
        for token in [TOKEN, &self.sandbox.token("admin")] {
            ensure!(!words.contains(token), "{words}");
        }
        Ok(error)
    }

    /// Waits until the sandbox has answered this many watches of deployments.
    async fn watches(&self, wanted: usize) -> Result<()> {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        let waited = tokio::time::timeout(HANGS, async {
            loop {
                look.tick().await;
                let of = |e: &&sandbox::Exchange| {
                    e.path.ends_with("/deployments") && e.query.contains("watch=true")
                };
                if self.sandbox.exchanges().iter().filter(of).count() >= wanted {
                    break;
                }
            }
        });
        waited.await.with_context(|| format!("waited for {wanted} watches"))
    }
}

fn client(kubeconfig: &Path, context: Option<&str>, limits: Limits) -> Cluster {
    let config = ClusterConfig {
        name: "us-east".to_owned(),
        kubeconfig: Some(kubeconfig.to_owned()),
        context: context.map(str::to_owned),
    };
    Cluster::new(&config, limits)
}

/// A kubeconfig for a server on loopback, with the token that must not be told.
fn towards(home: &Path, port: u16) -> Result<PathBuf> {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{ "name": "x", "cluster": { "server": format!("http://127.0.0.1:{port}") } }],
        "users": [{ "name": "x", "user": { "token": TOKEN } }],
        "contexts": [{ "name": "x", "context": { "cluster": "x", "user": "x" } }],
    });
    let path = home.join(format!("towards-{port}"));
    std::fs::write(&path, config.to_string())?;
    Ok(path)
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_named_and_not_quoted() -> Result<()> {
    let place = Place::new().await?;
    let home = place.home.path();
    let write = |name: &str, text: String| -> Result<PathBuf> {
        let path = home.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let sound = towards(home, 1)?;
    let text = std::fs::read_to_string(&sound)?;
    let cases = [
        (home.join("missing"), None, "no such file"),
        (home.to_owned(), None, ""),
        (write("empty", String::new())?, None, ""),
        (write("prose", format!("token {TOKEN}\nis: [no kubeconfig"))?, None, "not a kubeconfig"),
        (write("list", format!("- {TOKEN}"))?, None, "not a kubeconfig"),
        (write("shape", format!("users: {{ token: {TOKEN} }}"))?, None, "not a kubeconfig"),
        (write("cut", text[..text.len() - 20].to_owned())?, None, "not a kubeconfig"),
        (write("url", text.replace("http://127", "no url"))?, None, ""),
        (sound, Some("elsewhere"), "elsewhere"),
    ];
    for (path, context, words) in cases {
        let cluster = client(&path, context, PATIENT);
        let error = place.refused(cluster.version().await, Cause::Misconfigured)?;
        let said = told(&error);
        ensure!(error.hint.is_some() && said.contains(words), "{}: {said}", path.display());
        ensure!(said.contains(&path.display().to_string()), "{}: {said}", path.display());
    }
    // A token that is no header makes the client's builder panic: that is no reason for us to fall.
    let folded = write("folded", text.replace(TOKEN, &format!("{TOKEN}\\n")))?;
    let version = client(&folded, None, PATIENT).version().await;
    place.refused(version, Cause::Misconfigured)?;
    Ok(())
}

#[tokio::test]
async fn a_kubeconfig_that_is_mended_is_used_at_the_next_call() -> Result<()> {
    let place = Place::new().await?;
    let path = place.home.path().join("kubeconfig");
    let cluster = client(&path, None, PATIENT);
    place.refused(cluster.version().await, Cause::Misconfigured)?;
    std::fs::write(&path, place.sandbox.kubeconfig("admin").to_string())?;
    cluster.version().await?;
    Ok(())
}

#[tokio::test]
async fn what_the_server_says_is_told_by_its_cause() -> Result<()> {
    let place = Place::new().await?;
    let cluster = place.cluster(PATIENT)?;
    let pods = async || cluster.pods("novacron", None).await;
    place.sandbox.fault(Fault::Refuse(true));
    let error = place.refused(pods().await, Cause::Unauthenticated)?;
    ensure!(error.hint.is_some_and(|hint| hint.contains("credentials")), "{}", told(&error));
    let watched = cluster.wait_rollout("novacron", KIND, "web", HANGS, |_| {}).await;
    place.refused(watched, Cause::Unauthenticated)?;
    place.sandbox.fault(Fault::Clear);
    place.sandbox.fault(Fault::Error500(1));
    place.refused(pods().await, Cause::Http(500))?;
    place.sandbox.fault(Fault::Malformed(1));
    place.refused(pods().await, Cause::Malformed)?;
    place.sandbox.fault(Fault::Conflict(1));
    place.refused(cluster.scale(WEB, 3, None, false).await, Cause::Conflict)?;
    place.sandbox.fault(Fault::MetricsApi(false));
    place.refused(cluster.node_metrics().await, Cause::Busy)?;
    place.sandbox.fault(Fault::Clear);
    ensure!(pods().await?.len() == 2 && cluster.node_metrics().await?.len() == 3);
    Ok(())
}

#[tokio::test]
async fn a_busy_server_is_asked_once() -> Result<()> {
    let place = Place::new().await?;
    let status = |code: u16| {
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "too many requests, please try again later", "reason": "TooManyRequests",
            "details": { "retryAfterSeconds": 1 }, "code": code })
        .to_string()
    };
    for (line, body, cause) in [
        ("429 Too Many Requests", status(429), Cause::Busy),
        ("503 Service Unavailable", status(503), Cause::Busy),
        ("503 Service Unavailable", "<html>upstream</html>".to_owned(), Cause::Busy),
        ("422 Unprocessable Entity", status(422), Cause::Invalid),
        ("200 OK", "<html>log in first</html>".to_owned(), Cause::Malformed),
        ("302 Found", String::new(), Cause::Malformed),
    ] {
        let server = Raw::http(line, "application/json", &body).await?;
        let cluster = client(&towards(place.home.path(), server.port)?, None, PATIENT);
        place.refused(cluster.nodes().await, cause).with_context(|| line.to_owned())?;
        ensure!(server.asked() == 1, "{line}: asked {} times", server.asked());
    }
    Ok(())
}

#[tokio::test]
async fn another_objects_uid_is_a_conflict_however_the_server_words_it() -> Result<()> {
    let place = Place::new().await?;
    let seen = place.cluster(PATIENT)?.workload("novacron", KIND, "web").await?;
    // The answer of a real API server (pkg/apis/core/validation, ValidateObjectMetaUpdate).
    let body = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "Deployment.apps \"web\" is invalid: metadata.uid: Invalid value: \"x\": field is immutable",
        "reason": "Invalid", "code": 422 });
    let line = "422 Unprocessable Entity";
    let server = Raw::http(line, "application/json", &body.to_string()).await?;
    let cluster = client(&towards(place.home.path(), server.port)?, None, PATIENT);
    let bound = (&seen).into();
    place.refused(cluster.scale(WEB, 3, Some(&bound), false).await, Cause::Conflict)?;
    let now = Timestamp::now();
    place.refused(cluster.restart(WEB, now, Some(&bound), false).await, Cause::Conflict)?;
    place.refused(cluster.restart(WEB, now, None, false).await, Cause::Invalid)?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_gone_or_silent_is_told_in_time() -> Result<()> {
    let place = Place::new().await?;
    let home = place.home.path();
    let (_silence, port) = raw::silent()?;
    let silent = client(&towards(home, port)?, None, HASTY);
    place.refused(silent.version().await, TOO_LATE)?;
    let (_socket, port) = raw::closed()?;
    let error = client(&towards(home, port)?, None, PATIENT).version().await;
    let error = place.refused(error, Cause::Refused)?;
    ensure!(error.hint.is_some() && error.detail.is_empty(), "{}", told(&error));
    let trickle = Raw::answering("HTTP/1.1 200 OK\r\n\r\n{", After::Trickle).await?;
    let trickling = client(&towards(home, trickle.port)?, None, HASTY);
    place.refused(trickling.nodes().await, TOO_LATE)?;
    place.refused(trickling.logs("novacron", "x", &LogOptions::default()).await, TOO_LATE)?;
    let babble = Raw::answering("220 mail.example ESMTP\r\n", After::Close).await?;
    let babbling = client(&towards(home, babble.port)?, None, PATIENT);
    place.refused(babbling.version().await, Cause::Malformed)?;
    let mute = Raw::answering("", After::Close).await?;
    let muted = client(&towards(home, mute.port)?, None, PATIENT);
    place.refused(muted.version().await, Cause::Broken)?;

    let (hasty, patient) = (place.cluster(HASTY)?, place.cluster(PATIENT)?);
    patient.version().await?;
    place.sandbox.fault(Fault::Hang(true));
    place.refused(hasty.version().await, TOO_LATE)?;
    let pod = place.sandbox.pods_of("novacron", "web").remove(0);
    place.refused(hasty.exec(("novacron", &pod), None, &["true"], b"").await, TOO_LATE)?;
    place.sandbox.fault(Fault::Hang(false));
    patient.version().await?;
    let Place { sandbox, .. } = place;
    sandbox.stop().await;
    refused(patient.version().await, Cause::Refused)?;
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_is_a_broken_connection_and_the_change_is_there() -> Result<()> {
    let place = Place::new().await?;
    let cluster = place.cluster(PATIENT)?;
    cluster.version().await?;
    place.sandbox.fault(Fault::LoseReply(1));
    place.refused(cluster.scale(WEB, 3, None, false).await, Cause::Broken)?;
    ensure!(cluster.workload("novacron", KIND, "web").await?.desired == 3);
    let patches = place.sandbox.exchanges().iter().filter(|e| e.method == "PATCH").count();
    ensure!(patches == 1, "the write was sent {patches} times");
    Ok(())
}

#[tokio::test]
async fn a_rollout_is_waited_for_over_a_history_that_is_gone() -> Result<()> {
    let place = Place::new().await?;
    let cluster = place.cluster(PATIENT)?;
    let sandbox = &place.sandbox;
    sandbox.break_deployment("novacron", "web", DeploymentFault::Unready);
    let mut seen = 0;
    // Between the reading and the watch, others change and the history is compacted: the object's
    // own version is too old from then on, and stays so while it is still.
    let wait = cluster.wait_rollout("novacron", KIND, "web", HANGS, |_| {
        seen += 1;
        if seen == 1 {
            sandbox.deploy(&Workload { name: "other".to_owned(), ..Workload::default() });
            sandbox.fault(Fault::Compact);
        }
    });
    let heal = async {
        place.watches(2).await?;
        sandbox.heal("novacron", "web");
        anyhow::Ok(())
    };
    let (rollout, healed) = tokio::join!(wait, heal);
    healed?;
    ensure!(rollout? == Rollout::Complete);
    let asked = sandbox.exchanges().len();
    ensure!(asked < 30, "{asked} calls for one rollout");
    Ok(())
}

#[tokio::test]
async fn a_change_that_the_history_has_lost_is_told_all_the_same() -> Result<()> {
    let place = Place::new().await?;
    let cluster = place.cluster(PATIENT)?;
    let before = cluster.workload("novacron", KIND, "web").await?;
    cluster.scale(WEB, 3, None, false).await?;
    place.sandbox.settled("novacron", "web").await?;
    place.sandbox.fault(Fault::Compact);
    let changed = tokio::time::timeout(HANGS, cluster.next_change(&before)).await;
    let changed = changed.context("waited for the change")??;
    ensure!(changed.desired == 3, "{changed:?}");
    place.sandbox.remove("deployments", "novacron", "web");
    let gone = tokio::time::timeout(HANGS, cluster.next_change(&changed)).await;
    place.refused(gone.context("waited for the deletion")?, Cause::NotFound)?;
    Ok(())
}

#[tokio::test]
async fn watches_do_not_take_the_places_of_calls() -> Result<()> {
    let place = Place::new().await?;
    let cluster = place.cluster(PATIENT)?;
    let still = cluster.workload("novacron", KIND, "web").await?;
    let mut watches = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (cluster, still) = (cluster.clone(), still.clone());
        watches.spawn(async move { cluster.next_change(&still).await });
    }
    place.watches(20).await?;
    cluster.version().await?;
    place.sandbox.remove("deployments", "novacron", "web");
    while let Some(ended) = watches.join_next().await {
        place.refused(ended?, Cause::NotFound)?;
    }
    Ok(())
}

#[tokio::test]
async fn input_reaches_a_program() -> Result<()> {
    let place = Place::new().await?;
    let cluster = place.cluster(PATIENT)?;
    let pod = place.sandbox.pods_of("novacron", "web").remove(0);
    let input = vec![b'x'; 300 * 1024];
    let ended = cluster.exec(("novacron", &pod), None, &["cat"], &input).await?;
    ensure!(ended.exit_code == 0 && ended.stdout == input, "{} bytes", ended.stdout.len());
    Ok(())
}
