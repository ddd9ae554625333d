//! What statements have cost, from the extension pg_stat_statements, where there is one.
//!
//! Its view changed with its versions and may stand in any schema, so both are looked up first.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::shape::shape;
use super::{Postgres, count, query, text};
use crate::platform::PlatformError;

/// The statements, or what would have to be done to have them.
#[derive(Clone, Debug, PartialEq)]
pub enum Statements {
    Recorded(Vec<Statement>),
    /// Not recorded here: why, and the SQL that changes it.
    Missing {
        why: &'static str,
        enable: String,
    },
}

/// What all calls of one statement have cost since the statistics began.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Without values.
    pub statement: String,
    /// Whether our role may see the statement itself.
    pub seen: bool,
    pub database: String,
    pub user: String,
    pub calls: u64,
    /// Mean and longest time of a call, in milliseconds.
    pub mean: f64,
    pub longest: f64,
    /// Of the time of all statements, from 0 to 1.
    pub share: f64,
    /// Rows returned by all calls.
    pub rows: u64,
    /// Blocks found in the cache and read from elsewhere.
    pub hit: u64,
    pub read: u64,
}

impl Statement {
    /// Rows that a call returns on average.
    #[must_use]
    pub fn rows_a_call(&self) -> u64 {
        self.rows / self.calls.max(1)
    }
}

const PLACE: &str = "
    SELECT /* nova */
        EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') AS available,
        (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS preloaded,
        (SELECT quote_ident(nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace
          WHERE extname = 'pg_stat_statements') AS schema,
        EXISTS (SELECT FROM pg_extension e JOIN pg_class c ON relnamespace = extnamespace
                  JOIN pg_attribute ON attrelid = c.oid
                 WHERE extname = 'pg_stat_statements' AND relname = 'pg_stat_statements'
                   AND attname = 'mean_exec_time') AS exec";

/// The library records for the whole server, the extension shows it in one database.
const CREATE: &str = "CREATE EXTENSION pg_stat_statements;";

impl Postgres {
    /// Where statements are read from, for provenance.
    #[must_use]
    pub fn recorded(&self) -> String {
        format!("pg_stat_statements at {}", self.target())
    }

    /// The statements with the longest mean time.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn slowest(&self, most: u16) -> Result<Statements, PlatformError> {
        self.statements(most, 0, "true", "mean DESC").await
    }

    /// Statements that read and return more than so many rows a call, most calls first.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn greediest(&self, most: u16, rows: u32) -> Result<Statements, PlatformError> {
        // The guide's condition, and COPY, which reads tables whole.
        let reads = "s.query ~* '(select|copy|fetch|table)' AND s.rows > $2 * s.calls";
        self.statements(most, rows, reads, "calls DESC").await
    }

    async fn statements(
        &self,
        most: u16,
        rows: u32,
        only: &'static str,
        order: &'static str,
    ) -> Result<Statements, PlatformError> {
        self.ask(async |connection| {
            let place = query(PLACE).fetch_one(&mut *connection).await?;
            let Some(schema) = text(&place, "schema")? else {
                return missing(&place);
            };
            // Before version 1.8 planning was not told apart.
            let exec = if place.try_get("exec")? { "exec_" } else { "" };
            let sql = format!(
                "SELECT /* nova */ left(s.query, 4000) AS query, coalesce(d.datname::text, '') AS datname,
                        coalesce(r.rolname::text, '') AS rolname, s.calls, s.rows,
                        s.mean_{exec}time AS mean, s.max_{exec}time AS longest,
                        coalesce(s.total_{exec}time
                            / nullif((SELECT sum(total_{exec}time) FROM {schema}.pg_stat_statements), 0),
                            0) AS share,
                        s.shared_blks_hit AS hit, s.shared_blks_read AS read
                 FROM {schema}.pg_stat_statements s
                 LEFT JOIN pg_database d ON d.oid = s.dbid
                 LEFT JOIN pg_roles r ON r.oid = s.userid
                 WHERE s.calls > 0 AND s.query NOT LIKE '%/* nova */%' AND $2 >= 0 AND {only}
                 ORDER BY {order}, mean DESC
                 LIMIT $1"
            );
            let asked = query(AssertSqlSafe(sql))
                .bind(i64::from(most))
                .bind(i64::from(rows))
                .fetch_all(connection)
                .await;
            match asked {
                Ok(rows) => {
                    let rows = rows.iter().map(statement).collect::<sqlx::Result<_>>()?;
                    Ok(Statements::Recorded(rows))
                }
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55000") => {
                    missing(&place)
                }
                Err(error) => Err(error),
            }
        })
        .await
    }
}

fn missing(place: &PgRow) -> sqlx::Result<Statements> {
    let created = text(place, "schema")?.is_some();
    // NULL where our role may not see the setting.
    let preloaded = text(place, "preloaded")?;
    let libraries: Vec<&str> = preloaded.iter().flat_map(|list| list.split(',')).collect();
    let mut libraries: Vec<&str> =
        libraries.into_iter().map(|name| name.trim().trim_matches('"')).collect();
    libraries.retain(|name| !name.is_empty());
    let create = if created { "" } else { CREATE };
    let loaded = libraries.contains(&"pg_stat_statements");
    if !place.try_get::<bool, _>("available")? {
        let why = "pg_stat_statements is not installed on the server";
        let enable = "install PostgreSQL's contrib modules on the server".to_owned();
        return Ok(Statements::Missing { why, enable });
    }
    // Without the right to see the setting, the first step that is known to lack is told.
    if loaded || (preloaded.is_none() && !created) {
        let why = match preloaded {
            Some(_) => "pg_stat_statements is not created in this database",
            None => "pg_stat_statements is not created; whether the server loads it is hidden",
        };
        return Ok(Statements::Missing { why, enable: create.to_owned() });
    }
    libraries.push("pg_stat_statements");
    let list: Vec<String> = libraries.iter().map(|name| format!("'{name}'")).collect();
    let enable = format!(
        "ALTER SYSTEM SET shared_preload_libraries = {}; restart PostgreSQL; {create}",
        list.join(", ")
    );
    let why = "pg_stat_statements is not loaded by the server";
    Ok(Statements::Missing { why, enable: enable.trim_end_matches([';', ' ']).to_owned() + ";" })
}

fn statement(row: &PgRow) -> sqlx::Result<Statement> {
    let query = text(row, "query")?;
    Ok(Statement {
        statement: query.as_deref().map(shape).unwrap_or_default(),
        seen: query.is_some_and(|query| query != "<insufficient privilege>"),
        database: text(row, "datname")?.unwrap_or_default(),
        user: text(row, "rolname")?.unwrap_or_default(),
        calls: count(row, "calls")?,
        mean: row.try_get("mean")?,
        longest: row.try_get("longest")?,
        share: row.try_get("share")?,
        rows: count(row, "rows")?,
        hit: count(row, "hit")?,
        read: count(row, "read")?,
    })
}
