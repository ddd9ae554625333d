//! Slack's payloads to neutral events, for both transports: [`super::http`] and [`super::socket`]
//! read with the same functions, hand over through the same [`Intake`] and answer with the same
//! [`Answer`].
//!
//! Invariant: every id in an [`Event`] has Slack's form, every text is bounded, and what belongs to
//! another workspace or app never becomes an event. The structs here are our own and hold only what is
//! needed: slack-morphism's models drop fields that decide whom to serve (`enterprise`, a user's team,
//! the authorisations of an event), and refuse whole payloads over containers that they do not know.

mod answer;
mod command;
mod events;
#[cfg(test)]
pub(in crate::slack) mod fixtures;
mod ids;
mod intake;
mod interaction;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::chat::{Account, Conversation, Platform};
use crate::event::{Actor, Event, Origin, Reply};

pub use answer::{Answer, Route};
pub use command::{command, command_json};
pub use events::event;
pub use intake::{Intake, Slack};
pub use interaction::{ADD_TO_INCIDENT, interaction, interaction_form};

/// Longest text that is taken in, in bytes: longer than any that Slack sends.
const MAX_TEXT: usize = 64 * 1024;

/// Whom nova works for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The workspace, `T…`.
    pub team: String,
    /// The organisation that the workspace belongs to, `E…`.
    pub enterprise: Option<String>,
    /// The app, `A…`; not checked where it is not known.
    pub app: Option<String>,
    /// nova's own user, `U…`.
    pub bot_user: String,
}

/// What an authenticated payload turned out to be.
#[derive(Clone, Debug)]
pub enum Inbound {
    /// Something a person did, and how it can be answered.
    Event(Box<Event>, Route),
    /// Nothing to do: another kind of payload, somebody else left a channel.
    Ignored,
    /// Slack tests the address of the events; this text goes back.
    Challenge(String),
}

/// Why a payload is not served.
#[derive(Clone, Debug, Error)]
pub enum Refusal {
    #[error("not what Slack sends: {0}")]
    Malformed(&'static str),
    #[error("it belongs to another workspace or app")]
    Elsewhere,
    #[error("nova does not know this action")]
    UnknownAction(Box<Origin>),
}

impl Identity {
    /// Whether a payload is addressed to this workspace. An app that is installed for a whole
    /// organisation gets payloads that name only the organisation.
    fn owns(&self, app: Option<&str>, team: Option<&str>, enterprise: Option<&str>) -> bool {
        let same_app = match (self.app.as_deref(), app) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        let same_team = match team {
            Some(team) => team == self.team,
            None => enterprise.is_some() && enterprise == self.enterprise.as_deref(),
        };
        same_app && same_team
    }

    /// A user, who is foreign when the payload gives a team that cannot be ours. In an organisation it
    /// may give the workspace that the account was made in, whose people may have been added to ours.
    fn actor(&self, user: &str, team: Option<&str>) -> Actor {
        let foreign = |team: &str| match self.enterprise.as_deref() {
            None => team != self.team,
            Some(ours) => team.starts_with('E') && team != ours,
        };
        Actor { account: account(user), foreign: team.is_some_and(foreign), profile: None }
    }
}

fn account(user: &str) -> Account {
    Account { platform: Platform::Slack, id: user.to_owned() }
}

/// A channel, or the thread that stands under the message `thread` in it.
fn conversation(channel: &str, thread: Option<&str>) -> Conversation {
    let id = match thread {
        Some(thread) => format!("{channel}/{thread}"),
        None => channel.to_owned(),
    };
    Conversation { platform: Platform::Slack, id }
}

/// The means of an answer. Whether the URL is Slack's is checked by the client that uses it.
fn reply(response_url: Option<&str>, trigger: Option<&str>) -> Reply {
    Reply { token: response_url.map(Into::into), trigger: trigger.map(Into::into) }
}

/// A channel's name; Slack says only what it is where that has none.
fn place_name(name: Option<&str>) -> Option<String> {
    name.filter(|name| !matches!(*name, "directmessage" | "privategroup")).map(ToOwned::to_owned)
}

/// The text, where it is there and not empty: a form has empty fields where JSON has none.
fn present<T: AsRef<str>>(text: Option<&T>) -> Option<&str> {
    text.map(AsRef::as_ref).filter(|text| !text.is_empty())
}
