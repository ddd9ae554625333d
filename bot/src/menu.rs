//! The commands of this build as a menu, for platforms where they are filled in rather than typed.
//!
//! Invariant: everything comes from the grammar; what is filled in is read back by it.

use clap::Arg;
use clap::builder::Str;
use nova_adapters::menu::{Argument, Item, Menu, Takes};
use nova_commands::grammar::Grammar;

/// The value names whose values are suggested while they are typed.
const LIVE: [&str; 4] = ["SERVICE", "CLUSTER", "REGION", "INCIDENT"];

/// The menu of everything that this build runs.
#[must_use]
pub fn menu(grammar: &Grammar) -> Menu {
    let own = |text: &str| text.to_owned();
    let items = grammar.commands().filter(|command| command.available()).map(|command| {
        let words: Vec<&str> = command.words().collect();
        let node = grammar.node(&words).expect("every declared command is in the tree");
        Item {
            words: words.into_iter().map(own).collect(),
            summary: own(command.summary),
            arguments: node.get_arguments().map(argument).collect(),
        }
    });
    Menu {
        name: own("nova"),
        summary: own("Operate NovaCron from chat"),
        groups: grammar.groups().map(|(name, about)| (own(name), own(about))).collect(),
        items: items.collect(),
    }
}

fn argument(arg: &Arg) -> Argument {
    let name = arg.get_long().unwrap_or_else(|| arg.get_id().as_str());
    Argument {
        name: name.to_lowercase(),
        summary: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        required: arg.is_required_set(),
        takes: takes(arg),
        option: arg.get_long().map(str::to_owned),
        many: arg.get_num_args().is_some_and(|count| count.max_values() > 1),
    }
}

fn takes(arg: &Arg) -> Takes {
    if !arg.get_action().takes_values() {
        return Takes::Flag;
    }
    let choices: Vec<_> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !choices.is_empty() {
        return Takes::Choice(choices);
    }
    let name = arg.get_value_names().and_then(<[_]>::first).map(Str::as_str);
    if let Some((min, max)) = name.and_then(range) {
        return Takes::Number { min: Some(min), max: Some(max) };
    }
    if name.is_some_and(|name| LIVE.contains(&name)) { Takes::Live } else { Takes::Text }
}

/// The range that a number's value name tells: [`nova_commands::command::number`].
fn range(name: &str) -> Option<(i64, i64)> {
    let (min, max) = name.split_once('-')?;
    Some((min.parse().ok()?, max.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use nova_adapters::discord::commands::{Scope, declare};

    use super::*;

    #[test]
    fn the_commands_of_this_build_and_their_arguments() {
        let menu = menu(&Grammar::new());
        let lines: Vec<_> = menu
            .items
            .iter()
            .map(|item| {
                let arguments = item.arguments.iter().map(|a| {
                    let many = if a.many { "…" } else { "" };
                    let need = if a.required { "" } else { "?" };
                    let dash = if a.option.is_some() { "--" } else { "" };
                    format!(" {dash}{}{many}{need}: {:?}", a.name, a.takes)
                });
                format!("{}{}", item.words.join(" "), arguments.collect::<Vec<_>>().join(","))
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        cache latency --seconds?: Number { min: Some(1), max: Some(30) }
        capacity hpa
        capacity metrics
        capacity recommend service?: Live
        capacity usage
        contacts
        db access-patterns
        db activity
        db integrity
        db slow-queries
        db status
        federation peers
        federation raft
        federation status
        frontend check
        health service?: Live, --cluster?: Live
        logs service: Live, --tail?: Number { min: Some(1), max: Some(100000) }, --since?: Text, --grep?: Text, --previous?: Flag, --cluster?: Live
        net clusters
        net dns name: Text, --expect?: Text
        net loss service: Live
        net services --from?: Live
        providers check provider: Choice(["aws", "azure", "gcp"])
        providers credentials
        providers health
        recovery assess region: Live
        recovery plan
        rollout status service: Live, --cluster?: Live
        security access-patterns
        security audit-log
        security auth-failures
        security rate-limit user: Text
        security token
        top nodes --allocated?: Flag, --cluster?: Live
        top pods --sort?: Choice(["cpu", "memory"]), --cluster?: Live
        incident declare severity: Choice(["critical", "high", "medium", "low"]), impact…: Text
        incident list
        incident show incident?: Live
        incident ack incident?: Live
        incident note text…: Text, --incident?: Live
        incident resolve incident?: Live
        home
        help command…?: Text
        ping
        whoami
        "#);
    }

    #[test]
    fn a_number_has_its_range() {
        let number = argument(&nova_commands::command::number("tail", 1..=500));
        assert_eq!(number.takes, Takes::Number { min: Some(1), max: Some(500) });
    }

    #[test]
    fn discord_takes_the_whole_menu() {
        for scope in [Scope::Guild, Scope::Global] {
            declare(&menu(&Grammar::new()), scope).unwrap();
        }
    }
}
