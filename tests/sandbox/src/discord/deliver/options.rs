//! Filling in a command as the client does: along the registered tree, each value of the option's type
//! and within its range. Invariant: what Discord would not let be sent is an error here. Used for what
//! people type.

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::discord::channel::Channel;
use crate::discord::limits::number;
use crate::discord::options::User;
use crate::discord::state::State;

const GROUP: u64 = 2;

/// The context of a direct conversation with the bot.
const DIRECT: u64 = 1;

/// A value for an option, by its name.
pub(super) type Given<'a> = (&'a str, Value);

/// A registered command by its name and kind: 1 in chat, 3 on messages.
pub(super) type Named<'a> = (&'a str, u64);

/// The registered command, if this person may use it here. In a direct conversation there are only
/// global ones (docs.discord.com/developers/interactions/application-commands#contexts).
pub(super) fn registered(
    state: &State,
    (name, kind): Named<'_>,
    user: &User,
    channel: &Channel,
) -> anyhow::Result<Value> {
    let here = |command: &&Value| {
        let contexts = command["contexts"].as_array();
        let listed = contexts.is_none_or(|all| all.iter().any(|one| one == DIRECT));
        channel.recipient.is_none() || command["guild_id"].is_null() && listed
    };
    let named =
        |command: &&Value| command["type"].as_u64() == Some(kind) && command["name"] == name;
    let found = state.commands.all().filter(here).find(named);
    let found = found.with_context(|| format!("no command `{name}` is registered"))?;
    if let Some(needed) = number(&found["default_member_permissions"]) {
        let has = state.guild_permissions(user);
        let may = if needed == 0 { has.count_ones() > 50 } else { has & needed == needed };
        ensure!(may, "{} may not use `{name}`", user.name);
    }
    Ok(found.clone())
}

fn options(node: &Value) -> &[Value] {
    node["options"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn kind(node: &Value) -> u64 {
    node["type"].as_u64().unwrap_or_default()
}

/// Whether the node only leads to others.
fn is_branch(node: &Value) -> bool {
    options(node).iter().any(|option| kind(option) <= GROUP)
}

/// The node at the end of these words, and how many of them led there.
pub(super) fn descend<'c>(
    command: &'c Value,
    words: &[&str],
) -> anyhow::Result<(&'c Value, usize)> {
    let (mut node, mut used) = (command, 0);
    while is_branch(node) {
        let word = words.get(used).copied();
        let word = word.with_context(|| format!("`{}` is not the whole command", node["name"]))?;
        let next = options(node).iter().find(|option| option["name"] == word);
        node = next.with_context(|| format!("there is no subcommand `{word}`"))?;
        used += 1;
    }
    Ok((node, used))
}

/// `options` of the interaction: the words, and at their end the values.
pub(super) fn wrap(command: &Value, words: &[&str], values: Vec<Value>) -> Vec<Value> {
    let Some((word, rest)) = words.split_first() else { return values };
    let Some(node) = options(command).iter().find(|option| option["name"] == *word) else {
        return values;
    };
    let inner = wrap(node, rest, values);
    vec![json!({ "name": word, "type": node["type"], "options": inner })]
}

/// The values of a command that is sent.
///
/// # Errors
/// When one is missing, unknown, or not taken by its option.
pub(super) fn complete(leaf: &Value, given: &[Given<'_>]) -> anyhow::Result<Vec<Value>> {
    for option in options(leaf).iter().filter(|option| option["required"] == true) {
        let there = given.iter().any(|(name, _)| option["name"] == *name);
        ensure!(there, "the client asks for {}", option["name"]);
    }
    let fill = |(name, value): &Given<'_>| {
        let option = find(leaf, name)?;
        check(option, value).with_context(|| format!("the client would not take `{name}`"))?;
        Ok(json!({ "name": name, "type": option["type"], "value": value }))
    };
    given.iter().map(fill).collect()
}

/// The values of a command that is being filled in at `focused`.
///
/// # Errors
/// When an option is unknown or `focused` has no completion.
pub(super) fn partial(
    leaf: &Value,
    given: &[Given<'_>],
    focused: &str,
) -> anyhow::Result<Vec<Value>> {
    let option = find(leaf, focused)?;
    ensure!(option["autocomplete"] == true, "`{focused}` has no completion");
    let mut filled = Vec::new();
    for (name, value) in given {
        let option = find(leaf, name)?;
        let mut one = json!({ "name": name, "type": option["type"], "value": value });
        if *name == focused {
            one["focused"] = json!(true);
            // While it is typed, a number is a text too.
            one["value"] = json!(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        filled.push(one);
    }
    if given.iter().all(|(name, _)| *name != focused) {
        let empty =
            json!({ "name": focused, "type": option["type"], "value": "", "focused": true });
        filled.push(empty);
    }
    Ok(filled)
}

fn find<'c>(leaf: &'c Value, name: &str) -> anyhow::Result<&'c Value> {
    ensure!(!is_branch(leaf), "{} takes no values", leaf["name"]);
    let found = options(leaf).iter().find(|option| option["name"] == name);
    found.with_context(|| format!("there is no option `{name}`"))
}

fn check(option: &Value, value: &Value) -> anyhow::Result<()> {
    match kind(option) {
        3 => {
            let text = value.as_str().context("it is no text")?;
            let length = text.chars().count() as u64;
            let least = option["min_length"].as_u64().unwrap_or(1);
            let most = option["max_length"].as_u64().unwrap_or(6000);
            ensure!((least..=most).contains(&length), "it takes {least} to {most} characters");
        }
        4 => {
            let number = value.as_i64().context("it is no whole number")?;
            range(option, number as f64)?;
        }
        10 => range(option, value.as_f64().context("it is no number")?)?,
        5 => drop(value.as_bool().context("it is neither true nor false")?),
        6..=9 => {
            let id = value.as_str().and_then(|id| id.parse::<u64>().ok());
            id.context("it is no id")?;
        }
        other => bail!("options of type {other} are not filled in here"),
    }
    let choices = option["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    let offered = choices.is_empty() || choices.iter().any(|choice| choice["value"] == *value);
    ensure!(offered, "{value} is not among the choices");
    Ok(())
}

fn range(option: &Value, number: f64) -> anyhow::Result<()> {
    let above = option["min_value"].as_f64().is_none_or(|least| number >= least);
    let below = option["max_value"].as_f64().is_none_or(|most| number <= most);
    ensure!(above && below, "{number} is out of range");
    Ok(())
}
