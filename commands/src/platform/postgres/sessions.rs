//! Who is connected and what they do now, longest first, and who waits for whom.

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::connections::{self, Connections};
use super::shape::shape;
use super::{Postgres, count, query, text};
use crate::platform::PlatformError;

/// Sessions and clients that are read. What is beyond is counted, not shown.
const MOST: i64 = 200;

/// All that pg_stat_activity tells, without nova's own sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct Sessions {
    pub connections: Connections,
    /// Those that are not idle, and whoever blocks them; longest first, at most 200.
    pub busy: Vec<Session>,
    /// Who holds the connections; most first, at most 200.
    pub clients: Vec<Client>,
}

/// One session.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub pid: i32,
    /// PostgreSQL's word: `active`, `idle in transaction`.
    pub state: String,
    /// Since its statement began when it is active, else since it is in its state.
    pub seconds: f64,
    pub user: String,
    pub application: String,
    pub client: String,
    /// The kind of event it waits for and its name.
    pub waits: Option<String>,
    /// Processes that hold what it waits for; 0 is a prepared transaction.
    pub blocked_by: Vec<i32>,
    /// Its newest statement without values.
    pub statement: Option<String>,
}

/// All sessions of one application from one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub application: String,
    pub client: String,
    pub user: String,
    pub total: u64,
    pub active: u64,
    pub idle: u64,
    pub idle_in_transaction: u64,
}

const BUSY: &str = "
    WITH other AS (
        SELECT /* nova */ *,
               CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) END AS blockers
        FROM pg_stat_activity
        WHERE state IS NOT NULL AND backend_type = 'client backend'
          AND (application_name, usename) IS DISTINCT FROM ('nova', current_user)
    )
    SELECT pid, state, coalesce(usename::text, '') AS usename, application_name,
           coalesce(host(client_addr), 'local') AS client,
           wait_event_type || ' ' || wait_event AS waits,
           coalesce(blockers, '{}') AS blockers,
           extract(epoch FROM clock_timestamp()
               - CASE WHEN state = 'active' THEN query_start ELSE state_change END)::float8 AS seconds,
           left(query, 4000) AS query
    FROM other
    WHERE state <> 'idle' OR pid IN (SELECT unnest(blockers) FROM other)
    ORDER BY seconds DESC NULLS LAST, pid
    LIMIT $1";

const CLIENTS: &str = "
    SELECT /* nova */ coalesce(application_name, '') AS application_name,
           coalesce(host(client_addr), 'local') AS client, coalesce(usename::text, '') AS usename,
           count(*) AS total,
           count(*) FILTER (WHERE state = 'active') AS active,
           count(*) FILTER (WHERE state = 'idle') AS idle,
           count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction
    FROM pg_stat_activity
    WHERE state IS NOT NULL AND backend_type = 'client backend'
      AND (application_name, usename) IS DISTINCT FROM ('nova', current_user)
    GROUP BY 1, 2, 3
    ORDER BY total DESC, 1, 2, 3
    LIMIT $1";

impl Postgres {
    /// Where sessions are read from, for provenance.
    #[must_use]
    pub fn activity(&self) -> String {
        format!("pg_stat_activity at {}", self.target())
    }

    /// The connections by state, against their limit.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn connections(&self) -> Result<Connections, PlatformError> {
        self.ask(async |connection| connections::read(connection).await).await
    }

    /// Sessions that are not idle, and who holds the connections. Statements have lost their values.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn sessions(&self) -> Result<Sessions, PlatformError> {
        self.ask(async |connection| {
            let connections = connections::read(connection).await?;
            let busy = query(BUSY).bind(MOST).fetch_all(&mut *connection).await?;
            let clients = query(CLIENTS).bind(MOST).fetch_all(connection).await?;
            Ok(Sessions {
                connections,
                busy: busy.iter().map(session).collect::<sqlx::Result<_>>()?,
                clients: clients.iter().map(client).collect::<sqlx::Result<_>>()?,
            })
        })
        .await
    }
}

fn session(row: &PgRow) -> sqlx::Result<Session> {
    Ok(Session {
        pid: row.try_get("pid")?,
        state: text(row, "state")?.unwrap_or_default(),
        seconds: row.try_get::<Option<f64>, _>("seconds")?.unwrap_or_default(),
        user: text(row, "usename")?.unwrap_or_default(),
        application: text(row, "application_name")?.unwrap_or_default(),
        client: text(row, "client")?.unwrap_or_default(),
        waits: text(row, "waits")?,
        blocked_by: row.try_get("blockers")?,
        statement: text(row, "query")?.map(|query| shape(&query)),
    })
}

fn client(row: &PgRow) -> sqlx::Result<Client> {
    Ok(Client {
        application: text(row, "application_name")?.unwrap_or_default(),
        client: text(row, "client")?.unwrap_or_default(),
        user: text(row, "usename")?.unwrap_or_default(),
        total: count(row, "total")?,
        active: count(row, "active")?,
        idle: count(row, "idle")?,
        idle_in_transaction: count(row, "idle_in_transaction")?,
    })
}
