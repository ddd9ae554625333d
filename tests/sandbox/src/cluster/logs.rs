//! Container logs: bounded buffers by pod, and the `log` subresource. Invariant: a follower gets each
//! line once and in order; lines that were dropped to stay within bounds are gone for everybody.
//! Called by the routes, the controllers (a restart moves lines to `previous`) and the façade.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use serde_json::Value;

use super::json::{items, name, namespace, text};
use super::query::Query;
use super::state::Shared;
use super::status::Refusal;

/// Lines and bytes kept for one container.
const LINES: usize = 5_000;
const BYTES: usize = 4 << 20;
/// Bytes handed to a follower at once.
const CHUNK: usize = 256 << 10;

#[derive(Debug, Clone)]
struct Line {
    sequence: u64,
    at: jiff::Timestamp,
    text: String,
}

#[derive(Debug, Default)]
struct Buffer {
    lines: VecDeque<Line>,
    bytes: usize,
    previous: Option<VecDeque<Line>>,
}

/// All logs of the cluster, by namespace, pod and container.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    buffers: HashMap<(String, String, String), Buffer>,
    sequence: u64,
}

fn key(ns: &str, pod: &str, container: &str) -> (String, String, String) {
    (ns.to_owned(), pod.to_owned(), container.to_owned())
}

impl Logs {
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Adds what a container wrote; line breaks within make several lines.
    pub(crate) fn write(&mut self, ns: &str, pod: &str, container: &str, written: &str) {
        let buffer = self.buffers.entry(key(ns, pod, container)).or_default();
        for line in written.split('\n') {
            self.sequence += 1;
            buffer.bytes += line.len();
            buffer.lines.push_back(Line {
                sequence: self.sequence,
                at: jiff::Timestamp::now(),
                text: line.to_owned(),
            });
        }
        while buffer.lines.len() > LINES || (buffer.bytes > BYTES && buffer.lines.len() > 1) {
            let Some(dropped) = buffer.lines.pop_front() else {
                break;
            };
            buffer.bytes -= dropped.text.len();
        }
    }

    /// The container restarted: its lines are those of the previous one now.
    pub(crate) fn restart(&mut self, ns: &str, pod: &str, container: &str) {
        let buffer = self.buffers.entry(key(ns, pod, container)).or_default();
        buffer.previous = Some(std::mem::take(&mut buffer.lines));
        buffer.bytes = 0;
    }

    pub(crate) fn forget(&mut self, ns: &str, pod: &str) {
        self.buffers.retain(|(n, p, _), _| n != ns || p != pod);
        self.sequence += 1;
    }
}

/// What was asked for.
struct Wanted {
    timestamps: bool,
    limit: usize,
    tail: usize,
    since: Option<jiff::Timestamp>,
}

impl Wanted {
    fn read(query: &Query) -> Result<Self, Refusal> {
        let since = match (query.number("sinceSeconds")?, query.get("sinceTime")) {
            (Some(_), Some(_)) => {
                return Err(Refusal::bad_request(
                    "at most one of `sinceTime` or `sinceSeconds` may be specified",
                ));
            }
            (Some(seconds), None) => {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX).min(1 << 32);
                Some(jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds))
            }
            (None, Some(time)) => Some(time.parse().map_err(|_| {
                Refusal::bad_request(&format!(
                    "parsing time \"{time}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse"
                ))
            })?),
            (None, None) => None,
        };
        let bound = |number: Option<u64>| {
            number.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)
        };
        Ok(Wanted {
            timestamps: query.flag("timestamps"),
            limit: bound(query.number("limitBytes")?),
            tail: bound(query.number("tailLines")?),
            since,
        })
    }

    fn render(&self, line: &Line, out: &mut String) {
        if self.timestamps {
            write!(out, "{:.9} ", line.at).ok();
        }
        out.push_str(&line.text);
        out.push('\n');
    }
}

/// Which container is meant, or why that is not clear.
pub(crate) fn container(pod: &Value, asked: Option<&str>) -> Result<String, Refusal> {
    let names: Vec<&str> =
        items(pod, "/spec/containers").iter().map(|c| text(c, "/name")).collect();
    let pod = name(pod);
    match (asked, names.as_slice()) {
        (Some(asked), _) if names.contains(&asked) => Ok(asked.to_owned()),
        (Some(asked), _) => {
            Err(Refusal::bad_request(&format!("container {asked} is not valid for pod {pod}")))
        }
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => Err(Refusal::bad_request(&format!(
            "a container name must be specified for pod {pod}, choose one of: [{}]",
            names.join(" ")
        ))),
    }
}

/// Answers `GET …/pods/NAME/log`.
///
/// # Errors
/// 400 for a container that is unknown, ambiguous or not started, and for unreadable parameters.
pub(crate) fn serve(shared: &Arc<Shared>, pod: &Value, query: &Query) -> Result<Response, Refusal> {
    let container = container(pod, query.get("container"))?;
    let wanted = Wanted::read(query)?;
    let (ns, pod_name) = (namespace(pod).to_owned(), name(pod).to_owned());
    let status = items(pod, "/status/containerStatuses")
        .iter()
        .find(|status| text(status, "/name") == container);
    let waiting = status.map_or("ContainerCreating", |s| text(s, "/state/waiting/reason"));
    let mut out = String::new();
    if query.flag("previous") {
        shared.with(|state| {
            let lines = state
                .logs
                .buffers
                .get(&key(&ns, &pod_name, &container))
                .and_then(|b| b.previous.as_ref());
            let lines = lines.ok_or_else(|| {
                Refusal::bad_request(&format!(
                    "previous terminated container \"{container}\" in pod \"{pod_name}\" not found"
                ))
            })?;
            collect(lines, &wanted, &mut out);
            Ok::<(), Refusal>(())
        })?;
        return Ok(plain(Body::from(out)));
    }
    if matches!(waiting, "ContainerCreating" | "ImagePullBackOff" | "ErrImagePull") {
        let why = if waiting == "ContainerCreating" {
            format!("is waiting to start: {waiting}")
        } else {
            "is waiting to start: trying and failing to pull image".to_owned()
        };
        return Err(Refusal::bad_request(&format!(
            "container \"{container}\" in pod \"{pod_name}\" {why}"
        )));
    }
    let next = shared.with(|state| {
        if let Some(buffer) = state.logs.buffers.get(&key(&ns, &pod_name, &container)) {
            collect(&buffer.lines, &wanted, &mut out);
        }
        state.logs.sequence
    });
    if !query.flag("follow") {
        return Ok(plain(Body::from(out)));
    }
    Ok(plain(follow(Arc::clone(shared), (ns, pod_name, container), wanted, out, next)))
}

fn collect(lines: &VecDeque<Line>, wanted: &Wanted, out: &mut String) {
    let recent = |line: &&Line| wanted.since.is_none_or(|since| line.at >= since);
    let count = lines.iter().filter(recent).count();
    for line in lines.iter().filter(recent).skip(count.saturating_sub(wanted.tail)) {
        wanted.render(line, out);
        if out.len() >= wanted.limit {
            cut(out, wanted.limit);
            break;
        }
    }
}

/// Cuts a string at a byte count, at the nearest character before it.
fn cut(out: &mut String, mut limit: usize) {
    while limit < out.len() && !out.is_char_boundary(limit) {
        limit -= 1;
    }
    out.truncate(limit);
}

fn plain(body: Body) -> Response {
    Response::builder()
        .header("content-type", "text/plain")
        .body(body)
        .expect("a constant header is valid")
}

struct Follower {
    shared: Arc<Shared>,
    changes: tokio::sync::watch::Receiver<u64>,
    key: (String, String, String),
    wanted: Wanted,
    pending: String,
    next: u64,
    sent: usize,
    over: bool,
}

/// Streams what is there, then each new line until the pod or the server ends.
fn follow(
    shared: Arc<Shared>,
    key: (String, String, String),
    wanted: Wanted,
    first: String,
    next: u64,
) -> Body {
    let changes = shared.changes();
    let follower =
        Follower { shared, changes, key, wanted, pending: first, next, sent: 0, over: false };
    Body::from_stream(stream::unfold(follower, |mut follower| async move {
        loop {
            if !follower.pending.is_empty() {
                let mut chunk = std::mem::take(&mut follower.pending);
                cut(&mut chunk, follower.wanted.limit.saturating_sub(follower.sent));
                follower.sent += chunk.len();
                follower.over |= follower.sent >= follower.wanted.limit;
                return Some((Ok::<Bytes, std::io::Error>(Bytes::from(chunk)), follower));
            }
            if follower.over || follower.shared.is_stopped() {
                return None;
            }
            follower.changes.mark_unchanged();
            follower.read();
            if follower.pending.is_empty() && !follower.over {
                tokio::select! {
                    _ = follower.changes.changed() => {}
                    () = follower.shared.stopped() => {}
                }
            }
        }
    }))
}

impl Follower {
    fn read(&mut self) {
        let Follower { shared, key, wanted, pending, next, over, .. } = self;
        let after = *next;
        shared.with(|state| {
            if let Some(buffer) = state.logs.buffers.get(key) {
                for line in buffer.lines.iter().filter(|line| line.sequence > after) {
                    if pending.len() >= CHUNK {
                        return;
                    }
                    wanted.render(line, pending);
                    *next = line.sequence;
                }
            }
            *over = state.store.get("pods", &key.0, &key.1).is_none();
        });
    }
}
