//! A call's arguments, from a form, a JSON body or the query. Invariant: a token is taken out of them
//! and never recorded, and JSON inside a form field (`blocks`, `view`, …) is decoded where it parses.
//! Read by the server, asked by the methods.

use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Form fields that hold JSON.
const JSON_FIELDS: [&str; 6] = ["attachments", "blocks", "files", "metadata", "unfurls", "view"];

#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) fields: Value,
    /// From the body; a header wins over it.
    pub(super) token: Option<String>,
    /// What Slack warns of.
    pub(super) warning: Option<&'static str>,
}

impl Arguments {
    /// `takes_json`: the method reads a JSON body. One that does not ignores it, as Slack does.
    ///
    /// # Errors
    /// `invalid_json`, `json_not_object`, `invalid_form_data`, `invalid_post_type`.
    pub(super) fn read(
        method: &Method,
        query: &str,
        headers: &HeaderMap,
        body: &[u8],
        takes_json: bool,
    ) -> Result<Self, Refusal> {
        let mut fields = Map::new();
        let mut token = None;
        let mut warning = None;
        read_form(query.as_bytes(), &mut fields);
        // Tokens in a query string are no longer taken.
        fields.remove("token");
        let content = headers.get("content-type").and_then(|h| h.to_str().ok()).unwrap_or_default();
        let kind = content.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            _ if *method == Method::GET || body.is_empty() => {}
            "application/json" => {
                if !content.contains("charset") {
                    warning = Some("missing_charset");
                }
                let value: Value =
                    serde_json::from_slice(body).map_err(|_| Refusal::new("invalid_json"))?;
                let Value::Object(object) = value else {
                    return Err(Refusal::new("json_not_object"));
                };
                if takes_json {
                    fields.extend(object);
                }
                fields.remove("token");
            }
            "application/x-www-form-urlencoded" => {
                if std::str::from_utf8(body).is_err() {
                    return Err(Refusal::new("invalid_form_data"));
                }
                read_form(body, &mut fields);
                if let Some(Value::String(given)) = fields.remove("token") {
                    token = Some(given);
                }
            }
            _ => return Err(Refusal::new("invalid_post_type")),
        }
        Ok(Arguments { fields: Value::Object(fields), token, warning })
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// An empty text counts as absent.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn required(&self, key: &str) -> Result<&str, Refusal> {
        self.text(key).ok_or_else(|| Refusal::missing(key))
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        match self.get(key) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.as_str(), "true" | "1"),
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            _ => false,
        }
    }

    /// # Errors
    /// `invalid_arguments` for what is no whole number.
    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, Refusal> {
        let value = match self.get(key) {
            None => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(other) => other.as_u64(),
        };
        let wrong = || {
            let problem = format!("must be a valid integer [json-pointer:/{key}]");
            Refusal::explained("invalid_arguments", &[problem])
        };
        value.map(Some).ok_or_else(wrong)
    }

    /// A list with commas or, in JSON, an array of texts.
    pub(super) fn list(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Value::String(text)) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                parts.map(str::to_owned).collect()
            }
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn read_form(bytes: &[u8], fields: &mut Map<String, Value>) {
    for (key, value) in form_urlencoded::parse(bytes) {
        let json = JSON_FIELDS.contains(&key.as_ref()).then(|| serde_json::from_str(&value).ok());
        let value = json.flatten().unwrap_or_else(|| Value::String(value.into_owned()));
        fields.insert(key.into_owned(), value);
    }
}
