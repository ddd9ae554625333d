//! `capacity metrics`: whether autoscalers have metrics: the metrics server, custom and external ones.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::kube::Cluster;
use crate::platform::{Cause, PlatformError, no_cluster};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "capacity metrics",
    summary: "Metrics server and custom metrics",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G81", "G82"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

const RESOURCE: &str = "metrics.k8s.io";
const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: &str = "external.metrics.k8s.io";
/// A sample older than this is of a metrics server that has stopped to measure.
const STALE: SignedDuration = SignedDuration::from_mins(3);

/// What one cluster told.
#[derive(Default)]
struct Told {
    findings: Vec<Finding>,
    /// Names of metrics: API, metric.
    names: Vec<(&'static str, String)>,
}

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    if platform.clusters.is_empty() {
        return Ok(Report::only("metrics", no_cluster()));
    }
    let namespaces: Vec<&str> = platform.namespaces().into_iter().collect();
    let metric = platform.capacity.custom_metric.as_str();
    call.progress.total(platform.clusters.len());
    let (namespaces, progress) = (&namespaces, &call.progress);
    let asked = platform.clusters.iter().map(|cluster| async move {
        let told = one(cluster, namespaces, metric).await;
        progress.done();
        (cluster, told)
    });
    let mut report = Report::new("metrics for autoscalers");
    let mut rows: Vec<Vec<Untrusted>> = Vec::new();
    for (cluster, told) in join_all(asked).await {
        report.findings.extend(told.findings);
        let names = told.names.into_iter();
        rows.extend(names.map(|(api, name)| vec![name.into(), api.into(), cluster.name().into()]));
    }
    if !rows.is_empty() {
        report.tables.push(Table {
            title: "Metrics offered".into(),
            columns: vec!["metric", "API", "cluster"],
            rows,
            provenance: Provenance::now("list resources of the custom and external metrics APIs"),
        });
    }
    report.sort();
    Ok(report.then("Autoscalers", "capacity hpa").then("In use", "top pods").bounded())
}

async fn one(cluster: &Cluster, namespaces: &[&str], metric: &str) -> Told {
    let groups = match cluster.api_groups().await {
        Ok(groups) => groups,
        Err(error) => {
            let source = format!("list API groups of {}", cluster.name());
            let finding = error.finding(format!("cluster {}", cluster.name()), source);
            return Told { findings: vec![finding], ..Told::default() };
        }
    };
    let version = |group: &str| {
        groups.iter().find(|version| version.split('/').next() == Some(group)).map(String::as_str)
    };
    let (resource, custom, external) = futures_util::join!(
        resource(cluster, version(RESOURCE)),
        custom(cluster, version(CUSTOM), namespaces, metric),
        external(cluster, version(EXTERNAL)),
    );
    let mut told = Told { findings: resource, ..Told::default() };
    for part in [custom, external] {
        told.findings.extend(part.findings);
        told.names.extend(part.names);
    }
    told
}

/// `metrics.k8s.io`: asked for what the nodes use, which only a metrics server that works can say.
async fn resource(cluster: &Cluster, version: Option<&str>) -> Vec<Finding> {
    let subject = format!("metrics server {}", cluster.name());
    let Some(version) = version else { return vec![unregistered(subject, RESOURCE, cluster)] };
    let source = format!("{version} nodes of {}", cluster.name());
    match cluster.node_metrics().await {
        Ok(nodes) => {
            let Some(oldest) = nodes.iter().map(|node| node.at).min() else {
                return vec![Finding::new(Status::NoData, subject, "answers with no node", source)];
            };
            let age = Timestamp::now().duration_since(oldest);
            let text = format!(
                "answers: {}, the oldest sample {} old",
                human::count(nodes.len(), "node"),
                human::span(age.as_secs_f64().max(0.0))
            );
            let status = if age > STALE { Status::Warn } else { Status::Ok };
            vec![Finding::new(status, subject, text, source).at(oldest)]
        }
        Err(error) => vec![down(cluster, version, subject, &error, source).await],
    }
}

/// The guide's own question: one metric of all pods of a namespace.
async fn custom(
    cluster: &Cluster,
    version: Option<&str>,
    namespaces: &[&str],
    metric: &str,
) -> Told {
    let subject = format!("custom metrics {}", cluster.name());
    let Some(version) = version else {
        return Told { findings: vec![unregistered(subject, CUSTOM, cluster)], ..Told::default() };
    };
    let asked = namespaces.iter().map(|namespace| async move {
        (*namespace, cluster.custom_metric(version, namespace, metric).await)
    });
    let (offered, values) = futures_util::join!(cluster.api_resources(version), join_all(asked));
    let source = format!("{version} of {}", cluster.name());
    let names = match offered {
        Ok(names) => names,
        Err(error) => {
            let finding = down(cluster, version, subject, &error, source).await;
            return Told { findings: vec![finding], ..Told::default() };
        }
    };
    let mut findings = vec![Finding::new(
        Status::Ok,
        subject.as_str(),
        human::count(names.len(), "metric"),
        source,
    )];
    let mut pods = 0;
    for (namespace, answer) in &values {
        let source =
            format!("{version}/namespaces/{namespace}/pods/*/{metric} of {}", cluster.name());
        match answer {
            Ok(values) => pods += values.len(),
            Err(error) if error.cause == Cause::NotFound => {}
            Err(error) => findings.push(error.finding(format!("{metric} {namespace}"), source)),
        }
    }
    let source = format!("{version}/namespaces/*/pods/*/{metric} of {}", cluster.name());
    let subject = format!("{metric} {}", cluster.name());
    let unknown = values
        .iter()
        .all(|(_, answer)| matches!(answer, Err(error) if error.cause == Cause::NotFound));
    findings.push(match (unknown, pods) {
        (true, _) => Finding::new(Status::Absent, subject, "no such metric of pods", source)
            .hint("see [capacity] `custom_metric` and the adapter's rules"),
        (false, 0) => Finding::new(Status::NoData, subject, "no pod has a value", source),
        (false, pods) => Finding::new(
            Status::Ok,
            subject,
            format!("{} with a value", human::count(pods, "pod")),
            source,
        ),
    });
    Told { findings, names: names.into_iter().map(|name| (CUSTOM, name)).collect() }
}

async fn external(cluster: &Cluster, version: Option<&str>) -> Told {
    let subject = format!("external metrics {}", cluster.name());
    let Some(version) = version else {
        return Told {
            findings: vec![unregistered(subject, EXTERNAL, cluster)],
            ..Told::default()
        };
    };
    let source = format!("{version} of {}", cluster.name());
    match cluster.api_resources(version).await {
        Ok(names) => {
            let text = human::count(names.len(), "metric");
            let findings = vec![Finding::new(Status::Ok, subject, text, source)];
            Told { findings, names: names.into_iter().map(|name| (EXTERNAL, name)).collect() }
        }
        Err(error) => {
            let findings = vec![down(cluster, version, subject, &error, source).await];
            Told { findings, ..Told::default() }
        }
    }
}

fn unregistered(subject: String, group: &str, cluster: &Cluster) -> Finding {
    let source = format!("list API groups of {}", cluster.name());
    Finding::new(Status::Unsupported, subject, format!("{group} is not installed"), source)
}

/// An API that is registered and did not answer, with what the cluster says of who should.
async fn down(
    cluster: &Cluster,
    version: &str,
    subject: String,
    error: &PlatformError,
    source: String,
) -> Finding {
    if error.cause == Cause::Forbidden {
        return error.finding(subject, source);
    }
    let said = cluster.api_service(version).await.ok().flatten();
    let mut text = format!("registered and does not answer: {}", error.measured().raw());
    let mut hint = "look at the pods of whoever answers for it".to_owned();
    if let Some(service) = said {
        if !service.available && !service.message.is_empty() {
            text = format!("registered and does not answer: {}", service.message.raw());
        }
        hint = format!("look at the pods behind the service {}", service.service);
    }
    Finding::new(Status::Fail, subject, text, source).hint(hint)
}
