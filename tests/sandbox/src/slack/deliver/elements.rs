//! Finding an element in blocks, and what a person's choice in it looks like in a payload. Invariant:
//! only what is offered can be chosen. Called for clicks and submissions.

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value, json};

/// An element and the id of its block.
pub(super) struct Found<'a> {
    pub(super) block_id: &'a str,
    pub(super) element: &'a Value,
}

/// The element with this action id.
pub(super) fn find<'a>(blocks: &'a [Value], action_id: &str) -> anyhow::Result<Found<'a>> {
    for block in blocks {
        let many = block["elements"].as_array().into_iter().flatten();
        let one = ["accessory", "element"].into_iter().filter_map(|key| block.get(key));
        if let Some(element) = many.chain(one).find(|element| element["action_id"] == action_id) {
            let block_id = block["block_id"].as_str().unwrap_or_default();
            return Ok(Found { block_id, element });
        }
    }
    let all: Vec<&str> = blocks
        .iter()
        .flat_map(|b| b["elements"].as_array().into_iter().flatten().chain(b.get("accessory")))
        .filter_map(|element| element["action_id"].as_str())
        .collect();
    bail!("there is no element `{action_id}` to click, only {all:?}")
}

/// The entry of `actions` for a click, or a choice of `value`.
pub(super) fn action(
    found: &Found<'_>,
    value: Option<&str>,
    action_ts: &str,
) -> anyhow::Result<Value> {
    let element = found.element;
    let kind = element["type"].as_str().unwrap_or_default();
    let mut action = Map::new();
    for key in ["action_id", "type", "text", "value", "style", "placeholder", "confirm"] {
        if let Some(value) = element.get(key) {
            action.insert(key.to_owned(), value.clone());
        }
    }
    action.insert("block_id".to_owned(), json!(found.block_id));
    action.insert("action_ts".to_owned(), json!(action_ts));
    match (kind, value) {
        ("button", None) => {}
        ("button", Some(_)) => bail!("a button is clicked and has no choice"),
        (_, None) => bail!("`{kind}` needs a choice"),
        (_, Some(value)) => action.extend(chosen(element, value)?),
    }
    Ok(Value::Object(action))
}

/// What stands in `actions` and in `state.values` for a value filled in or chosen.
pub(super) fn chosen(element: &Value, value: &str) -> anyhow::Result<Map<String, Value>> {
    let kind = element["type"].as_str().unwrap_or_default();
    let (key, value) = match kind {
        "static_select" | "overflow" | "radio_buttons" | "external_select" => {
            ("selected_option", option(element, value)?)
        }
        "multi_static_select" | "checkboxes" | "multi_external_select" => {
            let parts = value.split(',').filter(|part| !part.is_empty());
            let options: Vec<Value> =
                parts.map(|part| option(element, part)).collect::<anyhow::Result<_>>()?;
            ("selected_options", Value::Array(options))
        }
        "users_select" => ("selected_user", json!(value)),
        "conversations_select" => ("selected_conversation", json!(value)),
        "channels_select" => ("selected_channel", json!(value)),
        "multi_users_select" => ("selected_users", list(value)),
        "multi_conversations_select" => ("selected_conversations", list(value)),
        "multi_channels_select" => ("selected_channels", list(value)),
        "datepicker" => ("selected_date", json!(value)),
        "timepicker" => ("selected_time", json!(value)),
        "datetimepicker" => {
            ("selected_date_time", json!(value.parse::<i64>().context("seconds since 1970")?))
        }
        "plain_text_input" | "email_text_input" | "url_text_input" | "number_input" => {
            ("value", typed(element, value)?)
        }
        _ => bail!("nothing can be chosen in `{kind}`"),
    };
    Ok(Map::from_iter([(key.to_owned(), value)]))
}

/// A text that the client would let through; nothing typed is null.
fn typed(element: &Value, value: &str) -> anyhow::Result<Value> {
    if value.is_empty() {
        return Ok(Value::Null);
    }
    let length = value.chars().count() as u64;
    let most = element["max_length"].as_u64().unwrap_or(3000);
    let least = element["min_length"].as_u64().unwrap_or(0);
    ensure!((least..=most).contains(&length), "{length} characters where {least} to {most} fit");
    Ok(json!(value))
}

fn option(element: &Value, value: &str) -> anyhow::Result<Value> {
    let groups = element["option_groups"].as_array().into_iter().flatten();
    let grouped = groups.flat_map(|group| group["options"].as_array().into_iter().flatten());
    let mut all = element["options"].as_array().into_iter().flatten().chain(grouped);
    let found = all.find(|option| option["value"] == value);
    found.cloned().with_context(|| format!("`{value}` is not among the options"))
}

fn list(value: &str) -> Value {
    Value::Array(value.split(',').filter(|part| !part.is_empty()).map(|part| json!(part)).collect())
}

/// `state.values`: what the elements hold, as chosen or at first.
pub(super) fn state(blocks: &[Value], chosen_now: &[(String, String, Value)]) -> Value {
    let mut values = Map::new();
    for block in blocks {
        let many = block["elements"].as_array().into_iter().flatten();
        let one = ["accessory", "element"].into_iter().filter_map(|key| block.get(key));
        for element in many.chain(one) {
            let kind = element["type"].as_str().unwrap_or_default();
            // Buttons and menus hold nothing.
            if matches!(kind, "button" | "overflow" | "image" | "workflow_button" | "") {
                continue;
            }
            let (Some(action_id), Some(block_id)) =
                (element["action_id"].as_str(), block["block_id"].as_str())
            else {
                continue;
            };
            let chosen = chosen_now.iter().find(|(b, a, _)| b == block_id && a == action_id);
            let held = match chosen {
                Some((_, _, held)) => held.clone(),
                None => initial(element, kind),
            };
            values
                .entry(block_id)
                .or_insert_with(|| json!({}))
                .as_object_mut()
                .expect("it was made as an object")
                .insert(action_id.to_owned(), held);
        }
    }
    json!({ "values": values })
}

fn initial(element: &Value, kind: &str) -> Value {
    let mut held = json!({ "type": kind });
    for (from, to) in [
        ("initial_option", "selected_option"),
        ("initial_options", "selected_options"),
        ("initial_user", "selected_user"),
        ("initial_channel", "selected_channel"),
        ("initial_conversation", "selected_conversation"),
        ("initial_date", "selected_date"),
        ("initial_time", "selected_time"),
        ("initial_value", "value"),
    ] {
        if let Some(value) = element.get(from) {
            held[to] = value.clone();
        }
    }
    let (empty, nothing) = match kind {
        "static_select" | "radio_buttons" => ("selected_option", Value::Null),
        "checkboxes" | "multi_static_select" => ("selected_options", json!([])),
        "plain_text_input" | "email_text_input" | "url_text_input" | "number_input" => {
            ("value", Value::Null)
        }
        _ => return held,
    };
    if held.get(empty).is_none() {
        held[empty] = nothing;
    }
    held
}
