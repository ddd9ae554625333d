//! One answer of an HTTP/1.1 server, found in the bytes that came over its connection.
//!
//! As small as the servers here allow: a length or chunks, and nothing that the load generator could
//! spend the server's processor on. Invariant: whatever the bytes are, an answer is complete,
//! incomplete or an error, and never larger than [`MAX_BYTES`]. Called by `connection`.

use anyhow::{Context as _, bail, ensure};

/// Most bytes of one answer, head and body.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// A complete answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Bytes that it took on the connection.
    pub(crate) length: usize,
}

/// How long a body is, as its head says.
enum Extent {
    Bytes(usize),
    Chunks,
}

/// The answer that the bytes begin with; `None` while some of it has yet to come.
///
/// # Errors
/// When this is no HTTP, or an answer that is too large.
pub(crate) fn first(read: &[u8]) -> anyhow::Result<Option<Answer>> {
    let Some(head) = position(read, b"\r\n\r\n") else {
        ensure!(read.len() < MAX_BYTES, "an answer's head has more than {MAX_BYTES} bytes");
        return Ok(None);
    };
    let rest = &read[head + 4..];
    let head = std::str::from_utf8(&read[..head]).context("an answer's head is not text")?;
    let (status, extent) = parse_head(head)?;
    let found = match extent {
        Extent::Bytes(length) => rest.get(..length).map(|body| (body.to_vec(), length)),
        Extent::Chunks => join_chunks(rest)?,
    };
    if found.is_none() {
        ensure!(read.len() < MAX_BYTES, "an answer has more than {MAX_BYTES} bytes");
    }
    Ok(found.map(|(body, length)| Answer { status, body, length: head.len() + 4 + length }))
}

fn parse_head(head: &str) -> anyhow::Result<(u16, Extent)> {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.with_context(|| format!("not HTTP/1.1: {}", first.escape_debug()))?;
    let mut extent = None;
    for line in lines {
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        let value = value.trim();
        let said = if name.eq_ignore_ascii_case("content-length") {
            let length = value.parse().ok().filter(|length| *length <= MAX_BYTES);
            Extent::Bytes(length.with_context(|| {
                format!("an answer has `{}` of {MAX_BYTES} bytes", value.escape_debug())
            })?)
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            ensure!(value.eq_ignore_ascii_case("chunked"), "an answer in an unknown encoding");
            Extent::Chunks
        } else {
            continue;
        };
        ensure!(extent.replace(said).is_none(), "an answer with two lengths");
    }
    Ok((status, extent.context("an answer of unknown length")?))
}

/// The body and the bytes that its chunks took.
fn join_chunks(all: &[u8]) -> anyhow::Result<Option<(Vec<u8>, usize)>> {
    let (mut body, mut rest) = (Vec::new(), all);
    loop {
        let Some(end) = position(rest, b"\r\n") else { return Ok(None) };
        let line = std::str::from_utf8(&rest[..end]).unwrap_or_default();
        let size = line.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else { bail!("a chunk without a size") };
        ensure!(size <= MAX_BYTES, "a chunk has more than {MAX_BYTES} bytes");
        // The last chunk is empty; trailers behind it were not asked for.
        let Some(chunk) = rest.get(end + 2..end + 2 + size + 2) else { return Ok(None) };
        ensure!(chunk.ends_with(b"\r\n"), "a chunk is longer than its size");
        body.extend_from_slice(&chunk[..size]);
        rest = &rest[end + 2 + size + 2..];
        if size == 0 {
            return Ok(Some((body, all.len() - rest.len())));
        }
    }
}

fn position(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong";
    const CHUNKED: &[u8] =
        b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\npo\r\n2\r\nng\r\n0\r\n\r\n";

    fn refusal(bytes: &[u8]) -> String {
        first(bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_body_has_a_length_or_chunks() {
        for (bytes, status) in [(PLAIN, 200), (CHUNKED, 401)] {
            let followed = [bytes, b"HTTP/1.1 5"].concat();
            let answer = first(&followed).unwrap().unwrap();
            assert_eq!(answer, Answer { status, body: b"pong".into(), length: bytes.len() });
        }
        let empty = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(first(empty).unwrap().unwrap().body, b"");
    }

    #[test]
    fn a_part_of_an_answer_is_none_yet() {
        for bytes in [PLAIN, CHUNKED] {
            for cut in 0..bytes.len() {
                assert_eq!(first(&bytes[..cut]).unwrap(), None, "cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let huge = usize::MAX;
        for (bytes, said) in [
            ("SSH-2.0-x\r\n\r\n".to_owned(), "not HTTP/1.1: SSH-2.0-x"),
            ("HTTP/1.1 \u{1f98a}\r\n\r\n".to_owned(), "not HTTP/1.1: HTTP/1.1 \u{1f98a}"),
            ("HTTP/1.1 200 OK\r\n\r\n".to_owned(), "an answer of unknown length"),
            ("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n".to_owned(), "a header without a colon"),
            (
                format!("HTTP/1.1 200 OK\r\ncontent-length: {huge}\r\n\r\n"),
                "an answer has `18446744073709551615` of 65536 bytes",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\nx"
                    .to_owned(),
                "an answer with two lengths",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n".to_owned(),
                "an answer in an unknown encoding",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n".to_owned(),
                "a chunk without a size",
            ),
            (
                format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{huge:x}\r\n"),
                "a chunk has more than 65536 bytes",
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\npong\r\n".to_owned(),
                "a chunk is longer than its size",
            ),
            ("x".repeat(MAX_BYTES), "an answer's head has more than 65536 bytes"),
        ] {
            assert_eq!(refusal(bytes.as_bytes()), said);
        }
        assert_eq!(refusal(b"\xff\r\n\r\n"), "an answer's head is not text");
        let endless = [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            &"1\r\nx\r\n".repeat(MAX_BYTES),
        ];
        assert_eq!(refusal(endless.concat().as_bytes()), "an answer has more than 65536 bytes");
    }
}
