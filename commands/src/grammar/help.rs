//! Help for every level of the tree.

use super::{GROUPS, Grammar};
use crate::command::Command;

/// Help as data; the view draws it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Help {
    /// The whole tree or one group: names and what they do.
    Level { about: String, entries: Vec<Entry> },
    /// One command.
    Command { command: &'static str, usage: String, arguments: Vec<(String, String)> },
}

/// One line of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What to type.
    pub name: String,
    pub summary: String,
    /// Whether this build runs it, or at least one command of the group.
    pub available: bool,
}

impl Grammar {
    /// Help for these words, which name a group, a command or (empty) the whole.
    #[must_use]
    pub fn help(&self, words: &[String]) -> Help {
        let path = words.join(" ");
        if let Some(command) = self.find(&path) {
            return self.command_help(command);
        }
        if path.is_empty() { self.root_help() } else { self.group_help(&path) }
    }

    fn root_help(&self) -> Help {
        let single = self.commands().filter(|c| !c.path.contains(' ')).map(entry);
        let groups = GROUPS.iter().map(|(name, about)| Entry {
            name: format!("{name} …"),
            summary: (*about).to_owned(),
            available: self.in_group(name).any(Command::available),
        });
        let mut entries: Vec<Entry> = single.chain(groups).collect();
        // What works today stands first.
        entries.sort_by_key(|e| (!e.available, e.name.clone()));
        Help::Level { about: "Operate NovaCron from chat".to_owned(), entries }
    }

    fn group_help(&self, group: &str) -> Help {
        let about = GROUPS.iter().find(|(name, _)| *name == group).map_or("", |(_, about)| about);
        Help::Level { about: about.to_owned(), entries: self.in_group(group).map(entry).collect() }
    }

    fn in_group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'static Command> + 'a {
        self.commands()
            .filter(move |c| c.path.split_once(' ').is_some_and(|(head, _)| head == group))
    }

    fn command_help(&self, command: &'static Command) -> Help {
        let words: Vec<_> = command.words().collect();
        let node = self.node(&words).expect("every declared command is in the tree");
        let arguments = node
            .get_arguments()
            .map(|arg| {
                let values: Vec<_> =
                    arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let choice = if values.is_empty() { String::new() } else { values.join(" | ") };
                let gap = if help.is_empty() || choice.is_empty() { "" } else { ": " };
                (arg.to_string(), format!("{help}{gap}{choice}"))
            })
            .collect();
        let usage = node.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").replace("nova ", "");
        let usage = format!("/nova {}", usage.trim_start_matches('/').trim());
        Help::Command { command: command.path, usage, arguments }
    }
}

fn entry(command: &Command) -> Entry {
    Entry {
        name: command.path.to_owned(),
        summary: command.summary.to_owned(),
        available: command.available(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_help() {
        let grammar = Grammar::new();
        for command in grammar.commands() {
            let words: Vec<String> = command.words().map(str::to_owned).collect();
            let Help::Command { usage, .. } = grammar.help(&words) else {
                panic!("{} has none", command.path)
            };
            assert!(usage.starts_with(&format!("/nova {}", command.path)), "{usage}");
            if words.len() == 2 {
                assert!(matches!(grammar.help(&words[..1]), Help::Level { .. }));
            }
        }
    }
}
