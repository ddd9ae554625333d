//! One batch: many works in one transaction, with as few statements as it takes. Called by the
//! writer only.
//!
//! Invariant: each work is written whole or not at all, its timeline rows in the order in which the
//! works came. One that was done before (a second delivery, a second ending) is answered so and
//! leaves the others alone.

use std::sync::Arc;

use super::Inner;
use super::append::{Fact, Link};
use super::db::Tx;
use super::error::StoreError;
use super::ids::{DedupeId, InvocationId};
use super::invocations::{begun_with, end, insert};
use super::model::{Anchor, Begun, Ending, Kind, NewEntry};

/// Who ends an invocation, in the timeline.
const SELF: &str = "nova";

/// Something to write. What can be refused without asking the database has been.
pub(super) enum Work {
    /// Take on a command, and end it at once when its end is known.
    Take(Box<Take>),
    /// End a running command.
    End(InvocationId, End),
    /// Append one row to the timeline; the text is the entry's body.
    Append(Box<NewEntry>, Arc<str>),
}

pub(super) struct Take {
    pub(super) dedupe: DedupeId,
    /// Who did it: a person, or `platform:id` when none is known.
    pub(super) actor: Arc<str>,
    /// What the timeline says of it and, where it is known, of its end, as JSON.
    pub(super) body: Arc<str>,
    /// Its end, where it has ended.
    pub(super) end: Option<Ending>,
}

pub(super) struct End {
    pub(super) ending: Ending,
    /// What the timeline says of it, as JSON.
    pub(super) body: Arc<str>,
}

/// What became of a work.
pub(super) enum Done {
    /// A [`Work::Take`], and what was found.
    Begun(Begun),
    /// A [`Work::Append`], and where it stands.
    Appended { at_ms: i64, at: Anchor },
    /// Written, and there is nothing to say of it.
    Written,
}

pub(super) type Answer = Result<Done, StoreError>;

impl Inner {
    /// Writes everything but the commit. An answer that is an error is its own work's alone.
    pub(super) async fn fill(&self, works: &[Work]) -> Result<(Tx, Vec<Answer>), StoreError> {
        let mut tx = self.db.begin().await?;
        let now_ms = self.now_in(&mut tx).await?;
        let mut answers: Vec<Answer> = works.iter().map(|_| Ok(Done::Written)).collect();
        let (begun, head) = take(&mut tx, now_ms, works).await?;
        for (index, begun) in begun {
            answers[index] = Ok(Done::Begun(begun));
        }
        for (index, refusal) in end_all(&mut tx, works).await? {
            answers[index] = Err(refusal);
        }
        let (whose, facts): (Vec<usize>, Vec<_>) = facts(works, &answers).into_iter().unzip();
        let links = self.append_in(&mut tx, now_ms, &facts, head).await?;
        for (index, link) in whose.into_iter().zip(links) {
            if let Work::Append(..) = works[index] {
                let at = Anchor { seq: link.seq, hash: link.hash.to_string() };
                answers[index] = Ok(Done::Appended { at_ms: now_ms, at });
            }
        }
        Ok((tx, answers))
    }
}

/// Takes on what is new. Answers with the index and the finding of each [`Work::Take`], and with the
/// timeline's head as far as [`insert`] has read it.
async fn take(
    tx: &mut Tx,
    now_ms: i64,
    works: &[Work],
) -> Result<(Vec<(usize, Begun)>, Option<Link>), StoreError> {
    let new = works.iter().enumerate().filter_map(|(index, work)| match work {
        Work::Take(take) => Some((index, take.as_ref())),
        _ => None,
    });
    let ids = InvocationId::several(now_ms, works.len()).map_err(StoreError::other)?;
    let mut takes: Vec<_> = new.zip(ids).map(|((index, take), id)| (index, id, take)).collect();
    // Locked in one order by every process. Stable: of two deliveries here the first is the new one.
    takes.sort_by(|(_, _, a), (_, _, b)| a.dedupe.cmp(&b.dedupe));
    let mut ours = None;
    let (inserted, head) = insert(tx, now_ms, &takes).await?;
    if inserted < takes.len() as u64 {
        ours = Some(begun_with(tx, &takes).await?);
    }
    let mut begun = Vec::with_capacity(takes.len());
    for (index, id, take) in takes {
        let first = ours.as_ref().map(|ours| ours.get(take.dedupe.as_str()));
        let found = match first {
            Some(Some(first)) if *first != id => Begun::Duplicate(first.clone()),
            Some(None) => return Err(StoreError::corrupt("an invocation was removed")),
            _ => Begun::New(id),
        };
        begun.push((index, found));
    }
    Ok((begun, head))
}

/// Ends what runs. Answers with the index and the reason of each [`Work::End`] that cannot be.
async fn end_all(tx: &mut Tx, works: &[Work]) -> Result<Vec<(usize, StoreError)>, StoreError> {
    let ends = works.iter().enumerate().filter_map(|(index, work)| match work {
        Work::End(id, _) => Some((index, id)),
        _ => None,
    });
    let mut ends: Vec<_> = ends.collect();
    let mut ids: Vec<_> = ends.iter().map(|(_, id)| *id).collect();
    // Locked in one order by every process.
    ids.sort_unstable();
    ids.dedup();
    let mut ended = end(tx, &ids).await?;
    // Of several endings here the first is the one.
    ends.retain(|(_, id)| !ended.remove(id.as_str()));
    let refused = |(index, id): (usize, &InvocationId)| (index, StoreError::NotRunning(id.clone()));
    Ok(ends.into_iter().map(refused).collect())
}

/// The timeline's rows, each with its work's index: of what was not done before or refused.
fn facts(works: &[Work], answers: &[Answer]) -> Vec<(usize, Fact)> {
    let mut facts = Vec::with_capacity(works.len());
    for (index, (work, answer)) in works.iter().zip(answers).enumerate() {
        match (work, answer) {
            (Work::Take(take), Ok(Done::Begun(Begun::New(id)))) => {
                facts.push((index, taken(id, take)));
            }
            (Work::End(id, end), Ok(_)) => facts.push((index, ended(id, end))),
            (Work::Append(entry, body), _) => {
                facts.push((index, Fact::of(entry, Arc::clone(body))));
            }
            (Work::Take(_) | Work::End(..), _) => {}
        }
    }
    facts
}

/// One row says what was asked and, where that was at once, how it ended.
fn taken(id: &InvocationId, take: &Take) -> Fact {
    Fact {
        incident: None,
        kind: take.end.map_or(Kind::Invoked, Kind::from),
        invocation: Some(id.shared()),
        actor: Arc::clone(&take.actor),
        body: Arc::clone(&take.body),
    }
}

fn ended(id: &InvocationId, end: &End) -> Fact {
    Fact {
        incident: None,
        kind: end.ending.into(),
        invocation: Some(id.shared()),
        actor: SELF.into(),
        body: Arc::clone(&end.body),
    }
}
