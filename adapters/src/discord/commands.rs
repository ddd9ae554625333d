//! A command that was filled in on Discord, read back to words by the menu. Called by the inbound side.
//!
//! Invariant: only what stands in the menu is read, and every word reaches the grammar as it was given:
//! nothing that a person types into a field becomes an option or a second word of its own.

use serde::Deserialize;
use serde_json::Value;

use crate::menu::{Argument, Item, Menu, Takes};

/// The types of options that hold options (docs.discord.com, application commands).
const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;

/// One filled-in option of a command, or a group or subcommand with its options.
#[derive(Debug, Deserialize)]
pub(crate) struct Filled {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: u64,
    pub(crate) value: Option<Value>,
    #[serde(default)]
    pub(crate) options: Vec<Self>,
    #[serde(default)]
    pub(crate) focused: bool,
}

/// What was filled in.
#[derive(Debug, PartialEq)]
pub(crate) enum Words {
    Chosen(Vec<String>),
    /// It is still being filled in: what could go on from `typed`?
    Complete {
        words: Vec<String>,
        typed: String,
    },
}

/// The words of a command; `None` for what is not in the menu.
pub(crate) fn words(menu: &Menu, options: &[Filled]) -> Option<Words> {
    let (item, given) = item(menu, options)?;
    let known = |option: &Filled| item.arguments.iter().any(|one| one.name == option.name);
    if !given.iter().all(known) {
        return None;
    }
    let mut words = item.words.clone();
    let mut places = Vec::new();
    let mut focused = None;
    for argument in &item.arguments {
        let Some(option) = given.iter().find(|option| option.name == argument.name) else {
            continue;
        };
        let text = text(option.value.as_ref()?)?;
        match &argument.option {
            _ if option.focused => focused = Some((argument, text)),
            Some(name) => words.extend(named(argument, name, &text)),
            None if argument.many => {
                places.extend(text.split_whitespace().map(ToOwned::to_owned));
            }
            None => places.push(text),
        }
    }
    if let Some((Argument { option: Some(name), .. }, _)) = &focused {
        // Where the grammar looks for what an option takes: last.
        words.extend(places);
        words.push(format!("--{name}"));
    } else {
        if places.iter().any(|place| place.starts_with('-')) {
            words.push("--".to_owned());
        }
        words.extend(places);
    }
    Some(match focused {
        Some((_, typed)) => Words::Complete { words, typed },
        None => Words::Chosen(words),
    })
}

/// The menu's item at the end of groups and subcommands, and what was filled in there.
fn item<'a>(menu: &'a Menu, options: &'a [Filled]) -> Option<(&'a Item, &'a [Filled])> {
    let mut path = Vec::new();
    let mut level = options;
    while let [one] = level
        && matches!(one.kind, SUBCOMMAND | GROUP)
    {
        path.push(&one.name);
        level = &one.options;
    }
    let item = menu.items.iter().find(|item| item.words.iter().eq(path.iter().copied()))?;
    Some((item, level))
}

/// An option with its value in one word, so that no value is taken for another option.
fn named(argument: &Argument, name: &str, text: &str) -> Option<String> {
    match argument.takes {
        Takes::Flag => (text == "true").then(|| format!("--{name}")),
        _ => Some(format!("--{name}={text}")),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn argument(name: &str, takes: Takes, option: Option<&str>, many: bool) -> Argument {
        Argument {
            name: name.to_owned(),
            summary: name.to_owned(),
            required: false,
            takes,
            option: option.map(ToOwned::to_owned),
            many,
        }
    }

    fn menu() -> Menu {
        let item = |path: &str, arguments| Item {
            words: path.split(' ').map(ToOwned::to_owned).collect(),
            summary: path.to_owned(),
            arguments,
        };
        let severities = Takes::Choice(vec!["high".to_owned(), "low".to_owned()]);
        Menu {
            name: "nova".to_owned(),
            summary: "Operate".to_owned(),
            groups: vec![("incident".to_owned(), "Incidents".to_owned())],
            items: vec![
                item(
                    "health",
                    vec![
                        argument("service", Takes::Live, None, false),
                        argument("cluster", Takes::Live, Some("cluster"), false),
                        argument("full", Takes::Flag, Some("full"), false),
                    ],
                ),
                item(
                    "incident declare",
                    vec![
                        argument("severity", severities, None, false),
                        argument("impact", Takes::Text, None, true),
                    ],
                ),
            ],
        }
    }

    fn read(options: Value) -> Option<Words> {
        words(&menu(), &serde_json::from_value::<Vec<Filled>>(options).unwrap())
    }

    fn chosen(words: &[&str]) -> Option<Words> {
        Some(Words::Chosen(words.iter().map(|&word| word.to_owned()).collect()))
    }

    fn health(options: &Value) -> Option<Words> {
        read(json!([{ "name": "health", "type": 1, "options": options }]))
    }

    #[test]
    fn options_come_first_and_places_in_the_menus_order() {
        let declared = json!([{ "name": "incident", "type": 2, "options": [
            { "name": "declare", "type": 1, "options": [
                { "name": "impact", "type": 3, "value": "api \"down\",  -50 %" },
                { "name": "severity", "type": 3, "value": "high" },
            ] },
        ] }]);
        let expected = ["incident", "declare", "--", "high", "api", "\"down\",", "-50", "%"];
        assert_eq!(read(declared), chosen(&expected));
        let both = json!([
            { "name": "cluster", "type": 3, "value": "us east" },
            { "name": "full", "type": 5, "value": true },
            { "name": "service", "type": 3, "value": "vm-service" },
        ]);
        let expected = ["health", "--cluster=us east", "--full", "vm-service"];
        assert_eq!(health(&both), chosen(&expected));
    }

    #[test]
    fn what_somebody_types_is_no_option() {
        let hostile = json!([{ "name": "service", "type": 3, "value": "--kubeconfig=/etc/x" }]);
        assert_eq!(health(&hostile), chosen(&["health", "--", "--kubeconfig=/etc/x"]));
        let off = json!([{ "name": "full", "type": 5, "value": false }]);
        assert_eq!(health(&off), chosen(&["health"]));
    }

    #[test]
    fn the_field_that_is_being_filled_in_comes_last() {
        let option = json!([
            { "name": "cluster", "type": 3, "value": "us", "focused": true },
            { "name": "service", "type": 3, "value": "vm" },
        ]);
        let words = ["health", "vm", "--cluster"].map(ToOwned::to_owned).to_vec();
        assert_eq!(health(&option), Some(Words::Complete { words, typed: "us".to_owned() }));
        let place = json!([{ "name": "service", "type": 3, "value": "v", "focused": true }]);
        let words = vec!["health".to_owned()];
        assert_eq!(health(&place), Some(Words::Complete { words, typed: "v".to_owned() }));
    }

    #[test]
    fn what_is_not_in_the_menu_is_not_read() {
        for options in [
            json!([]),
            json!([{ "name": "rm", "type": 1 }]),
            json!([{ "name": "incident", "type": 2, "options": [] }]),
            json!([{ "name": "health", "type": 1, "options": [
                { "name": "kubeconfig", "type": 3, "value": "x" },
            ] }]),
            json!([{ "name": "health", "type": 1, "options": [
                { "name": "service", "type": 3, "value": ["x"] },
            ] }]),
        ] {
            assert_eq!(read(options.clone()), None, "{options}");
        }
    }
}
