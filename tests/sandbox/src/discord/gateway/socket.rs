//! One socket's life: hello, identify or resume, heartbeats, events, and the end. Invariant: it ends
//! with the hub, and whatever the app sends, it is answered or closed with Discord's code. Started by
//! the hub's route.

use std::collections::VecDeque;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::identify::{self, Identify, Payload, Resume};
use super::sessions::{self, Frame, Resumed, payload};
use super::{Hub, close};

/// Frames that wait for one socket; one that takes no more is let go, and its session is resumed.
const QUEUE: usize = 256;

/// How many payloads an app may send in a minute.
const PAYLOADS: usize = 120;
const MINUTE: Duration = Duration::from_secs(60);

/// How long a socket lasts that has been told to go.
const LAST: Duration = Duration::from_secs(10);

/// How long the app's own close is waited for.
const GOODBYE: Duration = Duration::from_secs(2);

/// How a socket ended.
enum End {
    /// The server closes it with this code.
    Closed(u16),
    /// The app closed it, with this code if it gave one.
    Left(Option<u16>),
    /// Cut, by whomever.
    Cut,
}

pub(super) async fn run(hub: Hub, mut socket: WebSocket, version: bool) {
    let (out, frames) = mpsc::channel(QUEUE);
    let entered = if version { hub.look(|sessions, _, _| sessions.enter(out)) } else { None };
    let Some(id) = entered else {
        let code = if version { close::RATE_LIMITED } else { close::INVALID_VERSION };
        return end(&mut socket, code).await;
    };
    let mut line = Line { hub: &hub, id, sent: VecDeque::with_capacity(PAYLOADS) };
    let ended = tokio::select! {
        () = hub.stopped() => End::Cut,
        // An error of the connection is an end like any other.
        ended = line.converse(&mut socket, frames) => ended.unwrap_or(End::Cut),
    };
    let keep = match ended {
        End::Closed(code) => sessions::survives(Some(code), false),
        End::Left(code) => sessions::survives(code, true),
        End::Cut => true,
    };
    // Before the app hears of it, so that it finds its session when it comes back.
    hub.look(|sessions, _, now| sessions.leave(id, keep, now));
    hub.world().changed();
    if let End::Closed(code) = ended {
        tokio::select! {
            () = hub.stopped() => {}
            () = end(&mut socket, code) => {}
        }
    }
}

/// Closes the socket and waits a little for the app's answer: what it has sent and nobody read would
/// otherwise reset the connection before it has seen the code.
async fn end(socket: &mut WebSocket, code: u16) {
    let frame = CloseFrame { code, reason: close::reason(code).into() };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        let drained = async { while let Some(Ok(_)) = socket.recv().await {} };
        tokio::time::timeout(GOODBYE, drained).await.ok();
    }
}

struct Line<'a> {
    hub: &'a Hub,
    id: u64,
    /// When the app sent its last payloads.
    sent: VecDeque<Instant>,
}

impl Line<'_> {
    async fn converse(
        &mut self,
        socket: &mut WebSocket,
        mut frames: mpsc::Receiver<Frame>,
    ) -> Result<End, axum::Error> {
        let interval = self.hub.limits().heartbeat;
        let milliseconds = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let hello = json!({ "heartbeat_interval": milliseconds, "_trace": ["gateway-sandbox"] });
        socket.send(Message::text(payload(10, &hello))).await?;
        let mut missed = Instant::now() + 2 * interval;
        let mut over = None;
        loop {
            let last = async {
                match over {
                    Some(over) => tokio::time::sleep_until(over).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = last => return Ok(End::Closed(1001)),
                // docs.discord.com/developers/events/gateway, "Heartbeat Interval": closed, and resumed.
                () = tokio::time::sleep_until(missed) => return Ok(End::Closed(close::UNKNOWN_ERROR)),
                frame = frames.recv() => match frame {
                    Some(Frame::Text(text)) => socket.send(Message::text(text)).await?,
                    Some(Frame::Reconnect) => {
                        socket.send(Message::text(payload(7, &Value::Null))).await?;
                        over = Some(Instant::now() + LAST);
                    }
                    Some(Frame::Close(code)) => return Ok(End::Closed(code)),
                    Some(Frame::Silence) => return Ok(silent(socket, frames).await),
                    Some(Frame::Drop) | None => return Ok(End::Cut),
                },
                message = socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => match self.take(&text) {
                        Ok(taken) => {
                            if taken.heartbeat {
                                missed = Instant::now() + 2 * interval;
                            }
                            for text in taken.answer {
                                socket.send(Message::text(text)).await?;
                            }
                        }
                        Err(code) => return Ok(End::Closed(code)),
                    },
                    Some(Ok(Message::Binary(_))) => return Ok(End::Closed(close::DECODE_ERROR)),
                    Some(Ok(Message::Close(frame))) => {
                        return Ok(End::Left(frame.map(|frame| frame.code)));
                    }
                    // Pings are answered below us.
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Ok(End::Cut),
                },
            }
        }
    }

    /// Takes one payload of the app.
    fn take(&mut self, text: &str) -> Result<Taken, u16> {
        self.count()?;
        match identify::read(text)? {
            Payload::Heartbeat => {
                self.hub.look(|sessions, _, _| sessions.heartbeats += 1);
                self.hub.world().changed();
                Ok(Taken { heartbeat: true, answer: vec![payload(11, &Value::Null)] })
            }
            Payload::Identify(identify) => self.identify(&identify).map(Taken::answer),
            Payload::Resume(resume) => self.resume(&resume).map(Taken::answer),
            Payload::Other if self.identified() => Ok(Taken::answer(Vec::new())),
            Payload::Other => Err(close::NOT_AUTHENTICATED),
        }
    }

    fn count(&mut self) -> Result<(), u16> {
        let now = Instant::now();
        while self.sent.front().is_some_and(|sent| now.duration_since(*sent) >= MINUTE) {
            self.sent.pop_front();
        }
        if self.sent.len() >= PAYLOADS {
            return Err(close::RATE_LIMITED);
        }
        self.sent.push_back(now);
        Ok(())
    }

    fn identified(&self) -> bool {
        self.hub.look(|sessions, _, _| sessions.identified(self.id))
    }

    /// Whether the app may have this session, and is who it says.
    fn admit(&self, token: &str) -> Result<(), u16> {
        if self.identified() {
            return Err(close::ALREADY_AUTHENTICATED);
        }
        if self.hub.world().token().as_deref() != Some(token) {
            return Err(close::AUTHENTICATION_FAILED);
        }
        Ok(())
    }

    fn identify(&self, asked: &Identify) -> Result<Vec<String>, u16> {
        self.admit(&asked.token)?;
        self.hub.limits().intended(asked.intents)?;
        // What happens between this look at the world and the session's beginning is missed, as it is
        // by an app that identifies a moment later.
        let world = self.hub.world();
        let state = world.ready();
        let ready = sessions::ready(&state, &asked.shard, &world.gateway_url());
        let frames = self.hub.look(|sessions, limits, now| {
            if sessions.budget(limits, now).0 == 0 {
                return Err(close::RATE_LIMITED);
            }
            if sessions.hurried(limits, now) {
                return Ok(vec![payload(9, &json!(false))]);
            }
            Ok(sessions.begin(self.id, asked.intents, ready, &state.guild_create, limits, now))
        })?;
        world.changed();
        Ok(frames)
    }

    fn resume(&self, asked: &Resume) -> Result<Vec<String>, u16> {
        self.admit(&asked.token)?;
        let resumed = self.hub.look(|sessions, limits, now| {
            sessions.resume(self.id, &asked.session, asked.sequence, limits, now)
        });
        self.hub.world().changed();
        match resumed {
            Resumed::Replay(frames) => Ok(frames),
            Resumed::Gone => Ok(vec![payload(9, &json!(false))]),
            Resumed::Ahead => Err(close::INVALID_SEQUENCE),
        }
    }
}

/// What a payload of the app leads to.
struct Taken {
    heartbeat: bool,
    answer: Vec<String>,
}

impl Taken {
    fn answer(answer: Vec<String>) -> Self {
        Taken { heartbeat: false, answer }
    }
}

/// A connection that is dead and does not show it, until the app gives it up or it is cut.
async fn silent(socket: &mut WebSocket, mut frames: mpsc::Receiver<Frame>) -> End {
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Some(Frame::Drop) | None => return End::Cut,
                Some(_) => {}
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Close(frame))) => return End::Left(frame.map(|frame| frame.code)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return End::Cut,
            },
        }
    }
}
