//! What people do with messages, forms and the home page: buttons, selects, submissions, "add to
//! incident". JSON on both transports; over HTTP it stands in the form field `payload`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    Identity, Inbound, Origin, Refusal, Route, account, conversation, ids, place_name, present,
    reply,
};
use crate::chat::{Conversation, MessageRef};
use crate::event::{Actor, Deed, Event, Press, Quote, Submission};
use crate::slack::render;

/// The message shortcut that quotes a message; its `callback_id` in the app's manifest.
pub const ADD_TO_INCIDENT: &str = "add_to_incident";

/// Slack's limit of an action's id and of a form's, in characters.
const MAX_NAME: usize = 255;

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    name: Cow<'a, str>,
}

/// The payload of each kind that is served. Each has some of the optional fields.
#[derive(Deserialize)]
struct Interaction {
    api_app_id: Option<String>,
    team: Option<Named>,
    enterprise: Option<Named>,
    user: User,
    channel: Option<Named>,
    trigger_id: Option<String>,
    response_url: Option<String>,
    container: Option<Container>,
    message: Option<Message>,
    message_ts: Option<String>,
    view: Option<View>,
    #[serde(default)]
    actions: Vec<Action>,
    callback_id: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: Option<String>,
    team_id: Option<String>,
}

#[derive(Deserialize)]
struct Container {
    message_ts: Option<String>,
    channel_id: Option<String>,
    thread_ts: Option<String>,
    #[serde(default)]
    is_ephemeral: bool,
}

#[derive(Deserialize)]
struct Message {
    ts: Option<String>,
    thread_ts: Option<String>,
    user: Option<String>,
    bot_id: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    action_id: Option<String>,
    value: Option<String>,
    selected_option: Option<Chosen>,
}

#[derive(Deserialize)]
struct View {
    id: Option<String>,
    hash: Option<String>,
    callback_id: Option<String>,
    private_metadata: Option<String>,
    app_installed_team_id: Option<String>,
    state: Option<State>,
}

#[derive(Deserialize)]
struct State {
    /// By block, then by action.
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, Answered>>,
}

#[derive(Deserialize)]
struct Answered {
    value: Option<String>,
    selected_option: Option<Chosen>,
}

#[derive(Deserialize)]
struct Chosen {
    value: Option<String>,
}

/// Reads an interaction from its form.
///
/// # Errors
/// [`Refusal`], as [`interaction`].
pub fn interaction_form(body: &[u8], us: &Identity) -> Result<Inbound, Refusal> {
    let mut payload = None;
    for (key, value) in form_urlencoded::parse(body) {
        match &*key {
            "ssl_check" => return Ok(Inbound::Ignored),
            "payload" if payload.is_some() => {
                return Err(Refusal::Malformed("a field stands twice"));
            }
            "payload" => payload = Some(value),
            _ => {}
        }
    }
    let payload = payload.ok_or(Refusal::Malformed("there is no payload"))?;
    interaction(payload.as_bytes(), us)
}

/// Reads an interaction's JSON.
///
/// # Errors
/// [`Refusal`], for anything that is not an interaction in this workspace.
pub fn interaction(json: &[u8], us: &Identity) -> Result<Inbound, Refusal> {
    let not_json = |_| Refusal::Malformed("the payload is no interaction");
    let kind: Kind<'_> = serde_json::from_slice(json).map_err(not_json)?;
    let read = match &*kind.name {
        "block_actions" => Interaction::press,
        "view_submission" => Interaction::submit,
        "message_action" => Interaction::quote,
        // `view_closed`, suggestions, shortcuts that nova has none of.
        _ => return Ok(Inbound::Ignored),
    };
    let payload: Interaction = serde_json::from_slice(json).map_err(not_json)?;
    let from = payload.origin(us)?;
    read(&payload, from)
}

impl Interaction {
    /// Who did it and where, checked.
    fn origin(&self, us: &Identity) -> Result<From, Refusal> {
        let team = self.team.as_ref().and_then(|team| team.id.as_ref());
        // A form that a guest organisation filled in names where the app is installed.
        let installed = self.view.as_ref().and_then(|view| view.app_installed_team_id.as_ref());
        let team = ids::optional_id(installed.filter(|id| !id.is_empty()).or(team), "team")?;
        let enterprise = present(self.enterprise.as_ref().and_then(|named| named.id.as_ref()));
        let user = ids::id(self.user.id.as_ref(), "user")?;
        let trigger = ids::trigger(self.trigger_id.as_ref())?;
        let url = ids::url(self.response_url.as_ref())?;
        if !us.owns(present(self.api_app_id.as_ref()), team, enterprise) {
            return Err(Refusal::Elsewhere);
        }
        let channel = self.channel.as_ref();
        Ok(From {
            trigger: trigger.to_owned(),
            place_name: place_name(present(channel.and_then(|channel| channel.name.as_ref()))),
            actor: us.actor(user, present(self.user.team_id.as_ref())),
            place: self.place()?,
            reply: reply(url, Some(trigger)),
        })
    }

    /// The channel or thread of the message, where there is one.
    fn place(&self) -> Result<Option<Conversation>, Refusal> {
        let named = self.channel.as_ref().and_then(|channel| channel.id.as_ref());
        let contained = self.container.as_ref().and_then(|place| place.channel_id.as_ref());
        let channel = present(named).or(present(contained));
        let Some(channel) = ids::optional_id(channel.as_ref(), "channel")? else {
            return Ok(None);
        };
        let message = self.message.as_ref().and_then(|message| message.thread_ts.as_ref());
        let container = self.container.as_ref().and_then(|place| place.thread_ts.as_ref());
        let thread = present(message).or(present(container));
        let thread = ids::optional_ts(thread.as_ref(), "thread_ts")?;
        // The message that a thread hangs from names itself, and stands in the channel.
        let thread = thread.filter(|thread| self.ts() != Some(*thread));
        Ok(Some(conversation(channel, thread)))
    }

    fn ts(&self) -> Option<&str> {
        let contained = self.container.as_ref().and_then(|place| place.message_ts.as_ref());
        let carried = self.message.as_ref().and_then(|message| message.ts.as_ref());
        present(self.message_ts.as_ref()).or(present(contained)).or(present(carried))
    }

    /// The message itself; none of one that only the person sees, which cannot be updated by its id.
    fn message(&self, place: Option<&Conversation>) -> Result<Option<MessageRef>, Refusal> {
        let ephemeral = self.container.as_ref().is_some_and(|place| place.is_ephemeral);
        match (place, self.ts()) {
            (Some(place), Some(ts)) if !ephemeral => {
                let id = ids::ts(Some(&ts), "message_ts")?.to_owned();
                Ok(Some(MessageRef { conversation: place.clone(), id }))
            }
            _ => Ok(None),
        }
    }

    /// A button or a select. The id is the trigger's, which is made anew for each click, with the
    /// action's, since one payload may hold several. Slack tells of links that are followed, too; they
    /// carry nothing and want nothing.
    fn press(&self, from: From) -> Result<Inbound, Refusal> {
        let Some((action_id, action)) = self.actions.iter().find_map(Action::press) else {
            return if self.actions.iter().any(|action| action.carried().is_some()) {
                Err(Refusal::UnknownAction(Box::new(from.into())))
            } else {
                Ok(Inbound::Ignored)
            };
        };
        let id = format!("slack:act:{}:{action_id}", from.trigger);
        let message = self.message(from.place.as_ref())?;
        Ok(from.event(id, Deed::Press { action, message }, Route::Click))
    }

    /// A form that was sent. A trigger is made for each sending, so that a person who presses twice
    /// because the answer was lost would count twice; the form, its version and what was filled in
    /// make the id instead. The version alone would not do: it stays the same when a form comes back
    /// corrected.
    fn submit(&self, from: From) -> Result<Inbound, Refusal> {
        let view = self.view.as_ref().ok_or(Refusal::Malformed("view"))?;
        let id = ids::id(view.id.as_ref(), "view")?;
        let hash = ids::trigger(view.hash.as_ref()).map_err(|_| Refusal::Malformed("hash"))?;
        let form = present(view.callback_id.as_ref()).ok_or(Refusal::Malformed("callback_id"))?;
        let submission = Submission {
            form: named(form, "callback_id")?.to_owned(),
            argument: ids::text(view.private_metadata.as_deref().unwrap_or_default())?.to_owned(),
            fields: view.fields()?,
        };
        let id = format!("slack:view:{id}:{hash}:{}", digest(&submission.fields));
        let route = Route::Form { first: view.first() };
        Ok(from.event(id, Deed::Submit(submission), route))
    }

    /// "Add to incident" on a message. The id is the trigger's, as for a command.
    fn quote(&self, from: From) -> Result<Inbound, Refusal> {
        if self.callback_id.as_deref() != Some(ADD_TO_INCIDENT) {
            return Err(Refusal::UnknownAction(Box::new(from.into())));
        }
        let id = format!("slack:msg:{}", from.trigger);
        let at = self.message(from.place.as_ref())?.ok_or(Refusal::Malformed("message"))?;
        let message = self.message.as_ref().ok_or(Refusal::Malformed("message"))?;
        let author = match present(message.bot_id.as_ref()) {
            Some(_) => None,
            None => ids::optional_id(message.user.as_ref(), "author")?.map(account),
        };
        let text = ids::text(message.text.as_deref().unwrap_or_default())?.to_owned();
        Ok(from.event(id, Deed::Quote(Quote { message: at, author, text }), Route::Click))
    }
}

/// An [`Origin`] with what an event needs besides.
struct From {
    trigger: String,
    place_name: Option<String>,
    actor: Actor,
    place: Option<Conversation>,
    reply: crate::event::Reply,
}

impl From {
    fn event(self, id: String, deed: Deed, route: Route) -> Inbound {
        let Self { actor, place, place_name, reply, .. } = self;
        Inbound::Event(Box::new(Event { id, actor, place, place_name, deed, reply }), route)
    }
}

impl std::convert::From<From> for Origin {
    fn from(from: From) -> Self {
        Self { account: from.actor.account, place: from.place, reply: from.reply }
    }
}

impl Action {
    /// What the action asks for, when it is one of nova's.
    fn press(&self) -> Option<(&str, Press)> {
        let id = present(self.action_id.as_ref()).filter(|id| id.len() <= MAX_NAME)?;
        Some((id, render::press(id, self.carried())?))
    }

    /// A button's value, or that of a select's chosen option.
    fn carried(&self) -> Option<&str> {
        let chosen = self.selected_option.as_ref().and_then(|chosen| chosen.value.as_ref());
        present(self.value.as_ref()).or(present(chosen))
    }
}

impl View {
    /// What was filled in, by block: a block is one question and holds one action.
    fn fields(&self) -> Result<BTreeMap<String, String>, Refusal> {
        let blocks = self.state.iter().flat_map(|state| &state.values);
        let answers = blocks.filter_map(|(block, actions)| {
            let answer = actions.values().find_map(Answered::text)?;
            Some((block, answer))
        });
        answers
            .map(|(block, answer)| {
                Ok((named(block, "block_id")?.to_owned(), ids::text(answer)?.to_owned()))
            })
            .collect()
    }

    /// A block that an error about the whole form can stand under.
    fn first(&self) -> Option<String> {
        self.state.as_ref()?.values.keys().next().cloned()
    }
}

impl Answered {
    fn text(&self) -> Option<&str> {
        let chosen = self.selected_option.as_ref().and_then(|chosen| chosen.value.as_ref());
        present(self.value.as_ref()).or(present(chosen))
    }
}

fn named<'a>(text: &'a str, name: &'static str) -> Result<&'a str, Refusal> {
    if text.len() > MAX_NAME { Err(Refusal::Malformed(name)) } else { Ok(text) }
}

fn digest(fields: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for text in fields.iter().flat_map(|(name, value)| [name, value]) {
        // The lengths keep two fields apart from one that holds both.
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
