//! The table of what this API server serves, and the discovery documents made from it. Invariant: a
//! resource exists for routing, access rules and discovery alike if and only if it has a row here.

use serde_json::{Value, json};

use super::status::Refusal;

/// One row: a resource in one version of its group.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) namespaced: bool,
    pub(crate) verbs: &'static [&'static str],
    pub(crate) short: &'static [&'static str],
    pub(crate) subs: &'static [Sub],
}

/// A subresource: name, kind, and group and version where they differ from the parent's.
#[derive(Debug)]
pub(crate) struct Sub {
    pub(crate) name: &'static str,
    kind: &'static str,
    group_version: Option<(&'static str, &'static str)>,
    pub(crate) verbs: &'static [&'static str],
}

const ALL: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
const READ: &[&str] = &["get", "list"];
const CREATE: &[&str] = &["create"];

const fn status(kind: &'static str) -> Sub {
    let verbs = &["get", "patch", "update"];
    Sub { name: "status", kind, group_version: None, verbs }
}

const SCALE: Sub = Sub {
    name: "scale",
    kind: "Scale",
    group_version: Some(("autoscaling", "v1")),
    verbs: &["get", "patch", "update"],
};

const fn sub(name: &'static str, kind: &'static str, verbs: &'static [&'static str]) -> Sub {
    Sub { name, kind, group_version: None, verbs }
}

const fn row(
    group_version: (&'static str, &'static str),
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
    short: &'static [&'static str],
    subs: &'static [Sub],
) -> Resource {
    let (group, version) = group_version;
    Resource { group, version, plural, kind, namespaced, verbs: ALL, short, subs }
}

const CORE: (&str, &str) = ("", "v1");
const APPS: (&str, &str) = ("apps", "v1");
const HPA: &str = "HorizontalPodAutoscaler";
const METRICS: (&str, &str) = ("metrics.k8s.io", "v1beta1");

pub(crate) static TABLE: &[Resource] = &[
    row(CORE, "namespaces", "Namespace", false, &["ns"], &[status("Namespace")]),
    row(CORE, "nodes", "Node", false, &["no"], &[status("Node")]),
    row(
        CORE,
        "pods",
        "Pod",
        true,
        &["po"],
        &[
            status("Pod"),
            sub("log", "Pod", &["get"]),
            sub("exec", "PodExecOptions", &["create", "get"]),
            sub("proxy", "PodProxyOptions", &["get"]),
        ],
    ),
    row(
        CORE,
        "services",
        "Service",
        true,
        &["svc"],
        &[status("Service"), sub("proxy", "ServiceProxyOptions", &["get"])],
    ),
    row(CORE, "events", "Event", true, &["ev"], &[]),
    row(CORE, "secrets", "Secret", true, &[], &[]),
    row(CORE, "configmaps", "ConfigMap", true, &["cm"], &[]),
    row(APPS, "deployments", "Deployment", true, &["deploy"], &[SCALE, status("Deployment")]),
    row(APPS, "replicasets", "ReplicaSet", true, &["rs"], &[SCALE, status("ReplicaSet")]),
    row(APPS, "statefulsets", "StatefulSet", true, &["sts"], &[SCALE, status("StatefulSet")]),
    row(APPS, "daemonsets", "DaemonSet", true, &["ds"], &[status("DaemonSet")]),
    row(("autoscaling", "v2"), "horizontalpodautoscalers", HPA, true, &["hpa"], &[status(HPA)]),
    row(("autoscaling", "v1"), "horizontalpodautoscalers", HPA, true, &["hpa"], &[status(HPA)]),
    row(("batch", "v1"), "jobs", "Job", true, &[], &[status("Job")]),
    row(("networking.k8s.io", "v1"), "networkpolicies", "NetworkPolicy", true, &["netpol"], &[]),
    row(
        ("policy", "v1"),
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        true,
        &["pdb"],
        &[status("PodDisruptionBudget")],
    ),
    row(("coordination.k8s.io", "v1"), "leases", "Lease", true, &[], &[]),
    row(
        ("apiregistration.k8s.io", "v1"),
        "apiservices",
        "APIService",
        false,
        &[],
        &[status("APIService")],
    ),
    Resource {
        verbs: CREATE,
        ..row(
            ("authorization.k8s.io", "v1"),
            "selfsubjectaccessreviews",
            "SelfSubjectAccessReview",
            false,
            &[],
            &[],
        )
    },
    Resource { verbs: READ, ..row(METRICS, "nodes", "NodeMetrics", false, &[], &[]) },
    Resource { verbs: READ, ..row(METRICS, "pods", "PodMetrics", true, &[], &[]) },
];

impl Resource {
    /// `v1` or `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        group_version(self.group, self.version)
    }

    /// `pods` or `deployments.apps`.
    pub(crate) fn qualified(&self) -> String {
        dotted(self.plural, self.group)
    }

    /// `Pod` or `Deployment.apps`.
    pub(crate) fn qualified_kind(&self) -> String {
        dotted(self.kind, self.group)
    }

    pub(crate) fn is_metrics(&self) -> bool {
        self.group == METRICS.0
    }
}

fn dotted(what: &str, group: &str) -> String {
    if group.is_empty() { what.to_owned() } else { format!("{what}.{group}") }
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// The row behind `/apis/GROUP/VERSION/PLURAL`.
pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    TABLE.iter().find(|r| r.group == group && r.version == version && r.plural == plural)
}

/// The stored form of a resource: the first row of that name.
///
/// # Errors
/// The 404 of an unknown path, when no row has that name.
pub(crate) fn stored(plural: &str) -> Result<&'static Resource, Refusal> {
    TABLE.iter().find(|r| r.plural == plural).ok_or_else(Refusal::no_such_path)
}

/// `/version`, `/api`, `/apis`, `/apis/GROUP`, `/api/v1` and `/apis/GROUP/VERSION`; None elsewhere.
pub(crate) fn discovery(path: &str, server: &str) -> Option<Value> {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    match parts.as_slice() {
        ["version"] => Some(json!({
            "major": "1", "minor": "36", "gitVersion": "v1.36.2", "gitTreeState": "clean",
            "gitCommit": "", "buildDate": "2026-06-01T00:00:00Z", "goVersion": "go1.25.0",
            "compiler": "gc", "platform": "linux/amd64",
        })),
        ["api"] => Some(json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": server }],
        })),
        ["apis"] => {
            let groups: Vec<Value> = groups().iter().map(|group| api_group(group)).collect();
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["apis", group] if groups().contains(group) => {
            let mut found = api_group(group);
            found["kind"] = json!("APIGroup");
            found["apiVersion"] = json!("v1");
            Some(found)
        }
        ["api", version] => resource_list("", version),
        ["apis", group, version] => resource_list(group, version),
        _ => None,
    }
}

fn groups() -> Vec<&'static str> {
    let mut groups = Vec::new();
    for row in TABLE {
        if !row.group.is_empty() && !groups.contains(&row.group) {
            groups.push(row.group);
        }
    }
    groups
}

fn api_group(group: &str) -> Value {
    let mut versions: Vec<Value> = Vec::new();
    for row in TABLE.iter().filter(|r| r.group == group) {
        let version = json!({ "groupVersion": row.api_version(), "version": row.version });
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    json!({ "name": group, "preferredVersion": versions.first(), "versions": versions })
}

fn resource_list(group: &str, version: &str) -> Option<Value> {
    let mut resources = Vec::new();
    for row in TABLE.iter().filter(|r| r.group == group && r.version == version) {
        let mut entry = json!({
            "name": row.plural, "singularName": row.kind.to_lowercase(), "kind": row.kind,
            "namespaced": row.namespaced, "verbs": row.verbs,
        });
        if !row.short.is_empty() {
            entry["shortNames"] = json!(row.short);
        }
        if ["pods", "services", "deployments", "replicasets", "statefulsets", "daemonsets"]
            .contains(&row.plural)
            && !row.is_metrics()
        {
            entry["categories"] = json!(["all"]);
        }
        resources.push(entry);
        for sub in row.subs {
            let mut entry = json!({
                "name": format!("{}/{}", row.plural, sub.name), "singularName": "",
                "kind": sub.kind, "namespaced": row.namespaced, "verbs": sub.verbs,
            });
            if let Some((group, version)) = sub.group_version {
                entry["group"] = json!(group);
                entry["version"] = json!(version);
            }
            resources.push(entry);
        }
    }
    if resources.is_empty() {
        return None;
    }
    Some(json!({
        "kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": group_version(group, version), "resources": resources,
    }))
}
