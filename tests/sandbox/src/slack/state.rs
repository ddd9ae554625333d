//! Everything that the workspace holds, behind one lock, and the signal that it changed. Invariant:
//! the lock is never held across an await, and timestamps are unique and only grow. Used by the
//! server, the methods, the deliveries and the façade.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::watch;

use super::channel::Channel;
use super::deliver::{HttpTarget, Sockets};
use super::faults::Faults;
use super::files::StoredFile;
use super::journal::Journal;
use super::options::{App, SlackOptions, Team, User, UserGroup};
use super::rate::Rates;
use super::response_url::ResponseUrls;
use super::scopes::Tokens;
use super::triggers::Triggers;
use super::views::Views;
use crate::clock::Clock;

#[derive(Debug)]
pub(super) struct State {
    pub(super) team: Team,
    pub(super) app: App,
    pub(super) users: Vec<User>,
    pub(super) groups: Vec<UserGroup>,
    pub(super) channels: BTreeMap<String, Channel>,
    /// By id; the oldest are dropped, see [`super::files`].
    pub(super) files: BTreeMap<String, StoredFile>,
    pub(super) bookmarks: Vec<Value>,
    pub(super) views: Views,
    pub(super) tokens: Tokens,
    pub(super) rates: Rates,
    pub(super) faults: Faults,
    pub(super) triggers: Triggers,
    pub(super) response_urls: ResponseUrls,
    pub(super) sockets: Sockets,
    pub(super) target: Option<Arc<HttpTarget>>,
    /// The server's clock at the time of the call, set when the lock is taken.
    pub(super) now: Duration,
    pub(super) base: String,
    last_ts: u64,
    last_id: u64,
}

impl State {
    pub(super) fn new(options: &SlackOptions, base: String) -> Self {
        let app = options.app.clone();
        let mut state = State {
            team: options.team.clone(),
            users: options.users.clone(),
            groups: options.groups.clone(),
            channels: BTreeMap::new(),
            files: BTreeMap::new(),
            bookmarks: Vec::new(),
            views: Views::default(),
            tokens: Tokens::new(&app.bot_token, &app.app_token, &app.scopes),
            rates: Rates::new(options.pace),
            faults: Faults::default(),
            triggers: Triggers::default(),
            response_urls: ResponseUrls::default(),
            sockets: Sockets::default(),
            target: None,
            now: Duration::ZERO,
            base,
            last_ts: 0,
            last_id: 0,
            app,
        };
        for room in &options.channels {
            let created = seconds();
            let channel = Channel::of(room, &state.app.bot_user, created);
            state.channels.insert(room.id.clone(), channel);
        }
        state
    }

    /// The next timestamp: `1700000000.000100`.
    pub(super) fn ts(&mut self) -> String {
        let micros = u64::try_from(unix().as_micros()).unwrap_or(u64::MAX - 1);
        self.last_ts = micros.max(self.last_ts + 1);
        format!("{}.{:06}", self.last_ts / 1_000_000, self.last_ts % 1_000_000)
    }

    /// A new id such as `F00000000A`.
    pub(super) fn id(&mut self, kind: &str) -> String {
        self.last_id += 1;
        format!("{kind}{}", base36(self.last_id, 9))
    }

    /// A short lower-case word that has not been given before, for block ids and hashes.
    pub(super) fn word(&mut self) -> String {
        self.last_id += 1;
        base36(self.last_id, 5).to_ascii_lowercase()
    }

    /// Gives a block id to each block that has none, and an action id to each element, as Slack does.
    pub(super) fn named(&mut self, mut blocks: Vec<Value>) -> Vec<Value> {
        for block in &mut blocks {
            self.name_one(block, "block_id");
            for key in ["accessory", "element"] {
                if let Some(element) = block.get_mut(key).filter(|e| interactive(e)) {
                    self.name_one(element, "action_id");
                }
            }
            let elements = block.get_mut("elements").and_then(Value::as_array_mut);
            for element in elements.into_iter().flatten().filter(|e| interactive(e)) {
                self.name_one(element, "action_id");
            }
        }
        blocks
    }

    fn name_one(&mut self, object: &mut Value, key: &str) {
        let unnamed = object[key].as_str().is_none_or(str::is_empty);
        if let (true, Some(object)) = (unnamed, object.as_object_mut()) {
            object.insert(key.to_owned(), Value::String(self.word()));
        }
    }

    /// By id or by handle.
    pub(super) fn user(&self, name: &str) -> Option<&User> {
        let name = name.trim_start_matches('@');
        self.users.iter().find(|user| user.id == name || user.name == name)
    }

    /// By id or by name, private and archived ones included.
    pub(super) fn room(&mut self, name: &str) -> Option<&mut Channel> {
        let name = name.trim_start_matches('#');
        if self.channels.contains_key(name) {
            return self.channels.get_mut(name);
        }
        self.channels.values_mut().find(|channel| channel.name == name)
    }
}

/// The workspace as the server's tasks share it.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) clock: Clock,
    pub(super) journal: Journal,
    pub(super) deadline: Duration,
    pub(super) retries: Vec<Duration>,
    changed: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn new(options: &SlackOptions, base: String) -> Self {
        Shared {
            state: Mutex::new(State::new(options, base)),
            clock: Clock::new(),
            journal: Journal::default(),
            deadline: options.deadline,
            retries: options.retries.clone(),
            changed: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// Runs `work` on the state and wakes everybody who waits for a change.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let result = self.look(work);
        self.changed.send_modify(|count| *count += 1);
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

    pub(super) fn shut_down(&self) {
        self.stop.send_replace(true);
    }

    /// Returns once the server is stopping.
    pub(super) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in self, so waiting cannot fail before it succeeds.
        stop.wait_for(|stop| *stop).await.ok();
    }
}

/// Whether a person can do something to an element, so that it has an action id.
fn interactive(element: &Value) -> bool {
    !matches!(
        element["type"].as_str(),
        None | Some(
            "image"
                | "plain_text"
                | "mrkdwn"
                | "rich_text_section"
                | "rich_text_list"
                | "rich_text_preformatted"
                | "rich_text_quote"
        )
    )
}

fn base36(mut number: u64, width: usize) -> String {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut digits = VecDeque::with_capacity(width);
    while number > 0 || digits.len() < width {
        digits.push_front(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
    }
    digits.into_iter().collect()
}

/// Wall-clock time since 1970.
pub(super) fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Wall-clock seconds since 1970.
pub(super) fn seconds() -> u64 {
    unix().as_secs()
}
