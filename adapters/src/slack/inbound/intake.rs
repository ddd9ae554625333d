//! Hands events to the [`Inbox`] and turns its word into an [`Answer`], for both transports.
//!
//! Invariant: an event that the inbox has been given is seen through. When nobody waits for it any
//! more (the deadline has passed, the connection is gone) it goes on in a task that [`Intake::close`]
//! waits for, and what it says in the end is said beside the answer. A panic is an answer, too.

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

use super::answer::{self, Beside};
use super::{Answer, Identity, Inbound, Refusal, Route};
use crate::chat::{Account, Conversation};
use crate::event::{Ack, Event, Inbox, Reply};
use crate::message::Message;

/// How long the inbox may take. Slack shows an error after 3 seconds, and the answer has to travel.
pub const DEADLINE: Duration = Duration::from_millis(2_500);

/// Events that are with the inbox at once, over all transports.
const PLACES: usize = 256;
/// Messages that are being said beside an answer at once; more are dropped.
const ASIDES: usize = 64;

const BUSY: &str = "nova is busy, please try again";
const FAILED: &str = "nova failed on this, please try again";
const ELSEWHERE: &str = "nova does not serve this workspace";
const UNKNOWN: &str = "nova does not know this button any more: please use a newer message";

/// Whom to tell something, and by which means.
#[derive(Clone, Debug)]
pub struct Origin {
    pub account: Account,
    pub place: Option<Conversation>,
    pub reply: Reply,
}

impl Origin {
    fn of(event: &Event) -> Self {
        Self {
            account: event.actor.account.clone(),
            place: event.place.clone(),
            reply: event.reply.clone(),
        }
    }
}

/// Says something that the answer itself cannot carry: to a click, with files, or too late.
pub trait Aside: Send + Sync + 'static {
    /// Says it to the person alone (`private`) or in the place of `to`. Whether it arrives is the
    /// implementor's care: nobody waits for it.
    fn say(&self, to: Origin, message: Message, private: bool) -> BoxFuture<'static, ()>;
}

/// The way in, shared by all transports of one workspace.
pub struct Intake {
    us: Identity,
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

impl Intake {
    /// For the workspace `us`.
    #[must_use]
    pub fn new(us: Identity, inbox: Arc<dyn Inbox>, aside: Arc<dyn Aside>) -> Arc<Self> {
        Self::with_places(us, inbox, aside, PLACES)
    }

    pub(in crate::slack) fn with_places(
        us: Identity,
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
    pub fn identity(&self) -> &Identity {
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

    /// Answers what was read, by `by` at the latest. Without a place the person is asked to try again.
    ///
    /// # Errors
    /// The refusal again when it is for whoever sent the payload and not for a person.
    pub async fn answer(
        self: &Arc<Self>,
        read: Result<Inbound, Refusal>,
        place: Option<Place>,
        by: Instant,
    ) -> Result<Answer, Refusal> {
        match read {
            Ok(Inbound::Event(event, route)) => Ok(self.take(*event, route, place, by).await),
            // A challenge belongs to HTTP, which answers it itself.
            Ok(Inbound::Ignored | Inbound::Challenge(_)) => Ok(Answer::Empty),
            Err(Refusal::UnknownAction(from)) => {
                warn!(account = from.account.id, "an action was used that nova does not know");
                let ack = answer::trouble(&Route::Click, UNKNOWN);
                Ok(self.said(ack, &Route::Click, &from))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// What a command is told that was sent in another workspace.
    pub(in crate::slack) fn elsewhere(route: &Route) -> Answer {
        match route {
            Route::Command => answer::answer(answer::trouble(route, ELSEWHERE), route).0,
            _ => Answer::Empty,
        }
    }

    async fn take(
        self: &Arc<Self>,
        event: Event,
        route: Route,
        place: Option<Place>,
        by: Instant,
    ) -> Answer {
        let origin = Origin::of(&event);
        let Some(place) = place else {
            warn!(event = event.id, "no place for an event");
            return self.said(answer::trouble(&route, BUSY), &route, &origin);
        };
        let inbox = Arc::clone(&self.inbox);
        let future = async move { inbox.take(event).await };
        let future = AssertUnwindSafe(future).catch_unwind().boxed();
        let late = Late { intake: Arc::clone(self), route, origin, _place: place };
        let mut taking = Taking(Some((future, late)));
        // Polled before the clock is looked at: most answers are there at once.
        match timeout_at(by, &mut taking).await {
            Ok((ack, Late { route, origin, .. })) => self.said(ack, &route, &origin),
            Err(_) => Answer::Empty,
        }
    }

    /// The answer; what it cannot carry is said by a task.
    fn said(self: &Arc<Self>, ack: Ack, route: &Route, origin: &Origin) -> Answer {
        let (answer, beside) = answer::answer(ack, route);
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
struct Late {
    intake: Arc<Intake>,
    route: Route,
    origin: Origin,
    _place: Place,
}

/// An event with the inbox. Dropped before its end, it goes on in a task.
struct Taking(Option<(BoxFuture<'static, Outcome>, Late)>);

impl Future for Taking {
    type Output = (Ack, Late);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (future, _) = self.0.as_mut().expect("not polled after its end");
        let Poll::Ready(outcome) = future.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        let (_, late) = self.0.take().expect("it was there a moment ago");
        Poll::Ready((settled(outcome, &late.route), late))
    }
}

impl Drop for Taking {
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
            let (_, beside) = answer::answer(settled(outcome, &late.route), &unheard(&late.route));
            if let Some(beside) = beside {
                late.intake.say(beside, late.origin);
            }
        };
        intake.tasks.spawn_on(task, &runtime);
    }
}

/// Once the answer is gone, all but an event is like a click: what is said goes beside it.
fn unheard(route: &Route) -> Route {
    match route {
        Route::Event => Route::Event,
        _ => Route::Click,
    }
}

fn settled(outcome: Outcome, route: &Route) -> Ack {
    outcome.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().copied();
        let words = words.or(panic.downcast_ref::<String>().map(String::as_str));
        error!(panic = words.unwrap_or("no words"), "an event made nova panic");
        answer::trouble(route, FAILED)
    })
}
