//! From words to a command with its arguments, or one clear line that says what is wrong.

use clap::ArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Grammar;
use crate::command::{Command, UserError, nearest};

/// What a line asks for.
pub enum Parsed {
    /// Run this command.
    Run(&'static Command, ArgMatches),
    /// Explain this level of the tree: no words for the whole, a group, or a command.
    Help(Vec<String>),
}

impl Grammar {
    /// Understands the words of a command line, without the `/nova`.
    ///
    /// # Errors
    /// What is wrong with the line and what was probably meant.
    pub fn parse(&self, words: &[String]) -> Result<Parsed, UserError> {
        // Typed by habit.
        let words = match words {
            [first, rest @ ..] if first == "/nova" || first == "nova" => rest,
            words => words,
        };
        let asked_for_help = |word: &String| word == "--help" || word == "-h";
        if words.is_empty() || words.iter().any(asked_for_help) {
            return Ok(Parsed::Help(self.known_prefix(words)));
        }
        if words[0] == "help" {
            return self.help_for(&words[1..]);
        }
        // A group alone is a question.
        let known = self.known_prefix(words);
        let command = self.find(&known.join(" "));
        if known.len() == words.len() && command.is_none() {
            return Ok(Parsed::Help(known));
        }
        let node = self.level(&known);
        if let Some(command) = command {
            if known.len() == words.len() && node.get_arguments().next().is_none() {
                return Ok(Parsed::Run(command, ArgMatches::default()));
            }
            // The command alone: to copy the whole tree costs more than everything else of a line.
            let line = words[known.len() - 1..].iter();
            let matches = node.clone().try_get_matches_from(line);
            return match matches {
                Ok(matches) => Ok(Parsed::Run(command, matches)),
                Err(error) => Err(explain(&error, node, &known)),
            };
        }
        let line = std::iter::once("nova").chain(words.iter().map(String::as_str));
        let matches =
            self.root.clone().try_get_matches_from(line).map_err(|e| explain(&e, node, &known))?;
        let (command, matches) = self
            .selected(matches)
            .ok_or_else(|| UserError::new("type a command; `help` lists them"))?;
        Ok(Parsed::Run(command, matches))
    }

    /// The longest start of `words` that names a group or a command.
    fn known_prefix(&self, words: &[String]) -> Vec<String> {
        let mut node = &self.root;
        let mut known = Vec::new();
        for word in words {
            let Some(next) = node.find_subcommand(word) else { break };
            node = next;
            known.push(word.clone());
        }
        known
    }

    fn help_for(&self, words: &[String]) -> Result<Parsed, UserError> {
        let known = self.known_prefix(words);
        match words.get(known.len()) {
            None => Ok(Parsed::Help(known)),
            Some(unknown) => Err(no_such(self.level(&known), &known, unknown)),
        }
    }

    /// The node at words that [`Self::known_prefix`] found.
    fn level(&self, known: &[String]) -> &clap::Command {
        let words: Vec<&str> = known.iter().map(String::as_str).collect();
        self.node(&words).unwrap_or(&self.root)
    }
}

/// A word that names nothing at this level, and what was probably meant.
fn no_such(node: &clap::Command, path: &[String], word: &str) -> UserError {
    let place = path.join(" ");
    let names = node.get_subcommands().map(clap::Command::get_name);
    let near = nearest(word, names).map_or_else(
        || format!("; `{}` lists what there is", format!("help {place}").trim_end()),
        |near| format!("; did you mean `{near}`?"),
    );
    match place.as_str() {
        "" => UserError::new(format!("no command `{word}`{near}")),
        group => UserError::new(format!("`{group}` has no `{word}`{near}")),
    }
}

/// clap's errors in one line each.
fn explain(error: &clap::Error, node: &clap::Command, path: &[String]) -> UserError {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) if !texts.is_empty() => Some(texts.join("`, `")),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let meant =
        |kind| text(kind).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let place = path.join(" ");
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    UserError::new(match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            return no_such(node, path, &word);
        }
        ErrorKind::UnknownArgument => {
            let near = meant(ContextKind::SuggestedArg);
            let rest = if near.is_empty() { format!("; see `help {place}`") } else { near };
            format!("`{place}` does not take `{argument}`{rest}")
        }
        ErrorKind::MissingRequiredArgument => {
            format!("`{place}` needs `{argument}`; see `help {place}`")
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{argument}` needs a value"),
        ErrorKind::InvalidValue => {
            let valid = text(ContextKind::ValidValue).unwrap_or_default();
            format!(
                "`{value}` does not fit `{argument}`: use one of `{valid}`{}",
                meant(ContextKind::SuggestedValue)
            )
        }
        ErrorKind::ValueValidation => {
            let why =
                std::error::Error::source(error).map_or_else(String::new, |e| format!(": {e}"));
            format!("`{value}` does not fit `{argument}`{why}")
        }
        ErrorKind::ArgumentConflict => {
            format!("`{argument}` cannot be given here, or not twice; see `help {place}`")
        }
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("`{argument}` takes another number of values; see `help {place}`")
        }
        _ => format!("that line is not understood; see `help {place}`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Dialect, tokenise};
    use proptest::prelude::*;

    fn parse(line: &str) -> String {
        let words = tokenise(line, Dialect::Plain).unwrap();
        match Grammar::new().parse(&words) {
            Ok(Parsed::Run(command, _)) => format!("run {}", command.path),
            Ok(Parsed::Help(path)) => format!("help {}", path.join(" ")).trim_end().to_owned(),
            Err(UserError(text)) => text.raw().to_owned(),
        }
    }

    #[test]
    fn lines_and_what_comes_of_them() {
        let lines = [
            "health",
            "health vm-service --cluster us-east",
            "db slow-queries",
            "db",
            "",
            "help",
            "help db",
            "health --help",
            "db activity -h",
            "helth",
            "db slow",
            "health --clutser x",
            "health --cluster",
            "scale vm-service",
            "scale vm-service --replicas lots",
            "scale vm-service --replicas 100000",
            "top pods --sort cpus",
            "help nothing",
            "health a b",
            "frobnicate now",
            "logs vm --previous --previous",
        ];
        let answers: Vec<_> =
            lines.iter().map(|line| format!("{line:<36} → {}", parse(line))).collect();
        insta::assert_snapshot!(answers.join("\n"));
    }

    proptest! {
        #[test]
        fn any_words_are_answered(words in prop::collection::vec(".{0,20}", 0..6)) {
            drop(Grammar::new().parse(&words));
        }

        #[test]
        fn any_arguments_after_a_real_command_are_answered(words in prop::collection::vec("(--?)?[a-z=0-9]{0,8}", 0..4)) {
            let grammar = Grammar::new();
            for command in grammar.commands() {
                let line: Vec<String> = command.words().map(str::to_owned).chain(words.clone()).collect();
                drop(grammar.parse(&line));
            }
        }
    }
}
