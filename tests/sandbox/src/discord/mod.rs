//! A Discord guild that runs in this process: the REST API (version 10), the gateway, and the
//! interactions of what people do, over either transport. Discord's libraries work against it unchanged.
//! It keeps state and enforces Discord's rules: permissions, limits of messages, forms and commands,
//! rate limits, deadlines. Invariant: what it sends and answers has the published shape, and dropping it
//! ends all that it started. Called by scenarios, the benchmark and the demo.

mod api;
mod channel;
mod commands;
mod deliver;
mod faults;
mod files;
mod gateway;
mod interactions;
mod journal;
mod limits;
mod modals;
mod multipart;
mod options;
mod permissions;
mod posts;
mod rate;
mod refusal;
mod server;
mod shown;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use channel::{Channel, Message, Overwrite};
pub use deliver::{Delivered, Delivery, Signed};
pub use faults::Fault;
pub use files::StoredFile;
pub use journal::{Caller, Outcome, Request};
pub use modals::Modal;
pub use options::{App, DiscordOptions, Role, Room, User};
pub use rate::Pace;

use state::Shared;

/// How long [`Discord::until`] waits.
const WAIT: Duration = Duration::from_secs(10);

/// The gateway's close code for a token that does not count.
const UNAUTHENTICATED: u16 = 4004;

/// A running guild. It stops when dropped.
pub struct Discord {
    shared: Arc<Shared>,
    address: SocketAddr,
    app: App,
    server: JoinHandle<()>,
}

impl Drop for Discord {
    fn drop(&mut self) {
        self.shared.shut_down();
        self.server.abort();
    }
}

impl Discord {
    /// Starts a guild on a free port of the loopback. Interactions go over the gateway until
    /// [`Discord::deliver_to`] names an address.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(options: DiscordOptions) -> anyhow::Result<Discord> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for Discord")?;
        let address = listener.local_addr()?;
        let shared = Shared::start(&options, format!("http://{address}"));
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Discord { shared, address, app: options.app, server })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The REST API's base, without a slash at the end: `http://127.0.0.1:PORT/api/v10`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/api/v10", self.address)
    }

    /// `ws://127.0.0.1:PORT/gateway`.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.shared.gateway_url()
    }

    /// The app as it was installed. [`Discord::bot_token`] has the token that counts now.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The bot's token; empty once it was revoked.
    #[must_use]
    pub fn bot_token(&self) -> String {
        self.shared.look(|state| state.token.clone().unwrap_or_default())
    }

    /// Gives the bot a new token, which it returns; the old one is revoked, and its sessions of the
    /// gateway end (docs.discord.com/developers/events/gateway#session-start-limit-object).
    #[must_use]
    pub fn rotate_token(&self) -> String {
        let token = self.shared.with(|state| {
            let token = format!("MTEwMDAwMDAwMDAwMDAwMDAwMQ.sandbox.bot-{}", state.id());
            let old = state.token.replace(token.clone());
            state.revoked.extend(old);
            token
        });
        self.shared.hub.close_with(UNAUTHENTICATED);
        token
    }

    /// Revokes the bot's token, and ends its sessions of the gateway.
    pub fn revoke_token(&self) {
        self.shared.with(|state| {
            let old = state.token.take();
            state.revoked.extend(old);
        });
        self.shared.hub.close_with(UNAUTHENTICATED);
    }

    /// Delivers interactions over HTTP from now on.
    pub fn deliver_to(&self, interactions_url: &str) {
        self.shared.with(|state| state.target = Some(interactions_url.into()));
    }

    /// Delivers interactions over the gateway from now on, as at the start.
    pub fn deliver_to_gateway(&self) {
        self.shared.with(|state| state.target = None);
    }

    /// Signs a body with the app's key as sent now, for requests that a test makes itself.
    #[must_use]
    pub fn signed(&self, body: &[u8]) -> Signed {
        self.signed_at(body, 0)
    }

    /// The same as if signed so many seconds from now.
    #[must_use]
    pub fn signed_at(&self, body: &[u8], seconds: i64) -> Signed {
        let at = (state::unix_millis() / 1000).saturating_add_signed(seconds);
        deliver::sign(&self.app.seed, at, body)
    }

    /// Sends an interaction, and takes the answer.
    pub async fn deliver(&self, delivery: &Delivery) -> Delivered {
        deliver::deliver(&self.shared, delivery).await
    }

    /// A channel or thread with all that is in it, by id or by name.
    ///
    /// # Panics
    /// When there is no such channel.
    #[must_use]
    pub fn channel(&self, name: &str) -> Channel {
        let found = self.shared.look(|state| state.room(name).cloned());
        found.unwrap_or_else(|| panic!("there is no channel `{name}`"))
    }

    /// Every channel, threads and direct conversations included, in the order of ids.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        self.shared.look(|state| state.channels.values().cloned().collect())
    }

    /// What people and bots said in a channel for everybody to see, oldest first: neither Discord's own
    /// notices nor the marks that an answer will come ([`Discord::thinking`]).
    ///
    /// # Panics
    /// When there is no such channel.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        said(self.channel(channel).messages)
    }

    /// The messages of a channel that `user` alone sees, oldest first.
    ///
    /// # Panics
    /// When there is no such channel or user.
    #[must_use]
    pub fn ephemerals(&self, channel: &str, user: &str) -> Vec<Message> {
        let id = self.user(user).id;
        let mut all = said(self.channel(channel).ephemerals);
        all.retain(|message| message.ephemeral_to.as_ref() == Some(&id));
        all
    }

    /// How many marks in a channel say that an answer will come; when its token is over, a mark says so.
    ///
    /// # Panics
    /// When there is no such channel.
    #[must_use]
    pub fn thinking(&self, channel: &str) -> usize {
        let (channel, now) = (self.channel(channel), self.shared.clock.now());
        let all = channel.messages.iter().chain(&channel.ephemerals);
        let waits = |message: &&Message| {
            message.is_thinking() && now.saturating_sub(message.at) < interactions::TOKEN
        };
        all.filter(waits).count()
    }

    /// The direct messages between the bot and a person, oldest first.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn direct_messages(&self, user: &str) -> Vec<Message> {
        let id = self.user(user).id;
        let found = self.channels().into_iter().find(|one| one.recipient.as_ref() == Some(&id));
        found.map(|channel| said(channel.messages)).unwrap_or_default()
    }

    /// A person by id or by handle.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn user(&self, name: &str) -> User {
        let found = self.shared.look(|state| state.user(name).cloned());
        found.unwrap_or_else(|| panic!("there is no user `{name}`"))
    }

    /// Changes a person, without an event.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn change_user(&self, name: &str, change: impl FnOnce(&mut User)) {
        let id = self.user(name).id;
        self.shared.with(|state| {
            let mut users = state.users.iter_mut();
            change(users.find(|user| user.id == id).expect("it was found above"));
        });
    }

    /// Takes permissions from the bot's role, in Discord's bits, or gives them to it.
    pub fn set_permissions(&self, bits: u64, given: bool) {
        self.shared.with(|state| {
            for role in &mut state.roles {
                // Everybody's role would give them to the bot all the same.
                if given && role.managed {
                    role.permissions |= bits;
                } else if !given {
                    role.permissions &= !bits;
                }
            }
        });
    }

    /// The forms that a person has open: one at most.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn open_modals(&self, user: &str) -> Vec<Modal> {
        let id = self.user(user).id;
        self.shared
            .look(|state| state.modals.iter().filter(|modal| modal.user == id).cloned().collect())
    }

    /// Every file that is still there, oldest first.
    #[must_use]
    pub fn files(&self) -> Vec<StoredFile> {
        self.shared.look(|state| state.files.values().cloned().collect())
    }

    /// The registered commands, the guild's first, as Discord shows them.
    #[must_use]
    pub fn commands(&self) -> Vec<Value> {
        self.shared.look(|state| state.commands.all().cloned().collect())
    }

    /// Every route of the API: `GET /channels/{channel_id}`.
    pub fn routes() -> impl Iterator<Item = &'static str> {
        api::names()
    }

    /// The last requests, oldest first: at most 20,000 and 64 MiB.
    #[must_use]
    pub fn journal(&self) -> Vec<Request> {
        self.shared.journal.all()
    }

    /// How many requests the journal has dropped.
    #[must_use]
    pub fn journal_dropped(&self) -> u64 {
        self.shared.journal.dropped()
    }

    /// The last interactions that were delivered, oldest first, each once: at most 10,000.
    #[must_use]
    pub fn interactions(&self) -> Vec<Value> {
        self.shared.look(|state| state.interactions.payloads().cloned().collect())
    }

    /// How many of the last ten minutes' requests got 401, 403 or 429. At 10,000 Discord locks an
    /// address out.
    #[must_use]
    pub fn invalid_requests(&self) -> usize {
        self.shared.look(|state| {
            let now = state.now;
            state.rates.invalid(now)
        })
    }

    /// Waits until `look` finds something, at most ten seconds.
    ///
    /// # Errors
    /// When it has found nothing by then; the message says what was awaited.
    pub async fn until<T>(
        &self,
        awaited: &str,
        mut look: impl FnMut(&Discord) -> Option<T>,
    ) -> anyhow::Result<T> {
        let mut changes = self.shared.changes();
        let wait = async {
            loop {
                if let Some(found) = look(self) {
                    return Some(found);
                }
                changes.changed().await.ok()?;
            }
        };
        let found = tokio::time::timeout(WAIT, wait).await.ok().flatten();
        found.with_context(|| format!("waited ten seconds for {awaited}"))
    }

    /// Lets the next calls of a route fail, `POST /channels/{channel_id}/messages`, or of `*` for all.
    /// With a subject, a channel by name or any id of the path, only those that name it; an
    /// interaction's token names its channel.
    pub fn fault(&self, route: &str, subject: Option<&str>, calls: u32, fault: Fault) {
        self.fault_any(&[route], subject, calls, fault);
    }

    /// As [`Discord::fault`], whichever of these routes the next calls take.
    pub fn fault_any(&self, routes: &[&str], subject: Option<&str>, calls: u32, fault: Fault) {
        self.shared.with(|state| {
            let named = |name: &str| state.room(name).map_or(name, |room| &room.id).to_owned();
            let subject = subject.map(named);
            state.faults.plan(routes, subject, calls, fault);
        });
    }

    /// Ends every fault and lets hanging calls go.
    pub fn clear_faults(&self) {
        self.shared.with(|state| state.faults.clear());
    }

    /// How many calls are still to be hit by faults.
    #[must_use]
    pub fn faults_left(&self) -> u32 {
        self.shared.look(|state| state.faults.left())
    }

    /// Switches the rate limits and forgets what was used.
    pub fn set_pace(&self, pace: Pace) {
        self.shared.with(|state| state.rates.set(pace));
    }

    /// Lets time pass for limits, deadlines and tokens, without waiting. The gateway's own time goes on
    /// as it does.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
        self.shared.changed();
    }

    /// How many sessions of the gateway are connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.hub.connections()
    }

    /// How many sessions of the gateway have been begun.
    #[must_use]
    pub fn identifies(&self) -> usize {
        self.shared.hub.identifies()
    }

    /// How many times a session of the gateway has been resumed.
    #[must_use]
    pub fn resumes(&self) -> usize {
        self.shared.hub.resumes()
    }

    /// How many heartbeats the gateway has had.
    #[must_use]
    pub fn heartbeats(&self) -> usize {
        self.shared.hub.heartbeats()
    }

    /// Cuts every connection to the gateway without a word.
    pub fn drop_connections(&self) {
        self.shared.hub.drop_connections();
    }

    /// Closes every connection to the gateway with a code.
    pub fn close_connections(&self, code: u16) {
        self.shared.hub.close_with(code);
    }

    /// Lets every connection to the gateway die without showing it.
    pub fn silence_connections(&self) {
        self.shared.hub.silence();
    }

    /// Refuses new connections to the gateway, or takes them again.
    pub fn refuse_connections(&self, refused: bool) {
        self.shared.hub.refuse(refused);
    }

    /// Tells every app to reconnect.
    pub fn reconnect_requested(&self) {
        self.shared.hub.request_reconnect();
    }

    /// Tells every app to send a heartbeat now.
    pub fn request_heartbeat(&self) {
        self.shared.hub.request_heartbeat();
    }

    /// Invalidates every session of the gateway.
    pub fn invalidate(&self, resumable: bool) {
        self.shared.hub.invalidate(resumable);
    }
}

fn said(messages: impl IntoIterator<Item = Message>) -> Vec<Message> {
    let said = |message: &Message| message.is_said() && !message.is_thinking();
    messages.into_iter().filter(said).collect()
}

#[cfg(test)]
mod tests;
