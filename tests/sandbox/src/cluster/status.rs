//! `Status` bodies: what the API server answers when it refuses. Invariant: reason, code and wording
//! are those of a real server, since clients match on them. Made wherever a request can be refused.

use serde_json::{Value, json};

use super::resources::Resource;

/// A refused request.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) body: Value,
}

/// One offending field of an invalid object.
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Cause {
    /// `FIELD: Invalid value: VALUE: WHY`.
    pub(crate) fn invalid(field: &str, value: &Value, why: &str) -> Self {
        Cause {
            reason: "FieldValueInvalid",
            field: field.to_owned(),
            message: format!("Invalid value: {value}: {why}"),
        }
    }

    pub(crate) fn required(field: &str, why: &str) -> Self {
        let message = if why.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {why}")
        };
        Cause { reason: "FieldValueRequired", field: field.to_owned(), message }
    }

    pub(crate) fn forbidden(field: &str, why: &str) -> Self {
        Cause {
            reason: "FieldValueForbidden",
            field: field.to_owned(),
            message: format!("Forbidden: {why}"),
        }
    }
}

impl Refusal {
    fn new(code: u16, reason: &str, message: &str, details: Option<Value>) -> Self {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        if let Some(details) = details {
            body["details"] = details;
        }
        Refusal { code, body }
    }

    fn of(resource: &Resource, name: &str) -> Option<Value> {
        let mut details = json!({ "kind": resource.plural });
        if !name.is_empty() {
            details["name"] = json!(name);
        }
        if !resource.group.is_empty() {
            details["group"] = json!(resource.group);
        }
        Some(details)
    }

    pub(crate) fn bad_request(message: &str) -> Self {
        Self::new(400, "BadRequest", message, None)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized", None)
    }

    pub(crate) fn forbidden(resource: Option<&Resource>, name: &str, message: &str) -> Self {
        let details = resource.map_or_else(|| Some(json!({})), |r| Self::of(r, name));
        Self::new(403, "Forbidden", message, details)
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::new(404, "NotFound", &message, Self::of(resource, name))
    }

    pub(crate) fn no_such_path() -> Self {
        let message = "the server could not find the requested resource";
        Self::new(404, "NotFound", message, Some(json!({})))
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message, Some(json!({})))
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", &message, Self::of(resource, name))
    }

    pub(crate) fn stale(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version \
                   and try again";
        Self::conflict(resource, name, why)
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::new(409, "AlreadyExists", &message, Self::of(resource, name))
    }

    pub(crate) fn expired(message: &str) -> Self {
        Self::new(410, "Expired", message, None)
    }

    pub(crate) fn too_large() -> Self {
        let message = "Request entity too large: limit is 3145728";
        Self::new(413, "RequestEntityTooLarge", message, None)
    }

    pub(crate) fn media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", &message, None)
    }

    /// `KIND "NAME" is invalid: …` with one cause a field.
    pub(crate) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        let lines: Vec<String> =
            causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let all = match lines.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid: {all}", resource.qualified_kind());
        let mut details = json!({ "name": name, "kind": resource.kind });
        if !resource.group.is_empty() {
            details["group"] = json!(resource.group);
        }
        details["causes"] = causes
            .iter()
            .map(|c| json!({ "reason": c.reason, "message": c.message, "field": c.field }))
            .collect();
        Self::new(422, "Invalid", &message, Some(details))
    }

    /// A patch that cannot be applied to this object.
    pub(crate) fn unprocessable(message: &str) -> Self {
        let message =
            format!("the server rejected our request due to an error in our request: {message}");
        Self::new(422, "Invalid", &message, Some(json!({})))
    }

    pub(crate) fn internal(message: &str) -> Self {
        let message = format!("Internal error occurred: {message}");
        let details = json!({ "causes": [{ "message": message }] });
        Self::new(500, "InternalError", &message, Some(details))
    }

    pub(crate) fn unavailable(message: &str) -> Self {
        Self::new(503, "ServiceUnavailable", message, None)
    }

    pub(crate) fn version_too_large(asked: u64, current: u64) -> Self {
        let message = format!("Too large resource version: {asked}, current: {current}");
        let details = json!({
            "retryAfterSeconds": 1,
            "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
        });
        Self::new(504, "Timeout", &message, Some(details))
    }
}

/// The body of a delete that went through.
pub(crate) fn deleted(resource: &Resource, name: &str, uid: &str) -> Value {
    let mut details = json!({ "name": name, "kind": resource.plural, "uid": uid });
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": details,
    })
}
