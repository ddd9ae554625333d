//! One connection: hands over what Discord dispatches, and says in the end why it ended and what the
//! next one can go on with.
//!
//! Invariant: a link connects once, to an address that was checked, and closes with a code that leaves
//! the session to be resumed. Nothing of a message is logged: it may hold an interaction's token.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_util::Stream;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use twilight_gateway::error::{ReceiveMessageError, ReceiveMessageErrorType};
use twilight_gateway::queue::Queue;
use twilight_gateway::{
    CloseFrame, ConfigBuilder, Intents, Message, Session, Shard, ShardId, ShardState,
};
use twilight_model::gateway::OpCode;
use twilight_model::gateway::payload::outgoing::identify::IdentifyProperties;

use super::answering::Answering;
use super::{Pace, Reach, Resume};
use crate::health::{Board, Standing};
use crate::reach::{Scheme, scheme};

/// Where the gateways are.
const DOMAIN: &str = "discord.gg";
/// Channels that are gone. Interactions come without any intent.
const INTENTS: Intents = Intents::GUILDS;

/// Why a link ended.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Leaving {
    #[error("nova is stopping")]
    Stopped,
    #[error("Discord wants the connection back")]
    Asked,
    #[error("the connection was lost: {0}")]
    Lost(String),
    #[error("Discord closed the connection with code {0}")]
    Closed(u16),
    #[error("Discord does not know the session any more")]
    Invalid,
    #[error("Discord does not accept the bot token")]
    Token,
    #[error("Discord refuses nova's connection with code {0}")]
    Refused(u16),
}

/// One message, as far as it concerns more than twilight.
#[derive(Deserialize)]
struct Frame<'a> {
    op: u8,
    t: Option<&'a str>,
    s: Option<u64>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
}

/// Whether there may be a session is asked before a link is made.
#[derive(Debug)]
struct Granted;

impl Queue for Granted {
    fn enqueue(&self, _: u32) -> oneshot::Receiver<()> {
        let (grant, granted) = oneshot::channel();
        // The other end is right here.
        let _sent = grant.send(());
        granted
    }
}

/// How far the one connection of a link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Up,
    /// The close is sent, the peer's is awaited.
    Closing,
}

/// A connection to come.
pub(super) struct Link {
    shard: Shard<Granted>,
    reach: Reach,
    pace: Pace,
    phase: Phase,
    /// Why it is being closed.
    leaving: Option<Leaving>,
}

impl Link {
    /// None if the address is not Discord's. With a session it is resumed, otherwise one is begun.
    pub(super) fn new(
        token: String,
        url: &str,
        session: Option<Session>,
        reach: Reach,
        pace: Pace,
    ) -> Option<Self> {
        let url = allowed(url, reach)?;
        let properties = IdentifyProperties::new("nova", "nova", std::env::consts::OS);
        let mut config = ConfigBuilder::new(token, INTENTS)
            .queue(Granted)
            .identify_properties(properties)
            .proxy_url(url.clone());
        if let Some(session) = session {
            config = config.session(session).resume_url(url);
        }
        let shard = Shard::with_config(ShardId::ONE, config.build());
        Some(Self { shard, reach, pace, phase: Phase::New, leaving: None })
    }

    /// Serves until the connection ends or `cancel`. Boxed by its caller.
    pub(super) async fn serve(
        mut self,
        answering: &mut Answering,
        board: &Board,
        cancel: &CancellationToken,
    ) -> (Leaving, Option<Resume>) {
        let mut standing: Option<Standing> = None;
        let mut until = Instant::now() + self.pace.connect;
        let why = loop {
            let bounded = standing.is_none() || self.leaving.is_some();
            let next = tokio::select! {
                biased;
                () = cancel.cancelled(), if self.leaving.is_none() => {
                    if standing.is_none() {
                        break Leaving::Stopped;
                    }
                    self.shard.close(CloseFrame::RESUME);
                    self.leaving = Some(Leaving::Stopped);
                    until = Instant::now() + self.pace.goodbye;
                    continue;
                }
                () = sleep_until(until), if bounded => {
                    break self.leaving.take().unwrap_or_else(|| lost("no session in time"));
                }
                () = answering.one_done() => continue,
                next = self.next() => next,
            };
            let text = match next {
                Ok(text) => text,
                Err(why) => break self.leaving.take().unwrap_or(why),
            };
            self.heard(&text, answering);
            if self.leaving.is_none() && self.shard.resume_url().is_some_and(|url| !self.may(url)) {
                break lost("Discord gave an address that is not its own");
            }
            match self.shard.state() {
                ShardState::Active if standing.is_none() => {
                    info!("the gateway stands");
                    standing = Some(board.connected());
                }
                // twilight has begun to close the connection because of what it heard.
                ShardState::Disconnected { .. } if self.leaving.is_none() => {
                    let asked = self.shard.session().is_some();
                    self.leaving = Some(if asked { Leaving::Asked } else { Leaving::Invalid });
                    until = Instant::now() + self.pace.goodbye;
                }
                _ => {}
            }
        };
        let resume = self.resume(&why);
        (why, resume)
    }

    /// The next text; an error once this connection is at its end.
    async fn next(&mut self) -> Result<String, Leaving> {
        loop {
            return match self.item().await {
                Some(Ok(Message::Text(text))) => Ok(text),
                Some(Ok(Message::Close(frame))) => {
                    Err(closed(frame.map(|frame| frame.code), self.shard.state()))
                }
                Some(Err(error)) => match failed(error) {
                    Some(why) => Err(why),
                    None => continue,
                },
                None => Err(lost("the connection broke")),
            };
        }
    }

    /// The next item of twilight's; none when it has lost the connection and is about to make another
    /// one by itself.
    async fn item(&mut self) -> Option<Result<Message, ReceiveMessageError>> {
        poll_fn(|cx| {
            let polled = Pin::new(&mut self.shard).poll_next(cx);
            let down = matches!(self.shard.state(), ShardState::Disconnected { .. });
            match (self.phase, down) {
                (Phase::New, false) => self.phase = Phase::Up,
                (Phase::Up, true) if polled.is_pending() => {
                    if self.leaving.is_none() {
                        return Poll::Ready(None);
                    }
                    self.phase = Phase::Closing;
                }
                (Phase::Closing, false) => return Poll::Ready(None),
                _ => {}
            }
            polled
        })
        .await
    }

    fn heard(&self, text: &str, answering: &mut Answering) {
        let Ok(frame) = serde_json::from_str::<Frame<'_>>(text) else {
            warn!("a message of the gateway was ignored");
            return;
        };
        if let (Some(OpCode::Dispatch), Some(kind), Some(seq), Some(data)) =
            (OpCode::from(frame.op), frame.t, frame.s, frame.d)
        {
            answering.dispatched(kind, seq, data.get().as_bytes());
        }
    }

    fn may(&self, url: &str) -> bool {
        allowed(url, self.reach).is_some()
    }

    /// What the next link can go on with.
    fn resume(&self, why: &Leaving) -> Option<Resume> {
        // 4007: a wrong sequence, 4009: the session has timed out.
        if matches!(why, Leaving::Closed(4007 | 4009) | Leaving::Invalid | Leaving::Token) {
            return None;
        }
        let session = self.shard.session()?.clone();
        // An address at which nothing stands is of no use.
        let url = self.shard.resume_url().filter(|url| self.may(url)).map(str::to_owned);
        Some(Resume { session, url })
    }
}

/// The address, as twilight puts its query behind it, if it is one that may be connected to.
fn allowed(url: &str, reach: Reach) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let fine = match scheme(&uri, DOMAIN)? {
        Scheme::Encrypted => true,
        Scheme::Loopback => reach == Reach::Loopback,
    };
    let (kind, host) = (uri.scheme_str()?, uri.authority()?);
    let path = uri.path().trim_end_matches('/');
    (fine && uri.query().is_none()).then(|| format!("{kind}://{host}{path}"))
}

fn lost(why: &str) -> Leaving {
    Leaving::Lost(why.to_owned())
}

/// What a close means (docs.discord.com/developers/topics/opcodes-and-status-codes, "Gateway Close Event
/// Codes").
fn closed(code: Option<u16>, state: ShardState) -> Leaving {
    match code {
        Some(4004) => Leaving::Token,
        Some(code) if state == ShardState::FatallyClosed => Leaving::Refused(code),
        // twilight's word for a connection that broke.
        None | Some(1006) => lost("the connection broke"),
        Some(code) => Leaving::Closed(code),
    }
}

/// Why nothing can follow; none if only one message could not be read.
fn failed(error: ReceiveMessageError) -> Option<Leaving> {
    match error.kind() {
        ReceiveMessageErrorType::Reconnect => {
            let why = error.into_source().map_or_else(String::new, |source| source.to_string());
            Some(Leaving::Lost(format!("not connected: {why}")))
        }
        // The error holds the message, and so does not go into the log.
        _ => {
            warn!("a message of the gateway could not be read");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_discord_and_where_allowed_this_machine_are_connected_to() {
        for (url, expected) in [
            ("wss://gateway.discord.gg", Some("wss://gateway.discord.gg")),
            ("wss://gateway-us-east1-b.discord.gg/", Some("wss://gateway-us-east1-b.discord.gg")),
            ("ws://127.0.0.1:80", None),
            ("ws://gateway.discord.gg", None),
            ("wss://discord.gg.example.org", None),
            ("wss://evildiscord.gg", None),
            ("wss://gateway.discord.gg:8443", None),
            ("wss://gateway.discord.gg/?token=x", None),
            ("wss://a@gateway.discord.gg", None),
            ("no url", None),
            ("", None),
        ] {
            assert_eq!(allowed(url, Reach::Discord).as_deref(), expected, "{url}");
        }
        for url in ["ws://127.0.0.1:80/gateway/", "ws://127.0.0.1:80/gateway#x"] {
            let here = allowed(url, Reach::Loopback);
            assert_eq!(here.as_deref(), Some("ws://127.0.0.1:80/gateway"), "{url}");
        }
    }
}
