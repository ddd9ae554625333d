//! What Slack and Discord offer beyond posting: people with roles, forms, a home page, rooms for
//! incidents, answers to one event.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use crate::chat::{Chat, ChatError, Conversation, MessageRef};
use crate::event::{Event, Reply};
use crate::form::Form;
use crate::message::Message;

/// A platform with people and rooms.
pub trait Workspace: Chat {
    /// Sends nothing any more until there is a new token: for whoever hears by an event that the present
    /// one was revoked.
    fn stop(&self, why: &str);

    /// Who an account is, as the platform knows it now; asked again after a few minutes.
    ///
    /// # Errors
    /// [`ChatError::Gone`] when there is no such account.
    fn profile<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Arc<Profile>, ChatError>>;

    /// A chat that answers exactly this event: in its channel, or by the event's own reply token where
    /// the bot is no member. The message it posts first is the one it updates.
    fn reply(&self, event: &Event) -> Arc<dyn Chat>;

    /// Says one thing as the answer to an event, to the person alone (`private`) or to all of `to`, by
    /// whatever the platform gives for it. Nothing updates it.
    ///
    /// # Errors
    /// [`ChatError::Gone`] when there is no way left to say it.
    fn answer<'a>(
        &'a self,
        to: &'a Conversation,
        account: &'a str,
        reply: &'a Reply,
        message: &'a Message,
        private: bool,
    ) -> BoxFuture<'a, Result<(), ChatError>>;

    /// Says something to one person in a channel.
    ///
    /// # Errors
    /// [`ChatError`].
    fn whisper<'a>(
        &'a self,
        to: &'a Conversation,
        account: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>>;

    /// Opens a form for whoever caused the event that `trigger` came with.
    ///
    /// # Errors
    /// [`ChatError::Gone`] when the trigger has expired.
    fn open_form<'a>(
        &'a self,
        trigger: &'a SecretString,
        form: &'a Form,
    ) -> BoxFuture<'a, Result<(), ChatError>>;

    /// Draws a person's home page.
    ///
    /// # Errors
    /// [`ChatError`].
    fn home<'a>(
        &'a self,
        account: &'a str,
        page: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>>;

    /// A web address of a message.
    ///
    /// # Errors
    /// [`ChatError::Gone`] when it is not there.
    fn permalink<'a>(&'a self, at: &'a MessageRef) -> BoxFuture<'a, Result<String, ChatError>>;

    /// Makes a channel. A name that is taken gets a number behind it.
    ///
    /// # Errors
    /// [`ChatError::Refused`] when the workspace does not allow it.
    fn create_room<'a>(
        &'a self,
        name: &'a str,
        private: bool,
    ) -> BoxFuture<'a, Result<Conversation, ChatError>>;

    /// What the channel's head says, cut to the platform's limit.
    ///
    /// # Errors
    /// [`ChatError`].
    fn set_topic<'a>(
        &'a self,
        room: &'a Conversation,
        topic: &'a str,
    ) -> BoxFuture<'a, Result<(), ChatError>>;

    /// Adds people. Who is there already is no error.
    ///
    /// # Errors
    /// [`ChatError`].
    fn invite<'a>(
        &'a self,
        room: &'a Conversation,
        accounts: &'a [String],
    ) -> BoxFuture<'a, Result<(), ChatError>>;

    /// Pins a message. Twice is no error.
    ///
    /// # Errors
    /// [`ChatError`].
    fn pin<'a>(&'a self, at: &'a MessageRef) -> BoxFuture<'a, Result<(), ChatError>>;

    /// Closes a channel for writing and keeps it for reading. Twice is no error.
    ///
    /// # Errors
    /// [`ChatError`].
    fn archive<'a>(&'a self, room: &'a Conversation) -> BoxFuture<'a, Result<(), ChatError>>;
}

/// Who an account is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The display name; untrusted.
    pub name: String,
    /// Only an address that the platform vouches for.
    pub email: Option<String>,
    pub standing: Standing,
    /// The IANA time zone, when known.
    pub time_zone: Option<String>,
    /// The groups (Slack user groups, Discord roles) it is in: ids and handles.
    pub groups: Vec<String>,
}

/// What an account is to the workspace. Only members are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Member,
    /// Invited to some channels only.
    Guest,
    /// Of another workspace (Slack Connect).
    Foreign,
    /// A program.
    Bot,
    /// Deactivated.
    Gone,
}
