//! Why a call is refused, in Discord's words: an HTTP status, a code and a message, and for a body the
//! tree of what is wrong in it. Source: docs.discord.com/developers/topics/opcodes-and-status-codes and
//! developers/reference, "Error Messages". Made everywhere below [`super::api`], turned into an answer by
//! the server.

use std::time::Duration;

use serde_json::{Map, Value, json};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
    pub(super) errors: Option<Box<Value>>,
    /// Makes it a rate limit.
    pub(super) limited: Option<Limited>,
}

/// What a 429 says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limited {
    pub(super) retry_after: Duration,
    pub(super) global: bool,
}

impl Refusal {
    pub(super) fn new(status: u16, code: u32, message: &str) -> Self {
        Refusal { status, code, message: message.to_owned(), errors: None, limited: None }
    }

    pub(super) fn unauthorized() -> Self {
        Refusal::new(401, 0, "401: Unauthorized")
    }

    pub(super) fn no_route() -> Self {
        Refusal::new(404, 0, "404: Not Found")
    }

    pub(super) fn unknown_channel() -> Self {
        Refusal::new(404, 10003, "Unknown Channel")
    }

    pub(super) fn unknown_guild() -> Self {
        Refusal::new(404, 10004, "Unknown Guild")
    }

    pub(super) fn unknown_message() -> Self {
        Refusal::new(404, 10008, "Unknown Message")
    }

    pub(super) fn unknown_interaction() -> Self {
        Refusal::new(404, 10062, "Unknown interaction")
    }

    pub(super) fn missing_access() -> Self {
        Refusal::new(403, 50001, "Missing Access")
    }

    pub(super) fn missing_permissions() -> Self {
        Refusal::new(403, 50013, "Missing Permissions")
    }

    pub(super) fn archived() -> Self {
        Refusal::new(400, 50083, "Thread is archived")
    }

    pub(super) fn limited(retry_after: Duration, global: bool) -> Self {
        let limited = Some(Limited { retry_after, global });
        Refusal { limited, ..Refusal::new(429, 0, "You are being rate limited.") }
    }

    /// One thing wrong in a body, at a path such as `embeds.0.title`.
    pub(super) fn field(path: &str, code: &str, message: &str) -> Self {
        let mut problems = Problems::default();
        problems.say(path, code, message);
        Refusal::form(problems.0)
    }

    fn form(errors: Map<String, Value>) -> Self {
        Refusal {
            errors: Some(Box::new(Value::Object(errors))),
            ..Refusal::new(400, 50035, "Invalid Form Body")
        }
    }

    /// The same one level deeper, for what stands in an interaction response's `data`.
    pub(super) fn in_data(mut self) -> Self {
        self.errors = self.errors.map(|errors| Box::new(json!({ "data": errors })));
        self
    }

    pub(super) fn body(&self) -> Value {
        if let Some(limited) = self.limited {
            return json!({
                "message": self.message, "retry_after": limited.retry_after.as_secs_f64(),
                "global": limited.global,
            });
        }
        let mut body = json!({ "message": self.message, "code": self.code });
        if let Some(errors) = &self.errors {
            body["errors"] = Value::clone(errors);
        }
        body
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let errors = self.errors.as_ref().map(|errors| format!(": {errors}")).unwrap_or_default();
        format!("{} {}{errors}", self.code, self.message)
    }
}

/// What is wrong in a body, collected: `{"embeds":{"0":{"title":{"_errors":[…]}}}}`.
#[derive(Debug, Default)]
pub(super) struct Problems(Map<String, Value>);

impl Problems {
    pub(super) fn say(&mut self, path: &str, code: &str, message: &str) {
        let mut at = &mut self.0;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let next = at.entry(part).or_insert_with(|| json!({}));
            at = next.as_object_mut().expect("every node but `_errors` is an object");
        }
        let list = at.entry("_errors").or_insert_with(|| json!([]));
        let list = list.as_array_mut().expect("`_errors` is made above");
        list.push(json!({ "code": code, "message": message }));
    }

    pub(super) fn missing(&mut self, path: &str) {
        self.say(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// # Errors
    /// When there is anything wrong.
    pub(super) fn done(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::form(self.0)) }
    }
}
