//! What the tests of both transports share: Slack's published payloads, filled in.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Identity, Intake};
use crate::intake::fixtures::{self, Desk, Said};

pub(super) const TRIGGER: &str = "13345224609.738474920.8088930838d88f008e0";
pub(super) const TS: &str = "1700000000.000100";

pub(in crate::slack) fn us() -> Identity {
    Identity {
        team: "T0001".into(),
        enterprise: None,
        app: Some("A0001".into()),
        bot_user: "U0BOT".into(),
    }
}

/// A published sample with values at JSON pointers.
pub(super) fn sample(text: &str, values: &[(&str, Value)]) -> Value {
    let mut payload: Value = serde_json::from_str(text).unwrap();
    for (pointer, value) in values {
        *payload.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value.clone();
    }
    payload
}

macro_rules! published {
    ($name:literal) => {
        include_str!(concat!("samples/", $name, "Payload.json"))
    };
}
pub(super) use published;

pub(in crate::slack) fn slash(line: &str) -> Value {
    let values = [
        ("/api_app_id", json!("A0001")),
        ("/team_id", json!("T0001")),
        ("/channel_id", json!("C0001")),
        ("/channel_name", json!("incidents")),
        ("/user_id", json!("U0ANA")),
        ("/command", json!("/nova")),
        ("/text", json!(line)),
        ("/response_url", json!("https://hooks.slack.com/commands/T0001/1/x")),
        ("/trigger_id", json!(TRIGGER)),
    ];
    let mut payload = sample(published!("SlashCommand"), &values);
    // A boolean in the samples, a text in forms.
    payload["is_enterprise_install"] = json!("false");
    payload
}

pub(in crate::slack) fn form(payload: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (key, value) in payload.as_object().unwrap() {
        form.append_pair(key, value.as_str().unwrap());
    }
    form.finish()
}

pub(in crate::slack) fn click(action_id: &str, value: &str) -> Value {
    let values = [
        ("/api_app_id", json!("A0001")),
        ("/team/id", json!("T0001")),
        ("/user/id", json!("U0ANA")),
        ("/user/team_id", json!("T0001")),
        ("/channel/id", json!("C0001")),
        ("/channel/name", json!("incidents")),
        ("/container/type", json!("message")),
        ("/container/channel_id", json!("C0001")),
        ("/container/message_ts", json!(TS)),
        ("/message/ts", json!(TS)),
        ("/trigger_id", json!(TRIGGER)),
        ("/response_url", json!("https://hooks.slack.com/actions/T0001/1/x")),
        ("/actions/0/action_id", json!(action_id)),
        ("/actions/0/value", json!(value)),
    ];
    sample(published!("BlockAction"), &values)
}

pub(in crate::slack) fn submission(values: &Value) -> Value {
    let filled = [
        ("/api_app_id", json!("A0001")),
        ("/team/id", json!("T0001")),
        ("/user/id", json!("U0ANA")),
        ("/user/team_id", json!("T0001")),
        ("/trigger_id", json!(TRIGGER)),
        ("/view/id", json!("V0001")),
        ("/view/type", json!("modal")),
        ("/view/hash", json!("156772938.1827394")),
        ("/view/callback_id", json!("approve")),
        ("/view/private_metadata", json!("request 7")),
        ("/view/state", json!({ "values": values })),
    ];
    sample(published!("ViewSubmission"), &filled)
}

pub(in crate::slack) fn home() -> Value {
    let event = [("/event/user", json!("U0ANA")), ("/event/tab", json!("home"))];
    told(published!("AppHomeOpened"), &event)
}

pub(super) fn shortcut(callback: &str) -> Value {
    let values = [
        ("/callback_id", json!(callback)),
        ("/team/id", json!("T0001")),
        ("/user/id", json!("U0ANA")),
        ("/user/team_id", json!("T0001")),
        ("/channel/id", json!("C0001")),
        ("/trigger_id", json!(TRIGGER)),
        ("/message_ts", json!(TS)),
        ("/message/ts", json!(TS)),
        ("/message/user", json!("U0BO")),
        ("/message/text", json!("disk full &amp; <!channel>")),
    ];
    sample(published!("MessageShortcut"), &values)
}

/// An event of the Events API with values.
pub(super) fn told(text: &str, values: &[(&str, Value)]) -> Value {
    let outer = [
        ("/type", json!("event_callback")),
        ("/api_app_id", json!("A0001")),
        ("/team_id", json!("T0001")),
        ("/event_id", json!("Ev08MFMKH6")),
        ("/authorizations/0/team_id", json!("T0001")),
    ];
    sample(text, &[&outer, values].concat())
}

/// An intake with so many places, and what it says beside its answers.
pub(in crate::slack) fn intake(desk: &Arc<Desk>, places: usize) -> (Arc<Intake>, Said) {
    fixtures::intake(us(), desk, places)
}
