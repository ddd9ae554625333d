//! Messages: posting, updating, and finding one again whose answer was lost ([`Chat`]).
//!
//! Invariant: text is never parsed for names, channels or links by Slack, and a message carries its key
//! as metadata, which people do not see.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;
use slack_morphism::prelude::{SlackApiChatPostMessageRequest, SlackApiChatUpdateRequest};
use slack_morphism::{SlackMessageContent, SlackMessageMetadata};

use super::Slack;
use super::call::Done;
use super::error::{CallError, Repeat};
use super::identity::Identity;
use super::ids::{Place, is_ts};
use crate::chat::{Chat, ChatError, Conversation, MessageRef, Pace, Platform};
use crate::message::{Attachment, Message};
use crate::slack::render::{self, Drawn};

/// About one message a second in a channel: <https://docs.slack.dev/apis/web-api/rate-limits>.
const CONVERSATION_PACE: Duration = Duration::from_secs(1);
/// `chat.update` is in tier 3: 50 a minute, with some more at once.
const UPDATE_PACE: Duration = Duration::from_millis(1200);
const UPDATE_BURST: u32 = 10;

/// The type of our messages' metadata.
const METADATA: &str = "nova_message";
/// How many messages are read at once when one is looked for.
const PAGE: &str = "100";
/// A thread is given oldest first: so many pages of it, back to [`LOOK_BACK`].
const PAGES: usize = 10;
/// Nobody looks for a message that is older. Generous, since the clock here may be wrong.
const LOOK_BACK: Duration = Duration::from_secs(24 * 3600);

impl Chat for Slack {
    fn platform(&self) -> Platform {
        Platform::Slack
    }

    fn pace(&self) -> Pace {
        Pace { conversation: CONVERSATION_PACE, updates: UPDATE_PACE, burst: UPDATE_BURST }
    }

    fn post<'a>(
        &'a self,
        to: &'a Conversation,
        message: &'a Message,
        key: &'a str,
    ) -> BoxFuture<'a, Result<MessageRef, ChatError>> {
        self.post_message(to, message, key).boxed()
    }

    fn update<'a>(
        &'a self,
        at: &'a MessageRef,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.update_message(at, message).boxed()
    }

    fn find<'a>(
        &'a self,
        to: &'a Conversation,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, ChatError>> {
        self.find_message(to, key).boxed()
    }

    fn files(&self, message: &Message) -> Vec<Attachment> {
        render::message(message).files
    }

    fn attach<'a>(
        &'a self,
        at: &'a MessageRef,
        file: &'a Attachment,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.attach_file(at, file).boxed()
    }
}

/// Where a posted message stands. A user's id as the channel is answered with that of the direct
/// messages.
#[derive(Deserialize)]
struct Posted {
    channel: String,
    ts: String,
}

/// One page of a channel or a thread. Messages of other apps take any form, so they are not read into
/// a model.
#[derive(Deserialize)]
struct Page {
    messages: Vec<Value>,
    #[serde(default)]
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Cursor {
    #[serde(default)]
    next_cursor: String,
}

impl Slack {
    async fn post_message(
        &self,
        to: &Conversation,
        message: &Message,
        key: &str,
    ) -> Result<MessageRef, ChatError> {
        let place = Place::of(to)?;
        let metadata = SlackMessageMetadata {
            event_type: METADATA.into(),
            event_payload: Some(HashMap::from([("key".into(), key.into())])),
        };
        let content = content(render::message(message)).with_metadata(metadata);
        let request = SlackApiChatPostMessageRequest::new(place.channel.into(), content)
            .opt_thread_ts(place.thread.map(Into::into))
            .with_parse("none".into())
            .with_link_names(false)
            .with_unfurl_links(false)
            .with_unfurl_media(false);
        let posted: Result<Posted, _> = self.write("chat.postMessage", &request).await;
        let posted = posted
            .and_then(|posted| match is_ts(&posted.ts) {
                true => Ok(posted),
                false => Err(CallError::Lost("a message without a time".into())),
            })
            .map_err(|error| error.into_chat(Repeat::Unsafe))?;
        let id = match place.thread {
            Some(thread) => format!("{}/{thread}", posted.channel),
            None => posted.channel,
        };
        let conversation = Conversation { platform: Platform::Slack, id };
        Ok(MessageRef { conversation, id: posted.ts })
    }

    async fn update_message(&self, at: &MessageRef, message: &Message) -> Result<(), ChatError> {
        let (place, ts) = standing(at)?;
        let content = content(render::message(message));
        let request = SlackApiChatUpdateRequest::new(place.channel.into(), content, ts.into())
            .with_parse("none".into());
        let done: Result<Done, _> = self.write("chat.update", &request).await;
        done.map(|Done {}| ()).map_err(|error| error.into_chat(Repeat::Safe))
    }

    async fn find_message(
        &self,
        to: &Conversation,
        key: &str,
    ) -> Result<Option<MessageRef>, ChatError> {
        let place = Place::of(to)?;
        let look = async {
            let identity = self.known_identity().await?;
            match place.thread {
                None => self.find_in_channel(&identity, place.channel, key).await,
                Some(thread) => self.find_in_thread(&identity, place.channel, thread, key).await,
            }
        };
        let found = look.await.map_err(|error| error.into_chat(Repeat::Safe))?;
        Ok(found.map(|id| MessageRef { conversation: to.clone(), id }))
    }

    /// Among the newest messages, which a channel's history begins with.
    async fn find_in_channel(
        &self,
        identity: &Identity,
        channel: &str,
        key: &str,
    ) -> Result<Option<String>, CallError> {
        let arguments = [("channel", channel), ("limit", PAGE), ("include_all_metadata", "true")];
        let page: Page = self.read("conversations.history", &arguments).await?;
        Ok(page.find(identity, key))
    }

    async fn find_in_thread(
        &self,
        identity: &Identity,
        channel: &str,
        thread: &str,
        key: &str,
    ) -> Result<Option<String>, CallError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let oldest = format!("{}.000000", now.saturating_sub(LOOK_BACK).as_secs());
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let mut arguments = vec![
                ("channel", channel),
                ("ts", thread),
                ("oldest", &oldest),
                ("limit", PAGE),
                ("include_all_metadata", "true"),
            ];
            if !cursor.is_empty() {
                arguments.push(("cursor", &cursor));
            }
            let page: Page = self.read("conversations.replies", &arguments).await?;
            let found = page.find(identity, key);
            cursor = page.response_metadata.map(|cursor| cursor.next_cursor).unwrap_or_default();
            if found.is_some() || cursor.is_empty() {
                return Ok(found);
            }
        }
        Err(CallError::Lost("a thread too long to look through".into()))
    }
}

impl Page {
    /// The `ts` of our message with `key`. Others may write any metadata, so it has to be ours.
    fn find(&self, identity: &Identity, key: &str) -> Option<String> {
        let text = |message: &Value, path: &str| {
            message.pointer(path).and_then(Value::as_str).map(str::to_owned)
        };
        let ours = |message: &Value| {
            let user = text(message, "/user");
            let bot = text(message, "/bot_id");
            user.as_ref() == Some(&identity.user) || bot.is_some() && bot == identity.bot
        };
        let message = self.messages.iter().find(|message| {
            ours(message)
                && text(message, "/metadata/event_type").as_deref() == Some(METADATA)
                && text(message, "/metadata/event_payload/key").as_deref() == Some(key)
        })?;
        text(message, "/ts").filter(|ts| is_ts(ts))
    }
}

/// Where `at` is, and its `ts`.
pub(super) fn standing(at: &MessageRef) -> Result<(Place<'_>, &str), ChatError> {
    let place = Place::of(&at.conversation)?;
    if is_ts(&at.id) { Ok((place, &at.id)) } else { Err(ChatError::Gone) }
}

/// What is drawn, as Slack takes it.
pub(super) fn content(drawn: Drawn) -> SlackMessageContent {
    SlackMessageContent::new().with_text(drawn.text).with_blocks(drawn.blocks)
}
