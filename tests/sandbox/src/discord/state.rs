//! Everything that the guild holds, behind one lock, and the signal that it changed. Invariant: the lock
//! is never held across an await, ids only grow, and events leave in the order of what they tell. Used
//! by the server, the methods, the deliveries and the façade.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::channel::{Channel, Overwrite};
use super::commands::Commands;
use super::faults::Faults;
use super::files::StoredFile;
use super::gateway::{Hub, Ready, World};
use super::interactions::Interactions;
use super::journal::Journal;
use super::modals::Modal;
use super::options::{App, DiscordOptions, Role, User};
use super::permissions as may;
use super::rate::Rates;
use super::shown;
use crate::clock::Clock;

/// Discord counts from the first second of 2015.
const EPOCH: u64 = 1_420_070_400_000;

pub(super) struct State {
    pub(super) guild: String,
    pub(super) guild_name: String,
    /// The first person.
    pub(super) owner: String,
    /// Whether the bot is in the guild.
    pub(super) installed: bool,
    pub(super) app: App,
    /// `None` once it was revoked.
    pub(super) token: Option<String>,
    /// Those that counted before.
    pub(super) revoked: Vec<String>,
    pub(super) users: Vec<User>,
    pub(super) roles: Vec<Role>,
    pub(super) channels: BTreeMap<String, Channel>,
    /// By id; the oldest are dropped, see [`super::files`].
    pub(super) files: BTreeMap<String, StoredFile>,
    pub(super) commands: Commands,
    pub(super) interactions: Interactions,
    /// Open forms, the last opened last.
    pub(super) modals: Vec<Modal>,
    pub(super) rates: Rates,
    pub(super) faults: Faults,
    /// Where interactions go over HTTP.
    pub(super) target: Option<Arc<str>>,
    pub(super) hub: Hub,
    /// The server's clock at the time of the call, set when the lock is taken.
    pub(super) now: Duration,
    /// How long the app has for its first response.
    pub(super) deadline: Duration,
    /// `http://127.0.0.1:PORT`.
    pub(super) base: String,
    last_id: u64,
}

impl State {
    fn new(options: &DiscordOptions, base: String, hub: Hub) -> Self {
        let person = options.users.iter().find(|user| !user.bot);
        let mut state = State {
            guild: options.guild.clone(),
            guild_name: options.guild_name.clone(),
            owner: person.map(|user| user.id.clone()).unwrap_or_default(),
            installed: true,
            app: options.app.clone(),
            token: Some(options.app.bot_token.clone()),
            revoked: Vec::new(),
            users: options.users.clone(),
            roles: options.roles.clone(),
            channels: BTreeMap::new(),
            files: BTreeMap::new(),
            commands: Commands::default(),
            interactions: Interactions::default(),
            modals: Vec::new(),
            rates: Rates::new(options.pace),
            faults: Faults::default(),
            target: None,
            hub,
            now: Duration::ZERO,
            deadline: options.deadline,
            base,
            last_id: 0,
        };
        for (position, room) in options.channels.iter().enumerate() {
            let hidden = Overwrite {
                id: state.guild.clone(),
                member: false,
                allow: 0,
                deny: may::VIEW_CHANNEL,
            };
            let channel = Channel {
                id: room.id.clone(),
                name: room.name.clone(),
                overwrites: if room.open { Vec::new() } else { vec![hidden] },
                position,
                ..Channel::default()
            };
            state.channels.insert(room.id.clone(), channel);
        }
        state
    }

    /// A new id: the time in its upper bits, as Discord makes them.
    pub(super) fn id(&mut self) -> String {
        let now = unix_millis().saturating_sub(EPOCH) << 22;
        self.last_id = now.max(self.last_id + 1);
        self.last_id.to_string()
    }

    /// By id or by handle.
    pub(super) fn user(&self, name: &str) -> Option<&User> {
        let name = name.trim_start_matches('@');
        self.users.iter().find(|user| user.id == name || user.name == name)
    }

    /// By id or by name, threads included; of several with one name the youngest.
    pub(super) fn room(&self, name: &str) -> Option<&Channel> {
        let name = name.trim_start_matches('#');
        let named = |channel: &&Channel| channel.name == name && channel.recipient.is_none();
        self.channels.get(name).or_else(|| self.channels.values().rev().find(named))
    }

    /// The direct conversation between the bot and somebody, made when there is none.
    pub(super) fn direct(&mut self, user: &str) -> String {
        let mut all = self.channels.values();
        if let Some(known) = all.find(|channel| channel.recipient.as_deref() == Some(user)) {
            return known.id.clone();
        }
        let id = self.id();
        let channel = Channel {
            id: id.clone(),
            kind: Channel::DIRECT,
            recipient: Some(user.to_owned()),
            ..Channel::default()
        };
        self.channels.insert(id.clone(), channel);
        id
    }

    /// Tells every session of the gateway.
    pub(super) fn tell(&self, event: &str, data: &Value) {
        self.hub.dispatch(event, data);
    }

    /// Tells of a channel as it is now, if the bot sees it: `CHANNEL_UPDATE` or its thread's like.
    pub(super) fn tell_channel(&self, what: &str, id: &str) {
        let Some(channel) = self.channels.get(id).filter(|channel| self.bot_sees(channel)) else {
            return;
        };
        let kind = if channel.is_thread() { "THREAD" } else { "CHANNEL" };
        let mut data = shown::channel(self, channel);
        if what == "CREATE" && channel.is_thread() {
            data["newly_created"] = json!(true);
        }
        // developers/events/gateway-events, "Thread Delete": these fields only.
        if what == "DELETE" && channel.is_thread() {
            data = json!({
                "id": channel.id, "guild_id": self.guild, "parent_id": channel.parent,
                "type": channel.kind,
            });
        }
        self.tell(&format!("{kind}_{what}"), &data);
    }

    /// Takes a channel and its threads away, and tells the app of those that it saw.
    pub(super) fn remove_channel(&mut self, id: &str) {
        let children: Vec<String> = self
            .channels
            .values()
            .filter(|channel| channel.is_thread() && channel.parent.as_deref() == Some(id))
            .map(|channel| channel.id.clone())
            .collect();
        self.tell_channel("DELETE", id);
        self.channels.remove(id);
        for child in children {
            self.channels.remove(&child);
        }
    }
}

/// The guild as the server's tasks share it.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) hub: Hub,
    pub(super) clock: Clock,
    pub(super) journal: Journal,
    pub(super) deadline: Duration,
    base: String,
    changed: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn start(options: &DiscordOptions, base: String) -> Arc<Self> {
        Arc::new_cyclic(|shared: &Weak<Shared>| {
            let hub = Hub::new(Arc::new(Seen(Weak::clone(shared))));
            Shared {
                state: Mutex::new(State::new(options, base.clone(), hub.clone())),
                hub,
                clock: Clock::new(),
                journal: Journal::default(),
                deadline: options.deadline,
                base,
                changed: watch::Sender::new(0),
                stop: watch::Sender::new(false),
            }
        })
    }

    /// Runs `work` on the state and wakes everybody who waits for a change.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let result = self.look(work);
        self.changed();
        result
    }

    /// As [`Shared::with`], for what changes nothing that anybody waits for.
    pub(super) fn look<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        // Every write to the state is complete in itself, so a panicked holder leaves it usable.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = self.clock.now();
        work(&mut state)
    }

    /// Hears of every change made after this call.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn changed(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    pub(super) fn gateway_url(&self) -> String {
        format!("{}/gateway", self.base.replacen("http", "ws", 1))
    }

    pub(super) fn shut_down(&self) {
        self.hub.shut_down();
        self.stop.send_replace(true);
    }

    /// Returns once the server is stopping.
    pub(super) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in self, so waiting cannot fail before it succeeds.
        stop.wait_for(|stop| *stop).await.ok();
    }
}

/// The guild as the gateway sees it. It does not keep it alive.
struct Seen(Weak<Shared>);

impl World for Seen {
    fn token(&self) -> Option<String> {
        self.0.upgrade()?.look(|state| state.token.clone())
    }

    fn ready(&self) -> Ready {
        let ready = self.0.upgrade().map(|shared| shared.look(|state| shown::ready(state)));
        ready.unwrap_or_else(|| Ready {
            user: Value::Null,
            guilds: Vec::new(),
            guild_create: Vec::new(),
            application: Value::Null,
        })
    }

    fn changed(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.changed();
        }
    }

    fn gateway_url(&self) -> String {
        self.0.upgrade().map(|shared| shared.gateway_url()).unwrap_or_default()
    }
}

/// Wall-clock milliseconds since 1970.
pub(super) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
