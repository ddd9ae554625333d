//! One socket: reads envelopes, hands them over, acknowledges them, and notices when the peer is dead.
//!
//! Invariant: all writes are made here, one after the other; handling goes on beside the reading, and
//! no more envelopes are in hand than there are places. Without a place nothing is read, so that Slack
//! waits or chooses another socket.

use std::sync::Arc;

use axum::body::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::Shared;
use super::connect::{ConnectError, Socket};
use super::envelope::{self, Envelope, Frame, Reason};
use super::lane::Failure;
use crate::intake::{DEADLINE, Place};
use crate::slack::inbound::{Answer, Inbound, Intake, Refusal};

/// Why a link needs a replacement, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Slack wants the socket back. It still serves until it is retired or closed.
    Asked,
    Lost,
    Disabled,
    Stopped,
}

/// A socket on which Slack has said hello.
pub(super) struct Link {
    socket: Socket,
}

/// A link at work.
struct Serving {
    socket: Socket,
    shared: Arc<Shared>,
    leaving: Option<oneshot::Sender<Leaving>>,
    /// Acknowledgements to come; none where Slack is to deliver again.
    handling: FuturesUnordered<BoxFuture<'static, Option<String>>>,
    /// For the next envelope.
    place: Option<Place>,
    /// When the last frame came.
    heard: Instant,
    /// Given up: what is in hand may go on until then.
    until: Option<Instant>,
}

/// What happened.
enum Happened {
    Handled(Option<String>),
    Frame(Message),
    Place(Option<Place>),
    Ping,
    Retired,
    Stopped,
    Drained,
}

impl Link {
    /// Waits for the hello; the caller bounds the time.
    pub(super) async fn greeted(mut socket: Socket) -> Result<Self, Failure> {
        loop {
            let message = received(socket.next().await).map_err(Failure::Connect)?;
            let Message::Text(text) = message else { continue };
            return match envelope::read(&text) {
                Ok(Frame::Hello) => Ok(Self { socket }),
                Ok(Frame::Disconnect(Reason::Disabled)) => Err(Failure::Disabled),
                _ => Err(Failure::NoHello),
            };
        }
    }

    /// Serves until the socket is lost, `retire`d or `stop`ped. Says once through `leaving` when a
    /// replacement is wanted; retired, it goes on reading while anything is in hand; stopped, it reads
    /// no more.
    pub(super) async fn serve(
        self,
        shared: Arc<Shared>,
        leaving: oneshot::Sender<Leaving>,
        retire: CancellationToken,
        stop: CancellationToken,
    ) {
        let _standing = shared.board.connected();
        let mut serving = Serving {
            socket: self.socket,
            leaving: Some(leaving),
            handling: FuturesUnordered::new(),
            place: None,
            heard: Instant::now(),
            until: None,
            shared,
        };
        match serving.run(&retire, &stop).await {
            Ok(()) => serving.close().await,
            Err(lost) => serving.lost(&lost),
        }
    }
}

impl Serving {
    /// Ends well when all that was in hand is answered.
    async fn run(
        &mut self,
        retire: &CancellationToken,
        stop: &CancellationToken,
    ) -> Result<(), ConnectError> {
        let ping = self.shared.pace.ping;
        let mut pings = interval_at(Instant::now() + ping, ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match self.next(&mut pings, retire, stop).await? {
                Happened::Handled(None) => {}
                Happened::Handled(Some(text)) => self.write(Message::text(text)).await?,
                Happened::Frame(message) => self.frame(message)?,
                Happened::Place(Some(place)) => {
                    self.place = Some(place);
                    // Nothing was read while there was no place, so nothing was heard either.
                    self.heard = Instant::now();
                }
                Happened::Ping => self.write(Message::Ping(Bytes::new())).await?,
                Happened::Stopped | Happened::Place(None) => {
                    stop.cancel();
                    self.leave(Leaving::Stopped);
                    self.give_up();
                }
                Happened::Retired => self.give_up(),
                Happened::Drained => return Ok(()),
            }
        }
    }

    /// In this order: what ends, what is owed, what is new, and only then the end of a drained link.
    async fn next(
        &mut self,
        pings: &mut Interval,
        retire: &CancellationToken,
        stop: &CancellationToken,
    ) -> Result<Happened, ConnectError> {
        let going = self.until.is_none();
        let reads = !stop.is_cancelled();
        let until = self.until.unwrap_or_else(Instant::now);
        let happened = tokio::select! {
            biased;
            () = sleep_until(until), if !going => Happened::Drained,
            () = stop.cancelled(), if going => Happened::Stopped,
            () = retire.cancelled(), if going => Happened::Retired,
            Some(text) = self.handling.next(), if !self.handling.is_empty() => {
                Happened::Handled(text)
            }
            _ = pings.tick() => Happened::Ping,
            () = sleep_until(self.heard + self.shared.pace.silence), if self.place.is_some() => {
                return Err(ConnectError::Silent);
            }
            place = self.shared.intake.free_place(), if reads && self.place.is_none() => {
                Happened::Place(place)
            }
            message = self.socket.next(), if reads && self.place.is_some() => {
                self.heard = Instant::now();
                Happened::Frame(received(message)?)
            }
            () = std::future::ready(()), if !going && self.handling.is_empty() => Happened::Drained,
        };
        Ok(happened)
    }

    fn frame(&mut self, message: Message) -> Result<(), ConnectError> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Err(ConnectError::Closed),
            // Pings are answered by the library; Slack sends nothing else.
            _ => return Ok(()),
        };
        match envelope::read(&text) {
            Ok(Frame::Envelope(envelope)) => self.envelope(&envelope),
            Ok(Frame::Disconnect(Reason::Replace)) => self.leave(Leaving::Asked),
            Ok(Frame::Disconnect(Reason::Disabled)) => {
                self.leave(Leaving::Disabled);
                self.give_up();
            }
            Ok(Frame::Hello | Frame::Unknown) => {}
            Err(refusal) => warn!(%refusal, "a message on a socket was ignored"),
        }
        Ok(())
    }

    fn envelope(&mut self, envelope: &Envelope<'_>) {
        let read = envelope.read(self.shared.intake.identity());
        // Only what the inbox gets needs a place; the rest is answered without one.
        let place = matches!(read, Ok(Inbound::Event(..))).then(|| self.place.take()).flatten();
        let intake = Arc::clone(&self.shared.intake);
        let by = Instant::now() + DEADLINE;
        let id = envelope.id.to_owned();
        let route = envelope.route();
        let acknowledgement = async move {
            let answer = match intake.answer(read, place, by).await {
                Ok(answer) => answer,
                Err(Refusal::Elsewhere) => Intake::elsewhere(&route),
                Err(refusal) => {
                    warn!(%refusal, "a payload was refused");
                    Answer::Empty
                }
            };
            match answer {
                Answer::Empty => Some(envelope::acknowledge(&id, None)),
                Answer::Json(json) => Some(envelope::acknowledge(&id, Some(&json))),
                Answer::Again => None,
            }
        };
        self.handling.push(acknowledgement.boxed());
    }

    async fn write(&mut self, message: Message) -> Result<(), ConnectError> {
        let written = timeout(self.shared.pace.write, self.socket.send(message)).await;
        written.map_err(|_| ConnectError::Silent)?.map_err(|error| ConnectError::of(&error))
    }

    fn leave(&mut self, why: Leaving) {
        if let Some(leaving) = self.leaving.take() {
            info!(?why, "a socket is given back");
            // Nobody listens only when the lane itself has been dropped.
            let _ = leaving.send(why);
        }
    }

    fn give_up(&mut self) {
        self.until.get_or_insert(Instant::now() + self.shared.pace.drain);
    }

    /// Says goodbye and waits a little for the peer to do the same.
    async fn close(&mut self) {
        let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let closing = async {
            self.socket.close(Some(goodbye)).await?;
            while let Some(message) = self.socket.next().await {
                if message?.is_close() {
                    break;
                }
            }
            Ok::<_, WsError>(())
        };
        if !matches!(timeout(self.shared.pace.goodbye, closing).await, Ok(Ok(()))) {
            debug!("a socket was closed without the peer's word");
        }
    }

    /// A socket that Slack has asked back, or that was given up, is closed by either side.
    fn lost(&mut self, why: &ConnectError) {
        if self.leaving.is_some() {
            warn!(%why, "a socket was lost");
            self.shared.board.error(why.to_string());
            self.leave(Leaving::Lost);
        }
    }
}

fn received(next: Option<Result<Message, WsError>>) -> Result<Message, ConnectError> {
    match next {
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) => Err(ConnectError::of(&error)),
        None => Err(ConnectError::Closed),
    }
}
