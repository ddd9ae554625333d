//! Hands events to the [`Inbox`] and turns its word into a platform's answer, for every platform and
//! all of its transports. Slack and Discord each say by [`Answers`] what an answer is.
//!
//! Invariant: an event that the inbox has been given is seen through. When nobody waits for it any
//! more (the deadline has passed, the connection is gone) it goes on in a task that [`Intake::close`]
//! waits for, and what it says in the end is said beside the answer. A panic is an answer, too.

#[cfg(test)]
pub(crate) mod fixtures;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use crate::event::{Ack, Aside, Event, Inbox, Origin};
use crate::message::Message;

/// How long the inbox may take. Slack and Discord show an error after 3 seconds, and the answer has to
/// travel.
pub const DEADLINE: Duration = Duration::from_millis(2_500);

/// Events that are with the inbox at once, over all transports.
const PLACES: usize = 256;
/// Messages that are being said beside an answer at once; more are dropped.
const ASIDES: usize = 64;

const BUSY: &str = "nova is busy, please try again";
const FAILED: &str = "nova failed on this, please try again";
/// What a person is told who uses a button that nova does not know.
pub(crate) const UNKNOWN: &str =
    "nova does not know this button any more: please use a newer message";
/// What a person is told whose event was not recorded where the platform does not deliver it again.
pub(crate) const NOT_RECORDED: &str = "this could not be recorded, please try again";

/// What a platform answers at once, and how.
pub trait Answers: Send + Sync + 'static {
    /// Whom the payloads have to be addressed to.
    type Identity: Send + Sync;
    /// How a payload can be answered.
    type Route: Send + Sync;
    /// What goes back, the same over all transports.
    type Answer: Send;

    /// The answer, and what it cannot carry.
    fn answer(ack: Ack, route: &Self::Route) -> (Self::Answer, Option<Beside>);

    /// A line that says what went wrong, where the person sees it.
    fn trouble(route: &Self::Route, line: &str) -> Ack;

    /// The way of a payload whose answer is gone already.
    fn unheard(route: &Self::Route) -> Self::Route;
}

/// Something that cannot be said in the answer itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    pub message: Message,
    /// To the person alone.
    pub private: bool,
}

/// The way in, shared by all transports of one workspace.
pub struct Intake<A: Answers> {
    us: A::Identity,
    inbox: Arc<dyn Inbox>,
    aside: Arc<dyn Aside>,
    places: Arc<Semaphore>,
    asides: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A place for one event with the inbox; bounds how many there are.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl From<OwnedSemaphorePermit> for Place {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit }
    }
}

impl<A: Answers> Intake<A> {
    /// For the workspace `us`.
    #[must_use]
    pub fn new(us: A::Identity, inbox: Arc<dyn Inbox>, aside: Arc<dyn Aside>) -> Arc<Self> {
        Self::with_places(us, inbox, aside, PLACES)
    }

    pub(crate) fn with_places(
        us: A::Identity,
        inbox: Arc<dyn Inbox>,
        aside: Arc<dyn Aside>,
        places: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            us,
            inbox,
            aside,
            places: Arc::new(Semaphore::new(places)),
            asides: Arc::new(Semaphore::new(ASIDES)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Whom the payloads have to be addressed to.
    #[must_use]
    pub fn identity(&self) -> &A::Identity {
        &self.us
    }

    /// A place, if there is one now.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Place::from)
    }

    /// Waits for a place; `None` once this is closed.
    pub async fn free_place(&self) -> Option<Place> {
        Arc::clone(&self.places).acquire_owned().await.ok().map(Place::from)
    }

    /// Gives the inbox an event and answers by `by` at the latest, then as if it had said
    /// [`Ack::Received`]. Without a place the person is asked to try again.
    pub(crate) async fn take(
        self: &Arc<Self>,
        event: Event,
        route: A::Route,
        place: Option<Place>,
        by: Instant,
    ) -> A::Answer {
        let origin = Origin::of(&event);
        let Some(place) = place else {
            warn!(event = event.id, "no place for an event");
            return self.said(A::trouble(&route, BUSY), &route, &origin);
        };
        let inbox = Arc::clone(&self.inbox);
        let future = async move { inbox.take(event).await };
        let future = AssertUnwindSafe(future).catch_unwind().boxed();
        let late = Late { intake: Arc::clone(self), route, origin, _place: place };
        let mut taking = Taking(Some((future, late)));
        // Polled before the clock is looked at: most answers are there at once.
        if let Ok((ack, Late { route, origin, .. })) = timeout_at(by, &mut taking).await {
            return self.said(ack, &route, &origin);
        }
        A::answer(Ack::Received, taking.route()).0
    }

    /// The answer; what it cannot carry is said by a task.
    pub(crate) fn said(self: &Arc<Self>, ack: Ack, route: &A::Route, origin: &Origin) -> A::Answer {
        let (answer, beside) = A::answer(ack, route);
        if let Some(beside) = beside {
            self.say(beside, origin.clone());
        }
        answer
    }

    fn say(&self, Beside { message, private }: Beside, to: Origin) {
        let Ok(permit) = Arc::clone(&self.asides).try_acquire_owned() else {
            warn!(account = to.account.id, "too much to say at once, dropped");
            return;
        };
        let (aside, stop) = (Arc::clone(&self.aside), self.stop.clone());
        self.tasks.spawn(async move {
            stop.run_until_cancelled(aside.say(to, message, private)).await;
            drop(permit);
        });
    }

    /// How many events nobody waits for any more and messages beside answers are under way.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.tasks.len()
    }

    /// Takes no more events, waits for what goes on in tasks, and after `within` ends it. Gives how
    /// many tasks had to be ended. Called when the transports have ended: a request that is being
    /// answered still is the transport's.
    pub async fn close(&self, within: Duration) -> usize {
        self.places.close();
        self.tasks.close();
        if timeout(within, self.tasks.wait()).await.is_ok() {
            return 0;
        }
        let left = self.tasks.len();
        self.stop.cancel();
        self.tasks.wait().await;
        left
    }
}

type Outcome = Result<Ack, Box<dyn Any + Send>>;

/// What is needed to see an event through after nobody waits for it.
struct Late<A: Answers> {
    intake: Arc<Intake<A>>,
    route: A::Route,
    origin: Origin,
    _place: Place,
}

/// An event with the inbox. Dropped before its end, it goes on in a task.
struct Taking<A: Answers>(Option<(BoxFuture<'static, Outcome>, Late<A>)>);

impl<A: Answers> Taking<A> {
    fn route(&self) -> &A::Route {
        &self.0.as_ref().expect("it has not come to its end").1.route
    }
}

// Nothing in it is pinned in place: the future has a box of its own.
impl<A: Answers> Unpin for Taking<A> {}

impl<A: Answers> Future for Taking<A> {
    type Output = (Ack, Late<A>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (future, _) = self.0.as_mut().expect("not polled after its end");
        let Poll::Ready(outcome) = future.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        let (_, late) = self.0.take().expect("it was there a moment ago");
        Poll::Ready((settled::<A>(outcome, &late.route), late))
    }
}

impl<A: Answers> Drop for Taking<A> {
    fn drop(&mut self) {
        let Some((future, late)) = self.0.take() else { return };
        // Without a runtime the process is at its end, and the event ends with it.
        let Ok(runtime) = Handle::try_current() else { return };
        let intake = Arc::clone(&late.intake);
        let task = async move {
            let stop = late.intake.stop.clone();
            let Some(outcome) = stop.run_until_cancelled(future).await else {
                warn!(account = late.origin.account.id, "an event was not seen through");
                return;
            };
            let unheard = A::unheard(&late.route);
            let (_, beside) = A::answer(settled::<A>(outcome, &late.route), &unheard);
            if let Some(beside) = beside {
                late.intake.say(beside, late.origin);
            }
        };
        intake.tasks.spawn_on(task, &runtime);
    }
}

fn settled<A: Answers>(outcome: Outcome, route: &A::Route) -> Ack {
    outcome.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().copied();
        let words = words.or(panic.downcast_ref::<String>().map(String::as_str));
        error!(panic = words.unwrap_or("no words"), "an event made nova panic");
        A::trouble(route, FAILED)
    })
}
