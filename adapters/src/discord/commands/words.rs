//! A filled-in command as the words that a person would have typed.
//!
//! Invariant: a value is one word whatever is in it, and never an option: `--` stands before places of
//! which one begins with `-`.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::declare::{GROUP, SUB_COMMAND};
use crate::event::Deed;
use crate::menu::{Argument, Item, Menu, Takes};
use crate::text::length;

/// Longest value that is read, in characters; Discord allows 6,000.
const MAX_VALUE: usize = 6_000;

/// One option of an interaction's data, as Discord sends it.
#[derive(Clone, Debug, Deserialize)]
pub struct Given {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: u8,
    #[serde(default)]
    pub value: Value,
    #[serde(default)]
    pub options: Vec<Given>,
    /// Being filled in right now.
    #[serde(default)]
    pub focused: bool,
}

/// Why an interaction is no command of ours, in words for the person.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WordsError {
    #[error("this command is not known any more; Discord shows the new ones after a restart")]
    Unknown,
    #[error("`{0}` cannot be left out when `{1}` is given")]
    Gap(String, String),
    #[error("`{0}` is not filled in as expected")]
    Value(String),
}

/// What was filled in: [`Deed::Chosen`], or [`Deed::Complete`] while it is being done. `options` are
/// those of the interaction's data.
///
/// # Errors
/// [`WordsError`]: registered by an older version, or not by Discord at all.
pub fn words(menu: &Menu, options: &[Given]) -> Result<Deed, WordsError> {
    let (item, given) = find(menu, options)?;
    if given.iter().any(|given| !item.arguments.iter().any(|known| known.name == given.name)) {
        return Err(WordsError::Unknown);
    }
    let of = |argument: &Argument| given.iter().find(|given| given.name == argument.name);
    let focused = item.arguments.iter().find(|a| of(a).is_some_and(|given| given.focused));
    let (options, places): (Vec<_>, Vec<_>) =
        item.arguments.iter().partition(|argument| argument.option.is_some());
    let mut words = item.words.clone();
    for argument in options {
        if let Some(given) = of(argument).filter(|given| !given.focused) {
            words.extend(as_option(argument, given)?);
        }
    }
    let mut filled = Vec::new();
    let mut gap: Option<&Argument> = None;
    for argument in places {
        let Some(given) = of(argument) else {
            gap = gap.or(Some(argument));
            continue;
        };
        // What is given would be taken for what is missing.
        if let Some(gap) = gap {
            return Err(WordsError::Gap(gap.name.clone(), argument.name.clone()));
        }
        let text = text(given)?;
        if given.focused {
            filled.extend(typing(argument, &text).0.split_whitespace().map(str::to_owned));
            break;
        }
        filled.extend(pieces(argument, &text));
    }
    let typed = focused.and_then(of).map(text).transpose()?;
    let typed = focused.zip(typed.as_deref()).map(|(a, text)| (a, typing(a, text).1));
    let typed_place = typed.filter(|(argument, _)| argument.option.is_none());
    let mut places = filled.iter().map(String::as_str).chain(typed_place.map(|(_, typed)| typed));
    if places.any(|word| word.starts_with('-')) {
        words.push("--".to_owned());
    }
    words.extend(filled);
    Ok(match typed {
        None => Deed::Chosen { words },
        Some((argument, typed)) => {
            words.extend(argument.option.as_ref().map(|option| format!("--{option}")));
            Deed::Complete { words, typed: typed.to_owned() }
        }
    })
}

/// The command, and what was filled in.
fn find<'a>(menu: &'a Menu, options: &'a [Given]) -> Result<(&'a Item, &'a [Given]), WordsError> {
    let [first] = options else { return Err(WordsError::Unknown) };
    let (path, given) = match (first.kind, first.options.as_slice()) {
        (SUB_COMMAND, given) => (vec![&first.name], given),
        (GROUP, [inner]) if inner.kind == SUB_COMMAND => {
            (vec![&first.name, &inner.name], inner.options.as_slice())
        }
        _ => return Err(WordsError::Unknown),
    };
    let item = menu.items.iter().find(|item| item.words.iter().eq(path.iter().copied()));
    item.map(|item| (item, given)).ok_or(WordsError::Unknown)
}

/// `--name=value`, or `--name` for what is given or not.
fn as_option(argument: &Argument, given: &Given) -> Result<Vec<String>, WordsError> {
    let name = argument.option.as_deref().unwrap_or(&argument.name);
    if argument.takes == Takes::Flag {
        return match given.value {
            Value::Bool(true) => Ok(vec![format!("--{name}")]),
            Value::Bool(false) => Ok(Vec::new()),
            _ => Err(WordsError::Value(argument.name.clone())),
        };
    }
    let pieces = pieces(argument, &text(given)?);
    Ok(pieces.into_iter().map(|piece| format!("--{name}={piece}")).collect())
}

fn text(given: &Given) -> Result<String, WordsError> {
    match &given.value {
        Value::String(text) if length(text) <= MAX_VALUE => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(WordsError::Value(given.name.clone())),
    }
}

/// The words of a value: several where the argument takes several.
fn pieces(argument: &Argument, text: &str) -> Vec<String> {
    if argument.many {
        text.split_whitespace().map(str::to_owned).collect()
    } else {
        vec![text.to_owned()]
    }
}

/// A value's finished words, and the one that is being typed.
fn typing<'a>(argument: &Argument, text: &'a str) -> (&'a str, &'a str) {
    let begins = || text.char_indices().rfind(|(_, c)| c.is_whitespace());
    match begins().filter(|_| argument.many) {
        Some((at, space)) => text.split_at(at + space.len_utf8()),
        None => ("", text),
    }
}
