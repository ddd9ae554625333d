//! A Slack workspace that runs in this process: the Web API, Socket Mode, response URLs, and the
//! deliveries of what people do. Slack's own SDKs work against it unchanged. It keeps state and
//! enforces Slack's rules: scopes, membership, limits of blocks and views, rate limits, deadlines.
//! Invariant: what it sends and answers has the published shape, and dropping it ends all that it
//! started. Called by scenarios, the benchmark and the demo.

mod api;
mod arguments;
mod channel;
mod deliver;
mod faults;
mod files;
mod journal;
mod limits;
mod options;
mod rate;
mod refusal;
mod response_url;
mod scopes;
mod server;
mod state;
mod triggers;
mod views;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use channel::{Channel, Message, Pin};
pub use deliver::{Delivered, Delivery, Disconnect, HttpTarget, Signed};
pub use faults::Fault;
pub use files::StoredFile;
pub use journal::{Caller, Outcome, Request};
pub use options::{App, Room, SlackOptions, Team, User, UserGroup};
pub use rate::Pace;
pub use views::View;

use state::Shared;

/// How long [`Slack::until`] waits.
const WAIT: Duration = Duration::from_secs(10);

/// A running workspace. It stops when dropped.
pub struct Slack {
    shared: Arc<Shared>,
    address: SocketAddr,
    app: App,
    server: JoinHandle<()>,
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.shared.shut_down();
        self.server.abort();
    }
}

impl Slack {
    /// Starts a workspace on a free port of the loopback. Deliveries go over Socket Mode until
    /// [`Slack::deliver_to`] names a target.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(options: SlackOptions) -> anyhow::Result<Slack> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for Slack")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(&options, format!("http://{address}")));
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Slack { shared, address, app: options.app, server })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The Web API's base, without a slash at the end: `http://127.0.0.1:PORT/api`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The app as it was installed. [`Slack::bot_token`] has the token that counts now.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    #[must_use]
    pub fn bot_token(&self) -> String {
        self.shared.look(|state| state.tokens.bot.clone())
    }

    /// Delivers over HTTP from now on.
    pub fn deliver_to(&self, target: HttpTarget) {
        self.shared.with(|state| state.target = Some(Arc::new(target)));
    }

    /// Delivers over Socket Mode from now on, as at the start.
    pub fn deliver_to_sockets(&self) {
        self.shared.with(|state| state.target = None);
    }

    /// Signs a body with the app's secret as sent now, for requests that a test makes itself.
    #[must_use]
    pub fn signed(&self, body: &[u8]) -> Signed {
        self.signed_at(body, 0)
    }

    /// The same as if signed so many seconds from now.
    #[must_use]
    pub fn signed_at(&self, body: &[u8], seconds: i64) -> Signed {
        let at = state::seconds().saturating_add_signed(seconds);
        deliver::sign(&self.app.signing_secret, at, body)
    }

    /// Sends a delivery, again where Slack would, and applies the answer.
    pub async fn deliver(&self, delivery: &Delivery) -> Delivered {
        deliver::deliver(&self.shared, delivery).await
    }

    /// A channel with all that is in it, by id or by name.
    ///
    /// # Panics
    /// When there is no such channel.
    #[must_use]
    pub fn channel(&self, name: &str) -> Channel {
        let found = self.shared.look(|state| state.room(name).cloned());
        found.unwrap_or_else(|| panic!("there is no channel `{name}`"))
    }

    /// Every channel, direct messages and archived ones included, in the order of ids.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        self.shared.look(|state| state.channels.values().cloned().collect())
    }

    /// The messages of a channel that everybody sees, oldest first.
    ///
    /// # Panics
    /// When there is no such channel.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.channel(channel).messages.into()
    }

    /// The messages of a channel that `user` alone sees, oldest first.
    ///
    /// # Panics
    /// When there is no such channel or user.
    #[must_use]
    pub fn ephemerals(&self, channel: &str, user: &str) -> Vec<Message> {
        let id = self.user(user).id;
        let all = self.channel(channel).ephemerals;
        all.into_iter().filter(|message| message.only_for.as_ref() == Some(&id)).collect()
    }

    /// The direct messages between the bot and a person, oldest first.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn direct_messages(&self, user: &str) -> Vec<Message> {
        let id = self.user(user).id;
        let found = self.channels().into_iter().find(|c| c.direct.as_ref() == Some(&id));
        found.map(|channel| channel.messages.into()).unwrap_or_default()
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

    /// The modals that a person has open, the visible one last.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn open_views(&self, user: &str) -> Vec<View> {
        let id = self.user(user).id;
        self.shared.look(|state| state.views.stacks.get(&id).cloned().unwrap_or_default())
    }

    /// What was published on a person's home page.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn home(&self, user: &str) -> Option<View> {
        let id = self.user(user).id;
        self.shared.look(|state| state.views.homes.get(&id).cloned())
    }

    /// Every file that is still there, oldest first.
    #[must_use]
    pub fn files(&self) -> Vec<StoredFile> {
        self.shared.look(|state| state.files.values().cloned().collect())
    }

    /// How many sockets are open and not on their way out.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.shared.look(|state| state.sockets.open())
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

    /// Waits until `look` finds something, at most ten seconds.
    ///
    /// # Errors
    /// When it has found nothing by then; the message says what was awaited.
    pub async fn until<T>(
        &self,
        awaited: &str,
        mut look: impl FnMut(&Slack) -> Option<T>,
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

    /// Lets the next calls of a method fail, or of `*` for all; `response_url` and `upload` stand for
    /// what is no method. With a channel, by id or by name, only those that name it.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn fault(&self, method: &str, channel: Option<&str>, calls: u32, fault: Fault) {
        let channel = channel.map(|name| self.channel(name).id);
        self.shared.with(|state| state.faults.plan(method, channel, calls, fault));
    }

    /// Ends every fault and lets hanging calls go.
    pub fn clear_faults(&self) {
        self.shared.with(|state| state.faults.clear());
    }

    /// Switches the rate limits and forgets what was used.
    pub fn set_pace(&self, pace: Pace) {
        self.shared.with(|state| state.rates.set(pace));
    }

    /// Lets time pass for limits, response URLs and triggers, without waiting.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
        self.shared.changed();
    }

    /// Revokes the bot token without telling the app.
    pub fn revoke_token(&self) {
        self.shared.with(|state| state.tokens.revoke());
    }

    /// Removes the bot's user: `account_inactive`.
    pub fn deactivate_bot(&self) {
        self.shared.with(|state| state.tokens.deactivate());
    }

    /// Gives the bot a new token, which it returns; the old one is revoked.
    #[must_use]
    pub fn rotate_token(&self) -> String {
        self.shared.with(|state| state.tokens.rotate())
    }

    /// Takes a scope away from the bot token, or gives one to it.
    pub fn set_scope(&self, scope: &str, given: bool) {
        self.shared.with(|state| {
            state.tokens.scopes.retain(|known| known != scope);
            if given {
                state.tokens.scopes.push(scope.to_owned());
            }
        });
    }

    /// Puts the bot into a channel, without an event.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn add_bot(&self, channel: &str) {
        let (id, bot) = (self.channel(channel).id, self.app.bot_user.clone());
        self.shared.with(|state| {
            let stored = state.channels.get_mut(&id).filter(|channel| !channel.has(&bot));
            if let Some(channel) = stored {
                channel.members.push(bot);
            }
        });
    }

    /// Cuts every socket without a word.
    pub fn drop_sockets(&self) {
        self.shared.with(|state| state.sockets.cut());
    }

    /// Tells the first `count` sockets to go. [`Disconnect::LinkDisabled`] refuses new ones too.
    pub fn disconnect(&self, reason: Disconnect, count: usize) {
        self.shared.with(|state| {
            state.sockets.refused |= reason == Disconnect::LinkDisabled;
            state.sockets.disconnect(reason, count);
        });
    }

    /// Refuses `apps.connections.open`, or takes it again.
    pub fn allow_sockets(&self, allowed: bool) {
        self.shared.with(|state| state.sockets.refused = !allowed);
    }
}

#[cfg(test)]
mod tests;
