//! The command tree, declared once. Chat text, the terminal, help, completion, the catalogue and the
//! registrations on chat platforms all come from it.

mod complete;
mod help;
mod parse;
mod tokens;

use clap::ArgMatches;

pub use help::{Entry, Help};
pub use parse::Parsed;
pub use tokens::{Dialect, MAX_LINE, TokenError, tokenise};

use crate::command::{Command, Kind, Run};
use crate::diagnostics;
use crate::incident;
use crate::planned::PLANNED;

/// What each group of commands is about.
const GROUPS: &[(&str, &str)] = &[
    ("admin", "The bot itself"),
    ("cache", "Redis"),
    ("capacity", "Autoscaling and sizing"),
    ("db", "PostgreSQL"),
    ("escalation", "Who is paged, and when"),
    ("federation", "Consensus between the clusters"),
    ("frontend", "The dashboard and its gateway"),
    ("incident", "Incidents and their timeline"),
    ("monitoring", "Prometheus, Alertmanager, Grafana"),
    ("net", "Reachability, DNS, packet loss"),
    ("perf", "Latency, errors, profiles"),
    ("providers", "Cloud providers"),
    ("recovery", "Disaster recovery"),
    ("rollout", "Rollouts"),
    ("security", "Security incident response"),
    ("top", "CPU and memory"),
];

/// Commands that the bot carries out itself.
static BOT: &[Command] = &[
    Command {
        path: "help",
        summary: "What there is, or how a command works",
        kind: Kind::Bot,
        guide: &[],
        args: |c| c.arg(clap::Arg::new("COMMAND").value_name("COMMAND").num_args(0..)),
        run: Run::Bot,
    },
    Command {
        path: "ping",
        summary: "Whether nova answers",
        kind: Kind::Bot,
        guide: &[],
        args: |c| c,
        run: Run::Bot,
    },
    Command {
        path: "whoami",
        summary: "Who you are here, and your roles",
        kind: Kind::Bot,
        guide: &[],
        args: |c| c,
        run: Run::Bot,
    },
];

/// The whole tree. Built once for the process.
pub struct Grammar {
    root: clap::Command,
    commands: Vec<&'static Command>,
}

impl Default for Grammar {
    fn default() -> Self {
        Self::new()
    }
}

impl Grammar {
    /// Builds the tree from every declaration.
    #[must_use]
    pub fn new() -> Self {
        let built = diagnostics::ALL.iter().chain(incident::ALL).copied();
        let commands: Vec<&'static Command> = built.chain(BOT).chain(PLANNED).collect();
        let mut root = level("nova", "Operate NovaCron from chat").bin_name("/nova");
        for (name, about) in GROUPS {
            root = root.subcommand(level(name, about).subcommand_required(true));
        }
        for command in &commands {
            let words: Vec<_> = command.words().collect();
            root = match words[..] {
                [name] => root.subcommand((command.args)(level(name, command.summary))),
                [group, name] => root.mut_subcommand(group, |parent| {
                    parent.subcommand((command.args)(level(name, command.summary)))
                }),
                _ => root,
            };
        }
        root.build();
        Self { root, commands }
    }

    /// Every command of the catalogue, the ones of this build first.
    pub fn commands(&self) -> impl Iterator<Item = &'static Command> {
        self.commands.iter().copied()
    }

    /// Each group's word, and what it is about.
    pub fn groups(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        GROUPS.iter().copied()
    }

    /// The command with exactly this path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&'static Command> {
        self.commands().find(|command| command.path == path)
    }

    /// The command that a line begins with, if it takes a secret that must not stand in the line and
    /// there is more in it than the command. A slip of the keyboard counts: what was typed after it is
    /// a secret all the same.
    #[must_use]
    pub fn secret_typed(&self, line: &str) -> Option<&'static Command> {
        let quotes = ['"', '\u{201C}', '\u{201D}', '\u{201E}', '\u{201F}', '\u{00AB}', '\u{00BB}'];
        let words: Vec<String> =
            line.split_whitespace().map(|word| word.replace(quotes, "").to_lowercase()).collect();
        let mut words: &[String] = &words;
        while let [first, rest @ ..] = words
            && matches!(first.as_str(), "/nova" | "nova" | "help")
        {
            words = rest;
        }
        let secret = |command: &&Command| matches!(command.run, Run::Secret { .. });
        self.commands().filter(secret).find(|command| {
            let path: Vec<&str> = command.words().collect();
            let Some((typed, rest)) = words.split_at_checked(path.len()) else { return false };
            let meant = |(word, typed): (&&str, &String)| {
                typed == word || crate::command::nearest(typed, [*word]).is_some()
            };
            let asks = matches!(rest, [help] if help == "--help" || help == "-h");
            !rest.is_empty() && !asks && path.iter().zip(typed).all(meant)
        })
    }

    /// The clap node at these words, for walking the arguments.
    #[must_use]
    pub fn node(&self, words: &[&str]) -> Option<&clap::Command> {
        words.iter().try_fold(&self.root, |node, word| node.find_subcommand(word))
    }

    /// The command that `matches` selected, with its own matches.
    fn selected(&self, matches: ArgMatches) -> Option<(&'static Command, ArgMatches)> {
        let (mut path, mut current) = (String::new(), matches);
        while let Some((name, inner)) = current.remove_subcommand() {
            if !path.is_empty() {
                path.push(' ');
            }
            path.push_str(&name);
            current = inner;
        }
        Some((self.find(&path)?, current))
    }
}

fn level(name: &'static str, about: &'static str) -> clap::Command {
    clap::Command::new(name).about(about).disable_help_flag(true).disable_help_subcommand(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_tree_is_sound() {
        Grammar::new().root.debug_assert();
    }

    #[test]
    fn every_item_of_the_guide_has_a_command() {
        let grammar = Grammar::new();
        let named: BTreeSet<&str> = grammar.commands().flat_map(|c| c.guide).copied().collect();
        let wanted: Vec<String> = (1..=91).map(|n| format!("G{n:02}")).collect();
        assert_eq!(named.into_iter().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_secret_in_a_line_is_noticed_however_it_is_typed() {
        let grammar = Grammar::new();
        for line in [
            "security token eyJhbGciOi",
            "/nova  security\ttoken opaque",
            "\"security\" \"token\" opaque",
            "security tokn opaque",
            "Security Token opaque",
            "help security token opaque",
            "security token --help opaque",
        ] {
            let found = grammar.secret_typed(line).map(|command| command.path);
            assert_eq!(found, Some("security token"), "{line}");
        }
        for line in ["security token", "security token --help", "help security token", "health x"] {
            assert!(grammar.secret_typed(line).is_none(), "{line}");
        }
    }

    #[test]
    fn paths_are_unique_and_every_group_is_explained() {
        let grammar = Grammar::new();
        let paths: BTreeSet<&str> = grammar.commands().map(|c| c.path).collect();
        assert_eq!(paths.len(), grammar.commands().count());
        for path in paths {
            let words: Vec<_> = path.split(' ').collect();
            assert!(
                words.len() <= 2,
                "{path}: Discord allows no deeper nesting with a root command"
            );
            assert!(grammar.node(&words).is_some(), "{path} is not in the tree");
        }
    }
}
