//! Tables: the virtual machines by status, what is read from end to end, and what is not sound.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use super::{Postgres, count, query, text};
use crate::platform::PlatformError;

/// Statuses and objects that are read.
const MOST: i64 = 50;

/// The virtual machines by status, or why they cannot be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VmCounts {
    /// Most first.
    Counted { column: String, statuses: Vec<(Option<String>, u64)>, total: u64 },
    /// There is no such table.
    NoTable,
    /// The table has none of these columns.
    NoColumn(Vec<String>),
    /// Our role may not read it: the SQL that lets it.
    NotAllowed { grant: String },
}

/// A table that is read from end to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedTable {
    pub name: String,
    pub scans: u64,
    /// Rows read by them.
    pub rows: u64,
    /// Reads by an index.
    pub index_scans: u64,
    /// Rows that it holds, as far as the statistics know.
    pub holds: u64,
}

/// What is not as it should be in the configured database; names, bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Indexes that a failed build has left, with their tables.
    pub invalid_indexes: Vec<String>,
    /// Constraints that old rows were never checked against.
    pub unchecked_constraints: Vec<String>,
}

/// The table as it is written in SQL, and which of the wanted columns it has.
const TABLE: &str = "
    SELECT /* nova */ c.oid::regclass::text AS name, quote_ident(current_user) AS role,
           (SELECT quote_ident(attname) FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attname = ANY($2)
             ORDER BY array_position($2, attname::text) LIMIT 1) AS status,
           has_table_privilege(c.oid, 'SELECT') AS allowed
    FROM pg_class c WHERE c.oid = to_regclass($1)";

const SCANNED: &str = "
    SELECT /* nova */ relid::regclass::text AS name, seq_scan, seq_tup_read,
           coalesce(idx_scan, 0) AS idx_scan, n_live_tup
    FROM pg_stat_user_tables
    WHERE seq_scan > 0 AND seq_tup_read > $1 * seq_scan
    ORDER BY seq_tup_read DESC, 1
    LIMIT $2";

const INVALID: &str = "
    SELECT /* nova */ indexrelid::regclass::text || ' on ' || indrelid::regclass::text AS name
    FROM pg_index WHERE NOT indisvalid OR NOT indisready ORDER BY 1 LIMIT $1";

const UNCHECKED: &str = "
    SELECT /* nova */ quote_ident(conname) || ' on ' || conrelid::regclass::text AS name
    FROM pg_constraint WHERE NOT convalidated AND conrelid <> 0 ORDER BY 1 LIMIT $1";

impl Postgres {
    /// The configured table of virtual machines, for provenance.
    #[must_use]
    pub fn vms_table(&self) -> &str {
        &self.config.vms_table
    }

    /// The virtual machines by status.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn vms(&self) -> Result<VmCounts, PlatformError> {
        let columns = match &self.config.vms_status {
            Some(column) => vec![column.clone()],
            None => vec!["status".to_owned(), "state".to_owned()],
        };
        self.ask(async |connection| {
            let found = query(TABLE)
                .bind(&self.config.vms_table)
                .bind(&columns)
                .fetch_optional(&mut *connection)
                .await?;
            let Some(row) = found else { return Ok(VmCounts::NoTable) };
            let table = text(&row, "name")?.unwrap_or_default();
            if !row.try_get::<bool, _>("allowed")? {
                let role = text(&row, "role")?.unwrap_or_default();
                let grant = format!("GRANT SELECT ON {table} TO {role};");
                return Ok(VmCounts::NotAllowed { grant });
            }
            let Some(column) = text(&row, "status")? else {
                return Ok(VmCounts::NoColumn(columns));
            };
            counted(connection, &table, column).await
        })
        .await
    }

    /// Tables of which a read from end to end takes more than so many rows; most rows first.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn scanned(&self, most: u16, rows: u32) -> Result<Vec<ScannedTable>, PlatformError> {
        self.ask(async |connection| {
            let asked = query(SCANNED).bind(i64::from(rows)).bind(i64::from(most));
            let rows = asked.fetch_all(connection).await?;
            rows.iter().map(scanned).collect()
        })
        .await
    }

    /// Indexes and constraints that are there and do not do their work.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn sound(&self) -> Result<Sound, PlatformError> {
        let names = |rows: Vec<PgRow>| -> sqlx::Result<Vec<String>> {
            rows.iter().map(|row| Ok(text(row, "name")?.unwrap_or_default())).collect()
        };
        self.ask(async |connection| {
            let invalid = query(INVALID).bind(MOST).fetch_all(&mut *connection).await?;
            let unchecked = query(UNCHECKED).bind(MOST).fetch_all(connection).await?;
            Ok(Sound { invalid_indexes: names(invalid)?, unchecked_constraints: names(unchecked)? })
        })
        .await
    }
}

/// `table` and `column` are quoted by the server.
async fn counted(
    connection: &mut PgConnection,
    table: &str,
    column: String,
) -> sqlx::Result<VmCounts> {
    let sql = format!(
        "SELECT /* nova */ {column}::text AS status, count(*) AS count,
                (sum(count(*)) OVER ())::bigint AS total
         FROM {table} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $1"
    );
    let rows = query(AssertSqlSafe(sql)).bind(MOST).fetch_all(connection).await?;
    let total = rows.first().map_or(Ok(0), |row| count(row, "total"))?;
    let statuses = rows.iter().map(|row| Ok((text(row, "status")?, count(row, "count")?)));
    Ok(VmCounts::Counted { column, statuses: statuses.collect::<sqlx::Result<_>>()?, total })
}

fn scanned(row: &PgRow) -> sqlx::Result<ScannedTable> {
    Ok(ScannedTable {
        name: text(row, "name")?.unwrap_or_default(),
        scans: count(row, "seq_scan")?,
        rows: count(row, "seq_tup_read")?,
        index_scans: count(row, "idx_scan")?,
        holds: count(row, "n_live_tup")?,
    })
}
