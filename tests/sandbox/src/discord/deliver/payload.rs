//! Interactions as Discord writes them. Source:
//! docs.discord.com/developers/interactions/receiving-and-responding, "Interaction Structure". Made for
//! what people do.

use serde_json::{Value, json};

use super::Delivery;
use crate::discord::channel::{Channel, Message};
use crate::discord::interactions::{COMMAND, COMPLETION, COMPONENT, SUBMISSION};
use crate::discord::modals::Modal;
use crate::discord::options::User;
use crate::discord::shown;
use crate::discord::state::State;

/// The most bytes of a file, as interactions tell it.
const FILE: u64 = 10 << 20;

/// What every interaction has.
fn interaction(
    state: &mut State,
    kind: u64,
    user: &User,
    channel: &Channel,
    data: &Value,
) -> Value {
    let id = state.id();
    // As long as the real ones, and opaque.
    let token = format!("aW50ZXJhY3Rpb246{id}{}", "x".repeat(180));
    let mut payload = json!({
        "id": id, "application_id": state.app.application_id, "type": kind, "token": token,
        "version": 1, "channel_id": channel.id, "channel": place(state, user, channel),
        "app_permissions": state.bot_permissions(channel).to_string(), "locale": "en-US",
        "entitlements": [], "entitlement_sku_ids": [], "attachment_size_limit": FILE,
        "authorizing_integration_owners": { "0": state.guild }, "data": data,
    });
    let more = if channel.recipient.is_some() {
        json!({
            "context": 1, "user": shown::user(user),
            "authorizing_integration_owners": { "0": "0" },
        })
    } else {
        let mut member = shown::member(user);
        member["permissions"] = json!(state.permissions(user, channel).to_string());
        member["is_pending"] = json!(user.pending);
        member["unusual_dm_activity_until"] = Value::Null;
        json!({
            "context": 0, "guild_id": state.guild, "guild_locale": "en-US", "member": member,
            "guild": { "id": state.guild, "locale": "en-US", "features": [] },
        })
    };
    shown::extend(&mut payload, more);
    payload
}

fn place(state: &State, user: &User, channel: &Channel) -> Value {
    let mut place = shown::channel(state, channel);
    if channel.recipient.is_none() {
        place["permissions"] = json!(state.permissions(user, channel).to_string());
    }
    place
}

/// What Discord sends to an address that it is given: nobody does it, and it has no place.
pub(super) fn ping(state: &mut State) -> Value {
    let id = state.id();
    json!({
        "id": id, "application_id": state.app.application_id, "type": 1, "token": format!("ping{id}"),
        "version": 1, "app_permissions": "0", "entitlements": [],
        "authorizing_integration_owners": {}, "attachment_size_limit": FILE,
    })
}

/// A command, or its completion while it is filled in.
pub(super) fn command(
    state: &mut State,
    user: &User,
    channel: &Channel,
    command: &Value,
    options: Vec<Value>,
    completing: bool,
) -> Delivery {
    let mut data = json!({ "id": command["id"], "name": command["name"], "type": 1 });
    if !command["guild_id"].is_null() {
        data["guild_id"] = command["guild_id"].clone();
    }
    if !options.is_empty() {
        data["options"] = Value::Array(options);
    }
    // As the example in developers/interactions/application-commands, "Autocomplete", has it.
    if completing {
        data["version"] = command["version"].clone();
    }
    let kind = if completing { COMPLETION } else { COMMAND };
    Delivery { payload: interaction(state, kind, user, channel, &data) }
}

/// A command on a message.
pub(super) fn message_command(
    state: &mut State,
    user: &User,
    channel: &Channel,
    command: &Value,
    message: &Message,
) -> Delivery {
    let shown = shown::message(state, message);
    let mut data = json!({
        "id": command["id"], "name": command["name"], "type": 3, "target_id": message.id,
        "resolved": { "messages": { message.id.clone(): shown } },
    });
    if !command["guild_id"].is_null() {
        data["guild_id"] = command["guild_id"].clone();
    }
    Delivery { payload: interaction(state, COMMAND, user, channel, &data) }
}

/// A button, or with values a menu.
pub(super) fn component(
    state: &mut State,
    user: &User,
    channel: &Channel,
    message: &Message,
    control: &Value,
    values: Option<Vec<&str>>,
) -> Delivery {
    let mut data = json!({
        "custom_id": control["custom_id"], "component_type": control["type"], "id": control["id"],
    });
    if let Some(values) = values {
        data["values"] = json!(values);
    }
    let mut payload = interaction(state, COMPONENT, user, channel, &data);
    payload["message"] = shown::message(state, message);
    Delivery { payload }
}

/// A form.
pub(super) fn submission(
    state: &mut State,
    user: &User,
    channel: &Channel,
    modal: &Modal,
    components: &Value,
) -> Delivery {
    let data = json!({ "custom_id": modal.custom_id, "components": components, "resolved": {} });
    let mut payload = interaction(state, SUBMISSION, user, channel, &data);
    let source = modal.message.as_deref();
    let stored = state.channels.get_mut(&channel.id);
    let message = source.and_then(|id| stored.and_then(|stored| stored.any_message(id)).cloned());
    if let Some(message) = message {
        payload["message"] = shown::message(state, &message);
    }
    Delivery { payload }
}
