//! All lanes: makes one for a conversation when there is something to send, and knows what waits
//! where. `mod.rs` puts things in, each `lane.rs` takes its own out.
//!
//! Invariant: a conversation has at most one lane, and a lane is in the table for exactly as long as
//! its task runs.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef, Pace, Platform};
use nova_adapters::message::Message;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::guarded_now;
use super::failures::Failures;
use super::files::Attached;
use super::lane::Lane;
use super::options::DeliveryOptions;
use super::pace::PlatformPace;
use super::queue::{Next, Post, Queue, Settling, Showing, Took};

/// What delivery did so far, and what waits now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Posts and states that stand there.
    pub sent: u64,
    /// States that were not sent because a newer one took their place.
    pub collapsed: u64,
    /// Attempts that were made again.
    pub retried: u64,
    /// Posts and states that were given up or not taken on.
    pub failed: u64,
    /// Posts and states that wait or are on their way.
    pub waiting: usize,
}

/// The table of lanes and what they share.
pub(super) struct Lanes {
    pub(super) options: DeliveryOptions,
    /// Ends every lane at once.
    pub(super) stop: CancellationToken,
    tasks: TaskTracker,
    runtime: Handle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queues: HashMap<Conversation, Queue>,
    platforms: HashMap<Platform, Arc<PlatformPace>>,
    record: Record,
    closing: bool,
}

/// What is remembered beyond a lane's end. All of it is bounded.
#[derive(Default)]
struct Record {
    counts: Counts,
    failures: Failures,
    attached: Attached,
    /// What was still waiting in lanes that were stopped.
    abandoned: usize,
}

impl Lanes {
    pub(super) fn new(options: DeliveryOptions) -> Self {
        Self {
            options,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            state: Mutex::default(),
        }
    }

    /// Puts a post at the end of its lane, or answers it with the reason why not.
    pub(super) fn post(self: &Arc<Self>, post: Post) {
        let to = &post.to.channel();
        let pace = pace(&post.chat);
        // What was taken on before closing may still go to its fallback.
        let late = post.meant_for.is_some();
        self.with_queue(to, (pace, late), |queue, record| {
            let refused = match queue {
                Err(error) => Some((post, error)),
                Ok(queue) => {
                    let back = queue.post(post, &self.options);
                    back.map(|post| (post, full(self.options.posts, "messages", to)))
                }
            };
            if let Some((post, error)) = refused {
                record.counts.failed += 1;
                drop(post.reply.send(Err(error)));
            }
        });
    }

    /// Puts a wanted state in its lane.
    pub(super) fn update(
        self: &Arc<Self>,
        chat: &Arc<dyn Chat>,
        at: &MessageRef,
        message: Message,
    ) -> Result<(), ChatError> {
        let to = &at.conversation.channel();
        self.with_queue(to, (pace(chat), false), |queue, record| {
            let taken =
                queue.and_then(|queue| match queue.update(chat, at, message, &self.options) {
                    Took::Place => Ok(0),
                    Took::PlaceOfAnother => Ok(1),
                    Took::Nothing => Err(full(self.options.updates, "updates", to)),
                });
            drop(record.failures.take(at));
            match &taken {
                Ok(collapsed) => record.counts.collapsed += collapsed,
                Err(_) => record.counts.failed += 1,
            }
            taken.map(drop)
        })
    }

    pub(super) fn settling(&self, at: &MessageRef) -> Settling {
        let mut state = self.state();
        let queue = state.queues.get_mut(&at.conversation.channel());
        let waits = queue.and_then(|queue| queue.settling(at));
        waits.unwrap_or_else(|| {
            state.record.failures.take(at).map_or(Settling::Settled, Settling::Failed)
        })
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.state();
        let waiting = state.queues.values().map(Queue::waiting).sum();
        Counts { waiting, ..state.record.counts }
    }

    /// Counts something.
    pub(super) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.state().record.counts);
    }

    /// What a lane does next; `None`: it has to end, and is out of the table already.
    pub(super) fn next(&self, conversation: &Conversation) -> Option<Next> {
        let mut state = self.state();
        let next = state.queues.get_mut(conversation)?.next(Instant::now());
        if state.closing && matches!(next, Next::Idle) {
            state.queues.remove(conversation);
            return None;
        }
        Some(next)
    }

    /// Takes an idle lane out of the table, unless something came just now.
    pub(super) fn retire(&self, conversation: &Conversation) -> bool {
        let mut state = self.state();
        let idle = state.queues.get(conversation).is_none_or(|queue| queue.waiting() == 0);
        if idle {
            state.queues.remove(conversation);
        }
        idle
    }

    /// Takes a lane out that cannot go on. What waits in it is dropped, which its callers see.
    pub(super) fn abandon(&self, conversation: &Conversation) {
        let mut state = self.state();
        let queue = state.queues.remove(conversation);
        let waiting = queue.as_ref().map_or(0, Queue::waiting);
        state.record.abandoned += waiting;
        state.record.counts.failed += waiting as u64;
    }

    pub(super) fn show(&self, conversation: &Conversation) -> Option<Showing> {
        self.state().queues.get_mut(conversation)?.show(Instant::now())
    }

    /// Whether it is the newest state that stands there now.
    pub(super) fn shown(&self, showing: &Showing) -> bool {
        let mut state = self.state();
        state.record.counts.sent += 1;
        let queue = state.queues.get_mut(&showing.at.conversation.channel());
        queue.is_some_and(|queue| queue.shown(showing))
    }

    /// Sees to another attempt at an update, or gives it up.
    pub(super) fn not_shown(&self, showing: &Showing, error: ChatError) {
        let mut guard = self.state();
        let State { queues, record, .. } = &mut *guard;
        let Some(queue) = queues.get_mut(&showing.at.conversation.channel()) else { return };
        let missed = queue.failed(showing, error, &self.options.sending, &mut record.failures);
        let newer = u64::from(missed.newer);
        if missed.again {
            record.counts.retried += 1;
            record.counts.collapsed += newer;
        } else {
            record.counts.failed += 1 + newer;
        }
    }

    /// An update whose attempt came to nothing waits on as if there had been none.
    pub(super) fn put_back(&self, showing: &Showing) {
        let mut state = self.state();
        if let Some(queue) = state.queues.get_mut(&showing.at.conversation.channel()) {
            queue.put_back(showing);
        }
    }

    /// The platform does not know nova any more, and no new token came: whatever waits for it fails.
    pub(super) fn revoke(&self, platform: Platform, reason: &str) {
        let mut guard = self.state();
        let State { queues, platforms, record, .. } = &mut *guard;
        let error = ChatError::Unauthorised(reason.to_owned());
        for (_, queue) in queues.iter_mut().filter(|(to, _)| to.platform == platform) {
            record.counts.failed += queue.fail_all(&error, &mut record.failures);
        }
        if let Some(pace) = platforms.get(&platform) {
            pace.unauthorised.send_replace(reason.to_owned());
        }
    }

    /// Whether this file of this message is new. From now on it is not.
    pub(super) fn attach(&self, digest: [u8; 32]) -> bool {
        self.state().record.attached.insert(digest)
    }

    pub(super) async fn close(&self, within: Duration) -> usize {
        {
            let mut state = self.state();
            state.closing = true;
            state.queues.values().for_each(|queue| queue.wake.notify_one());
        }
        self.tasks.close();
        if timeout(within, self.tasks.wait()).await.is_err() {
            self.stop.cancel();
            self.tasks.wait().await;
        }
        std::mem::take(&mut self.state().record.abandoned)
    }

    /// Hands the conversation's queue to `act`, or why there is none. Makes the lane that it lacks:
    /// with `pace`, and `late` also while closing.
    fn with_queue<T>(
        self: &Arc<Self>,
        conversation: &Conversation,
        (pace, late): (Pace, bool),
        act: impl FnOnce(Result<&mut Queue, ChatError>, &mut Record) -> T,
    ) -> T {
        let mut guard = self.state();
        let state = &mut *guard;
        let count = state.queues.len();
        let mut made = None;
        let queue = match state.queues.entry(conversation.clone()) {
            _ if state.closing && !late => Err(closed_already()),
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(_) if count >= self.options.lanes => Err(crowded(count)),
            Entry::Vacant(entry) => {
                let platform = state.platforms.entry(conversation.platform);
                let platform = platform.or_insert_with(|| Arc::new(PlatformPace::new(pace)));
                let pace = (pace.conversation, Arc::clone(platform));
                let queue = entry.insert(Queue::default());
                let wake = Arc::clone(&queue.wake);
                made = Some(Lane::new(Arc::clone(self), conversation.clone(), wake, pace));
                Ok(queue)
            }
        };
        let acted = act(queue, &mut state.record);
        // A runtime that is shutting down drops the lane at once, and that takes the lock.
        drop(guard);
        if let Some(lane) = made {
            self.tasks.spawn_on(lane.run(), &self.runtime);
        }
        acted
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pace(chat: &Arc<dyn Chat>) -> Pace {
    guarded_now(|| chat.pace()).unwrap_or_default()
}

fn crowded(count: usize) -> ChatError {
    let text = format!("nova is sending to {count} conversations already, which is its limit");
    ChatError::Refused(text)
}

fn full(limit: usize, of: &str, conversation: &Conversation) -> ChatError {
    let id = &conversation.id;
    ChatError::Refused(format!("{limit} {of} are waiting for {id} already, which is nova's limit"))
}

fn closed_already() -> ChatError {
    ChatError::Refused("nova is stopping and takes on nothing more".to_owned())
}
