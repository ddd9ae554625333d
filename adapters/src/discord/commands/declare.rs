//! The command tree as the JSON that registers it.
//!
//! Invariant: one command with sub-commands, one level of groups, and one command on messages; within
//! every limit, or an error that names the part.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use thiserror::Error;

use super::Scope;
use crate::menu::{Argument, Item, Menu, Takes};
use crate::text::{cut, length, one_line};

/// The command on messages: what [`crate::event::Deed::Quote`] is made of.
pub const QUOTE: &str = "Add to incident";

/// Sub-commands and groups of one command, sub-commands of a group, arguments of a sub-command, choices.
const LEVEL: usize = 25;
const NAME: usize = 32;
const DESCRIPTION: usize = 100;
const CHOICE: usize = 100;
/// Names, descriptions and choices of the whole command together.
const ALL: usize = 8_000;
/// Discord's numbers are doubles.
const MOST: i64 = 1 << 53;

/// Kinds of commands and options.
const CHAT_INPUT: u8 = 1;
const MESSAGE: u8 = 3;
pub(super) const SUB_COMMAND: u8 = 1;
pub(super) const GROUP: u8 = 2;
const STRING: u8 = 3;
const INTEGER: u8 = 4;
const BOOLEAN: u8 = 5;

/// Why Discord would not take the tree.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeclareError {
    #[error("\"{0}\" is no name on Discord: up to 32 lower-case letters, digits, - and _")]
    Name(String),
    #[error("\"{0}\" has {1} parts, where Discord takes 25")]
    Crowded(String, usize),
    #[error("\"{0}\" is declared twice")]
    Twice(String),
    #[error("\"{0}\" is deeper than a group and a command")]
    Deep(String),
    #[error("the group of \"{0}\" is not declared")]
    NoGroup(String),
    #[error("the commands have {0} characters together, where Discord takes 8000")]
    Long(usize),
}

/// Everything to be registered in `scope`.
///
/// # Errors
/// [`DeclareError`], which is the declaration's fault, never Discord's.
pub fn declare(menu: &Menu, scope: Scope) -> Result<Vec<Value>, DeclareError> {
    let mut options = Vec::new();
    for (name, summary) in &menu.groups {
        let inside =
            menu.items.iter().filter(|item| item.words.len() > 1 && item.words[0] == *name);
        let commands: Result<Vec<_>, _> = inside.map(sub_command).collect();
        let commands = level(name, commands?)?;
        if !commands.is_empty() {
            options.push(part(GROUP, name, summary, commands)?);
        }
    }
    for item in &menu.items {
        match item.words.as_slice() {
            [_] => options.push(sub_command(item)?),
            [group, _] if menu.groups.iter().any(|(name, _)| name == group) => {}
            [_, _] => return Err(DeclareError::NoGroup(item.words.join(" "))),
            _ => return Err(DeclareError::Deep(item.words.join(" "))),
        }
    }
    let options = level(&menu.name, options)?;
    let command = part(CHAT_INPUT, &menu.name, &menu.summary, options)?;
    let all = characters(&command);
    if all > ALL {
        return Err(DeclareError::Long(all));
    }
    let mut commands = vec![command, json!({ "type": MESSAGE, "name": QUOTE })];
    if scope == Scope::Global {
        for command in &mut commands {
            // In the server and in nova's direct messages; installed in a server only.
            command["contexts"] = json!([0, 1]);
            command["integration_types"] = json!([0]);
        }
    }
    Ok(commands)
}

fn sub_command(item: &Item) -> Result<Value, DeclareError> {
    let path = item.words.join(" ");
    let name = item.words.last().map_or("", String::as_str);
    let arguments: Result<Vec<_>, _> = in_order(&item.arguments).map(argument).collect();
    part(SUB_COMMAND, name, &item.summary, level(&path, arguments?)?)
}

/// Discord wants the required ones first.
fn in_order(arguments: &[Argument]) -> impl Iterator<Item = &Argument> {
    let required = arguments.iter().filter(|argument| argument.required);
    required.chain(arguments.iter().filter(|argument| !argument.required))
}

fn argument(argument: &Argument) -> Result<Value, DeclareError> {
    let kind = match &argument.takes {
        Takes::Text | Takes::Live | Takes::Choice(_) => STRING,
        Takes::Number { .. } => INTEGER,
        Takes::Flag => BOOLEAN,
    };
    let mut option = part(kind, &argument.name, &argument.summary, Vec::new())?;
    if argument.required {
        option["required"] = true.into();
    }
    match &argument.takes {
        Takes::Live => option["autocomplete"] = true.into(),
        Takes::Choice(values) if fit(values) => {
            let choice = |value: &String| json!({ "name": value, "value": value });
            option["choices"] = values.iter().map(choice).collect();
        }
        // More than a list takes: suggested while typing, and checked like a typed word.
        Takes::Choice(_) => option["autocomplete"] = true.into(),
        Takes::Number { min, max } => {
            for (key, bound) in [("min_value", min), ("max_value", max)] {
                if let Some(bound) = bound.filter(|bound| bound.abs() <= MOST) {
                    option[key] = bound.into();
                }
            }
        }
        Takes::Text | Takes::Flag => {}
    }
    Ok(option)
}

fn fit(values: &[String]) -> bool {
    let fits = |value: &String| (1..=CHOICE).contains(&length(value));
    (1..=LEVEL).contains(&values.len()) && values.iter().all(fits)
}

fn part(kind: u8, name: &str, summary: &str, options: Vec<Value>) -> Result<Value, DeclareError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !(1..=NAME).contains(&name.len()) || !name.chars().all(plain) {
        return Err(DeclareError::Name(name.to_owned()));
    }
    let summary = one_line(summary);
    let summary = if summary.is_empty() { name } else { &summary };
    let mut part = json!({ "type": kind, "name": name, "description": cut(summary, DESCRIPTION) });
    if !options.is_empty() {
        part["options"] = options.into();
    }
    Ok(part)
}

/// The parts of one level, if Discord takes so many and each name once.
fn level(of: &str, parts: Vec<Value>) -> Result<Vec<Value>, DeclareError> {
    if parts.len() > LEVEL {
        return Err(DeclareError::Crowded(of.to_owned(), parts.len()));
    }
    let mut names = BTreeSet::new();
    match parts.iter().filter_map(|part| part["name"].as_str()).find(|name| !names.insert(*name)) {
        Some(twice) => Err(DeclareError::Twice(format!("{of} {twice}"))),
        None => Ok(parts),
    }
}

/// What Discord counts of a command.
fn characters(part: &Value) -> usize {
    let own = ["name", "description", "value"].iter().filter_map(|key| part[*key].as_str());
    let own: usize = own.map(length).sum();
    let inner = ["options", "choices"].iter().filter_map(|key| part[*key].as_array());
    own + inner.flatten().map(characters).sum::<usize>()
}
