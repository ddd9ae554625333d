//! Posting one message, which is not idempotent: when the answer is lost, nova looks for the message
//! before it posts again, and where it cannot look it says in the message that it may be a second
//! one. A conversation that is gone is replaced by the platform's fallback, once.

use std::sync::Arc;
use std::time::Duration;

use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef};
use nova_adapters::message::{Message, Section};
use tokio::time::Instant;

use super::lane::Lane;
use super::queue::Post;
use super::tries::Tries;

/// After a lost answer: a platform that was slow to answer is slow to show the message, too.
const LOOK_AFTER: Duration = Duration::from_millis(500);

/// What stands under a message that may be there twice.
const MARK: &str = "possible duplicate: the platform did not answer the first time";

/// What looking for a message gave.
enum Look {
    There(MessageRef),
    NotThere,
    CannotTell,
}

impl Lane {
    /// Posts it and answers its caller; then its files follow.
    pub(super) async fn post(&mut self, post: Post) {
        let Post { chat, to, mut message, reply, meant_for } = post;
        match self.stand(&chat, &to, &mut message).await {
            Ok(at) => {
                drop(reply.send(Ok(at.clone())));
                self.files(&chat, &at, &message).await;
            }
            Err(ChatError::Gone) if meant_for.is_none() && self.fallback(&to).is_some() => {
                self.redirect(Post { chat, to, message, reply, meant_for });
            }
            Err(error) => {
                tracing::warn!(conversation = %to.id, %error, "a post was given up");
                self.lanes.count(|counts| counts.failed += 1);
                drop(reply.send(Err(error)));
            }
        }
    }

    /// Posts until it stands there or is given up, and counts it when it stands.
    pub(super) async fn stand(
        &mut self,
        chat: &Arc<dyn Chat>,
        to: &Conversation,
        message: &mut Message,
    ) -> Result<MessageRef, ChatError> {
        let key = key()?;
        let mut tries = Tries::default();
        let mut marked = false;
        loop {
            self.clear().await?;
            let posted = self.send(async { chat.post(to, message, &key).await }).await;
            let error = match posted {
                Ok(at) => return Ok(self.sent(at)),
                Err(error) => error,
            };
            if self.awaits_token(&error) {
                continue;
            }
            if let ChatError::Unanswered(_) = error {
                match self.look(chat, to, &key).await? {
                    Look::There(at) => return Ok(self.sent(at)),
                    Look::NotThere => {}
                    Look::CannotTell if marked => return Err(error),
                    Look::CannotTell => {
                        mark(message);
                        marked = true;
                    }
                }
            } else if !error.retryable() {
                return Err(error);
            }
            let patience = &self.lanes.options.sending;
            let Some(pause) = tries.after(&error, patience, Instant::now()) else {
                return Err(error);
            };
            self.hold(pause);
            self.lanes.count(|counts| counts.retried += 1);
        }
    }

    fn sent(&self, at: MessageRef) -> MessageRef {
        self.lanes.count(|counts| counts.sent += 1);
        at
    }

    /// Looks for the message that was posted with `key`, with patience.
    async fn look(
        &mut self,
        chat: &Arc<dyn Chat>,
        to: &Conversation,
        key: &str,
    ) -> Result<Look, ChatError> {
        let mut tries = Tries::default();
        self.hold(LOOK_AFTER);
        loop {
            self.clear().await?;
            let error = match self.ask(async { chat.find(to, key).await }).await {
                Ok(Some(at)) => return Ok(Look::There(at)),
                Ok(None) => return Ok(Look::NotThere),
                Err(error) if self.awaits_token(&error) => continue,
                Err(error @ ChatError::Unauthorised(_)) => return Err(error),
                Err(error) => error,
            };
            let again = error.retryable() || matches!(error, ChatError::Unanswered(_));
            let pause = tries.after(&error, &self.lanes.options.finding, Instant::now());
            let Some(pause) = pause.filter(|_| again) else {
                tracing::warn!(conversation = %to.id, %error, "a lost post cannot be looked for");
                return Ok(Look::CannotTell);
            };
            self.hold(pause);
        }
    }

    fn fallback(&self, to: &Conversation) -> Option<&Conversation> {
        let fallback = self.lanes.options.fallback.get(&to.platform);
        fallback.filter(|fallback| *fallback != to)
    }

    /// Hands the post over to the fallback's lane.
    fn redirect(&self, mut post: Post) {
        let Some(fallback) = self.fallback(&post.to) else { return };
        let id = &post.to.id;
        tracing::warn!(conversation = %id, fallback = %fallback.id, "gone, so its post is redirected");
        let line = format!("This was meant for {id}, which is gone or has removed nova.");
        post.message.sections.insert(0, Section::text(line));
        post.meant_for = Some(std::mem::replace(&mut post.to, fallback.clone()));
        self.lanes.post(post);
    }
}

/// Says in the footer that this message may be a second one.
fn mark(message: &mut Message) {
    message.footer = Some(match message.footer.take() {
        Some(footer) => format!("{footer} · {MARK}"),
        None => MARK.to_owned(),
    });
}

/// 24 characters, since Discord's nonce takes 25; 96 random bits, so that no two are the same.
fn key() -> Result<String, ChatError> {
    let mut random = [0u8; 12];
    getrandom::fill(&mut random)
        .map_err(|error| ChatError::Refused(format!("no random key for it: {error}")))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
