//! Reads a TOML file section by section, so that one bad key hides no other problem.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Error, ValueDeserializer};

use nova_commands::command::nearest;

/// One thing that is wrong with the configuration, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    /// 1-based.
    pub line: usize,
    pub text: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// A file being read. Every `section` that was asked for is known; `finish` complains of the rest.
pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    root: DeTable<'a>,
    known: Vec<&'static str>,
    /// The line of each section that was taken.
    lines: HashMap<&'static str, usize>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut reader = Self {
            file,
            text,
            root: root.into_inner(),
            known: Vec::new(),
            lines: HashMap::new(),
            problems: Vec::new(),
        };
        if !errors.is_empty() {
            // What follows from a file that is not TOML is noise.
            reader.root = DeTable::new();
        }
        for error in errors {
            reader.refuse(&error);
        }
        reader
    }

    /// The table `[name]`, if it is there and right.
    pub(super) fn section<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let (_, value) = self.take(name)?;
        self.value(value)
    }

    /// The rows of `[[name]]`; `None` when there is no such key at all.
    pub(super) fn rows<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Option<Vec<(usize, T)>> {
        let (_, value) = self.take(name)?;
        let span = value.span();
        let DeValue::Array(rows) = value.into_inner() else {
            self.problem(span.start, format!("`{name}` is a list: write `[[{name}]]`"));
            return Some(Vec::new());
        };
        let mut read = Vec::new();
        for row in rows {
            let start = row.span().start;
            read.extend(self.value(row).map(|row| (self.line(start), row)));
        }
        Some(read)
    }

    /// A complaint about the row on this line.
    pub(super) fn complain(&mut self, line: usize, text: impl Into<String>) {
        let file = self.file.to_owned();
        self.problems.push(Problem { file, line, text: text.into() });
    }

    /// A complaint about the section of this name.
    pub(super) fn about(&mut self, section: &'static str, text: impl Into<String>) {
        let line = self.lines.get(section).copied().unwrap_or(1);
        self.complain(line, format!("[{section}] {}", text.into()));
    }

    /// What was wrong, unknown sections included, in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        for (key, _) in std::mem::take(&mut self.root) {
            let text = unknown(key.as_ref(), self.known.iter().copied());
            self.problem(key.span().start, text);
        }
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }

    fn take(
        &mut self,
        name: &'static str,
    ) -> Option<(Spanned<DeString<'a>>, Spanned<DeValue<'a>>)> {
        self.known.push(name);
        let key = self.root.keys().find(|key| key.as_ref() == name)?.clone();
        self.lines.insert(name, self.line(key.span().start));
        self.root.remove_entry(&key)
    }

    fn value<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'a>>) -> Option<T> {
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(&error);
                None
            }
        }
    }

    fn refuse(&mut self, error: &Error) {
        let start = error.span().map_or(0, |span| span.start);
        self.problem(start, explain(error.message()));
    }

    fn problem(&mut self, offset: usize, text: String) {
        let line = self.line(offset);
        self.complain(line, text);
    }

    /// The 1-based line of a byte offset.
    fn line(&self, offset: usize) -> usize {
        1 + self.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
    }
}

/// serde's "unknown field `x`, expected one of `a`, `b`" with the nearest key instead of the list.
fn explain(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match (message.starts_with("unknown field"), quoted.next()) {
        (true, Some(key)) => unknown(key, quoted),
        _ => message.lines().next().unwrap_or_default().to_owned(),
    }
}

fn unknown<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.collect();
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("unknown key `{key}`; did you mean `{near}`?"),
        None => format!("unknown key `{key}`; known here: {}", known.join(", ")),
    }
}
