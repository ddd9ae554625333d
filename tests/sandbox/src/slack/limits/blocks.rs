//! Blocks of a message, a modal or a home page. Invariant: a block that is not known here is refused,
//! as Slack refuses it. Called for the whole list by the checks of messages and views.

use serde_json::{Map, Value};

use super::check::{At, Check, Text};
use super::elements::{self, Place};
use super::views::Surface;

/// The longest text object of a section, in characters.
const SECTION: usize = 3000;

pub(super) fn all(check: &mut Check, at: At<'_>, blocks: &[Value], surface: Surface) {
    for (index, value) in blocks.iter().enumerate() {
        block(check, at.index(index), value, surface);
    }
}

fn block(check: &mut Check, at: At<'_>, value: &Value, surface: Surface) {
    let kind = value["type"].as_str().unwrap_or_default();
    match kind {
        "section" => section(check, at, value),
        "header" => {
            if let Some(object) = known(check, at, value, &["text"], &[]) {
                check.text(at.key("text"), object.get("text"), Text::Plain, 150);
            }
        }
        "divider" => {
            known(check, at, value, &[], &[]);
        }
        "image" => {
            let keys = ["image_url", "slack_file", "title"];
            if let Some(object) = known(check, at, value, &["alt_text"], &keys) {
                elements::picture(check, at, object);
                check.text(at.key("title"), object.get("title"), Text::Plain, 2000);
            }
        }
        "context" => context(check, at, value),
        "actions" => actions(check, at, value),
        "input" => input(check, at, value, surface),
        "markdown" => {
            if let Some(object) = known(check, at, value, &["text"], &[]) {
                check.string(at.key("text"), object.get("text"), 12_000);
            }
        }
        "rich_text" => rich_text(check, at, value),
        "video" => {
            let required = ["alt_text", "title", "thumbnail_url", "video_url"];
            let optional =
                ["author_name", "description", "provider_icon_url", "provider_name", "title_url"];
            known(check, at, value, &required, &optional);
        }
        _ => check.say(at, &format!("unsupported type: {kind}")),
    }
}

/// A block's object, with its block id checked.
fn known<'v>(
    check: &mut Check,
    at: At<'_>,
    value: &'v Value,
    required: &[&str],
    optional: &[&str],
) -> Option<&'v Map<String, Value>> {
    let optional = [optional, &["block_id"]].concat();
    let object = check.object(at, value, required, &optional)?;
    check.block_id(at, object);
    Some(object)
}

fn section(check: &mut Check, at: At<'_>, value: &Value) {
    let keys = ["text", "fields", "accessory", "expand"];
    let Some(object) = known(check, at, value, &[], &keys) else { return };
    check.text(at.key("text"), object.get("text"), Text::Any, SECTION);
    let fields_at = at.key("fields");
    let fields = check.items(fields_at, object.get("fields"), 10);
    for (index, field) in fields.iter().enumerate() {
        check.text(fields_at.index(index), Some(field), Text::Any, 2000);
    }
    if fields.is_empty() && object.get("text").is_none_or(Value::is_null) {
        check.say(at, "must provide either text or fields");
    }
    if let Some(accessory) = object.get("accessory") {
        elements::element(check, at.key("accessory"), accessory, Place::Section);
    }
}

fn context(check: &mut Check, at: At<'_>, value: &Value) {
    let Some(object) = known(check, at, value, &["elements"], &[]) else { return };
    let at = at.key("elements");
    for (index, element) in check.items(at, object.get("elements"), 10).iter().enumerate() {
        let at = at.index(index);
        if element["type"] == "image" {
            elements::image(check, at, element);
        } else {
            check.text(at, Some(element), Text::Any, SECTION);
        }
    }
}

fn actions(check: &mut Check, at: At<'_>, value: &Value) {
    let Some(object) = known(check, at, value, &["elements"], &[]) else { return };
    let at = at.key("elements");
    for (index, element) in check.items(at, object.get("elements"), 25).iter().enumerate() {
        elements::element(check, at.index(index), element, Place::Actions);
    }
}

fn input(check: &mut Check, at: At<'_>, value: &Value, surface: Surface) {
    let keys = ["dispatch_action", "hint", "optional"];
    let Some(object) = known(check, at, value, &["label", "element"], &keys) else { return };
    check.input = true;
    check.text(at.key("label"), object.get("label"), Text::Plain, 2000);
    check.text(at.key("hint"), object.get("hint"), Text::Plain, 2000);
    if let Some(element) = object.get("element") {
        let at = at.key("element");
        elements::element(check, at, element, Place::Input);
        if element["type"] == "file_input" && surface != Surface::Modal {
            check.say(at, "file_input is only allowed in modals");
        }
    }
}

/// Rich text is checked as far as its first level: apps seldom write it by hand.
fn rich_text(check: &mut Check, at: At<'_>, value: &Value) {
    const PARTS: [&str; 4] =
        ["rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"];
    let Some(object) = known(check, at, value, &["elements"], &[]) else { return };
    let at = at.key("elements");
    for (index, part) in check.items(at, object.get("elements"), 1000).iter().enumerate() {
        let kind = part["type"].as_str().unwrap_or_default();
        if !PARTS.contains(&kind) || !part["elements"].is_array() {
            check.say(at.index(index), &format!("unsupported rich text element: {kind}"));
        }
    }
}
