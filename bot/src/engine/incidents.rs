//! The incident commands and the home page: finds the incident that is meant, reads or changes it, and answers. Called
//! for a typed command and, with an [`Order`] instead of a line, for a form.
//!
//! Invariant: without the store there is no incident command. A change is recorded with the
//! invocation that asked for it or not done at all.

use std::time::Instant;

use jiff::Timestamp;
use nova_adapters::chat::Conversation;
use nova_adapters::message::{Mark, Message};
use nova_commands::command::UserError;
use nova_commands::incident::{Order, SEVERITIES};
use nova_commands::text::Untrusted;
use tokio::time::timeout;

use super::invoke::{PATIENCE, Said, outcome, taken_on};
use super::{Answer, Engine, Invocation, Speaker, Taken};
use crate::store::{
    Incident, IncidentChange, IncidentNumber, IncidentRefusal, IncidentState, NewCard, Stamp,
    Store, StoreError,
};
use crate::view::incident::NOTES;
use crate::view::{self, IncidentView, limits};

/// The longest impact and note, in characters.
const IMPACT: usize = 1_000;
const NOTE: usize = 3_000;
/// The longest name of an incident that is worth repeating, in characters.
const NAME: usize = 40;
/// So many incidents are named when it is not clear which one is meant.
const NAMED: usize = 5;

/// Why there is nothing to say about the incidents.
#[derive(Debug, thiserror::Error)]
pub enum IncidentError {
    /// There is none, or not in time.
    #[error("incidents need the store: {0}")]
    Store(String),
    /// No such incident.
    #[error("there is no {0}; `incident list` shows the open ones")]
    Unknown(IncidentNumber),
}

impl From<StoreError> for IncidentError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// What an answer did to an incident: a room to make, a card to draw again, home pages to refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    pub number: IncidentNumber,
    pub what: Change,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Declared,
    Acknowledged,
    Noted,
    Resolved,
}

/// What became of an order.
pub(super) enum Ordered {
    /// To be drawn and recorded like any other answer.
    Said(Said),
    /// Recorded together with its change.
    Answered(Box<Answer>),
    Duplicate,
}

impl From<UserError> for Ordered {
    fn from(wrong: UserError) -> Self {
        Self::Said(Said::Refused(wrong))
    }
}

impl From<IncidentError> for UserError {
    fn from(error: IncidentError) -> Self {
        Self::new(error.to_string())
    }
}

impl Engine {
    /// Carries out an order that came without a line, such as a form's: authorised as the speaker and
    /// recorded, as if it had been typed. The line of `invocation` is only what the timeline shows.
    pub async fn order(&self, invocation: &Invocation, order: Order) -> Taken {
        let start = Instant::now();
        match self.permitted(&invocation.speaker, order.command()) {
            Ok(()) => self.carry_out_order(invocation, order, start).await,
            Err(wrong) => self.say(invocation, Said::Refused(wrong), start).await,
        }
    }

    /// Whether `speaker` may give `order`, for what shows or offers something before it is ordered.
    ///
    /// # Errors
    /// Why not, in words for the person.
    pub fn may(&self, speaker: &Speaker, order: &Order) -> Result<(), String> {
        let wrong = |UserError(text)| self.sanitiser.line(&text, limits::HEADLINE);
        self.permitted(speaker, order.command()).map_err(wrong)
    }

    /// Carries out a permitted order.
    pub(super) async fn carry_out_order(
        &self,
        invocation: &Invocation,
        order: Order,
        start: Instant,
    ) -> Taken {
        let ordered = Box::pin(self.ordered(invocation, order, start)).await;
        match ordered.unwrap_or_else(Ordered::from) {
            Ordered::Said(said) => self.say(invocation, said, start).await,
            Ordered::Answered(answer) => Taken::Answered(answer),
            Ordered::Duplicate => Taken::Duplicate,
        }
    }

    /// What is not resolved, worst first and then oldest first; at most [`Store::MAX_OPEN`].
    ///
    /// # Errors
    /// [`IncidentError::Store`].
    pub async fn open_incidents(&self) -> Result<Vec<Incident>, IncidentError> {
        let store = self.incident_store()?;
        in_time(store.open_incidents()).await
    }

    /// One incident.
    ///
    /// # Errors
    /// [`IncidentError`].
    pub async fn incident(&self, number: IncidentNumber) -> Result<Incident, IncidentError> {
        let found = in_time(self.incident_store()?.incident(number)).await?;
        found.ok_or(IncidentError::Unknown(number))
    }

    /// An incident's card, drawn from its state. Draw it again after each [`Changed`].
    ///
    /// # Errors
    /// [`IncidentError`]: there is nothing to draw, and a card that stands somewhere stays as it is.
    pub async fn incident_card(&self, number: IncidentNumber) -> Result<Message, IncidentError> {
        let incident = self.incident(number).await?;
        let notes = in_time(self.incident_store()?.incident_notes(number, NOTES)).await?;
        Ok(self.incident_view().card(&incident, &notes))
    }

    /// The home page of `speaker`: what is open, or why they do not see it.
    pub async fn home(&self, speaker: &Speaker) -> Message {
        let open = match self.may(speaker, &Order::List) {
            Err(told) => Message::new(Mark::Info, told),
            Ok(()) => match self.open_incidents().await {
                Ok(open) => self.incident_view().list(&open),
                Err(error) => {
                    tracing::error!(%error, "the open incidents cannot be read");
                    Message::new(Mark::NoData, "the open incidents cannot be read just now")
                }
            },
        };
        view::home(speaker, open, &self.sanitiser)
    }

    /// Whether this room's incident is over. A room of none is of none that goes on.
    ///
    /// # Errors
    /// [`IncidentError::Store`].
    pub async fn room_is_over(&self, room: &Conversation) -> Result<bool, IncidentError> {
        let found = in_time(self.incident_store()?.incident_of_room(room)).await?;
        Ok(found.is_some_and(|incident| incident.state == IncidentState::Resolved))
    }

    /// Says which conversation an incident has for itself on a platform, and which message in it is its
    /// card. May be repeated. `None` leaves the card that it has there.
    ///
    /// # Errors
    /// [`IncidentError`].
    pub async fn set_room(
        &self,
        number: IncidentNumber,
        room: &Conversation,
        card: Option<NewCard<'_>>,
    ) -> Result<(), IncidentError> {
        let store = self.incident_store()?;
        match in_time(store.place_incident(number, room, card)).await? {
            true => Ok(()),
            false => Err(IncidentError::Unknown(number)),
        }
    }

    async fn ordered(
        &self,
        here: &Invocation,
        order: Order,
        start: Instant,
    ) -> Result<Ordered, UserError> {
        let change = match order {
            Order::List => {
                let list = self.incident_view().list(&self.open_incidents().await?);
                return Ok(Ordered::Said(Said::Message(list)));
            }
            Order::Home => return Ok(Ordered::Said(Said::Message(self.home(&here.speaker).await))),
            Order::Show { incident } => {
                let number = self.meant(here, incident, "show").await?;
                return Ok(Ordered::Said(Said::Message(self.incident_card(number).await?)));
            }
            Order::Declare { severity, impact } => self.declaration(&severity, &impact)?,
            Order::Acknowledge { incident } => {
                IncidentChange::Acknowledge(self.meant(here, incident, "ack").await?)
            }
            Order::Note { incident, text } => {
                let text = worded(&self.sanitiser.block(&text, NOTE), "say what to note")?;
                IncidentChange::Note(self.meant(here, incident, "note --incident").await?, text)
            }
            Order::Resolve { incident } => {
                IncidentChange::Resolve(self.meant(here, incident, "resolve").await?)
            }
        };
        self.change_incident(here, &change, start).await
    }

    fn declaration(&self, severity: &str, impact: &Untrusted) -> Result<IncidentChange, UserError> {
        let severity = severity.parse().map_err(|_| {
            let choices = SEVERITIES.join("`, `");
            UserError::new(format!("`{severity}` is no severity: use one of `{choices}`"))
        })?;
        let impact = worded(&self.sanitiser.line(impact, IMPACT), "say what does not work")?;
        Ok(IncidentChange::Declare { severity, impact })
    }

    /// The incident that is meant: the named one, else the one whose room this is, else the only open
    /// one. `verb` is for saying how to name it.
    async fn meant(
        &self,
        here: &Invocation,
        named: Option<String>,
        verb: &str,
    ) -> Result<IncidentNumber, UserError> {
        if let Some(named) = named {
            // What is pasted often carries marks that nobody sees.
            let named = self.sanitiser.line(&named.into(), NAME);
            let wrong = |_| UserError::new(format!("`{named}` is no incident: write INC-7 or 7"));
            return named.parse().map_err(wrong);
        }
        let open = self.open_incidents().await?;
        let room = room(here);
        let in_room: Vec<_> = open.iter().filter(|one| is_in(one, &room)).collect();
        if in_room.is_empty() {
            // A room stays its incident's when that is over.
            let store = self.incident_store()?;
            if let Some(over) = in_time(store.incident_of_room(&room)).await? {
                return Ok(over.number);
            }
        }
        let candidates = if in_room.is_empty() { open.iter().collect() } else { in_room };
        match candidates[..] {
            [] => Err(UserError::new(
                "there is no open incident; `incident declare SEVERITY IMPACT` opens one",
            )),
            [one] => Ok(one.number),
            [first, ..] => {
                Err(self.which(&candidates, &format!("incident {verb} {}", first.number)))
            }
        }
    }

    fn which(&self, candidates: &[&Incident], example: &str) -> UserError {
        let view = self.incident_view();
        let named: Vec<String> = candidates.iter().take(NAMED).map(|one| view.brief(one)).collect();
        let more = match candidates.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        UserError::new(format!("which one, as in `{example}`? {}{more}", named.join("; ")))
    }

    /// Writes a change together with its invocation, and answers.
    async fn change_incident(
        &self,
        invocation: &Invocation,
        change: &IncidentChange,
        start: Instant,
    ) -> Result<Ordered, UserError> {
        let line = self.kept_line(&invocation.line.text());
        let new = taken_on(invocation, line.clone());
        let store = self.incident_store()?;
        let answer = |result: &Result<Incident, IncidentRefusal>| {
            let said = match result {
                Ok(incident) => Said::Message(self.changed(incident, change)),
                Err(refusal) => Said::Refused(self.refused(refusal)),
            };
            let mut answer = self.drawn(said, &line, start.elapsed());
            answer.incident =
                result.as_ref().ok().map(|incident| Changed::by(change, incident.number));
            let outcome = outcome(&answer);
            (answer, outcome)
        };
        // Not recorded: if it was done, it stands on the timeline with its answer.
        let unsure = |reason: &str| {
            let said = Said::Refused(perhaps_done(reason));
            Ordered::Answered(Box::new(self.drawn(said, &line, start.elapsed())))
        };
        let writing = Box::pin(store.change_incident(new, change, answer));
        match timeout(PATIENCE, writing).await {
            Ok(Ok(Some(answer))) => Ok(Ordered::Answered(Box::new(answer))),
            Ok(Ok(None)) => Ok(Ordered::Duplicate),
            Ok(Err(error @ StoreError::Unconfirmed { .. })) => Ok(unsure(&error.to_string())),
            Ok(Err(error)) => Err(UserError::new(format!("nothing was changed: {error}"))),
            Err(_) => Ok(unsure(&late())),
        }
    }

    fn changed(&self, incident: &Incident, change: &IncidentChange) -> Message {
        let view = self.incident_view();
        match change {
            IncidentChange::Declare { .. } => view.card(incident, &[]),
            IncidentChange::Acknowledge(_) => view.acknowledged(incident),
            IncidentChange::Note(_, text) => view.noted(incident, &text.as_str().into()),
            IncidentChange::Resolve(_) => view.resolved(incident),
        }
    }

    fn refused(&self, refusal: &IncidentRefusal) -> UserError {
        let view = self.incident_view();
        let since = |stamp: &Option<Stamp>| {
            stamp.as_ref().map(|stamp| format!(" by {}", view.stamp(stamp))).unwrap_or_default()
        };
        match refusal {
            IncidentRefusal::Unknown(number) => IncidentError::Unknown(*number).into(),
            IncidentRefusal::Acknowledged(incident) => UserError::new(format!(
                "{} was already acknowledged{}",
                incident.number,
                since(&incident.acknowledged)
            )),
            IncidentRefusal::Resolved(incident) => UserError::new(format!(
                "{} was already resolved{}; declare another one if it is back",
                incident.number,
                since(&incident.resolved)
            )),
        }
    }

    fn incident_view(&self) -> IncidentView<'_> {
        IncidentView { sanitiser: &self.sanitiser, now: Timestamp::now() }
    }

    fn incident_store(&self) -> Result<&Store, IncidentError> {
        self.store.as_ref().map_err(|error| IncidentError::Store(format!("{error:#}")))
    }
}

impl Changed {
    fn by(change: &IncidentChange, number: IncidentNumber) -> Self {
        let what = match change {
            IncidentChange::Declare { .. } => Change::Declared,
            IncidentChange::Acknowledge(_) => Change::Acknowledged,
            IncidentChange::Note(..) => Change::Noted,
            IncidentChange::Resolve(_) => Change::Resolved,
        };
        Self { number, what }
    }
}

fn is_in(incident: &Incident, room: &Conversation) -> bool {
    incident.rooms.iter().any(|one| one.place == *room)
}

/// The conversation as a room: a thread belongs to its channel.
fn room(here: &Invocation) -> Conversation {
    let id = here.conversation.split('/').next().unwrap_or_default();
    Conversation { platform: here.speaker.account.platform, id: id.to_owned() }
}

/// Text of which something is left to read; `wanted` says what to do when there is not.
fn worded(text: &str, wanted: &str) -> Result<String, UserError> {
    match text.trim() {
        "" => Err(UserError::new(wanted)),
        trimmed => Ok(trimmed.to_owned()),
    }
}

/// The change may have been written after all.
fn perhaps_done(reason: &str) -> UserError {
    UserError::new(format!("it may have been done or not: look with `incident list` ({reason})"))
}

fn late() -> String {
    format!("the store did not answer within {} s", PATIENCE.as_secs())
}

async fn in_time<T>(
    reading: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, IncidentError> {
    match timeout(PATIENCE, Box::pin(reading)).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(IncidentError::Store(late())),
    }
}
