//! Block Kit read aloud. Invariant: every text stands in the order in which people see it.

use serde_json::Value;

use crate::chat::driver::Button;

/// Blocks as text: every text in its order, buttons as `[label](action id)`.
pub(super) fn blocks_aloud(blocks: &[Value]) -> String {
    let lines: Vec<String> =
        blocks.iter().map(|block| aloud(block).trim_end().to_owned()).collect();
    lines.join("\n")
}

/// The buttons in the rows of actions.
pub(super) fn buttons(blocks: &[Value]) -> Vec<Button> {
    let rows = blocks.iter().filter(|block| block["type"] == "actions");
    let elements = rows.flat_map(|row| row["elements"].as_array().into_iter().flatten());
    let button = |element: &Value| {
        let handle = element["action_id"].as_str()?.to_owned();
        Some(Button { label: text(element), handle })
    };
    elements.filter(|element| element["type"] == "button").filter_map(button).collect()
}

fn text(value: &Value) -> String {
    match &value["text"] {
        Value::String(text) => text.clone(),
        object => object["text"].as_str().unwrap_or_default().to_owned(),
    }
}

fn aloud(value: &Value) -> String {
    let kind = value["type"].as_str().unwrap_or_default();
    let all = |key: &str, between: &str| {
        let parts = value[key].as_array().into_iter().flatten();
        parts.map(aloud).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
    };
    match kind {
        "button" => {
            format!("[{}]({})", text(value), value["action_id"].as_str().unwrap_or_default())
        }
        "actions" => all("elements", " "),
        "context" => format!("~ {}", all("elements", " ")),
        "rich_text" => all("elements", "\n"),
        "rich_text_list" => all("elements", "\n"),
        "emoji" => format!(":{}:", value["name"].as_str().unwrap_or_default()),
        "section" => [text(value), all("fields", " | ")].join("\n").trim().to_owned(),
        "divider" => "---".to_owned(),
        _ if value["elements"].is_array() => all("elements", ""),
        _ => text(value),
    }
}
