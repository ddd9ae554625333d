//! How the sockets stand, for readiness and for `nova check`.

use std::time::SystemTime;

use tokio::sync::watch;

/// A snapshot. nova hears Slack as long as one socket is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketHealth {
    /// Sockets on which Slack has said hello; during a replacement one more than usual.
    pub connected: usize,
    /// Why a socket was lost or could not be opened, last; no secret.
    pub last_error: Option<String>,
    /// When the first socket came up or the last one went down.
    pub since: SystemTime,
}

/// Where the sockets enter how they stand.
pub(super) struct Board(watch::Sender<SocketHealth>);

/// One socket that is connected, as long as this lives.
pub(super) struct Standing(watch::Sender<SocketHealth>);

impl Board {
    pub(super) fn new() -> Self {
        let health = SocketHealth { connected: 0, last_error: None, since: SystemTime::now() };
        Self(watch::Sender::new(health))
    }

    pub(super) fn watch(&self) -> watch::Receiver<SocketHealth> {
        self.0.subscribe()
    }

    pub(super) fn connected(&self) -> Standing {
        count(&self.0, |connected| connected + 1);
        Standing(self.0.clone())
    }

    pub(super) fn error(&self, why: String) {
        self.0.send_modify(|health| health.last_error = Some(why));
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        count(&self.0, |connected| connected - 1);
    }
}

fn count(health: &watch::Sender<SocketHealth>, change: impl FnOnce(usize) -> usize) {
    health.send_modify(|health| {
        let before = health.connected;
        health.connected = change(before);
        if (before == 0) != (health.connected == 0) {
            health.since = SystemTime::now();
        }
    });
}
