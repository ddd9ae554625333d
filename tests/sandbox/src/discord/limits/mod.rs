//! What Discord takes in a body: the limits of messages, embeds, components, forms and commands.
//! Invariant: everything that is wrong is said, each at its place, as Discord does. Source: the pages of
//! docs.discord.com/developers named in each module. Called by the methods before anything changes.

mod commands;
mod components;
mod embeds;
mod message;
mod modal;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::refusal::{Problems, Refusal};

pub(super) use commands::{command, commands};
pub(super) use message::{Place, choices, message, number};
pub(super) use modal::modal;

/// A check in progress.
#[derive(Debug, Default)]
pub(super) struct Check {
    problems: Problems,
    custom_ids: HashSet<String>,
}

impl Check {
    fn say(&mut self, path: &str, code: &str, message: &str) {
        self.problems.say(path, code, message);
    }

    /// # Errors
    /// When anything is wrong.
    fn done(self) -> Result<(), Refusal> {
        self.problems.done()
    }

    /// A required text of this many characters.
    fn text(&mut self, at: &str, object: &Value, key: &str, least: usize, most: usize) {
        if object[key].is_null() {
            self.problems.missing(&join(at, key));
        } else {
            self.optional(at, object, key, least, most);
        }
    }

    /// A text of this many characters, if it is there.
    fn optional(&mut self, at: &str, object: &Value, key: &str, least: usize, most: usize) {
        let path = join(at, key);
        match &object[key] {
            Value::Null => {}
            Value::String(text) => self.length(&path, text.chars().count(), least, most, "length"),
            _ => self.say(&path, "BASE_TYPE_STRING", "Must be a string."),
        }
    }

    fn length(&mut self, path: &str, length: usize, least: usize, most: usize, of: &str) {
        if (least..=most).contains(&length) {
            return;
        }
        if least > 0 {
            let message = format!("Must be between {least} and {most} in {of}.");
            self.say(path, "BASE_TYPE_BAD_LENGTH", &message);
        } else {
            let message = format!("Must be {most} or fewer in {of}.");
            self.say(path, "BASE_TYPE_MAX_LENGTH", &message);
        }
    }

    /// A list of this many, if it is there; an empty one when it is none.
    fn list<'v>(
        &mut self,
        at: &str,
        object: &'v Value,
        key: &str,
        least: usize,
        most: usize,
    ) -> &'v [Value] {
        match &object[key] {
            Value::Null => &[],
            Value::Array(list) => {
                self.length(&join(at, key), list.len(), least, most, "number");
                list
            }
            _ => {
                self.say(&join(at, key), "LIST_TYPE_CONVERT", "Only iterables may be used.");
                &[]
            }
        }
    }

    /// A whole number in this range, if it is there.
    fn number(&mut self, at: &str, object: &Value, key: &str, least: i64, most: i64) {
        let path = join(at, key);
        match (&object[key], object[key].as_i64()) {
            (Value::Null, _) => {}
            (_, Some(number)) if (least..=most).contains(&number) => {}
            (_, Some(_)) => {
                let message = format!("int value should be between {least} and {most}.");
                self.say(&path, "NUMBER_TYPE_RANGE", &message);
            }
            (_, None) => self.say(&path, "NUMBER_TYPE_COERCE", "Value is not a whole number."),
        }
    }

    fn boolean(&mut self, at: &str, object: &Value, key: &str) {
        if !matches!(object[key], Value::Null | Value::Bool(_)) {
            self.say(&join(at, key), "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
        }
    }

    /// An address of the web, if it is there.
    fn url(&mut self, at: &str, object: &Value, key: &str, attachments: bool) {
        self.optional(at, object, key, 1, 2048);
        let Some(url) = object[key].as_str() else { return };
        let schemes = ["http://", "https://", "attachment://"];
        let known = if attachments { &schemes[..] } else { &schemes[..2] };
        if !known.iter().any(|scheme| url.starts_with(scheme)) {
            let message = format!("Scheme must be one of {known:?}.");
            self.say(&join(at, key), "URL_TYPE_INVALID_SCHEME", &message);
        }
    }

    /// An object; `None`, and said so, when it is none.
    fn object<'v>(&mut self, at: &str, value: &'v Value) -> Option<&'v Map<String, Value>> {
        if !value.is_object() {
            let message = "Only dictionaries may be used in a DictType";
            self.say(at, "DICT_TYPE_CONVERT", message);
        }
        value.as_object()
    }

    /// A control's id: 1 to 100 characters, its own.
    fn custom_id(&mut self, at: &str, object: &Value) {
        self.text(at, object, "custom_id", 1, 100);
        let Some(id) = object["custom_id"].as_str() else { return };
        if !self.custom_ids.insert(id.to_owned()) {
            let message = "Component custom id cannot be duplicated";
            self.say(&join(at, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message);
        }
    }
}

/// `at.key`.
fn join(at: &str, key: impl std::fmt::Display) -> String {
    if at.is_empty() { key.to_string() } else { format!("{at}.{key}") }
}
