//! What [net], [providers], [security], [recovery] and [contacts] must hold to beyond their types.
//!
//! What becomes part of a command, a path, a query or a pattern is checked here, so that nothing else has
//! to be.

use nova_commands::command::nearest;
use nova_commands::platform::config::{
    ClusterConfig, ContactsConfig, NetConfig, ProvidersConfig, RecoveryConfig, SecurityConfig,
};
use nova_commands::platform::dns::is_name;
use nova_commands::platform::workload;
use regex::Regex;

use super::read::Reader;

type Clusters = [(usize, ClusterConfig)];

pub(super) fn net(reader: &mut Reader<'_>, config: &NetConfig) {
    const SECTION: &str = "net";
    let starts = ["http://"].iter().any(|scheme| config.inside.starts_with(scheme));
    if !starts || !config.inside.contains("{service}") {
        reader.about(SECTION, "`inside` is an http:// address with {service} in it");
    }
    let host = config.peer.replace("{cluster}", "x");
    if host == config.peer || !is_name(&host) {
        reader.about(SECTION, "`peer` is a host's name with {cluster} in it");
    }
    if !config.slow.is_positive() {
        reader.about(SECTION, "`slow` is a duration, such as \"100ms\"");
    }
}

pub(super) fn providers(reader: &mut Reader<'_>, config: &ProvidersConfig, clusters: &Clusters) {
    const SECTION: &str = "providers";
    path(reader, SECTION, "health", &config.health);
    if !config.health.contains("{provider}") {
        reader.about(SECTION, "`health` has {provider} in it");
    }
    if let Some(name) = &config.cluster {
        cluster(reader, SECTION, name, clusters);
    }
    let toolbox = config.toolbox.as_deref().map(workload);
    if toolbox.is_some_and(|place| place.is_none_or(|(_, name)| !is_object(name))) {
        let rule = "`toolbox` is deployment/NAME, statefulset/NAME or daemonset/NAME";
        reader.about(SECTION, rule);
    }
    if !config.timeout.is_positive() || config.timeout.as_secs() > 120 {
        reader.about(SECTION, "`timeout` is a duration up to 2m, such as \"30s\"");
    }
    let names = [
        ("namespace", &config.namespace),
        ("aws.secret", &config.aws.secret),
        ("azure.secret", &config.azure.secret),
        ("gcp.secret", &config.gcp.secret),
    ];
    for (key, name) in names {
        if !is_object(name) {
            reader.about(SECTION, format!("`{key}` is the name of a Kubernetes object"));
        }
    }
    // They are arguments of the providers' tools.
    let words = [
        ("aws.region", &config.aws.region),
        ("azure.resource_group", &config.azure.resource_group),
    ];
    for (key, word) in words {
        if !is_word(word) {
            reader.about(SECTION, format!("`{key}` has letters, digits, `-`, `_` and dots"));
        }
    }
}

pub(super) fn security(reader: &mut Reader<'_>, config: &SecurityConfig) {
    const SECTION: &str = "security";
    if !config.token.validate.is_empty() {
        path(reader, SECTION, "token.validate", &config.token.validate);
    }
    if !config.audit.file.is_empty() {
        path(reader, SECTION, "audit.file", &config.audit.file);
    }
    let failures = &config.auth_failures;
    let mut patterns = vec![
        ("auth_failures.pattern", &failures.pattern),
        ("auth_failures.source", &failures.source),
        ("auth_failures.user", &failures.user),
        ("audit.user", &config.audit.user),
    ];
    patterns.extend(config.audit.patterns.iter().map(|pattern| ("audit.patterns", pattern)));
    for (key, pattern) in patterns {
        if pattern.is_empty() || Regex::new(pattern).is_err() {
            reader.about(SECTION, format!("`{key}`: `{pattern}` is no regular expression"));
        }
    }
    let groups = [
        ("auth_failures.source", &failures.source),
        ("auth_failures.user", &failures.user),
        ("audit.user", &config.audit.user),
    ];
    for (key, pattern) in groups {
        if Regex::new(pattern).is_ok_and(|regex| regex.captures_len() < 2) {
            reader.about(SECTION, format!("`{key}` marks the value by a group, `(…)`"));
        }
    }
    let metric = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        name.chars().all(plain) && name.starts_with(|c: char| !c.is_ascii_digit())
    };
    if failures.metric.as_deref().is_some_and(|name| !metric(name)) {
        reader.about(SECTION, "`auth_failures.metric` is the name of a counter");
    }
    if failures.limit == 0 || failures.spike < 2 {
        reader.about(SECTION, "`auth_failures`: `limit` is at least 1, `spike` at least 2");
    }
    if config.rate_limit.keys.is_empty() || config.rate_limit.keys.len() > 10 {
        reader.about(SECTION, "`rate_limit.keys` are 1 to 10");
    }
    if config.rate_limit.keys.iter().any(|key| !key.contains("{user}")) {
        reader.about(SECTION, "`rate_limit.keys` have {user} in them");
    }
    let audit = &config.audit;
    let columns = [&audit.action, &audit.actor, &audit.at];
    let table = audit
        .table
        .as_deref()
        .is_none_or(|t| t.split('.').all(is_sql) && t.matches('.').count() < 2);
    if !table || !columns.iter().all(|column| is_sql(column)) {
        reader.about(SECTION, "`audit`: the table and its columns are plain names");
    }
    if !(config.access.limit > 0.0 && config.access.limit.is_finite()) {
        reader.about(SECTION, "`access.limit` is in requests a second, above 0");
    }
}

pub(super) fn recovery(reader: &mut Reader<'_>, config: &RecoveryConfig, clusters: &Clusters) {
    const SECTION: &str = "recovery";
    for step in &config.steps {
        let times = [step.rto, step.rpo];
        if step.name.is_empty() || times.into_iter().flatten().any(|time| !time.is_positive()) {
            reader.about(SECTION, "a step has a name, and its times are longer than nothing");
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for region in &config.regions {
        if !is_word(&region.name)
            || region.clusters.is_empty()
            || seen.contains(&region.name.as_str())
        {
            reader.about(SECTION, "a region has a name of its own and at least one cluster");
        }
        seen.push(&region.name);
        for name in &region.clusters {
            cluster(reader, SECTION, name, clusters);
        }
    }
    if !config.max_lag.is_positive() {
        reader.about(SECTION, "`max_lag` is a duration, such as \"30s\"");
    }
}

pub(super) fn contacts(reader: &mut Reader<'_>, config: &ContactsConfig) {
    let severities = ["critical", "high", "medium", "low"];
    for row in &config.severities {
        if !severities.contains(&row.severity.as_str()) || !row.response.is_positive() {
            let rule =
                "`severities`: critical, high, medium or low, and a time longer than nothing";
            reader.about("contacts", rule);
        }
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

fn path(reader: &mut Reader<'_>, section: &'static str, key: &str, path: &str) {
    if !path.starts_with('/') || path.contains(char::is_whitespace) {
        reader.about(section, format!("`{key}` starts with a `/` and has no spaces"));
    }
}

/// A DNS subdomain, as most Kubernetes objects are named.
fn is_object(name: &str) -> bool {
    is_name(name) && !name.contains('_') && name.chars().all(|c| !c.is_ascii_uppercase())
}

fn is_word(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=90).contains(&word.len()) && word.chars().all(plain) && !word.starts_with('-')
}

/// A name that SQL takes without quotes.
fn is_sql(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=63).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn what_would_reach_a_command_or_a_query_is_checked_at_the_start() {
        let text = r#"
[[clusters]]
name = "us-east"
[net]
inside = "ftp://x"
peer = "federation novacron"
nameservers = ["10.96.0.10:53"]
[providers]
cluster = "us-esat"
health = "health"
toolbox = "toolbox; rm -rf /"
namespace = "Nova Cron"
aws = { region = "us-east-1 --debug" }
[security.auth_failures]
pattern = "("
user = "user"
metric = "a)+(b"
[security.audit]
table = "audit; DROP TABLE vms"
[security.rate_limit]
keys = ["rate_limit"]
[recovery]
regions = [{ name = "east", clusters = [] }, { name = "west", clusters = ["us-west"] }]
[contacts]
severities = [{ severity = "P1", response = "15m", primary = "a", secondary = "b" }]
"#;
        let Err(wrong) = Config::parse("nova.toml", text) else { panic!("it is all wrong") };
        insta::assert_snapshot!(wrong, @r"
        nova.toml:4: [net] `inside` is an http:// address with {service} in it
        nova.toml:4: [net] `peer` is a host's name with {cluster} in it
        nova.toml:8: [providers] `health` starts with a `/` and has no spaces
        nova.toml:8: [providers] `health` has {provider} in it
        nova.toml:8: [providers] no cluster `us-esat` is configured; did you mean `us-east`?
        nova.toml:8: [providers] `toolbox` is deployment/NAME, statefulset/NAME or daemonset/NAME
        nova.toml:8: [providers] `namespace` is the name of a Kubernetes object
        nova.toml:8: [providers] `aws.region` has letters, digits, `-`, `_` and dots
        nova.toml:14: [security] `auth_failures.pattern`: `(` is no regular expression
        nova.toml:14: [security] `auth_failures.user` marks the value by a group, `(…)`
        nova.toml:14: [security] `auth_failures.metric` is the name of a counter
        nova.toml:14: [security] `rate_limit.keys` have {user} in them
        nova.toml:14: [security] `audit`: the table and its columns are plain names
        nova.toml:22: [recovery] a region has a name of its own and at least one cluster
        nova.toml:22: [recovery] no cluster `us-west` is configured; did you mean `us-east`?
        nova.toml:24: [contacts] `severities`: critical, high, medium or low, and a time longer than nothing
        ");
    }
}
