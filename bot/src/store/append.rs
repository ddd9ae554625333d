//! Appending to the timeline. Its head is locked and moved in the transaction that appends, so any
//! number of processes can write one gapless chain. Called by a batch, last before its commit.

use std::sync::Arc;

use super::Inner;
use super::chain::Columns;
use super::db::{Tx, each, for_rows};
use super::error::StoreError;
use super::ids::{IncidentId, InvocationId};
use super::model::{Kind, NewEntry};
use super::timeline::{HEAD, lost_head};

const HEAD_LOCKED: &str = "SELECT seq, hash FROM timeline_head WHERE one = 1 FOR UPDATE";
const MOVE_HEAD: &str = "UPDATE timeline_head SET seq = $1, hash = $2 WHERE one = 1";

/// The rows and the head in one go: each statement by itself is a way to SQLite's thread and back. OR FAIL
/// spares a journal for the statement alone, since all is rolled back anyway.
const APPEND_SQLITE: [&str; 3] = [
    "INSERT OR FAIL INTO timeline
     (seq, at_ms, incident, kind, invocation, actor, body, prev_hash, hash) VALUES ",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "; UPDATE timeline_head SET seq = ?, hash = ? WHERE one = 1",
];
const INSERT_POSTGRES: &str = "
    INSERT INTO timeline (seq, at_ms, incident, kind, invocation, actor, body, prev_hash, hash)
    SELECT seq, $2, incident, kind, invocation, actor, body, prev_hash, hash
    FROM unnest($1::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[])
         AS new (seq, incident, kind, invocation, actor, body, prev_hash, hash)";

/// What a timeline row says, ready to store: cleaned, and `body` is JSON that fits.
pub(super) struct Fact {
    pub(super) incident: Option<Arc<str>>,
    pub(super) kind: Kind,
    pub(super) invocation: Option<Arc<str>>,
    pub(super) actor: Arc<str>,
    pub(super) body: Arc<str>,
}

impl Fact {
    /// The entry with its body as text.
    pub(super) fn of(entry: &NewEntry, body: Arc<str>) -> Self {
        Self {
            incident: entry.incident.as_ref().map(IncidentId::shared),
            kind: entry.kind,
            invocation: entry.invocation.as_ref().map(InvocationId::shared),
            actor: entry.actor.as_str().into(),
            body,
        }
    }
}

/// Where a row stands in the chain.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) seq: i64,
    pub(super) hash: Arc<str>,
}

impl Inner {
    /// Appends within the caller's transaction, and says where each row came to stand. Call it last,
    /// right before the commit: the head stays locked from here on. `head` is what the transaction has
    /// locked and read of it already.
    pub(super) async fn append_in(
        &self,
        tx: &mut Tx,
        at_ms: i64,
        facts: &[Fact],
        head: Option<Link>,
    ) -> Result<Vec<Link>, StoreError> {
        if facts.is_empty() {
            return Ok(Vec::new());
        }
        let head = match head {
            Some(head) => head,
            None => locked_head(tx).await?,
        };
        let links = self.chain(&head, at_ms, facts)?;
        let written = write(tx, at_ms, facts, &head, &links).await;
        let written = written.map_err(|error| occupied(error, &head))?;
        if written != links.len() as u64 + 1 {
            return Err(lost_head());
        }
        Ok(links)
    }

    /// Where each fact stands when the first follows `head`.
    fn chain(&self, head: &Link, at_ms: i64, facts: &[Fact]) -> Result<Vec<Link>, StoreError> {
        let hasher = self.key.hasher();
        let mut links: Vec<Link> = Vec::with_capacity(facts.len());
        for fact in facts {
            let last = links.last().unwrap_or(head);
            let columns = Columns {
                at_ms,
                incident: fact.incident.as_deref(),
                kind: fact.kind.as_str(),
                invocation: fact.invocation.as_deref(),
                actor: &fact.actor,
                body: &fact.body,
                prev_hash: &last.hash,
            };
            let seq = last.seq.checked_add(1);
            let seq = seq.ok_or_else(|| StoreError::corrupt("the timeline's head"))?;
            links.push(Link { seq, hash: hasher.hash_at(seq, &columns).into() });
        }
        Ok(links)
    }
}

async fn locked_head(tx: &mut Tx) -> Result<Link, StoreError> {
    let head: Option<(i64, String)> = match tx {
        // BEGIN IMMEDIATE has locked everything already.
        Tx::Sqlite(tx) => sqlx::query_as(HEAD).fetch_optional(&mut **tx).await?,
        Tx::Postgres(tx) => sqlx::query_as(HEAD_LOCKED).fetch_optional(&mut **tx).await?,
    };
    let (seq, hash) = head.ok_or_else(lost_head)?;
    Ok(Link { seq, hash: hash.into() })
}

/// Under the head's lock nobody else can have written the seqs that follow it.
fn occupied(error: sqlx::Error, head: &Link) -> StoreError {
    match StoreError::from(error) {
        StoreError::Constraint { .. } => {
            StoreError::corrupt(format!("rows stand after the timeline's head, {}", head.seq))
        }
        other => other,
    }
}

/// Inserts the rows and moves the head; answers with how many rows both changed.
async fn write(
    tx: &mut Tx,
    at_ms: i64,
    facts: &[Fact],
    head: &Link,
    links: &[Link],
) -> Result<u64, sqlx::Error> {
    let last = links.last().unwrap_or(head);
    let before = std::iter::once(head).chain(links);
    let rows = facts.iter().zip(links).zip(before);
    match tx {
        Tx::Sqlite(tx) => {
            let mut query = sqlx::query(for_rows(APPEND_SQLITE, facts.len()));
            for ((fact, link), before) in rows {
                query = query
                    .bind(link.seq)
                    .bind(at_ms)
                    .bind(fact.incident.clone())
                    .bind(fact.kind.as_str())
                    .bind(fact.invocation.clone())
                    .bind(Arc::clone(&fact.actor))
                    .bind(Arc::clone(&fact.body))
                    .bind(Arc::clone(&before.hash))
                    .bind(Arc::clone(&link.hash));
            }
            let query = query.bind(last.seq).bind(Arc::clone(&last.hash));
            Ok(query.execute(&mut **tx).await?.rows_affected())
        }
        Tx::Postgres(tx) => {
            let insert = sqlx::query(INSERT_POSTGRES)
                .bind(links.iter().map(|link| link.seq).collect::<Vec<_>>())
                .bind(at_ms)
                .bind(each(facts, |fact| fact.incident.as_deref()))
                .bind(each(facts, |fact| fact.kind.as_str()))
                .bind(each(facts, |fact| fact.invocation.as_deref()))
                .bind(each(facts, |fact| &*fact.actor))
                .bind(each(facts, |fact| &*fact.body))
                .bind(rows.map(|(_, before)| &*before.hash).collect::<Vec<_>>())
                .bind(each(links, |link| &*link.hash));
            let inserted = insert.execute(&mut **tx).await?;
            let moved = sqlx::query(MOVE_HEAD).bind(last.seq).bind(&*last.hash).execute(&mut **tx);
            Ok(inserted.rows_affected() + moved.await?.rows_affected())
        }
    }
}
