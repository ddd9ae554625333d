//! For any message whatever: inside Discord's limits, and no markup but ours. Both are judged on the
//! JSON that is sent, by rules written down here once more.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::hostile::{any_message, monsters, text};
use crate::message::{Action, Attachment, Content, Section};

mod active;

fn units(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.encode_utf16().count())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What in `body` Discord would refuse.
fn beyond_limits(body: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |good: bool, what: &str, at: &Value| {
        if !good {
            wrong.push(format!("{what}: {at}"));
        }
    };
    let within = |value: &Value, max: usize| (1..=max).contains(&units(value));
    check(within(&body["content"], 2_000), "content", &body["content"]);
    check(list(&body["embeds"]).len() <= 10, "embeds", &body["embeds"]);
    let mut all = 0;
    for embed in list(&body["embeds"]) {
        let fields = list(&embed["fields"]);
        check(units(&embed["description"]) <= 4_096, "description", embed);
        check(embed.get("description").is_some() || !fields.is_empty(), "empty", embed);
        check(fields.len() <= 25, "fields", embed);
        check(units(&embed["footer"]["text"]) <= 2_048, "footer", embed);
        all += units(&embed["description"]) + units(&embed["footer"]["text"]);
        for field in fields {
            check(within(&field["name"], 256), "name", field);
            check(within(&field["value"], 1_024), "value", field);
            all += units(&field["name"]) + units(&field["value"]);
        }
    }
    check(all <= 6_000, "all embeds", &Value::from(all));

    check(list(&body["components"]).len() <= 5, "rows", &body["components"]);
    let mut ids = BTreeSet::new();
    for row in list(&body["components"]) {
        let elements = list(&row["components"]);
        check(row["type"] == 1 && (1..=5).contains(&elements.len()), "row", row);
        for element in elements {
            match element["type"].as_u64() {
                Some(2) => check(within(&element["label"], 80), "label", element),
                Some(3) => {
                    check(elements.len() == 1, "a select alone", row);
                    check(within(&element["placeholder"], 150), "placeholder", element);
                    let options = list(&element["options"]);
                    check((1..=25).contains(&options.len()), "options", element);
                    let mut values = BTreeSet::new();
                    for option in options {
                        check(within(&option["label"], 100), "option", option);
                        check(within(&option["value"], 100), "option's value", option);
                        check(values.insert(option["value"].to_string()), "twice", option);
                    }
                }
                _ => check(false, "kind", element),
            }
            if element.get("url").is_some() {
                check(element["style"] == 5 && within(&element["url"], 512), "link", element);
                continue;
            }
            let id = &element["custom_id"];
            check(within(id, 100) && ids.insert(id.to_string()), "id", element);
        }
    }
    wrong
}

/// What in `body` is markup that is not ours.
fn active(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if body["allowed_mentions"]["parse"] != Value::Array(Vec::new()) {
        found.push("mentions".to_owned());
    }
    let mut texts = vec![&body["content"]];
    for embed in list(&body["embeds"]) {
        texts.push(&embed["description"]);
        for field in list(&embed["fields"]) {
            texts.extend([&field["name"], &field["value"]]);
        }
    }
    for text in texts {
        let text = text.as_str().unwrap_or("");
        found.extend(active::in_message(text));
        found.extend(
            text.chars().filter(|c| c.is_control() && *c != '\n').map(|c| format!("{c:?}")),
        );
    }
    found
}

/// Only nova's own links: what a button was made with.
fn foreign_urls(message: &Message, body: &Value) -> Vec<String> {
    let elements = list(&body["components"]).iter().flat_map(|row| list(&row["components"]));
    let urls = elements.filter_map(|element| element["url"].as_str());
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
    let body = serde_json::to_value(&super::message(message).body).unwrap();
    prop_assert_eq!(beyond_limits(&body), Vec::<String>::new());
    prop_assert_eq!(active(&body), Vec::<String>::new());
    prop_assert_eq!(foreign_urls(message, &body), Vec::<String>::new());
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
    fn what_cannot_be_pressed_is_told(message in any_message()) {
        let drawn = super::message(&message);
        let body = serde_json::to_value(&drawn.body).unwrap();
        let mut pressed = BTreeSet::new();
        for element in list(&body["components"]).iter().flat_map(|row| list(&row["components"])) {
            let carried = list(&element["options"]).iter().map(|option| &option["value"]);
            for id in carried.chain([&element["custom_id"]]).filter_map(Value::as_str) {
                let asked = press::question(id).map(|asked| asked.buttons[0].action.clone());
                let run = press::read(id, &[]).map(|press| match press {
                    crate::event::Press::Run { line } => Action::Run { line },
                    crate::event::Press::Open { .. } => Action::Run { line: String::new() },
                });
                pressed.extend(asked.or(run).map(|action| format!("{action:?}")));
            }
        }
        for choice in message.choices() {
            let Action::Run { line } = &choice.action else { continue };
            let typed = markdown::code(&format!("/nova {}", one_line(line)));
            let told = drawn.body.embeds.iter().filter_map(|embed| embed.description.as_deref());
            prop_assert!(
                pressed.contains(&format!("{:?}", choice.action))
                    || told.into_iter().any(|text| text.contains(&typed))
                    || !drawn.files.is_empty(),
                "{line}"
            );
        }
    }
}

proptest! {
    #[test]
    fn text_becomes_no_markup(text in text(), max in 1..200usize) {
        let text = crate::text::clean(&text);
        let (drawn, _) = inert(&text, max);
        prop_assert!(drawn.encode_utf16().count() <= max);
        prop_assert_eq!(active::in_text(&drawn), Vec::<String>::new());
    }

    #[test]
    fn text_is_read_as_it_was(text in text()) {
        let text = crate::text::clean(&text);
        let (drawn, whole) = inert(&text, usize::MAX);
        prop_assert!(whole);
        prop_assert_eq!(active::read(&drawn), text);
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
    let folded = Section { folded: true, title: None, content: Content::Text("x".repeat(900)) };
    assert_eq!(message(&Message::new(Mark::Ok, "x").section(folded)).files.len(), 1);
}
