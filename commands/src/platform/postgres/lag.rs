//! Which part a server has in replication, and how far a standby is behind.

use sqlx::Row;

use super::Postgres;
use crate::platform::PlatformError;

/// A server's part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lag {
    /// It takes writes. `standbys`: how many follow; `seconds`: how far the slowest is behind, where
    /// something was written lately. `None`: our account may not see it.
    Primary { standbys: i64, seconds: Option<f64> },
    /// It follows. Bytes that it has and has not replayed, and seconds since the newest transaction
    /// that it has replayed.
    Standby { bytes: Option<i64>, seconds: Option<f64> },
}

impl Postgres {
    /// What this server is, and the lag.
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    pub async fn lag(&self) -> Result<Lag, PlatformError> {
        const ROLE: &str = "
            SELECT pg_is_in_recovery() AS standby,
                   pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::bigint AS bytes,
                   extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 AS seconds";
        const FOLLOWERS: &str = "
            SELECT count(*) AS standbys, extract(epoch FROM max(replay_lag))::float8 AS seconds
            FROM pg_stat_replication";
        self.ask(async |connection| {
            let row = sqlx::query(ROLE).fetch_one(&mut *connection).await?;
            if row.try_get("standby")? {
                let (bytes, seconds) = (row.try_get("bytes")?, row.try_get("seconds")?);
                return Ok(Lag::Standby { bytes, seconds });
            }
            let row = sqlx::query(FOLLOWERS).fetch_one(connection).await?;
            Ok(Lag::Primary {
                standbys: row.try_get("standbys")?,
                seconds: row.try_get("seconds")?,
            })
        })
        .await
    }
}
