//! Messages: posting, updating, and finding one again whose answer was lost ([`Chat`]).
//!
//! Invariant: no message mentions anybody, and a message carries its key as its nonce, by which Discord
//! itself makes no second one within some minutes.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

use super::Discord;
use super::ask::Ask;
use super::error::{CallError, Repeat};
use super::ids::{Place, is_id};
use crate::chat::{Chat, ChatError, Conversation, MessageRef, Pace, Platform};
use crate::discord::render::{self, Body};
use crate::message::{Attachment, Message};

/// 5 messages in 5 seconds in one channel, as Discord's headers tell at the time of writing; the real
/// limits are theirs (docs.discord.com/developers/topics/rate-limits).
const CONVERSATION_PACE: Duration = Duration::from_secs(1);
/// 50 calls a second in all; updates leave room for the others.
const UPDATE_PACE: Duration = Duration::from_millis(50);
const UPDATE_BURST: u32 = 20;

/// Longest nonce, in characters.
const NONCE: usize = 25;

pub(super) const POST: &str = "POST /channels/{channel}/messages";
const EDIT: &str = "PATCH /channels/{channel}/messages/{message}";
const LIST: &str = "GET /channels/{channel}/messages";
const OPEN: &str = "POST /users/@me/channels";
pub(super) const WRITING: &str = "View Channels, Send Messages (in Threads) and Embed Links";

impl Chat for Discord {
    fn platform(&self) -> Platform {
        Platform::Discord
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
        self.post_message(to, message, Some(key)).boxed()
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

/// Where a message stands.
#[derive(Deserialize)]
pub(super) struct Posted {
    pub(super) id: String,
    channel_id: String,
}

impl Posted {
    /// With ids that are ones.
    pub(super) fn checked(self) -> Result<Self, CallError> {
        if is_id(&self.id) && is_id(&self.channel_id) {
            Ok(self)
        } else {
            Err(CallError::Lost("a message without an id".into()))
        }
    }

    pub(super) fn at(self) -> MessageRef {
        let conversation = Conversation { platform: Platform::Discord, id: self.channel_id };
        MessageRef { conversation, id: self.id }
    }
}

#[derive(Deserialize)]
struct Opened {
    id: String,
}

/// A new message: what is drawn, and what keeps it single.
#[derive(Serialize)]
struct Post<'a> {
    #[serde(flatten)]
    body: &'a Body,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    enforce_nonce: bool,
}

impl Discord {
    /// Without a `key` nothing keeps a repeat from being a second message.
    pub(super) async fn post_message(
        &self,
        to: &Conversation,
        message: &Message,
        key: Option<&str>,
    ) -> Result<MessageRef, ChatError> {
        let place = Place::of(to)?;
        let channel = self.channel(&place).await.map_err(|error| error.into_chat(Repeat::Safe))?;
        let body = &render::message(message).body;
        let nonce = key.map(nonce);
        let post = Post { body, enforce_nonce: nonce.is_some(), nonce };
        let path = format!("/channels/{channel}/messages");
        let ask = Ask::new(Method::POST, POST, channel, path).json(&post).needs(WRITING);
        let posted = self.write(&ask).await.and_then(Posted::checked);
        posted.map(Posted::at).map_err(|error| error.into_chat(Repeat::Unsafe))
    }

    pub(super) async fn update_message(
        &self,
        at: &MessageRef,
        message: &Message,
    ) -> Result<(), ChatError> {
        let (channel, id) = standing(at)?;
        let path = format!("/channels/{channel}/messages/{id}");
        let body = render::message(message).body;
        let ask = Ask::new(Method::PATCH, EDIT, channel, path).json(&body).needs(WRITING);
        self.settle(&ask).await.map_err(|error| error.into_chat(Repeat::Safe))
    }

    /// Among the newest messages of the channel. Discord gives the nonce with a message for some
    /// minutes only; later it is not found, and nobody looks for it.
    async fn find_message(
        &self,
        to: &Conversation,
        key: &str,
    ) -> Result<Option<MessageRef>, ChatError> {
        let place = Place::of(to)?;
        let look = async {
            let user = self.known_user().await?;
            let channel = self.channel(&place).await?;
            let path = format!("/channels/{channel}/messages?limit=100");
            let ask = Ask::get(LIST, channel.clone(), path).needs("Read Message History");
            let messages: Vec<Value> = self.read(ask).await?;
            Ok((channel, ours(&messages, &user, &nonce(key))))
        };
        let (channel, id) = look.await.map_err(|error: CallError| error.into_chat(Repeat::Safe))?;
        let conversation = Conversation { platform: Platform::Discord, id: channel };
        Ok(id.map(|id| MessageRef { conversation, id }))
    }

    /// The channel of a place. That of direct messages is asked for once; asking again makes no other.
    async fn channel(&self, place: &Place<'_>) -> Result<String, CallError> {
        let account = match place {
            Place::Channel(id) => return Ok((*id).to_owned()),
            Place::Person(account) => *account,
        };
        let ask = Ask::new(Method::POST, OPEN, "", "/users/@me/channels")
            .json(&json!({ "recipient_id": account }));
        let open = async {
            let opened: Opened = self.write(&ask).await?;
            let fine = is_id(&opened.id);
            fine.then_some(opened.id)
                .ok_or_else(|| CallError::Lost("a channel without an id".into()))
        };
        self.inner.direct.place(account, Duration::MAX).get(Duration::MAX, open).await
    }
}

/// The id of our message with `nonce`. Others may send any nonce, so it has to be ours.
fn ours(messages: &[Value], user: &str, nonce: &str) -> Option<String> {
    let message = messages.iter().find(|message| {
        message["author"]["id"] == user && message["nonce"].as_str() == Some(nonce)
    })?;
    message["id"].as_str().filter(|id| is_id(id)).map(str::to_owned)
}

/// What Discord tells one message from another by.
pub(super) fn nonce(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let mut nonce: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    nonce.truncate(NONCE);
    nonce
}

/// The channel of `at`, and its id.
pub(super) fn standing(at: &MessageRef) -> Result<(&str, &str), ChatError> {
    let channel = Place::channel(&at.conversation)?;
    if is_id(&at.id) { Ok((channel, &at.id)) } else { Err(ChatError::Gone) }
}
