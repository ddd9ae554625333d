//! The guild, its members and roles.

use serde_json::{Value, json};

use super::{Answered, Call, ok};
use crate::discord::options::User;
use crate::discord::refusal::Refusal;
use crate::discord::shown;

pub(super) fn get(call: &mut Call<'_>) -> Answered {
    call.guild()?;
    ok(shown::guild(call.state))
}

pub(super) fn channels(call: &mut Call<'_>) -> Answered {
    call.guild()?;
    ok(Value::Array(shown::channels(call.state)))
}

pub(super) fn threads(call: &mut Call<'_>) -> Answered {
    call.guild()?;
    ok(json!({ "threads": shown::active_threads(call.state), "members": [], "has_more": false }))
}

pub(super) fn roles(call: &mut Call<'_>) -> Answered {
    call.guild()?;
    let roles = call.state.roles.iter().map(|role| shown::role(call.state, role)).collect();
    ok(Value::Array(roles))
}

/// The list needs an intent that has to be switched on for the app, and is not.
pub(super) fn members(call: &mut Call<'_>) -> Answered {
    call.guild()?;
    Err(Refusal::missing_access())
}

pub(super) fn search(call: &mut Call<'_>) -> Answered {
    call.guild()?;
    let limit = call.limit(1, 1000)?;
    let Some(query) = call.query("query").filter(|query| !query.is_empty()) else {
        return Err(Refusal::field("query", "BASE_TYPE_REQUIRED", "This field is required"));
    };
    let query = query.to_lowercase();
    let begins = |user: &&User| {
        let names = [Some(&user.name), user.nick.as_ref()];
        user.member && names.into_iter().flatten().any(|n| n.to_lowercase().starts_with(&query))
    };
    let found = call.state.users.iter().filter(begins).take(limit).map(shown::member);
    ok(Value::Array(found.collect()))
}

pub(super) fn member(call: &mut Call<'_>) -> Answered {
    call.guild()?;
    let id = call.parameter("user_id");
    let user = call.state.users.iter().find(|user| user.id == id);
    let user = user.ok_or_else(|| Refusal::new(404, 10013, "Unknown User"))?;
    if !user.member {
        return Err(Refusal::new(404, 10007, "Unknown Member"));
    }
    ok(shown::member(user))
}
