//! Incidents: read here, changed in `change.rs`. Called by the engine's incident commands.
//!
//! Invariant: what is done to an incident and its timeline row share one transaction, in which locks
//! are taken in the store's order: the invocation, the counter or the incident, the timeline's head
//! last.

mod change;
mod model;
mod rows;

use nova_adapters::chat::Conversation;
use serde_json::json;

use super::Store;
use super::db::{Pool, Tx, both};
use super::error::StoreError;
use super::ids::MAX_ID_BYTES;
use super::model::{Kind, NewEntry};
use super::text::clean;

use rows::{IncidentRow, NoteRow, platform_name};

pub use model::{
    Incident, IncidentChange, IncidentNote, IncidentNumber, IncidentRefusal, IncidentState,
    NotANumber, Stamp,
};

/// Who ends an invocation and who moves an incident, in the timeline.
const SELF: &str = "nova";

const PLACE: &str = "
    UPDATE incidents SET room_platform = $2, room = $3, card = $4, revision = revision + 1
    WHERE number = $1";
const BY_NUMBER: &str = rows::select!("WHERE number = $1");
const BY_NUMBER_LOCKED: &str = rows::select!("WHERE number = $1 FOR UPDATE");
const OPEN: &str = rows::select!(
    "WHERE resolved_ms IS NULL
     ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
         number
     LIMIT $1"
);
const LATEST_OF_ROOM: &str =
    rows::select!("WHERE room_platform = $1 AND room = $2 ORDER BY number DESC LIMIT 1");
const NOTES: &str = "
    SELECT at_ms, actor, body FROM timeline
    WHERE incident = $1 AND kind = 'note' ORDER BY seq DESC LIMIT $2";

impl Store {
    /// The most incidents that [`Self::open_incidents`] reads.
    pub const MAX_OPEN: u32 = 200;

    /// Says where an incident is talked about and which message there is its card. `None` keeps the
    /// card of the same room. Saying the same again changes nothing. `false`: there is no such incident.
    ///
    /// # Errors
    /// Any database error. It may be repeated after any of them.
    pub async fn place_incident(
        &self,
        number: IncidentNumber,
        room: &Conversation,
        card: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.bounded(async {
            let mut tx = self.0.db.begin().await?;
            let now_ms = self.0.now_in(&mut tx).await?;
            let Some(before) = locked(&mut tx, number).await? else {
                return Ok(false);
            };
            let room = Conversation { id: clean(&room.id, MAX_ID_BYTES), ..room.clone() };
            let moved = before.room.as_ref() != Some(&room);
            let shown = before.card.as_ref().filter(|_| !moved).map(|card| card.id.as_str());
            let card = card.map(|card| clean(card, MAX_ID_BYTES));
            let card = card.as_deref().or(shown);
            if !moved && card == shown {
                return Ok(true);
            }
            both!(Tx, &mut tx, tx => sqlx::query(PLACE)
                .bind(number.get())
                .bind(platform_name(room.platform))
                .bind(&room.id)
                .bind(card)
                .execute(&mut **tx)
                .await?
                .rows_affected());
            if moved {
                let body = json!({ "platform": platform_name(room.platform), "room": room.id });
                let entry = NewEntry {
                    incident: Some(number.id()),
                    kind: Kind::Moved,
                    invocation: None,
                    actor: SELF.to_owned(),
                    body,
                };
                self.0.append_entries(&mut tx, now_ms, &[entry]).await?;
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// The incident of this number, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a row that this program does not write, any database error.
    pub async fn incident(&self, number: IncidentNumber) -> Result<Option<Incident>, StoreError> {
        self.bounded(async {
            let row: Option<IncidentRow> =
                both!(Pool, &self.0.db.read, pool => sqlx::query_as(BY_NUMBER)
                    .bind(number.get())
                    .fetch_optional(pool)
                    .await?);
            row.map(IncidentRow::read).transpose()
        })
        .await
    }

    /// What is not resolved, worst first and then oldest first; the first [`Self::MAX_OPEN`] of it.
    /// Costs by how many are open, however many have been resolved.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a row that this program does not write, any database error.
    pub async fn open_incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.bounded(async {
            let rows: Vec<IncidentRow> = both!(Pool, &self.0.db.read, pool => sqlx::query_as(OPEN)
                    .bind(i64::from(Self::MAX_OPEN))
                    .fetch_all(pool)
                    .await?);
            rows.into_iter().map(IncidentRow::read).collect()
        })
        .await
    }

    /// The newest incident that this room was made for, resolved or not.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a row that this program does not write, any database error.
    pub async fn incident_of_room(
        &self,
        room: &Conversation,
    ) -> Result<Option<Incident>, StoreError> {
        self.bounded(async {
            let row: Option<IncidentRow> =
                both!(Pool, &self.0.db.read, pool => sqlx::query_as(LATEST_OF_ROOM)
                    .bind(platform_name(room.platform))
                    .bind(clean(&room.id, MAX_ID_BYTES))
                    .fetch_optional(pool)
                    .await?);
            row.map(IncidentRow::read).transpose()
        })
        .await
    }

    /// The last `limit` notes on an incident, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a row that this program does not write, any database error.
    pub async fn incident_notes(
        &self,
        number: IncidentNumber,
        limit: u32,
    ) -> Result<Vec<IncidentNote>, StoreError> {
        self.bounded(async {
            let rows: Vec<NoteRow> = both!(Pool, &self.0.db.read, pool => sqlx::query_as(NOTES)
                .bind(number.id().as_str())
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await?);
            rows.into_iter().map(NoteRow::read).collect()
        })
        .await
    }
}

/// The incident, so that nobody else changes it before this transaction ends.
async fn locked(tx: &mut Tx, number: IncidentNumber) -> Result<Option<Incident>, StoreError> {
    let row: Option<IncidentRow> = match tx {
        // BEGIN IMMEDIATE has locked everything already.
        Tx::Sqlite(tx) => {
            sqlx::query_as(BY_NUMBER).bind(number.get()).fetch_optional(&mut **tx).await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(BY_NUMBER_LOCKED).bind(number.get()).fetch_optional(&mut **tx).await?
        }
    };
    row.map(IncidentRow::read).transpose()
}
