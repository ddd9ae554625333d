//! A WebSocket as a client meets it: the upgrade, the first message, the close.
//!
//! Invariant: nothing is sent but control frames, and all of it ends within four deadlines.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::{Cause, PlatformError, transport};
use crate::text::Untrusted;

/// Largest message that is taken, in bytes, and how much of one is kept to be shown.
const MAX_MESSAGE: usize = 256 * 1024;
const KEPT: usize = 200;

/// What a WebSocket did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Time to the upgrade, the name and the connection included.
    pub upgrade: Duration,
    pub first: First,
    /// Whether the other side answered our close.
    pub closed: bool,
}

/// What came first after the upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// A message: after how long, how many bytes, and its beginning if it is text.
    Message { after: Duration, bytes: usize, text: Option<Untrusted> },
    /// No message within the deadline, but it answered a ping.
    Quiet,
    /// Neither a message nor an answer to a ping.
    Dead,
    /// The other side closed at once, perhaps saying why.
    Closed(Untrusted),
}

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Opens `url` (`ws://` or `wss://`), waits for the first message and closes; each step within the
/// deadline.
///
/// # Errors
/// When there is no upgrade: [`Cause::Http`] and its like carry the status that came instead.
pub async fn visit(url: &str, deadline: Duration) -> Result<Spoken, PlatformError> {
    let failed = |cause| PlatformError::new(format!("WebSocket {url}"), cause);
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(16 * 1024);
    let start = Instant::now();
    let connecting = Box::pin(connect_async_with_config(url, Some(limits), true));
    let mut socket = match timeout(deadline, connecting).await {
        Ok(Ok((socket, _))) => socket,
        Ok(Err(error)) => {
            let cause = refused(&error);
            let words = match cause {
                Cause::Misconfigured => "not a WebSocket address".to_owned(),
                _ if matches!(error, Error::Http(_)) => String::new(),
                cause => transport::words(cause, &error),
            };
            return Err(failed(cause).detail(words));
        }
        Err(_) => return Err(failed(Cause::Timeout(deadline))),
    };
    let upgrade = start.elapsed();
    let first = match timeout(deadline, message(&mut socket)).await {
        Ok(first) => first,
        Err(_) => match timeout(deadline, ping(&mut socket)).await {
            Ok(Some(first)) => first,
            Ok(None) | Err(_) => First::Dead,
        },
    };
    // Whoever closed first has been answered.
    let closed = matches!(first, First::Closed(_))
        || timeout(deadline, close(&mut socket)).await.unwrap_or(false);
    Ok(Spoken { upgrade, first, closed })
}

/// The first message, or how the other side left.
async fn message(socket: &mut Socket) -> First {
    let start = Instant::now();
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let bytes = text.len();
                let kept: String = text.chars().take(KEPT).collect();
                return First::Message { after: start.elapsed(), bytes, text: Some(kept.into()) };
            }
            Some(Ok(Message::Binary(data))) => {
                return First::Message { after: start.elapsed(), bytes: data.len(), text: None };
            }
            Some(Ok(Message::Close(frame))) => return First::Closed(reason(frame.as_ref())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return First::Closed("without a word".into()),
        }
    }
}

/// Whether it answers a ping; a message that comes first is as good.
async fn ping(socket: &mut Socket) -> Option<First> {
    socket.send(Message::Ping(b"nova".as_slice().into())).await.ok()?;
    loop {
        match socket.next().await?.ok()? {
            Message::Pong(_) | Message::Text(_) | Message::Binary(_) => return Some(First::Quiet),
            Message::Close(frame) => return Some(First::Closed(reason(frame.as_ref()))),
            _ => {}
        }
    }
}

async fn close(socket: &mut Socket) -> bool {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    match socket.close(Some(frame)).await {
        Ok(()) => {}
        // The other side was first.
        Err(Error::ConnectionClosed | Error::AlreadyClosed) => return true,
        Err(_) => return false,
    }
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed)) => return true,
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return false,
        }
    }
}

fn reason(frame: Option<&CloseFrame>) -> Untrusted {
    match frame {
        Some(frame) if frame.reason.is_empty() => u16::from(frame.code).to_string().into(),
        Some(frame) => format!("{} {}", u16::from(frame.code), frame.reason).into(),
        None => "without a code".into(),
    }
}

fn refused(error: &Error) -> Cause {
    match error {
        Error::Http(response) => match response.status().as_u16() {
            401 => Cause::Unauthenticated,
            403 => Cause::Forbidden,
            404 => Cause::NotFound,
            429 | 503 => Cause::Busy,
            code => Cause::Http(code),
        },
        Error::Url(_) | Error::HttpFormat(_) => Cause::Misconfigured,
        Error::Protocol(_) | Error::Capacity(_) | Error::Utf8(_) => Cause::Malformed,
        error => transport::cause(error),
    }
}
