//! The app's commands: read, made, replaced.

use serde_json::Value;

use super::{Answered, Call, Reply, nothing, ok};
use crate::discord::commands::{self, Scope};
use crate::discord::limits;
use crate::discord::refusal::Refusal;
use crate::discord::shown;

pub(super) fn list(call: &mut Call<'_>) -> Answered {
    list_in(call, Scope::Guild)
}

pub(super) fn list_global(call: &mut Call<'_>) -> Answered {
    list_in(call, Scope::Global)
}

pub(super) fn create(call: &mut Call<'_>) -> Answered {
    create_in(call, Scope::Guild)
}

pub(super) fn create_global(call: &mut Call<'_>) -> Answered {
    create_in(call, Scope::Global)
}

pub(super) fn replace(call: &mut Call<'_>) -> Answered {
    replace_in(call, Scope::Guild)
}

pub(super) fn replace_global(call: &mut Call<'_>) -> Answered {
    replace_in(call, Scope::Global)
}

pub(super) fn get(call: &mut Call<'_>) -> Answered {
    get_in(call, Scope::Guild)
}

pub(super) fn get_global(call: &mut Call<'_>) -> Answered {
    get_in(call, Scope::Global)
}

pub(super) fn edit(call: &mut Call<'_>) -> Answered {
    edit_in(call, Scope::Guild)
}

pub(super) fn edit_global(call: &mut Call<'_>) -> Answered {
    edit_in(call, Scope::Global)
}

pub(super) fn delete(call: &mut Call<'_>) -> Answered {
    delete_in(call, Scope::Guild)
}

pub(super) fn delete_global(call: &mut Call<'_>) -> Answered {
    delete_in(call, Scope::Global)
}

/// Another app's commands are none of the bot's business.
fn own(call: &Call<'_>, scope: Scope) -> Result<(), Refusal> {
    if call.parameter("application_id") != call.state.app.application_id {
        let message = "You are not authorized to perform this action on this application";
        return Err(Refusal::new(403, 20012, message));
    }
    if scope == Scope::Guild {
        call.guild()?;
    }
    Ok(())
}

fn list_in(call: &mut Call<'_>, scope: Scope) -> Answered {
    own(call, scope)?;
    ok(Value::Array(call.state.commands.of(scope).to_vec()))
}

fn create_in(call: &mut Call<'_>, scope: Scope) -> Answered {
    own(call, scope)?;
    limits::command(call.body)?;
    let (command, new) = commands::upsert(call.state, scope, call.body)?;
    Ok(Reply { status: if new { 201 } else { 200 }, body: command })
}

fn replace_in(call: &mut Call<'_>, scope: Scope) -> Answered {
    own(call, scope)?;
    let Some(given) = call.body.as_array() else {
        let message = "Only iterables may be used in a ListType";
        return Err(Refusal::field("", "LIST_TYPE_CONVERT", message));
    };
    limits::commands(given)?;
    commands::replace(call.state, scope, given)?;
    list_in(call, scope)
}

fn position(call: &Call<'_>, scope: Scope) -> Result<usize, Refusal> {
    own(call, scope)?;
    let id = call.parameter("command_id");
    let found = call.state.commands.of(scope).iter().position(|command| command["id"] == id);
    found.ok_or_else(|| Refusal::new(404, 10063, "Unknown application command"))
}

fn get_in(call: &mut Call<'_>, scope: Scope) -> Answered {
    let at = position(call, scope)?;
    ok(call.state.commands.of(scope)[at].clone())
}

fn edit_in(call: &mut Call<'_>, scope: Scope) -> Answered {
    let at = position(call, scope)?;
    let mut changed = call.state.commands.of(scope)[at].clone();
    shown::extend(&mut changed, call.body.clone());
    limits::command(&changed)?;
    changed["version"] = Value::String(call.state.id());
    call.state.commands.of_mut(scope)[at] = changed.clone();
    ok(changed)
}

fn delete_in(call: &mut Call<'_>, scope: Scope) -> Answered {
    let at = position(call, scope)?;
    call.state.commands.of_mut(scope).remove(at);
    nothing()
}
