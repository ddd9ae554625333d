//! `users.*`, `usergroups.*` and `bots.info`. An e-mail address is shown only with its own scope.

use serde_json::{Value, json};

use super::{Answered, Call, cursor, page};
use crate::slack::options::{User, UserGroup};
use crate::slack::refusal::Refusal;
use crate::slack::state::State;

pub(super) fn info(call: &mut Call<'_>) -> Answered {
    let id = call.args.required("user")?;
    let found = call.state.users.iter().find(|user| user.id == id);
    let user = found.ok_or_else(|| Refusal::new("user_not_found"))?;
    Ok(json!({ "user": shown(call.state, user) }))
}

pub(super) fn list(call: &mut Call<'_>) -> Answered {
    let all: Vec<Value> = call.state.users.iter().map(|user| shown(call.state, user)).collect();
    let (members, next) = page(call.args, &all, 1000, 1000)?;
    Ok(json!({ "members": members, "cache_ts": 1_700_000_000, "response_metadata": cursor(&next) }))
}

pub(super) fn by_email(call: &mut Call<'_>) -> Answered {
    let email = call.args.required("email")?;
    let state = &*call.state;
    // People of other organisations and those who left cannot be looked up.
    let found = state.users.iter().find(|user| {
        !user.deleted
            && user.team == state.team.id
            && user.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(email))
    });
    let user = found.ok_or_else(|| Refusal::new("users_not_found"))?;
    Ok(json!({ "user": shown(state, user) }))
}

pub(super) fn bot(call: &mut Call<'_>) -> Answered {
    let app = &call.state.app;
    if call.args.text("bot").is_some_and(|id| id != app.bot_id) {
        return Err(Refusal::new("bot_not_found"));
    }
    Ok(json!({ "bot": {
        "id": app.bot_id, "deleted": false, "name": app.name, "updated": 1_700_000_000,
        "app_id": app.id, "user_id": app.bot_user, "icons": {},
    }}))
}

pub(super) fn groups(call: &mut Call<'_>) -> Answered {
    let with_users = call.args.flag("include_users");
    let team = &call.state.team.id;
    let groups: Vec<Value> = call
        .state
        .groups
        .iter()
        .map(|group| {
            let mut shown = shown_group(group, team);
            if with_users {
                shown["users"] = json!(group.users);
            }
            shown
        })
        .collect();
    Ok(json!({ "usergroups": groups }))
}

pub(super) fn group_members(call: &mut Call<'_>) -> Answered {
    let id = call.args.required("usergroup")?;
    let found = call.state.groups.iter().find(|group| group.id == id);
    let group = found.ok_or_else(|| Refusal::new("no_such_subteam"))?;
    Ok(json!({ "users": group.users }))
}

fn shown_group(group: &UserGroup, team: &str) -> Value {
    json!({
        "id": group.id, "team_id": team, "is_usergroup": true, "is_subteam": true,
        "name": group.name, "description": "", "handle": group.handle, "is_external": false,
        "date_create": 1_700_000_000, "date_update": 1_700_000_000, "date_delete": 0,
        "auto_type": Value::Null, "auto_provision": false, "enterprise_subteam_id": "",
        "created_by": group.users.first(), "updated_by": group.users.first(),
        "deleted_by": Value::Null, "prefs": { "channels": [], "groups": [] },
        "user_count": group.users.len(), "channel_count": 0, "is_section": false,
        "is_visible": true, "is_idp_group": false, "is_membership_locked": false,
    })
}

/// A person as the API shows them.
pub(in crate::slack) fn shown(state: &State, user: &User) -> Value {
    let app = &state.app;
    let mut profile = json!({
        "title": "", "phone": "", "skype": "", "real_name": user.real_name,
        "real_name_normalized": user.real_name, "display_name": user.name,
        "display_name_normalized": user.name, "fields": {}, "status_text": "",
        "status_emoji": "", "status_emoji_display_info": [], "status_expiration": 0,
        "avatar_hash": "g0000000001", "team": user.team, "status_text_canonical": "",
    });
    if user.bot && user.id == app.bot_user {
        profile["bot_id"] = json!(app.bot_id);
        profile["api_app_id"] = json!(app.id);
        profile["always_active"] = json!(true);
    }
    let may_see = state.tokens.scopes.iter().any(|scope| scope == "users:read.email");
    if let Some(email) = user.email.as_ref().filter(|_| may_see && !user.stranger) {
        profile["email"] = json!(email);
    }
    let mut shown = json!({
        "id": user.id, "team_id": user.team, "name": user.name, "deleted": user.deleted,
        "profile": profile, "is_bot": user.bot, "is_app_user": false, "updated": 1_700_000_000,
    });
    // Slack says less of people who left.
    if user.deleted {
        return shown;
    }
    crate::slack::channel::merge(
        &mut shown,
        json!({
            "color": "9f69e7", "real_name": user.real_name, "tz": user.tz,
            "tz_label": user.tz, "tz_offset": user.tz_offset, "is_admin": user.admin,
            "is_owner": false, "is_primary_owner": false, "is_restricted": user.restricted,
            "is_ultra_restricted": user.ultra_restricted,
            "is_email_confirmed": user.email_confirmed, "who_can_share_contact_card": "EVERYONE",
        }),
    );
    if user.stranger {
        shown["is_stranger"] = json!(true);
    }
    shown
}
