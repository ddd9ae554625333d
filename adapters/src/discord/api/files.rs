//! Files: a message of its own that answers the one it belongs to.
//!
//! Invariant: the same file beside the same message has the same nonce, so a repeat is no second one.

use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Discord;
use super::ask::Ask;
use super::error::Repeat;
use super::messages::{POST, nonce, standing};
use crate::chat::{ChatError, MessageRef};
use crate::message::Attachment;

/// Largest file, in bytes, where the server has no boost:
/// <https://docs.discord.com/developers/reference#uploading-files>.
const MAX_FILE: usize = 10 * 1024 * 1024;
const MAX_NAME: usize = 100;
const NEEDED: &str = "Send Messages (in Threads), Attach Files and Read Message History";

impl Discord {
    /// In the same channel or thread.
    pub(super) async fn attach_file(
        &self,
        at: &MessageRef,
        file: &Attachment,
    ) -> Result<(), ChatError> {
        let (channel, id) = standing(at)?;
        let mut payload = payload(file)?;
        let hash = Sha256::digest(&file.bytes);
        payload["nonce"] = nonce(&format!("{channel}/{id}/{}/{hash:?}", file.name)).into();
        payload["enforce_nonce"] = true.into();
        payload["message_reference"] = json!({ "message_id": id, "fail_if_not_exists": false });
        let path = format!("/channels/{channel}/messages");
        let ask = Ask::new(Method::POST, POST, channel, path).needs(NEEDED);
        let ask = with_file(ask, &payload, file);
        self.settle(&ask).await.map_err(|error| error.into_chat(Repeat::Safe))
    }
}

/// The message that carries `file`.
///
/// # Errors
/// [`ChatError::Refused`] for a file that Discord does not take.
pub(super) fn payload(file: &Attachment) -> Result<Value, ChatError> {
    if file.bytes.is_empty() {
        return Err(ChatError::Refused(format!("{} is empty", file.name)));
    }
    if file.bytes.len() > MAX_FILE {
        return Err(ChatError::Refused(format!("{} is larger than 10 MiB", file.name)));
    }
    let name = name(&file.name);
    let mut listed = json!({ "id": "0", "filename": name });
    if file.media_type.starts_with("image/") {
        // For screen readers. What the picture shows is told by the message that it belongs to.
        listed["description"] = format!("Picture: {name}").into();
    }
    let nobody = json!({ "parse": [], "replied_user": false });
    Ok(json!({ "attachments": [listed], "allowed_mentions": nobody }))
}

/// `ask` with `payload` and the file's bytes as one form.
pub(super) fn with_file(ask: Ask, payload: &impl Serialize, file: &Attachment) -> Ask {
    let json = serde_json::to_vec(payload).unwrap_or_default();
    let boundary = boundary(&file.bytes);
    let mut body = Vec::with_capacity(file.bytes.len() + json.len() + 500);
    let mut part = |head: String, bytes: &[u8]| {
        body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    let form = "Content-Disposition: form-data; name=";
    part(format!("{form}\"payload_json\"\r\nContent-Type: application/json"), &json);
    let (name, media_type) = (name(&file.name), file.media_type);
    let head = format!("{form}\"files[0]\"; filename=\"{name}\"\r\nContent-Type: {media_type}");
    part(head, &file.bytes);
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    ask.bytes(&format!("multipart/form-data; boundary={boundary}"), body)
}

/// A boundary that whoever wrote the file cannot have put into it: it depends on all of it.
fn boundary(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("nova-{hex}")
}

/// A name that needs no quoting.
fn name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = name.chars().map(plain).take(MAX_NAME).collect();
    if name.is_empty() { "file".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_inside_its_quotes() {
        assert_eq!(name("disk usage.png"), "disk_usage.png");
        assert_eq!(name("a\"\r\nX: y"), "a___X__y");
        assert_eq!(name(""), "file");
    }

    #[test]
    fn what_discord_would_not_take_is_not_sent() {
        let file = |bytes| Attachment { name: "a".into(), media_type: "text/plain", bytes };
        assert!(payload(&file(vec![])).is_err());
        assert!(payload(&file(vec![0; MAX_FILE + 1])).is_err());
        assert!(payload(&file(vec![0; MAX_FILE])).is_ok());
    }
}
