//! Why a call is refused, in Slack's words. Every refusal is HTTP 200 with `ok: false`, but for the
//! rate limit. Made everywhere below [`super::api`], turned into an answer by the server.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// `error` and what stands beside it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) error: String,
    pub(super) extra: Map<String, Value>,
    /// Makes it a 429.
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(error: &str) -> Self {
        Refusal { error: error.to_owned(), extra: Map::new(), retry_after: None }
    }

    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }

    /// An error with Slack's `[ERROR] …` lines.
    pub(super) fn explained(error: &str, problems: &[String]) -> Self {
        let lines: Vec<String> = problems.iter().map(|line| format!("[ERROR] {line}")).collect();
        Refusal::new(error).with("response_metadata", json!({ "messages": lines }))
    }

    pub(super) fn missing(argument: &str) -> Self {
        let problem = format!("missing required field: {argument}");
        Refusal::explained("invalid_arguments", &[problem])
    }

    pub(super) fn missing_scope(needed: &str, provided: &[String]) -> Self {
        Refusal::new("missing_scope").with("needed", needed).with("provided", provided.join(","))
    }

    pub(super) fn rate_limited(retry_after: Duration) -> Self {
        Refusal { retry_after: Some(retry_after), ..Refusal::new("ratelimited") }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("ok".to_owned(), Value::Bool(false));
        body.insert("error".to_owned(), Value::String(self.error.clone()));
        body.extend(self.extra.clone());
        Value::Object(body)
    }
}
