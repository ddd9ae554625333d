//! What [federation], [frontend] and [capacity] must hold to beyond their types.

use nova_commands::command::nearest;
use nova_commands::platform::config::{
    CapacityConfig, ClusterConfig, FederationConfig, FrontendConfig,
};
use nova_commands::platform::kube::Filter;
use nova_commands::platform::workload;

use super::read::Reader;
use super::rules::has_password;

type Clusters = [(usize, ClusterConfig)];

pub(super) fn federation(reader: &mut Reader<'_>, config: &FederationConfig, clusters: &Clusters) {
    const SECTION: &str = "federation";
    for name in config.clusters.iter().flatten() {
        cluster(reader, SECTION, name, clusters);
    }
    for url in config.urls.values() {
        address(reader, SECTION, "urls", url, ["http://", "https://"]);
    }
    for (key, path) in [("status_path", &config.status_path), ("peers_path", &config.peers_path)] {
        if !path.starts_with('/') {
            reader.about(SECTION, format!("`{key}` starts with a `/`"));
        }
    }
}

pub(super) fn frontend(reader: &mut Reader<'_>, config: &FrontendConfig, clusters: &Clusters) {
    const SECTION: &str = "frontend";
    if let Some(name) = &config.cluster {
        cluster(reader, SECTION, name, clusters);
    }
    if workload(&config.workload).is_none_or(|(_, name)| name.is_empty()) {
        let rule = "`workload` is deployment/NAME, statefulset/NAME or daemonset/NAME";
        reader.about(SECTION, rule);
    }
    address(reader, SECTION, "health", &config.health, ["http://", "https://"]);
    address(reader, SECTION, "websocket", &config.websocket, ["ws://", "wss://"]);
    if let Err(why) = Filter::new(&config.errors) {
        reader.about(SECTION, format!("`errors`: {why}"));
    }
}

pub(super) fn capacity(reader: &mut Reader<'_>, config: &CapacityConfig) {
    const SECTION: &str = "capacity";
    if config.requests_per_replica == 0 {
        reader.about(SECTION, "`requests_per_replica` is at least 1");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    if config.custom_metric.is_empty() || !config.custom_metric.chars().all(plain) {
        reader.about(SECTION, "`custom_metric` is the name of a metric");
    }
}

fn cluster(reader: &mut Reader<'_>, section: &'static str, name: &str, clusters: &Clusters) {
    let names = || clusters.iter().map(|(_, cluster)| cluster.name.as_str());
    if !names().any(|known| known == name) {
        let near = nearest(name, names());
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        reader.about(section, format!("no cluster `{name}` is configured{near}"));
    }
}

/// An empty address stands for "not asked".
fn address(
    reader: &mut Reader<'_>,
    section: &'static str,
    key: &str,
    url: &str,
    schemes: [&str; 2],
) {
    if !url.is_empty() && !schemes.iter().any(|scheme| url.starts_with(scheme)) {
        reader.about(section, format!("`{key}` starts with {}", schemes.join(" or ")));
    }
    if has_password(url) {
        reader.about(section, format!("a password does not belong into `{key}`"));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn what_cannot_be_asked_is_said_at_the_start() {
        let text = r#"
[[clusters]]
name = "us-east"
[federation]
clusters = ["us-esat"]
status_path = "raft"
urls = { us-east = "ftp://x" }
[frontend]
workload = "novacron-frontend"
websocket = "http://x"
errors = "("
[capacity]
requests_per_replica = 0
custom_metric = "../x"
"#;
        let Err(wrong) = Config::parse("nova.toml", text) else { panic!("it is all wrong") };
        insta::assert_snapshot!(wrong, @r"
        nova.toml:4: [federation] no cluster `us-esat` is configured; did you mean `us-east`?
        nova.toml:4: [federation] `urls` starts with http:// or https://
        nova.toml:4: [federation] `status_path` starts with a `/`
        nova.toml:8: [frontend] `workload` is deployment/NAME, statefulset/NAME or daemonset/NAME
        nova.toml:8: [frontend] `websocket` starts with ws:// or wss://
        nova.toml:8: [frontend] `errors`: unclosed group
        nova.toml:12: [capacity] `requests_per_replica` is at least 1
        nova.toml:12: [capacity] `custom_metric` is the name of a metric
        ");
    }
}
