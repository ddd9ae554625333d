//! What people do: the command, "Add to incident", buttons, selects, forms, completion. The same JSON
//! comes over HTTP and as `INTERACTION_CREATE` over the gateway
//! (docs.discord.com/developers/interactions/receiving-and-responding#interaction-object).

use std::borrow::Cow;
use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::modal::{self, Component};
use super::person::{Member, User};
use super::{Identity, Inbound, Refusal, Route, account, conversation, ids};
use crate::chat::{Conversation, MessageRef};
use crate::discord::commands::{self, WordsError};
use crate::discord::render;
use crate::event::{Deed, Event, Origin, Quote, Reply};

/// The flag of a message that one person sees.
const EPHEMERAL: u64 = 1 << 6;

/// An interaction of any kind, its details unread.
#[derive(Deserialize)]
struct Interaction<'a> {
    id: Option<&'a str>,
    application_id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: u64,
    guild_id: Option<&'a str>,
    channel_id: Option<&'a str>,
    channel: Option<Channel>,
    #[serde(borrow)]
    member: Option<Member<'a>>,
    #[serde(borrow)]
    user: Option<User<'a>>,
    #[serde(borrow, default)]
    token: Cow<'a, str>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Channel {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Message<'a> {
    id: Option<&'a str>,
    channel_id: Option<&'a str>,
    #[serde(default)]
    flags: u64,
    #[serde(borrow)]
    author: Option<User<'a>>,
    webhook_id: Option<&'a str>,
    /// Not borrowed: a message's text is long, and only a quote needs it.
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// A command that was filled in, is being filled in, or was chosen on a message.
#[derive(Deserialize)]
struct Command<'a> {
    #[serde(rename = "type", default)]
    kind: u64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    options: Vec<commands::Given>,
    target_id: Option<&'a str>,
    #[serde(borrow)]
    resolved: Option<Resolved<'a>>,
}

#[derive(Deserialize)]
struct Resolved<'a> {
    #[serde(borrow, default)]
    messages: BTreeMap<&'a str, Message<'a>>,
}

#[derive(Deserialize)]
struct Pressed {
    custom_id: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
struct Sent {
    custom_id: String,
    components: Vec<Component>,
}

/// Where an interaction is answered.
#[derive(Clone, Debug)]
pub(in crate::discord) struct Address {
    pub(in crate::discord) id: String,
    pub(in crate::discord) token: SecretString,
}

#[derive(Deserialize)]
struct Addressed<'a> {
    id: Option<&'a str>,
    #[serde(borrow)]
    token: Cow<'a, str>,
}

/// Where this interaction's JSON says it is answered; whatever else it holds may be wrong.
pub(in crate::discord) fn address(json: &[u8]) -> Option<Address> {
    let read: Addressed<'_> = serde_json::from_slice(json).ok()?;
    let id = ids::id(read.id, "id").ok()?.to_owned();
    Some(Address { id, token: ids::token(&read.token).ok()?.into() })
}

/// Reads an interaction's JSON.
///
/// # Errors
/// [`Refusal`], for anything that is not an interaction with this application in this server.
pub fn interaction(json: &[u8], us: &Identity) -> Result<Inbound, Refusal> {
    let read: Interaction<'_> = serde_json::from_slice(json)
        .map_err(|_| Refusal::Malformed("the body is no interaction"))?;
    if ids::id(read.application_id, "application_id")? != us.application {
        return Err(Refusal::Elsewhere);
    }
    let (deed, route): (Reader<'_>, Route) = match read.kind {
        1 => return Ok(Inbound::Ping),
        2 => (command, Route::Command),
        3 => (press, Route::Press),
        4 => (complete, Route::Complete),
        5 => (submit, Route::Form { on_message: read.message.is_some() }),
        _ => return Ok(Inbound::Ignored),
    };
    // In a direct conversation there is no server; whoever speaks there is asked for by the id.
    if ids::optional(read.guild_id, "guild_id")?.is_some_and(|guild| guild != us.guild) {
        return Err(Refusal::Elsewhere);
    }
    let id = ids::id(read.id, "id")?;
    let token = ids::token(&read.token)?;
    let reply = Reply { token: Some(format!("{id}:{token}").into()), trigger: None };
    let id = format!("discord:interaction:{id}");
    let place = conversation(ids::id(read.channel_id, "channel_id")?);
    let place_name = read.channel.and_then(|channel| channel.name);
    let actor = match (read.guild_id, read.member, read.user) {
        (Some(_), Some(member), _) => member.actor()?,
        (None, _, Some(user)) => user.actor()?,
        _ => return Err(Refusal::Malformed("member")),
    };
    let data = read.data.ok_or(Refusal::Malformed("data"))?;
    let deed = match deed(data.get(), read.message.as_ref(), us)? {
        Meant::Deed(deed) => deed,
        Meant::Question(message) => return Ok(Inbound::Question(Box::new(message))),
        Meant::Unknown(why) => {
            let origin = Origin { account: actor.account, place: Some(place), reply };
            return Err(Refusal::UnknownAction { from: Box::new(origin), route, why });
        }
    };
    let event = Event { id, actor, place: Some(place), place_name, deed, reply };
    Ok(Inbound::Event(Box::new(event), route))
}

/// What well-formed details mean.
enum Meant {
    Deed(Deed),
    Question(crate::message::Message),
    /// Nothing that nova knows; a filled-in command says why.
    Unknown(Option<WordsError>),
}

impl From<Option<Deed>> for Meant {
    fn from(deed: Option<Deed>) -> Self {
        deed.map_or(Self::Unknown(None), Self::Deed)
    }
}

impl From<Result<Deed, WordsError>> for Meant {
    fn from(deed: Result<Deed, WordsError>) -> Self {
        deed.map_or_else(|why| Self::Unknown(Some(why)), Self::Deed)
    }
}

/// Reads the details of one kind.
type Reader<'a> = fn(&'a str, Option<&Message<'a>>, &Identity) -> Result<Meant, Refusal>;

fn details<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(data).map_err(|_| Refusal::Malformed("data"))
}

fn command<'a>(data: &'a str, _: Option<&Message<'a>>, us: &Identity) -> Result<Meant, Refusal> {
    let command: Command<'_> = details(data)?;
    match command.kind {
        1 => match command.filled_in(us) {
            Ok(Deed::Complete { .. }) => {
                Err(Refusal::Malformed("a command that is being filled in"))
            }
            read => Ok(read.into()),
        },
        3 if command.name == commands::QUOTE => Ok(Meant::Deed(Deed::Quote(command.quote()?))),
        _ => Ok(Meant::Unknown(None)),
    }
}

fn complete<'a>(data: &'a str, _: Option<&Message<'a>>, us: &Identity) -> Result<Meant, Refusal> {
    let command: Command<'_> = details(data)?;
    Ok(command.filled_in(us).ok().filter(|deed| matches!(deed, Deed::Complete { .. })).into())
}

/// A button, or a select with what was chosen.
fn press<'a>(data: &'a str, message: Option<&Message<'a>>, _: &Identity) -> Result<Meant, Refusal> {
    let pressed: Pressed = details(data)?;
    let message = message.map(Message::stands).transpose()?.flatten();
    if let Some(question) = render::press::question(&pressed.custom_id) {
        return Ok(Meant::Question(question));
    }
    let action = render::press::read(&pressed.custom_id, &pressed.values);
    Ok(action.map(|action| Deed::Press { action, message }).into())
}

fn submit<'a>(data: &'a str, _: Option<&Message<'a>>, _: &Identity) -> Result<Meant, Refusal> {
    let sent: Sent = details(data)?;
    let fields = modal::fields(sent.components)?;
    Ok(render::form::read(&sent.custom_id, fields).map(Deed::Submit).into())
}

impl Command<'_> {
    /// What was filled in of the bot's own command.
    fn filled_in(&self, us: &Identity) -> Result<Deed, WordsError> {
        let ours = self.name == us.menu.name;
        if ours { commands::words(&us.menu, &self.options) } else { Err(WordsError::Unknown) }
    }

    /// The message that the command was chosen on.
    fn quote(&self) -> Result<Quote, Refusal> {
        let target = ids::id(self.target_id, "target_id")?;
        let messages = self.resolved.as_ref().map(|resolved| &resolved.messages);
        let message = messages.and_then(|messages| messages.get(target));
        let message = message.ok_or(Refusal::Malformed("resolved"))?;
        let at = MessageRef { conversation: message.channel()?, id: target.to_owned() };
        Ok(Quote { message: at, author: message.person()?, text: message.text()? })
    }
}

impl Message<'_> {
    fn channel(&self) -> Result<Conversation, Refusal> {
        Ok(conversation(ids::id(self.channel_id, "message.channel_id")?))
    }

    /// Where it stands; nowhere if only one person sees it, since it cannot be updated by its id then.
    fn stands(&self) -> Result<Option<MessageRef>, Refusal> {
        if self.flags & EPHEMERAL != 0 {
            return Ok(None);
        }
        let id = ids::id(self.id, "message.id")?.to_owned();
        Ok(Some(MessageRef { conversation: self.channel()?, id }))
    }

    /// The author, if it is a person.
    fn person(&self) -> Result<Option<crate::chat::Account>, Refusal> {
        match &self.author {
            Some(author) if !author.bot && self.webhook_id.is_none() => {
                Ok(Some(account(ids::id(author.id, "author")?)))
            }
            _ => Ok(None),
        }
    }

    fn text(&self) -> Result<String, Refusal> {
        let text: Option<String> = match self.content {
            Some(content) => details(content.get())?,
            None => None,
        };
        Ok(ids::text(&text.unwrap_or_default())?.to_owned())
    }
}
