//! `bookmarks.add` and `bookmarks.list`.

use serde_json::{Value, json};

use super::{Answered, Call};
use crate::slack::refusal::Refusal;
use crate::slack::state::seconds;

/// How many bookmarks a channel holds.
const MOST: usize = 100;

pub(super) fn add(call: &mut Call<'_>) -> Answered {
    let channel = call.args.required("channel_id")?.to_owned();
    let found = call.channel_of(&channel)?;
    if found.archived {
        return Err(Refusal::new("is_archived"));
    }
    let title = call.args.required("title")?.to_owned();
    let kind = call.args.required("type")?.to_owned();
    let link = call.args.text("link").unwrap_or_default().to_owned();
    if kind != "link" {
        return Err(Refusal::new("invalid_bookmark_type"));
    }
    if !link.starts_with("https://") && !link.starts_with("http://") {
        return Err(Refusal::new("invalid_link"));
    }
    if of(call, &channel).len() >= MOST {
        return Err(Refusal::new("too_many_bookmarks"));
    }
    let bookmark = json!({
        "id": call.state.id("Bk"), "channel_id": channel, "title": title, "link": link,
        "emoji": call.args.text("emoji").unwrap_or_default(), "icon_url": Value::Null,
        "type": kind, "entity_id": Value::Null, "date_created": seconds(), "date_updated": 0,
        "rank": "U", "last_updated_by_user_id": call.state.app.bot_user,
        "last_updated_by_team_id": call.state.team.id, "shortcut_id": Value::Null,
        "app_id": Value::Null,
    });
    call.state.bookmarks.push(bookmark.clone());
    Ok(json!({ "bookmark": bookmark }))
}

pub(super) fn list(call: &mut Call<'_>) -> Answered {
    let channel = call.args.required("channel_id")?.to_owned();
    call.channel_of(&channel)?;
    Ok(json!({ "bookmarks": of(call, &channel) }))
}

fn of(call: &Call<'_>, channel: &str) -> Vec<Value> {
    let mine = call.state.bookmarks.iter().filter(|bookmark| bookmark["channel_id"] == channel);
    mine.cloned().collect()
}
