//! Where incidents are talked about: one room a platform, with the incident's card in it.
//!
//! Invariant: a room and its timeline row share one transaction. Called by whoever makes the rooms.

use nova_adapters::chat::Conversation;
use serde_json::json;

use super::model::{Incident, IncidentNumber, IncidentRoom};
use super::rows::{self, IncidentRow, RoomRow, platform_name};
use super::{ROOMS, SELF};
use crate::store::Store;
use crate::store::db::{Tx, both};
use crate::store::error::StoreError;
use crate::store::ids::MAX_ID_BYTES;
use crate::store::model::{Kind, NewEntry};
use crate::store::text::clean;

/// The longest web address that is kept, in bytes: what a link button of Discord takes. Half of one
/// leads nowhere.
const MAX_LINK_BYTES: usize = 512;

const PLACE: &str = "
    INSERT INTO incident_rooms (incident, platform, room, card, link) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (incident, platform)
    DO UPDATE SET room = excluded.room, card = excluded.card, link = excluded.link";
const REVISE: &str = "UPDATE incidents SET revision = revision + 1 WHERE number = $1";
const LOCKED: &str = rows::select!("WHERE number = $1 FOR UPDATE");

/// A message that is an incident's card.
#[derive(Clone, Copy, Debug)]
pub struct NewCard<'a> {
    /// Its id in the room.
    pub id: &'a str,
    /// Its web address.
    pub link: Option<&'a str>,
}

impl Store {
    /// Says where an incident is talked about on the room's platform, and which message there is its
    /// card. `None` keeps the card of the same room. Saying the same again changes nothing. `false`:
    /// there is no such incident.
    ///
    /// # Errors
    /// Any database error. It may be repeated after any of them.
    pub async fn place_incident(
        &self,
        number: IncidentNumber,
        room: &Conversation,
        card: Option<NewCard<'_>>,
    ) -> Result<bool, StoreError> {
        self.bounded(async {
            let mut tx = self.0.db.begin().await?;
            let now_ms = self.0.now_in(&mut tx).await?;
            let Some(incident) = locked(&mut tx, number).await? else {
                return Ok(false);
            };
            let room = Conversation { id: clean(&room.id, MAX_ID_BYTES), ..room.clone() };
            let before = incident.room_on(room.platform).filter(|before| before.place == room);
            let card_of =
                |room: &IncidentRoom| Some((room.card.as_ref()?.id.clone(), room.link.clone()));
            let shown = before.and_then(card_of);
            let wanted = card.map(|card| {
                let link = card.link.filter(|link| link.len() <= MAX_LINK_BYTES);
                (clean(card.id, MAX_ID_BYTES), link.map(|link| clean(link, MAX_LINK_BYTES)))
            });
            let wanted = wanted.or_else(|| shown.clone());
            let moved = before.is_none();
            if !moved && wanted == shown {
                return Ok(true);
            }
            let (card, link) = wanted.unzip();
            both!(Tx, &mut tx, tx => {
                sqlx::query(PLACE)
                    .bind(number.get())
                    .bind(platform_name(room.platform))
                    .bind(&room.id)
                    .bind(card)
                    .bind(link.flatten())
                    .execute(&mut **tx)
                    .await?;
                sqlx::query(REVISE).bind(number.get()).execute(&mut **tx).await?;
            });
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
}

/// The incident, so that nobody else changes it before this transaction ends.
pub(super) async fn locked(
    tx: &mut Tx,
    number: IncidentNumber,
) -> Result<Option<Incident>, StoreError> {
    let row: Option<IncidentRow> = match tx {
        // BEGIN IMMEDIATE has locked everything already.
        Tx::Sqlite(tx) => {
            sqlx::query_as(super::BY_NUMBER).bind(number.get()).fetch_optional(&mut **tx).await?
        }
        Tx::Postgres(tx) => {
            sqlx::query_as(LOCKED).bind(number.get()).fetch_optional(&mut **tx).await?
        }
    };
    let Some(row) = row else { return Ok(None) };
    row.read(&rooms(tx, number).await?).map(Some)
}

/// The rooms of one incident. Only who has the incident locked changes them.
pub(super) async fn rooms(tx: &mut Tx, number: IncidentNumber) -> Result<Vec<RoomRow>, StoreError> {
    Ok(both!(Tx, tx, tx => sqlx::query_as(ROOMS)
        .bind(number.get())
        .fetch_all(&mut **tx)
        .await?))
}
