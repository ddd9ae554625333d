//! How the connections that nova opens and listens on stand, for readiness and for `nova check`: Slack's
//! sockets, Discord's gateway.

use std::time::SystemTime;

use tokio::sync::watch;

/// A snapshot. nova hears the platform as long as one connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketHealth {
    /// Connections on which the platform has said hello; during a replacement one more than usual.
    pub connected: usize,
    /// Why one was lost or could not be opened, last; no secret.
    pub last_error: Option<String>,
    /// When the first came up or the last one went down.
    pub since: SystemTime,
}

/// Where the connections enter how they stand.
pub(crate) struct Board(watch::Sender<SocketHealth>);

/// One connection that stands, as long as this lives.
pub(crate) struct Standing(watch::Sender<SocketHealth>);

impl Board {
    pub(crate) fn new() -> Self {
        let health = SocketHealth { connected: 0, last_error: None, since: SystemTime::now() };
        Self(watch::Sender::new(health))
    }

    pub(crate) fn watch(&self) -> watch::Receiver<SocketHealth> {
        self.0.subscribe()
    }

    pub(crate) fn connected(&self) -> Standing {
        count(&self.0, |connected| connected + 1);
        Standing(self.0.clone())
    }

    pub(crate) fn error(&self, why: String) {
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
