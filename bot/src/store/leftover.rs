//! Ends the invocations that a process left running when it died. Called when a process begins to
//! serve, and now and then.
//!
//! Invariant: nothing that may still run is ended, whichever process runs it: only what is older than
//! any command may become.

use std::time::Duration;

use serde_json::json;

use super::Store;
use super::db::{Tx, both};
use super::error::StoreError;
use super::ids::InvocationId;
use super::model::{Kind, NewEntry};

/// So many are ended in one transaction: the timeline's head is locked for as long.
const AT_ONCE: i64 = 200;

const END: &str = "
    UPDATE invocations SET running_since_ms = NULL
    WHERE running_since_ms IS NOT NULL AND id IN (
        SELECT id FROM invocations WHERE running_since_ms < $1
        ORDER BY running_since_ms LIMIT $2
    )
    RETURNING id";

/// Not answered, as for any fault of ours.
const EXIT_STATUS: i64 = 2;

impl Store {
    /// Ends as failed what was begun longer than `age` ago and still runs, and says how many there
    /// were.
    ///
    /// # Errors
    /// Any database error; what was ended before it stays so.
    pub async fn end_leftovers(&self, age: Duration) -> Result<u64, StoreError> {
        let mut ended = 0;
        loop {
            let some = self.bounded(self.end_some(age)).await?;
            ended += some.unsigned_abs();
            if some < AT_ONCE {
                return Ok(ended);
            }
        }
    }

    async fn end_some(&self, age: Duration) -> Result<i64, StoreError> {
        let mut tx = self.0.db.begin().await?;
        let now_ms = self.0.now_in(&mut tx).await?;
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let ended: Vec<String> = both!(Tx, &mut tx, tx => sqlx::query_scalar(END)
            .bind(now_ms.saturating_sub(age_ms))
            .bind(AT_ONCE)
            .fetch_all(&mut **tx)
            .await?);
        if ended.is_empty() {
            return Ok(0);
        }
        let count = i64::try_from(ended.len()).unwrap_or(AT_ONCE);
        let detail = json!({ "verdict": "the process ended" });
        let entry = |id: String| NewEntry {
            incident: None,
            kind: Kind::Failed,
            invocation: Some(InvocationId::stored(id)),
            actor: "nova".to_owned(),
            body: json!({ "exit_status": EXIT_STATUS, "detail": detail }),
        };
        let entries: Vec<NewEntry> = ended.into_iter().map(entry).collect();
        self.0.append_entries(&mut tx, now_ms, &entries).await?;
        tx.commit().await?;
        Ok(count)
    }
}
