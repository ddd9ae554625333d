//! What the tests of all transports share: an inbox that does what a test says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::{Answers, Intake};
use crate::event::{Ack, Aside, Event, Inbox, Origin};
use crate::message::{Mark, Message};

type Script = Box<dyn Fn(Event) -> BoxFuture<'static, Ack> + Send + Sync>;

/// An inbox that keeps what it gets and answers by a script.
pub(crate) struct Desk {
    script: Script,
    events: Mutex<Vec<Event>>,
}

impl Desk {
    pub(crate) fn new<F>(script: impl Fn(Event) -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = Ack> + Send + 'static,
    {
        let script = Box::new(move |event| script(event).boxed());
        Arc::new(Self { script, events: Mutex::default() })
    }

    /// One that answers everything at once with `ack`.
    pub(crate) fn says(ack: Ack) -> Arc<Self> {
        Self::new(move |_| std::future::ready(ack.clone()))
    }

    /// One that answers each event with [`pong`] when it is told to go on.
    pub(crate) fn waiting() -> (Arc<Self>, Arc<Notify>) {
        let gate = Arc::new(Notify::new());
        let wait = Arc::clone(&gate);
        let desk = Self::new(move |_| {
            let wait = Arc::clone(&wait);
            async move {
                wait.notified().await;
                pong()
            }
        });
        (desk, gate)
    }

    /// The ids of all events so far.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.events.lock().unwrap().iter().map(|event| event.id.clone()).collect()
    }

    /// Waits until so many events have come.
    pub(crate) async fn taken(&self, count: usize) {
        soon("the events", async {
            while self.ids().len() < count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

impl Inbox for Desk {
    fn take(&self, event: Event) -> BoxFuture<'_, Ack> {
        self.events.lock().unwrap().push(event.clone());
        (self.script)(event)
    }
}

pub(crate) fn pong() -> Ack {
    Ack::Say { message: Box::new(Message::new(Mark::Ok, "pong")), private: true }
}

/// What was said beside an answer: to whom, what, and whether in private.
pub(crate) type Said = mpsc::UnboundedReceiver<(Origin, Message, bool)>;

struct Mouth(mpsc::UnboundedSender<(Origin, Message, bool)>);

impl Aside for Mouth {
    fn say(&self, to: Origin, message: Message, private: bool) -> BoxFuture<'static, ()> {
        // A test that does not care has dropped the other end.
        drop(self.0.send((to, message, private)));
        std::future::ready(()).boxed()
    }
}

/// An intake with so many places, and what it says beside its answers.
pub(crate) fn intake<A: Answers>(
    us: A::Identity,
    desk: &Arc<Desk>,
    places: usize,
) -> (Arc<Intake<A>>, Said) {
    let (mouth, said) = mpsc::unbounded_channel();
    let desk = Arc::clone(desk) as Arc<dyn Inbox>;
    (Intake::with_places(us, desk, Arc::new(Mouth(mouth)), places), said)
}

/// What must come soon; a test that waits for nothing fails and says for what.
pub(crate) async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    let waited = timeout(Duration::from_secs(20), coming).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
