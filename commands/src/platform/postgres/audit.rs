//! An audit log that is a table.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use super::Postgres;
use crate::platform::PlatformError;
use crate::platform::config::AuditConfig;
use crate::text::Untrusted;

/// Most rows that are read.
const MOST: i64 = 200;

/// What somebody did, how often, and when last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    pub action: Untrusted,
    pub actor: Untrusted,
    pub count: u64,
    pub last: Timestamp,
}

impl Postgres {
    /// Who did what of the patterns in the last day, most often first. The names of the table and its
    /// columns are the configuration's, which has been checked to be plain names.
    ///
    /// # Errors
    /// When it cannot be asked, or has no such table.
    pub async fn audit(
        &self,
        table: &str,
        config: &AuditConfig,
    ) -> Result<Vec<AuditRow>, PlatformError> {
        let AuditConfig { action, actor, at, .. } = config;
        let query = format!(
            "SELECT {action}::text AS action, coalesce({actor}::text, '-') AS actor,
                    count(*) AS many, (extract(epoch FROM max({at})) * 1000)::bigint AS last
             FROM {table}
             WHERE {at} > now() - interval '24 hours' AND {action}::text ~ $1
             GROUP BY 1, 2 ORDER BY many DESC, 1, 2 LIMIT $2"
        );
        let pattern = config.patterns.join("|");
        self.ask(async |connection| {
            let query = sqlx::query(AssertSqlSafe(query)).bind(pattern).bind(MOST);
            let rows = query.fetch_all(connection).await?;
            rows.iter()
                .map(|row| {
                    let (action, actor): (String, String) =
                        (row.try_get("action")?, row.try_get("actor")?);
                    let (many, last): (i64, i64) = (row.try_get("many")?, row.try_get("last")?);
                    Ok(AuditRow {
                        action: action.into(),
                        actor: actor.into(),
                        count: u64::try_from(many).unwrap_or_default(),
                        last: Timestamp::from_millisecond(last).unwrap_or_default(),
                    })
                })
                .collect()
        })
        .await
    }
}
