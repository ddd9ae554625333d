//! Interactions from their delivery to the end of their token: the first response within three seconds,
//! whether it comes as a call or as the body of an HTTP answer, and messages for fifteen minutes after.
//! Invariant: one interaction is answered once. Source:
//! docs.discord.com/developers/interactions/receiving-and-responding. Called by the deliveries and the
//! methods.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use super::channel::Message;
use super::limits::{self, Place};
use super::modals::{self, Modal};
use super::multipart::Upload;
use super::refusal::Refusal;
use super::state::State;
use super::{posts, shown};

pub(super) const PING: u64 = 1;
pub(super) const COMMAND: u64 = 2;
pub(super) const COMPONENT: u64 = 3;
pub(super) const COMPLETION: u64 = 4;
pub(super) const SUBMISSION: u64 = 5;

/// How long a token counts.
pub(super) const TOKEN: Duration = Duration::from_secs(15 * 60);

/// How many interactions are remembered; the oldest are dropped.
const KEPT: usize = 10_000;

/// One interaction.
#[derive(Debug, Clone)]
pub(super) struct Interaction {
    pub(super) payload: Value,
    /// The interaction that opened the form, for one that sends it.
    opener: Option<String>,
    /// By the server's clock.
    delivered: Duration,
    pub(super) responded: bool,
    /// Responses that were tried, and that no delivery has taken for its own.
    pub(super) tries: VecDeque<Tried>,
    /// How often it was delivered.
    pub(super) deliveries: usize,
    /// The message that `@original` means.
    original: Option<String>,
    /// Messages after the first.
    followups: Vec<String>,
}

/// A response that was tried.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tried {
    pub(super) response: Value,
    pub(super) refused: Option<Refusal>,
}

impl Interaction {
    fn kind(&self) -> u64 {
        self.payload["type"].as_u64().unwrap_or_default()
    }

    fn text(&self, key: &str) -> &str {
        self.payload[key].as_str().unwrap_or_default()
    }

    /// Who did it.
    fn user(&self) -> &str {
        let member = &self.payload["member"]["user"]["id"];
        member.as_str().or(self.payload["user"]["id"].as_str()).unwrap_or_default()
    }

    /// The message whose control was used, also to open a form.
    fn source(&self) -> Option<&str> {
        self.payload["message"]["id"].as_str()
    }
}

#[derive(Debug, Default)]
pub(super) struct Interactions {
    by_id: BTreeMap<String, Interaction>,
}

impl Interactions {
    /// A delivery begins, perhaps of what was delivered before.
    pub(super) fn begin(&mut self, payload: &Value, opener: Option<String>, now: Duration) {
        let id = payload["id"].as_str().unwrap_or_default().to_owned();
        let one = self.by_id.entry(id).or_insert_with(|| Interaction {
            payload: payload.clone(),
            opener,
            delivered: now,
            responded: false,
            tries: VecDeque::new(),
            deliveries: 0,
            original: None,
            followups: Vec::new(),
        });
        one.deliveries += 1;
        while self.by_id.len() > KEPT {
            self.by_id.pop_first();
        }
    }

    /// How often it was delivered.
    pub(super) fn deliveries(&self, id: &str) -> usize {
        self.by_id.get(id).map_or(0, |one| one.deliveries)
    }

    /// The next response that no delivery has taken.
    pub(super) fn next(&mut self, id: &str) -> Option<Tried> {
        self.by_id.get_mut(id)?.tries.pop_front()
    }

    /// The channel that a token leads to.
    pub(super) fn channel(&self, token: &str) -> Option<String> {
        let found = self.by_id.values().find(|one| one.text("token") == token)?;
        Some(found.text("channel_id").to_owned())
    }

    pub(super) fn get(&self, id: &str) -> Option<&Interaction> {
        self.by_id.get(id)
    }

    /// What was delivered, oldest first.
    pub(super) fn payloads(&self) -> impl Iterator<Item = &Value> {
        self.by_id.values().map(|one| &one.payload)
    }

    /// The interaction of a token that still counts.
    ///
    /// # Errors
    /// 50027 for a token that is over or none, 10015 when the first response is still missing.
    pub(super) fn by_token(
        &self,
        application: &str,
        token: &str,
        now: Duration,
    ) -> Result<&Interaction, Refusal> {
        let invalid = || Refusal::new(401, 50027, "Invalid Webhook Token");
        let mut all = self.by_id.values();
        let found = all.find(|one| one.text("token") == token).ok_or_else(invalid)?;
        if found.text("application_id") != application || now >= found.delivered + TOKEN {
            return Err(invalid());
        }
        if !found.responded {
            return Err(Refusal::new(404, 10015, "Unknown Webhook"));
        }
        Ok(found)
    }
}

/// The first response. Gives what `with_response` asks for.
///
/// # Errors
/// 10062 for an interaction that is not there, or that has waited too long; 40060 for one that was
/// answered; whatever the response itself is refused for.
pub(super) fn respond(
    state: &mut State,
    id: &str,
    token: &str,
    response: &Value,
    files: &[Upload],
) -> Result<Value, Refusal> {
    let known = state.interactions.get(id).filter(|one| one.text("token") == token);
    let one = known.cloned().ok_or_else(Refusal::unknown_interaction)?;
    let answered = answer(state, &one, response, files);
    let stored = state.interactions.by_id.get_mut(id);
    let stored = stored.ok_or_else(Refusal::unknown_interaction)?;
    let refused = answered.as_ref().err().cloned();
    stored.tries.push_back(Tried { response: response.clone(), refused });
    let resource = answered?;
    stored.responded = true;
    stored.original = resource["message"]["id"].as_str().map(str::to_owned);
    // A deferred change is of the message that was clicked.
    if response["type"].as_u64() == Some(6) {
        stored.original = one.source().map(str::to_owned);
    }
    let message = &resource["message"];
    let mut callback =
        json!({ "id": id, "type": one.kind(), "channel_id": one.payload["channel_id"] });
    if !message.is_null() {
        let flags = message["flags"].as_u64().unwrap_or_default();
        callback["response_message_id"] = message["id"].clone();
        callback["response_message_loading"] = json!(flags & Message::LOADING != 0);
        callback["response_message_ephemeral"] = json!(flags & Message::EPHEMERAL != 0);
    }
    let mut told = json!({ "interaction": callback });
    // Of other responses the published schema has none.
    if matches!(response["type"].as_u64(), Some(4 | 7)) {
        told["resource"] = resource;
    }
    Ok(told)
}

fn answer(
    state: &mut State,
    one: &Interaction,
    response: &Value,
    files: &[Upload],
) -> Result<Value, Refusal> {
    if one.responded {
        let message = "Interaction has already been acknowledged.";
        return Err(Refusal::new(400, 40060, message));
    }
    if state.now > one.delivered + state.deadline {
        return Err(Refusal::unknown_interaction());
    }
    let kind = response["type"].as_u64().unwrap_or_default();
    let from_message = one.kind() == COMPONENT || one.source().is_some();
    let fits = match kind {
        1 => one.kind() == PING,
        4 | 5 => matches!(one.kind(), COMMAND | COMPONENT | SUBMISSION),
        6 | 7 => from_message && matches!(one.kind(), COMPONENT | SUBMISSION),
        8 => one.kind() == COMPLETION,
        9 => matches!(one.kind(), COMMAND | COMPONENT),
        _ => false,
    };
    if !fits {
        let message = format!("Type {kind} does not answer an interaction of type {}.", one.kind());
        return Err(Refusal::field("type", "INTERACTION_RESPONSE_TYPE_INVALID", &message));
    }
    let data = &response["data"];
    let mut resource = json!({ "type": kind });
    match kind {
        4 => {
            limits::message(data, files, Place::Interaction).map_err(Refusal::in_data)?;
            let message = posts::create(state, data, files, base(state, one, data))?;
            resource["message"] = shown::message(state, &message);
        }
        5 => {
            let flags = data["flags"].as_u64().unwrap_or_default();
            if flags & !(Message::EPHEMERAL | 1 << 12) != 0 {
                let message = "These flags cannot be set here.";
                return Err(Refusal::field("data.flags", "BASE_TYPE_CHOICES", message));
            }
            let mut thinking = base(state, one, data);
            thinking.flags |= Message::LOADING;
            let message = posts::create(state, data, &[], thinking)?;
            resource["message"] = shown::message(state, &message);
        }
        7 => {
            limits::message(data, files, Place::Edit).map_err(Refusal::in_data)?;
            let source = one.source().unwrap_or_default();
            let message = posts::edit(state, one.text("channel_id"), source, data, files)?;
            resource["message"] = shown::message(state, &message);
        }
        8 => limits::choices(data, focused(&one.payload["data"]["options"]).unwrap_or(3))?,
        9 => {
            limits::modal(data)?;
            open(state, one, data);
        }
        _ => {}
    }
    Ok(resource)
}

/// The type of the option that is being filled in.
fn focused(options: &Value) -> Option<u64> {
    options.as_array()?.iter().find_map(|option| {
        if option["focused"] == true {
            option["type"].as_u64()
        } else {
            focused(&option["options"])
        }
    })
}

/// A message that answers an interaction.
fn base(state: &State, one: &Interaction, data: &Value) -> Message {
    let private = data["flags"].as_u64().unwrap_or_default() & Message::EPHEMERAL != 0;
    let command = one.payload["data"]["type"].as_u64();
    Message {
        channel: one.text("channel_id").to_owned(),
        kind: match (one.kind(), command) {
            (COMMAND, Some(1)) => 20,
            (COMMAND, _) => 23,
            _ => 0,
        },
        author: state.app.bot_user.clone(),
        ephemeral_to: private.then(|| one.user().to_owned()),
        interaction: Some(metadata(state, one)),
        ..Message::default()
    }
}

/// What a message tells of the interaction that it answers. Source:
/// docs.discord.com/developers/resources/message, "Message Interaction Metadata Object".
fn metadata(state: &State, one: &Interaction) -> Value {
    let mut told = json!({
        "id": one.payload["id"], "type": one.kind(), "user": state.user(one.user()).map(shown::user),
        "authorizing_integration_owners": one.payload["authorizing_integration_owners"],
    });
    match one.kind() {
        COMMAND if one.payload["data"]["target_id"].is_string() => {
            told["target_message_id"] = one.payload["data"]["target_id"].clone();
        }
        COMPONENT => told["interacted_message_id"] = json!(one.source()),
        SUBMISSION => {
            let opener = one.opener.as_deref().and_then(|id| state.interactions.get(id));
            if let Some(opener) = opener.filter(|opener| opener.kind() != SUBMISSION) {
                told["triggering_interaction_metadata"] = metadata(state, opener);
            }
        }
        _ => {}
    }
    told
}

fn open(state: &mut State, one: &Interaction, data: &Value) {
    let mut components = data["components"].as_array().cloned().unwrap_or_default();
    posts::number_all(&mut components, &mut 0);
    let text = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
    let modal = Modal {
        id: one.text("id").to_owned(),
        user: one.user().to_owned(),
        channel: one.text("channel_id").to_owned(),
        custom_id: text("custom_id"),
        title: text("title"),
        components,
        message: one.source().map(str::to_owned),
    };
    modals::open(state, modal);
}

/// A message after the first response. After a deferred one it takes the place of the mark that an
/// answer will come, and is as private as that was announced.
///
/// # Errors
/// 50027 and 10015 for the token, whatever the message is refused for.
pub(super) fn follow_up(
    state: &mut State,
    application: &str,
    token: &str,
    body: &Value,
    files: &[Upload],
) -> Result<Value, Refusal> {
    let now = state.now;
    let one = state.interactions.by_token(application, token, now)?.clone();
    limits::message(body, files, Place::Interaction)?;
    let channel = one.text("channel_id");
    if let Some(id) = thinking(state, &one) {
        let message = posts::edit(state, channel, &id, body, files)?;
        return Ok(shown::message(state, &message));
    }
    let mut message = base(state, &one, body);
    message.kind = 0;
    message.reply_to = None;
    let message = posts::create(state, body, files, message)?;
    if let Some(stored) = state.interactions.by_id.get_mut(one.text("id")) {
        stored.followups.push(message.id.clone());
    }
    Ok(shown::message(state, &message))
}

/// The mark that an answer will come, while it still stands.
fn thinking(state: &mut State, one: &Interaction) -> Option<String> {
    let id = one.original.clone()?;
    let channel = state.channels.get_mut(one.text("channel_id"))?;
    channel.any_message(&id)?.is_thinking().then_some(id)
}

/// Channel and id of a message that a token may read and change; `@original` is the first.
///
/// # Errors
/// 50027 and 10015 for the token, 10008 for a message that is not its own.
pub(super) fn own_message(
    state: &mut State,
    application: &str,
    token: &str,
    id: &str,
) -> Result<(String, String), Refusal> {
    let now = state.now;
    let one = state.interactions.by_token(application, token, now)?;
    let own = match id {
        "@original" => one.original.clone(),
        _ => one.followups.iter().chain(&one.original).find(|known| *known == id).cloned(),
    };
    let id = own.ok_or_else(Refusal::unknown_message)?;
    let channel = one.text("channel_id").to_owned();
    let stored = state.channels.get_mut(&channel).and_then(|stored| stored.any_message(&id));
    stored.ok_or_else(Refusal::unknown_message)?;
    Ok((channel, id))
}
