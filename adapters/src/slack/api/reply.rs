//! The answer to one event. Where nova is a member of the channel it is an ordinary message; where it
//! is not, it goes by the event's own `response_url`, which Slack takes 5 times within 30 minutes.
//!
//! Invariant: the last use is kept for the final state, so that progress never costs the result. A
//! `response_url` is a permission: it goes to Slack's hosts only and is never shown.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use slack_morphism::SlackMessageContent;
use tokio::time::Instant;

use super::Slack;
use super::error::{CallError, Repeat};
use super::ids::Place;
use super::messages::content;
use crate::chat::{Chat, ChatError, Conversation, MessageRef, Pace, Platform};
use crate::event::{Deed, Event, Reply};
use crate::message::{Attachment, Mark, Message};
use crate::slack::render;

/// Uses of one `response_url`: <https://docs.slack.dev/interactivity/handling-user-interaction>.
const USES: u8 = 5;
/// Half a minute less than Slack's half hour, for the way there.
const LIFETIME: Duration = Duration::from_secs(30 * 60 - 30);
/// Begins the id of a message that was posted by `response_url`, which Slack gives none.
const BY_URL: &str = "reply:";

/// A [`Chat`] for one event.
pub(super) struct EventReply {
    slack: Slack,
    actor: String,
    place: Option<Conversation>,
    /// Whether the address replaces the message that it posted. After a press it would replace the
    /// message with the button, which is not the answer.
    replaces: bool,
    address: Option<SecretString>,
    uses: Mutex<Uses>,
}

/// What is left of a `response_url`.
struct Uses {
    left: u8,
    until: Instant,
}

impl Uses {
    fn new() -> Self {
        Self { left: USES, until: Instant::now() + LIFETIME }
    }

    fn over(&self) -> bool {
        self.left == 0 || Instant::now() >= self.until
    }

    /// Takes one, if there is one for this: the last is for a final state.
    fn take(&mut self, last: bool) -> bool {
        let granted = !self.over() && (last || self.left > 1);
        if granted {
            self.left -= 1;
        }
        granted
    }

    fn give_back(&mut self) {
        self.left += 1;
    }

    fn exhaust(&mut self) {
        self.left = 0;
    }
}

/// What is sent to a `response_url`. The library's request has no `response_type`, without which
/// only the person would see it.
#[derive(Serialize)]
struct Response<'a> {
    response_type: &'static str,
    replace_original: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<&'a str>,
    #[serde(flatten)]
    content: SlackMessageContent,
}

impl Slack {
    /// By the event's address; where there is none that works, by an ordinary message.
    pub(super) async fn answer_once(
        &self,
        (to, account): (&Conversation, &str),
        reply: &Reply,
        message: &Message,
        private: bool,
    ) -> Result<(), ChatError> {
        let address = reply.token.as_ref();
        let address = address.and_then(|url| self.inner.hosts.allowed(url.expose_secret()));
        if let Some(url) = address {
            let response = Response {
                response_type: if private { "ephemeral" } else { "in_channel" },
                replace_original: false,
                thread_ts: Place::of(to)?.thread,
                content: content(render::message(message)),
            };
            match self.write_to(url, &response).await {
                Ok(()) => return Ok(()),
                Err(CallError::Status(_) | CallError::Refusal(_)) => {}
                Err(error) => return Err(error.into_chat(Repeat::Unsafe)),
            }
        }
        if private {
            return self.post_privately(to, account, message).await;
        }
        self.post(to, message, "").await.map(drop)
    }
}

impl EventReply {
    pub(super) fn new(slack: Slack, event: &Event) -> Self {
        Self {
            slack,
            actor: event.actor.account.id.clone(),
            place: event.place.clone(),
            replaces: !matches!(event.deed, Deed::Press { .. }),
            address: event.reply.token.clone(),
            uses: Mutex::new(Uses::new()),
        }
    }

    async fn post_reply(
        &self,
        to: &Conversation,
        message: &Message,
        key: &str,
    ) -> Result<MessageRef, ChatError> {
        match self.slack.post(to, message, key).await {
            Err(ChatError::Gone) if self.belongs(to) => {}
            other => return other,
        }
        let url = self.address().ok_or(ChatError::Gone)?;
        if !self.send(url, to, message, false).await? {
            self.say_privately(to, message).await?;
        }
        Ok(MessageRef { conversation: to.clone(), id: format!("{BY_URL}{key}") })
    }

    async fn update_reply(&self, at: &MessageRef, message: &Message) -> Result<(), ChatError> {
        if !at.id.starts_with(BY_URL) {
            return self.slack.update(at, message).await;
        }
        let finished = message.tone != Mark::Working;
        if !finished && !self.replaces {
            return Ok(());
        }
        let url = self.address().ok_or(ChatError::Gone)?;
        let sent = self.send(url, &at.conversation, message, self.replaces).await?;
        if sent || !finished {
            return Ok(());
        }
        self.say_privately(&at.conversation, message).await
    }

    /// Sends `message` to the event's address; `false` when it takes nothing more.
    async fn send(
        &self,
        url: Url,
        to: &Conversation,
        message: &Message,
        replace: bool,
    ) -> Result<bool, ChatError> {
        if !self.uses().take(message.tone != Mark::Working) {
            return Ok(false);
        }
        let response = Response {
            response_type: "in_channel",
            replace_original: replace,
            thread_ts: Place::of(to)?.thread,
            content: content(render::message(message)),
        };
        let error = match self.slack.write_to(url, &response).await {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        match &error {
            CallError::Status(_) => self.uses().exhaust(),
            CallError::Refusal(refusal) if SPENT.contains(&refusal.code()) => self.uses().exhaust(),
            CallError::Limited(_) | CallError::NotSent(_) | CallError::Stopped(_) => {
                self.uses().give_back();
                return Err(error.into_chat(Repeat::Safe));
            }
            _ => return Err(error.into_chat(if replace { Repeat::Safe } else { Repeat::Unsafe })),
        }
        Ok(false)
    }

    /// The last way: to the person alone, where nova has come to be a member meanwhile.
    async fn say_privately(&self, to: &Conversation, message: &Message) -> Result<(), ChatError> {
        self.slack.post_privately(to, &self.actor, message).await
    }

    /// Whether the event's address leads to `to`.
    fn belongs(&self, to: &Conversation) -> bool {
        let channel = |place: &Conversation| place.id.split('/').next().map(str::to_owned);
        self.place.as_ref().is_some_and(|place| channel(place) == channel(to))
    }

    fn address(&self) -> Option<Url> {
        self.slack.inner.hosts.allowed(self.address.as_ref()?.expose_secret())
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Codes of an address that takes nothing more.
const SPENT: [&str; 4] = ["used_url", "expired_url", "invalid_url", "channel_is_archived"];

impl Chat for EventReply {
    fn platform(&self) -> Platform {
        Platform::Slack
    }

    fn pace(&self) -> Pace {
        self.slack.pace()
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
            ChatError::Gone if self.belongs(to) => {
                ChatError::Refused("nova is no member of this channel and cannot look there".into())
            }
            error => error,
        };
        self.slack.find(to, key).map(move |found| found.map_err(told)).boxed()
    }

    fn files(&self, message: &Message) -> Vec<Attachment> {
        self.slack.files(message)
    }

    fn attach<'a>(
        &'a self,
        at: &'a MessageRef,
        file: &'a Attachment,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        if at.id.starts_with(BY_URL) {
            let why = "nova is no member of this channel, so it cannot attach files; /invite it";
            return std::future::ready(Err(ChatError::Refused(why.into()))).boxed();
        }
        self.slack.attach(at, file)
    }
}
