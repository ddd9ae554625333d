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
pub(in crate::diagnostics) struct Judgement {
    pub(in crate::diagnostics) status: Status,
    /// Code and what is wrong, the worst first: "503 · database: connection refused".
    pub(in crate::diagnostics) measured: String,
}

/// How deep a body is followed, and how many of its complaints are shown.
const MAX_DEPTH: usize = 4;
const MAX_SHOWN: usize = 3;
/// Longest text that is kept of a body, in characters.
const KEPT: usize = 4096;

/// Judges one answer of a health endpoint.
pub(in crate::diagnostics) fn judge(answer: &Answer) -> Judgement {
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
        // A bare word or truth: `"OK"`, `true`.
        Ok(Value::String(text)) => words(&text),
        Ok(Value::Bool(false)) => (Status::Fail, vec!["false".to_owned()]),
        Ok(_) => (Status::Ok, Vec::new()),
        Err(_) => plain(answer, body, by_code),
    }
}

/// A body that is not JSON.
fn plain(answer: &Answer, body: &[u8], by_code: Status) -> (Status, Vec<String>) {
    if by_code != Status::Ok {
        return (Status::Ok, Vec::new());
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(KEPT)]);
    if answer.media_type.contains("json") && !body.is_empty() {
        return (Status::Warn, vec!["says JSON and is not".to_owned()]);
    }
    if answer.media_type == "text/html" || text.starts_with('<') {
        return (Status::Warn, vec!["an HTML page, not a health answer".to_owned()]);
    }
    words(&text)
}

/// Running text is judged by its first word.
fn words(text: &str) -> (Status, Vec<String>) {
    match word(text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()) {
        Some(status) if status != Status::Ok => (status, vec![first_line(text)]),
        _ => (Status::Ok, Vec::new()),
    }
}

/// Collects what a body complains about, with the path to it.
fn walk(path: &str, value: &Value, depth: usize, complaints: &mut Vec<(Status, String)>) {
    if depth > MAX_DEPTH {
        complain(path, Status::Warn, "too deep to judge", complaints);
        return;
    }
    match value {
        Value::Object(map) => {
            own_status(path, map, complaints);
            for (key, inner) in map.iter().filter(|(key, _)| !is_message_key(key)) {
                let inside = join(path, key);
                match inner {
                    Value::Object(_) | Value::Array(_) => {
                        walk(&inside, inner, depth + 1, complaints);
                    }
                    Value::String(text) if !is_status_key(key) => {
                        // Outside a list of checks a word alone may mean anything (a log level);
                        // `storage: "warning: 91% full"` speaks for itself.
                        let spoken = holds_checks(path) || text.contains(':') || is_check(text);
                        if let Some((status, words)) = state(text).filter(|_| spoken) {
                            complain(&inside, status, words, complaints);
                        }
                    }
                    Value::Bool(false) if holds_checks(path) || is_status_key(key) => {
                        complain(&inside, Status::Fail, "false", complaints);
                    }
                    _ => {}
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                if let Value::String(text) = item {
                    let (name, rest) = text.split_once(':').unwrap_or(("", text));
                    let said = state(text).or_else(|| state(rest.trim()));
                    if let Some((status, _)) = said {
                        let place = if name.is_empty() { path } else { "" };
                        complain(place, status, text, complaints);
                    }
                    continue;
                }
                let keys = ["name", "component", "service", "id"];
                let name = keys.iter().find_map(|key| item.get(key)?.as_str());
                let inside = name.map_or_else(|| path.to_owned(), |name| join(path, name));
                walk(&inside, item, depth + 1, complaints);
            }
        }
        _ => {}
    }
}

/// The worst of the statuses in this object, explained by a message beside it.
fn own_status(path: &str, map: &Map<String, Value>, complaints: &mut Vec<(Status, String)>) {
    let said = map.iter().filter(|(key, _)| is_status_key(key)).filter_map(|(key, value)| {
        let text = value.as_str()?;
        // `state` is also where a machine is or how far a job is; `status` is what this is about.
        let strange = (Status::Warn, text);
        state(text).or_else(|| matches!(key.as_str(), "status" | "health").then_some(strange))
    });
    let Some((status, words)) = said.min_by_key(|(status, _)| *status) else { return };
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
    matches!(path, "checks" | "services" | "components" | "dependencies")
}

fn is_status_key(key: &str) -> bool {
    matches!(key, "status" | "state" | "health" | "healthy" | "ok")
}

fn is_message_key(key: &str) -> bool {
    matches!(key, "message" | "error" | "reason" | "detail" | "output")
}

/// A word that is said of a dependency and of little else.
fn is_check(text: &str) -> bool {
    let clear = ["unhealthy", "unavailable", "unreachable", "degraded", "disconnected", "down"];
    clear.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A status word, alone or before a colon: `warning: 91% full`. Other text is not a status.
fn state(text: &str) -> Option<(Status, &str)> {
    let head = text.split_once(':').map_or(text, |(head, _)| head);
    Some((word(head.trim())?, text.trim()))
}

fn word(text: &str) -> Option<Status> {
    if text.len() > 20 {
        return None;
    }
    Some(match text.to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
        "ok" | "healthy" | "up" | "pass" | "passing" | "passed" | "alive" | "ready" | "running"
        | "serving" | "connected" | "available" | "green" | "success" | "active" | "online" => {
            Status::Ok
        }
        "degraded" | "warning" | "warn" | "yellow" | "slow" | "partial" | "starting" => {
            Status::Warn
        }
        "unhealthy" | "unavailable" | "down" | "fail" | "failed" | "failing" | "failure"
        | "error" | "critical" | "disconnected" | "not_serving" | "red" | "dead"
        | "unreachable" | "stopped" | "offline" | "out_of_service" | "not_ready" | "crashed" => {
            Status::Fail
        }
        _ => return None,
    })
}

/// Cut far above what is shown: the sanitiser cuts after it has looked for secrets.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(KEPT).collect()
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
            (200, r#"{"ok":true,"status":"degraded"}"#, Status::Warn, "200 · degraded"),
            (200, r#"{"state":"running","status":"unhealthy"}"#, Status::Fail, "200 · unhealthy"),
            (200, r#"{"status":"OUT_OF_SERVICE"}"#, Status::Fail, "200 · OUT_OF_SERVICE"),
            (200, r#"{"status":"purple"}"#, Status::Warn, "200 · purple"),
            (
                200,
                r#"{"checks":["database: failed","queue: ok"]}"#,
                Status::Fail,
                "200 · database: failed",
            ),
            (200, r#"["fail"]"#, Status::Fail, "200 · fail"),
            (
                200,
                r#"{"a":{"a":{"a":{"a":{"a":{"status":"fail"}}}}}}"#,
                Status::Warn,
                "200 · a.a.a.a.a: too deep to judge",
            ),
            (200, r#"{"status":"ok","log_level":"error"}"#, Status::Ok, "200"),
            (200, r#"{"status":"ok","details":{"maintenance":false}}"#, Status::Ok, "200"),
            (200, r#""OK""#, Status::Ok, "200"),
            (200, "true", Status::Ok, "200"),
            (200, "false", Status::Fail, "200 · false"),
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
