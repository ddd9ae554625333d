//! How many connections there are, by state, against how many there can be.

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::{Postgres, count, query, text};
use crate::platform::config::PostgresLimits;
use crate::report::{Finding, Status};
use crate::text::units::percent;

/// Client connections without nova's, which come and go with its questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connections {
    pub total: u64,
    pub active: u64,
    pub idle: u64,
    /// In a transaction that does nothing now, aborted ones included.
    pub idle_in_transaction: u64,
    /// Active ones that wait for a lock.
    pub waiting: u64,
    /// `max_connections`.
    pub max: u64,
    /// Of these, kept for superusers and for roles with a reserve.
    pub reserved: u64,
    /// Whether our role sees what others do. If not, the states are those of our own role only.
    pub sees_all: bool,
    /// The name of our role as it is written in SQL.
    pub role: String,
}

/// pg_stat_activity hides even the kind of a process from a role that may not see it; the number of
/// backends is for everybody.
const QUERY: &str = "
    SELECT /* nova */
        CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE')
             THEN count(*) FILTER (WHERE backend_type = 'client backend')
             ELSE (SELECT coalesce(sum(numbackends), 0) FROM pg_stat_database)::bigint
                  - (SELECT count(*) FROM pg_stat_activity
                      WHERE application_name = 'nova' AND usename = current_user)
        END AS total,
        count(*) FILTER (WHERE state = 'active') AS active,
        count(*) FILTER (WHERE state = 'idle') AS idle,
        count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
        count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock') AS waiting,
        current_setting('max_connections')::bigint AS max,
        current_setting('superuser_reserved_connections')::bigint
            + coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::bigint
            AS reserved,
        pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
        quote_ident(current_user) AS role
    FROM pg_stat_activity
    WHERE (backend_type = 'client backend' OR backend_type IS NULL)
      AND (application_name, usename) IS DISTINCT FROM ('nova', current_user)";

pub(super) async fn read(connection: &mut PgConnection) -> sqlx::Result<Connections> {
    let row = query(QUERY).fetch_one(connection).await?;
    Ok(Connections {
        total: count(&row, "total")?,
        active: count(&row, "active")?,
        idle: count(&row, "idle")?,
        idle_in_transaction: count(&row, "idle_in_transaction")?,
        waiting: count(&row, "waiting")?,
        max: count(&row, "max")?,
        reserved: count(&row, "reserved")?,
        sees_all: row.try_get("sees_all")?,
        role: text(&row, "role")?.unwrap_or_default(),
    })
}

impl Connections {
    /// The connections against the limit.
    #[must_use]
    pub fn finding(&self, postgres: &Postgres) -> Finding {
        let PostgresLimits { connections_warn, connections_fail, .. } = *postgres.limits();
        let room = self.max.saturating_sub(self.reserved);
        let used = self.total.saturating_mul(100) / room.max(1);
        let (status, limit) = match used {
            used if used >= connections_fail => (Status::Fail, connections_fail),
            used if used >= connections_warn => (Status::Warn, connections_warn),
            _ => (Status::Ok, connections_warn),
        };
        let states = if self.sees_all {
            format!(
                " · {} active, {} idle, {} idle in transaction",
                self.active, self.idle, self.idle_in_transaction
            )
        } else {
            String::new()
        };
        let share = percent(self.total as f64, room as f64);
        let measured = format!("{} of {room} ({share}){states}", self.total);
        let finding = Finding::new(status, "connections", measured, postgres.activity())
            .expected(format!("below {limit} %"));
        match status {
            Status::Ok => finding,
            _ => finding.hint("end those idle for long, restart whoever leaks them, or pool them"),
        }
    }

    /// That our role does not see what others do, if so.
    #[must_use]
    pub fn blindness(&self, postgres: &Postgres) -> Option<Finding> {
        let finding = Finding::new(
            Status::Unsupported,
            "other roles' sessions",
            "hidden: nova's role is not in pg_monitor",
            postgres.activity(),
        );
        (!self.sees_all).then(|| finding.hint(format!("GRANT pg_monitor TO {};", self.role)))
    }
}
