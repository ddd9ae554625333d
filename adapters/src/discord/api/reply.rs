//! The answer to one event. A command has been acknowledged with "thinking…", and its answer takes that
//! place, by the interaction's own token, for 15 minutes. Everything else is an ordinary message where
//! nova may write, and a follow-up by the token where it may not.
//!
//! Invariant: an interaction's token is a permission: it goes into a request's path only and is never
//! shown. What cannot be said by it any more is said by an ordinary message.
//!
//! Source: docs.discord.com/developers/interactions/receiving-and-responding.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use secrecy::SecretString;
use tokio::time::Instant;

use super::Discord;
use super::ask::Ask;
use super::codes::{OVER, SPENT};
use super::error::{CallError, Repeat};
use super::files;
use super::ids::{InteractionToken, direct};
use super::messages::Posted;
use crate::chat::{Chat, ChatError, Conversation, MessageRef, Pace, Platform};
use crate::discord::render::{self, Body};
use crate::event::{Deed, Event, Reply};
use crate::message::{Attachment, Mark, Message};

/// Half a minute less than Discord's quarter of an hour, for the way there.
const LIFETIME: Duration = Duration::from_secs(15 * 60 - 30);
/// The acknowledgement may still be on its way: until it has arrived, Discord knows no token.
const EARLY: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_millis(300);

const ORIGINAL: &str = "@original";
const FOLLOW_UP: &str = "POST /webhooks/{application}/{token}";
const REWRITE: &str = "PATCH /webhooks/{application}/{token}/messages/{message}";

/// A [`Chat`] for one event.
pub(super) struct EventReply {
    discord: Discord,
    actor: String,
    place: Option<Conversation>,
    token: Option<SecretString>,
    began: Instant,
    state: Mutex<State>,
}

struct State {
    /// "Thinking…" waits for an answer.
    waits: bool,
    /// The messages that were posted by the token.
    ours: HashSet<String>,
}

impl Discord {
    /// By the event's token; where that takes nothing any more, by an ordinary message.
    pub(super) async fn answer_once(
        &self,
        (to, account): (&Conversation, &str),
        reply: &Reply,
        message: &Message,
        private: bool,
    ) -> Result<(), ChatError> {
        if let Some(token) = reply.token.as_ref().and_then(InteractionToken::of) {
            let body = render::message(message).body.private(private);
            match self.follow_up(&token, &body).await {
                Ok(_) => return Ok(()),
                Err(error) if !is_spent(&error) => return Err(error.into_chat(Repeat::Unsafe)),
                Err(error) if is_early(&error, token.age()) => {
                    return Err(ChatError::RateLimited { retry_after: SOON });
                }
                Err(_) => {}
            }
        }
        let place = if private { direct(account) } else { to.clone() };
        self.post_message(&place, message, None).await.map(drop)
    }

    async fn follow_up(
        &self,
        token: &InteractionToken<'_>,
        body: &Body,
    ) -> Result<Posted, CallError> {
        self.write(&self.webhook(token).json(body)).await.and_then(Posted::checked)
    }

    fn webhook(&self, token: &InteractionToken<'_>) -> Ask {
        let path = format!("/webhooks/{}/{}", self.inner.application, token.secret());
        Ask::new(Method::POST, FOLLOW_UP, token.interaction, path).by_path()
    }

    async fn rewrite(
        &self,
        token: &InteractionToken<'_>,
        id: &str,
        message: &Message,
    ) -> Result<Posted, CallError> {
        let secret = token.secret();
        let path = format!("/webhooks/{}/{secret}/messages/{id}", self.inner.application);
        let ask = Ask::new(Method::PATCH, REWRITE, token.interaction, path).by_path();
        let body = render::message(message).body;
        self.write(&ask.json(&body)).await.and_then(Posted::checked)
    }
}

impl EventReply {
    pub(super) fn new(discord: Discord, event: &Event) -> Self {
        let waits = matches!(event.deed, Deed::Command { .. } | Deed::Chosen { .. });
        Self {
            discord,
            actor: event.actor.account.id.clone(),
            place: event.place.clone(),
            token: event.reply.token.clone(),
            began: Instant::now(),
            state: Mutex::new(State { waits, ours: HashSet::new() }),
        }
    }

    async fn post_reply(
        &self,
        to: &Conversation,
        message: &Message,
        key: &str,
    ) -> Result<MessageRef, ChatError> {
        if let Some(token) = self.token_for(to).filter(|_| self.state().waits) {
            match self.discord.rewrite(&token, ORIGINAL, message).await {
                Ok(posted) => return Ok(self.posted(posted, to)),
                Err(error) if !is_spent(&error) => return Err(error.into_chat(Repeat::Safe)),
                Err(error) if is_early(&error, Some(self.began.elapsed())) => {
                    return Err(ChatError::RateLimited { retry_after: SOON });
                }
                Err(_) => self.state().waits = false,
            }
        }
        match self.discord.post(to, message, key).await {
            Err(ChatError::Gone) => {}
            other => return other,
        }
        let token = self.token_for(to).ok_or(ChatError::Gone)?;
        match self.discord.follow_up(&token, &render::message(message).body).await {
            Ok(posted) => Ok(self.posted(posted, to)),
            // The last way: to the person alone.
            Err(error) if is_spent(&error) => {
                self.discord.post(&direct(&self.actor), message, key).await
            }
            Err(error) => Err(error.into_chat(Repeat::Unsafe)),
        }
    }

    /// Remembers a message that was posted by the token.
    fn posted(&self, posted: Posted, to: &Conversation) -> MessageRef {
        let mut state = self.state();
        state.waits = false;
        state.ours.insert(posted.id.clone());
        MessageRef { conversation: to.clone(), id: posted.id }
    }

    async fn update_reply(&self, at: &MessageRef, message: &Message) -> Result<(), ChatError> {
        if let Some(token) = self.token_of(at) {
            match self.discord.rewrite(&token, &at.id, message).await {
                Ok(_) => return Ok(()),
                Err(error) if !is_spent(&error) => return Err(error.into_chat(Repeat::Safe)),
                Err(_) => {}
            }
        }
        let by_token = self.state().ours.contains(&at.id);
        match self.discord.update(at, message).await {
            // Progress is not worth a message of its own.
            Err(ChatError::Gone) if by_token && message.tone == Mark::Working => Ok(()),
            Err(ChatError::Gone) if by_token => self
                .discord
                .post_message(&direct(&self.actor), message, Some(&at.id))
                .await
                .map(drop),
            other => other,
        }
    }

    async fn attach_reply(&self, at: &MessageRef, file: &Attachment) -> Result<(), ChatError> {
        if let Some(token) = self.token_of(at) {
            let ask = self.discord.webhook(&token);
            let ask = files::with_file(ask, &files::payload(file)?, file);
            match self.discord.settle(&ask).await {
                Err(error) if is_spent(&error) => {}
                other => return other.map_err(|error| error.into_chat(Repeat::Unsafe)),
            }
        }
        self.discord.attach(at, file).await
    }

    /// The token, if it leads to `to` and still takes something.
    fn token_for(&self, to: &Conversation) -> Option<InteractionToken<'_>> {
        let leads = self.place.as_ref() == Some(to) && self.began.elapsed() < LIFETIME;
        self.token.as_ref().filter(|_| leads).and_then(InteractionToken::of)
    }

    /// The token, if the message was posted by it.
    fn token_of(&self, at: &MessageRef) -> Option<InteractionToken<'_>> {
        let ours = self.state().ours.contains(&at.id);
        self.token_for(&at.conversation).filter(|_| ours)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether Discord may know the token in a moment.
fn is_early(error: &CallError, age: Option<Duration>) -> bool {
    error.code() != Some(OVER) && age.is_some_and(|age| age < EARLY)
}

fn is_spent(error: &CallError) -> bool {
    error.code().is_some_and(|code| SPENT.contains(&code))
}

impl Chat for EventReply {
    fn platform(&self) -> Platform {
        Platform::Discord
    }

    fn pace(&self) -> Pace {
        self.discord.pace()
    }

    fn post<'a>(
        &'a self,
        to: &'a Conversation,
        message: &'a Message,
        key: &'a str,
    ) -> BoxFuture<'a, Result<MessageRef, ChatError>> {
        self.post_reply(to, message, key).boxed()
    }

    fn update<'a>(
        &'a self,
        at: &'a MessageRef,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.update_reply(at, message).boxed()
    }

    fn find<'a>(
        &'a self,
        to: &'a Conversation,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, ChatError>> {
        let told = |error| match error {
            // Not "the channel is gone": the answer may well be in it.
            ChatError::Gone if self.place.as_ref() == Some(to) => {
                ChatError::Refused("nova may not read this channel and cannot look there".into())
            }
            error => error,
        };
        self.discord.find(to, key).map(move |found| found.map_err(told)).boxed()
    }

    fn files(&self, message: &Message) -> Vec<Attachment> {
        self.discord.files(message)
    }

    fn attach<'a>(
        &'a self,
        at: &'a MessageRef,
        file: &'a Attachment,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.attach_reply(at, file).boxed()
    }
}
