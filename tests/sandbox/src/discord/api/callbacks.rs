//! What an interaction's token allows: the first response, messages after it, and their changes.

use super::{Answered, Call, nothing, ok};
use crate::discord::interactions;
use crate::discord::limits::{self, Place};
use crate::discord::refusal::Refusal;
use crate::discord::{posts, shown};

pub(super) fn respond(call: &mut Call<'_>) -> Answered {
    let (id, token) = (call.parameter("interaction_id"), call.parameter("interaction_token"));
    let (id, token) = (id.to_owned(), token.to_owned());
    let told = interactions::respond(call.state, &id, &token, call.body, call.files)?;
    if call.switch("with_response") { ok(told) } else { nothing() }
}

pub(super) fn follow_up(call: &mut Call<'_>) -> Answered {
    let (application, token) = hook(call);
    let message = interactions::follow_up(call.state, &application, &token, call.body, call.files)?;
    ok(message)
}

fn hook(call: &Call<'_>) -> (String, String) {
    (call.parameter("webhook_id").to_owned(), call.parameter("webhook_token").to_owned())
}

fn own(call: &mut Call<'_>) -> Result<(String, String), Refusal> {
    let (application, token) = hook(call);
    let id = match call.parameter("message_id") {
        "" => "@original".to_owned(),
        id => id.to_owned(),
    };
    interactions::own_message(call.state, &application, &token, &id)
}

pub(super) fn get(call: &mut Call<'_>) -> Answered {
    let (channel, id) = own(call)?;
    let found = call.stored(&channel)?.any_message(&id).cloned();
    ok(shown::message(call.state, &found.ok_or_else(Refusal::unknown_message)?))
}

pub(super) fn edit(call: &mut Call<'_>) -> Answered {
    let (channel, id) = own(call)?;
    limits::message(call.body, call.files, Place::Edit)?;
    let message = posts::edit(call.state, &channel, &id, call.body, call.files)?;
    ok(shown::message(call.state, &message))
}

pub(super) fn delete(call: &mut Call<'_>) -> Answered {
    let (channel, id) = own(call)?;
    posts::remove(call.state, &channel, &id);
    nothing()
}
