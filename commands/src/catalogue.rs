//! The machine-readable catalogue: every command with its kind, risk, guide items and arguments.

use serde::Serialize;

use crate::command::{Command, Kind};
use crate::grammar::Grammar;

/// One command of the catalogue.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Row {
    pub name: &'static str,
    pub summary: &'static str,
    pub kind: &'static str,
    /// Only remediations have a risk.
    pub risk: Option<&'static str>,
    /// Whether nova offers an undo. Only for remediations.
    pub reversible: Option<bool>,
    pub guide: &'static [&'static str],
    pub arguments: Vec<Argument>,
    /// `false`: this build answers "not available in this build".
    pub available: bool,
}

/// One argument of a command.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Argument {
    /// `SERVICE` by place, `--cluster` by name.
    pub name: String,
    /// What its value is; `None` for a flag.
    pub value: Option<String>,
    pub required: bool,
    /// More than one value.
    pub many: bool,
    /// The only values it takes, if it is a choice.
    pub choices: Vec<String>,
}

/// The whole catalogue, by name.
#[must_use]
pub fn catalogue(grammar: &Grammar) -> Vec<Row> {
    let mut rows: Vec<Row> = grammar.commands().map(|command| row(grammar, command)).collect();
    rows.sort_by_key(|row| row.name);
    rows
}

fn row(grammar: &Grammar, command: &'static Command) -> Row {
    let words: Vec<_> = command.words().collect();
    let node = grammar.node(&words).expect("every declared command is in the tree");
    let reversible = match command.kind {
        Kind::Remediation { reversible, .. } => Some(reversible),
        _ => None,
    };
    Row {
        name: command.path,
        summary: command.summary,
        kind: command.kind.word(),
        risk: command.kind.risk().map(crate::command::Risk::word),
        reversible,
        guide: command.guide,
        arguments: node.get_arguments().map(argument).collect(),
        available: command.available(),
    }
}

fn argument(arg: &clap::Arg) -> Argument {
    let value = arg.get_value_names().and_then(<[_]>::first).map(ToString::to_string);
    let takes_value = arg.get_action().takes_values();
    Argument {
        name: arg
            .get_long()
            .map_or_else(|| value.clone().unwrap_or_default(), |long| format!("--{long}")),
        value: value.filter(|_| takes_value),
        required: arg.is_required_set(),
        many: takes_value && arg.get_num_args().is_some_and(|n| n.max_values() > 1),
        choices: arg
            .get_possible_values()
            .iter()
            .filter(|_| takes_value)
            .map(|v| v.get_name().to_owned())
            .collect(),
    }
}
