//! The server itself: that it answers, what it is, who replicates from it, and how its database is.

use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{Postgres, count, query, text};
use crate::platform::PlatformError;

/// Replicas and slots that are read.
const MOST: i64 = 50;

/// A server that accepts connections.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Such as `PostgreSQL 15.8`.
    pub version: String,
    pub up_seconds: f64,
    /// Login and first answer.
    pub took: Duration,
}

/// What is particular to a server's part in replication.
#[derive(Clone, Debug, PartialEq)]
pub enum Replica {
    Primary(Primary),
    Standby(Standby),
}

/// Who replicates from a server, and what is kept for whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Primary {
    pub standbys: Vec<Follower>,
    pub slots: Vec<Slot>,
}

/// A standby as its primary sees it. What our role may not see is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Follower {
    pub name: String,
    pub client: String,
    /// PostgreSQL's word: `streaming`, `catchup`.
    pub state: Option<String>,
    /// Seconds until a commit shows there; `None` too when nothing has happened for a while.
    pub lag_seconds: Option<f64>,
    pub lag_bytes: Option<u64>,
}

/// A replication slot, for which the server keeps its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub name: String,
    pub active: bool,
    /// Log kept for it.
    pub kept_bytes: u64,
}

/// A server that replays another one's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Standby {
    /// It is connected to whom it follows.
    pub receiving: bool,
    pub paused: bool,
    /// Received and not replayed.
    pub behind_bytes: u64,
    /// Since the newest transaction that it has replayed.
    pub last_seconds: Option<f64>,
}

/// The database of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    pub name: String,
    pub size: u64,
    /// Blocks found in the cache and read from elsewhere.
    pub hit: u64,
    pub read: u64,
    pub deadlocks: u64,
    /// Transactions since the oldest one that is not frozen yet; the server stops at 2^31.
    pub age: u64,
    /// `None`: checksums are off.
    pub checksum_failures: Option<u64>,
}

const SERVER: &str = "
    SELECT /* nova */ current_setting('server_version') AS version,
           extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS up";

const STANDBY: &str = "
    SELECT /* nova */ pg_is_in_recovery() AS in_recovery,
           EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving,
           CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END AS paused,
           pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::bigint AS behind,
           extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS last";

const FOLLOWERS: &str = "
    SELECT /* nova */ application_name, coalesce(host(client_addr), 'local') AS client, state,
           extract(epoch FROM replay_lag)::float8 AS lag,
           pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint AS bytes
    FROM pg_stat_replication
    ORDER BY bytes DESC NULLS LAST
    LIMIT $1";

const SLOTS: &str = "
    SELECT /* nova */ slot_name::text, active,
           pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS bytes
    FROM pg_replication_slots
    ORDER BY active, bytes DESC NULLS LAST
    LIMIT $1";

/// `to_jsonb` because checksums are counted since version 12 only.
const DATABASE: &str = "
    SELECT /* nova */ datname::text, pg_database_size(s.datid) AS size, blks_hit AS hit,
           blks_read AS read, deadlocks, age(d.datfrozenxid)::bigint AS age,
           (to_jsonb(s) ->> 'checksum_failures')::bigint AS checksum_failures
    FROM pg_stat_database s JOIN pg_database d USING (datname)
    WHERE datname = current_database()";

impl Postgres {
    /// That it accepts connections, as `pg_isready` asks, and more: the login and an answer.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn server(&self) -> Result<Server, PlatformError> {
        let began = Instant::now();
        self.ask(async |connection| {
            let row = query(SERVER).fetch_one(connection).await?;
            let version = text(&row, "version")?.unwrap_or_default();
            Ok(Server {
                version: format!("PostgreSQL {}", version.split(' ').next().unwrap_or_default()),
                up_seconds: row.try_get("up")?,
                took: began.elapsed(),
            })
        })
        .await
    }

    /// Its part in replication.
    ///
    /// # Errors
    /// When it cannot be reached, refuses the login, or offers no such view (some hosted ones).
    pub async fn replication(&self) -> Result<Replica, PlatformError> {
        self.ask(async |connection| {
            let row = query(STANDBY).fetch_one(&mut *connection).await?;
            if row.try_get("in_recovery")? {
                return Ok(Replica::Standby(Standby {
                    receiving: row.try_get("receiving")?,
                    paused: row.try_get("paused")?,
                    behind_bytes: count(&row, "behind")?,
                    last_seconds: row.try_get("last")?,
                }));
            }
            let standbys = query(FOLLOWERS).bind(MOST).fetch_all(&mut *connection).await?;
            let slots = query(SLOTS).bind(MOST).fetch_all(connection).await?;
            Ok(Replica::Primary(Primary {
                standbys: standbys.iter().map(follower).collect::<sqlx::Result<_>>()?,
                slots: slots.iter().map(slot).collect::<sqlx::Result<_>>()?,
            }))
        })
        .await
    }

    /// Size, cache, deadlocks and checksums of the configured database.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn database(&self) -> Result<Database, PlatformError> {
        self.ask(async |connection| {
            let row = query(DATABASE).fetch_one(connection).await?;
            let failures: Option<i64> = row.try_get("checksum_failures")?;
            Ok(Database {
                name: text(&row, "datname")?.unwrap_or_default(),
                size: count(&row, "size")?,
                hit: count(&row, "hit")?,
                read: count(&row, "read")?,
                deadlocks: count(&row, "deadlocks")?,
                age: count(&row, "age")?,
                checksum_failures: failures.map(i64::unsigned_abs),
            })
        })
        .await
    }
}

fn follower(row: &PgRow) -> sqlx::Result<Follower> {
    let bytes: Option<i64> = row.try_get("bytes")?;
    Ok(Follower {
        name: text(row, "application_name")?.unwrap_or_default(),
        client: text(row, "client")?.unwrap_or_default(),
        state: text(row, "state")?,
        lag_seconds: row.try_get("lag")?,
        lag_bytes: bytes.map(|bytes| u64::try_from(bytes).unwrap_or_default()),
    })
}

fn slot(row: &PgRow) -> sqlx::Result<Slot> {
    Ok(Slot {
        name: text(row, "slot_name")?.unwrap_or_default(),
        active: row.try_get("active")?,
        kept_bytes: count(row, "bytes")?,
    })
}
