//! What a platform has to offer so that the conversations can be played on it: people do things, the
//! test looks at what they see, and things go wrong. One implementation a platform, over its stand-in
//! in the sandbox; a terminal is a [`Driver`] and no [`ChatDriver`].
//!
//! Invariant: neutral. A scenario names people, channels and labels; ids, formats and methods are the
//! driver's. What the platform itself would not show, or would call late, is a panic here.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use nova::config::Config;
use nova_commands::platform::Secrets;

use super::serving::Serving;

/// Where lines can be typed.
pub(crate) trait Driver: Any {
    /// The word before the names of its snapshots.
    fn name(&self) -> &'static str;

    /// The rest of it, where there is more than a terminal has.
    fn chat(&self) -> Option<&dyn ChatDriver>;

    /// Its part of the configuration: `[[people]]` with ana, who is an operator; in chat `member_roles`
    /// is the last line.
    fn section(&self) -> String;

    /// What the configuration refers to. `BOT` is the present token.
    fn secrets(&self) -> HashMap<String, String>;

    /// Starts nova and waits until people can reach it.
    fn start<'a>(
        &'a self,
        config: &'a Config,
        secrets: &'a Secrets,
    ) -> LocalBoxFuture<'a, Option<Serving>>;

    /// What `user` does, as it is now; it is sent when it is delivered, however often.
    fn does<'a>(&'a self, user: &'a str, deed: Deed<'a>) -> Delivery<'a>;

    /// What everybody sees in a channel, oldest first.
    fn messages(&self, channel: &str) -> Vec<Shown>;

    /// Waits until `look` is true, looking again at whatever happens on the platform; at most ten
    /// seconds.
    fn until<'a>(
        &'a self,
        awaited: &'a str,
        look: &'a mut dyn FnMut() -> bool,
    ) -> LocalBoxFuture<'a, anyhow::Result<()>>;

    /// Holds everything that nova sent against the platform's rules, after nova has ended.
    fn judge(&self);
}

/// A chat platform: channels, forms, and calls that can fail.
pub(crate) trait ChatDriver: Driver {
    /// The platform's id of a person or a channel.
    fn id(&self, name: &str) -> String;

    /// How the address of a channel's messages begins.
    fn link(&self, channel: &str) -> String;

    /// People who are not served, and where they try; nova has said nothing in any of these channels.
    fn outsiders(&self) -> &'static [(&'static str, &'static str)];

    /// A person writes a message, which nova hears nothing of. Returns its id.
    fn writes(&self, user: &str, channel: &str, text: &str) -> String;

    /// What `user` alone sees in a channel, oldest first.
    fn whispers(&self, channel: &str, user: &str) -> Vec<Shown>;

    /// The direct messages between nova and `user`, oldest first.
    fn direct(&self, user: &str) -> Vec<Shown>;

    /// The overview as it was last drawn for `user`; its id is another one each time.
    fn home(&self, user: &str) -> Option<Shown>;

    /// The id of the form that `user` sees.
    fn form(&self, user: &str) -> Option<String>;

    /// Whether a form that was filled in wrongly stays open.
    fn keeps_wrong_forms(&self) -> bool;

    /// The channels' names, whatever became of them.
    fn rooms(&self) -> Vec<String>;

    fn room(&self, channel: &str) -> Room;

    /// The contents of every file that was shared.
    fn files(&self) -> Vec<Vec<u8>>;

    /// Lets the next calls of this kind fail, with a channel only those in it.
    fn fault(&self, call: Call, channel: Option<&str>, times: u32, fault: Fault);

    /// Ends every fault and lets go what hangs.
    fn clear_faults(&self);

    /// The calls that nova made, oldest first.
    fn sent(&self) -> Vec<Sent>;

    /// Gives nova's bot a new token, which is returned, and revokes the old one.
    fn rotate_token(&self) -> String;
}

/// Something that a person does.
#[derive(Clone, Copy)]
pub(crate) enum Deed<'a> {
    /// `/nova LINE`
    Types { channel: &'a str, line: &'a str },
    /// Presses the button with this label.
    Presses { on: &'a Shown, label: &'a str },
    /// Claims to have pressed that button.
    Forges { on: &'a Shown, label: &'a str, forgery: Forgery<'a> },
    /// Asks for the overview.
    OpensHome,
    /// Fills the form in that they see, by the ids of its questions, and sends it.
    Submits { fields: &'a [(&'a str, &'a str)] },
    /// Chooses "Add to incident" on a message.
    Quotes { channel: &'a str, message: &'a str },
    /// Archives or deletes a channel.
    Closes { channel: &'a str },
    /// Takes nova out of a channel.
    Removes { channel: &'a str },
}

/// What a forged press carries in place of what its button does.
#[derive(Clone, Copy)]
pub(crate) enum Forgery<'a> {
    /// What no nova ever put on a button.
    Unknown,
    /// Running this line.
    Line(&'a str),
}

/// A deed on its way.
pub(crate) struct Delivery<'a>(Box<dyn Fn() -> LocalBoxFuture<'a, Said> + 'a>);

impl<'a> Delivery<'a> {
    pub(crate) fn new(send: impl Fn() -> LocalBoxFuture<'a, Said> + 'a) -> Self {
        Self(Box::new(send))
    }

    /// Sends it, perhaps not for the first time.
    pub(crate) async fn deliver(&self) -> Said {
        (self.0)().await
    }
}

/// What the acknowledgement itself showed, read aloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Received. What follows comes as a message, or a form opens.
    Nothing,
    /// To everybody in the channel; empty when only the command is shown and its answer follows.
    Publicly(String),
    /// To the person alone.
    Privately(String),
    /// What is wrong in a form, by the ids of its questions.
    Wrong(BTreeMap<String, String>),
}

/// Something that people see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The channel's name; `None` for a page of its own.
    pub(crate) channel: Option<String>,
    pub(crate) id: String,
    /// Read aloud: every text in its order, and buttons as `[label](handle)`.
    pub(crate) text: String,
    /// What a notification shows of it.
    pub(crate) notice: String,
    pub(crate) buttons: Vec<Button>,
    pub(crate) edits: u32,
    pub(crate) by_bot: bool,
}

impl Shown {
    /// What the platform knows the button with this label by.
    pub(crate) fn handle(&self, label: &str) -> &str {
        let found = self.buttons.iter().find(|button| button.label == label);
        &found.unwrap_or_else(|| panic!("{label} in {}", self.text)).handle
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Button {
    pub(crate) label: String,
    pub(crate) handle: String,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) topic: String,
    /// Ids of those who were put into it.
    pub(crate) members: Vec<String>,
    pub(crate) pins: usize,
    /// Archived or deleted.
    pub(crate) closed: bool,
}

/// What nova asks of a platform, as far as scenarios care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Shows a new answer in a channel.
    Post,
    Update,
    /// Says something to one person in a channel.
    Whisper,
    /// Answers an event by what came with it.
    Reply,
    /// Looks whether a message is there.
    Find,
    SetTopic,
    /// Asks who nova is.
    Identify,
}

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Refused for its rate, to be repeated after this pause.
    TooMany(Duration),
    /// Refused for its rate in the platform's other way.
    Limited,
    Status(u16),
    /// The platform's own word for an error of its own.
    Internal,
    /// The channel or the message is not there any more.
    Gone,
    /// Nothing is done, and the connection is cut.
    Drop,
    /// It is done, and the connection is cut.
    LoseReply,
    /// It is done, and the answer is cut in the middle.
    Truncated,
    /// Nothing is done, and nothing answered until faults are cleared.
    Hang,
}

/// A call that nova made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) call: Option<Call>,
    /// It shows people something.
    pub(crate) shows: bool,
    pub(crate) token: Token,
}

/// What the platform thinks of a call's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Accepted,
    Revoked,
    /// It was never given out.
    Unknown,
}
