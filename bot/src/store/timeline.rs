//! The timeline: begun with a key, appended to, read newest first. Its head is one row, which says
//! where it ends; `append.rs` moves it. Called by the engine and by whoever verifies.

use serde_json::Value;
use sqlx::FromRow;

use super::append::Fact;
use super::batch::{Done, Work};
use super::chain::Columns;
use super::db::{Pool, Tx, both};
use super::error::StoreError;
use super::ids::{IncidentId, InvocationId};
use super::model::{Anchor, Entry, Kind, NewEntry, Page};
use super::text::clean;
use super::{Inner, Store};

/// The most JSON that one row takes, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;
/// The longest actor that is kept, in bytes.
const MAX_ACTOR_BYTES: usize = 512;

pub(super) const HEAD: &str = "SELECT seq, hash FROM timeline_head WHERE one = 1";
const KEY_CHECK: &str = "SELECT key_check FROM timeline_head WHERE one = 1";

/// Only an empty timeline gets a head: one that was lost must not quietly start again.
const FIRST_HEAD: &str = "
    INSERT INTO timeline_head (one, seq, hash, key_check)
    SELECT 1, 0, $1, $2 WHERE NOT EXISTS (SELECT 1 FROM timeline)
    ON CONFLICT (one) DO NOTHING";

const PAGE: &str = "
    SELECT seq, at_ms, incident, kind, invocation, actor, body, prev_hash, hash
    FROM timeline WHERE seq < $1 ORDER BY seq DESC LIMIT $2";

impl Store {
    /// Appends one row.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] for a body of more than 64 KiB, any database error.
    pub async fn append(&self, entry: NewEntry) -> Result<Entry, StoreError> {
        let entry = NewEntry { actor: clean(&entry.actor, MAX_ACTOR_BYTES), ..entry };
        let body = fitting(entry.body.to_string())?.into();
        let Done::Appended { at_ms, at } =
            self.write(Work::Append(Box::new(entry.clone()), body)).await?
        else {
            unreachable!("an append is answered with where its row stands");
        };
        Ok(Entry {
            seq: at.seq,
            at_ms,
            incident: entry.incident,
            kind: entry.kind,
            invocation: entry.invocation,
            actor: entry.actor,
            body: entry.body,
            hash: at.hash,
        })
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
}

impl Inner {
    /// Begins an empty timeline with this store's key; refuses one begun with another.
    pub(super) async fn claim_timeline(&self) -> Result<(), StoreError> {
        let check = self.key.check();
        if self.key_check().await?.is_none() {
            let mut tx = self.db.begin().await?;
            // None are affected when somebody else was faster, or when the head was removed.
            both!(Tx, &mut tx, tx => sqlx::query(FIRST_HEAD)
                .bind(self.key.genesis())
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
        Ok(both!(Pool, &self.db.write, pool => sqlx::query_scalar(KEY_CHECK)
            .fetch_optional(pool)
            .await?))
    }

    /// [`Inner::append_in`] for entries that somebody owns.
    pub(super) async fn append_entries(
        &self,
        tx: &mut Tx,
        at_ms: i64,
        entries: &[NewEntry],
    ) -> Result<(), StoreError> {
        let fact = |entry: &NewEntry| Ok(Fact::of(entry, fitting(entry.body.to_string())?.into()));
        let facts: Vec<Fact> = entries.iter().map(fact).collect::<Result<_, StoreError>>()?;
        self.append_in(tx, at_ms, &facts, None).await.map(drop)
    }
}

/// Refuses a body that no row takes. JSON text escapes NUL by itself.
pub(super) fn fitting(body: String) -> Result<String, StoreError> {
    match body.len() {
        ..=MAX_BODY_BYTES => Ok(body),
        bytes => Err(StoreError::TooLarge { bytes, limit: MAX_BODY_BYTES }),
    }
}

pub(super) fn anchor(head: Option<(i64, String)>) -> Result<Anchor, StoreError> {
    head.map(|(seq, hash)| Anchor { seq, hash }).ok_or_else(lost_head)
}

pub(super) fn lost_head() -> StoreError {
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
