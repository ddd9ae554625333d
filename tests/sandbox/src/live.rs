//! The WebSocket of live updates that browsers open, with the ways in which it fails. Every path is an
//! endpoint. Dropping it ends it and its connections. Started by the world.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Upgrades and sends an update at once.
    Talks,
    /// Upgrades, answers pings and sends nothing.
    Quiet,
    /// Upgrades and then does not read any more.
    Dead,
    /// Upgrades and closes with 1008, as for a session that is not valid.
    Closes,
    /// Answers 200 and a page, as a proxy that drops `Upgrade`.
    Page,
    /// Answers with this status.
    Status(u16),
}

/// A running endpoint.
pub struct Live {
    mode: Arc<watch::Sender<Mode>>,
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
        // Ends the connections that do not read.
        self.mode.send_replace(Mode::Status(503));
    }
}

impl Live {
    /// Starts one that talks, on a free port of the loopback.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let mode = Arc::new(watch::Sender::new(Mode::Talks));
        let app = Router::new().fallback(answer).with_state(Arc::clone(&mode));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::warn!(%error, "the WebSocket stand-in ended");
            }
        });
        Ok(Self { mode, port, task })
    }

    /// `ws://127.0.0.1:PORT/ws/vms/tenant-123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws/vms/tenant-123", self.port)
    }

    /// Changes how it behaves from the next connection on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn answer(State(mode): State<Arc<watch::Sender<Mode>>>, request: Request) -> Response {
    let now = *mode.borrow();
    match now {
        Mode::Page => return "<html>dashboard</html>".into_response(),
        Mode::Status(code) => {
            let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return code.into_response();
        }
        _ => {}
    }
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.on_upgrade(move |socket| serve(socket, now, mode.subscribe())),
        // A client that does not ask for an upgrade is told so, as RFC 6455 wants it.
        Err(refused) => refused.into_response(),
    }
}

async fn serve(mut socket: WebSocket, mode: Mode, mut modes: watch::Receiver<Mode>) {
    match mode {
        Mode::Talks => {
            let update = r#"{"type":"vm.status","id":"vm-0001","status":"running"}"#;
            if socket.send(Message::text(update)).await.is_err() {
                return;
            }
        }
        Mode::Closes => {
            let frame = CloseFrame { code: 1008, reason: "session expired".into() };
            drop(socket.send(Message::Close(Some(frame))).await);
        }
        Mode::Dead => {
            // Held open until the mode changes or everything ends.
            drop(tokio::time::timeout(Duration::from_secs(60), modes.changed()).await);
            return;
        }
        _ => {}
    }
    // Pings and closes are answered while reading.
    while let Some(Ok(_)) = socket.recv().await {}
}
