//! An incident's room: made when it is declared, its card pinned there and kept current.
//!
//! Invariant: the room is a convenience. When the platform does not give one, the incident is there
//! all the same and its card stands where it was declared.

use std::sync::Arc;

use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef};
use nova_adapters::event::Event;
use nova_adapters::message::{Mark, Message};
use nova_adapters::workspace::Workspace;
use tokio::sync::Mutex;

use super::ChatInbox;
use super::deeds::direct;
use crate::delivery::Delivery;
use crate::engine::{Answer, Change, Engine};
use crate::store::{Incident, IncidentNumber, IncidentState};
use crate::view::limits;

impl ChatInbox {
    /// What follows from a change of an incident, in a task of its own.
    pub(super) fn follow_up(&self, answer: &Answer, event: &Event) {
        let Some(change) = &answer.incident else { return };
        let rooms = Rooms {
            engine: Arc::clone(&self.engine),
            workspace: Arc::clone(&self.workspace),
            delivery: self.delivery.clone(),
            archive: self.archive_resolved,
            replacing: Arc::clone(&self.replacing),
        };
        let (number, what) = (change.number, change.what);
        let (declarer, place) = (event.actor.account.id.clone(), direct(event));
        self.tasks.spawn(async move {
            let done = match what {
                Change::Declared => rooms.make(number, declarer, place).await,
                Change::Resolved => rooms.resolved(number).await,
                Change::Acknowledged | Change::Noted => rooms.redraw(number).await,
            };
            if let Err(error) = done {
                tracing::error!(%error, incident = %number, "an incident's room is not as it should be");
            }
        });
    }
}

struct Rooms {
    engine: Arc<Engine>,
    workspace: Arc<dyn Workspace>,
    delivery: Delivery,
    /// A resolved incident's room is archived.
    archive: bool,
    replacing: Arc<Mutex<()>>,
}

impl Rooms {
    /// Makes the room, with its topic, the declarer and the card, pinned.
    async fn make(
        &self,
        number: IncidentNumber,
        declarer: String,
        place: Conversation,
    ) -> anyhow::Result<()> {
        let incident = self.engine.incident(number).await?;
        let name = format!("{number}-{}", self.impact(&incident));
        let chat = self.chat();
        let room = match self.workspace.create_room(&name, false).await {
            Ok(room) => room,
            Err(error) => {
                tracing::error!(%error, incident = %number, "no channel for an incident");
                let told = format!("no channel could be made for {number}: {error}");
                self.delivery.post(&chat, &place, Message::new(Mark::Warn, told)).await?;
                return Ok(());
            }
        };
        self.furnish(&room, &incident, declarer).await;
        let card = self.engine.incident_card(number).await?;
        let card = self.delivery.post(&chat, &room, card).await;
        // The room is the incident's also without a card: what is typed in it is about this one.
        self.engine.set_room(number, &room, card.as_ref().ok()).await?;
        let card = card?;
        if let Err(error) = self.workspace.pin(&card).await {
            tracing::warn!(%error, incident = %number, "a card could not be pinned");
        }
        // It may have changed while its card was on the way, when there was no room to close.
        let now = self.engine.incident(number).await?;
        match now.state {
            IncidentState::Resolved => self.resolved(number).await,
            _ if now.revision > incident.revision => self.redraw(number).await,
            _ => Ok(()),
        }
    }

    /// A topic and people, which are pleasant to have and nothing more.
    async fn furnish(&self, room: &Conversation, incident: &Incident, declarer: String) {
        let topic = self.topic(incident);
        if let Err(error) = self.workspace.set_topic(room, &topic).await {
            tracing::warn!(%error, incident = %incident.number, "a channel has no topic");
        }
        if let Err(error) = self.workspace.invite(room, &[declarer]).await {
            tracing::warn!(%error, incident = %incident.number, "somebody could not be invited");
        }
    }

    /// Draws the card anew.
    async fn redraw(&self, number: IncidentNumber) -> anyhow::Result<()> {
        let incident = self.engine.incident(number).await?;
        if let Some(card) = &incident.card {
            self.delivery.update(&self.chat(), card, self.engine.incident_card(number).await?)?;
            match self.delivery.settled(card).await {
                Err(ChatError::Gone) => self.replace(number, card).await?,
                settled => settled?,
            }
        }
        Ok(())
    }

    /// Posts the card anew in the place of one that is gone. When that is because its channel was
    /// archived or has removed nova, delivery has another place for it.
    async fn replace(&self, number: IncidentNumber, gone: &MessageRef) -> anyhow::Result<()> {
        // One at a time: of two changes that find the card gone, the second finds the new one.
        let _turn = self.replacing.lock().await;
        let incident = self.engine.incident(number).await?;
        let (chat, drawn) = (self.chat(), self.engine.incident_card(number).await?);
        match &incident.card {
            Some(card) if card != gone => {
                self.delivery.update(&chat, card, drawn)?;
                self.delivery.settled(card).await?;
            }
            _ => {
                let card = self.delivery.post(&chat, &gone.conversation, drawn).await?;
                if card.conversation == gone.conversation {
                    self.engine.set_room(number, &card.conversation, Some(&card)).await?;
                }
            }
        }
        Ok(())
    }

    async fn resolved(&self, number: IncidentNumber) -> anyhow::Result<()> {
        // Somebody may have deleted it: no reason to leave the room as it is.
        if let Err(error) = self.redraw(number).await {
            tracing::warn!(%error, incident = %number, "a card is not as it should be");
        }
        let incident = self.engine.incident(number).await?;
        let Some(room) = &incident.room else { return Ok(()) };
        match self.workspace.set_topic(room, &self.topic(&incident)).await {
            Ok(()) | Err(ChatError::Gone) => {}
            Err(error) => tracing::warn!(%error, incident = %number, "a channel has no topic"),
        }
        if self.archive {
            self.workspace.archive(room).await?;
        }
        Ok(())
    }

    fn topic(&self, incident: &Incident) -> String {
        let (number, severity, state) =
            (incident.number, incident.severity, incident.state.as_str());
        format!("{number} · {severity} · {state} · {}", self.impact(incident))
    }

    fn impact(&self, incident: &Incident) -> String {
        self.engine.sanitiser.line(&incident.impact, limits::SUBJECT)
    }

    fn chat(&self) -> Arc<dyn Chat> {
        Arc::clone(&self.workspace) as Arc<dyn Chat>
    }
}
