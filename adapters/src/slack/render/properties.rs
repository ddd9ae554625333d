//! For any message whatever: inside Slack's limits, and no markup but ours. Both are judged on the
//! JSON that is sent, by rules written down here once more.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::hostile::{any_message, monsters, text};
use crate::message::{Action, Attachment, Content, Mark, Section};

mod mrkdwn;

/// Every object of the JSON, with itself.
fn objects<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            found.push(value);
            map.values().for_each(|value| objects(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| objects(value, found)),
        _ => {}
    }
}

fn units(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.encode_utf16().count())
}

fn count(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

/// What in `blocks` Slack would refuse.
fn beyond_limits(blocks: &Value, max_blocks: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |good: bool, what: &str, at: &Value| {
        if !good {
            wrong.push(format!("{what}: {at}"));
        }
    };
    check((1..=max_blocks).contains(&count(blocks)), "blocks", &Value::from(count(blocks)));
    let mut all = Vec::new();
    objects(blocks, &mut all);
    let mut ids = BTreeSet::new();
    for at in all {
        let within = |value: &Value, max: usize| (1..=max).contains(&units(value));
        match at["type"].as_str().unwrap_or("") {
            "plain_text" | "mrkdwn" => check(within(&at["text"], 3_000), "text", at),
            "text" => check(within(&at["text"], 3_000), "run", at),
            "header" => check(within(&at["text"]["text"], 150), "header", at),
            "actions" => check((1..=25).contains(&count(&at["elements"])), "actions", at),
            "context" => check((1..=10).contains(&count(&at["elements"])), "context", at),
            "rich_text" | "rich_text_section" | "rich_text_preformatted" => {
                check(count(&at["elements"]) > 0, "empty", at);
            }
            "section" => {
                check((1..=10).contains(&count(&at["fields"])), "fields", at);
                for field in at["fields"].as_array().into_iter().flatten() {
                    check(within(&field["text"], 2_000), "field", field);
                }
            }
            "button" => {
                check(within(&at["text"]["text"], 75), "label", at);
                check(at.get("url").is_some() || within(&at["value"], 2_000), "value", at);
                check(units(&at["url"]) <= 3_000, "url", at);
                if let Some(confirm) = at.get("confirm") {
                    check(within(&confirm["title"]["text"], 100), "confirm title", at);
                    check(within(&confirm["text"]["text"], 300), "confirm", at);
                    check(within(&confirm["confirm"]["text"], 30), "yes", at);
                    check(within(&confirm["deny"]["text"], 30), "no", at);
                }
            }
            "static_select" => {
                check((1..=100).contains(&count(&at["options"])), "options", at);
                check(within(&at["placeholder"]["text"], 150), "placeholder", at);
                for option in at["options"].as_array().into_iter().flatten() {
                    check(within(&option["text"]["text"], 75), "option", option);
                    check(within(&option["value"], 150), "option's value", option);
                }
            }
            _ => {}
        }
        if let Some(id) = at.get("action_id") {
            check(within(id, 255) && ids.insert(id.to_string()), "id", at);
        }
    }
    wrong
}

/// What in `blocks` is markup that is not ours.
fn active(blocks: &Value) -> Vec<String> {
    const KNOWN: [&str; 13] = [
        "header",
        "context",
        "actions",
        "section",
        "rich_text",
        "rich_text_section",
        "rich_text_preformatted",
        "text",
        "emoji",
        "plain_text",
        "mrkdwn",
        "button",
        "static_select",
    ];
    let mut found = Vec::new();
    let mut all = Vec::new();
    objects(blocks, &mut all);
    for at in all {
        let kind = at["type"].as_str();
        if kind.is_some_and(|kind| !KNOWN.contains(&kind)) {
            found.push(format!("kind: {at}"));
        }
        let text = at["text"].as_str().unwrap_or("");
        match kind {
            Some("plain_text") => {
                let bare =
                    ["&amp;", "&lt;", "&gt;"].iter().fold(text.to_owned(), |t, e| t.replace(e, ""));
                if at["emoji"] != Value::Bool(false) || bare.contains(['&', '<', '>']) {
                    found.push(format!("plain text: {at}"));
                }
            }
            Some("mrkdwn") => {
                let ours = text.strip_prefix('*').and_then(|text| text.strip_suffix('*'));
                let inner = ours.map(mrkdwn::entities);
                if at["verbatim"] != Value::Bool(true) || inner != Some(Vec::new()) {
                    found.push(format!("markup {inner:?}: {at}"));
                }
            }
            Some("emoji") => {
                let name = at["name"].as_str().unwrap_or("");
                if !Mark::ALL.iter().any(|mark| rich::emoji(*mark) == name) {
                    found.push(format!("emoji: {at}"));
                }
            }
            _ => {}
        }
    }
    found
}

/// Only nova's own links: what a button was made with.
fn foreign_urls(message: &Message, blocks: &Value) -> Vec<String> {
    let mut all = Vec::new();
    objects(blocks, &mut all);
    let urls =
        all.into_iter().filter(|at| at["type"] == "button").filter_map(|at| at["url"].as_str());
    let ours = |url: &str| {
        message.buttons.iter().any(|button| match &button.action {
            Action::Link { url: own } => {
                reqwest::Url::parse(own).is_ok_and(|own| own.as_str() == url)
            }
            _ => false,
        })
    };
    urls.filter(|url| !ours(url)).map(str::to_owned).collect()
}

fn judge(message: &Message) -> Result<(), TestCaseError> {
    let drawn = super::message(message);
    let blocks = serde_json::to_value(&drawn.blocks).unwrap();
    prop_assert_eq!(beyond_limits(&blocks, 50), Vec::<String>::new());
    prop_assert!(blocks.to_string().encode_utf16().count() <= 12_000);
    prop_assert_eq!(active(&blocks), Vec::<String>::new());
    prop_assert_eq!(foreign_urls(message, &blocks), Vec::<String>::new());

    let text = drawn.text.encode_utf16().count();
    prop_assert!(!drawn.text.trim().is_empty() && text <= 4_000, "{}", text);
    prop_assert_eq!(mrkdwn::entities(&drawn.text), Vec::<String>::new());
    prop_assert!(!drawn.text.contains(|c: char| c.is_control() && c != '\n'));

    let SlackView::Home(view) = home(message) else { panic!("not a home page") };
    let blocks = serde_json::to_value(&view.blocks).unwrap();
    prop_assert_eq!(beyond_limits(&blocks, 100), Vec::<String>::new());
    prop_assert_eq!(active(&blocks), Vec::<String>::new());
    Ok(())
}

proptest! {
    // Each message is large: a few of them say much.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_message_is_inside_the_limits_and_inert(message in any_message()) {
        judge(&message)?;
    }

    #[test]
    fn what_is_not_shown_is_in_the_file(message in any_message()) {
        let drawn = super::message(&message);
        let Some(file) = drawn.files.first() else { return Ok(()) };
        let whole = String::from_utf8(file.bytes.clone()).unwrap();
        prop_assert!(!whole.contains(|c: char| c.is_control() && c != '\n'));
        for section in &message.sections {
            let Content::Findings(lines) = &section.content else { continue };
            for line in lines {
                prop_assert!(whole.contains(&one_line(&line.subject)));
                prop_assert!(whole.contains(crate::text::clean(&line.text).trim_end()));
            }
        }
    }
}

proptest! {
    #[test]
    fn text_becomes_no_markup(text in text(), max in 1..200usize) {
        let text = crate::text::clean(&text);
        let drawn = super::mrkdwn::inert(&text, max);
        prop_assert!(drawn.encode_utf16().count() <= max);
        prop_assert_eq!(mrkdwn::entities(&drawn), Vec::<String>::new());
    }
}

#[test]
fn monsters_are_drawn_too() {
    for message in monsters() {
        judge(&message).unwrap();
    }
}

#[test]
fn attachments_of_their_own_stay_first() {
    let file = Attachment { name: "a".into(), media_type: "image/png", bytes: vec![1] };
    let long = Message::new(Mark::Ok, "x").section(Section::code("x\n".repeat(500))).file(file);
    let names: Vec<String> = message(&long).files.into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["a", "details.txt"]);
}
