//! The platform's PostgreSQL: read-only questions, one connection each.
//!
//! Every question works through a connection pooler in transaction mode: nothing is set for a session,
//! no statement is prepared by name, and nothing is asked for in the login that a pooler refuses.

mod connections;
mod server;
mod sessions;
mod shape;
mod statements;
mod tables;

pub use connections::Connections;
pub use server::{Database, Follower, Primary, Replica, Server, Slot, Standby};
pub use sessions::{Client, Session, Sessions};
pub use statements::{Statement, Statements};
pub use tables::{ScannedTable, Sound, VmCounts};

mod audit;
mod lag;

pub use audit::AuditRow;
pub use lag::Lag;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, Row, SqlSafeStr, ValueRef};
use tokio::sync::Semaphore;

use super::config::{Limits, PostgresConfig, PostgresLimits};
use super::error::KEPT;
use super::{Cause, PlatformError, transport};

/// Connections at once: the bot must not be what exhausts them.
const CONCURRENCY: usize = 3;

/// A PostgreSQL server. Cheap to clone; connects for each question.
#[derive(Clone)]
pub struct Postgres {
    config: PostgresConfig,
    options: PgConnectOptions,
    permits: Arc<Semaphore>,
    deadline: Duration,
}

/// How the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgStatus {
    /// Such as `PostgreSQL 15.8`.
    pub version: String,
    /// A standby that replays.
    pub in_recovery: bool,
    /// Client connections now.
    pub connections: i64,
    /// Those that run something. `None`: our account may not see other people's.
    pub active: Option<i64>,
    /// `max_connections`.
    pub max: i64,
}

impl Postgres {
    /// A client. Opens nothing.
    ///
    /// # Errors
    /// When the URL is not one.
    pub fn new(
        config: &PostgresConfig,
        password: Option<SecretString>,
        limits: Limits,
    ) -> Result<Self, PlatformError> {
        let unusable = || {
            PlatformError::new("PostgreSQL", Cause::Misconfigured)
                .detail("`url` is not a PostgreSQL URL")
        };
        let mut options = PgConnectOptions::from_str(&config.url).map_err(|_| unusable())?;
        if let Some(password) = password {
            options = options.password(password.expose_secret());
        }
        // A pooler refuses a login with `extra_float_digits`.
        let options =
            options.application_name("nova").extra_float_digits(None).disable_statement_logging();
        let permits = Arc::new(Semaphore::new(CONCURRENCY));
        Ok(Self { config: config.clone(), options, permits, deadline: limits.deadline })
    }

    /// Where it is, for provenance.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{}:{}", self.options.get_host(), self.options.get_port())
    }

    /// From where on its numbers are a worry.
    #[must_use]
    pub fn limits(&self) -> &PostgresLimits {
        &self.config.limits
    }

    /// Version, role and connections.
    ///
    /// # Errors
    /// When it cannot be reached, refuses the login, or has no connection left.
    pub async fn status(&self) -> Result<PgStatus, PlatformError> {
        const QUERY: &str = "
            SELECT current_setting('server_version') AS version,
                   pg_is_in_recovery() AS in_recovery,
                   (SELECT coalesce(sum(numbackends), 0)::bigint FROM pg_stat_database) AS connections,
                   (SELECT count(*) FROM pg_stat_activity
                     WHERE state = 'active' AND pid <> pg_backend_pid()) AS active,
                   pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
                   current_setting('max_connections')::bigint AS max";
        self.ask(async |connection| {
            let row = query(QUERY).fetch_one(connection).await?;
            let version: String = row.try_get("version")?;
            let number = version.split(' ').next().unwrap_or_default();
            let sees_all: bool = row.try_get("sees_all")?;
            let active: i64 = row.try_get("active")?;
            Ok(PgStatus {
                version: format!("PostgreSQL {number}"),
                in_recovery: row.try_get("in_recovery")?,
                connections: row.try_get("connections")?,
                active: sees_all.then_some(active),
                max: row.try_get("max")?,
            })
        })
        .await
    }

    /// One question on a connection of its own, within the deadline.
    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Result<T, PlatformError> {
        let target = format!("PostgreSQL {}", self.target());
        let asked = async {
            let _place = self.permits.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
            let mut connection = PgConnection::connect_with(&self.options).await?;
            // Set in the transaction and not in the login, where a connection pooler refuses it.
            let mut transaction = connection.begin_with("BEGIN READ ONLY").await?;
            query("SELECT set_config('statement_timeout', $1, true) /* nova */")
                .bind(self.deadline.as_millis().to_string())
                .execute(&mut *transaction)
                .await?;
            let answer = question(&mut transaction).await?;
            transaction.rollback().await?;
            // The answer is there; a goodbye that fails changes nothing.
            drop(connection.close().await);
            Ok(answer)
        };
        match tokio::time::timeout(self.deadline, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(classify(target, &error)),
            Err(_) => Err(PlatformError::new(target, Cause::Timeout(self.deadline))),
        }
    }
}

/// A query that is not prepared by name: the next client of a pooler's connection would find it there.
fn query<'q>(sql: impl SqlSafeStr) -> Query<'q, sqlx::Postgres, PgArguments> {
    sqlx::query(sql).persistent(false)
}

/// A text column; a database may hold bytes that are no UTF-8. NULL is `None`.
fn text(row: &PgRow, column: &str) -> sqlx::Result<Option<String>> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(None);
    }
    let bytes = value.as_bytes().map_err(sqlx::Error::Decode)?;
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// A count, which the database gives with a sign.
fn count(row: &PgRow, column: &str) -> sqlx::Result<u64> {
    let number: Option<i64> = row.try_get(column)?;
    Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default())
}

fn classify(target: String, error: &sqlx::Error) -> PlatformError {
    let sqlx::Error::Database(refused) = error else {
        let cause = match error {
            sqlx::Error::Tls(_) => Cause::Tls,
            sqlx::Error::Configuration(_) => Cause::Misconfigured,
            sqlx::Error::Protocol(_) => Cause::Malformed,
            error => transport::cause(error),
        };
        return PlatformError::new(target, cause).detail(transport::words(cause, error));
    };
    let code = refused.code().unwrap_or_default();
    let (cause, hint) = match code.as_ref() {
        "28P01" | "28000" => (
            Cause::Unauthenticated,
            Some("check user and password of [postgres]; the server itself answers"),
        ),
        "3D000" => (Cause::NotFound, Some("check the database's name in [postgres]")),
        "53300" | "53400" => (Cause::Busy, Some("its connections are used up: see who holds them")),
        "57P03" => (Cause::Busy, Some("it is starting up or shutting down")),
        "42501" => (Cause::Forbidden, Some("grant pg_monitor to nova's role")),
        "57014" => (Cause::Busy, None),
        _ => (Cause::Invalid, None),
    };
    let error = PlatformError::new(target, cause)
        .detail(refused.message().chars().take(KEPT).collect::<String>());
    PlatformError { hint, ..error }
}
