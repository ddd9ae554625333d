//! The timeline's rows: appended under the head's lock, read newest first. The head is one row,
//! locked and moved in the transaction that appends, so any number of processes can write one
//! gapless chain.

use serde_json::Value;
use sqlx::FromRow;

use super::Store;
use super::chain::Columns;
use super::db::{Pool, Tx, both};
use super::error::StoreError;
use super::ids::{IncidentId, InvocationId};
use super::model::{Anchor, Entry, Kind, NewEntry, Page};
use super::text::clean;

/// The most JSON that one row takes, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;
/// The longest actor that is kept, in bytes.
const MAX_ACTOR_BYTES: usize = 512;

const HEAD: &str = "SELECT seq, hash FROM timeline_head WHERE one = 1";
const HEAD_LOCKED: &str = "SELECT seq, hash FROM timeline_head WHERE one = 1 FOR UPDATE";
const MOVE_HEAD: &str = "UPDATE timeline_head SET seq = $1, hash = $2 WHERE one = 1";
const KEY_CHECK: &str = "SELECT key_check FROM timeline_head WHERE one = 1";

/// Only an empty timeline gets a head: one that was lost must not quietly start again.
const FIRST_HEAD: &str = "
    INSERT INTO timeline_head (one, seq, hash, key_check)
    SELECT 1, 0, $1, $2 WHERE NOT EXISTS (SELECT 1 FROM timeline)
    ON CONFLICT (one) DO NOTHING";

const INSERT: &str = "
    INSERT INTO timeline (seq, at_ms, incident, kind, invocation, actor, body, prev_hash, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const PAGE: &str = "
    SELECT seq, at_ms, incident, kind, invocation, actor, body, prev_hash, hash
    FROM timeline WHERE seq < $1 ORDER BY seq DESC LIMIT $2";

impl Store {
    /// Appends one row.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] for a body of more than 64 KiB, any database error.
    pub async fn append(&self, entry: NewEntry) -> Result<Entry, StoreError> {
        self.bounded(async {
            let mut tx = self.0.db.begin().await?;
            let now_ms = self.now_in(&mut tx).await?;
            let entry = self.append_in(&mut tx, now_ms, &entry).await?;
            tx.commit().await?;
            Ok(entry)
        })
        .await
    }

    /// Reads one page, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a row that this program does not write, any database error.
    pub async fn timeline(&self, page: Page) -> Result<Vec<Entry>, StoreError> {
        self.bounded(async {
            let rows: Vec<Row> = both!(Pool, &self.0.db.read, pool => sqlx::query_as(PAGE)
                .bind(page.before.unwrap_or(i64::MAX))
                .bind(i64::from(page.limit.clamp(1, Page::MAX)))
                .fetch_all(pool)
                .await?);
            rows.into_iter().map(Row::read).collect()
        })
        .await
    }

    /// The timeline's end. Published elsewhere now and then, it lets a cut be found.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it was removed, any database error.
    pub async fn head(&self) -> Result<Anchor, StoreError> {
        self.bounded(async {
            let head: Option<(i64, String)> =
                both!(Pool, &self.0.db.read, pool => sqlx::query_as(HEAD).fetch_optional(pool).await?);
            anchor(head)
        })
        .await
    }

    /// Appends within the caller's transaction. Call it last, right before the commit: the head
    /// stays locked from here on.
    pub(super) async fn append_in(
        &self,
        tx: &mut Tx,
        at_ms: i64,
        new: &NewEntry,
    ) -> Result<Entry, StoreError> {
        // JSON text escapes NUL by itself.
        let body = new.body.to_string();
        if body.len() > MAX_BODY_BYTES {
            return Err(StoreError::TooLarge { bytes: body.len(), limit: MAX_BODY_BYTES });
        }
        let actor = clean(&new.actor, MAX_ACTOR_BYTES);
        let head: Option<(i64, String)> = match tx {
            // BEGIN IMMEDIATE has locked everything already.
            Tx::Sqlite(tx) => sqlx::query_as(HEAD).fetch_optional(&mut **tx).await?,
            Tx::Postgres(tx) => sqlx::query_as(HEAD_LOCKED).fetch_optional(&mut **tx).await?,
        };
        let head = anchor(head)?;
        let seq =
            head.seq.checked_add(1).ok_or_else(|| StoreError::corrupt("the timeline's head"))?;
        let columns = Columns {
            at_ms,
            incident: new.incident.as_ref().map(IncidentId::as_str),
            kind: new.kind.as_str(),
            invocation: new.invocation.as_ref().map(InvocationId::as_str),
            actor: &actor,
            body: &body,
            prev_hash: &head.hash,
        };
        let hash = self.0.key.hash_at(seq, &columns);
        let inserted = both!(Tx, &mut *tx, tx => sqlx::query(INSERT)
            .bind(seq)
            .bind(at_ms)
            .bind(columns.incident)
            .bind(columns.kind)
            .bind(columns.invocation)
            .bind(&actor)
            .bind(&body)
            .bind(&head.hash)
            .bind(&hash)
            .execute(&mut **tx)
            .await
            .map(|done| done.rows_affected()));
        if let Err(error) = inserted {
            // Under the head's lock nobody else can have written this seq.
            return Err(match StoreError::from(error) {
                StoreError::Constraint { .. } => {
                    StoreError::corrupt(format!("timeline row {seq} stands after the head"))
                }
                other => other,
            });
        }
        let moved = both!(Tx, tx, tx => sqlx::query(MOVE_HEAD)
            .bind(seq)
            .bind(&hash)
            .execute(&mut **tx)
            .await?
            .rows_affected());
        if moved != 1 {
            return Err(lost_head());
        }
        Ok(Entry {
            seq,
            at_ms,
            incident: new.incident.clone(),
            kind: new.kind,
            invocation: new.invocation.clone(),
            actor,
            body: new.body.clone(),
            hash,
        })
    }

    /// Begins an empty timeline with this store's key; refuses one begun with another.
    pub(super) async fn claim_timeline(&self) -> Result<(), StoreError> {
        let check = self.0.key.check();
        if self.key_check().await?.is_none() {
            let mut tx = self.0.db.begin().await?;
            // None are affected when somebody else was faster, or when the head was removed.
            both!(Tx, &mut tx, tx => sqlx::query(FIRST_HEAD)
                .bind(self.0.key.genesis())
                .bind(&check)
                .execute(&mut **tx)
                .await?
                .rows_affected());
            tx.commit().await?;
        }
        match self.key_check().await? {
            Some(found) if found == check => Ok(()),
            Some(_) => Err(StoreError::WrongKey { place: String::new() }),
            None => Err(lost_head()),
        }
    }

    async fn key_check(&self) -> Result<Option<String>, StoreError> {
        // Asked of the writer: a process that reads nothing opens no reader.
        Ok(both!(Pool, &self.0.db.write, pool => sqlx::query_scalar(KEY_CHECK)
            .fetch_optional(pool)
            .await?))
    }
}

fn anchor(head: Option<(i64, String)>) -> Result<Anchor, StoreError> {
    head.map(|(seq, hash)| Anchor { seq, hash }).ok_or_else(lost_head)
}

fn lost_head() -> StoreError {
    StoreError::corrupt("the timeline's head was removed")
}

/// A timeline row as the database holds it.
#[derive(FromRow)]
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) at_ms: i64,
    pub(super) incident: Option<String>,
    pub(super) kind: String,
    pub(super) invocation: Option<String>,
    pub(super) actor: String,
    pub(super) body: String,
    pub(super) prev_hash: String,
    pub(super) hash: String,
}

impl Row {
    pub(super) fn columns(&self) -> Columns<'_> {
        Columns {
            at_ms: self.at_ms,
            incident: self.incident.as_deref(),
            kind: &self.kind,
            invocation: self.invocation.as_deref(),
            actor: &self.actor,
            body: &self.body,
            prev_hash: &self.prev_hash,
        }
    }

    fn read(self) -> Result<Entry, StoreError> {
        let corrupt = || StoreError::corrupt(format!("timeline row {}", self.seq));
        Ok(Entry {
            seq: self.seq,
            at_ms: self.at_ms,
            kind: Kind::stored(&self.kind).ok_or_else(corrupt)?,
            body: serde_json::from_str::<Value>(&self.body).map_err(|_| corrupt())?,
            incident: self.incident.as_deref().map(IncidentId::new),
            invocation: self.invocation.map(InvocationId::stored),
            actor: self.actor,
            hash: self.hash,
        })
    }
}
