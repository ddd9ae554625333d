//! Socket Mode: tickets, sockets and envelopes. Invariant: a ticket opens one socket, at most ten are
//! open, and an envelope goes to one of them at a time. Source: docs.slack.dev, "Using Socket Mode".

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use super::{Attempt, Delivery, envelope};
use crate::slack::refusal::Refusal;
use crate::slack::state::{Shared, State};

/// The most sockets of one app.
const SOCKETS: usize = 10;

/// The most tickets that have not been used yet.
const TICKETS: usize = 100;

/// Frames that wait for one socket; a socket that takes no more gets no more.
const QUEUE: usize = 256;

/// How often a socket is pinged.
const PING: Duration = Duration::from_secs(10);

/// How long a socket that is about to be closed stays open (docs.slack.dev: about ten seconds).
const LAST: Duration = Duration::from_secs(10);

/// Why a socket is told to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnect {
    /// It will be closed in about ten seconds.
    Warning,
    /// The app should open another one; this one closes in about ten seconds.
    RefreshRequested,
    /// Socket Mode has been switched off; it closes at once, and no other is to be had until
    /// [`crate::slack::Slack::allow_sockets`].
    LinkDisabled,
}

impl Disconnect {
    fn reason(self) -> &'static str {
        match self {
            Disconnect::Warning => "warning",
            Disconnect::RefreshRequested => "refresh_requested",
            Disconnect::LinkDisabled => "link_disabled",
        }
    }
}

#[derive(Debug)]
enum Frame {
    Text(String),
    /// Say why, then close after a while.
    Leave(Disconnect),
    /// Cut it without a word.
    Drop,
}

#[derive(Debug)]
struct Line {
    id: u64,
    out: mpsc::Sender<Frame>,
    /// It has been told to go and gets no more envelopes.
    leaving: bool,
}

#[derive(Debug, Default)]
pub(in crate::slack) struct Sockets {
    lines: Vec<Line>,
    tickets: VecDeque<String>,
    /// Envelopes that are not acknowledged yet.
    waiting: HashMap<String, oneshot::Sender<Value>>,
    count: u64,
    next: usize,
    /// `apps.connections.open` is refused.
    pub(in crate::slack) refused: bool,
}

impl Sockets {
    /// How many are open and not on their way out.
    pub(in crate::slack) fn open(&self) -> usize {
        self.lines.iter().filter(|line| !line.leaving).count()
    }

    /// Cuts every socket.
    pub(in crate::slack) fn cut(&mut self) {
        for line in &self.lines {
            // A full queue is cut when it is read.
            line.out.try_send(Frame::Drop).ok();
        }
    }

    /// Tells the first `count` sockets to go.
    pub(in crate::slack) fn disconnect(&mut self, reason: Disconnect, count: usize) {
        for line in self.lines.iter_mut().filter(|line| !line.leaving).take(count) {
            line.leaving = line.out.try_send(Frame::Leave(reason)).is_ok();
        }
    }

    /// Hands a frame to the next socket that takes it.
    fn hand(&mut self, text: &str) -> bool {
        for _ in 0..self.lines.len() {
            self.next = (self.next + 1) % self.lines.len();
            let line = &self.lines[self.next];
            if !line.leaving && line.out.try_send(Frame::Text(text.to_owned())).is_ok() {
                return true;
            }
        }
        false
    }
}

/// A URL for one socket.
///
/// # Errors
/// `socket_mode_not_enabled` while sockets are refused.
pub(in crate::slack) fn ticket(state: &mut State) -> Result<String, Refusal> {
    if state.sockets.refused {
        return Err(Refusal::new("socket_mode_not_enabled"));
    }
    state.sockets.count += 1;
    let ticket = format!("{:032x}", state.sockets.count);
    if state.sockets.tickets.len() >= TICKETS {
        state.sockets.tickets.pop_front();
    }
    state.sockets.tickets.push_back(ticket.clone());
    let base = state.base.replacen("http", "ws", 1);
    Ok(format!("{base}/link/?ticket={ticket}&app_id={}", state.app.id))
}

/// What becomes of a request for a socket.
pub(in crate::slack) enum Admission {
    Upgraded(Response),
    /// The ticket is not known, or was used.
    Refused,
    /// It is no WebSocket request.
    NoUpgrade,
}

pub(in crate::slack) async fn admit(shared: &Arc<Shared>, parts: &mut Parts) -> Admission {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let given = form_urlencoded::parse(query).find(|(key, _)| key == "ticket");
    let given = given.map(|(_, ticket)| ticket.into_owned()).unwrap_or_default();
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(parts, &()).await else {
        return Admission::NoUpgrade;
    };
    let known = shared.look(|state| {
        let tickets = &mut state.sockets.tickets;
        let at = tickets.iter().position(|ticket| *ticket == given);
        at.and_then(|at| tickets.remove(at)).is_some()
    });
    if !known {
        return Admission::Refused;
    }
    let shared = Arc::clone(shared);
    Admission::Upgraded(
        upgrade.max_message_size(1 << 20).on_upgrade(move |socket| run(shared, socket)),
    )
}

/// One socket's life.
async fn run(shared: Arc<Shared>, mut socket: WebSocket) {
    let (out, frames) = mpsc::channel(QUEUE);
    let Some((id, hello)) = shared.with(|state| enter(state, out)) else {
        let text = json!({ "type": "disconnect", "reason": "too_many_websockets" }).to_string();
        // Whether it hears of it or not, it is closed.
        socket.send(Message::text(text)).await.ok();
        return;
    };
    tokio::select! {
        () = shared.stopped() => {}
        // A client that went away has nothing to be told.
        _ = converse(&shared, &mut socket, hello, frames) => {}
    }
    shared.with(|state| state.sockets.lines.retain(|line| line.id != id));
}

fn enter(state: &mut State, out: mpsc::Sender<Frame>) -> Option<(u64, String)> {
    let sockets = &mut state.sockets;
    if sockets.lines.len() >= SOCKETS {
        return None;
    }
    sockets.count += 1;
    let id = sockets.count;
    sockets.lines.push(Line { id, out, leaving: false });
    let hello = json!({
        "type": "hello",
        "num_connections": sockets.lines.len(),
        "debug_info": {
            "host": "applink-sandbox", "build_number": 1, "approximate_connection_time": 18_060,
        },
        "connection_info": { "app_id": state.app.id },
    });
    Some((id, hello.to_string()))
}

async fn converse(
    shared: &Shared,
    socket: &mut WebSocket,
    hello: String,
    mut frames: mpsc::Receiver<Frame>,
) -> Result<(), axum::Error> {
    socket.send(Message::text(hello)).await?;
    let mut ping = tokio::time::interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut end = None;
    loop {
        let over = async {
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => return socket.send(Message::Close(None)).await,
            _ = ping.tick() => {
                let payload = Bytes::from_static(b"Ping from applink-sandbox");
                socket.send(Message::Ping(payload)).await?;
            }
            frame = frames.recv() => match frame {
                Some(Frame::Text(text)) => socket.send(Message::text(text)).await?,
                Some(Frame::Leave(why)) => {
                    socket.send(Message::text(goodbye(why))).await?;
                    let wait = if why == Disconnect::LinkDisabled { Duration::ZERO } else { LAST };
                    end = Some(Instant::now() + wait);
                }
                Some(Frame::Drop) | None => return Ok(()),
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => acknowledged(shared, &text),
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                // Pings are answered below us, and binary frames mean nothing here.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
            },
        }
    }
}

fn goodbye(why: Disconnect) -> String {
    json!({
        "type": "disconnect",
        "reason": why.reason(),
        "debug_info": { "host": "applink-sandbox" },
    })
    .to_string()
}

/// Hands an acknowledgement to whoever waits for it; one that comes late is for nobody.
fn acknowledged(shared: &Shared, text: &str) {
    let Ok(ack) = serde_json::from_str::<Value>(text) else { return };
    let id = ack["envelope_id"].as_str().unwrap_or_default();
    if let Some(waiting) = shared.look(|state| state.sockets.waiting.remove(id)) {
        // Whoever waited may have given up this moment.
        waiting.send(ack["payload"].clone()).ok();
    }
}

/// Sends an envelope over one socket and waits for its acknowledgement.
pub(super) async fn send(
    shared: &Shared,
    delivery: &Delivery,
    retry: u32,
    reason: &'static str,
) -> Attempt {
    let (heard, hear) = oneshot::channel();
    let sent = shared.look(|state| {
        let id = format!("00000000-0000-4000-8000-{:0>12}", state.id("").to_ascii_lowercase());
        let text = envelope(delivery, &id, retry, reason).to_string();
        let sent = state.sockets.hand(&text);
        if sent {
            state.sockets.waiting.insert(id.clone(), heard);
        }
        sent.then_some(id)
    });
    let Some(id) = sent else {
        return Attempt::failed("connection_failed");
    };
    match tokio::time::timeout(shared.deadline, hear).await {
        Ok(Ok(response)) => Attempt { acked: true, response, ..Attempt::failed("") },
        _ => {
            shared.look(|state| state.sockets.waiting.remove(&id));
            Attempt { late: true, ..Attempt::failed("timeout") }
        }
    }
}
