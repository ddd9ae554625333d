//! Opens, takes, notes on and ends incidents.
//!
//! Invariant: the invocation that asks, what it does and the timeline rows of both share one
//! transaction: a crash neither loses a change nor does it twice.

use serde_json::json;

use super::SELF;
use super::model::{Incident, IncidentChange, IncidentNumber, IncidentRefusal, IncidentState};
use super::place::{locked, rooms};
use super::rows::{self, IncidentRow};
use crate::store::Store;
use crate::store::db::{Tx, both};
use crate::store::error::StoreError;
use crate::store::ids::{DedupeId, InvocationId, MAX_ID_BYTES, PersonId};
use crate::store::model::{Account, Kind, NewEntry, NewInvocation, Outcome};
use crate::store::text::clean;

/// The longest impact or note that is kept, in bytes.
const MAX_TEXT_BYTES: usize = 4 * 1024;
/// The longest command line that is kept, in bytes.
const MAX_COMMAND_BYTES: usize = 8 * 1024;
/// Begun and ended in one transaction, it never runs.
const TAKE_ON: &str = "
    INSERT INTO invocations (dedupe_id, id) VALUES ($1, $2) ON CONFLICT (dedupe_id) DO NOTHING";

const NEXT_NUMBER: &str =
    "UPDATE incident_counter SET last = last + 1 WHERE one = 1 RETURNING last";
const DECLARE: &str = rows::returning!(
    "INSERT INTO incidents
         (number, severity, impact, state, declared_ms, declared_by, revision)
     VALUES ($1, $2, $3, 'open', $4, $5, 1)"
);
const ACKNOWLEDGE: &str = rows::returning!(
    "UPDATE incidents SET state = 'acknowledged', acknowledged_ms = $2, acknowledged_by = $3,
         revision = revision + 1
     WHERE number = $1 AND state = 'open'"
);
const NOTE: &str =
    rows::returning!("UPDATE incidents SET revision = revision + 1 WHERE number = $1");
const RESOLVE: &str = rows::returning!(
    "UPDATE incidents SET state = 'resolved', resolved_ms = $2, resolved_by = $3,
         revision = revision + 1
     WHERE number = $1 AND resolved_ms IS NULL"
);
impl Store {
    /// Carries out `change` for the invocation `new`, which begins and ends in the same transaction.
    /// `answer` makes the answer and its outcome from what became of the change; a refusal is recorded
    /// like everything else. `None`: the invocation was delivered before, and nothing was written.
    ///
    /// # Errors
    /// Any database error; nothing was written then. [`StoreError::Unconfirmed`]: perhaps it was. The
    /// same invocation may be sent again after any of them.
    pub async fn change_incident<T>(
        &self,
        new: NewInvocation,
        change: &IncidentChange,
        answer: impl FnOnce(&Result<Incident, IncidentRefusal>) -> (T, Outcome),
    ) -> Result<Option<T>, StoreError> {
        let new = cleaned(new);
        self.bounded(async {
            let mut tx = self.0.db.begin().await?;
            let now_ms = self.0.now_in(&mut tx).await?;
            let Some(id) = take_on(&mut tx, now_ms, &new.dedupe).await? else {
                return Ok(None);
            };
            let author = Author::of(&new);
            let changed = apply(&mut tx, now_ms, &author.person, change).await?;
            let (answer, outcome) = answer(&changed);
            let mut entries = vec![author.invoked(&id, &new)];
            if let Ok(incident) = &changed {
                entries.push(author.did(&id, incident, change));
            }
            entries.push(ended(id, &outcome));
            self.0.append_entries(&mut tx, now_ms, &entries).await?;
            tx.commit().await.map_err(StoreError::unconfirmed)?;
            Ok(Some(answer))
        })
        .await
    }
}

/// Begins the invocation; `None` when it was begun before.
async fn take_on(
    tx: &mut Tx,
    now_ms: i64,
    dedupe: &DedupeId,
) -> Result<Option<InvocationId>, StoreError> {
    let id = InvocationId::generate(now_ms).map_err(StoreError::other)?;
    let inserted = both!(Tx, tx, tx => sqlx::query(TAKE_ON)
        .bind(dedupe.as_str())
        .bind(id.as_str())
        .execute(&mut **tx)
        .await?
        .rows_affected());
    Ok((inserted > 0).then_some(id))
}

/// The change itself; the outer error is the database's.
async fn apply(
    tx: &mut Tx,
    now_ms: i64,
    by: &PersonId,
    change: &IncidentChange,
) -> Result<Result<Incident, IncidentRefusal>, StoreError> {
    let (number, statement) = match change {
        IncidentChange::Declare { severity, impact } => {
            let number: i64 = both!(Tx, &mut *tx, tx => sqlx::query_scalar(NEXT_NUMBER)
                .fetch_optional(&mut **tx)
                .await?)
            .ok_or_else(|| StoreError::corrupt("the counter of incidents was removed"))?;
            let row: IncidentRow = both!(Tx, tx, tx => sqlx::query_as(DECLARE)
                .bind(number)
                .bind(severity.as_str())
                .bind(clean(impact, MAX_TEXT_BYTES))
                .bind(now_ms)
                .bind(by.as_str())
                .fetch_one(&mut **tx)
                .await?);
            return row.read(&[]).map(Ok);
        }
        IncidentChange::Note(number, _) => {
            let row: Option<IncidentRow> = both!(Tx, &mut *tx, tx => sqlx::query_as(NOTE)
                .bind(number.get())
                .fetch_optional(&mut **tx)
                .await?);
            let Some(row) = row else {
                return Ok(Err(IncidentRefusal::Unknown(*number)));
            };
            return row.read(&rooms(tx, *number).await?).map(Ok);
        }
        IncidentChange::Acknowledge(number) => (*number, ACKNOWLEDGE),
        IncidentChange::Resolve(number) => (*number, RESOLVE),
    };
    let row: Option<IncidentRow> = both!(Tx, &mut *tx, tx => sqlx::query_as(statement)
        .bind(number.get())
        .bind(now_ms)
        .bind(by.as_str())
        .fetch_optional(&mut **tx)
        .await?);
    match row {
        Some(row) => row.read(&rooms(tx, number).await?).map(Ok),
        None => Ok(Err(refusal(locked(tx, number).await?, number))),
    }
}

/// Why a change of state found nothing to change.
fn refusal(found: Option<Incident>, number: IncidentNumber) -> IncidentRefusal {
    match found {
        None => IncidentRefusal::Unknown(number),
        Some(incident) if incident.state == IncidentState::Resolved => {
            IncidentRefusal::Resolved(Box::new(incident))
        }
        Some(incident) => IncidentRefusal::Acknowledged(Box::new(incident)),
    }
}

fn cleaned(new: NewInvocation) -> NewInvocation {
    NewInvocation {
        account: Account {
            platform: clean(&new.account.platform, MAX_ID_BYTES),
            id: clean(&new.account.id, MAX_ID_BYTES),
        },
        conversation: clean(&new.conversation, MAX_ID_BYTES),
        command: clean(&new.command, MAX_COMMAND_BYTES),
        ..new
    }
}

/// Whoever asks, as the timeline names them.
struct Author {
    account: String,
    person: PersonId,
}

impl Author {
    fn of(new: &NewInvocation) -> Self {
        let account = format!("{}:{}", new.account.platform, new.account.id);
        let person = new.person.clone().unwrap_or_else(|| PersonId::new(&account));
        Self { account, person }
    }

    fn invoked(&self, id: &InvocationId, new: &NewInvocation) -> NewEntry {
        NewEntry {
            incident: None,
            kind: Kind::Invoked,
            invocation: Some(id.clone()),
            actor: self.person.as_str().to_owned(),
            body: json!({
                "account": self.account,
                "conversation": new.conversation,
                "command": new.command,
            }),
        }
    }

    fn did(&self, id: &InvocationId, incident: &Incident, change: &IncidentChange) -> NewEntry {
        let (kind, body) = match change {
            IncidentChange::Declare { severity, .. } => (
                Kind::Declared,
                json!({ "severity": severity.as_str(), "impact": incident.impact.raw() }),
            ),
            IncidentChange::Acknowledge(_) => (Kind::Acknowledged, json!({})),
            IncidentChange::Note(_, text) => {
                (Kind::Note, json!({ "text": clean(text, MAX_TEXT_BYTES) }))
            }
            IncidentChange::Resolve(_) => (Kind::Resolved, json!({})),
        };
        NewEntry {
            incident: Some(incident.number.id()),
            kind,
            invocation: Some(id.clone()),
            actor: self.person.as_str().to_owned(),
            body,
        }
    }
}

fn ended(id: InvocationId, outcome: &Outcome) -> NewEntry {
    NewEntry {
        incident: None,
        kind: outcome.ending.into(),
        invocation: Some(id),
        actor: SELF.to_owned(),
        body: json!({ "exit_status": outcome.exit_status, "detail": outcome.detail }),
    }
}
