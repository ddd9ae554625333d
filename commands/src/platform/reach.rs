//! Whether each configured dependency can be reached and used at all: what `nova check` asks.

use std::collections::BTreeSet;

use futures_util::future::{BoxFuture, join_all};

use super::kube::Cluster;
use super::{Optional, Platform, PlatformError};
use crate::report::{Finding, Status};

/// What nova reads from a cluster: group, resource, and whether it is in a namespace. A right to nodes
/// that a namespace grants is none.
const READ: &[(&str, &str, bool)] = &[
    ("", "pods", true),
    ("", "nodes", false),
    ("apps", "deployments", true),
    ("apps", "statefulsets", true),
    ("apps", "daemonsets", true),
    ("autoscaling", "horizontalpodautoscalers", true),
];

/// One finding for each dependency and each service, all asked at once.
pub async fn check(platform: &Platform) -> Vec<Finding> {
    let mut asked: Vec<BoxFuture<'_, Finding>> = Vec::new();
    asked.push(Box::pin(dependency("PostgreSQL", &platform.postgres, async |client| {
        client.status().await.map(|status| (status.version, client.target()))
    })));
    asked.push(Box::pin(dependency("Redis", &platform.redis, async |client| {
        client.info().await.map(|info| (info.version, client.target()))
    })));
    asked.push(Box::pin(dependency("Prometheus", &platform.prometheus, async |client| {
        client.ready().await.map(|()| ("ready".to_owned(), client.target()))
    })));
    for cluster in &platform.clusters {
        asked.push(Box::pin(one_cluster(cluster, platform)));
    }
    for service in platform.services.iter().filter(|service| !service.health.is_empty()) {
        asked.push(Box::pin(async move {
            let name = format!("service {}", service.name);
            let Some(base) = service.base_url() else {
                return Finding::new(
                    Status::Unsupported,
                    name,
                    "no address configured",
                    "configuration",
                );
            };
            let url = format!("{base}{}", service.health);
            match platform.http.get(&url, None).await {
                Ok(answer) => {
                    let status = match answer.status {
                        404 => Status::Unsupported,
                        500.. => Status::Warn,
                        _ => Status::Ok,
                    };
                    Finding::new(status, name, format!("answers {}", answer.status), url)
                }
                Err(error) => error.finding(name, url),
            }
        }));
    }
    join_all(asked).await
}

async fn dependency<T>(
    name: &'static str,
    client: &Optional<T>,
    ask: impl AsyncFnOnce(&T) -> Result<(String, String), PlatformError>,
) -> Finding {
    match client {
        None => Finding::new(Status::Unsupported, name, "not configured", "configuration"),
        Some(Err(error)) => error.finding(name, "configuration"),
        Some(Ok(client)) => match ask(client).await {
            Ok((measured, target)) => Finding::new(Status::Ok, name, measured, target),
            Err(error) => error.finding(name, error.target.clone()),
        },
    }
}

async fn one_cluster(cluster: &Cluster, platform: &Platform) -> Finding {
    let name = format!("cluster {}", cluster.name());
    let source = format!("version and access reviews of {}", cluster.name());
    let version = match cluster.version().await {
        Ok(version) => version,
        Err(error) => return error.finding(name, source),
    };
    let namespaces: BTreeSet<&str> =
        platform.services.iter().map(|service| service.namespace.as_str()).collect();
    let mut lacking = BTreeSet::new();
    for (group, resource, namespaced) in READ {
        let places = if *namespaced { namespaces.clone() } else { BTreeSet::from([""]) };
        for place in places {
            match cluster.can_i("list", group, resource, place).await {
                Ok(true) => {}
                Ok(false) => drop(lacking.insert(*resource)),
                Err(error) => return error.finding(name, source),
            }
        }
    }
    if lacking.is_empty() {
        return Finding::new(Status::Ok, name, version, source);
    }
    let lacking: Vec<&str> = lacking.into_iter().collect();
    let measured = format!("{version}, but may not list {}", lacking.join(", "));
    Finding::new(Status::Warn, name, measured, source).hint("grant nova a role that may list them")
}
