//! Commands on their way: begun once however often they are delivered, ended once. Locks are taken
//! in one order everywhere, the state's row first and the timeline's head last, right before the
//! commit: so writers cannot deadlock and hold the head only briefly.

use serde_json::json;
use sqlx::FromRow;

use super::Store;
use super::db::{Tx, both};
use super::error::StoreError;
use super::ids::{InvocationId, MAX_ID_BYTES, PersonId};
use super::model::{Account, Begun, Invocation, Kind, NewEntry, NewInvocation, Outcome, State};
use super::text::clean;

/// The longest command line that is kept, in bytes.
const MAX_COMMAND_BYTES: usize = 8 * 1024;

/// Who ends an invocation, in the timeline.
const SELF: &str = "nova";

const INSERT: &str = "
    INSERT INTO invocations
        (id, dedupe_id, platform, account, person, conversation, command, state, started_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'running', $8)
    ON CONFLICT (dedupe_id) DO NOTHING";

const BY_DEDUPE: &str = "
    SELECT id, platform, account, person, conversation, command, state, started_ms, ended_ms,
           exit_status
    FROM invocations WHERE dedupe_id = $1";

const FINISH: &str = "
    UPDATE invocations SET state = $2, ended_ms = $3, exit_status = $4
    WHERE id = $1 AND state = 'running'";

impl Store {
    /// Takes on a command: its row and its timeline row, in one transaction.
    ///
    /// # Errors
    /// Any database error. It may be repeated with the same dedupe id after any of them; when the
    /// first attempt did commit, the answer is then a duplicate that is still running.
    pub async fn begin(&self, new: NewInvocation) -> Result<Begun, StoreError> {
        let new = NewInvocation {
            account: Account {
                platform: clean(&new.account.platform, MAX_ID_BYTES),
                id: clean(&new.account.id, MAX_ID_BYTES),
            },
            conversation: clean(&new.conversation, MAX_ID_BYTES),
            command: clean(&new.command, MAX_COMMAND_BYTES),
            ..new
        };
        self.bounded(self.begin_cleaned(&new)).await
    }

    async fn begin_cleaned(&self, new: &NewInvocation) -> Result<Begun, StoreError> {
        let mut tx = self.0.db.begin().await?;
        let now_ms = self.now_in(&mut tx).await?;
        let id = InvocationId::generate(now_ms)
            .map_err(|error| StoreError::Other { place: String::new(), source: error.into() })?;
        let inserted = both!(Tx, &mut tx, tx => sqlx::query(INSERT)
            .bind(id.as_str())
            .bind(new.dedupe.as_str())
            .bind(&new.account.platform)
            .bind(&new.account.id)
            .bind(new.person.as_ref().map(PersonId::as_str))
            .bind(&new.conversation)
            .bind(&new.command)
            .bind(now_ms)
            .execute(&mut **tx)
            .await?
            .rows_affected());
        if inserted == 0 {
            let row: InvocationRow = both!(Tx, &mut tx, tx => sqlx::query_as(BY_DEDUPE)
                .bind(new.dedupe.as_str())
                .fetch_one(&mut **tx)
                .await?);
            tx.rollback().await?;
            return Ok(Begun::Duplicate(Box::new(row.read()?)));
        }
        let person = new.person.as_ref().map(PersonId::as_str);
        let account = format!("{}:{}", new.account.platform, new.account.id);
        let entry = NewEntry {
            incident: None,
            kind: Kind::Invoked,
            invocation: Some(id.clone()),
            actor: person.unwrap_or(&account).to_owned(),
            body: json!({
                "account": account,
                "conversation": new.conversation,
                "command": new.command,
            }),
        };
        self.append_in(&mut tx, now_ms, &entry).await?;
        tx.commit().await?;
        Ok(Begun::New(id))
    }

    /// Ends a running invocation: its state and its timeline row, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::AlreadyFinished`] the second time, [`StoreError::UnknownInvocation`],
    /// [`StoreError::TooLarge`] for more detail than a timeline row takes, any database error.
    pub async fn finish(&self, id: &InvocationId, outcome: Outcome) -> Result<(), StoreError> {
        let entry = NewEntry {
            incident: None,
            kind: outcome.ending.into(),
            invocation: Some(id.clone()),
            actor: SELF.to_owned(),
            body: json!({ "exit_status": outcome.exit_status, "detail": outcome.detail }),
        };
        self.bounded(async {
            let mut tx = self.0.db.begin().await?;
            let now_ms = self.now_in(&mut tx).await?;
            let ended = both!(Tx, &mut tx, tx => sqlx::query(FINISH)
                .bind(id.as_str())
                .bind(outcome.ending.as_str())
                .bind(now_ms)
                .bind(i64::from(outcome.exit_status))
                .execute(&mut **tx)
                .await?
                .rows_affected());
            if ended == 0 {
                let known: i64 = both!(Tx, &mut tx, tx => sqlx::query_scalar(
                    "SELECT count(*) FROM invocations WHERE id = $1")
                    .bind(id.as_str())
                    .fetch_one(&mut **tx)
                    .await?);
                tx.rollback().await?;
                return Err(match known {
                    0 => StoreError::UnknownInvocation(id.clone()),
                    _ => StoreError::AlreadyFinished(id.clone()),
                });
            }
            self.append_in(&mut tx, now_ms, &entry).await?;
            tx.commit().await
        })
        .await
    }
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
