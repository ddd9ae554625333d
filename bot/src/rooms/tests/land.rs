//! [`Town`], a chat platform that does as it is told, and [`Land`], two of them with a store and somebody
//! who gives commands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nova_adapters::chat::{Account, Chat, ChatError, Conversation, MessageRef, Pace, Platform};
use nova_adapters::event::{Event, Reply};
use nova_adapters::form::Form;
use nova_adapters::message::{Attachment, Message};
use nova_adapters::workspace::{Profile, Workspace};
use nova_commands::grammar::Dialect;
use nova_commands::platform::Secrets;
use nova_permissions::Role;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::config::{Config, Environment};
use crate::delivery::{Delivery, DeliveryOptions};
use crate::engine::{Engine, Invocation, Line, Speaker, Taken, open_store};
use crate::people::People;
use crate::rooms::Rooms;

pub(crate) const LONG: Duration = Duration::from_secs(60);

const CONFIG: &str = r#"
[slack]
bot_token = { env = "B" }
app_token = { env = "A" }
[[people]]
name = "ana"
slack = "U1"
roles = ["operator"]
"#;

/// What a town is to do with calls of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Refuse,
    Gone,
    Down,
    Panic,
    Hang,
}

/// A platform: rooms with messages, a journal of the calls, and faults by the call's name.
pub(crate) struct Town {
    pub(crate) platform: Platform,
    state: Mutex<State>,
    calls: watch::Sender<usize>,
    /// Calls of updates wait while it is false.
    pub(crate) flows: watch::Sender<bool>,
}

#[derive(Default)]
pub(crate) struct State {
    journal: Vec<String>,
    pub(crate) faults: HashMap<&'static str, Does>,
    messages: Vec<(MessageRef, Message)>,
}

impl Town {
    fn new(platform: Platform) -> Arc<Self> {
        Arc::new(Self {
            platform,
            state: Mutex::default(),
            calls: watch::Sender::default(),
            flows: watch::Sender::new(true),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fault(&self, call: &'static str, does: Does) {
        self.state().faults.insert(call, does);
    }

    /// The calls of this name, with what they were about.
    pub(crate) fn calls(&self, name: &str) -> Vec<String> {
        let state = self.state();
        state.journal.iter().filter_map(|call| call.strip_prefix(name)).map(str::to_owned).collect()
    }

    pub(crate) fn messages(&self, room: &str) -> Vec<Message> {
        let state = self.state();
        let there = state.messages.iter().filter(|(at, _)| at.conversation.id == room);
        there.map(|(_, message)| message.clone()).collect()
    }

    /// Waits until `holds`, which is asked after every call.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut calls = self.calls.subscribe();
        let waiting = async {
            while !holds(self) {
                calls.changed().await.expect("the town stands");
            }
        };
        let waited = tokio::time::timeout(LONG, waiting).await;
        assert!(waited.is_ok(), "{what} did not come about: {:?}", self.state().journal);
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        (name, about): (&'static str, &str),
        act: impl FnOnce(&mut State) -> T + Send + 'a,
    ) -> BoxFuture<'a, Result<T, ChatError>> {
        let about = about.to_owned();
        async move {
            if name == "update" {
                let mut flows = self.flows.subscribe();
                flows.wait_for(|flows| *flows).await.expect("the town stands");
            }
            let fault = self.state().faults.get(name).copied();
            if fault == Some(Does::Hang) {
                self.note(name, &about);
            }
            let done = match fault {
                None => Ok(act(&mut self.state())),
                Some(Does::Refuse) => Err(ChatError::Refused("no".into())),
                Some(Does::Gone) => Err(ChatError::Gone),
                Some(Does::Down) => Err(ChatError::Unavailable("as told".into())),
                Some(Does::Panic) => panic!("as told"),
                Some(Does::Hang) => std::future::pending().await,
            };
            self.note(name, &about);
            done
        }
        .boxed()
    }

    fn note(&self, name: &str, about: &str) {
        self.state().journal.push(format!("{name} {about}"));
        self.calls.send_modify(|calls| *calls += 1);
    }
}

impl Chat for Town {
    fn platform(&self) -> Platform {
        self.platform
    }

    fn pace(&self) -> Pace {
        Pace::default()
    }

    fn post<'a>(
        &'a self,
        to: &'a Conversation,
        message: &'a Message,
        _: &'a str,
    ) -> BoxFuture<'a, Result<MessageRef, ChatError>> {
        self.call(("post", &to.id), |state| {
            let id = state.messages.len().to_string();
            let at = MessageRef { conversation: to.clone(), id };
            state.messages.push((at.clone(), message.clone()));
            at
        })
    }

    fn update<'a>(
        &'a self,
        at: &'a MessageRef,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("update", &at.conversation.id), move |state| {
            let mut messages = state.messages.iter_mut();
            let (_, shown) = messages.find(|(one, _)| one == at).expect("it was posted");
            *shown = message.clone();
        })
    }

    fn find<'a>(
        &'a self,
        to: &'a Conversation,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, ChatError>> {
        self.call(("find", &to.id), |_| None)
    }

    fn attach<'a>(
        &'a self,
        at: &'a MessageRef,
        _: &'a Attachment,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("attach", &at.id), |_| ())
    }
}

impl Workspace for Town {
    fn stop(&self, _: &str) {}

    fn profile<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Arc<Profile>, ChatError>> {
        self.call(("profile", account), |_| Arc::default())
    }

    fn reply(&self, _: &Event) -> Arc<dyn Chat> {
        unreachable!("rooms answer no event")
    }

    fn answer<'a>(
        &'a self,
        to: &'a Conversation,
        _: &'a str,
        _: &'a Reply,
        _: &'a Message,
        _: bool,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("answer", &to.id), |_| ())
    }

    fn whisper<'a>(
        &'a self,
        to: &'a Conversation,
        _: &'a str,
        _: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("whisper", &to.id), |_| ())
    }

    fn open_form<'a>(
        &'a self,
        _: &'a SecretString,
        form: &'a Form,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("form", &form.id), |_| ())
    }

    fn home<'a>(
        &'a self,
        account: &'a str,
        _: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("home", account), |_| ())
    }

    fn permalink<'a>(&'a self, at: &'a MessageRef) -> BoxFuture<'a, Result<String, ChatError>> {
        let link = format!("https://{}.example/{}", self.platform.word(), at.conversation.id);
        self.call(("permalink", &at.id), |_| link)
    }

    fn create_room<'a>(
        &'a self,
        name: &'a str,
        _: bool,
    ) -> BoxFuture<'a, Result<Conversation, ChatError>> {
        let platform = self.platform;
        self.call(("create", name), move |_| Conversation { platform, id: name.to_owned() })
    }

    fn set_topic<'a>(
        &'a self,
        room: &'a Conversation,
        _: &'a str,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("topic", &room.id), |_| ())
    }

    fn invite<'a>(
        &'a self,
        _: &'a Conversation,
        accounts: &'a [String],
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("invite", &accounts.join(" ")), |_| ())
    }

    fn pin<'a>(&'a self, at: &'a MessageRef) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("pin", &at.conversation.id), |_| ())
    }

    fn archive<'a>(&'a self, room: &'a Conversation) -> BoxFuture<'a, Result<(), ChatError>> {
        self.call(("archive", &room.id), |_| ())
    }
}

/// Two platforms, one store, and somebody on Slack who gives commands.
pub(crate) struct Land {
    pub(crate) engine: Arc<Engine>,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) slack: Arc<Town>,
    pub(crate) discord: Arc<Town>,
    said: Mutex<usize>,
    _folder: TempDir,
}

pub(crate) const ROOM: &str = "INC-1-login hangs";

impl Land {
    pub(crate) async fn new() -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("nova.db");
        let text = format!("{CONFIG}[store]\nurl = \"sqlite:{}\"\n", database.display());
        let config = Config::parse("nova.toml", &text).unwrap();
        let secrets = Secrets::new(HashMap::new());
        let store = open_store(&config, &Environment::default(), &secrets).await.unwrap();
        let engine = Arc::new(Engine::new(&config, &secrets, Ok(store)).unwrap());
        let (slack, discord) = (Town::new(Platform::Slack), Town::new(Platform::Discord));
        let rooms = Self::rooms(&engine, &config, &[&slack, &discord]);
        Self { engine, rooms, slack, discord, said: Mutex::new(0), _folder: folder }
    }

    /// As a process that starts makes them; resolved rooms are archived on Slack only.
    fn rooms(engine: &Arc<Engine>, config: &Config, towns: &[&Arc<Town>]) -> Arc<Rooms> {
        let delivery = Delivery::new(DeliveryOptions::default());
        let rooms = Rooms::new(Arc::clone(engine), delivery, Arc::new(People::new(config)));
        for town in towns {
            rooms.connect(Arc::clone(town) as _, town.platform == Platform::Slack);
        }
        rooms
    }

    /// The same land after the process was killed and started again.
    pub(crate) async fn start_again(&mut self) {
        let config = Config::parse("nova.toml", CONFIG).unwrap();
        self.rooms = Self::rooms(&self.engine, &config, &[&self.slack, &self.discord]);
        self.rooms.catch_up().await.unwrap();
    }

    /// Says it without anybody seeing to the rooms, as in a process that is killed then.
    pub(crate) async fn says_and_dies(&self, line: &str) -> crate::engine::Answer {
        let said = {
            let mut said = self.said.lock().unwrap();
            *said += 1;
            *said
        };
        let invocation = Invocation {
            speaker: Speaker {
                account: account(),
                platform: nova_permissions::Platform::Slack,
                person: "ana".to_owned(),
                roles: vec![Role::Operator],
            },
            conversation: "C0".to_owned(),
            line: Line::typed(line, Dialect::Plain),
            dedupe: format!("test {said}"),
        };
        match self.engine.take(&invocation).await {
            Taken::Answered(answer) => *answer,
            _ => panic!("{line} was not answered"),
        }
    }

    pub(crate) async fn says(&self, line: &str) {
        let answer = self.says_and_dies(line).await;
        let change = answer.incident.expect(&answer.message.headline);
        let place = Conversation { platform: Platform::Slack, id: "C0".to_owned() };
        self.rooms.changed(change, account(), place);
    }

    /// Waits until nothing is left to do.
    pub(crate) async fn settled(&self) {
        self.rooms.close(LONG).await;
        assert!(!self.rooms.stop.is_cancelled(), "the rooms did not settle");
    }
}

pub(crate) fn account() -> Account {
    Account { platform: Platform::Slack, id: "U1".to_owned() }
}
