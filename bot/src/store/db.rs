//! The two databases behind one face. A statement is one SQL text with `$1` placeholders that
//! both understand; [`both!`] gives it to whichever database is there. On SQLite every write goes
//! through one connection that begins with the write lock held: a transaction that starts by
//! reading and wants to write later is refused when somebody else wrote in between.

use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool, Postgres, Sqlite, SqlitePool,
    Transaction,
};
use tokio::time::timeout;

use super::error::StoreError;
use super::place::{Place, PrivateFile};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// How long a writer waits for another process's transaction.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How long a statement waits for a PostgreSQL connection, and a connection for its server.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long a write waits for its turn on SQLite's one writer.
pub(super) const TURN_WAIT: Duration = Duration::from_secs(10);
/// How long a connection that comes back to the pool may take to show that it still works.
const RELEASE_WAIT: Duration = Duration::from_secs(2);
const POSTGRES_CONNECTIONS: u32 = 5;
const SQLITE_READERS: u32 = 2;

/// Evaluates one expression with the connection or pool of whichever database it is.
macro_rules! both {
    ($kind:ident, $target:expr, $db:ident => $do:expr) => {
        match $target {
            $kind::Sqlite($db) => $do,
            $kind::Postgres($db) => $do,
        }
    };
}
pub(super) use both;

/// A statement for SQLite: what it begins with, this for each row, what it ends with. Its placeholders
/// are bare `?`: SQLite looks for each `$1` among all of them whenever it is bound.
pub(super) fn for_rows([head, row, tail]: [&str; 3], rows: usize) -> AssertSqlSafe<String> {
    let mut sql = String::with_capacity(head.len() + (row.len() + 2) * rows + tail.len());
    sql.push_str(head);
    for at in 0..rows {
        sql.push_str(if at == 0 { "" } else { ", " });
        sql.push_str(row);
    }
    sql.push_str(tail);
    // Each part is a constant.
    AssertSqlSafe(sql)
}

/// One column of all rows: PostgreSQL takes rows as arrays, and so has one statement for any number.
pub(super) fn each<'a, R, T: 'a>(rows: &'a [R], column: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(column).collect()
}

pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        Ok(both!(Tx, self, tx => tx.commit().await)?)
    }
}

/// The pools. On PostgreSQL both are the same one.
pub(super) struct Db {
    pub(super) read: Pool,
    pub(super) write: Pool,
}

impl Db {
    /// Connects, and brings the schema up to date.
    pub(super) async fn open(place: &Place) -> Result<Self, StoreError> {
        match place {
            Place::File(path) => open_sqlite(path).await,
            Place::Server { options, password } => {
                let mut options = PgConnectOptions::clone(options);
                if let Some(password) = password {
                    options = options.password(password.expose_secret());
                }
                open_postgres(options).await
            }
        }
    }

    /// Begins a transaction that may write.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match &self.write {
            Pool::Sqlite(pool) => match pool.begin_with("BEGIN IMMEDIATE").await {
                // The one writer is always there: its turn did not come.
                Err(error @ sqlx::Error::PoolTimedOut) => return Err(StoreError::busy(error)),
                begun => Tx::Sqlite(begun?),
            },
            Pool::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Waits for running statements and closes every connection.
    pub(super) async fn close(&self) {
        // Readers first: the last connection to close folds SQLite's log into its file.
        for pool in [&self.read, &self.write] {
            both!(Pool, pool, pool => pool.close().await);
        }
    }
}

async fn open_sqlite(path: &Path) -> Result<Db, StoreError> {
    // One opener at a time: neither the switch to WAL nor a first migration waits for others.
    let opening = PrivateFile::prepare(path, LOCK_WAIT).await?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(LOCK_WAIT)
        .synchronous(SqliteSynchronous::Full)
        // INSERT OR REPLACE removes a row as DELETE does: the timeline's triggers hear of both.
        .pragma("recursive_triggers", "ON")
        // A large batch would otherwise create and remove a file for its statements' undo.
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging();
    // A connection is a thread and a file, not a network: nothing to test or to renew.
    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(TURN_WAIT)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    let write = pool()
        .max_connections(1)
        .connect_with(options.clone().journal_mode(SqliteJournalMode::Wal))
        .await?;
    if let Err(error) = SQLITE_MIGRATIONS.run(&write).await {
        write.close().await;
        return Err(StoreError::from_migration(error, newest(&SQLITE_MIGRATIONS)));
    }
    drop(opening);
    let read = pool()
        .max_connections(SQLITE_READERS)
        .connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Db { read: Pool::Sqlite(read), write: Pool::Sqlite(write) })
}

async fn open_postgres(options: PgConnectOptions) -> Result<Db, StoreError> {
    let options = options
        .application_name("nova")
        // A process that hangs inside a transaction must not hold the timeline's head for ever.
        .options([
            ("statement_timeout", "10s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "15s"),
        ])
        .disable_statement_logging();
    // The pool retries a refused connection until its deadline and then says only "timed out";
    // this one fails at once, and with the reason.
    let mut connection = timeout(CONNECT_WAIT, PgConnection::connect_with(&options))
        .await
        .map_err(StoreError::unreachable)??;
    let migrated = POSTGRES_MIGRATIONS.run_direct(None, &mut connection, false).await;
    drop(timeout(RELEASE_WAIT, connection.close()).await);
    migrated.map_err(|error| StoreError::from_migration(error, newest(&POSTGRES_MIGRATIONS)))?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(CONNECT_WAIT)
        // Without a limit, connections whose server went silent in mid-statement would keep
        // their places in the pool until TCP gives up, long after the server is back.
        .after_release(|connection, _| {
            Box::pin(async move {
                match timeout(RELEASE_WAIT, connection.ping()).await {
                    Ok(alive) => alive.map(|()| true),
                    Err(late) => Err(sqlx::Error::Io(late.into())),
                }
            })
        })
        .connect_lazy_with(options);
    Ok(Db { read: Pool::Postgres(pool.clone()), write: Pool::Postgres(pool) })
}

fn newest(migrations: &Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}
