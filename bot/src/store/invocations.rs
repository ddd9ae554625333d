//! Commands on their way: begun once however often they are delivered, ended once. Locks are taken
//! in one order everywhere, the state's rows first (by their dedupe id, then by their id) and the
//! timeline's head last, right before the commit: so writers cannot deadlock and hold the head only
//! briefly.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::Store;
use super::append::Link;
use super::batch::{Done, End, Take, Work};
use super::db::{Tx, each, for_rows};
use super::error::StoreError;
use super::ids::{InvocationId, MAX_ID_BYTES, PersonId};
use super::model::{Begun, NewInvocation, Outcome};
use super::text::cleaned;
use super::timeline::{fitting, lost_head};

/// The longest command line that is kept, in bytes.
const MAX_COMMAND_BYTES: usize = 8 * 1024;

/// OR FAIL spares SQLite a journal for the statement alone, since all is rolled back anyway. The
/// timeline's head comes along: each question is a way to SQLite's thread and back.
const INSERT_SQLITE: [&str; 3] = [
    "INSERT OR FAIL INTO invocations (dedupe_id, id, running_since_ms) VALUES ",
    "(?, ?, ?)",
    " ON CONFLICT (dedupe_id) DO NOTHING;
     SELECT changes(), seq, hash FROM timeline_head WHERE one = 1",
];
const INSERT_POSTGRES: &str = "
    INSERT INTO invocations (dedupe_id, id, running_since_ms)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
    ON CONFLICT (dedupe_id) DO NOTHING";

const BEGUN_SQLITE: [&str; 3] =
    ["SELECT dedupe_id, id FROM invocations WHERE dedupe_id IN (", "?", ")"];
const BEGUN_POSTGRES: &str = "SELECT dedupe_id, id FROM invocations WHERE dedupe_id = ANY($1)";

const END_SQLITE: [&str; 3] = [
    "UPDATE invocations SET running_since_ms = NULL
     WHERE running_since_ms IS NOT NULL AND id IN (",
    "?",
    ") RETURNING id",
];
const END_POSTGRES: &str = "
    UPDATE invocations SET running_since_ms = NULL
    WHERE running_since_ms IS NOT NULL AND id = ANY($1)
    RETURNING id";

impl Store {
    /// Takes on a command: its row and its timeline row, in one transaction.
    ///
    /// # Errors
    /// Any database error. It may be repeated with the same dedupe id after any of them; when the
    /// first attempt did commit, the answer is then a duplicate that is still running.
    pub async fn begin(&self, new: NewInvocation) -> Result<Begun, StoreError> {
        self.take(new, None).await
    }

    /// Takes on a command and ends it in one transaction: for what is answered at once. A command
    /// that was begun before is left as it is.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] for more detail than a timeline row takes, any database error. It may
    /// be repeated like [`Self::begin`].
    pub async fn record(&self, new: NewInvocation, outcome: Outcome) -> Result<Begun, StoreError> {
        self.take(new, Some(outcome)).await
    }

    /// Ends a running invocation: its state and its timeline row, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::NotRunning`] the second time,
    /// [`StoreError::TooLarge`] for more detail than a timeline row takes, any database error.
    pub async fn finish(&self, id: &InvocationId, outcome: Outcome) -> Result<(), StoreError> {
        let Outcome { ending, exit_status, detail } = outcome;
        let body = body(&EndedBody { exit_status, detail: &detail })?;
        let end = End { ending, body };
        self.write(Work::End(id.clone(), end)).await?;
        Ok(())
    }

    async fn take(
        &self,
        new: NewInvocation,
        outcome: Option<Outcome>,
    ) -> Result<Begun, StoreError> {
        let platform = cleaned(new.account.platform, MAX_ID_BYTES);
        let account = [&platform, ":", &cleaned(new.account.id, MAX_ID_BYTES)].concat();
        let body = body(&InvokedBody {
            account: &account,
            conversation: &cleaned(new.conversation, MAX_ID_BYTES),
            command: &cleaned(new.command, MAX_COMMAND_BYTES),
            ended: outcome.as_ref().map(|outcome| EndedBody {
                exit_status: outcome.exit_status,
                detail: &outcome.detail,
            }),
        })?;
        let actor = new.person.as_ref().map_or_else(|| account.into(), PersonId::shared);
        let end = outcome.map(|outcome| outcome.ending);
        let take = Box::new(Take { dedupe: new.dedupe, actor, body, end });
        let Done::Begun(begun) = self.write(Work::Take(take)).await? else {
            unreachable!("a take is answered with what was begun");
        };
        Ok(begun)
    }
}

/// What the timeline says of a command that was taken on.
#[derive(Serialize)]
struct InvokedBody<'a> {
    account: &'a str,
    conversation: &'a str,
    command: &'a str,
    #[serde(flatten)]
    ended: Option<EndedBody<'a>>,
}

/// What the timeline says of a command that has ended.
#[derive(Serialize)]
struct EndedBody<'a> {
    exit_status: i32,
    detail: &'a Value,
}

fn body(body: &impl Serialize) -> Result<Arc<str>, StoreError> {
    Ok(fitting(serde_json::to_string(body).map_err(StoreError::other)?)?.into())
}

/// Inserts those whose dedupe id is new, and says how many. Where everything is locked already, the
/// timeline's head is read as well.
pub(super) async fn insert(
    tx: &mut Tx,
    now_ms: i64,
    takes: &[(usize, InvocationId, &Take)],
) -> Result<(u64, Option<Link>), StoreError> {
    if takes.is_empty() {
        return Ok((0, None));
    }
    let running_since = |take: &Take| take.end.is_none().then_some(now_ms);
    Ok(match tx {
        Tx::Sqlite(tx) => {
            let mut query = sqlx::query_as(for_rows(INSERT_SQLITE, takes.len()));
            for (_, id, take) in takes {
                query =
                    query.bind(take.dedupe.shared()).bind(id.shared()).bind(running_since(take));
            }
            let head: Option<(i64, i64, String)> = query.fetch_optional(&mut **tx).await?;
            let (inserted, seq, hash) = head.ok_or_else(lost_head)?;
            (inserted.unsigned_abs(), Some(Link { seq, hash: hash.into() }))
        }
        Tx::Postgres(tx) => {
            let query = sqlx::query(INSERT_POSTGRES)
                .bind(each(takes, |(.., take)| take.dedupe.as_str()))
                .bind(each(takes, |(_, id, _)| id.as_str()))
                .bind(each(takes, |(.., take)| running_since(take)));
            (query.execute(&mut **tx).await?.rows_affected(), None)
        }
    })
}

/// Ends those that run, and says which.
pub(super) async fn end(tx: &mut Tx, ids: &[&InvocationId]) -> Result<HashSet<String>, StoreError> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let ended: Vec<String> = match tx {
        Tx::Sqlite(tx) => {
            let query = sqlx::query_scalar(for_rows(END_SQLITE, ids.len()));
            let query = ids.iter().fold(query, |query, id| query.bind(id.shared()));
            query.fetch_all(&mut **tx).await?
        }
        Tx::Postgres(tx) => {
            let query = sqlx::query_scalar(END_POSTGRES).bind(each(ids, |id| id.as_str()));
            query.fetch_all(&mut **tx).await?
        }
    };
    Ok(ended.into_iter().collect())
}

/// The invocations that were begun with the dedupe ids of `takes`, by them or before them.
pub(super) async fn begun_with(
    tx: &mut Tx,
    takes: &[(usize, InvocationId, &Take)],
) -> Result<HashMap<String, InvocationId>, StoreError> {
    let begun: Vec<(String, String)> = match tx {
        Tx::Sqlite(tx) => {
            let query = sqlx::query_as(for_rows(BEGUN_SQLITE, takes.len()));
            let query =
                takes.iter().fold(query, |query, (.., take)| query.bind(take.dedupe.shared()));
            query.fetch_all(&mut **tx).await?
        }
        Tx::Postgres(tx) => {
            let query = sqlx::query_as(BEGUN_POSTGRES);
            let query = query.bind(each(takes, |(.., take)| take.dedupe.as_str()));
            query.fetch_all(&mut **tx).await?
        }
    };
    Ok(begun.into_iter().map(|(dedupe, id)| (dedupe, InvocationId::stored(id))).collect())
}
