//! Attachments. Invariant: their number and bytes are bounded; the oldest are dropped. Filled by messages
//! with files, read by whoever has the attachment's address, and by the façade.

use serde_json::{Value, json};

use super::multipart::Upload;
use super::state::State;

/// How many files, and how many bytes, are kept.
const COUNT: usize = 2_000;
const BYTES: usize = 64 << 20;

/// A file as it was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub id: String,
    pub channel: String,
    pub name: String,
    pub description: Option<String>,
    pub content_type: String,
    pub content: Vec<u8>,
}

/// Keeps a file and gives the attachment.
pub(super) fn store(
    state: &mut State,
    channel: &str,
    upload: &Upload,
    name: Option<&str>,
    description: Option<&str>,
) -> Value {
    let id = state.id();
    let name = name.unwrap_or(&upload.name).to_owned();
    let url = format!("{}/attachments/{channel}/{id}/{name}", state.base);
    let file = StoredFile {
        id: id.clone(),
        channel: channel.to_owned(),
        name,
        description: description.map(str::to_owned),
        content_type: upload.content_type.clone(),
        content: upload.content.clone(),
    };
    let mut attachment = json!({
        "id": id, "filename": file.name, "size": file.content.len(), "url": url,
        "proxy_url": url, "content_type": file.content_type,
    });
    if let Some(description) = &file.description {
        attachment["description"] = json!(description);
    }
    state.files.insert(id, file);
    let over = |state: &State| {
        let bytes: usize = state.files.values().map(|file| file.content.len()).sum();
        state.files.len() > COUNT || bytes > BYTES
    };
    while state.files.len() > 1 && over(state) {
        state.files.pop_first();
    }
    attachment
}
