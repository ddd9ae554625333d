//! Sockets, sessions and what each session is still owed. Invariant: a session's events are numbered
//! without a gap in the order of sending, one socket at most serves a session, and what a session keeps
//! for a resume is bounded. Pure state: the hub holds it behind its lock.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Limits, Ready, close, intents};

/// The most sockets at a time.
const SOCKETS: usize = 32;

/// The most sessions at a time; of those without a socket the one that lost it first goes.
const SESSIONS: usize = 64;

/// What a socket is told to do.
#[derive(Debug)]
pub(super) enum Frame {
    Text(String),
    /// Say that this connection will not last, and close it if the app does not.
    Reconnect,
    Close(u16),
    /// Cut it without a word.
    Drop,
    /// Send nothing more and hear nothing more, but stay open.
    Silence,
}

#[derive(Debug)]
struct Socket {
    id: u64,
    out: mpsc::Sender<Frame>,
}

#[derive(Debug)]
struct Session {
    id: String,
    intents: u64,
    /// The bot's own id: what it says and what is said to it needs no intent.
    bot: String,
    /// The number of the last event.
    last: u64,
    /// Events for a resume, with their numbers.
    kept: VecDeque<(u64, String)>,
    /// The highest number among the kept events that had to be dropped.
    dropped: u64,
    /// The socket that serves it.
    socket: Option<u64>,
    /// Since when no socket serves it.
    left: Instant,
}

/// What became of a resume.
#[derive(Debug)]
pub(super) enum Resumed {
    /// What the app missed, and RESUMED.
    Replay(Vec<String>),
    /// There is no such session any more.
    Gone,
    /// It says it has heard what was never sent.
    Ahead,
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    sockets: Vec<Socket>,
    sessions: Vec<Session>,
    made: u64,
    /// When sessions were begun, within a day.
    begun: VecDeque<Instant>,
    pub(super) identifies: usize,
    pub(super) resumes: usize,
    pub(super) heartbeats: usize,
    /// Sockets are not let in.
    pub(super) refused: bool,
}

impl Sessions {
    /// A number for a new socket; `None` when there are too many.
    pub(super) fn enter(&mut self, out: mpsc::Sender<Frame>) -> Option<u64> {
        if self.sockets.len() >= SOCKETS {
            return None;
        }
        self.made += 1;
        self.sockets.push(Socket { id: self.made, out });
        Some(self.made)
    }

    /// A socket has ended; its session stays for a resume, or ends with it.
    pub(super) fn leave(&mut self, socket: u64, keep: bool, now: Instant) {
        self.sockets.retain(|known| known.id != socket);
        self.detach(socket, keep, now);
    }

    pub(super) fn detach(&mut self, socket: u64, keep: bool, now: Instant) {
        if !keep {
            self.sessions.retain(|session| session.socket != Some(socket));
        }
        for session in self.sessions.iter_mut().filter(|session| session.socket == Some(socket)) {
            session.socket = None;
            session.left = now;
        }
    }

    pub(super) fn identified(&self, socket: u64) -> bool {
        self.sessions.iter().any(|session| session.socket == Some(socket))
    }

    /// How many sessions have a socket.
    pub(super) fn connected(&self) -> usize {
        self.sessions.iter().filter(|session| session.socket.is_some()).count()
    }

    /// How many sessions may still be begun today, and when the first of them was begun.
    pub(super) fn budget(&mut self, limits: &Limits, now: Instant) -> (usize, Option<Instant>) {
        while self.begun.front().is_some_and(|begun| now.duration_since(*begun) >= Limits::DAY) {
            self.begun.pop_front();
        }
        (limits.identifies.saturating_sub(self.begun.len()), self.begun.front().copied())
    }

    /// Whether so many sessions were begun just now that another has to wait.
    pub(super) fn hurried(&self, limits: &Limits, now: Instant) -> bool {
        let recent = |begun: &&Instant| now.duration_since(**begun) < limits.pace;
        self.begun.iter().rev().take_while(recent).count() >= limits.concurrency
    }

    /// Begins a session on a socket and gives its first events, READY and the guilds.
    pub(super) fn begin(
        &mut self,
        socket: u64,
        intents: u64,
        ready: Value,
        guilds: &[Value],
        limits: &Limits,
        now: Instant,
    ) -> Vec<String> {
        self.begun.push_back(now);
        self.identifies += 1;
        self.made += 1;
        if self.sessions.len() >= SESSIONS {
            let without = self.sessions.iter().enumerate().filter(|(_, one)| one.socket.is_none());
            let oldest = without.min_by_key(|(_, session)| session.left).map(|(at, _)| at);
            // There are fewer sockets than sessions, so one without a socket is there.
            oldest.map(|at| self.sessions.remove(at));
        }
        let mut session = Session {
            id: format!("{:032x}", self.made),
            intents,
            bot: ready["user"]["id"].as_str().unwrap_or_default().to_owned(),
            last: 0,
            kept: VecDeque::new(),
            dropped: 0,
            socket: Some(socket),
            left: now,
        };
        let mut ready = ready;
        ready["session_id"] = json!(session.id);
        let mut frames = vec![session.number("READY", &ready)];
        if intents & intents::GUILDS != 0 {
            frames.extend(guilds.iter().map(|guild| session.keep("GUILD_CREATE", guild, limits)));
        }
        self.sessions.push(session);
        frames
    }

    /// Takes up a session again on another socket. The socket that served it until now is cut.
    pub(super) fn resume(
        &mut self,
        socket: u64,
        id: &str,
        sequence: u64,
        limits: &Limits,
        now: Instant,
    ) -> Resumed {
        self.expire(limits, now);
        let Some(at) = self.sessions.iter().position(|session| session.id == id) else {
            return Resumed::Gone;
        };
        let session = &mut self.sessions[at];
        if sequence > session.last {
            self.sessions.remove(at);
            return Resumed::Ahead;
        }
        if sequence < session.dropped {
            self.sessions.remove(at);
            return Resumed::Gone;
        }
        let missed = session.kept.iter().filter(|(number, _)| *number > sequence);
        let mut frames: Vec<String> = missed.map(|(_, text)| text.clone()).collect();
        frames.push(session.number("RESUMED", &json!({ "_trace": ["gateway-sandbox"] })));
        let before = session.socket.replace(socket);
        self.resumes += 1;
        if let Some(before) = before {
            self.tell(before, Frame::Drop);
        }
        Resumed::Replay(frames)
    }

    /// Sends an event to every session that wants it; how many do. One without a socket keeps it.
    pub(super) fn dispatch(
        &mut self,
        event: &str,
        data: &Value,
        limits: &Limits,
        now: Instant,
    ) -> usize {
        self.expire(limits, now);
        let mut count = 0;
        let mut frames = Vec::new();
        for session in &mut self.sessions {
            let Some(data) = intents::heard(session.intents, event, data, &session.bot) else {
                continue;
            };
            let text = session.keep(event, &data, limits);
            count += 1;
            frames.extend(session.socket.map(|socket| (socket, text)));
        }
        for (socket, text) in frames {
            self.tell(socket, Frame::Text(text));
        }
        count
    }

    /// Tells every socket the same.
    pub(super) fn tell_all(&mut self, frame: impl Fn() -> Frame) {
        for id in self.sockets.iter().map(|socket| socket.id).collect::<Vec<_>>() {
            self.tell(id, frame());
        }
    }

    /// Tells every session that it is no more, or that it has to be resumed.
    pub(super) fn invalidate(&mut self, resumable: bool, now: Instant) {
        let sockets: Vec<u64> = self.sessions.iter().filter_map(|session| session.socket).collect();
        for socket in sockets {
            self.detach(socket, resumable, now);
            self.tell(socket, Frame::Text(payload(9, &json!(resumable))));
        }
        if !resumable {
            self.sessions.clear();
        }
    }

    /// A socket that takes no more has missed something, so it is let go: its task ends when no sender
    /// is left.
    fn tell(&mut self, id: u64, frame: Frame) {
        let Some(at) = self.sockets.iter().position(|socket| socket.id == id) else { return };
        if self.sockets[at].out.try_send(frame).is_err() {
            self.sockets.remove(at);
        }
    }

    /// Ends the sessions that nobody has resumed in time.
    fn expire(&mut self, limits: &Limits, now: Instant) {
        let alive = |session: &Session| {
            session.socket.is_some() || now.duration_since(session.left) < limits.resumable
        };
        self.sessions.retain(alive);
    }
}

impl Session {
    /// An event that is not replayed.
    fn number(&mut self, event: &str, data: &Value) -> String {
        self.last += 1;
        // Discord's order of the fields; some clients read the first ones without parsing the rest.
        format!(r#"{{"t":{},"s":{},"op":0,"d":{data}}}"#, json!(event), self.last)
    }

    fn keep(&mut self, event: &str, data: &Value, limits: &Limits) -> String {
        let text = self.number(event, data);
        self.kept.push_back((self.last, text.clone()));
        if self.kept.len() > limits.kept {
            self.dropped = self.kept.pop_front().map_or(self.dropped, |(number, _)| number);
        }
        text
    }
}

/// A payload that is no event.
pub(super) fn payload(opcode: u8, data: &Value) -> String {
    format!(r#"{{"t":null,"s":null,"op":{opcode},"d":{data}}}"#)
}

/// READY but for its session.
pub(super) fn ready(ready: &Ready, shard: &Value, url: &str) -> Value {
    let mut value = json!({
        "v": 10,
        "user": ready.user,
        "guilds": ready.guilds,
        "application": ready.application,
        "resume_gateway_url": url,
        "session_type": "normal",
        "private_channels": [],
        "presences": [],
        "relationships": [],
        "user_settings": {},
        "_trace": ["gateway-sandbox"],
    });
    if !shard.is_null() {
        value["shard"] = shard.clone();
    }
    value
}

/// Whether the session of a socket outlives its end.
pub(super) fn survives(code: Option<u16>, by_app: bool) -> bool {
    match code {
        // docs.discord.com/developers/events/gateway, "Initiating a Disconnect".
        Some(code) if by_app => !matches!(code, 1000 | 1001),
        Some(code) => close::leaves_session(code),
        None => true,
    }
}
