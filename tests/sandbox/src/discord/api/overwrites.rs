//! What roles and members are given or denied in a channel.

use serde_json::Value;

use super::{Answered, Call, nothing};
use crate::discord::channel::Overwrite;
use crate::discord::limits::number;
use crate::discord::permissions as may;
use crate::discord::refusal::Refusal;

/// One overwrite of a body. The bot gives and takes only what it has.
///
/// # Errors
/// 50035 for what is none, 10009 for nobody, 50013.
pub(super) fn read(
    call: &Call<'_>,
    id: &str,
    given: &Value,
    has: u64,
    at: &str,
) -> Result<Overwrite, Refusal> {
    let bits = |key: &str| match &given[key] {
        Value::Null => Ok(0),
        value => number(value).ok_or_else(|| {
            Refusal::field(&format!("{at}.{key}"), "NUMBER_TYPE_COERCE", "Value is not an int.")
        }),
    };
    let role = call.state.roles.iter().any(|role| role.id == id);
    let member = match given["type"].as_u64() {
        Some(0) => false,
        Some(1) => true,
        None if given["type"].is_null() => !role,
        _ => {
            let message = "Value must be one of (0, 1).";
            return Err(Refusal::field(&format!("{at}.type"), "BASE_TYPE_CHOICES", message));
        }
    };
    let known = if member { call.state.users.iter().any(|user| user.id == id) } else { role };
    if !known {
        return Err(Refusal::new(404, 10009, "Unknown permission overwrite"));
    }
    let (allow, deny) = (bits("allow")?, bits("deny")?);
    if (allow | deny) & !has != 0 {
        return Err(Refusal::missing_permissions());
    }
    Ok(Overwrite { id: id.to_owned(), member, allow, deny })
}

pub(super) fn put(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(may::MANAGE_ROLES)?;
    let has = call.state.bot_permissions(&channel);
    let one = read(call, call.parameter("overwrite_id"), call.body, has, "")?;
    let stored = call.stored(&channel.id)?;
    stored.overwrites.retain(|known| known.id != one.id);
    stored.overwrites.push(one);
    call.state.tell_channel("UPDATE", &channel.id);
    nothing()
}

pub(super) fn delete(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(may::MANAGE_ROLES)?;
    let id = call.parameter("overwrite_id").to_owned();
    if channel.overwrites.iter().all(|known| known.id != id) {
        return Err(Refusal::new(404, 10009, "Unknown permission overwrite"));
    }
    call.stored(&channel.id)?.overwrites.retain(|known| known.id != id);
    call.state.tell_channel("UPDATE", &channel.id);
    nothing()
}
