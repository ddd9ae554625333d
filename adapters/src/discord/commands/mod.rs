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
pub use words::{Given, WordsError, choices, words};

/// Why commands were not registered.
#[derive(Debug, Error)]
pub enum RegisterError {
    #[error("the commands cannot be registered on Discord")]
    Declare(#[from] DeclareError),
    #[error("Discord did not register the commands")]
    Chat(#[from] ChatError),
}

/// Registers `menu` and the command on messages in the place of whatever is registered, if that
/// differs; says whether it did.
///
/// # Errors
/// [`RegisterError`].
pub async fn register(client: &Discord, menu: &Menu, scope: Scope) -> Result<bool, RegisterError> {
    let wanted = declare(menu, scope)?;
    let present = client.commands(scope).await?;
    if same(&wanted, &present) {
        return Ok(false);
    }
    client.set_commands(scope, &wanted).await?;
    Ok(true)
}

/// Whether two lists of commands say the same, in whatever order the commands stand.
fn same(wanted: &[Value], present: &[Value]) -> bool {
    let sorted = |list: &[Value]| {
        let mut list: Vec<_> = list.iter().map(|command| normal(command).to_string()).collect();
        list.sort_unstable();
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
