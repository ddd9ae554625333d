//! The sections `[postgres]` and `[redis]`: where they are, and from where on a number is a worry.
//!
//! The guide gives the defaults where it names a number; the rest are what its own commands imply.

use jiff::SignedDuration;
use serde::Deserialize;

use super::SecretRef;

/// The platform's PostgreSQL.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// `postgres://user@host:port/database?sslmode=…`, without a password.
    pub url: String,
    pub password: Option<SecretRef>,
    /// The table of virtual machines, perhaps `schema.table`.
    #[serde(default = "vms_table")]
    pub vms_table: String,
    /// Its column with the status. `None`: `status`, or `state` where there is no such column.
    pub vms_status: Option<String>,
    #[serde(default)]
    pub limits: PostgresLimits,
}

/// From where on a number of PostgreSQL is a worry.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresLimits {
    /// Percent of the connections that are not reserved: a warning from here on.
    pub connections_warn: u64,
    /// Percent of the connections that are not reserved: a failure from here on.
    pub connections_fail: u64,
    /// A statement that has run for so long.
    pub long_statement: SignedDuration,
    /// A transaction that has done nothing for so long. The guide ends idle ones after 5 minutes.
    pub idle_in_transaction: SignedDuration,
    /// A statement's mean time; the guide's 1 s for a whole request.
    pub slow_statement: SignedDuration,
    /// Rows that one call returns; the guide's 1,000.
    pub many_rows: u32,
    /// How far a replica may be behind.
    pub replica_lag: SignedDuration,
}

impl Default for PostgresLimits {
    fn default() -> Self {
        Self {
            connections_warn: 80,
            connections_fail: 95,
            long_statement: SignedDuration::from_secs(60),
            idle_in_transaction: SignedDuration::from_secs(300),
            slow_statement: SignedDuration::from_secs(1),
            many_rows: 1_000,
            replica_lag: SignedDuration::from_secs(10),
        }
    }
}

/// The guide's table.
fn vms_table() -> String {
    "vms".to_owned()
}

impl PostgresConfig {
    /// A server without password, with the guide's table and limits.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            password: None,
            vms_table: vms_table(),
            vms_status: None,
            limits: PostgresLimits::default(),
        }
    }
}

/// The platform's Redis.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://host:port/db` (`rediss://` for TLS), without a password.
    pub url: String,
    pub username: Option<String>,
    pub password: Option<SecretRef>,
    #[serde(default)]
    pub limits: RedisLimits,
}

/// From where on a number of Redis is a worry.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct RedisLimits {
    /// The slowest percent of PINGs takes so long.
    pub latency: SignedDuration,
    /// Percent of `maxmemory`.
    pub memory: u64,
}

impl Default for RedisLimits {
    fn default() -> Self {
        Self { latency: SignedDuration::from_millis(10), memory: 90 }
    }
}

impl RedisConfig {
    /// A server without user and password, with the default limits.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), username: None, password: None, limits: RedisLimits::default() }
    }
}
