//! The pieces that checks are made of: where in the JSON we are, and what was found wrong. Invariant:
//! every problem names its place the way Slack does, `… [json-pointer:/blocks/0/text]`. Used by the
//! other files here.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};

/// How many problems are told; more help nobody.
const TOLD: usize = 20;

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// A place in the JSON. Its text is made only when something is wrong there.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    up: Option<&'a At<'a>>,
    step: Step<'a>,
}

impl<'a> At<'a> {
    pub(super) fn root(key: &'a str) -> Self {
        At { up: None, step: Step::Key(key) }
    }

    pub(super) fn key(&'a self, key: &'a str) -> Self {
        At { up: Some(self), step: Step::Key(key) }
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        At { up: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(up) = self.up {
            up.fmt(f)?;
        }
        match self.step {
            Step::Key(key) => write!(f, "/{key}"),
            Step::Index(index) => write!(f, "/{index}"),
        }
    }
}

/// What a text object may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Plain,
    Any,
}

/// One run over a message or a view.
#[derive(Debug, Default)]
pub(super) struct Check {
    pub(super) problems: Vec<String>,
    block_ids: HashSet<String>,
    action_ids: HashSet<String>,
    /// An input block has been seen, so a modal needs its submit button.
    pub(super) input: bool,
    /// Elements with `focus_on_load`, of which there may be one.
    pub(super) focused: usize,
}

impl Check {
    pub(super) fn say(&mut self, at: At<'_>, problem: &str) {
        if self.problems.len() < TOLD {
            self.problems.push(format!("{problem} [json-pointer:{at}]"));
        }
    }

    /// An object with these keys and no others; `None` when it is none.
    pub(super) fn object<'v>(
        &mut self,
        at: At<'_>,
        value: &'v Value,
        required: &[&str],
        optional: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Some(object) = value.as_object() else {
            self.say(at, "must provide an object");
            return None;
        };
        for key in required {
            if object.get(*key).is_none_or(Value::is_null) {
                self.say(at, &format!("missing required field: {key}"));
            }
        }
        for key in object.keys().map(String::as_str) {
            if !required.contains(&key) && !optional.contains(&key) && key != "type" {
                self.say(at, &format!("invalid additional property: {key}"));
            }
        }
        Some(object)
    }

    /// A text of 1 to `most` characters, if it is there.
    pub(super) fn string(&mut self, at: At<'_>, value: Option<&Value>, most: usize) {
        match value {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => self.length(at, text, 1, most),
            Some(_) => self.say(at, "must provide a string"),
        }
    }

    /// As [`Check::string`], and it may be empty.
    pub(super) fn short(&mut self, at: At<'_>, value: Option<&Value>, most: usize) {
        if value.is_none_or(|value| value != "") {
            self.string(at, value, most);
        }
    }

    fn length(&mut self, at: At<'_>, text: &str, least: usize, most: usize) {
        // Bytes first: counting characters is only needed near the limit.
        if text.len() < least {
            self.say(at, &format!("must be more than {} characters", least - 1));
        } else if text.len() > most && text.chars().count() > most {
            self.say(at, &format!("must be less than {} characters", most + 1));
        }
    }

    pub(super) fn url(&mut self, at: At<'_>, value: Option<&Value>) {
        self.string(at, value, 3000);
        let web = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        if value.and_then(Value::as_str).is_some_and(|text| !text.is_empty() && !web(text)) {
            self.say(at, "invalid url");
        }
    }

    /// A text object, if it is there.
    pub(super) fn text(&mut self, at: At<'_>, value: Option<&Value>, kind: Text, most: usize) {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return;
        };
        let optional = match value["type"].as_str() {
            Some("plain_text") => "emoji",
            Some("mrkdwn") if kind == Text::Any => "verbatim",
            _ => return self.say(at, "must be a valid text object of the right type"),
        };
        if let Some(object) = self.object(at, value, &["text"], &[optional]) {
            self.string(at.key("text"), object.get("text"), most);
        }
    }

    /// An array of at least one and at most `most` items; an empty slice when it is none.
    pub(super) fn items<'v>(
        &mut self,
        at: At<'_>,
        value: Option<&'v Value>,
        most: usize,
    ) -> &'v [Value] {
        match value {
            None | Some(Value::Null) => &[],
            Some(Value::Array(items)) => {
                if items.is_empty() {
                    self.say(at, "no less than 1 items allowed");
                } else if items.len() > most {
                    self.say(at, &format!("no more than {most} items allowed"));
                }
                items
            }
            Some(_) => {
                self.say(at, "must provide an array");
                &[]
            }
        }
    }

    pub(super) fn block_id(&mut self, at: At<'_>, object: &Map<String, Value>) {
        let at = at.key("block_id");
        self.short(at, object.get("block_id"), 255);
        let id = object.get("block_id").and_then(Value::as_str).unwrap_or_default();
        if !id.is_empty() && !self.block_ids.insert(id.to_owned()) {
            self.say(at, &format!("block_id '{id}' already exists"));
        }
    }

    pub(super) fn action_id(&mut self, at: At<'_>, object: &Map<String, Value>) {
        let at = at.key("action_id");
        self.short(at, object.get("action_id"), 255);
        let id = object.get("action_id").and_then(Value::as_str).unwrap_or_default();
        if !id.is_empty() && !self.action_ids.insert(id.to_owned()) {
            self.say(at, &format!("`action_id` \"{id}\" already exists for another element"));
        }
        if object.get("focus_on_load") == Some(&Value::Bool(true)) {
            self.focused += 1;
            if self.focused > 1 {
                self.say(at, "only one element may have focus_on_load");
            }
        }
    }

    /// A confirmation dialog, if it is there.
    pub(super) fn confirm(&mut self, at: At<'_>, value: Option<&Value>) {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return;
        };
        let required = ["title", "text", "confirm", "deny"];
        let Some(object) = self.object(at, value, &required, &["style"]) else {
            return;
        };
        self.text(at.key("title"), object.get("title"), Text::Plain, 100);
        self.text(at.key("text"), object.get("text"), Text::Any, 300);
        self.text(at.key("confirm"), object.get("confirm"), Text::Plain, 30);
        self.text(at.key("deny"), object.get("deny"), Text::Plain, 30);
        self.style(at, object);
    }

    pub(super) fn style(&mut self, at: At<'_>, object: &Map<String, Value>) {
        match object.get("style").map(Value::as_str) {
            None | Some(Some("primary" | "danger")) => {}
            Some(_) => self.say(at.key("style"), "must be one of: primary, danger"),
        }
    }
}
