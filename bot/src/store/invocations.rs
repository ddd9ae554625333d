//! Commands on their way: begun once however often they are delivered, ended once. Locks are taken
//! in one order everywhere, the state's rows first (by their dedupe id, then by their id) and the
//! timeline's head last, right before the commit: so writers cannot deadlock and hold the head only
//! briefly.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, QueryBuilder};

use super::Store;
use super::batch::{Done, End, Take, Work};
use super::db::{Tx, both};
use super::error::StoreError;
use super::ids::{DedupeId, InvocationId, MAX_ID_BYTES, PersonId};
use super::model::{Account, Begun, Invocation, NewInvocation, Outcome, State};
use super::text::cleaned;
use super::timeline::fitting;

/// The longest command line that is kept, in bytes.
const MAX_COMMAND_BYTES: usize = 8 * 1024;

const INSERT: &str = "
    INSERT INTO invocations
        (id, dedupe_id, platform, account, person, conversation, command, state, started_ms,
         ended_ms, exit_status) ";

const BY_DEDUPE: &str = "
    SELECT id, platform, account, person, conversation, command, state, started_ms, ended_ms,
           exit_status
    FROM invocations WHERE dedupe_id = $1";

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
        let Outcome { ending, exit_status, detail } = &outcome;
        let body = body(&EndedBody { exit_status: *exit_status, detail })?;
        let end = End { ending: *ending, exit_status: *exit_status, body };
        self.write(Work::End(id.clone(), end)).await?;
        Ok(())
    }

    async fn take(
        &self,
        new: NewInvocation,
        outcome: Option<Outcome>,
    ) -> Result<Begun, StoreError> {
        let new = NewInvocation {
            account: Account {
                platform: cleaned(new.account.platform, MAX_ID_BYTES),
                id: cleaned(new.account.id, MAX_ID_BYTES),
            },
            conversation: cleaned(new.conversation, MAX_ID_BYTES),
            command: cleaned(new.command, MAX_COMMAND_BYTES),
            ..new
        };
        let account = format!("{}:{}", new.account.platform, new.account.id);
        let body = body(&InvokedBody {
            account: &account,
            conversation: &new.conversation,
            command: &new.command,
            ended: outcome.as_ref().map(|outcome| EndedBody {
                exit_status: outcome.exit_status,
                detail: &outcome.detail,
            }),
        })?;
        let end = outcome.map(|outcome| (outcome.ending, outcome.exit_status));
        let take = Box::new(Take { new, account, body, end });
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

fn body(body: &impl Serialize) -> Result<String, StoreError> {
    fitting(serde_json::to_string(body).map_err(StoreError::other)?)
}

/// Inserts those whose dedupe id is new, and says how many.
pub(super) async fn insert(
    tx: &mut Tx,
    now_ms: i64,
    takes: &[(usize, InvocationId, &Take)],
) -> Result<u64, StoreError> {
    if takes.is_empty() {
        return Ok(0);
    }
    Ok(both!(Tx, tx, tx => {
        let mut query = QueryBuilder::new(INSERT);
        query.push_values(takes, |mut row, (_, id, Take { new, end, .. })| {
            let state = end.map_or(State::Running, |(ending, _)| State::Ended(ending));
            row.push_bind(id.as_str())
                .push_bind(new.dedupe.as_str())
                .push_bind(&new.account.platform)
                .push_bind(&new.account.id)
                .push_bind(new.person.as_ref().map(PersonId::as_str))
                .push_bind(&new.conversation)
                .push_bind(&new.command)
                .push_bind(state.as_str())
                .push_bind(now_ms)
                .push_bind(end.map(|_| now_ms))
                .push_bind(end.map(|(_, exit_status)| i64::from(exit_status)));
        });
        query.push(" ON CONFLICT (dedupe_id) DO NOTHING");
        query.build().execute(&mut **tx).await?.rows_affected()
    }))
}

/// Ends those that run, and says which.
pub(super) async fn update(
    tx: &mut Tx,
    now_ms: i64,
    ends: &BTreeMap<&InvocationId, &End>,
) -> Result<HashSet<String>, StoreError> {
    if ends.is_empty() {
        return Ok(HashSet::new());
    }
    let ended: Vec<String> = both!(Tx, tx, tx => {
        let mut query = QueryBuilder::new("WITH ended (id, state, exit_status) AS (");
        query.push_values(ends, |mut row, (id, end)| {
            row.push_bind(id.as_str())
                .push_bind(end.ending.as_str())
                .push_bind(i64::from(end.exit_status));
        });
        query.push(") UPDATE invocations SET state = ended.state, exit_status = ended.exit_status, ended_ms = ");
        query.push_bind(now_ms);
        query.push(
            " FROM ended WHERE invocations.id = ended.id AND invocations.state = 'running'
              RETURNING invocations.id",
        );
        query.build_query_scalar().fetch_all(&mut **tx).await?
    });
    Ok(ended.into_iter().collect())
}

/// The ids of the invocations that were begun with the dedupe ids of `takes`, by them or before them.
pub(super) async fn begun_with(
    tx: &mut Tx,
    takes: &[(usize, InvocationId, &Take)],
) -> Result<HashSet<String>, StoreError> {
    let begun: Vec<String> = both!(Tx, tx, tx => {
        let mut query = QueryBuilder::new("SELECT id FROM invocations WHERE dedupe_id IN (");
        let mut list = query.separated(", ");
        for (.., take) in takes {
            list.push_bind(take.new.dedupe.as_str());
        }
        query.push(")");
        query.build_query_scalar().fetch_all(&mut **tx).await?
    });
    Ok(begun.into_iter().collect())
}

/// What was begun before under this id.
pub(super) async fn by_dedupe(tx: &mut Tx, dedupe: &DedupeId) -> Result<Invocation, StoreError> {
    let row: InvocationRow = both!(Tx, tx, tx => sqlx::query_as(BY_DEDUPE)
        .bind(dedupe.as_str())
        .fetch_one(&mut **tx)
        .await?);
    row.read()
}

#[derive(FromRow)]
struct InvocationRow {
    id: String,
    platform: String,
    account: String,
    person: Option<String>,
    conversation: String,
    command: String,
    state: String,
    started_ms: i64,
    ended_ms: Option<i64>,
    exit_status: Option<i64>,
}

impl InvocationRow {
    fn read(self) -> Result<Invocation, StoreError> {
        let corrupt = || StoreError::corrupt(format!("the row of invocation {:?}", self.id));
        Ok(Invocation {
            state: State::stored(&self.state).ok_or_else(corrupt)?,
            exit_status: self.exit_status.map(i32::try_from).transpose().map_err(|_| corrupt())?,
            id: InvocationId::stored(self.id),
            account: Account { platform: self.platform, id: self.account },
            person: self.person.as_deref().map(PersonId::new),
            conversation: self.conversation,
            command: self.command,
            started_ms: self.started_ms,
            ended_ms: self.ended_ms,
        })
    }
}
