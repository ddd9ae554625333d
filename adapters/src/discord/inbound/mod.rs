//! Discord's interactions and gateway events to neutral events, for both transports: [`super::http`] and
//! [`super::gateway`] read with the same functions, hand over through the same [`Intake`] and answer
//! with the same [`Answer`].
//!
//! Invariant: every id in an event is a snowflake, every text is bounded, and what belongs to another
//! server or application never becomes an event. The structs here are our own and hold only what is
//! needed: twilight's models read every field of a message and of its author, and refuse the whole
//! interaction over one that they do not know.

mod answer;
mod events;
#[cfg(test)]
pub(super) mod fixtures;
mod ids;
mod intake;
mod interaction;
mod modal;
mod person;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use thiserror::Error;

use crate::chat::{Account, Conversation, Platform};
use crate::discord::commands::WordsError;
use crate::event::{Event, Origin};
use crate::menu::Menu;
use crate::message::Message;

pub use answer::{Answer, Route};
pub use events::dispatch;
pub use intake::{Discord, Intake};
pub use interaction::interaction;

pub(super) use interaction::address;

/// Longest text that is taken in, in bytes: longer than any that Discord sends.
const MAX_TEXT: usize = 64 * 1024;

/// Whom nova works for, and what it was registered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The application.
    pub application: String,
    /// The server; Discord's word for it is guild.
    pub guild: String,
    /// The tree under the bot's command: a filled-in command is read back by it.
    pub menu: Arc<Menu>,
}

/// What an authenticated payload turned out to be.
#[derive(Clone, Debug)]
pub enum Inbound {
    /// Something a person did, and how it can be answered.
    Event(Box<Event>, Route),
    /// Nothing to do.
    Ignored,
    /// Discord tests the address of the interactions.
    Ping,
    /// A button that asks first was pressed: this goes to the person alone, and nothing else is done.
    Question(Box<Message>),
}

/// Why a payload is not served.
#[derive(Clone, Debug, Error)]
pub enum Refusal {
    #[error("not what Discord sends: {0}")]
    Malformed(&'static str),
    #[error("it belongs to another server or application")]
    Elsewhere,
    #[error("nova does not know this action")]
    UnknownAction {
        from: Box<Origin>,
        route: Route,
        /// What is wrong with a filled-in command, in words for the person.
        why: Option<WordsError>,
    },
}

fn account(user: &str) -> Account {
    Account { platform: Platform::Discord, id: user.to_owned() }
}

/// A channel or a thread, which has an id of its own.
fn conversation(channel: &str) -> Conversation {
    Conversation { platform: Platform::Discord, id: channel.to_owned() }
}
