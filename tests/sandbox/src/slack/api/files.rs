//! `files.*`: the external upload in three steps, and what is known of a file afterwards.

use serde_json::{Value, json};

use super::chat::{thread, written};
use super::{Answered, Call};
use crate::slack::files;
use crate::slack::limits::{self, Content};
use crate::slack::refusal::Refusal;

/// The most bytes of a file.
const SIZE: usize = 64 << 20;

/// The longest description of a picture, in characters.
const ALT_TEXT: usize = 1000;

pub(super) fn upload_url(call: &mut Call<'_>) -> Answered {
    let name = call.args.required("filename")?;
    let length = call.args.number("length")?.ok_or_else(|| Refusal::missing("length"))?;
    let length = usize::try_from(length).ok().filter(|length| (1..=SIZE).contains(length));
    let length = length.ok_or_else(|| Refusal::new("invalid_arguments"))?;
    let alt_text = call.args.text("alt_txt").unwrap_or_default();
    if alt_text.chars().count() > ALT_TEXT {
        return Err(Refusal::new("alt_txt_too_large"));
    }
    let (id, url) = files::reserve(call.state, name, length, alt_text);
    Ok(json!({ "upload_url": url, "file_id": id }))
}

pub(super) fn complete(call: &mut Call<'_>) -> Answered {
    let given = call.args.get("files").and_then(Value::as_array);
    let given = given.filter(|files| !files.is_empty()).ok_or_else(|| Refusal::missing("files"))?;
    let mut ids = Vec::new();
    for file in given {
        let id = file["id"].as_str().unwrap_or_default();
        let stored = call.state.files.get(id).filter(|stored| stored.uploaded);
        if stored.is_none_or(|stored| stored.complete) {
            return Err(Refusal::new("file_not_found"));
        }
        ids.push((id.to_owned(), file["title"].as_str().map(str::to_owned)));
    }
    let channel = share_target(call)?;
    let text = call.args.text("initial_comment").unwrap_or_default().to_owned();
    let blocks =
        limits::content(&json!({ "text": "-", "blocks": call.args.get("blocks") }))?.blocks;
    for (id, title) in &ids {
        let stored = call.state.files.get_mut(id).expect("it was found above");
        stored.complete = true;
        stored.channels.extend(channel.as_ref().map(|(channel, _)| channel.clone()));
        if let Some(title) = title {
            stored.title.clone_from(title);
        }
    }
    if let Some((channel, thread_ts)) = channel {
        let mut message = written(call.state, Content { text, blocks, attachments: Vec::new() });
        message.files = ids.iter().map(|(id, _)| id.clone()).collect();
        message.thread_ts = thread_ts;
        call.state.channels.get_mut(&channel).expect("it was found above").post(message);
    }
    let shown = ids.iter().filter_map(|(id, _)| call.state.files.get(id));
    let shown: Vec<Value> = shown.map(|file| file.json(&call.state.team)).collect();
    Ok(json!({ "files": shown }))
}

/// The channel and thread to share in; none to keep the files private.
fn share_target(call: &mut Call<'_>) -> Result<Option<(String, Option<String>)>, Refusal> {
    let several = call.args.list("channels");
    let Some(id) = call.args.text("channel_id").map(str::to_owned).or(several.first().cloned())
    else {
        return Ok(None);
    };
    let bot = call.state.app.bot_user.clone();
    let wanted = call.args.text("thread_ts");
    let channel = call.channel_of(&id)?;
    if !channel.has(&bot) {
        return Err(Refusal::new("not_in_channel"));
    }
    if channel.archived {
        return Err(Refusal::new("is_archived"));
    }
    let thread_ts = thread(channel, wanted)?;
    Ok(Some((id, thread_ts)))
}

pub(super) fn info(call: &mut Call<'_>) -> Answered {
    let id = call.args.required("file")?;
    let file = call.state.files.get(id).filter(|file| file.complete);
    let file = file.ok_or_else(|| Refusal::new("file_not_found"))?;
    Ok(json!({ "file": file.json(&call.state.team), "comments": [] }))
}

pub(super) fn delete(call: &mut Call<'_>) -> Answered {
    let id = call.args.required("file")?;
    call.state.files.remove(id).ok_or_else(|| Refusal::new("file_not_found"))?;
    for channel in call.state.channels.values_mut() {
        for message in &mut channel.messages {
            message.files.retain(|file| file != id);
        }
    }
    Ok(json!({}))
}
