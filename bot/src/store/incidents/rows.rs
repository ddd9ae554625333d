//! Rows of incidents, their rooms and their notes as the databases hold them. A row that this program does not
//! write is an error, never a guess.

use nova_adapters::chat::{Conversation, MessageRef, Platform};
use serde_json::Value;
use sqlx::FromRow;

use super::model::{Incident, IncidentNote, IncidentNumber, IncidentRoom, IncidentState, Stamp};
use crate::store::error::StoreError;
use crate::store::ids::PersonId;

/// The columns of [`IncidentRow`].
macro_rules! columns {
    () => {
        "number, severity, impact, state, declared_ms, declared_by, acknowledged_ms,
         acknowledged_by, resolved_ms, resolved_by, revision"
    };
}
pub(super) use columns;

/// A statement that reads incidents.
macro_rules! select {
    ($condition:literal) => {
        concat!("SELECT ", rows::columns!(), " FROM incidents ", $condition)
    };
}
pub(super) use select;

/// A statement that reads rooms.
macro_rules! rooms {
    ($condition:literal) => {
        concat!(
            "SELECT incident, platform, room, card, link FROM incident_rooms ",
            $condition,
            " ORDER BY platform"
        )
    };
}
pub(super) use rooms;

/// A statement that answers with the incidents that it wrote.
macro_rules! returning {
    ($statement:literal) => {
        concat!($statement, " RETURNING ", rows::columns!())
    };
}
pub(super) use returning;

/// An incident as the databases hold it.
#[derive(FromRow)]
pub(super) struct IncidentRow {
    pub(super) number: i64,
    severity: String,
    impact: String,
    state: String,
    declared_ms: i64,
    declared_by: String,
    acknowledged_ms: Option<i64>,
    acknowledged_by: Option<String>,
    resolved_ms: Option<i64>,
    resolved_by: Option<String>,
    revision: i64,
}

impl IncidentRow {
    /// With those of `rooms` that are its own.
    pub(super) fn read(self, rooms: &[RoomRow]) -> Result<Incident, StoreError> {
        let number = IncidentNumber(self.number);
        let corrupt = || StoreError::corrupt(format!("the row of {number}"));
        let stamp = |at_ms: Option<i64>, by: Option<String>| {
            at_ms.zip(by).map(|(at_ms, by)| Stamp { at_ms, by: PersonId::new(&by) })
        };
        let rooms = rooms.iter().filter(|room| room.incident == self.number);
        let rooms = rooms.map(|room| room.read().ok_or_else(corrupt));
        Ok(Incident {
            number,
            severity: self.severity.parse().map_err(|_| corrupt())?,
            impact: self.impact.into(),
            state: IncidentState::stored(&self.state).ok_or_else(corrupt)?,
            declared: Stamp { at_ms: self.declared_ms, by: PersonId::new(&self.declared_by) },
            acknowledged: stamp(self.acknowledged_ms, self.acknowledged_by),
            resolved: stamp(self.resolved_ms, self.resolved_by),
            rooms: rooms.collect::<Result<_, _>>()?,
            revision: self.revision,
        })
    }
}

/// A room as the databases hold it.
#[derive(FromRow)]
pub(super) struct RoomRow {
    incident: i64,
    platform: String,
    room: String,
    card: Option<String>,
    link: Option<String>,
}

impl RoomRow {
    fn read(&self) -> Option<IncidentRoom> {
        let place =
            Conversation { platform: platform_named(&self.platform)?, id: self.room.clone() };
        let card = |id: &String| MessageRef { conversation: place.clone(), id: id.clone() };
        Some(IncidentRoom { card: self.card.as_ref().map(card), link: self.link.clone(), place })
    }
}

/// A note's timeline row.
#[derive(FromRow)]
pub(super) struct NoteRow {
    at_ms: i64,
    actor: String,
    body: String,
}

impl NoteRow {
    pub(super) fn read(self) -> Result<IncidentNote, StoreError> {
        let body: Value = serde_json::from_str(&self.body)
            .map_err(|_| StoreError::corrupt("the timeline row of a note"))?;
        // A note that somebody else wrote may have no text; it is still a note.
        let text = body["text"].as_str().unwrap_or_default();
        Ok(IncidentNote {
            stamp: Stamp { at_ms: self.at_ms, by: PersonId::new(&self.actor) },
            text: text.into(),
        })
    }
}

/// The name that the database holds.
pub(super) fn platform_name(platform: Platform) -> &'static str {
    match platform {
        Platform::Console => "console",
        Platform::Web => "web",
        Platform::Slack => "slack",
        Platform::Discord => "discord",
    }
}

fn platform_named(name: &str) -> Option<Platform> {
    let all = [Platform::Console, Platform::Web, Platform::Slack, Platform::Discord];
    all.into_iter().find(|platform| platform_name(*platform) == name)
}
