//! Rows of incidents and their notes as the databases hold them. A row that this program does not
//! write is an error, never a guess.

use nova_adapters::chat::{Conversation, MessageRef, Platform};
use serde_json::Value;
use sqlx::FromRow;

use super::model::{Incident, IncidentNote, IncidentNumber, IncidentState, Stamp};
use crate::store::error::StoreError;
use crate::store::ids::PersonId;

/// The columns of [`IncidentRow`].
macro_rules! columns {
    () => {
        "number, severity, impact, state, declared_ms, declared_by, acknowledged_ms,
         acknowledged_by, resolved_ms, resolved_by, room_platform, room, card, revision"
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
    number: i64,
    severity: String,
    impact: String,
    state: String,
    declared_ms: i64,
    declared_by: String,
    acknowledged_ms: Option<i64>,
    acknowledged_by: Option<String>,
    resolved_ms: Option<i64>,
    resolved_by: Option<String>,
    room_platform: Option<String>,
    room: Option<String>,
    card: Option<String>,
    revision: i64,
}

impl IncidentRow {
    pub(super) fn read(self) -> Result<Incident, StoreError> {
        let number = IncidentNumber(self.number);
        let corrupt = || StoreError::corrupt(format!("the row of {number}"));
        let stamp = |at_ms: Option<i64>, by: Option<String>| {
            at_ms.zip(by).map(|(at_ms, by)| Stamp { at_ms, by: PersonId::new(&by) })
        };
        let room = match self.room_platform.zip(self.room) {
            Some((platform, id)) => {
                Some(Conversation { platform: platform_named(&platform).ok_or_else(corrupt)?, id })
            }
            None => None,
        };
        let card = |conversation: &Conversation| {
            self.card.map(|id| MessageRef { conversation: conversation.clone(), id })
        };
        Ok(Incident {
            number,
            severity: self.severity.parse().map_err(|_| corrupt())?,
            impact: self.impact.into(),
            state: IncidentState::stored(&self.state).ok_or_else(corrupt)?,
            declared: Stamp { at_ms: self.declared_ms, by: PersonId::new(&self.declared_by) },
            acknowledged: stamp(self.acknowledged_ms, self.acknowledged_by),
            resolved: stamp(self.resolved_ms, self.resolved_by),
            card: room.as_ref().and_then(card),
            room,
            revision: self.revision,
        })
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
