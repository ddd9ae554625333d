//! Elements: what a person can press, choose or fill in. Invariant: an element stands only where
//! Slack lets it stand. Called by the blocks that hold elements.

use serde_json::{Map, Value};

use super::check::{At, Check, Text};

/// Where an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Section,
    Actions,
    Input,
}

const PLACES: [&[&str]; 3] = [
    // Section
    &[
        "button",
        "image",
        "overflow",
        "datepicker",
        "timepicker",
        "checkboxes",
        "radio_buttons",
        "workflow_button",
        "SELECT",
        "MULTI",
    ],
    // Actions
    &[
        "button",
        "overflow",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "checkboxes",
        "radio_buttons",
        "workflow_button",
        "rich_text_input",
        "SELECT",
    ],
    // Input
    &[
        "datepicker",
        "timepicker",
        "datetimepicker",
        "checkboxes",
        "radio_buttons",
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "rich_text_input",
        "file_input",
        "SELECT",
        "MULTI",
    ],
];

const SELECTS: [&str; 5] = ["static", "external", "users", "conversations", "channels"];

/// Whether `kind` is `static_select` and so on; with `multi`, `multi_static_select`.
fn is_select(kind: &str, multi: bool) -> bool {
    let kind = if multi {
        match kind.strip_prefix("multi_") {
            Some(rest) => rest,
            None => return false,
        }
    } else {
        kind
    };
    kind.strip_suffix("_select").is_some_and(|source| SELECTS.contains(&source))
}

pub(super) fn element(check: &mut Check, at: At<'_>, value: &Value, place: Place) {
    let kind = value["type"].as_str().unwrap_or_default();
    let (select, multi) = (is_select(kind, false), is_select(kind, true));
    let allowed = PLACES[place as usize];
    let stands = allowed.contains(&kind)
        || (select && allowed.contains(&"SELECT"))
        || (multi && allowed.contains(&"MULTI"));
    if !stands {
        return check.say(at, &format!("unsupported element type here: {kind}"));
    }
    match kind {
        "button" => button(check, at, value),
        "workflow_button" => {
            check.object(
                at,
                value,
                &["text", "workflow"],
                &["action_id", "style", "accessibility_label"],
            );
        }
        "image" => image(check, at, value),
        "overflow" => {
            let Some(object) = interactive(check, at, value, &["options"], &[]) else { return };
            options(check, at.key("options"), object.get("options"), 5);
        }
        "checkboxes" | "radio_buttons" => {
            let initial = ["initial_option", "initial_options", "focus_on_load"];
            let Some(object) = interactive(check, at, value, &["options"], &initial) else {
                return;
            };
            options(check, at.key("options"), object.get("options"), 10);
        }
        "datepicker" | "timepicker" | "datetimepicker" => {
            let keys = [
                "initial_date",
                "initial_time",
                "initial_date_time",
                "timezone",
                "placeholder",
                "focus_on_load",
            ];
            let Some(object) = interactive(check, at, value, &[], &keys) else { return };
            check.text(at.key("placeholder"), object.get("placeholder"), Text::Plain, 150);
        }
        "file_input" => {
            interactive(check, at, value, &[], &["filetypes", "max_files"]);
        }
        _ if select || multi => selection(check, at, value, kind),
        _ => typed(check, at, value),
    }
}

/// The keys that every element with an action id may have.
fn interactive<'v>(
    check: &mut Check,
    at: At<'_>,
    value: &'v Value,
    required: &[&str],
    more: &[&str],
) -> Option<&'v Map<String, Value>> {
    let optional = [more, &["action_id", "confirm"]].concat();
    let object = check.object(at, value, required, &optional)?;
    check.action_id(at, object);
    check.confirm(at.key("confirm"), object.get("confirm"));
    Some(object)
}

fn button(check: &mut Check, at: At<'_>, value: &Value) {
    let keys = ["url", "value", "style", "accessibility_label"];
    let Some(object) = interactive(check, at, value, &["text"], &keys) else { return };
    check.text(at.key("text"), object.get("text"), Text::Plain, 75);
    check.short(at.key("value"), object.get("value"), 2000);
    check.url(at.key("url"), object.get("url"));
    check.string(at.key("accessibility_label"), object.get("accessibility_label"), 75);
    check.style(at, object);
}

/// An image as an element.
pub(super) fn image(check: &mut Check, at: At<'_>, value: &Value) {
    let keys = ["image_url", "slack_file"];
    let Some(object) = check.object(at, value, &["alt_text"], &keys) else { return };
    picture(check, at, object);
}

/// What images and image blocks share.
pub(super) fn picture(check: &mut Check, at: At<'_>, object: &Map<String, Value>) {
    check.string(at.key("alt_text"), object.get("alt_text"), 2000);
    check.url(at.key("image_url"), object.get("image_url"));
    if object.contains_key("image_url") == object.contains_key("slack_file") {
        check.say(at, "exactly one of image_url and slack_file is required");
    }
}

fn selection(check: &mut Check, at: At<'_>, value: &Value, kind: &str) {
    let keys = [
        "placeholder",
        "focus_on_load",
        "max_selected_items",
        "options",
        "option_groups",
        "initial_option",
        "initial_options",
        "initial_user",
        "initial_users",
        "initial_conversation",
        "initial_conversations",
        "initial_channel",
        "initial_channels",
        "default_to_current_conversation",
        "response_url_enabled",
        "filter",
        "min_query_length",
    ];
    let Some(object) = interactive(check, at, value, &[], &keys) else { return };
    check.text(at.key("placeholder"), object.get("placeholder"), Text::Plain, 150);
    if !kind.ends_with("static_select") {
        return;
    }
    let groups = check.items(at.key("option_groups"), object.get("option_groups"), 100);
    if groups.is_empty() && !object.contains_key("options") {
        check.say(at, "missing required field: options");
    }
    options(check, at.key("options"), object.get("options"), 100);
    for (index, group) in groups.iter().enumerate() {
        let at = at.key("option_groups");
        let at = at.index(index);
        let Some(group) = check.object(at, group, &["label", "options"], &[]) else { continue };
        check.text(at.key("label"), group.get("label"), Text::Plain, 75);
        options(check, at.key("options"), group.get("options"), 100);
    }
    let initial = object.get("initial_option");
    if let Some(initial) = initial.filter(|_| groups.is_empty()) {
        let offered = object.get("options").and_then(Value::as_array);
        if !offered.is_some_and(|offered| offered.iter().any(|o| o["value"] == initial["value"])) {
            check.say(at.key("initial_option"), "must be one of the options");
        }
    }
}

fn options(check: &mut Check, at: At<'_>, value: Option<&Value>, most: usize) {
    let mut seen = std::collections::HashSet::new();
    for (index, option) in check.items(at, value, most).iter().enumerate() {
        let at = at.index(index);
        let keys = ["description", "url"];
        let Some(option) = check.object(at, option, &["text", "value"], &keys) else { continue };
        check.text(at.key("text"), option.get("text"), Text::Any, 75);
        check.string(at.key("value"), option.get("value"), 150);
        check.text(at.key("description"), option.get("description"), Text::Any, 75);
        check.url(at.key("url"), option.get("url"));
        if let Some(value) = option.get("value").and_then(Value::as_str)
            && !seen.insert(value)
        {
            check.say(at.key("value"), "must be unique among the options");
        }
    }
}

/// Fields that are typed into.
fn typed(check: &mut Check, at: At<'_>, value: &Value) {
    let keys = [
        "initial_value",
        "multiline",
        "min_length",
        "max_length",
        "dispatch_action_config",
        "focus_on_load",
        "placeholder",
        "is_decimal_allowed",
        "min_value",
        "max_value",
    ];
    let Some(object) = interactive(check, at, value, &[], &keys) else { return };
    check.text(at.key("placeholder"), object.get("placeholder"), Text::Plain, 150);
    for key in ["min_length", "max_length"] {
        let Some(length) = object.get(key) else { continue };
        if length.as_u64().is_none_or(|length| length > 3000) {
            check.say(at.key(key), "must be a number up to 3000");
        }
    }
}
