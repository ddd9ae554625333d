//! `api.test`, `auth.*`, `team.info` and `apps.connections.open`.

use serde_json::{Value, json};

use super::{Answered, Call};
use crate::slack::deliver::ticket;
use crate::slack::journal::Caller;
use crate::slack::refusal::Refusal;

pub(super) fn api_test(call: &mut Call<'_>) -> Answered {
    let args = call.args.fields.clone();
    match call.args.text("error") {
        Some(error) => Err(Refusal::new(error).with("args", args)),
        None if args.as_object().is_some_and(serde_json::Map::is_empty) => Ok(json!({})),
        None => Ok(json!({ "args": args })),
    }
}

pub(super) fn auth_test(call: &mut Call<'_>) -> Answered {
    let (team, app) = (&call.state.team, &call.state.app);
    let url = format!("https://{}.slack.com/", team.domain);
    if call.state.tokens.caller(Some(call.token)) == Caller::App {
        return Ok(json!({ "app_name": app.name, "app_id": app.id }));
    }
    Ok(json!({
        "url": url, "team": team.name, "user": app.name, "team_id": team.id,
        "user_id": app.bot_user, "bot_id": app.bot_id, "is_enterprise_install": false,
    }))
}

pub(super) fn revoke(call: &mut Call<'_>) -> Answered {
    if call.args.flag("test") {
        return Ok(json!({ "revoked": false }));
    }
    call.state.tokens.revoke();
    Ok(json!({ "revoked": true }))
}

pub(super) fn team_info(call: &mut Call<'_>) -> Answered {
    let team = &call.state.team;
    Ok(json!({ "team": {
        "id": team.id, "name": team.name, "domain": team.domain, "email_domain": "example.com",
        "icon": { "image_default": true }, "is_verified": false,
        "url": format!("https://{}.slack.com/", team.domain),
        "avatar_base_url": "https://ca.slack-edge.com/", "lob_sales_home_enabled": false,
        "is_sfdc_auto_slack": false,
    }}))
}

pub(super) fn connections_open(call: &mut Call<'_>) -> Answered {
    let url = ticket(call.state)?;
    Ok(json!({ "url": Value::String(url) }))
}
