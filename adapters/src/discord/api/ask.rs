//! One request, as data: what is sent, and to which of Discord's rate limits it belongs.

use reqwest::Method;
use serde::Serialize;

/// A request. Its path may hold an interaction's token and is never shown.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// The path's template: requests with the same one share a rate limit for each `major`.
    pub(super) route: &'static str,
    /// The channel, server or interaction that the limit is for; no secret.
    pub(super) major: String,
    pub(super) path: String,
    pub(super) body: Option<(String, Vec<u8>)>,
    /// The path is itself the permission, and the bot's token does not go along.
    pub(super) by_path: bool,
    /// The permissions without which Discord refuses it, for people.
    pub(super) needs: &'static str,
}

impl Ask {
    pub(super) fn new(
        method: Method,
        route: &'static str,
        major: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        let (major, path) = (major.into(), path.into());
        Self { method, route, major, path, body: None, by_path: false, needs: "" }
    }

    pub(super) fn get(
        route: &'static str,
        major: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        Self::new(Method::GET, route, major, path)
    }

    /// With a JSON body.
    pub(super) fn json(self, body: &impl Serialize) -> Self {
        // What cannot be written is refused by Discord as an empty body; nothing of ours cannot.
        let json = serde_json::to_vec(body).unwrap_or_default();
        self.bytes("application/json", json)
    }

    pub(super) fn bytes(mut self, media_type: &str, bytes: Vec<u8>) -> Self {
        self.body = Some((media_type.to_owned(), bytes));
        self
    }

    pub(super) fn by_path(mut self) -> Self {
        self.by_path = true;
        self
    }

    pub(super) fn needs(mut self, permissions: &'static str) -> Self {
        self.needs = permissions;
        self
    }
}
