//! One platform's rooms: brings the room and the card of one incident to its present state.
//!
//! Invariant: each step asks what stands there and does what is missing, so that it may be repeated
//! after a crash at any point. A room is on record before anything is done in it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef, Platform};
use nova_adapters::message::{Mark, Message};
use nova_adapters::workspace::Workspace;

use super::Rooms;
use super::marks::{Marks, Wanted};
use crate::store::{Incident, IncidentNumber, IncidentRoom, IncidentState, NewCard};
use crate::view::limits;

/// So often a card is drawn in a row because the incident changed meanwhile. What changes after that
/// has a mark of its own.
const ROUNDS: usize = 5;

/// The rooms on one platform.
pub(super) struct Venue {
    workspace: Arc<dyn Workspace>,
    /// A resolved incident's room is archived.
    archive: bool,
    marks: Mutex<Marks>,
}

impl Venue {
    pub(super) fn new(workspace: Arc<dyn Workspace>, archive: bool) -> Self {
        Self { workspace, archive, marks: Mutex::default() }
    }

    pub(super) fn platform(&self) -> Platform {
        self.workspace.platform()
    }

    pub(super) fn archives(&self) -> bool {
        self.archive
    }

    /// Marks an incident. Gives what a new worker has to begin with, when there has to be one.
    pub(super) fn mark(
        &self,
        number: IncidentNumber,
        wanted: Wanted,
    ) -> Option<(IncidentNumber, Wanted)> {
        let mut marks = self.marks();
        if !marks.set(number, wanted) {
            tracing::error!(incident = %number, "too many incidents at once: a card stays as it is");
        }
        marks.pick()
    }

    /// Looks after one incident after the other, until none is left.
    pub(super) async fn work(&self, rooms: &Arc<Rooms>, first: (IncidentNumber, Wanted)) {
        let mut next = Some(first);
        while let Some((number, wanted)) = next {
            let settling = AssertUnwindSafe(self.settle(rooms, number, &wanted)).catch_unwind();
            let fault = match settling.await {
                Ok(settled) => settled.err(),
                Err(panic) => Some(panicked(&*panic)),
            };
            if let Some(error) = fault {
                let platform = self.platform().word();
                tracing::error!(%error, platform, incident = %number, "a room is not as it should be");
            }
            let mut marks = self.marks();
            marks.done(number);
            next = marks.pick();
        }
    }

    async fn settle(
        &self,
        rooms: &Arc<Rooms>,
        number: IncidentNumber,
        wanted: &Wanted,
    ) -> anyhow::Result<()> {
        let mut shown = None;
        for _ in 0..ROUNDS {
            let incident = rooms.engine.incident(number).await?;
            if shown == Some(incident.revision) {
                break;
            }
            shown = Some(incident.revision);
            let room = match incident.room_on(self.platform()) {
                Some(room) => room.clone(),
                // Over before it had a room: nobody needs one.
                None if incident.state == IncidentState::Resolved => return Ok(()),
                None => match self.make(rooms, &incident, wanted).await? {
                    Some(room) => room,
                    None => return Ok(()),
                },
            };
            let drawn = self.draw(rooms, number, &room, wanted).await;
            match drawn {
                // Somebody may have deleted it: no reason to leave the room as it is.
                Err(error) if wanted.resolved => {
                    tracing::warn!(%error, incident = %number, "a card is not as it should be");
                    break;
                }
                drawn => drawn?,
            }
        }
        if wanted.resolved { self.end(rooms, number).await } else { Ok(()) }
    }

    /// Makes the room, with its topic and the people. `None`: the platform gives none.
    async fn make(
        &self,
        rooms: &Arc<Rooms>,
        incident: &Incident,
        wanted: &Wanted,
    ) -> anyhow::Result<Option<IncidentRoom>> {
        let number = incident.number;
        let name = format!("{number}-{}", impact(rooms, incident));
        let made = rooms.delivery.persist(|| self.workspace.create_room(&name, false)).await;
        let place = match made {
            Ok(place) => place,
            Err(error) => {
                let platform = self.platform().word();
                tracing::error!(%error, platform, incident = %number, "no channel for an incident");
                self.tell(rooms, number, wanted, &error).await;
                return Ok(None);
            }
        };
        // At once: what is typed in it is about this incident, and after a crash there is no second.
        place_incident(rooms, number, &place, None).await?;
        self.furnish(rooms, &place, incident, wanted).await;
        Ok(Some(IncidentRoom { place, card: None, link: None }))
    }

    /// Tells whoever declared it, where they did.
    async fn tell(
        &self,
        rooms: &Rooms,
        number: IncidentNumber,
        wanted: &Wanted,
        error: &ChatError,
    ) {
        let Some((_, place)) = &wanted.declared else { return };
        let venues = rooms.venues();
        let Some(there) = venues.iter().find(|venue| venue.platform() == place.platform) else {
            return;
        };
        let platform = self.platform().word();
        let told = format!("no channel could be made on {platform} for {number}: {error}");
        let told = rooms.delivery.post(&there.chat(), place, Message::new(Mark::Warn, told)).await;
        if let Err(error) = told {
            tracing::warn!(%error, incident = %number, "nobody was told that there is no channel");
        }
    }

    /// A topic and people, which are pleasant to have and nothing more.
    async fn furnish(
        &self,
        rooms: &Rooms,
        place: &Conversation,
        incident: &Incident,
        wanted: &Wanted,
    ) {
        let topic = topic(rooms, incident);
        let set = rooms.delivery.persist(|| self.workspace.set_topic(place, &topic)).await;
        if let Err(error) = set {
            tracing::warn!(%error, incident = %incident.number, "a channel has no topic");
        }
        let people = self.people(rooms, incident, wanted);
        if people.is_empty() {
            return;
        }
        if let Err(error) = rooms.delivery.persist(|| self.workspace.invite(place, &people)).await {
            tracing::warn!(%error, incident = %incident.number, "somebody could not be invited");
        }
    }

    /// The accounts here of the person who declared it.
    fn people(&self, rooms: &Rooms, incident: &Incident, wanted: &Wanted) -> Vec<String> {
        let mut accounts = rooms.people().accounts(incident.declared.by.as_str());
        accounts.extend(wanted.declared.as_ref().map(|(account, _)| account.clone()));
        let here = accounts.into_iter().filter(|account| account.platform == self.platform());
        let mut here: Vec<String> = here.map(|account| account.id).collect();
        here.sort_unstable();
        here.dedup();
        here
    }

    /// Draws the card, or posts the one that is missing.
    async fn draw(
        &self,
        rooms: &Arc<Rooms>,
        number: IncidentNumber,
        room: &IncidentRoom,
        wanted: &Wanted,
    ) -> anyhow::Result<()> {
        let drawn = rooms.engine.incident_card(number).await?;
        if let Some(card) = &room.card {
            rooms.delivery.update(&self.chat(), card, drawn.clone())?;
            match rooms.delivery.settled(card).await {
                // Nothing happened: nobody waits for a new one.
                Err(ChatError::Gone) if !wanted.changed => return Ok(()),
                Err(ChatError::Gone) => {}
                settled => return Ok(settled?),
            }
        }
        let card = rooms.delivery.post(&self.chat(), &room.place, drawn).await?;
        // When the room is gone or has removed nova, it stands in the fallback, as one message more.
        if card.conversation != room.place {
            return Ok(());
        }
        let link = rooms.delivery.persist(|| self.workspace.permalink(&card)).await;
        if let Err(error) = &link {
            tracing::warn!(%error, incident = %number, "a card has no address");
        }
        let shown = Some((&card, link.ok()));
        place_incident(rooms, number, &room.place, shown).await?;
        // The other platforms' cards lead here.
        rooms.mark(number, &Wanted::default(), |platform| platform != self.platform());
        if let Err(error) = rooms.delivery.persist(|| self.workspace.pin(&card)).await {
            tracing::warn!(%error, incident = %number, "a card could not be pinned");
        }
        Ok(())
    }

    /// Closes the room of an incident that is over.
    async fn end(&self, rooms: &Rooms, number: IncidentNumber) -> anyhow::Result<()> {
        let incident = rooms.engine.incident(number).await?;
        let Some(IncidentRoom { place, .. }) = incident.room_on(self.platform()) else {
            return Ok(());
        };
        let topic = topic(rooms, &incident);
        match rooms.delivery.persist(|| self.workspace.set_topic(place, &topic)).await {
            Ok(()) | Err(ChatError::Gone) => {}
            Err(error) => tracing::warn!(%error, incident = %number, "a channel has no topic"),
        }
        if self.archive {
            rooms.delivery.persist(|| self.workspace.archive(place)).await?;
        }
        Ok(())
    }

    fn chat(&self) -> Arc<dyn Chat> {
        Arc::clone(&self.workspace) as Arc<dyn Chat>
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn place_incident(
    rooms: &Rooms,
    number: IncidentNumber,
    place: &Conversation,
    card: Option<(&MessageRef, Option<String>)>,
) -> anyhow::Result<()> {
    let card = card.as_ref();
    let card = card.map(|(card, link)| NewCard { id: &card.id, link: link.as_deref() });
    Ok(rooms.engine.set_room(number, place, card).await?)
}

fn topic(rooms: &Rooms, incident: &Incident) -> String {
    let (number, severity, state) = (incident.number, incident.severity, incident.state.as_str());
    format!("{number} · {severity} · {state} · {}", impact(rooms, incident))
}

fn impact(rooms: &Rooms, incident: &Incident) -> String {
    rooms.engine.sanitiser.line(&incident.impact, limits::SUBJECT)
}

fn panicked(panic: &(dyn Any + Send)) -> anyhow::Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    anyhow::anyhow!("it panicked: {}", text.unwrap_or("no text"))
}
