//! The gateway, Discord's WebSocket (API v10, JSON, uncompressed): sessions with numbered events, and
//! everything that can go wrong with them. Invariant: no method of [`World`] is called while the hub is
//! locked, so whoever owns the hub may call it with a lock of his own held. Source:
//! docs.discord.com/developers/events/gateway. Used by the server and the façade.

mod close;
mod identify;
mod intents;
mod sessions;
mod socket;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{RawQuery, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use sessions::{Frame, Sessions};

/// What the gateway has to know of the world that it tells of.
pub(super) trait World: Send + Sync {
    /// The bot's token; `None` once it has been revoked.
    fn token(&self) -> Option<String>;
    /// What a session begins with.
    fn ready(&self) -> Ready;
    /// Something has happened that somebody may wait for.
    fn changed(&self);
    /// Where the gateway is, without a trailing slash, for resumes.
    fn gateway_url(&self) -> String;
}

/// What a session begins with.
pub(super) struct Ready {
    /// The bot's own user.
    pub(super) user: Value,
    /// The guilds by id, not available yet: `{"id", "unavailable": true}`.
    pub(super) guilds: Vec<Value>,
    /// The same guilds, whole, as GUILD_CREATE has them.
    pub(super) guild_create: Vec<Value>,
    /// The app's id and flags.
    pub(super) application: Value,
}

/// Discord's figures; the defaults are the real ones where Discord tells them.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// How often an app has to send a heartbeat. A connection without one for twice as long is closed.
    pub(super) heartbeat: Duration,
    /// How long a session without a connection can be resumed ("a few minutes").
    pub(super) resumable: Duration,
    /// How many events a session keeps for a resume.
    pub(super) kept: usize,
    /// How many sessions may be begun in a day.
    pub(super) identifies: usize,
    /// How many sessions may be begun within [`Limits::pace`].
    pub(super) concurrency: usize,
    pub(super) pace: Duration,
    /// The privileged intents that are switched on for the app.
    pub(super) privileged: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            heartbeat: Duration::from_millis(41_250),
            resumable: Duration::from_secs(180),
            kept: 1_000,
            identifies: 1_000,
            concurrency: 1,
            pace: Duration::from_secs(5),
            privileged: 0,
        }
    }
}

impl Limits {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// Whether the app may have these intents.
    fn intended(&self, intents: u64) -> Result<(), u16> {
        let denied = intents & intents::PRIVILEGED & !self.privileged;
        if denied == 0 { Ok(()) } else { Err(close::DISALLOWED_INTENTS) }
    }
}

/// The gateway. A clone is the same one.
#[derive(Clone)]
pub(super) struct Hub(Arc<Inside>);

struct Inside {
    world: Arc<dyn World>,
    limits: Limits,
    sessions: Mutex<Sessions>,
    stop: watch::Sender<bool>,
}

impl Hub {
    pub(super) fn new(world: Arc<dyn World>) -> Self {
        Hub::with(world, Limits::default())
    }

    pub(super) fn with(world: Arc<dyn World>, limits: Limits) -> Self {
        let sessions = Mutex::default();
        Hub(Arc::new(Inside { world, limits, sessions, stop: watch::Sender::new(false) }))
    }

    /// The socket at `/gateway`; some clients add a slash to its URL.
    pub(super) fn route(&self) -> Router {
        let routes = Router::new().route("/gateway", get(admit)).route("/gateway/", get(admit));
        routes.with_state(self.clone())
    }

    /// Sends an event to every session that has asked for such events; how many have. A session whose
    /// connection is lost gets it when it is resumed.
    pub(super) fn dispatch(&self, event: &str, data: &Value) -> usize {
        self.look(|sessions, limits, now| sessions.dispatch(event, data, limits, now))
    }

    /// How many sessions are connected.
    pub(super) fn connections(&self) -> usize {
        self.look(|sessions, _, _| sessions.connected())
    }

    /// How many sessions have been begun.
    pub(super) fn identifies(&self) -> usize {
        self.look(|sessions, _, _| sessions.identifies)
    }

    /// How many times a session has been resumed.
    pub(super) fn resumes(&self) -> usize {
        self.look(|sessions, _, _| sessions.resumes)
    }

    /// How many heartbeats have come.
    pub(super) fn heartbeats(&self) -> usize {
        self.look(|sessions, _, _| sessions.heartbeats)
    }

    /// `session_start_limit` of "Get Gateway Bot".
    pub(super) fn session_start_limit(&self) -> Value {
        let limits = self.limits();
        let (remaining, since) = self.look(|sessions, _, now| {
            let (remaining, first) = sessions.budget(limits, now);
            (remaining, first.map(|first| now.duration_since(first)))
        });
        let reset = since.map_or(Duration::ZERO, |since| Limits::DAY.saturating_sub(since));
        json!({
            "total": limits.identifies,
            "remaining": remaining,
            "reset_after": u64::try_from(reset.as_millis()).unwrap_or(u64::MAX),
            "max_concurrency": limits.concurrency,
        })
    }

    /// Cuts every connection without a word. The sessions can be resumed.
    pub(super) fn drop_connections(&self) {
        self.look(|sessions, _, _| sessions.tell_all(|| Frame::Drop));
    }

    /// Tells every app to reconnect and resume.
    pub(super) fn request_reconnect(&self) {
        self.look(|sessions, _, _| sessions.tell_all(|| Frame::Reconnect));
    }

    /// Tells every app to send a heartbeat now.
    pub(super) fn request_heartbeat(&self) {
        let request = || Frame::Text(sessions::payload(1, &Value::Null));
        self.look(|sessions, _, _| sessions.tell_all(request));
    }

    /// Invalidates every session. One that is `resumable` can be taken up again on another connection.
    pub(super) fn invalidate(&self, resumable: bool) {
        self.look(|sessions, _, now| sessions.invalidate(resumable, now));
    }

    /// Closes every connection with a code; 4004, 4007 and from 4009 on the sessions end too.
    pub(super) fn close_with(&self, code: u16) {
        self.look(|sessions, _, _| sessions.tell_all(|| Frame::Close(code)));
    }

    /// Lets every connection die without showing it: nothing is sent or heard any more. The sessions
    /// can be resumed on new ones.
    pub(super) fn silence(&self) {
        self.look(|sessions, _, _| sessions.tell_all(|| Frame::Silence));
    }

    /// Answers new connections with 503, or lets them in again.
    pub(super) fn refuse(&self, refused: bool) {
        self.look(|sessions, _, _| sessions.refused = refused);
    }

    /// Ends every connection; no other is to be had.
    pub(super) fn shut_down(&self) {
        self.0.stop.send_replace(true);
    }

    fn world(&self) -> &dyn World {
        &*self.0.world
    }

    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Runs `work` on the sessions. It must not call the world.
    fn look<R>(&self, work: impl FnOnce(&mut Sessions, &Limits, Instant) -> R) -> R {
        // Every write is complete in itself, so a panicked holder leaves it usable.
        let mut sessions = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut sessions, &self.0.limits, Instant::now())
    }

    /// Returns once the hub is shut down.
    async fn stopped(&self) {
        let mut stop = self.0.stop.subscribe();
        // The sender lives in self, so waiting cannot fail before it succeeds.
        stop.wait_for(|stop| *stop).await.ok();
    }
}

async fn admit(
    Extract(hub): Extract<Hub>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response {
    let query = query.unwrap_or_default();
    let given = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    if given("compress").is_some() || given("encoding").is_some_and(|encoding| encoding != "json") {
        return (StatusCode::BAD_REQUEST, "only uncompressed JSON is spoken here").into_response();
    }
    if *hub.0.stop.borrow() || hub.look(|sessions, _, _| sessions.refused) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let version = given("v").is_some_and(|version| version == "10");
    upgrade.max_message_size(1 << 20).on_upgrade(move |socket| socket::run(hub, socket, version))
}
