//! The calls themselves. Nothing in here knows which kind of cluster it talks to.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use nova_commands::platform::kube::{
    Cluster, LogOptions, Pod, Precondition, Rollout, Workload, WorkloadKind,
};
use nova_commands::platform::{Cause, PlatformError};
use serde_json::json;

use super::subject::{LINE, PATIENCE, PROBE, Subject};
use crate::platform_clients::{refused, told};

const KIND: WorkloadKind = WorkloadKind::Deployment;

/// The suite's deployment, seen through our client.
struct Probe<'a> {
    subject: &'a Subject,
    cluster: Cluster,
}

pub(super) async fn run(subject: &Subject) -> Result<()> {
    subject.set_up().await?;
    let probe = Probe { subject, cluster: subject.cluster() };
    probe.reads().await.context("reading")?;
    probe.dry_runs_change_nothing().await.context("dry runs")?;
    probe.scales().await.context("scaling")?;
    probe.preconditions_hold().await.context("preconditions")?;
    probe.restarts().await.context("restarting")?;
    probe.logs().await.context("logs")?;
    probe.execs().await.context("exec")?;
    probe.rights().await.context("rights")?;
    probe.a_rollout_that_cannot_finish_is_never_complete().await.context("a stuck rollout")
}

/// A failed call with all that it tells, for `?`.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn shown(error: PlatformError) -> anyhow::Error {
    anyhow::anyhow!("{}", told(&error))
}

impl Probe<'_> {
    fn place(&self) -> (&str, WorkloadKind, &str) {
        (&self.subject.namespace, KIND, PROBE)
    }

    async fn workload(&self) -> Result<Workload> {
        self.cluster.workload(&self.subject.namespace, KIND, PROBE).await.map_err(shown)
    }

    /// Waits for the rollout's end; also says what it was on its way.
    async fn rolled(&self) -> Result<(Rollout, Vec<Workload>)> {
        let mut seen = Vec::new();
        let (namespace, kind, name) = self.place();
        let ended = self
            .cluster
            .wait_rollout(namespace, kind, name, PATIENCE, |workload| seen.push(workload.clone()))
            .await
            .map_err(shown)?;
        Ok((ended, seen))
    }

    /// Waits until the rollout is complete.
    async fn completed(&self) -> Result<Workload> {
        let (ended, _) = self.rolled().await?;
        ensure!(ended == Rollout::Complete, "{ended:?}");
        self.workload().await
    }

    /// Its pods that are not on their way out.
    async fn pods(&self) -> Result<Vec<Pod>> {
        let selector = format!("app={PROBE}");
        let pods = self.cluster.pods(&self.subject.namespace, Some(&selector)).await;
        let mut pods = pods.map_err(shown)?;
        pods.retain(|pod| pod.phase != "Terminating");
        Ok(pods)
    }

    async fn pod(&self) -> Result<Pod> {
        self.pods().await?.into_iter().next().context("it has a pod")
    }

    async fn reads(&self) -> Result<()> {
        let (cluster, namespace) = (&self.cluster, self.subject.namespace.as_str());
        let version = cluster.version().await.map_err(shown)?;
        ensure!(version.starts_with('v'), "{version}");
        let nodes = cluster.nodes().await.map_err(shown)?;
        ensure!(nodes.iter().any(|node| node.ready), "no node is ready: {nodes:?}");
        ensure!(nodes.iter().all(|node| node.cpu_milli > Some(0)), "{nodes:?}");
        ensure!(nodes.iter().all(|node| node.memory_bytes > Some(1 << 20)), "{nodes:?}");

        let workload = self.completed().await?;
        ensure!((workload.desired, workload.ready) == (1, 1), "{workload:?}");
        ensure!(workload.kind == KIND && workload.selector == format!("app={PROBE}"));
        ensure!(!workload.uid.is_empty() && !workload.resource_version.is_empty());
        let all = cluster.workloads(namespace).await.map_err(shown)?;
        ensure!(all.len() == 1 && all[0].uid == workload.uid, "{all:?}");
        for kind in [KIND, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
            refused(cluster.workload(namespace, kind, "nothing").await, Cause::NotFound)?;
        }
        ensure!(cluster.workloads("nova-conformance-none").await.map_err(shown)?.is_empty());

        let pods = self.pods().await?;
        ensure!(pods.len() == 1, "{pods:?}");
        ensure!(pods[0].phase == "Running" && pods[0].ready && pods[0].started.is_some());
        ensure!(pods[0].labels.get("app").map(String::as_str) == Some(PROBE));
        ensure!(nodes.iter().any(|node| Some(&node.name) == pods[0].node.as_ref()));
        ensure!(cluster.pods(namespace, None).await.map_err(shown)?.len() == 1);
        let others = cluster.pods(namespace, Some("app=other")).await.map_err(shown)?;
        ensure!(others.is_empty(), "{others:?}");

        match (cluster.node_metrics().await, cluster.pod_metrics(namespace).await) {
            (Ok(of_nodes), Ok(of_pods)) => {
                ensure!(of_nodes.iter().all(|node| node.memory_bytes > 0), "{of_nodes:?}");
                println!("metrics of {} nodes and {} pods", of_nodes.len(), of_pods.len());
            }
            (Err(error), _) | (_, Err(error)) => {
                ensure!(matches!(error.cause, Cause::NotFound | Cause::Busy), "{}", told(&error));
                println!("no metrics here: {error}");
            }
        }
        Ok(())
    }

    async fn dry_runs_change_nothing(&self) -> Result<()> {
        let before = self.workload().await?;
        let replicas = self.cluster.scale(self.place(), 4, None, true).await.map_err(shown)?;
        ensure!(replicas == 4, "the answer is what would have been: {replicas}");
        let restarted = self.cluster.restart(self.place(), Timestamp::now(), None, true).await;
        ensure!(restarted.map_err(shown)?.generation > before.generation);
        let patch = json!({ "spec": { "replicas": 5 } });
        let patched = self.cluster.patch(self.place(), patch, None, true).await.map_err(shown)?;
        ensure!(patched.desired == 5, "{patched:?}");
        let after = self.workload().await?;
        ensure!(after.generation == before.generation && after.desired == 1, "{after:?}");
        Ok(())
    }

    async fn scales(&self) -> Result<()> {
        let before = self.workload().await?;
        // A controller may write the status between reading and scaling.
        let mut scaled = None;
        for _ in 0..10 {
            let seen = Precondition::from(&self.workload().await?);
            match self.cluster.scale(self.place(), 2, Some(&seen), false).await {
                Err(error) if error.cause == Cause::Conflict => {}
                other => {
                    scaled = Some(other.map_err(shown)?);
                    break;
                }
            }
        }
        ensure!(scaled == Some(2), "{scaled:?}");
        // The watch begins before the change, which it has to tell all the same.
        let changed = tokio::time::timeout(PATIENCE, self.cluster.next_change(&before)).await;
        let changed = changed.context("waited for a change to be told")?.map_err(shown)?;
        ensure!(changed.uid == before.uid && changed.resource_version != before.resource_version);
        let grown = self.completed().await?;
        ensure!((grown.desired, grown.available) == (2, 2), "{grown:?}");
        ensure!(self.pods().await?.len() == 2);
        let down = self.cluster.scale(self.place(), 1, None, false).await.map_err(shown)?;
        ensure!(down == 1);
        let shrunk = self.completed().await?;
        ensure!((shrunk.desired, shrunk.total) == (1, 1), "{shrunk:?}");

        let (namespace, ..) = self.place();
        let none = (namespace, KIND, "nothing");
        refused(self.cluster.scale(none, 1, None, false).await, Cause::NotFound)?;
        let daemons = (namespace, WorkloadKind::DaemonSet, PROBE);
        refused(self.cluster.scale(daemons, 1, None, false).await, Cause::Invalid)?;
        let negative = json!({ "spec": { "replicas": -1 } });
        refused(self.cluster.patch(self.place(), negative, None, false).await, Cause::Invalid)?;
        Ok(())
    }

    async fn preconditions_hold(&self) -> Result<()> {
        let stale = Precondition::from(&self.workload().await?);
        let note = json!({ "metadata": { "annotations": { "nova-conformance": "1" } } });
        self.cluster.patch(self.place(), note, None, false).await.map_err(shown)?;
        let before = self.completed().await?;
        let other = Precondition {
            uid: "0b0b0b0b-0000-4000-8000-000000000000".to_owned(),
            ..Precondition::from(&before)
        };
        for wrong in [&stale, &other] {
            for dry_run in [true, false] {
                let scaled = self.cluster.scale(self.place(), 3, Some(wrong), dry_run).await;
                refused(scaled, Cause::Conflict)?;
                let now = Timestamp::now();
                let restarted = self.cluster.restart(self.place(), now, Some(wrong), dry_run).await;
                refused(restarted, Cause::Conflict)?;
                let patch = json!({ "spec": { "replicas": 3 } });
                let patched = self.cluster.patch(self.place(), patch, Some(wrong), dry_run).await;
                refused(patched, Cause::Conflict)?;
            }
        }
        let after = self.workload().await?;
        ensure!(after.generation == before.generation && after.desired == 1, "{after:?}");
        Ok(())
    }

    async fn restarts(&self) -> Result<()> {
        let old = self.pods().await?;
        let at = Timestamp::now();
        let restarted = self.cluster.restart(self.place(), at, None, false).await;
        let restarted = restarted.map_err(shown)?;
        let rollout = restarted.rollout();
        ensure!(matches!(rollout, Rollout::Progressing { .. }), "not done yet: {rollout:?}");
        let done = self.completed().await?;
        ensure!(done.observed_generation >= restarted.generation, "{done:?}");
        ensure!((done.updated, done.available, done.total) == (1, 1, 1), "{done:?}");
        let new = self.pods().await?;
        let kept = new.iter().find(|pod| old.iter().any(|old| old.name == pod.name));
        ensure!(kept.is_none() && new.len() == 1, "{kept:?} of {new:?}");
        Ok(())
    }

    async fn logs(&self) -> Result<()> {
        let namespace = self.subject.namespace.as_str();
        let pod = self.pod().await?.name;
        self.subject.print(&pod);
        let options = LogOptions::default();
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        let read = async {
            loop {
                pause.tick().await;
                let logs = self.cluster.logs(namespace, &pod, &options).await.map_err(shown)?;
                if !logs.lines.is_empty() {
                    break anyhow::Ok(logs);
                }
            }
        };
        let logs =
            tokio::time::timeout(PATIENCE, read).await.context("waited for a log line")??;
        ensure!(logs.lines[0].raw() == LINE && !logs.truncated, "{:?}", logs.lines[0].raw());
        let short = LogOptions { limit_bytes: 4, ..LogOptions::default() };
        let cut = self.cluster.logs(namespace, &pod, &short).await.map_err(shown)?;
        ensure!(cut.truncated && cut.lines[0].raw() == &LINE[..4]);
        let container = Some("nothing".to_owned());
        let other = LogOptions { container, ..LogOptions::default() };
        refused(self.cluster.logs(namespace, &pod, &other).await, Cause::Invalid)?;
        refused(self.cluster.logs(namespace, "nothing", &options).await, Cause::NotFound)?;
        Ok(())
    }

    async fn execs(&self) -> Result<()> {
        let pod = self.pod().await?.name;
        let place = (self.subject.namespace.as_str(), pod.as_str());
        let exec = async |argv: &[&str]| self.cluster.exec(place, Some("main"), argv, b"").await;
        let ended = exec(&["sh", "-c", "exit 3"]).await.map_err(shown)?;
        ensure!(ended.exit_code == 3 && ended.stdout.is_empty(), "{ended:?}");
        let ended = exec(&["echo", "a  b", "$HOME;"]).await.map_err(shown)?;
        ensure!(ended.exit_code == 0 && ended.stdout == b"a  b $HOME;\n", "{ended:?}");
        let ended = exec(&["cat", "/nothing"]).await.map_err(shown)?;
        ensure!(ended.exit_code == 1 && ended.stderr.starts_with(b"cat: "), "{ended:?}");
        let error = refused(exec(&["/no/such-program"]).await, Cause::Invalid)?;
        ensure!(error.detail.raw().contains("/no/such-program"), "{}", told(&error));
        refused(exec(&["no-such-program"]).await, Cause::Invalid)?;
        let nowhere = (place.0, "nothing");
        refused(self.cluster.exec(nowhere, None, &["true"], b"").await, Cause::NotFound)?;
        // More input than is read: the program's end is the answer, not the pipe.
        let unread = vec![b'x'; 1 << 20];
        let ended = self.cluster.exec(place, None, &["true"], &unread).await.map_err(shown)?;
        ensure!(ended.exit_code == 0, "{ended:?}");
        Ok(())
    }

    async fn rights(&self) -> Result<()> {
        let (namespace, nobody) = (self.subject.namespace.as_str(), self.subject.nobody()?);
        for (verb, group, resource) in
            [("list", "", "pods"), ("patch", "apps", "deployments"), ("create", "", "pods/exec")]
        {
            let may = self.cluster.can_i(verb, group, resource, namespace).await.map_err(shown)?;
            ensure!(may, "the administrator may {verb} {resource}");
            let may = nobody.can_i(verb, group, resource, namespace).await.map_err(shown)?;
            ensure!(!may, "nobody may {verb} {resource}");
        }
        let pod = self.pod().await?.name;
        let logs = LogOptions::default();
        refused(nobody.pods(namespace, None).await, Cause::Forbidden)?;
        refused(nobody.nodes().await, Cause::Forbidden)?;
        refused(nobody.workloads(namespace).await, Cause::Forbidden)?;
        refused(nobody.logs(namespace, &pod, &logs).await, Cause::Forbidden)?;
        refused(nobody.exec((namespace, &pod), None, &["true"], b"").await, Cause::Forbidden)?;
        refused(nobody.next_change(&self.workload().await?).await, Cause::Forbidden)?;
        let error = refused(nobody.scale(self.place(), 3, None, false).await, Cause::Forbidden)?;
        ensure!(error.hint.is_some() && error.detail.raw().contains("forbidden"));
        ensure!(self.workload().await?.desired == 1);
        Ok(())
    }

    async fn a_rollout_that_cannot_finish_is_never_complete(&self) -> Result<()> {
        // The probe fails on a real cluster; the sandbox, which runs no probes, heeds the annotation.
        let probe = json!({ "exec": { "command": ["false"] }, "periodSeconds": 1 });
        let patch = json!({ "spec": {
            "progressDeadlineSeconds": 1,
            "template": {
                "metadata": { "annotations": { "sandbox.nova/never-ready": "true" } },
                "spec": { "containers": [{ "name": "main", "readinessProbe": probe }] },
            },
        }});
        let patched = self.cluster.patch(self.place(), patch, None, false).await.map_err(shown)?;
        let (ended, seen) = self.rolled().await?;
        let Rollout::Stuck(reason) = ended else { bail!("{ended:?}") };
        ensure!(reason.contains("progress"), "{reason}");
        let fresh = seen.iter().filter(|workload| workload.generation >= patched.generation);
        let mut count = 0;
        for workload in fresh {
            count += 1;
            ensure!(workload.rollout() != Rollout::Complete, "{workload:?}");
        }
        ensure!(count > 0, "nothing was seen of it");
        let left = self.workload().await?;
        ensure!(left.available == 1, "the old pod still serves: {left:?}");
        Ok(())
    }
}
