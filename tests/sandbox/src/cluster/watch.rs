//! `watch=true`: the changes of a resource as lines of JSON. Invariant: every change after the asked
//! version comes once and in order, or the stream says that it expired and ends. Ends at its timeout
//! and with the server. Called by the list route.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::hpa_versions;
use super::json::namespace;
use super::query::Query;
use super::resources::Resource;
use super::selector::{Fields, Labels};
use super::state::Shared;
use super::status::Refusal;
use super::store::{Change, Verb};

/// How long a watch lasts when its client names no time, as on a real server (30 to 60 minutes).
const LONGEST: u64 = 1800;
/// How often an idle watch with bookmarks gets one.
const BOOKMARK: Duration = Duration::from_secs(60);
/// Changes handed out at once.
const BATCH: usize = 256;

/// Which objects are meant.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) resource: &'static Resource,
    pub(crate) namespace: Option<String>,
    pub(crate) labels: Labels,
    pub(crate) fields: Fields,
}

impl Scope {
    pub(crate) fn holds(&self, object: &Value) -> bool {
        self.namespace.as_deref().is_none_or(|ns| ns == namespace(object))
            && self.labels.matches(&object["metadata"]["labels"])
            && self.fields.matches(object)
    }

    /// The event a watcher sees: an object that comes to match is added, one that ceases is deleted.
    fn event(&self, change: &Change) -> Option<Value> {
        if change.resource != self.resource.plural {
            return None;
        }
        let was = change.before.as_ref().is_some_and(|before| self.holds(before));
        let is = change.verb != Verb::Deleted && self.holds(&change.object);
        let kind = match (was, is) {
            (false, false) => return None,
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
        };
        Some(
            json!({ "type": kind, "object": hpa_versions::outward(self.resource, &change.object) }),
        )
    }
}

struct Watcher {
    shared: Arc<Shared>,
    changes: tokio::sync::watch::Receiver<u64>,
    scope: Scope,
    cursor: u64,
    pending: Vec<u8>,
    bookmarks: bool,
    last: Instant,
    end: Instant,
    over: bool,
}

/// # Errors
/// 400 for unreadable parameters, 504 for a version from the future.
pub(crate) fn serve(
    shared: &Arc<Shared>,
    scope: Scope,
    query: &Query,
) -> Result<Response, Refusal> {
    let seconds = query.number("timeoutSeconds")?.unwrap_or(LONGEST).min(LONGEST);
    let version = query.number("resourceVersion")?.unwrap_or(0);
    let bookmarks = query.flag("allowWatchBookmarks");
    let initial = query.flag("sendInitialEvents");
    let mut pending = Vec::new();
    let cursor = shared.with(|state| {
        let current = state.store.version();
        if version > current {
            return Err(Refusal::version_too_large(version, current));
        }
        if version > 0 && !initial {
            return Ok(version);
        }
        for object in state.store.list(scope.resource.plural, scope.namespace.as_deref()) {
            if scope.holds(&object) {
                let object = hpa_versions::outward(scope.resource, &object);
                line(&mut pending, &json!({ "type": "ADDED", "object": object }));
            }
        }
        if initial && bookmarks {
            let mut mark = bookmark(scope.resource, current);
            mark["object"]["metadata"]["annotations"] =
                json!({ "k8s.io/initial-events-end": "true" });
            line(&mut pending, &mark);
        }
        Ok(current)
    })?;
    let now = Instant::now();
    let watcher = Watcher {
        changes: shared.changes(),
        shared: Arc::clone(shared),
        scope,
        cursor,
        pending,
        bookmarks,
        last: now,
        end: now + Duration::from_secs(seconds),
        over: false,
    };
    let body = Body::from_stream(stream::unfold(watcher, |mut watcher| async move {
        let chunk = watcher.next().await?;
        Some((Ok::<Bytes, std::io::Error>(chunk), watcher))
    }));
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(body)
        .expect("a constant header is valid"))
}

impl Watcher {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.pending.is_empty() {
                self.last = Instant::now();
                return Some(Bytes::from(std::mem::take(&mut self.pending)));
            }
            if self.over || self.shared.is_stopped() {
                return None;
            }
            self.changes.mark_unchanged();
            self.read();
            if !self.pending.is_empty() {
                continue;
            }
            let now = Instant::now();
            if now >= self.end {
                self.over = true;
                if self.bookmarks {
                    line(&mut self.pending, &bookmark(self.scope.resource, self.cursor));
                }
                continue;
            }
            let mark = self.last + BOOKMARK;
            if self.bookmarks && now >= mark {
                line(&mut self.pending, &bookmark(self.scope.resource, self.cursor));
                continue;
            }
            let wake = if self.bookmarks { mark.min(self.end) } else { self.end };
            tokio::select! {
                _ = self.changes.changed() => {}
                () = self.shared.stopped() => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Fills `pending` with the changes after the cursor.
    fn read(&mut self) {
        let Watcher { shared, scope, cursor, pending, over, .. } = self;
        shared.with(|state| {
            if *cursor < state.store.oldest() {
                let message =
                    format!("too old resource version: {} ({})", *cursor, state.store.oldest());
                line(
                    pending,
                    &json!({ "type": "ERROR", "object": Refusal::expired(&message).body }),
                );
                *over = true;
                return;
            }
            let mut sent = 0;
            for change in state.store.since(*cursor) {
                *cursor = change.version;
                if let Some(event) = scope.event(change) {
                    line(pending, &event);
                    sent += 1;
                    if sent == BATCH {
                        break;
                    }
                }
            }
        });
    }
}

fn line(out: &mut Vec<u8>, value: &Value) {
    out.extend_from_slice(value.to_string().as_bytes());
    out.push(b'\n');
}

fn bookmark(resource: &Resource, version: u64) -> Value {
    json!({ "type": "BOOKMARK", "object": {
        "kind": resource.kind, "apiVersion": resource.api_version(),
        "metadata": { "resourceVersion": version.to_string(), "creationTimestamp": null },
    }})
}
