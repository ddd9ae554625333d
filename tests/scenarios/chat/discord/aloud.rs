//! Discord's messages read aloud. Invariant: every text stands in the order in which people see it, and
//! as they see it: what is escaped is shown without its backslash.

use serde_json::Value;

use crate::chat::driver::Button;

const ROW: u64 = 1;
const BUTTON: u64 = 2;

/// A message as text: what it says, its embeds with fields as `*name* | value`, then buttons as
/// `[label](custom id)` and menus as `{placeholder}`.
pub(super) fn message_aloud(content: &str, embeds: &[Value], components: &[Value]) -> String {
    let said = Some(unescaped(content)).filter(|text| !text.is_empty());
    let rows = components.iter().filter(|row| row["type"] == ROW);
    let rows = rows.map(|row| inside(row).map(control).collect::<Vec<_>>().join(" "));
    let lines: Vec<String> =
        said.into_iter().chain(embeds.iter().flat_map(embed)).chain(rows).collect();
    lines.join("\n")
}

/// The buttons, row by row.
pub(super) fn buttons(components: &[Value]) -> Vec<Button> {
    let buttons = components.iter().flat_map(inside).filter(|one| one["type"] == BUTTON);
    buttons.map(|one| Button { label: text(&one["label"]), handle: handle(one) }).collect()
}

/// A text as it is shown: a backslash before a sign is for the sign.
pub(super) fn unescaped(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match rest.peek() {
            Some(sign) if c == '\\' && sign.is_ascii_punctuation() => shown.extend(rest.next()),
            _ => shown.push(c),
        }
    }
    shown
}

fn inside(part: &Value) -> impl Iterator<Item = &Value> {
    part["components"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    unescaped(value.as_str().unwrap_or_default())
}

fn embed(embed: &Value) -> Vec<String> {
    let mut lines: Vec<String> = ["title", "description"].map(|key| text(&embed[key])).into();
    let fields = embed["fields"].as_array().into_iter().flatten();
    let fields =
        fields.map(|field| format!("*{}* | {}", text(&field["name"]), text(&field["value"])));
    lines.push(fields.collect::<Vec<_>>().join(" | "));
    let footer = embed["footer"]["text"].as_str();
    lines.extend(footer.map(|footer| format!("~ {footer}")));
    lines.retain(|line| !line.is_empty());
    lines
}

fn control(control: &Value) -> String {
    match control["type"].as_u64() {
        Some(BUTTON) => format!("[{}]({})", text(&control["label"]), handle(control)),
        _ => format!("{{{}}}", text(&control["placeholder"])),
    }
}

/// What a button is known by; a link is known by nothing.
fn handle(button: &Value) -> String {
    button["custom_id"].as_str().unwrap_or("link").to_owned()
}
