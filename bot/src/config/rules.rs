//! What a configuration must hold to beyond its types. Each rule complains to the reader and goes on.

use std::collections::HashSet;
use std::time::Duration;

use nova_commands::command::nearest;
use nova_commands::platform::config::{
    ClusterConfig, Limits, PostgresConfig, PrometheusConfig, RedisConfig, ServiceConfig,
};

use super::read::Reader;
use super::{ConsoleSection, StoreSection, chat, duration};

/// Longest deadline of one call: a person is waiting.
const MAX_DEADLINE: Duration = Duration::from_secs(60);
/// Most calls at once, far below what a process may have open.
const MAX_CONCURRENCY: usize = 4_096;

pub(super) fn limits(
    reader: &mut Reader<'_>,
    deadline: Option<&str>,
    concurrency: Option<usize>,
) -> Limits {
    let mut limits = Limits::default();
    if let Some(text) = deadline {
        match duration(text) {
            Some(d) if !d.is_zero() && d <= MAX_DEADLINE => limits.deadline = d,
            _ => reader.about("limits", "`deadline` is a duration up to 60s, such as \"1s\""),
        }
    }
    match concurrency {
        None => {}
        Some(n) if (1..=MAX_CONCURRENCY).contains(&n) => limits.concurrency = n,
        Some(_) => reader.about("limits", format!("`concurrency` is 1 to {MAX_CONCURRENCY}")),
    }
    limits
}

pub(super) fn console(reader: &mut Reader<'_>, console: &ConsoleSection) {
    if let Some(wrong) = chat::unknown_role(&console.roles) {
        reader.about("console", wrong);
    }
}

pub(super) fn urls(
    reader: &mut Reader<'_>,
    store: &StoreSection,
    postgres: Option<&PostgresConfig>,
    redis: Option<&RedisConfig>,
    prometheus: Option<&PrometheusConfig>,
) {
    let rows: [(&'static str, Option<&str>, &[&str]); 4] = [
        ("store", store.url.as_deref(), &["sqlite:", "postgres://", "postgresql://"]),
        ("postgres", postgres.map(|c| c.url.as_str()), &["postgres://", "postgresql://"]),
        ("redis", redis.map(|c| c.url.as_str()), &["redis://", "rediss://", "unix://"]),
        ("prometheus", prometheus.map(|c| c.url.as_str()), &["http://", "https://"]),
    ];
    for (section, url, schemes) in rows {
        let Some(url) = url else { continue };
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            reader.about(section, format!("`url` starts with {}", schemes.join(" or ")));
        }
        if has_password(url) {
            let advice = "the password does not belong into `url`: use `password = { file = … }`";
            reader.about(section, advice);
        }
    }
    if store.url.as_deref().is_some_and(|url| url.starts_with("postgres"))
        && store.timeline_key.is_none()
    {
        reader.about("store", "with PostgreSQL, `timeline_key = { file = … }` is needed");
    }
}

/// Names and limits of the databases.
pub(super) fn databases(
    reader: &mut Reader<'_>,
    postgres: Option<&PostgresConfig>,
    redis: Option<&RedisConfig>,
) {
    if let Some(PostgresConfig { vms_table, vms_status, limits, .. }) = postgres {
        if !vms_table.split('.').all(is_name) || vms_table.split('.').count() > 2 {
            reader.about("postgres", "`vms_table` is a name, perhaps with its schema: schema.vms");
        }
        if vms_status.as_ref().is_some_and(|column| !is_name(column)) {
            reader.about("postgres", "`vms_status` is the name of a column");
        }
        if limits.connections_warn > limits.connections_fail || limits.connections_fail > 100 {
            let wrong = "`connections_warn` is at most `connections_fail`, and that at most 100";
            reader.about("postgres", wrong);
        }
        let durations = [
            ("long_statement", limits.long_statement),
            ("idle_in_transaction", limits.idle_in_transaction),
            ("slow_statement", limits.slow_statement),
            ("replica_lag", limits.replica_lag),
        ];
        for (name, _) in durations.iter().filter(|(_, duration)| !duration.is_positive()) {
            reader.about("postgres", format!("`{name}` is longer than nothing"));
        }
    }
    if let Some(RedisConfig { limits, .. }) = redis {
        if !limits.latency.is_positive() {
            reader.about("redis", "`latency` is longer than nothing");
        }
        if !(1..=100).contains(&limits.memory) {
            reader.about("redis", "`memory` is 1 to 100 percent");
        }
    }
}

/// A name that SQL takes without quotes.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'$'))
}

pub(super) fn clusters(reader: &mut Reader<'_>, clusters: &[(usize, ClusterConfig)]) {
    let mut seen = HashSet::new();
    for (line, cluster) in clusters {
        if cluster.name.is_empty() {
            reader.complain(*line, "a cluster needs a name");
        } else if !seen.insert(&cluster.name) {
            reader.complain(*line, format!("the cluster `{}` is named twice", cluster.name));
        }
    }
}

pub(super) fn services(
    reader: &mut Reader<'_>,
    services: &[(usize, ServiceConfig)],
    clusters: &[(usize, ClusterConfig)],
) {
    let mut seen = HashSet::new();
    for (line, service) in services {
        let mut complain = |text: String| reader.complain(*line, text);
        let name = &service.name;
        if name.is_empty() || name.len() > 63 || name.contains(char::is_whitespace) {
            complain("a service's name has 1 to 63 characters and no spaces".to_owned());
        } else if !seen.insert(name) {
            complain(format!("the service `{name}` is named twice"));
        }
        if let Some(cluster) = &service.cluster
            && !clusters.iter().any(|(_, c)| c.name == *cluster)
        {
            let near = nearest(cluster, clusters.iter().map(|(_, c)| c.name.as_str()));
            let near = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
            complain(format!("`{name}`: no cluster `{cluster}` is configured{near}"));
        }
        if let Some(workload) = &service.workload {
            let (kind, rest) = workload.split_once('/').unwrap_or((workload, ""));
            if !matches!(kind, "deployment" | "statefulset" | "daemonset") || rest.is_empty() {
                complain(format!(
                    "`{name}`: `workload` is deployment/NAME, statefulset/NAME or daemonset/NAME"
                ));
            }
        }
        for path in [Some(&service.health), service.ready.as_ref()].into_iter().flatten() {
            if !path.is_empty() && !path.starts_with('/') {
                complain(format!("`{name}`: the path `{path}` starts with a `/`"));
            }
        }
        if let Some(url) = &service.url {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                complain(format!("`{name}`: `url` starts with http:// or https://"));
            }
            if has_password(url) {
                complain(format!("`{name}`: a password does not belong into `url`"));
            }
        }
    }
}

/// `scheme://user:password@host`.
pub(super) fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else { return false };
    user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
}
