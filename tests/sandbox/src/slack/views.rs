//! Modals and home pages. Invariant: a person has at most one stack of at most three modals, and a
//! view's hash changes with every update. Changed by `views.*`, by answers to submissions and by
//! people closing them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::state::State;

/// The deepest stack of modals.
const DEPTH: usize = 3;

/// How many people's home pages and modals are kept.
const KEPT: usize = 10_000;

/// A view as it stands now.
#[derive(Debug, Clone)]
pub struct View {
    pub id: String,
    /// Who sees it.
    pub user: String,
    /// The whole object as Slack shows it: title, blocks, state, hash and so on.
    pub view: Value,
    /// What the last submission was refused for, by block id; `Null` for nothing.
    pub errors: Value,
}

impl View {
    #[must_use]
    pub fn callback_id(&self) -> &str {
        self.view["callback_id"].as_str().unwrap_or_default()
    }

    pub(super) fn hash(&self) -> &str {
        self.view["hash"].as_str().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Views {
    /// By user: the modals on top of each other, the last one visible.
    pub(super) stacks: BTreeMap<String, Vec<View>>,
    /// By user.
    pub(super) homes: BTreeMap<String, View>,
}

impl Views {
    pub(super) fn find(&mut self, id: &str) -> Option<&mut View> {
        let modals = self.stacks.values_mut().flatten();
        modals.chain(self.homes.values_mut()).find(|view| view.id == id)
    }

    pub(super) fn by_external_id(&mut self, external: &str) -> Option<&mut View> {
        let modals = self.stacks.values_mut().flatten();
        modals.chain(self.homes.values_mut()).find(|view| view.view["external_id"] == external)
    }

    fn bound(&mut self) {
        if self.stacks.len() > KEPT {
            self.stacks.pop_first();
        }
        if self.homes.len() > KEPT {
            self.homes.pop_first();
        }
    }
}

/// Opens a modal on top of the person's stack, or as a new one.
///
/// # Errors
/// `push_limit_reached`, `duplicate_external_id`.
pub(super) fn open(
    state: &mut State,
    user: &str,
    given: &Value,
    on_top: bool,
) -> Result<Value, Refusal> {
    unused_external_id(state, given, "")?;
    let below = state.views.stacks.get(user).filter(|_| on_top);
    if below.is_some_and(|stack| stack.len() >= DEPTH) {
        return Err(Refusal::new("push_limit_reached"));
    }
    let previous = below.and_then(|stack| stack.last()).map(|view| view.id.clone());
    let root = below.and_then(|stack| stack.first()).map(|view| view.id.clone());
    let id = state.id("V");
    let mut view = whole(state, &id, given);
    view["root_view_id"] = json!(root.unwrap_or_else(|| id.clone()));
    view["previous_view_id"] = json!(previous);
    let stack = state.views.stacks.entry(user.to_owned()).or_default();
    if !on_top {
        stack.clear();
    }
    let shown = view.clone();
    stack.push(View { id, user: user.to_owned(), view, errors: Value::Null });
    state.views.bound();
    Ok(shown)
}

/// Replaces what a view shows.
///
/// # Errors
/// `not_found`, `hash_conflict`, `duplicate_external_id`.
pub(super) fn update(
    state: &mut State,
    id: &str,
    hash: Option<&str>,
    given: &Value,
) -> Result<Value, Refusal> {
    let not_found = || Refusal::new("not_found");
    let old = state.views.find(id).ok_or_else(not_found)?;
    if hash.is_some_and(|hash| hash != old.hash()) {
        return Err(Refusal::new("hash_conflict"));
    }
    let (root, previous) = (old.view["root_view_id"].clone(), old.view["previous_view_id"].clone());
    unused_external_id(state, given, id)?;
    let mut view = whole(state, id, given);
    view["root_view_id"] = root;
    view["previous_view_id"] = previous;
    let stored = state.views.find(id).ok_or_else(not_found)?;
    stored.view = view.clone();
    stored.errors = Value::Null;
    Ok(view)
}

/// Publishes a person's home page; its id stays the same.
///
/// # Errors
/// `hash_conflict`.
pub(super) fn publish(
    state: &mut State,
    user: &str,
    hash: Option<&str>,
    given: &Value,
) -> Result<Value, Refusal> {
    let old = state.views.homes.get(user).map(|view| (view.id.clone(), view.hash().to_owned()));
    if let (Some(hash), Some((_, stored))) = (hash, &old)
        && hash != stored
    {
        return Err(Refusal::new("hash_conflict"));
    }
    let id = old.map_or_else(|| state.id("V"), |(id, _)| id);
    let mut view = whole(state, &id, given);
    view["root_view_id"] = json!(id);
    view["previous_view_id"] = Value::Null;
    let shown = view.clone();
    let stored = View { id, user: user.to_owned(), view, errors: Value::Null };
    state.views.homes.insert(user.to_owned(), stored);
    state.views.bound();
    Ok(shown)
}

/// Takes a view off its stack; with `all`, the whole stack.
pub(super) fn close(state: &mut State, id: &str, all: bool) {
    for stack in state.views.stacks.values_mut() {
        if let Some(at) = stack.iter().position(|view| view.id == id) {
            stack.truncate(if all { 0 } else { at });
        }
    }
    state.views.stacks.retain(|_, stack| !stack.is_empty());
}

fn unused_external_id(state: &mut State, given: &Value, own: &str) -> Result<(), Refusal> {
    let Some(external) = given["external_id"].as_str().filter(|id| !id.is_empty()) else {
        return Ok(());
    };
    match state.views.by_external_id(external) {
        Some(view) if view.id != own => Err(Refusal::new("duplicate_external_id")),
        _ => Ok(()),
    }
}

/// The object that Slack makes of a given view: every key there, ids filled in.
fn whole(state: &mut State, id: &str, given: &Value) -> Value {
    let blocks = given["blocks"].as_array().cloned().unwrap_or_default();
    let blocks = state.named(blocks);
    let hash = format!("{}.{}", super::state::seconds(), state.word());
    let or = |key: &str, otherwise: Value| {
        given.get(key).filter(|value| !value.is_null()).cloned().unwrap_or(otherwise)
    };
    json!({
        "id": id,
        "team_id": state.team.id,
        "type": given["type"],
        "title": or("title", json!({ "type": "plain_text", "text": "View Title", "emoji": true })),
        "submit": or("submit", Value::Null),
        "close": or("close", Value::Null),
        "blocks": blocks,
        "private_metadata": or("private_metadata", json!("")),
        "callback_id": or("callback_id", json!("")),
        "external_id": or("external_id", json!("")),
        "state": { "values": {} },
        "hash": hash,
        "clear_on_close": or("clear_on_close", json!(false)),
        "notify_on_close": or("notify_on_close", json!(false)),
        "submit_disabled": or("submit_disabled", json!(false)),
        "app_id": state.app.id,
        "app_installed_team_id": state.team.id,
        "bot_id": state.app.bot_id,
    })
}
