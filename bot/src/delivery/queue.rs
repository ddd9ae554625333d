//! What waits in one lane: posts in their order, and for each message to be updated its newest wanted
//! state. `lanes.rs` keeps one for each conversation under its lock.
//!
//! Invariant: a wanted state ends in exactly one of three ways: a newer one took its place, it was
//! shown, or it failed. Of a failed update nothing waits any more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef};
use nova_adapters::message::Message;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::call::copy;
use super::failures::Failures;
use super::options::{DeliveryOptions, Patience};
use super::tries::Tries;

/// A message to be posted.
pub(super) struct Post {
    pub(super) chat: Arc<dyn Chat>,
    /// The lane's channel, or a thread in it.
    pub(super) to: Conversation,
    pub(super) message: Message,
    /// Nobody may be listening any more.
    pub(super) reply: oneshot::Sender<Result<MessageRef, ChatError>>,
    /// Where it was to go, when this is the fallback.
    pub(super) meant_for: Option<Conversation>,
}

/// One lane's work.
#[derive(Default)]
pub(super) struct Queue {
    posts: VecDeque<Post>,
    /// The next one's turn comes first.
    updates: VecDeque<Wanted>,
    /// The lane has a post, or files, in its hands.
    busy: bool,
    /// Told when a post comes, and when an update comes and no other is due.
    pub(super) wake: Arc<Notify>,
}

/// The newest wanted state of one message.
struct Wanted {
    at: MessageRef,
    chat: Arc<dyn Chat>,
    message: Arc<Message>,
    /// Counts the states wanted of this message.
    revision: u64,
    /// The revision that is on its way.
    sending: Option<u64>,
    tries: Tries,
    /// Not before this, after a failure.
    due: Instant,
    /// Each with the revision that it waits for.
    waiters: Vec<(u64, oneshot::Sender<Result<(), ChatError>>)>,
}

/// What a lane does next.
pub(super) enum Next {
    Post(Box<Post>),
    /// Some update is due.
    Update,
    /// All that waits is waiting for this moment.
    Wait(Instant),
    /// Nothing waits.
    Idle,
}

/// One state on its way.
pub(super) struct Showing {
    pub(super) at: MessageRef,
    pub(super) chat: Arc<dyn Chat>,
    pub(super) message: Arc<Message>,
    revision: u64,
}

/// What is known of the wanted state of a message.
pub(super) enum Settling {
    /// Nothing waits, and no failure is kept.
    Settled,
    Failed(ChatError),
    Waits(oneshot::Receiver<Result<(), ChatError>>),
}

/// What [`Queue::failed`] did.
#[derive(Default)]
pub(super) struct Missed {
    /// There is another attempt.
    pub(super) again: bool,
    /// A newer state than the one that failed was wanted already.
    pub(super) newer: bool,
}

/// Whether a wanted state was taken on.
pub(super) enum Took {
    /// Nothing else waits for its message.
    Place,
    /// Another one waited, which will not be shown.
    PlaceOfAnother,
    /// There is no room.
    Nothing,
}

impl Queue {
    /// Whether the post was taken; otherwise it is given back.
    pub(super) fn post(&mut self, post: Post, options: &DeliveryOptions) -> Option<Post> {
        if self.posts.len() >= options.posts {
            return Some(post);
        }
        self.posts.push_back(post);
        self.wake.notify_one();
        None
    }

    pub(super) fn update(
        &mut self,
        chat: &Arc<dyn Chat>,
        at: &MessageRef,
        message: Message,
        options: &DeliveryOptions,
    ) -> Took {
        if let Some(wanted) = self.updates.iter_mut().find(|wanted| wanted.at == *at) {
            let shown = wanted.sending == Some(wanted.revision);
            wanted.chat = Arc::clone(chat);
            wanted.message = Arc::new(message);
            wanted.revision += 1;
            wanted.tries.renew();
            return if shown { Took::Place } else { Took::PlaceOfAnother };
        }
        if self.updates.len() >= options.updates {
            return Took::Nothing;
        }
        let now = Instant::now();
        // A lane that has an update to send already keeps its turn on the platform.
        if self.updates.iter().all(|wanted| wanted.due > now) {
            self.wake.notify_one();
        }
        self.updates.push_back(Wanted {
            at: at.clone(),
            chat: Arc::clone(chat),
            message: Arc::new(message),
            revision: 1,
            sending: None,
            tries: Tries::default(),
            due: now,
            waiters: Vec::new(),
        });
        Took::Place
    }

    /// What becomes of the state that is wanted now, if one waits.
    pub(super) fn settling(&mut self, at: &MessageRef) -> Option<Settling> {
        let wanted = self.updates.iter_mut().find(|wanted| wanted.at == *at)?;
        let (waiter, answer) = oneshot::channel();
        wanted.waiters.retain(|(_, waiter)| !waiter.is_closed());
        wanted.waiters.push((wanted.revision, waiter));
        Some(Settling::Waits(answer))
    }

    /// What to do next; a post is handed out. The lane asks when its hands are empty.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        self.busy = false;
        if let Some(post) = self.posts.pop_front() {
            self.busy = true;
            return Next::Post(Box::new(post));
        }
        match self.updates.iter().map(|wanted| wanted.due).min() {
            None => Next::Idle,
            Some(due) if due <= now => Next::Update,
            Some(due) => Next::Wait(due),
        }
    }

    /// Hands out the newest state of the message whose turn it is.
    pub(super) fn show(&mut self, now: Instant) -> Option<Showing> {
        let wanted = self.updates.iter_mut().find(|wanted| wanted.due <= now)?;
        wanted.sending = Some(wanted.revision);
        Some(Showing {
            at: wanted.at.clone(),
            chat: Arc::clone(&wanted.chat),
            message: Arc::clone(&wanted.message),
            revision: wanted.revision,
        })
    }

    /// The state stands there. Whether it is the newest one: then the lane goes on with its files and
    /// is not idle yet.
    pub(super) fn shown(&mut self, showing: &Showing) -> bool {
        let Some(mut wanted) = self.take(&showing.at) else { return true };
        for (_, waiter) in wanted.waiters.extract_if(.., |(wants, _)| *wants <= showing.revision) {
            drop(waiter.send(Ok(())));
        }
        let newest = wanted.revision == showing.revision;
        if newest {
            self.busy = true;
        } else {
            wanted.tries = Tries::default();
            self.requeue(wanted);
        }
        newest
    }

    /// It was not shown: sees to the newest state's next attempt, as its patience allows.
    pub(super) fn failed(
        &mut self,
        showing: &Showing,
        error: ChatError,
        patience: &Patience,
        failures: &mut Failures,
    ) -> Missed {
        let now = Instant::now();
        let Some(mut wanted) = self.take(&showing.at) else { return Missed::default() };
        let newer = wanted.revision > showing.revision;
        let wait = match &error {
            ChatError::Gone | ChatError::Unauthorised(_) => None,
            // Another state may be acceptable.
            ChatError::Refused(_) => newer.then_some(Duration::ZERO),
            _ => wanted.tries.after(&error, patience, now),
        };
        match wait {
            Some(wait) => {
                wanted.due = now + wait;
                self.requeue(wanted);
            }
            None => fail(wanted, error, failures),
        }
        Missed { again: wait.is_some(), newer }
    }

    /// It was not sent and is wanted as before; of newer states the newest.
    pub(super) fn put_back(&mut self, showing: &Showing) {
        if let Some(wanted) = self.take(&showing.at) {
            self.requeue(wanted);
        }
    }

    /// Ends everything that is not on its way, and says how much that was.
    pub(super) fn fail_all(&mut self, error: &ChatError, failures: &mut Failures) -> u64 {
        let posts = self.posts.drain(..).map(|post| drop(post.reply.send(Err(copy(error)))));
        let mut failed = posts.count() as u64;
        let waiting = std::mem::take(&mut self.updates);
        for wanted in waiting {
            if wanted.sending.is_some() {
                self.updates.push_back(wanted);
            } else {
                failed += 1;
                fail(wanted, copy(error), failures);
            }
        }
        failed
    }

    /// Posts and states that were not delivered yet, and the files in hand as one.
    pub(super) fn waiting(&self) -> usize {
        self.posts.len() + self.updates.len() + usize::from(self.busy)
    }

    fn take(&mut self, at: &MessageRef) -> Option<Wanted> {
        let index = self.updates.iter().position(|wanted| wanted.at == *at)?;
        self.updates.remove(index)
    }

    /// Behind the others: each message has its turn.
    fn requeue(&mut self, mut wanted: Wanted) {
        wanted.sending = None;
        self.updates.push_back(wanted);
    }
}

/// Tells everybody who waits, or keeps it for who comes.
fn fail(wanted: Wanted, error: ChatError, failures: &mut Failures) {
    tracing::warn!(conversation = %wanted.at.conversation.id, %error, "an update was given up");
    if wanted.waiters.iter().all(|(_, waiter)| waiter.is_closed()) {
        failures.keep(wanted.at, error);
        return;
    }
    for (_, waiter) in wanted.waiters {
        drop(waiter.send(Err(copy(&error))));
    }
}
