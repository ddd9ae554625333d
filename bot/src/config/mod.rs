//! The configuration: one TOML file, typed, with unknown keys rejected.
//!
//! Invariant: a [`Config`] that exists has passed every check that needs no network. Secrets stay
//! references in it; they are resolved where they are used.

mod chat;
mod discord;
mod kubernetes;
mod outside;
mod read;
mod rules;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nova_commands::platform::config::{
    CapacityConfig, ClusterConfig, ContactsConfig, FederationConfig, FrontendConfig, NetConfig,
    PostgresConfig, PrometheusConfig, ProvidersConfig, RecoveryConfig, RedisConfig, SecurityConfig,
    ServiceConfig, guide_services,
};
use nova_commands::platform::{PlatformConfig, SecretRef, why};
use nova_permissions::Role;
use serde::Deserialize;

pub use chat::{HttpSection, PersonRow, SlackSection, roles};
pub use discord::{CommandScope, DiscordSection, IncidentRooms};
pub use read::Problem;
use read::Reader;

/// Everything that the process is told at start.
#[derive(Clone, Debug)]
pub struct Config {
    pub store: StoreSection,
    pub console: ConsoleSection,
    pub policies: Vec<PathBuf>,
    pub http: HttpSection,
    pub slack: Option<SlackSection>,
    pub discord: Option<DiscordSection>,
    pub people: Vec<PersonRow>,
    pub platform: PlatformConfig,
}

/// Where the state is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSection {
    /// `sqlite:/path/nova.db` or `postgres://user@host/database`, without a password.
    pub url: Option<String>,
    pub password: Option<SecretRef>,
    /// The key of the timeline's hash chain, kept outside the database. With SQLite it is created
    /// beside the database when it is not given.
    pub timeline_key: Option<SecretRef>,
}

/// The terminal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleSection {
    /// Roles of whoever can start nova with this configuration.
    #[serde(default = "console_roles")]
    pub roles: Vec<String>,
}

impl ConsoleSection {
    /// The roles, which loading has checked.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        roles(&self.roles)
    }
}

fn console_roles() -> Vec<String> {
    vec!["operator".to_owned()]
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsSection {
    deadline: Option<String>,
    concurrency: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionsSection {
    #[serde(default)]
    policies: Vec<PathBuf>,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration {path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Problem>),
}

/// Largest configuration file, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The process's surroundings, read once at start.
#[derive(Clone, Debug, Default)]
pub struct Environment(pub HashMap<String, String>);

impl Environment {
    /// The environment of this process. Variables that are not text are left out.
    #[must_use]
    pub fn read() -> Self {
        let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((key.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where state is kept when the configuration does not say: `$XDG_STATE_HOME/nova`.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        let base = self.get("XDG_STATE_HOME").map(PathBuf::from);
        let home = || Path::new(self.get("HOME").unwrap_or("/var/lib")).join(".local/state");
        base.unwrap_or_else(home).join("nova")
    }
}

impl Config {
    /// Reads a file. Without one, the guide's own values.
    ///
    /// # Errors
    /// Every problem of the file, each with its line.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::parse("(defaults)", "") };
        let name = path.display().to_string();
        let failed = |reason: String| ConfigError::Unreadable { path: name.clone(), reason };
        let text = read_file(path).map_err(failed)?;
        let text = String::from_utf8(text).map_err(|_| failed("not UTF-8".to_owned()))?;
        Self::parse(&name, &text)
    }

    /// Reads a configuration's text; `file` is for the messages.
    ///
    /// # Errors
    /// Every problem of the text, each with its line.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(file, text);
        let store = reader.section("store").unwrap_or(StoreSection {
            url: None,
            password: None,
            timeline_key: None,
        });
        let console =
            reader.section("console").unwrap_or(ConsoleSection { roles: console_roles() });
        let permissions: PermissionsSection = reader.section("permissions").unwrap_or_default();
        let limits: LimitsSection = reader.section("limits").unwrap_or_default();
        let postgres: Option<PostgresConfig> = reader.section("postgres");
        let redis: Option<RedisConfig> = reader.section("redis");
        let prometheus: Option<PrometheusConfig> = reader.section("prometheus");
        let federation: FederationConfig = reader.section("federation").unwrap_or_default();
        let frontend: FrontendConfig = reader.section("frontend").unwrap_or_default();
        let capacity: CapacityConfig = reader.section("capacity").unwrap_or_default();
        let net: NetConfig = reader.section("net").unwrap_or_default();
        let providers: ProvidersConfig = reader.section("providers").unwrap_or_default();
        let security: SecurityConfig = reader.section("security").unwrap_or_default();
        let recovery: RecoveryConfig = reader.section("recovery").unwrap_or_default();
        let contacts: ContactsConfig = reader.section("contacts").unwrap_or_default();
        let http: HttpSection = reader.section("http").unwrap_or_default();
        let slack: Option<SlackSection> = reader.section("slack");
        let discord: Option<DiscordSection> = reader.section("discord");
        let people: Vec<(usize, PersonRow)> = reader.rows("people").unwrap_or_default();
        let clusters: Vec<(usize, ClusterConfig)> = reader.rows("clusters").unwrap_or_default();
        let services: Option<Vec<(usize, ServiceConfig)>> = reader.rows("services");

        let limits = rules::limits(&mut reader, limits.deadline.as_deref(), limits.concurrency);
        rules::console(&mut reader, &console);
        rules::urls(&mut reader, &store, postgres.as_ref(), redis.as_ref(), prometheus.as_ref());
        rules::databases(&mut reader, postgres.as_ref(), redis.as_ref());
        rules::clusters(&mut reader, &clusters);
        kubernetes::federation(&mut reader, &federation, &clusters);
        kubernetes::frontend(&mut reader, &frontend, &clusters);
        kubernetes::capacity(&mut reader, &capacity);
        outside::net(&mut reader, &net);
        outside::providers(&mut reader, &providers, &clusters);
        outside::security(&mut reader, &security);
        outside::recovery(&mut reader, &recovery, &clusters);
        outside::contacts(&mut reader, &contacts);
        if let Some(slack) = &slack {
            chat::slack(&mut reader, slack);
        }
        if let Some(section) = &discord {
            discord::check(&mut reader, section);
        }
        chat::people(&mut reader, &people);
        if let Some(services) = &services {
            rules::services(&mut reader, services, &clusters);
        }
        let problems = reader.finish();
        if !problems.is_empty() {
            return Err(ConfigError::Wrong(problems));
        }
        Ok(Self {
            store,
            console,
            policies: permissions.policies,
            http,
            slack,
            discord,
            people: plain(people),
            platform: PlatformConfig {
                services: services.map_or_else(guide_services, plain),
                clusters: plain(clusters),
                postgres,
                redis,
                prometheus,
                federation,
                frontend,
                capacity,
                net,
                providers,
                security,
                recovery,
                contacts,
                limits,
            },
        })
    }
}

/// A file's bytes, or why they cannot be had.
///
/// # Errors
/// When it cannot be read, is no file, or is larger than a configuration can be.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let file = std::fs::File::open(path).map_err(|e| why(&e))?;
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err("not a file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|e| why(&e))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("larger than {} MiB", MAX_FILE / 1024 / 1024));
    }
    Ok(bytes)
}

/// Rows without their lines.
fn plain<T>(rows: Vec<(usize, T)>) -> Vec<T> {
    rows.into_iter().map(|(_, row)| row).collect()
}

/// `1s`, `500ms`, `2m`.
fn duration(text: &str) -> Option<Duration> {
    let parsed: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(parsed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nova_commands::platform::config::Limits;

    fn problems(text: &str) -> String {
        match Config::parse("nova.toml", text) {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_empty_file_is_the_guide() {
        let config = Config::parse("nova.toml", "").unwrap();
        let names: Vec<_> = config.platform.services.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names.len(), 7);
        assert_eq!(names[0], "api-gateway");
        assert_eq!(config.platform.limits, Limits::default());
    }

    #[test]
    fn each_problem_has_its_line_and_the_nearest_key() {
        let text = r#"
[limits]
deadline = "soon"
[redis]
url = "redis://:hunter2@localhost:6379"
[[clusters]]
name = "us-east"
contxt = "x"
[[services]]
name = "vm-service"
prot = 8081
[[services]]
name = "vm"
workload = "pod/vm"
cluster = "us-west"
[[services]]
name = "vm"
health = "health"
url = "ftp://x"
[servces]
"#;
        insta::assert_snapshot!(problems(text), @r#"
        nova.toml:2: [limits] `deadline` is a duration up to 60s, such as "1s"
        nova.toml:4: [redis] the password does not belong into `url`: use `password = { file = … }`
        nova.toml:8: unknown key `contxt`; did you mean `context`?
        nova.toml:11: unknown key `prot`; did you mean `port`?
        nova.toml:12: `vm`: no cluster `us-west` is configured
        nova.toml:12: `vm`: `workload` is deployment/NAME, statefulset/NAME or daemonset/NAME
        nova.toml:16: the service `vm` is named twice
        nova.toml:16: `vm`: the path `health` starts with a `/`
        nova.toml:16: `vm`: `url` starts with http:// or https://
        nova.toml:20: unknown key `servces`; did you mean `services`?
        "#);
    }

    #[test]
    fn limits_of_the_databases_have_units_and_bounds() {
        let text = r#"
[postgres]
url = "postgres://nova@localhost/novacron"
vms_table = "a.b.c"
vms_status = "x y"
[postgres.limits]
connections_fail = 70
replica_lag = "-3s"
[redis]
url = "redis://localhost"
limits = { latency = "0s", memory = 0 }
"#;
        insta::assert_snapshot!(problems(text), @r"
        nova.toml:2: [postgres] `vms_table` is a name, perhaps with its schema: schema.vms
        nova.toml:2: [postgres] `vms_status` is the name of a column
        nova.toml:2: [postgres] `connections_warn` is at most `connections_fail`, and that at most 100
        nova.toml:2: [postgres] `replica_lag` is longer than nothing
        nova.toml:9: [redis] `latency` is longer than nothing
        nova.toml:9: [redis] `memory` is 1 to 100 percent
        ");
        let wrong = problems("[redis]\nurl = \"redis://x\"\nlimits = { latency = \"soon\" }\n");
        assert!(wrong.starts_with("nova.toml:3: "), "{wrong}");
    }

    #[test]
    fn broken_syntax_names_the_line() {
        assert!(problems("[store]\nurl = \n").starts_with("nova.toml:2: "));
        assert_eq!(
            problems("services = 3"),
            "nova.toml:1: `services` is a list: write `[[services]]`"
        );
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("1s"), Some(Duration::from_secs(1)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("-1s"), None);
        assert_eq!(duration("soon"), None);
    }
}
