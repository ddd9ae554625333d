//! Help, drawn.

use nova_adapters::message::{Field, Mark, Message, Section};
use nova_commands::command::Command;
use nova_commands::grammar::{Grammar, Help};

/// Help for these words. `needs` says what a remediation's gate asks for.
#[must_use]
pub fn message(
    grammar: &Grammar,
    words: &[String],
    needs: impl Fn(&Command) -> Option<String>,
) -> Message {
    match grammar.help(words) {
        Help::Level { about, entries } => level(words, &about, &entries),
        Help::Command { command, usage, arguments } => {
            let Some(command) = grammar.find(command) else {
                return Message::new(Mark::Info, usage);
            };
            one(command, &usage, &arguments, needs(command))
        }
    }
}

fn level(words: &[String], about: &str, entries: &[nova_commands::grammar::Entry]) -> Message {
    let (now, later): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.available);
    let mut message = Message::new(Mark::Info, about);
    for (title, entries, folded) in
        [(None, now, false), (Some("Not available in this build"), later, words.is_empty())]
    {
        if entries.is_empty() {
            continue;
        }
        let fields = entries.iter().map(|e| Field::new(&e.name, &e.summary)).collect();
        let mut section = Section::fields(fields);
        section.title = title.map(str::to_owned);
        section.folded = folded;
        message.sections.push(section);
    }
    message.footer = Some("`help COMMAND` explains one".to_owned());
    message
}

fn one(
    command: &Command,
    usage: &str,
    arguments: &[(String, String)],
    needs: Option<String>,
) -> Message {
    let mut message = Message::new(Mark::Info, command.summary);
    message.sections.push(Section::code(usage));
    if !arguments.is_empty() {
        let fields = arguments.iter().map(|(name, text)| Field::new(name, text)).collect();
        message.sections.push(Section::fields(fields));
    }
    let mut fields = Vec::new();
    let mut field = |name: &str, value: String| fields.push(Field::new(name, value));
    field("kind", command.kind.word().to_owned());
    if let Some(risk) = command.kind.risk() {
        field("risk", risk.word().to_owned());
    }
    if let Some(needs) = needs {
        field("needs", needs);
    }
    if !command.guide.is_empty() {
        field("guide", command.guide.join(", "));
    }
    if !command.available() {
        field("state", "not available in this build".to_owned());
    }
    message.section(Section::fields(fields))
}
