//! Files: reserved by `files.getUploadURLExternal`, filled by a POST of their bytes, shared by
//! `files.completeUploadExternal`. Invariant: a file is shared only after its bytes came whole.
//! Changed by the methods and the server's upload path.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::options::Team;
use super::refusal::Refusal;
use super::state::State;

/// How many files are kept; the oldest are dropped.
const FILES: usize = 1_000;

/// A file that was uploaded or is being.
#[derive(Debug, Clone)]
pub struct StoredFile {
    pub id: String,
    pub name: String,
    pub title: String,
    pub alt_text: String,
    /// Who uploaded it.
    pub user: String,
    /// Bytes announced.
    pub length: usize,
    pub bytes: Bytes,
    /// All bytes have come.
    pub uploaded: bool,
    /// It has been completed, and may be shared.
    pub complete: bool,
    /// Ids of the channels where it is shared.
    pub channels: Vec<String>,
    /// Seconds since 1970.
    pub created: u64,
}

impl StoredFile {
    /// As `files.info` shows it.
    pub(super) fn json(&self, team: &Team) -> Value {
        let extension = self.name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let (mimetype, pretty) = kind(extension);
        let page = format!("https://{}.slack.com/files", team.domain);
        let private = format!("https://files.slack.com/files-pri/{}-{}", team.id, self.id);
        json!({
            "id": self.id, "created": self.created, "timestamp": self.created,
            "name": self.name, "title": self.title, "mimetype": mimetype,
            "filetype": extension, "pretty_type": pretty, "user": self.user,
            "user_team": team.id, "editable": false, "size": self.bytes.len(), "mode": "hosted",
            "is_external": false, "external_type": "", "is_public": true,
            "public_url_shared": false, "display_as_bot": false, "username": "",
            "url_private": format!("{private}/{}", self.name),
            "url_private_download": format!("{private}/download/{}", self.name),
            "permalink": format!("{page}/{}/{}/{}", self.user, self.id, self.name),
            "permalink_public": format!("https://slack-files.com/{}-{}", team.id, self.id),
            "is_starred": false, "has_rich_preview": false, "file_access": "visible",
            "media_display_type": "unknown", "alt_txt": self.alt_text, "comments_count": 0,
            "shares": {}, "channels": self.channels, "groups": [], "ims": [],
            "has_more_shares": false,
        })
    }
}

fn kind(extension: &str) -> (&'static str, &'static str) {
    match extension {
        "png" => ("image/png", "PNG"),
        "svg" => ("image/svg+xml", "SVG"),
        "json" => ("application/json", "JSON"),
        "csv" => ("text/csv", "CSV"),
        "txt" | "log" | "md" => ("text/plain", "Plain Text"),
        _ => ("application/octet-stream", "Binary"),
    }
}

/// Reserves a file and says where its bytes go.
pub(super) fn reserve(
    state: &mut State,
    name: &str,
    length: usize,
    alt_text: &str,
) -> (String, String) {
    let id = state.id("F");
    let file = StoredFile {
        id: id.clone(),
        name: name.to_owned(),
        title: name.to_owned(),
        alt_text: alt_text.to_owned(),
        user: state.app.bot_user.clone(),
        length,
        bytes: Bytes::new(),
        uploaded: false,
        complete: false,
        channels: Vec::new(),
        created: super::state::seconds(),
    };
    state.files.insert(id.clone(), file);
    if state.files.len() > FILES {
        // Ids grow, so the first is the oldest.
        state.files.pop_first();
    }
    let url = format!("{}/upload/v1/{id}", state.base);
    (id, url)
}

/// Takes the bytes posted to an upload URL, plain or as a multipart form.
///
/// # Errors
/// A word for HTTP 404 (`file_not_found`) or 400 (`length_mismatch`, `already_uploaded`).
pub(super) fn fill(
    state: &mut State,
    id: &str,
    content_type: &str,
    body: &Bytes,
) -> Result<usize, Refusal> {
    let file = state.files.get_mut(id).ok_or_else(|| Refusal::new("file_not_found"))?;
    if file.uploaded {
        return Err(Refusal::new("already_uploaded"));
    }
    let bytes = match content_type.split_once("boundary=") {
        Some((kind, boundary)) if kind.starts_with("multipart/form-data") => {
            first_part(body, boundary.trim_matches('"')).unwrap_or_default()
        }
        _ => body.clone(),
    };
    if bytes.len() != file.length {
        return Err(Refusal::new("length_mismatch"));
    }
    file.bytes = bytes;
    file.uploaded = true;
    Ok(file.length)
}

/// The content of the first part of a multipart form.
fn first_part(body: &Bytes, boundary: &str) -> Option<Bytes> {
    let find = |from: usize, what: &[u8]| {
        let rest = body.get(from..)?;
        rest.windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let head = find(0, format!("--{boundary}").as_bytes())?;
    let start = find(head, b"\r\n\r\n")? + 4;
    let end = find(start, format!("\r\n--{boundary}").as_bytes())?;
    Some(body.slice(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_opened_up() {
        let form =
            "--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nab\r\ncd\r\n--XX--\r\n";
        let body = Bytes::from_static(form.as_bytes());
        assert_eq!(first_part(&body, "XX").as_deref(), Some(&b"ab\r\ncd"[..]));
        assert_eq!(first_part(&body, "YY"), None);
        assert_eq!(first_part(&Bytes::from_static(b"--XX"), "XX"), None);
    }
}
