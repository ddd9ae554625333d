//! Incidents: read here, changed in `change.rs`, given their rooms in `place.rs`. Called by the engine's incident commands.
//!
//! Invariant: what is done to an incident and its timeline row share one transaction, in which locks
//! are taken in the store's order: the invocation, the counter or the incident, the timeline's head
//! last.

mod change;
mod model;
mod place;
mod rows;

use nova_adapters::chat::Conversation;

use super::Store;
use super::db::{Pool, both};
use super::error::StoreError;
use super::ids::MAX_ID_BYTES;
use super::text::clean;

use rows::{IncidentRow, NoteRow, RoomRow, platform_name};

pub use model::{
    Incident, IncidentChange, IncidentNote, IncidentNumber, IncidentRefusal, IncidentRoom,
    IncidentState, NotANumber, Stamp,
};
pub use place::NewCard;

/// Who ends an invocation and who moves an incident, in the timeline.
const SELF: &str = "nova";

const BY_NUMBER: &str = rows::select!("WHERE number = $1");
const OPEN: &str = rows::select!(
    "WHERE resolved_ms IS NULL
     ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
         number
     LIMIT $1"
);
const LATEST_OF_ROOM: &str = rows::select!(
    "WHERE number = (SELECT max(incident) FROM incident_rooms WHERE platform = $1 AND room = $2)"
);
const ROOMS: &str = rows::rooms!("WHERE incident = $1");
const ROOMS_OF_OPEN: &str =
    rows::rooms!("WHERE incident IN (SELECT number FROM incidents WHERE resolved_ms IS NULL)");
const NOTES: &str = "
    SELECT at_ms, actor, body FROM timeline
    WHERE incident = $1 AND kind = 'note' ORDER BY seq DESC LIMIT $2";

impl Store {
    /// The most incidents that [`Self::open_incidents`] reads.
    pub const MAX_OPEN: u32 = 200;

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
            self.with_rooms(row).await
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
            let rooms: Vec<RoomRow> =
                both!(Pool, &self.0.db.read, pool => sqlx::query_as(ROOMS_OF_OPEN)
                    .fetch_all(pool)
                    .await?);
            rows.into_iter().map(|row| row.read(&rooms)).collect()
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
            self.with_rooms(row).await
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

    async fn with_rooms(&self, row: Option<IncidentRow>) -> Result<Option<Incident>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let rooms: Vec<RoomRow> = both!(Pool, &self.0.db.read, pool => sqlx::query_as(ROOMS)
            .bind(row.number)
            .fetch_all(pool)
            .await?);
        row.read(&rooms).map(Some)
    }
}
