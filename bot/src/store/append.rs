//! Appending to the timeline. Its head is locked and moved in the transaction that appends, so any
//! number of processes can write one gapless chain. Called by a batch, last before its commit.

use sqlx::QueryBuilder;

use super::Inner;
use super::chain::Columns;
use super::db::Tx;
use super::error::StoreError;
use super::ids::{IncidentId, InvocationId};
use super::model::{Anchor, Kind, NewEntry};
use super::timeline::{HEAD, anchor, lost_head};

const HEAD_LOCKED: &str = "SELECT seq, hash FROM timeline_head WHERE one = 1 FOR UPDATE";
const MOVE_HEAD: &str = "UPDATE timeline_head SET seq = $1, hash = $2 WHERE one = 1";

const INSERT: &str =
    "INSERT INTO timeline (seq, at_ms, incident, kind, invocation, actor, body, prev_hash, hash) ";

/// The statement that inserts rows: each a fact, its place, and the hash before it.
macro_rules! insert {
    ($at_ms:expr, $rows:expr) => {{
        let mut query = QueryBuilder::new(INSERT);
        query.push_values($rows, |mut row, ((fact, anchor), prev_hash)| {
            row.push_bind(anchor.seq)
                .push_bind($at_ms)
                .push_bind(fact.incident)
                .push_bind(fact.kind.as_str())
                .push_bind(fact.invocation)
                .push_bind(fact.actor)
                .push_bind(fact.body)
                .push_bind(prev_hash)
                .push_bind(&anchor.hash);
        });
        query
    }};
}

/// What a timeline row says, ready to store: cleaned, and `body` is JSON that fits.
#[derive(Clone, Copy)]
pub(super) struct Fact<'a> {
    pub(super) incident: Option<&'a str>,
    pub(super) kind: Kind,
    pub(super) invocation: Option<&'a str>,
    pub(super) actor: &'a str,
    pub(super) body: &'a str,
}

impl<'a> Fact<'a> {
    /// The entry with its body as text.
    pub(super) fn of(entry: &'a NewEntry, body: &'a str) -> Self {
        Self {
            incident: entry.incident.as_ref().map(IncidentId::as_str),
            kind: entry.kind,
            invocation: entry.invocation.as_ref().map(InvocationId::as_str),
            actor: &entry.actor,
            body,
        }
    }
}

impl Inner {
    /// Appends within the caller's transaction, and says where each row came to stand. Call it last,
    /// right before the commit: the head stays locked from here on.
    pub(super) async fn append_in(
        &self,
        tx: &mut Tx,
        at_ms: i64,
        facts: &[Fact<'_>],
    ) -> Result<Vec<Anchor>, StoreError> {
        if facts.is_empty() {
            return Ok(Vec::new());
        }
        let head: Option<(i64, String)> = match tx {
            // BEGIN IMMEDIATE has locked everything already.
            Tx::Sqlite(tx) => sqlx::query_as(HEAD).fetch_optional(&mut **tx).await?,
            Tx::Postgres(tx) => sqlx::query_as(HEAD_LOCKED).fetch_optional(&mut **tx).await?,
        };
        let head = anchor(head)?;
        let anchors = self.chain(&head, at_ms, facts)?;
        let written = write(tx, at_ms, facts, &head, &anchors).await;
        let written = written.map_err(|error| occupied(error, &head))?;
        if written != anchors.len() as u64 + 1 {
            return Err(lost_head());
        }
        Ok(anchors)
    }

    /// Where each fact stands when the first follows `head`.
    fn chain(
        &self,
        head: &Anchor,
        at_ms: i64,
        facts: &[Fact<'_>],
    ) -> Result<Vec<Anchor>, StoreError> {
        let hasher = self.key.hasher();
        let mut anchors: Vec<Anchor> = Vec::with_capacity(facts.len());
        for fact in facts {
            let last = anchors.last().unwrap_or(head);
            let columns = Columns {
                at_ms,
                incident: fact.incident,
                kind: fact.kind.as_str(),
                invocation: fact.invocation,
                actor: fact.actor,
                body: fact.body,
                prev_hash: &last.hash,
            };
            let seq = last.seq.checked_add(1);
            let seq = seq.ok_or_else(|| StoreError::corrupt("the timeline's head"))?;
            anchors.push(Anchor { seq, hash: hasher.hash_at(seq, &columns) });
        }
        Ok(anchors)
    }
}

/// Under the head's lock nobody else can have written the seqs that follow it.
fn occupied(error: sqlx::Error, head: &Anchor) -> StoreError {
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
    facts: &[Fact<'_>],
    head: &Anchor,
    anchors: &[Anchor],
) -> Result<u64, sqlx::Error> {
    let last = anchors.last().unwrap_or(head);
    let prev_hashes = std::iter::once(head).chain(anchors).map(|anchor| &anchor.hash);
    let rows = facts.iter().zip(anchors).zip(prev_hashes);
    match tx {
        Tx::Sqlite(tx) => {
            // Both statements in one go: each is a way to SQLite's thread and back.
            let mut query = insert!(at_ms, rows);
            query.push("; UPDATE timeline_head SET seq = ").push_bind(last.seq);
            query.push(", hash = ").push_bind(&last.hash).push(" WHERE one = 1");
            Ok(query.build().execute(&mut **tx).await?.rows_affected())
        }
        Tx::Postgres(tx) => {
            let inserted = insert!(at_ms, rows).build().execute(&mut **tx).await?;
            let moved = sqlx::query(MOVE_HEAD).bind(last.seq).bind(&last.hash).execute(&mut **tx);
            Ok(inserted.rows_affected() + moved.await?.rows_affected())
        }
    }
}
