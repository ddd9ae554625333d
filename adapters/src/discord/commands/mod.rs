//! The command tree as Discord's application commands, and the way back from a filled-in one. Called at
//! start, to register, and by whoever receives an interaction.
//!
//! Invariant: what Discord would refuse is refused here with the part's name, and what comes back is
//! words that are read like a typed line: nothing in a value separates it.
//!
//! Source: docs.discord.com/developers/interactions/application-commands.

mod declare;
#[cfg(test)]
mod tests;
mod words;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::chat::ChatError;
use crate::menu::Menu;

use super::api::Discord;

pub use super::api::Scope;
pub use declare::{DeclareError, QUOTE, declare};
pub use words::{Given, WordsError, words};

/// Why commands were not registered.
#[derive(Debug, Error)]
pub enum RegisterError {
    #[error("the commands cannot be registered on Discord")]
    Declare(#[from] DeclareError),
    #[error("Discord did not register the commands")]
    Chat(#[from] ChatError),
}

/// Registers `menu` and the command on messages in the place of whatever is registered, if that
/// differs; says whether it did. nova's own of the other scope go: people would see them twice.
///
/// # Errors
/// [`RegisterError`].
pub async fn register(client: &Discord, menu: &Menu, scope: Scope) -> Result<bool, RegisterError> {
    let wanted = declare(menu, scope)?;
    let other = if scope == Scope::Guild { Scope::Global } else { Scope::Guild };
    let (present, elsewhere) =
        futures_util::future::try_join(client.commands(scope), client.commands(other)).await?;
    let differs = !same(&wanted, &present);
    if differs {
        client.set_commands(scope, &wanted).await?;
    }
    let ours = |command: &Value| wanted.iter().any(|one| one["name"] == command["name"]);
    if elsewhere.iter().any(ours) {
        let rest: Vec<Value> = elsewhere.iter().filter(|command| !ours(command)).cloned().collect();
        client.set_commands(other, &rest).await?;
    }
    Ok(differs)
}

/// What only global commands have a say in; on others Discord shows the application's own.
const GLOBAL: [&str; 2] = ["contexts", "integration_types"];

/// Whether two lists of commands say the same, in whatever order commands and fields stand.
fn same(wanted: &[Value], present: &[Value]) -> bool {
    let global = wanted.iter().any(|command| command.get(GLOBAL[0]).is_some());
    let sorted = |list: &[Value]| {
        let bare = |command: &Value| {
            let mut command = normal(command);
            if let Some(fields) = command.as_object_mut().filter(|_| !global) {
                fields.retain(|key, _| !GLOBAL.contains(&key.as_str()));
            }
            command
        };
        // Compared as values: fields stand in whatever order, too.
        let mut list: Vec<Value> = list.iter().map(bare).collect();
        list.sort_by_cached_key(|command| {
            (command["name"].to_string(), command["type"].to_string())
        });
        list
    };
    sorted(wanted) == sorted(present)
}

/// What of a command or an option nova says itself. What Discord adds, and what says the default, is
/// left out.
fn normal(value: &Value) -> Value {
    const OURS: [&str; 12] = [
        "type",
        "name",
        "description",
        "options",
        "choices",
        "value",
        "required",
        "autocomplete",
        "min_value",
        "max_value",
        "contexts",
        "integration_types",
    ];
    match value {
        Value::Object(map) => {
            let ours =
                map.iter().filter(|(key, value)| OURS.contains(&key.as_str()) && says(value));
            Value::Object(
                ours.map(|(key, value)| (key.clone(), normal(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(list) => list.iter().map(normal).collect(),
        other => other.clone(),
    }
}

fn says(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    }
}
