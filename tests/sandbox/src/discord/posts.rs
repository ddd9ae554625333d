//! Messages as they are written and changed, by whatever way. Invariant: a body was checked
//! ([`super::limits::message`]) before it comes here, and who may write where was decided. Called by the
//! methods, the interactions and for what people say.

use serde_json::{Value, json};

use super::channel::{Channel, Message};
use super::limits::number;
use super::multipart::Upload;
use super::refusal::Refusal;
use super::state::{State, unix_millis};
use super::{files, shown};

/// "A few minutes", for which a nonce is remembered.
const NONCE: std::time::Duration = std::time::Duration::from_secs(300);

/// Writes a message; what is not in the body stands in `base`. With an enforced nonce that the author
/// has just used there, nothing is written, and it is that message.
///
/// # Errors
/// 50035 for a reply to what is not there, 10003 without the channel.
pub(super) fn create(
    state: &mut State,
    body: &Value,
    uploads: &[Upload],
    mut base: Message,
) -> Result<Message, Refusal> {
    base.nonce = text(&body["nonce"]);
    let now = state.now;
    let channel = state.channels.get_mut(&base.channel).ok_or_else(Refusal::unknown_channel)?;
    if body["enforce_nonce"] == true && base.nonce.is_some() {
        let same = |one: &&Message| one.nonce == base.nonce && one.author == base.author;
        let known = channel.messages.iter().rev().find(same);
        if let Some(known) = known.filter(|known| now.saturating_sub(known.at) < NONCE) {
            return Ok(known.clone());
        }
    }
    if let Some(to) = reply_to(channel, &body["message_reference"])? {
        base.kind = 19;
        base.reply_to = Some(to);
    }
    base.id = state.id();
    base.at = now;
    base.sent_at = unix_millis();
    base.by_bot = state.user(&base.author).is_some_and(|user| user.bot);
    base.flags |= body["flags"].as_u64().unwrap_or_default();
    fill(state, &mut base, body, uploads);
    post(state, base)
}

/// Puts a finished message into its channel and tells of it.
///
/// # Errors
/// 10003 without the channel.
pub(super) fn post(state: &mut State, message: Message) -> Result<Message, Refusal> {
    let channel = state.channels.get_mut(&message.channel).ok_or_else(Refusal::unknown_channel)?;
    channel.post(message.clone());
    tell(state, "MESSAGE_CREATE", &message);
    Ok(message)
}

/// The message that a new one replies to.
fn reply_to(channel: &Channel, reference: &Value) -> Result<Option<String>, Refusal> {
    let Some(id) = text(&reference["message_id"]) else {
        return Ok(None);
    };
    if channel.messages.iter().any(|message| message.id == id) {
        return Ok(Some(id));
    }
    if reference["fail_if_not_exists"] == false {
        return Ok(None);
    }
    let code = "MESSAGE_REFERENCE_UNKNOWN_MESSAGE";
    Err(Refusal::field("message_reference", code, "Unknown message"))
}

/// Changes what the body names.
///
/// # Errors
/// 10008 without the message, 50006 when nothing would be left of it.
pub(super) fn edit(
    state: &mut State,
    channel: &str,
    id: &str,
    body: &Value,
    uploads: &[Upload],
) -> Result<Message, Refusal> {
    let found = state.channels.get_mut(channel).and_then(|channel| channel.any_message(id));
    let mut message = found.cloned().ok_or_else(Refusal::unknown_message)?;
    let thinking = message.is_thinking();
    message.flags &= !Message::LOADING;
    fill(state, &mut message, body, uploads);
    if message.content.is_empty() && message.embeds.is_empty() && message.attachments.is_empty() {
        return Err(Refusal::new(400, 50006, "Cannot send an empty message"));
    }
    if !thinking {
        message.edits += 1;
        message.edited_at = Some(unix_millis());
    }
    replace(state, message)
}

/// Puts a changed message in the place of what it was.
///
/// # Errors
/// 10008 without the message.
pub(super) fn replace(state: &mut State, message: Message) -> Result<Message, Refusal> {
    let channel = state.channels.get_mut(&message.channel);
    let stored = channel.and_then(|channel| channel.any_message(&message.id));
    *stored.ok_or_else(Refusal::unknown_message)? = message.clone();
    tell(state, "MESSAGE_UPDATE", &message);
    Ok(message)
}

/// Takes a message away.
pub(super) fn remove(state: &mut State, channel: &str, id: &str) {
    let guild = state.guild.clone();
    let Some(stored) = state.channels.get_mut(channel) else { return };
    stored.remove(id);
    let data = json!({ "id": id, "channel_id": channel, "guild_id": guild });
    state.tell("MESSAGE_DELETE", &data);
}

/// Nobody is told of what one person alone sees.
fn tell(state: &State, event: &str, message: &Message) {
    let channel = state.channels.get(&message.channel);
    let Some(channel) = channel.filter(|channel| state.bot_sees(channel)) else { return };
    if message.ephemeral_to.is_some() {
        return;
    }
    let mut data = shown::message(state, message);
    if channel.recipient.is_none() {
        data["guild_id"] = json!(state.guild);
    }
    state.tell(event, &data);
}

/// Sets whatever stands in the body.
fn fill(state: &mut State, message: &mut Message, body: &Value, uploads: &[Upload]) {
    let list = |key: &str| body[key].as_array().cloned().unwrap_or_default();
    if body.get("content").is_some() {
        message.content = body["content"].as_str().unwrap_or_default().trim().to_owned();
        message.mentions = mentions(&message.content, &body["allowed_mentions"]);
    }
    if body.get("embeds").is_some() {
        message.embeds = list("embeds");
        for embed in &mut message.embeds {
            complete_embed(embed);
        }
    }
    if body.get("components").is_some() {
        message.components = list("components");
        number_all(&mut message.components, &mut 0);
        message.components.iter_mut().for_each(complete_component);
    }
    let listed = list("attachments");
    if body["attachments"].is_array() {
        let kept = |one: &Value| listed.iter().any(|named| text(&named["id"]) == text(&one["id"]));
        message.attachments.retain(kept);
    }
    for upload in uploads {
        let said = listed.iter().find(|one| number(&one["id"]) == Some(upload.number));
        let said = said.unwrap_or(&Value::Null);
        let (name, description) = (said["filename"].as_str(), said["description"].as_str());
        let attachment = files::store(state, &message.channel, upload, name, description);
        message.attachments.push(attachment);
    }
}

/// Gives its number to each component that has none, as Discord does.
pub(super) fn number_all(components: &mut [Value], last: &mut u64) {
    for component in components {
        *last += 1;
        if component["id"].is_null() {
            component["id"] = json!(*last);
        }
        if let Some(inner) = component.get_mut("components").and_then(Value::as_array_mut) {
            number_all(inner, last);
        }
        if component["component"].is_object() {
            number_all(std::slice::from_mut(&mut component["component"]), last);
        }
    }
}

/// An embed as Discord keeps it: without what is null, and with what it adds by itself.
fn complete_embed(embed: &mut Value) {
    without_nulls(embed);
    embed["type"] = json!("rich");
    for field in embed.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten() {
        if field.get("inline").is_none() {
            field["inline"] = json!(false);
        }
    }
}

/// A component of a message likewise. Whether a menu is required counts in forms only.
fn complete_component(component: &mut Value) {
    without_nulls(component);
    for inner in component.get_mut("components").and_then(Value::as_array_mut).into_iter().flatten()
    {
        complete_component(inner);
    }
    if !matches!(component["type"].as_u64(), Some(3 | 5..=8)) {
        return;
    }
    for key in ["min_values", "max_values"] {
        if component.get(key).is_none() {
            component[key] = json!(1);
        }
    }
    if let Some(fields) = component.as_object_mut() {
        fields.remove("required");
    }
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Whom a text pings, as far as it may.
fn mentions(content: &str, allowed: &Value) -> Vec<String> {
    let may = |kind: &str, id: &str| {
        let parsed =
            allowed["parse"].as_array().is_some_and(|parse| parse.iter().any(|k| k == kind));
        let named = allowed[kind]
            .as_array()
            .is_some_and(|ids| ids.iter().any(|one| text(one).as_deref() == Some(id)));
        allowed.is_null() || parsed || named
    };
    let mut found = Vec::new();
    for piece in content.split('<').skip(1).filter_map(|piece| piece.split_once('>')) {
        let Some(mention) = piece.0.strip_prefix('@') else { continue };
        let (kind, id) = match mention.strip_prefix('&') {
            Some(id) => ("roles", id),
            None => ("users", mention.trim_start_matches('!')),
        };
        let known = found.iter().any(|one: &String| one.trim_start_matches('&') == id);
        if id.parse::<u64>().is_ok() && may(kind, id) && !known {
            let mark = if kind == "roles" { "&" } else { "" };
            found.push(format!("{mark}{id}"));
        }
    }
    let all = content.contains("@everyone") || content.contains("@here");
    if all && may("everyone", "") {
        found.push("@everyone".to_owned());
    }
    found
}

/// A text, or a number as one: Discord takes ids in both forms, and `discord.py` sends both.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allowed_mentions_ping() {
        let text = "@here <@12> and <@!12>, <@&34> <#56> <@no>";
        assert_eq!(mentions(text, &Value::Null), ["12", "&34", "@everyone"]);
        assert_eq!(mentions(text, &json!({ "parse": [] })), [""; 0]);
        assert_eq!(mentions(text, &json!({ "parse": ["roles"], "users": ["12"] })), ["12", "&34"]);
    }

    #[test]
    fn embeds_and_components_are_kept_as_discord_shows_them() {
        let mut embed = json!({ "title": null, "fields": [{ "name": "a", "value": "b" }] });
        complete_embed(&mut embed);
        let field = json!({ "name": "a", "value": "b", "inline": false });
        assert_eq!(embed, json!({ "type": "rich", "fields": [field] }));
        let mut components = vec![json!({ "type": 1, "components": [
            { "type": 2, "style": 1, "label": "a", "custom_id": "b", "emoji": null },
            { "type": 3, "custom_id": "c", "options": [], "required": true, "max_values": 2 },
        ] })];
        number_all(&mut components, &mut 0);
        components.iter_mut().for_each(complete_component);
        let button = json!({ "type": 2, "id": 2, "style": 1, "label": "a", "custom_id": "b" });
        let menu = json!({ "type": 3, "id": 3, "custom_id": "c", "options": [], "min_values": 1,
            "max_values": 2 });
        assert_eq!(components, [json!({ "type": 1, "id": 1, "components": [button, menu] })]);
    }
}
