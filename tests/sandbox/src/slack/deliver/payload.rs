//! Payloads of deliveries, with the keys that real ones have (the published samples of
//! slackapi/java-slack-sdk, `json-logs/samples`). Invariant: every interaction brings a new trigger
//! id. Called for what people do and for events.

use serde_json::{Value, json};

use super::Delivery;
use crate::slack::api::whole_message;
use crate::slack::channel::{Channel, Message, merge};
use crate::slack::options::User;
use crate::slack::response_url::{self, Origin};
use crate::slack::scopes::Kind;
use crate::slack::state::{State, seconds};

/// A slash command.
pub(super) fn command(
    state: &mut State,
    user: &User,
    channel: &Channel,
    command: &str,
    text: &str,
) -> Delivery {
    let now = state.now;
    let trigger = state.triggers.make(&user.id, now);
    let origin = Origin {
        user: user.id.clone(),
        channel: channel.id.clone(),
        message: None,
        thread_ts: None,
    };
    let response_url = response_url::make(state, "commands", origin);
    Delivery::Command(json!({
        "token": state.app.verification_token,
        "team_id": state.team.id,
        "team_domain": state.team.domain,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": state.app.id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger,
    }))
}

/// What stands instead of a name where a conversation is not public.
fn channel_name(channel: &Channel) -> &str {
    match channel.kind() {
        Kind::Public => &channel.name,
        Kind::Private => "privategroup",
        Kind::Direct => "directmessage",
    }
}

/// What every interaction has.
fn interaction(state: &State, kind: &str, user: &User) -> Value {
    json!({
        "type": kind,
        "user": {
            "id": user.id, "username": user.name, "name": user.name, "team_id": user.team,
        },
        "api_app_id": state.app.id,
        "token": state.app.verification_token,
        "team": { "id": state.team.id, "domain": state.team.domain },
        "enterprise": Value::Null,
        "is_enterprise_install": false,
    })
}

/// A click in a message.
pub(super) fn message_click(
    state: &mut State,
    user: &User,
    channel: &Channel,
    message: &Message,
    action: &Value,
    values: &Value,
) -> Delivery {
    let ephemeral = message.only_for.is_some();
    let mut payload = interaction(state, "block_actions", user);
    let mut container = json!({
        "type": "message", "message_ts": message.ts, "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    });
    if let Some(root) = &message.thread_ts {
        container["thread_ts"] = json!(root);
    }
    let now = state.now;
    let more = json!({
        "container": container,
        "trigger_id": state.triggers.make(&user.id, now),
        "channel": { "id": channel.id, "name": channel_name(channel) },
        "state": values,
        "response_url": reply(state, user, channel, message),
        "actions": [action],
    });
    merge(&mut payload, more);
    // An ephemeral message is not kept by Slack, so it cannot be sent along.
    if !ephemeral {
        payload["message"] = whole_message(state, message);
    }
    Delivery::Interactive(payload)
}

/// A click in a modal or a home page.
pub(super) fn view_click(
    state: &mut State,
    user: &User,
    view: &Value,
    action: &Value,
    values: &Value,
) -> Delivery {
    let mut payload = interaction(state, "block_actions", user);
    let now = state.now;
    let mut view = view.clone();
    view["state"] = values.clone();
    let more = json!({
        "container": { "type": "view", "view_id": view["id"] },
        "trigger_id": state.triggers.make(&user.id, now),
        "view": view,
        "actions": [action],
    });
    merge(&mut payload, more);
    Delivery::Interactive(payload)
}

pub(super) fn submission(state: &mut State, user: &User, view: &Value) -> Delivery {
    let mut payload = interaction(state, "view_submission", user);
    let now = state.now;
    let more = json!({
        "trigger_id": state.triggers.make(&user.id, now),
        "view": view,
        "response_urls": [],
    });
    merge(&mut payload, more);
    Delivery::Interactive(payload)
}

pub(super) fn closed(state: &State, user: &User, view: &Value, cleared: bool) -> Delivery {
    let mut payload = interaction(state, "view_closed", user);
    merge(&mut payload, json!({ "view": view, "is_cleared": cleared }));
    Delivery::Interactive(payload)
}

pub(super) fn message_shortcut(
    state: &mut State,
    user: &User,
    channel: &Channel,
    message: &Message,
    callback_id: &str,
) -> Delivery {
    let mut payload = interaction(state, "message_action", user);
    let now = state.now;
    let more = json!({
        "callback_id": callback_id,
        "trigger_id": state.triggers.make(&user.id, now),
        "message_ts": message.ts,
        "response_url": reply(state, user, channel, message),
        "action_ts": state.ts(),
        "channel": { "id": channel.id, "name": channel_name(channel) },
        "message": whole_message(state, message),
    });
    merge(&mut payload, more);
    Delivery::Interactive(payload)
}

fn reply(state: &mut State, user: &User, channel: &Channel, message: &Message) -> String {
    let origin = Origin {
        user: user.id.clone(),
        channel: channel.id.clone(),
        message: Some(message.ts.clone()),
        thread_ts: message.is_reply().then(|| message.thread_ts.clone()).flatten(),
    };
    response_url::make(state, "actions", origin)
}

/// An event in its envelope. `event_ts` is added where the event has none.
pub(super) fn event(state: &mut State, mut event: Value, shared: bool) -> Delivery {
    if event.get("event_ts").is_none() {
        event["event_ts"] = json!(state.ts());
    }
    let id = state.id("Ev");
    Delivery::Event(json!({
        "token": state.app.verification_token,
        "team_id": state.team.id,
        "context_team_id": state.team.id,
        "context_enterprise_id": Value::Null,
        "api_app_id": state.app.id,
        "event": event,
        "type": "event_callback",
        "event_id": id,
        "event_time": seconds(),
        "authorizations": [{
            "enterprise_id": Value::Null, "team_id": state.team.id,
            "user_id": state.app.bot_user, "is_bot": true, "is_enterprise_install": false,
        }],
        "is_ext_shared_channel": shared,
        "event_context": format!("4-{id}"),
    }))
}
