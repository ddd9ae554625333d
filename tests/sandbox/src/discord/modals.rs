//! Forms that people have open. Invariant: a person has one form open at most, and it is sent only as
//! the client would send it. Opened by answers to interactions, sent through the façade.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::state::State;

const TEXT_INPUT: u64 = 4;

/// A form on somebody's screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Modal {
    /// The interaction that opened it.
    pub id: String,
    /// User and channel ids.
    pub user: String,
    pub channel: String,
    pub custom_id: String,
    pub title: String,
    /// With the numbers that Discord gives them.
    pub components: Vec<Value>,
    /// The message whose button opened it.
    pub(super) message: Option<String>,
}

impl Modal {
    /// Every field: the label, where there is one, and the control.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.components.iter().filter_map(|part| {
            let control = if part["component"].is_object() {
                &part["component"]
            } else {
                part["components"].get(0)?
            };
            let label = part["label"].as_str().or_else(|| control["label"].as_str());
            Some((label.unwrap_or_default(), control))
        })
    }
}

/// Opens a form in the place of the one that is open.
pub(super) fn open(state: &mut State, modal: Modal) {
    state.modals.retain(|known| known.user != modal.user);
    state.modals.push(modal);
}

/// The interaction that opened the form which a payload sends.
pub(super) fn opener(state: &State, payload: &Value) -> Option<String> {
    let (user, custom_id) = (&payload["member"]["user"]["id"], &payload["data"]["custom_id"]);
    let user = if user.is_null() { &payload["user"]["id"] } else { user };
    let mut open = state.modals.iter().rev();
    let found = open.find(|modal| *user == modal.user && *custom_id == modal.custom_id);
    found.map(|modal| modal.id.clone())
}

/// `components` of the submission with these values, by custom id; what is not named keeps what it
/// began with. A menu takes the value of an option, or several with a line feed between.
///
/// # Errors
/// When there is no such field, and when the client would not send it.
pub(super) fn filled(modal: &Modal, values: &[(&str, &str)]) -> anyhow::Result<Value> {
    for (custom_id, _) in values {
        let known = modal.fields().any(|(_, control)| control["custom_id"] == *custom_id);
        ensure!(known, "the form has no field `{custom_id}`");
    }
    let mut sent = Vec::new();
    for part in &modal.components {
        let (inner, list) = (&part["component"], &part["components"]);
        if inner.is_object() {
            let held = control(inner, values)?;
            sent.push(json!({ "type": part["type"], "id": part["id"], "component": held }));
        } else if let Some(inner) = list.get(0) {
            let held = control(inner, values)?;
            sent.push(json!({ "type": part["type"], "id": part["id"], "components": [held] }));
        } else {
            sent.push(json!({ "type": part["type"], "id": part["id"] }));
        }
    }
    Ok(Value::Array(sent))
}

fn control(control: &Value, values: &[(&str, &str)]) -> anyhow::Result<Value> {
    let name = control["custom_id"].as_str().context("a control has an id")?;
    let given = values.iter().find(|(custom_id, _)| *custom_id == name).map(|(_, value)| *value);
    let required = control["required"] != false;
    let mut held = json!({ "type": control["type"], "id": control["id"], "custom_id": name });
    if control["type"].as_u64() == Some(TEXT_INPUT) {
        let value = given.or(control["value"].as_str()).unwrap_or_default();
        let least = control["min_length"].as_u64().unwrap_or_default();
        let most = control["max_length"].as_u64().unwrap_or(4000);
        let length = value.chars().count() as u64;
        ensure!(!required || length > 0, "`{name}` is required");
        ensure!(
            length == 0 || (least..=most).contains(&length),
            "`{name}` takes {least} to {most} characters"
        );
        held["value"] = json!(value);
        return Ok(held);
    }
    let options = control["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let chosen: Vec<&str> = match given {
        Some(given) => given.split('\n').filter(|value| !value.is_empty()).collect(),
        None => {
            let started = options.iter().filter(|option| option["default"] == true);
            started.filter_map(|option| option["value"].as_str()).collect()
        }
    };
    for value in &chosen {
        let offered = options.iter().any(|option| option["value"] == *value);
        ensure!(offered || options.is_empty(), "`{name}` does not offer `{value}`");
    }
    let least = control["min_values"].as_u64().unwrap_or(1);
    let most = control["max_values"].as_u64().unwrap_or(1);
    let count = chosen.len() as u64;
    ensure!(
        (least..=most).contains(&count) || (count == 0 && !required),
        "`{name}` takes {least} to {most} choices"
    );
    held["values"] = json!(chosen);
    Ok(held)
}
