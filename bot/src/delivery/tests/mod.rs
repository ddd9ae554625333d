//! Tests of delivery against [`Script`], a chat platform that does as it is told, under tokio's
//! stopped clock. The trait is ours and two real platforms stand behind it elsewhere; what is tested
//! here is what delivery makes of their answers.

mod bounds;
mod files;
mod pacing;
mod posts;
mod property;
mod tokens;
mod updates;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef, Pace, Platform};
use nova_adapters::message::{Attachment, Mark, Message};
use tokio::time::Instant;

use super::{Delivery, DeliveryOptions};

/// What is asked of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Op {
    Post,
    Update,
    Find,
    Attach,
}

/// What a platform does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    It,
    /// It, after so many seconds.
    Late(u64),
    /// Nothing but asking for so many seconds.
    Limit(u64),
    Down,
    /// It, and the answer is lost.
    ItSilently,
    /// Nothing, and that is not told either.
    NothingSilently,
    Gone,
    Revoked,
    Refuse,
    Panic,
    /// It, and panics.
    ItAndPanic,
    Hang,
}

/// One call that came.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Came {
    ms: u128,
    op: Op,
    to: String,
    text: String,
    does: Does,
}

/// A message that stands on the platform.
#[derive(Clone, Debug)]
struct Standing {
    at: MessageRef,
    key: String,
    message: Message,
    files: Vec<String>,
}

/// A scripted platform: unless told otherwise it does what it is asked.
struct Script {
    pace: Pace,
    start: Instant,
    world: Mutex<World>,
}

#[derive(Default)]
struct World {
    plans: HashMap<(Op, String), VecDeque<Does>>,
    came: Vec<Came>,
    standing: Vec<Standing>,
}

impl Script {
    fn new(pace: Pace) -> Arc<Self> {
        Arc::new(Self { pace, start: Instant::now(), world: Mutex::default() })
    }

    /// One a second in a conversation, as on Slack; updates without a limit of their own.
    fn paced() -> Arc<Self> {
        Self::new(Pace { conversation: Duration::from_secs(1), ..Pace::default() })
    }

    /// As fast as they come.
    fn fast() -> Arc<Self> {
        Self::new(Pace::default())
    }

    /// The next calls of `op` in `to` are answered like that.
    fn plan(&self, op: Op, to: &str, does: impl IntoIterator<Item = Does>) -> &Self {
        self.world().plans.entry((op, to.to_owned())).or_default().extend(does);
        self
    }

    fn came(&self) -> Vec<Came> {
        self.world().came.clone()
    }

    /// When the calls of `op` came, in seconds.
    fn seconds(&self, op: Op) -> Vec<f64> {
        let came = self.came();
        came.iter().filter(|came| came.op == op).map(|came| came.ms as f64 / 1000.0).collect()
    }

    /// What stands in `to`.
    fn standing(&self, to: &str) -> Vec<Standing> {
        let world = self.world();
        world.standing.iter().filter(|s| s.at.conversation.id == to).cloned().collect()
    }

    fn headlines(&self, to: &str) -> Vec<String> {
        self.standing(to).into_iter().map(|standing| standing.message.headline).collect()
    }

    fn files_at(&self, at: &MessageRef) -> Vec<String> {
        let world = self.world();
        world.standing.iter().find(|s| s.at == *at).map(|s| s.files.clone()).unwrap_or_default()
    }

    /// A message that stood there before.
    fn seed(&self, to: &str, text: &str) -> MessageRef {
        self.put(&conversation(to), &Message::new(Mark::Info, text), "")
    }

    fn put(&self, to: &Conversation, message: &Message, key: &str) -> MessageRef {
        let mut world = self.world();
        let at = MessageRef { conversation: to.clone(), id: world.standing.len().to_string() };
        world.standing.push(Standing {
            at: at.clone(),
            key: key.to_owned(),
            message: message.clone(),
            files: Vec::new(),
        });
        at
    }

    /// Notes the call, does `it` if the plan says so, and answers as planned.
    async fn act<T>(
        &self,
        (op, to, text): (Op, &Conversation, &str),
        it: impl FnOnce() -> T,
    ) -> Result<T, ChatError> {
        let does = {
            let mut world = self.world();
            let plan = world.plans.get_mut(&(op, to.id.clone()));
            let does = plan.and_then(VecDeque::pop_front).unwrap_or(Does::It);
            let ms = self.start.elapsed().as_millis();
            let (to, text) = (to.id.clone(), text.to_owned());
            world.came.push(Came { ms, op, to, text, does });
            does
        };
        match does {
            Does::It => Ok(it()),
            Does::Late(seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(it())
            }
            Does::Limit(seconds) => {
                Err(ChatError::RateLimited { retry_after: Duration::from_secs(seconds) })
            }
            Does::Down => Err(ChatError::Unavailable("connection refused".into())),
            Does::ItSilently => {
                it();
                Err(ChatError::Unanswered("connection reset".into()))
            }
            Does::NothingSilently => Err(ChatError::Unanswered("connection reset".into())),
            Does::Gone => Err(ChatError::Gone),
            Does::Revoked => Err(ChatError::Unauthorised("token_revoked".into())),
            Does::Refuse => Err(ChatError::Refused("no".into())),
            Does::Panic => panic!("scripted"),
            Does::ItAndPanic => {
                it();
                panic!("scripted, afterwards")
            }
            Does::Hang => std::future::pending().await,
        }
    }

    /// Scripted panics may come while it is held.
    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chat for Script {
    fn platform(&self) -> Platform {
        Platform::Slack
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn post<'a>(
        &'a self,
        to: &'a Conversation,
        message: &'a Message,
        key: &'a str,
    ) -> BoxFuture<'a, Result<MessageRef, ChatError>> {
        self.act((Op::Post, to, &message.headline), || self.put(to, message, key)).boxed()
    }

    fn update<'a>(
        &'a self,
        at: &'a MessageRef,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        let put = || {
            let mut world = self.world();
            let standing = world.standing.iter_mut().find(|standing| standing.at == *at);
            standing.expect("only what was posted is updated").message = message.clone();
        };
        self.act((Op::Update, &at.conversation, &message.headline), put).boxed()
    }

    fn find<'a>(
        &'a self,
        to: &'a Conversation,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, ChatError>> {
        let look = move || {
            let standing = self.standing(&to.id).into_iter().find(|standing| standing.key == key);
            standing.map(|standing| standing.at)
        };
        self.act((Op::Find, to, key), look).boxed()
    }

    fn attach<'a>(
        &'a self,
        at: &'a MessageRef,
        file: &'a Attachment,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        let put = || {
            let mut world = self.world();
            let standing = world.standing.iter_mut().find(|standing| standing.at == *at);
            standing.expect("only beside what was posted").files.push(file.name.clone());
        };
        self.act((Op::Attach, &at.conversation, &file.name), put).boxed()
    }
}

fn conversation(id: &str) -> Conversation {
    Conversation { platform: Platform::Slack, id: id.to_owned() }
}

fn info(text: impl Into<String>) -> Message {
    Message::new(Mark::Info, text)
}

fn working(text: impl Into<String>) -> Message {
    Message::new(Mark::Working, text)
}

/// With a fallback, `F1`.
fn options() -> DeliveryOptions {
    let fallback = HashMap::from([(Platform::Slack, conversation("F1"))]);
    DeliveryOptions { fallback, ..DeliveryOptions::default() }
}

fn start(script: &Arc<Script>) -> (Delivery, Arc<dyn Chat>) {
    let chat: Arc<dyn Chat> = Arc::clone(script) as _;
    (Delivery::new(options()), chat)
}

/// Lets the lanes work, without any time passing, until `holds`.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{what} did not come about");
}

/// What must hold at the end of any test: nothing waits, and each thing wanted ended in one way.
async fn finish(delivery: &Delivery, wanted: u64) {
    assert_eq!(delivery.close(Duration::from_secs(600)).await, 0, "something was left");
    let counts = delivery.counts();
    assert_eq!(counts.waiting, 0, "{counts:?}");
    assert_eq!(counts.sent + counts.collapsed + counts.failed, wanted, "{counts:?}");
}
