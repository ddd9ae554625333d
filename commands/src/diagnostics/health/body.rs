//! Judges a health answer by its code and its body.
//!
//! Bodies come in several shapes: one `status` word, details under `checks`, `services` or
//! `components` (a map or a list), or `"storage": "warning: 91% full"` beside a 200. Code and body may
//! disagree; the worse of the two counts.

use serde_json::{Map, Value};

use crate::platform::http::Answer;
use crate::report::Status;

/// What an answer says of its service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) status: Status,
    /// Code and what is wrong, the worst first: "503 · database: connection refused".
    pub(super) measured: String,
}

/// How deep a body is followed, and how many of its complaints are shown.
const MAX_DEPTH: usize = 4;
const MAX_SHOWN: usize = 3;

/// Judges one answer of a health endpoint.
pub(super) fn judge(answer: &Answer) -> Judgement {
    let by_code = match answer.status {
        200..=299 => Status::Ok,
        404 | 405 | 501 => Status::Unsupported,
        401 | 403 => Status::NoData,
        300..=399 | 429 => Status::Warn,
        _ => Status::Fail,
    };
    let (by_body, said) = if by_code == Status::Unsupported {
        (by_code, vec!["no health endpoint here".to_owned()])
    } else if answer.truncated {
        (Status::Warn, vec!["body too large to judge".to_owned()])
    } else {
        judge_body(answer, by_code)
    };
    let status = by_code.min(by_body);
    let mut measured = answer.status.to_string();
    for text in said.iter().take(MAX_SHOWN) {
        measured = format!("{measured} · {text}");
    }
    if said.len() > MAX_SHOWN {
        measured = format!("{measured} · {} more", said.len() - MAX_SHOWN);
    }
    Judgement { status, measured }
}

fn judge_body(answer: &Answer, by_code: Status) -> (Status, Vec<String>) {
    let body = answer.body.trim_ascii();
    match serde_json::from_slice::<Value>(body) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => {
            let mut complaints = Vec::new();
            walk("", &value, 0, &mut complaints);
            complaints.sort_by_key(|(status, _)| *status);
            let worst = complaints.first().map_or(Status::Ok, |(status, _)| *status);
            let mut said: Vec<String> = complaints.into_iter().map(|(_, text)| text).collect();
            said.dedup();
            (worst, said)
        }
        // A bare word, quoted or not: "OK", "Prometheus Server is Healthy."
        _ => plain(answer, body, by_code),
    }
}

fn plain(answer: &Answer, body: &[u8], by_code: Status) -> (Status, Vec<String>) {
    if by_code != Status::Ok {
        return (Status::Ok, Vec::new());
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let text = text.trim_matches('"');
    if answer.media_type.contains("json") && !body.is_empty() {
        return (Status::Warn, vec!["says JSON and is not".to_owned()]);
    }
    if answer.media_type == "text/html" || text.starts_with('<') {
        return (Status::Warn, vec!["an HTML page, not a health answer".to_owned()]);
    }
    match word(text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()) {
        Some(status) if status != Status::Ok => (status, vec![first_line(text)]),
        _ => (Status::Ok, Vec::new()),
    }
}

/// Collects what a body complains about, with the path to it.
fn walk(path: &str, value: &Value, depth: usize, complaints: &mut Vec<(Status, String)>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            own_status(path, map, complaints);
            for (key, inner) in map {
                match inner {
                    Value::Object(_) | Value::Array(_) => {
                        walk(&join(path, key), inner, depth + 1, complaints);
                    }
                    Value::String(text) if !is_status_key(key) && !is_message_key(key) => {
                        if let Some((status, words)) = state(text) {
                            complain(&join(path, key), status, words, complaints);
                        }
                    }
                    Value::Bool(false) if holds_checks(path) || is_status_key(key) => {
                        complain(&join(path, key), Status::Fail, "false", complaints);
                    }
                    _ => {}
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let name = ["name", "component", "service", "id"]
                    .iter()
                    .find_map(|key| item.get(key)?.as_str());
                walk(
                    &name.map_or_else(|| path.to_owned(), |name| join(path, name)),
                    item,
                    depth + 1,
                    complaints,
                );
            }
        }
        _ => {}
    }
}

/// A `status` in this object, explained by a message beside it.
fn own_status(path: &str, map: &Map<String, Value>, complaints: &mut Vec<(Status, String)>) {
    let Some((status, words)) =
        map.iter().find(|(key, _)| is_status_key(key)).and_then(|(_, v)| state(v.as_str()?))
    else {
        return;
    };
    let message = map.iter().find(|(key, _)| is_message_key(key)).and_then(|(_, v)| v.as_str());
    complain(path, status, message.filter(|m| !m.is_empty()).unwrap_or(words), complaints);
}

fn complain(path: &str, status: Status, words: &str, complaints: &mut Vec<(Status, String)>) {
    if status != Status::Ok {
        let words = first_line(words);
        complaints.push((status, if path.is_empty() { words } else { format!("{path}: {words}") }));
    }
}

fn join(path: &str, key: &str) -> String {
    // The word that only says "here come the parts" adds nothing for a reader.
    if path.is_empty() || holds_checks(path) { key.to_owned() } else { format!("{path}.{key}") }
}

fn holds_checks(path: &str) -> bool {
    matches!(path, "checks" | "services" | "components" | "dependencies" | "details")
}

fn is_status_key(key: &str) -> bool {
    matches!(key, "status" | "state" | "health" | "healthy" | "ok")
}

fn is_message_key(key: &str) -> bool {
    matches!(key, "message" | "error" | "reason" | "detail" | "output")
}

/// A status word, alone or before a colon: `warning: 91% full`. Other text is not a status.
fn state(text: &str) -> Option<(Status, &str)> {
    let (head, rest) = text.split_once(':').map_or((text, None), |(head, rest)| (head, Some(rest)));
    let status = word(head.trim())?;
    Some((status, rest.map_or(text, |_| text).trim()))
}

fn word(text: &str) -> Option<Status> {
    if text.len() > 20 {
        return None;
    }
    Some(match text.to_ascii_lowercase().as_str() {
        "ok" | "healthy" | "up" | "pass" | "passing" | "passed" | "alive" | "ready" | "running"
        | "serving" | "connected" | "available" | "green" | "success" => Status::Ok,
        "degraded" | "warning" | "warn" | "yellow" | "slow" | "partial" | "starting" => {
            Status::Warn
        }
        "unhealthy" | "unavailable" | "down" | "fail" | "failed" | "failing" | "failure"
        | "error" | "critical" | "disconnected" | "not_serving" | "red" | "dead"
        | "unreachable" => Status::Fail,
        _ => return None,
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn answer(status: u16, media_type: &str, body: &[u8]) -> Answer {
        Answer {
            status,
            media_type: media_type.to_owned(),
            body: body.to_vec(),
            truncated: false,
            took: Duration::ZERO,
        }
    }

    fn json(status: u16, body: &str) -> (Status, String) {
        let judgement = judge(&answer(status, "application/json", body.as_bytes()));
        (judgement.status, judgement.measured)
    }

    #[test]
    fn every_shape_of_the_platform() {
        let cases = [
            (200, r#"{"status":"ok"}"#, Status::Ok, "200"),
            (
                200,
                r#"{"status":"healthy","checks":{"db":{"status":"healthy"}}}"#,
                Status::Ok,
                "200",
            ),
            (200, r#"{"status":"degraded"}"#, Status::Warn, "200 · degraded"),
            (
                200,
                r#"{"status":"healthy","storage":"warning: 91% full"}"#,
                Status::Warn,
                "200 · storage: warning: 91% full",
            ),
            (
                200,
                r#"{"status":"healthy","services":{"db":"unavailable"}}"#,
                Status::Fail,
                "200 · db: unavailable",
            ),
            (
                200,
                r#"{"status":"ok","components":[{"name":"queue","status":"degraded","message":"lag 40 s"}]}"#,
                Status::Warn,
                "200 · queue: lag 40 s",
            ),
            (
                503,
                r#"{"status":"unhealthy","checks":{"database":{"status":"unhealthy","error":"connection refused"}}}"#,
                Status::Fail,
                "503 · unhealthy · database: connection refused",
            ),
            (503, r#"{"status":"ok"}"#, Status::Fail, "503"),
            (200, r#"{"checks":{"db":false}}"#, Status::Fail, "200 · db: false"),
            (200, r#"{"healthy":false}"#, Status::Fail, "200 · healthy: false"),
            (200, r#"{"version":"1.4","uptime":"3 days"}"#, Status::Ok, "200"),
            (200, "{broken", Status::Warn, "200 · says JSON and is not"),
            (404, r#"{"error":"not found"}"#, Status::Unsupported, "404 · no health endpoint here"),
            (401, r#"{"error":"token"}"#, Status::NoData, "401"),
        ];
        for (code, body, status, measured) in cases {
            assert_eq!(json(code, body), (status, measured.to_owned()), "{code} {body}");
        }
    }

    #[test]
    fn bodies_that_are_not_json() {
        let plain = |media, body: &[u8]| judge(&answer(200, media, body)).status;
        assert_eq!(plain("text/plain", b"OK"), Status::Ok);
        assert_eq!(plain("text/plain", b"Prometheus Server is Healthy."), Status::Ok);
        assert_eq!(plain("text/plain", b"DOWN for maintenance"), Status::Fail);
        assert_eq!(plain("", b""), Status::Ok);
        assert_eq!(plain("text/html", b"<html>login</html>"), Status::Warn);
        assert_eq!(plain("application/json", b"\xff\xfe\x00"), Status::Warn);
        let huge = Answer { truncated: true, ..answer(200, "text/plain", b"x") };
        assert_eq!(judge(&huge).status, Status::Warn);
    }

    proptest! {
        #[test]
        fn any_answer_is_judged(code in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..300)) {
            for media in ["application/json", "text/plain"] {
                let judgement = judge(&answer(code, media, &body));
                prop_assert!(code < 500 || judgement.status == Status::Fail || code == 501);
            }
        }
    }
}
