//! The query string of a request. Invariant: a number or flag that cannot be read is refused or
//! false, never guessed. Called by the routes and what they lead to.

use axum::extract::Query as Pairs;
use axum::http::Uri;

use super::status::Refusal;

/// Parameters in order, repeated ones included.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// # Errors
    /// 400, when the query is not form-encoded.
    pub(crate) fn read(uri: &Uri) -> Result<Self, Refusal> {
        Pairs::<Vec<(String, String)>>::try_from_uri(uri)
            .map(|Pairs(pairs)| Query(pairs))
            .map_err(|_| Refusal::bad_request("the query string is not form-encoded"))
    }

    /// The first value of a parameter; an empty one counts as absent, as it does for a real server.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|v| !v.is_empty())
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "True" | "1" | "t" | "T" | "TRUE"))
    }

    /// # Errors
    /// 400, when the value is no whole number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        value.parse().map(Some).map_err(|_| {
            Refusal::bad_request(&format!("strconv.ParseUint: parsing \"{value}\": invalid syntax"))
        })
    }
}
