//! Users, the app itself, the way to the gateway.

use serde_json::json;

use super::{Answered, Call, ok};
use crate::discord::refusal::Refusal;
use crate::discord::{posts, shown};

pub(super) fn me(call: &mut Call<'_>) -> Answered {
    ok(shown::me(call.state))
}

pub(super) fn get(call: &mut Call<'_>) -> Answered {
    let id = call.parameter("user_id");
    let user = call.state.users.iter().find(|user| user.id == id);
    ok(shown::user(user.ok_or_else(|| Refusal::new(404, 10013, "Unknown User"))?))
}

pub(super) fn application(call: &mut Call<'_>) -> Answered {
    ok(shown::application(call.state))
}

pub(super) fn gateway(call: &mut Call<'_>) -> Answered {
    ok(json!({ "url": call.gateway_url }))
}

pub(super) fn gateway_bot(call: &mut Call<'_>) -> Answered {
    let limit = call.state.hub.session_start_limit();
    ok(json!({ "url": call.gateway_url, "shards": 1, "session_start_limit": limit }))
}

/// The direct conversation with somebody. It can be had with anybody; writing in it is another matter.
pub(super) fn direct(call: &mut Call<'_>) -> Answered {
    let Some(recipient) = posts::text(&call.body["recipient_id"]) else {
        let message = "This field is required";
        return Err(Refusal::field("recipient_id", "BASE_TYPE_REQUIRED", message));
    };
    let user = call.state.users.iter().find(|user| user.id == recipient);
    let user = user.ok_or_else(|| Refusal::new(404, 10013, "Unknown User"))?.id.clone();
    if user == call.state.app.bot_user {
        return Err(Refusal::new(400, 50007, "Cannot send messages to this user"));
    }
    let id = call.state.direct(&user);
    let channel = call.state.channels.get(&id).ok_or_else(Refusal::unknown_channel)?;
    ok(shown::channel(call.state, channel))
}
