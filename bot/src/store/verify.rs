//! Walks the whole chain and names the first row that is not as it was written. Holds one page of
//! rows at a time, each no larger than a row can honestly be. Called by `nova` on demand and by
//! whoever publishes anchors.
//!
//! Where a row's hash does not match, the chain says that something is wrong *here*; what was done
//! is read from two questions: does the row that stands here belong to another place, and does the
//! row that belongs here stand at another place?

use std::fmt;

use sqlx::{FromRow, Row as _};

use super::Store;
use super::db::{Pool, both};
use super::error::StoreError;
use super::model::Anchor;
use super::timeline::{MAX_BODY_BYTES, Row};

const PAGE_ROWS: i64 = 128;
/// The body and, generously, all other columns.
const MAX_ROW_BYTES: i64 = MAX_BODY_BYTES as i64 + 8 * 1024;

/// The start of every reading of whole rows. Those that nobody can have written honestly are left
/// out, and so become a gap: they could be of any size.
macro_rules! honest_rows {
    ($rest:literal) => {
        concat!(
            "SELECT seq, at_ms, incident, kind, invocation, actor, body, prev_hash, hash
             FROM timeline
             WHERE octet_length(kind) + octet_length(actor) + octet_length(body)
                 + octet_length(prev_hash) + octet_length(hash)
                 + coalesce(octet_length(incident), 0)
                 + coalesce(octet_length(invocation), 0) <= $1 ",
            $rest
        )
    };
}

const PAGE: &str = honest_rows!("AND seq > $2 ORDER BY seq LIMIT $3");

/// Rows that claim to follow the one with a given hash.
const FOLLOWERS: &str = honest_rows!("AND prev_hash = $2 AND seq <> $3 ORDER BY seq LIMIT 4");

/// What [`Store::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// Every row is as it was written, up to this one.
    Intact {
        /// The last row that was checked.
        head: Anchor,
    },
    /// The chain does not hold.
    Broken {
        /// The first row that is not as it was written.
        seq: i64,
        /// What was most likely done there.
        fault: Fault,
    },
}

/// What was done to the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The row's contents were changed.
    Edited,
    /// The row was removed.
    Missing,
    /// The row was added by somebody else.
    Inserted,
    /// The row was moved here from another place.
    Reordered,
    /// This row and all after it were removed.
    Cut,
    /// The row is genuine, but of another history than its predecessor or the anchor: an older
    /// copy of the database was written to.
    Forked,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edited => "was edited",
            Self::Missing => "is missing",
            Self::Inserted => "was inserted",
            Self::Reordered => "was moved",
            Self::Cut => "and everything after it was cut off",
            Self::Forked => "belongs to another copy of the history",
        })
    }
}

impl Store {
    /// Checks every row from the first, the end against the head, and both against `anchor` when
    /// one is given. Rows may be appended meanwhile. The time it takes grows with the timeline.
    ///
    /// # Errors
    /// Any database error. A broken chain is an answer, not an error.
    pub async fn verify(&self, anchor: Option<Anchor>) -> Result<Verification, StoreError> {
        // Until a row has been checked, the last one is the imagined row 0.
        let mut last = Anchor { seq: 0, hash: self.0.key.genesis() };
        let mut after = i64::MIN;
        loop {
            let mut page = self.rows_after(after).await?;
            if page.is_empty() {
                let head = self.head().await?;
                // What was appended between the two reads is read now.
                page = self.rows_after(after).await?;
                if page.is_empty() {
                    return Ok(judge_end(last, &head, anchor.as_ref()));
                }
            }
            for scanned in page {
                let broken = match &scanned.row {
                    _ if scanned.seq <= 0 => Some((scanned.seq, Fault::Inserted)),
                    _ if scanned.seq > last.seq + 1 => {
                        Some((last.seq + 1, self.judge_gap(last.seq + 1).await?))
                    }
                    None => Some((scanned.seq, Fault::Edited)),
                    Some(row) if !self.follows(row, &last) => {
                        Some((scanned.seq, self.judge_row(row, &last).await?))
                    }
                    Some(row) => match &anchor {
                        Some(anchor) if anchor.seq == row.seq && anchor.hash != row.hash => {
                            Some((row.seq, Fault::Forked))
                        }
                        _ => None,
                    },
                };
                if let Some((seq, fault)) = broken {
                    return Ok(Verification::Broken { seq, fault });
                }
                if let Some(row) = scanned.row {
                    last = Anchor { seq: row.seq, hash: row.hash };
                    after = last.seq;
                }
            }
        }
    }

    fn follows(&self, row: &Row, last: &Anchor) -> bool {
        row.prev_hash == last.hash && self.genuine_at(row.seq, row)
    }

    fn genuine_at(&self, seq: i64, row: &Row) -> bool {
        self.0.key.hasher().hash_at(seq, &row.columns()) == row.hash
    }

    async fn judge_row(&self, row: &Row, last: &Anchor) -> Result<Fault, StoreError> {
        if row.seq > self.head().await?.seq {
            return Ok(Fault::Inserted);
        }
        if self.genuine_at(row.seq, row) {
            return Ok(Fault::Forked);
        }
        let elsewhere = self
            .followers(&last.hash, row.seq)
            .await?
            .into_iter()
            .find(|other| self.genuine_at(row.seq, other))
            .map(|other| other.seq);
        // Its own place is one after its predecessor's, which may have been moved by one as well.
        let predecessor = self.seq_of(&row.prev_hash).await?;
        let belongs_elsewhere = [elsewhere, Some(row.seq), predecessor]
            .into_iter()
            .flatten()
            .flat_map(|near| [near.saturating_sub(1), near, near.saturating_add(1)])
            .any(|seq| self.genuine_at(seq, row));
        Ok(match (belongs_elsewhere, elsewhere.is_some()) {
            (true, true) => Fault::Reordered,
            (true, false) => Fault::Missing,
            (false, true) => Fault::Inserted,
            (false, false) => Fault::Edited,
        })
    }

    /// A gap is a removed row, or one that was left out for its size.
    async fn judge_gap(&self, seq: i64) -> Result<Fault, StoreError> {
        self.bounded(async {
            let there: i64 = both!(Pool, &self.0.db.read, pool => sqlx::query_scalar(
                "SELECT count(*) FROM timeline WHERE seq = $1")
                .bind(seq)
                .fetch_one(pool)
                .await?);
            Ok(if there == 0 { Fault::Missing } else { Fault::Edited })
        })
        .await
    }

    async fn rows_after(&self, seq: i64) -> Result<Vec<Scanned>, StoreError> {
        self.bounded(async {
            both!(Pool, &self.0.db.read, pool => sqlx::query(PAGE)
                .bind(MAX_ROW_BYTES)
                .bind(seq)
                .bind(PAGE_ROWS)
                .fetch_all(pool)
                .await?
                .iter()
                .map(|row| Ok(Scanned { seq: row.try_get("seq")?, row: Row::from_row(row).ok() }))
                .collect())
        })
        .await
    }

    async fn followers(&self, hash: &str, besides: i64) -> Result<Vec<Row>, StoreError> {
        self.bounded(async {
            Ok(both!(Pool, &self.0.db.read, pool => sqlx::query(FOLLOWERS)
                .bind(MAX_ROW_BYTES)
                .bind(hash)
                .bind(besides)
                .fetch_all(pool)
                .await?
                .iter()
                .filter_map(|row| Row::from_row(row).ok())
                .collect()))
        })
        .await
    }

    async fn seq_of(&self, hash: &str) -> Result<Option<i64>, StoreError> {
        self.bounded(async {
            Ok(both!(Pool, &self.0.db.read, pool => sqlx::query_scalar(
                "SELECT seq FROM timeline WHERE hash = $1 ORDER BY seq LIMIT 1")
                .bind(hash)
                .fetch_optional(pool)
                .await?))
        })
        .await
    }
}

/// A row whose columns may not even be text.
struct Scanned {
    seq: i64,
    row: Option<Row>,
}

fn judge_end(last: Anchor, head: &Anchor, anchor: Option<&Anchor>) -> Verification {
    let promised = head.seq.max(anchor.map_or(0, |anchor| anchor.seq));
    if last.seq < promised {
        Verification::Broken { seq: last.seq + 1, fault: Fault::Cut }
    } else if last.seq > head.seq {
        Verification::Broken { seq: head.seq.saturating_add(1).max(1), fault: Fault::Inserted }
    } else if last.hash != head.hash {
        Verification::Broken { seq: last.seq, fault: Fault::Forked }
    } else {
        Verification::Intact { head: last }
    }
}
