//! What people do on a platform, in neutral words: type a command, press a button, send a form. An
//! adapter makes an [`Event`] of every authenticated input; the `bot` crate is its [`Inbox`].
//!
//! Invariant: an event says only what the platform vouches for. Texts in it are untrusted, ids are the
//! platform's, and nothing in it has been permitted yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use crate::chat::{Account, Conversation, MessageRef};
use crate::form::Form;
use crate::message::Message;
use crate::workspace::Profile;

/// Something a person did.
#[derive(Clone, Debug)]
pub struct Event {
    /// The same for every delivery of the same deed, however often and over whatever transport;
    /// starts with the platform's name.
    pub id: String,
    pub actor: Actor,
    /// Where it happened; a form or the home page has no place.
    pub place: Option<Conversation>,
    /// The channel's name, where the platform tells it.
    pub place_name: Option<String>,
    pub deed: Deed,
    /// What an answer to exactly this event may use.
    pub reply: Reply,
}

/// Who did it, as far as the event itself tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub account: Account,
    /// Surely belongs to another organisation (Slack Connect): never served. Of the others the platform
    /// is asked ([`crate::workspace::Workspace::profile`]).
    pub foreign: bool,
    /// What the event itself vouches for (Discord's `member`). Without it the platform is asked.
    pub profile: Option<Arc<Profile>>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A command line, without the command's own name.
    Command { line: String },
    /// A command that was filled in word by word: nothing in a word separates it.
    Chosen { words: Vec<String> },
    /// A command is being filled in: which values go on from `typed`, the last word, after `words`?
    Complete { words: Vec<String>, typed: String },
    /// A button or a select was used on `message`.
    Press { action: Press, message: Option<MessageRef> },
    /// A form was sent.
    Submit(Submission),
    /// "Add to incident" was chosen on a message.
    Quote(Quote),
    /// Somebody opened the bot's home page.
    Home,
    /// The bot was removed from `place`, or it was archived or deleted.
    Left,
    /// The token was revoked or the app removed.
    Revoked,
}

/// What a button or a select carries. Made by the adapter from [`crate::message::Action`] and read
/// back here: whoever can send a payload can send any of these, so they are checked like typed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// Runs this command line, as if typed.
    Run { line: String },
    /// Opens this form.
    Open { form: String, argument: String },
}

/// The fields of a form as they were filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// Which form: [`crate::form::Form::id`].
    pub form: String,
    /// [`crate::form::Form::argument`], which the platform keeps.
    pub argument: String,
    /// By field id; an optional field that was left empty is missing.
    pub fields: BTreeMap<String, String>,
}

/// A message that somebody points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub message: MessageRef,
    /// Who wrote it, if it was a person.
    pub author: Option<Account>,
    pub text: String,
}

/// What an answer to one event may use; each part is short-lived and a secret.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Answers this event wherever it happened, even where the bot is no member (Slack's
    /// `response_url`, Discord's interaction token).
    pub token: Option<SecretString>,
    /// Opens a form (Slack's `trigger_id`, 3 seconds); none where a form is an answer.
    pub trigger: Option<SecretString>,
}

/// The immediate answer to an event, inside the platform's deadline.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Ack {
    /// Received; whatever follows comes as a message.
    #[default]
    Received,
    /// Received a command whose answer follows as a message that everybody in the channel sees.
    Public,
    /// This message, to the person alone (`private`) or to the channel.
    Say { message: Box<Message>, private: bool },
    /// The form stays open with these errors, by field id.
    Wrong(BTreeMap<String, String>),
    /// This form, where an event has no [`Reply::trigger`] to open it by.
    Form(Box<Form>),
    /// What a [`Deed::Complete`] could be meant to become, the likeliest first.
    Choices(Vec<String>),
    /// Delivered before: whoever took it then answers it.
    Repeated,
    /// Nothing was recorded, and the platform should deliver it again.
    Again,
}

/// Takes events. Answers well inside three seconds and leaves everything longer to a task of its own.
pub trait Inbox: Send + Sync + 'static {
    fn take(&self, event: Event) -> BoxFuture<'_, Ack>;
}

/// Whom to tell something, and by which means.
#[derive(Clone, Debug)]
pub struct Origin {
    pub account: Account,
    pub place: Option<Conversation>,
    pub reply: Reply,
}

impl Origin {
    /// Whoever did this, where they did it.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            account: event.actor.account.clone(),
            place: event.place.clone(),
            reply: event.reply.clone(),
        }
    }
}

/// Says something that the answer itself cannot carry: to a click, with files, or too late.
pub trait Aside: Send + Sync + 'static {
    /// Says it to the person alone (`private`) or in the place of `to`. Whether it arrives is the
    /// implementor's care: nobody waits for it.
    fn say(&self, to: Origin, message: Message, private: bool) -> BoxFuture<'static, ()>;
}
