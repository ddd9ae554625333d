//! The app's commands as they are registered: globally and in the guild. Invariant: a command keeps its
//! id as long as its name and kind stay. Source:
//! docs.discord.com/developers/interactions/application-commands. Changed by the methods, read for what
//! people type.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::shown::extend;
use super::state::State;

/// New commands a day.
const CREATES: usize = 200;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a command counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Global,
    Guild,
}

#[derive(Debug, Default)]
pub(super) struct Commands {
    global: Vec<Value>,
    guild: Vec<Value>,
    /// When new ones were made, within the last day.
    created: VecDeque<Duration>,
}

impl Commands {
    pub(super) fn of(&self, scope: Scope) -> &[Value] {
        match scope {
            Scope::Global => &self.global,
            Scope::Guild => &self.guild,
        }
    }

    pub(super) fn of_mut(&mut self, scope: Scope) -> &mut Vec<Value> {
        match scope {
            Scope::Global => &mut self.global,
            Scope::Guild => &mut self.guild,
        }
    }

    /// Those of the guild first: they hide global ones of the same name.
    pub(super) fn all(&self) -> impl Iterator<Item = &Value> {
        self.guild.iter().chain(&self.global)
    }

    fn count_create(&mut self, now: Duration) -> Result<(), Refusal> {
        while self.created.front().is_some_and(|at| *at + DAY <= now) {
            self.created.pop_front();
        }
        if self.created.len() >= CREATES {
            let message = "Max number of daily application command creates has been reached (200)";
            return Err(Refusal::new(400, 30034, message));
        }
        self.created.push_back(now);
        Ok(())
    }
}

/// Makes a command, or changes the one of its name and kind. Whether it is new is the second.
///
/// # Errors
/// 30034 for one too many new ones in a day.
pub(super) fn upsert(
    state: &mut State,
    scope: Scope,
    given: &Value,
) -> Result<(Value, bool), Refusal> {
    let known = state.commands.of(scope).iter().position(|one| same(one, given));
    let id = match known {
        Some(at) => state.commands.of(scope)[at]["id"].as_str().unwrap_or_default().to_owned(),
        None => {
            let now = state.now;
            state.commands.count_create(now)?;
            state.id()
        }
    };
    let whole = whole(state, scope, &id, given);
    let list = state.commands.of_mut(scope);
    match known {
        Some(at) => list[at] = whole.clone(),
        None => list.push(whole.clone()),
    }
    Ok((whole, known.is_none()))
}

/// Puts these in the place of all, in their order.
///
/// # Errors
/// As [`upsert`].
pub(super) fn replace(state: &mut State, scope: Scope, given: &[Value]) -> Result<(), Refusal> {
    let mut kept = Vec::new();
    for one in given {
        kept.push(upsert(state, scope, one)?.0);
    }
    *state.commands.of_mut(scope) = kept;
    Ok(())
}

fn same(one: &Value, other: &Value) -> bool {
    let kind = |command: &Value| command["type"].as_u64().unwrap_or(1);
    one["name"] == other["name"] && kind(one) == kind(other)
}

/// A command with the fields that Discord adds.
fn whole(state: &mut State, scope: Scope, id: &str, given: &Value) -> Value {
    let version = state.id();
    let mut whole = json!({
        "id": id, "application_id": state.app.application_id, "version": version, "type": 1,
        "default_member_permissions": null, "dm_permission": true, "contexts": null,
        "integration_types": [0], "nsfw": false, "description": "", "name_localizations": null,
        "description_localizations": null,
    });
    if scope == Scope::Guild {
        whole["guild_id"] = json!(state.guild);
    }
    let mut given = given.clone();
    if let Some(fields) = given.as_object_mut() {
        fields.retain(|key, value| {
            !value.is_null() && !matches!(key.as_str(), "id" | "application_id" | "version")
        });
    }
    extend(&mut whole, given);
    whole
}
