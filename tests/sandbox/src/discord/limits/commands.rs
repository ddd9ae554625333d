//! Application commands. Source: docs.discord.com/developers/interactions/application-commands,
//! "Naming" and the tables of the command's and the option's structure.

use std::collections::HashSet;

use serde_json::Value;

use super::{Check, join};
use crate::discord::refusal::Refusal;

const SUB_COMMAND: u64 = 1;
const GROUP: u64 = 2;

/// Characters of all names, descriptions and values of a command.
const TOGETHER: usize = 8_000;

/// One command.
///
/// # Errors
/// 50035 for what is wrong in it.
pub(in crate::discord) fn command(command: &Value) -> Result<(), Refusal> {
    let mut check = Check::default();
    check.command("", command);
    check.done()
}

/// All commands of a guild, or all global ones.
///
/// # Errors
/// 50035 for what is wrong in them, 30032 for too many of one kind.
pub(in crate::discord) fn commands(commands: &[Value]) -> Result<(), Refusal> {
    let mut check = Check::default();
    let mut names = HashSet::new();
    for (at, command) in commands.iter().enumerate() {
        let at = at.to_string();
        check.command(&at, command);
        if !names.insert((kind(command), command["name"].as_str().unwrap_or_default())) {
            let message = "Application command names must be unique";
            check.say(&join(&at, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", message);
        }
    }
    check.done()?;
    for (of, most) in [(1, 100), (2, 15), (3, 15)] {
        if commands.iter().filter(|command| kind(command) == of).count() > most {
            let message = "Maximum number of application commands reached";
            return Err(Refusal::new(400, 30032, &format!("{message} ({most})")));
        }
    }
    Ok(())
}

fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

impl Check {
    fn command(&mut self, at: &str, command: &Value) {
        if self.object(at, command).is_none() {
            return;
        }
        match kind(command) {
            1 => {
                self.name(at, command);
                self.text(at, command, "description", 1, 100);
                self.options(at, command, 0);
            }
            2 | 3 => {
                self.text(at, command, "name", 1, 32);
                for key in ["description", "options"] {
                    let given = match &command[key] {
                        Value::String(text) => !text.is_empty(),
                        Value::Array(list) => !list.is_empty(),
                        other => !other.is_null(),
                    };
                    if given {
                        let message = "Context menu commands cannot have it";
                        let code = "APPLICATION_COMMAND_CONTEXT_MENU_FORBIDDEN";
                        self.say(&join(at, key), code, message);
                    }
                }
            }
            _ => {
                self.say(&join(at, "type"), "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3).");
            }
        }
        if size(command) > TOGETHER {
            let message = "Command exceeds maximum size (8000)";
            self.say(at, "APPLICATION_COMMAND_TOO_LARGE", message);
        }
    }

    /// `^[-_'\p{L}\p{N}]{1,32}$`, in lower case where there is one.
    fn name(&mut self, at: &str, object: &Value) {
        self.text(at, object, "name", 1, 32);
        let Some(name) = object["name"].as_str() else { return };
        let plain = |c: char| matches!(c, '-' | '_' | '\'') || c.is_alphanumeric();
        if !name.chars().all(plain) || name.to_lowercase() != name {
            let code = "APPLICATION_COMMAND_INVALID_NAME";
            self.say(&join(at, "name"), code, "Command name is invalid");
        }
    }

    /// `depth`: 0 in the command, 1 in a group, 2 in a subcommand.
    fn options(&mut self, at: &str, parent: &Value, depth: u8) {
        let options = self.list(at, parent, "options", 0, 25);
        let nested = |option: &Value| option["type"].as_u64().is_some_and(|kind| kind <= GROUP);
        if options.iter().any(nested) && !options.iter().all(nested) {
            let message = "Sub-commands and sub-command groups cannot stand beside other options";
            let code = "APPLICATION_COMMAND_OPTIONS_TYPE_MIXED";
            self.say(&join(at, "options"), code, message);
        }
        let (mut names, mut optional) = (HashSet::new(), false);
        for (n, option) in options.iter().enumerate() {
            let at = format!("{}.{n}", join(at, "options"));
            if self.object(&at, option).is_none() {
                continue;
            }
            self.name(&at, option);
            self.text(&at, option, "description", 1, 100);
            if !names.insert(option["name"].as_str()) {
                let code = "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS";
                self.say(&join(&at, "name"), code, "Option name already exists");
            }
            if option["required"] == true && optional {
                let code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID";
                self.say(&at, code, "Required options must be placed before non-required options");
            }
            optional |= option["required"] != true;
            self.option(&at, option, depth);
        }
    }

    fn option(&mut self, at: &str, option: &Value, depth: u8) {
        match (option["type"].as_u64(), depth) {
            (Some(SUB_COMMAND), 0 | 1) => self.options(at, option, 2),
            (Some(GROUP), 0) => {
                let inner = option["options"].as_array().map(Vec::as_slice).unwrap_or_default();
                if inner.iter().any(|option| option["type"].as_u64() != Some(SUB_COMMAND)) {
                    let code = "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID";
                    self.say(at, code, "A group holds sub-commands only");
                }
                self.options(at, option, 1);
            }
            (Some(SUB_COMMAND | GROUP), _) => {
                let code = "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID";
                self.say(&join(at, "type"), code, "Sub-command option type is invalid here");
            }
            (Some(kind @ 3..=11), _) => self.value(at, option, kind),
            _ => self.say(&join(at, "type"), "BASE_TYPE_CHOICES", "Value must be one of (1..11)."),
        }
    }

    /// An option that takes a value.
    fn value(&mut self, at: &str, option: &Value, kind: u64) {
        self.boolean(at, option, "required");
        self.boolean(at, option, "autocomplete");
        let choices = self.list(at, option, "choices", 0, 25);
        let chosen = matches!(kind, 3 | 4 | 10);
        if !choices.is_empty() && option["autocomplete"] == true {
            let code = "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE";
            self.say(at, code, "autocomplete cannot be used with choices");
        }
        if !chosen && (!choices.is_empty() || option["autocomplete"] == true) {
            let code = "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID";
            self.say(at, code, "Options of this type have neither choices nor autocomplete");
        }
        let (mut names, mut values) = (HashSet::new(), HashSet::new());
        for (n, choice) in choices.iter().enumerate() {
            let at = format!("{at}.choices.{n}");
            self.choice(&at, choice, kind);
            let doubled = !names.insert(choice["name"].as_str())
                | !values.insert(choice["value"].to_string());
            if doubled {
                let code = "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS";
                self.say(&at, code, "Choice names and values must be unique");
            }
        }
        let forbidden = |keys: [&str; 2]| keys.iter().any(|key| !option[*key].is_null());
        if forbidden(["min_length", "max_length"]) && kind != 3
            || forbidden(["min_value", "max_value"]) && !matches!(kind, 4 | 10)
        {
            let code = "APPLICATION_COMMAND_OPTIONS_RANGE_INVALID";
            self.say(at, code, "Options of this type do not have this range");
        }
        self.number(at, option, "min_length", 0, 6000);
        self.number(at, option, "max_length", 1, 6000);
    }
}

/// The characters that count towards the limit of the whole command.
fn size(object: &Value) -> usize {
    let count = |key: &str| object[key].as_str().map_or(0, |text| text.chars().count());
    let list = |key: &str| object[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let choices = list("choices").iter().map(|choice| {
        let value = choice["value"].as_str().map_or(0, |text| text.chars().count());
        value + choice["name"].as_str().map_or(0, |text| text.chars().count())
    });
    count("name")
        + count("description")
        + choices.sum::<usize>()
        + list("options").iter().map(size).sum::<usize>()
}
