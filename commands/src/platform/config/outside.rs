//! What the diagnostics of networks, providers, security and recovery are told, and the contacts.
//!
//! The guide's values are the defaults; what the guide does not name has none.

use std::net::SocketAddr;

use jiff::SignedDuration;
use serde::Deserialize;

/// How reachability is looked at.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct NetConfig {
    /// A service's address as the pods know it, with `{service}`, `{namespace}` and `{port}`.
    pub inside: String,
    /// The service whose pods talk from cluster to cluster.
    pub federation: String,
    /// Its host in another cluster, with `{cluster}`.
    pub peer: String,
    pub peer_port: u16,
    /// A connection that takes longer is slow.
    pub slow: SignedDuration,
    /// Name servers that are asked; without any, those of the machine.
    pub nameservers: Vec<SocketAddr>,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            inside: "http://{service}.{namespace}:{port}".to_owned(),
            federation: "federation-service".to_owned(),
            peer: "federation-service.{cluster}.novacron.internal".to_owned(),
            peer_port: 8084,
            slow: SignedDuration::from_millis(100),
            nameservers: Vec::new(),
        }
    }
}

/// The cloud providers.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct ProvidersConfig {
    /// The service that knows how the providers are.
    pub service: String,
    /// Its path, with `{provider}`.
    pub health: String,
    /// Where the credentials are; without it, the first configured cluster.
    pub cluster: Option<String>,
    pub namespace: String,
    /// Credentials that were not changed for longer are old.
    pub max_age_days: u32,
    /// A certificate that ends sooner is worth a warning.
    pub expires_within_days: u32,
    /// `KIND/NAME` of the workload that has the providers' own tools.
    pub toolbox: Option<String>,
    /// How long such a tool may take.
    pub timeout: SignedDuration,
    pub aws: AwsConfig,
    pub azure: AzureConfig,
    pub gcp: GcpConfig,
}

impl Default for ProvidersConfig {
    fn default() -> Self {
        Self {
            service: "vm-service".to_owned(),
            health: "/api/v1/providers/{provider}/health".to_owned(),
            cluster: None,
            namespace: "novacron".to_owned(),
            max_age_days: 90,
            expires_within_days: 30,
            toolbox: None,
            timeout: SignedDuration::from_secs(30),
            aws: AwsConfig::default(),
            azure: AzureConfig::default(),
            gcp: GcpConfig::default(),
        }
    }
}

/// Amazon Web Services.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct AwsConfig {
    /// The Secret with its credentials.
    pub secret: String,
    pub region: String,
}

impl Default for AwsConfig {
    fn default() -> Self {
        Self { secret: "aws-credentials".to_owned(), region: "us-east-1".to_owned() }
    }
}

/// Microsoft Azure.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct AzureConfig {
    /// The Secret with its credentials.
    pub secret: String,
    pub resource_group: String,
}

impl Default for AzureConfig {
    fn default() -> Self {
        Self { secret: "azure-credentials".to_owned(), resource_group: "novacron-rg".to_owned() }
    }
}

/// Google Cloud.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct GcpConfig {
    /// The Secret with its credentials.
    pub secret: String,
}

impl Default for GcpConfig {
    fn default() -> Self {
        Self { secret: "gcp-credentials".to_owned() }
    }
}

/// Where the platform's security can be read.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityConfig {
    /// The service that people and tokens come in by.
    pub service: String,
    pub token: TokenConfig,
    pub auth_failures: AuthFailuresConfig,
    pub rate_limit: RateLimitConfig,
    pub audit: AuditConfig,
    pub access: AccessConfig,
}

impl Default for SecurityConfig {
    fn default() -> Self {
        Self {
            service: "api-gateway".to_owned(),
            token: TokenConfig::default(),
            auth_failures: AuthFailuresConfig::default(),
            rate_limit: RateLimitConfig::default(),
            audit: AuditConfig::default(),
            access: AccessConfig::default(),
        }
    }
}

/// What a token should be like.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct TokenConfig {
    /// Where the service judges a token that is sent as `Authorization: Bearer`. Empty: it is not asked.
    pub validate: String,
    /// The issuer that a token must have.
    pub issuer: Option<String>,
    /// One of its audiences must be this one.
    pub audience: Option<String>,
}

impl Default for TokenConfig {
    fn default() -> Self {
        Self { validate: "/debug/jwt/validate".to_owned(), issuer: None, audience: None }
    }
}

/// How failed logins are found.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct AuthFailuresConfig {
    /// Which log lines are failures, and who and whence in them: regular expressions; the first group
    /// is the value.
    pub pattern: String,
    pub source: String,
    pub user: String,
    /// A counter in Prometheus, where there is one.
    pub metric: Option<String>,
    /// So many an hour are a failure of their own.
    pub limit: u32,
    /// So many times as many as in the hour before are a spike.
    pub spike: u32,
}

impl Default for AuthFailuresConfig {
    fn default() -> Self {
        Self {
            pattern: "auth_failure".to_owned(),
            source: r#"(?:client_ip|remote_addr|remote_ip|source_ip|source|ip)"?\s*[=:]\s*"?([0-9A-Fa-f.:]{3,45})"#
                .to_owned(),
            user: r#"(?:user_id|username|user|sub)"?\s*[=:]\s*"?([^\s",}]{1,128})"#.to_owned(),
            metric: None,
            limit: 100,
            spike: 3,
        }
    }
}

/// Where rate limits are counted.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitConfig {
    /// Keys in Redis, with `{user}`.
    pub keys: Vec<String>,
    /// How many requests a window allows.
    pub limit: Option<u64>,
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        Self { keys: vec!["rate_limit:user:{user}".to_owned()], limit: None }
    }
}

/// Where the audit log is.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// In each pod of the service. Empty: there is none.
    pub file: String,
    /// A table of the database, where the audit log is one: `audit_logs` or `schema.audit_logs`.
    pub table: Option<String>,
    /// Its columns: what was done, by whom, when.
    pub action: String,
    pub actor: String,
    pub at: String,
    /// What is looked for.
    pub patterns: Vec<String>,
    /// Who did it in a line of the file: a regular expression; its first group is the value.
    pub user: String,
}

impl Default for AuditConfig {
    fn default() -> Self {
        let patterns = ["large_data_export", "bulk_vm_access", "privilege_escalation"];
        Self {
            file: "/var/log/audit.log".to_owned(),
            table: None,
            action: "action".to_owned(),
            actor: "user_id".to_owned(),
            at: "created_at".to_owned(),
            patterns: patterns.map(str::to_owned).into(),
            user: AuthFailuresConfig::default().user,
        }
    }
}

/// Request rates that nobody should reach.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct AccessConfig {
    /// PromQL: requests a second of each source.
    pub query: String,
    /// Requests a second.
    pub limit: f64,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self { query: "rate(http_requests_total[5m])".to_owned(), limit: 100.0 }
    }
}

/// In which order the platform is brought back, and where it can run.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct RecoveryConfig {
    pub steps: Vec<RecoveryStep>,
    /// Without any, each cluster is a region of its own name.
    pub regions: Vec<Region>,
    /// A standby that is further behind is no place to go.
    pub max_lag: SignedDuration,
}

/// One step of a recovery.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct RecoveryStep {
    pub name: String,
    /// The services that it brings back.
    #[serde(default)]
    pub services: Vec<String>,
    /// How long it may take.
    pub rto: Option<SignedDuration>,
    /// How much time's data may be lost.
    pub rpo: Option<SignedDuration>,
}

/// Clusters that fail and serve together.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Region {
    pub name: String,
    pub clusters: Vec<String>,
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        let step = |name: &str, services: &[&str], rto: Option<i64>| RecoveryStep {
            name: name.to_owned(),
            services: services.iter().map(|&service| service.to_owned()).collect(),
            rto: rto.map(SignedDuration::from_mins),
            rpo: None,
        };
        Self {
            steps: vec![
                step("Database restoration", &[], Some(15)),
                step(
                    "Core services",
                    &["vm-service", "orchestration-service", "api-gateway"],
                    None,
                ),
                step(
                    "Supporting services",
                    &["ml-service", "federation-service", "backup-service"],
                    None,
                ),
                step("Frontend and monitoring", &["monitoring"], None),
            ],
            regions: Vec::new(),
            max_lag: SignedDuration::from_secs(30),
        }
    }
}

/// Who to call, and where to look.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct ContactsConfig {
    /// Worst first.
    pub severities: Vec<Escalation>,
    pub links: Vec<Contact>,
    pub emergency: Vec<Contact>,
    pub vendors: Vec<Contact>,
}

/// Who answers for one severity.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    pub severity: String,
    /// Within this time somebody answers.
    pub response: SignedDuration,
    pub primary: String,
    pub secondary: String,
}

/// A name, and how it is reached.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    pub name: String,
    /// A number, an address, a link.
    pub reach: String,
}

impl Default for ContactsConfig {
    fn default() -> Self {
        let row = |severity: &str, minutes, primary: &str, secondary: &str| Escalation {
            severity: severity.to_owned(),
            response: SignedDuration::from_mins(minutes),
            primary: primary.to_owned(),
            secondary: secondary.to_owned(),
        };
        Self {
            severities: vec![
                row("critical", 15, "On-call engineer", "Engineering lead"),
                row("high", 120, "Platform team", "DevOps engineer"),
                row("medium", 480, "Support team", "Product owner"),
                row("low", 1440, "Support queue", "Documentation team"),
            ],
            links: contacts(&[
                ("Status page", "https://status.novacron.io"),
                ("Grafana", "https://monitoring.novacron.internal/grafana"),
                ("Alertmanager", "https://alerts.novacron.internal/alertmanager"),
                ("Runbooks", "https://github.com/novacron/runbooks"),
                ("Monitoring", "https://monitoring.novacron.internal"),
                ("Logs", "https://logs.novacron.internal"),
            ]),
            emergency: contacts(&[
                ("On-call engineer", "+1-555-ONCALL (24/7)"),
                ("Engineering manager", "engineering-manager@novacron.com"),
                ("Site reliability", "sre-team@novacron.com"),
                ("Security team", "security@novacron.com"),
            ]),
            vendors: contacts(&[
                ("AWS", "case creation via AWS Console"),
                ("Azure", "case creation via Azure Portal"),
                ("GCP", "case creation via Google Cloud Console"),
                ("Kubernetes", "community Slack #kubernetes-users"),
            ]),
        }
    }
}

fn contacts(rows: &[(&str, &str)]) -> Vec<Contact> {
    let contact =
        |&(name, reach): &(&str, &str)| Contact { name: name.to_owned(), reach: reach.to_owned() };
    rows.iter().map(contact).collect()
}
