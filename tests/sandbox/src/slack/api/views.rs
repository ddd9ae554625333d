//! `views.*`: opening, pushing, changing and publishing.

use serde_json::{Value, json};

use super::{Answered, Call};
use crate::slack::limits::{self, Surface};
use crate::slack::refusal::Refusal;
use crate::slack::views;

pub(super) fn open(call: &mut Call<'_>) -> Answered {
    opened(call, false)
}

pub(super) fn push(call: &mut Call<'_>) -> Answered {
    opened(call, true)
}

fn opened(call: &mut Call<'_>, on_top: bool) -> Answered {
    let view = given(call, Surface::Modal)?;
    let pointer = call.args.text("interactivity_pointer");
    let trigger = call.args.text("trigger_id").or(pointer);
    let trigger = trigger.ok_or_else(|| Refusal::missing("trigger_id"))?;
    let now = call.state.now;
    let user = call.state.triggers.exchange(trigger, now)?;
    if on_top && !call.state.views.stacks.contains_key(&user) {
        return Err(Refusal::new("not_found"));
    }
    let view = views::open(call.state, &user, &view, on_top)?;
    Ok(json!({ "view": view }))
}

pub(super) fn update(call: &mut Call<'_>) -> Answered {
    let not_found = || Refusal::new("not_found");
    let id = match (call.args.text("view_id"), call.args.text("external_id")) {
        (Some(id), _) => id.to_owned(),
        (None, Some(external)) => {
            call.state.views.by_external_id(external).ok_or_else(not_found)?.id.clone()
        }
        (None, None) => return Err(Refusal::missing("view_id")),
    };
    let found = call.state.views.find(&id).ok_or_else(not_found)?;
    let surface = if found.view["type"] == "home" { Surface::Home } else { Surface::Modal };
    let view = given(call, surface)?;
    let view = views::update(call.state, &id, call.args.text("hash"), &view)?;
    Ok(json!({ "view": view }))
}

pub(super) fn publish(call: &mut Call<'_>) -> Answered {
    let view = given(call, Surface::Home)?;
    let user = call.args.required("user_id")?;
    if !call.state.users.iter().any(|known| known.id == user && !known.deleted) {
        return Err(Refusal::new("user_not_found"));
    }
    let view = views::publish(call.state, user, call.args.text("hash"), &view)?;
    Ok(json!({ "view": view }))
}

fn given(call: &Call<'_>, surface: Surface) -> Result<Value, Refusal> {
    let view = call.args.get("view").ok_or_else(|| Refusal::missing("view"))?;
    limits::view(view, surface)?;
    Ok(view.clone())
}
