//! Bodies of several parts (RFC 7578): `payload_json` and files. Invariant: whatever comes, it is read
//! into parts or refused. Source: docs.discord.com/developers/reference, "Uploading Files". Used by the
//! server.

use serde_json::Value;

/// A file of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upload {
    /// `n` of `files[n]`.
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) content: Vec<u8>,
}

/// The JSON and the files; `None` for what is no such body.
pub(super) fn read(content_type: &str, body: &[u8]) -> Option<(Value, Vec<Upload>)> {
    let boundary = parameter(content_type, "boundary")?;
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    let (mut json, mut files) = (Value::Null, Vec::new());
    loop {
        if rest.starts_with(b"--") {
            return Some((json, files));
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&rest[..head_end]).into_owned();
        rest = &rest[head_end + 4..];
        let end = find(rest, delimiter.as_bytes())?;
        let content = &rest[..end];
        rest = &rest[end + delimiter.len()..];
        let disposition = header(&head, "content-disposition");
        let name = parameter(&disposition, "name")?;
        let number = name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']'));
        if name == "payload_json" {
            json = serde_json::from_slice(content).ok()?;
        } else if let Some(number) = number {
            files.push(Upload {
                number: number.parse().ok()?,
                name: parameter(&disposition, "filename").filter(|name| !name.is_empty())?,
                content_type: match header(&head, "content-type") {
                    none if none.is_empty() => "application/octet-stream".to_owned(),
                    given => given,
                },
                content: content.to_vec(),
            });
        } else {
            return None;
        }
    }
}

/// The value of a header among lines.
fn header(head: &str, name: &str) -> String {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(known, _)| known.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// `b` of `…; name="b"` or `…; name=b`.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut parts = value.split(';').skip(1).filter_map(|part| part.trim().split_once('='));
    let (_, found) = parts.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(found.trim_matches('"').to_owned())
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_and_files_are_read_and_anything_else_is_refused() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\
            Content-Type: application/json\r\n\r\n{\"content\":\"a\"}\r\n--b\r\n\
            content-disposition: form-data; name=\"files[3]\"; filename=\"a.txt\"\r\n\r\n\
            x\r\n--c\r\n\r\n--b--\r\n";
        let (json, files) = read("multipart/form-data; boundary=b", body).unwrap();
        assert_eq!(json, json!({ "content": "a" }));
        assert_eq!((files[0].number, files[0].name.as_str()), (3, "a.txt"));
        assert_eq!(files[0].content, b"x\r\n--c\r\n");
        for broken in [&body[..90], b"", b"--b\r\n\r\n\r\n\r\n--b--"] {
            assert!(read("multipart/form-data; boundary=b", broken).is_none());
        }
        assert!(read("multipart/form-data", body).is_none());
    }
}
