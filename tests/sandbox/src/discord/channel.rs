//! Channels, threads, direct conversations, and the messages in them. Invariant: messages stand in the
//! order of their ids and their number is bounded. Held by the state, shown by the façade and the
//! methods.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

/// How many messages, and private ones, a channel keeps; the oldest are dropped.
const MESSAGES: usize = 10_000;
const PRIVATE: usize = 1_000;

/// What a role or a member is given or denied in a channel, in Discord's bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overwrite {
    /// A role's or, with `member`, a user's id.
    pub id: String,
    pub member: bool,
    pub allow: u64,
    pub deny: u64,
}

impl Overwrite {
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id, "type": u8::from(self.member),
            "allow": self.allow.to_string(), "deny": self.deny.to_string(),
        })
    }
}

/// A channel of any kind.
#[derive(Debug, Clone, Default)]
pub struct Channel {
    pub id: String,
    /// Discord's number: [`Channel::TEXT`] and its like.
    pub kind: u8,
    pub name: String,
    pub topic: Option<String>,
    /// A thread's channel, a channel's category.
    pub parent: Option<String>,
    /// The person of a direct conversation.
    pub recipient: Option<String>,
    pub overwrites: Vec<Overwrite>,
    /// Of a thread: user ids.
    pub members: Vec<String>,
    /// Who began a thread.
    pub owner: Option<String>,
    pub archived: bool,
    pub locked: bool,
    pub position: usize,
    /// Every message that more than one person sees, notices of Discord's included, oldest first.
    pub messages: VecDeque<Message>,
    /// What one person alone sees.
    pub ephemerals: VecDeque<Message>,
}

impl Channel {
    pub const TEXT: u8 = 0;
    pub const DIRECT: u8 = 1;
    pub const CATEGORY: u8 = 4;
    pub const PUBLIC_THREAD: u8 = 11;
    pub const PRIVATE_THREAD: u8 = 12;

    #[must_use]
    pub fn is_thread(&self) -> bool {
        matches!(self.kind, Self::PUBLIC_THREAD | Self::PRIVATE_THREAD)
    }

    pub(super) fn post(&mut self, message: Message) {
        let (list, most) = if message.ephemeral_to.is_some() {
            (&mut self.ephemerals, PRIVATE)
        } else {
            (&mut self.messages, MESSAGES)
        };
        list.push_back(message);
        while list.len() > most {
            list.pop_front();
        }
    }

    /// Any message.
    pub(super) fn any_message(&mut self, id: &str) -> Option<&mut Message> {
        self.messages.iter_mut().chain(&mut self.ephemerals).find(|message| message.id == id)
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.messages.retain(|message| message.id != id);
        self.ephemerals.retain(|message| message.id != id);
    }
}

/// A message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    pub id: String,
    pub channel: String,
    /// Discord's number: 0 ordinary, 6 a notice of a pin, 18 of a thread, 19 a reply, 20 and 23 the
    /// answer to a command.
    pub kind: u8,
    /// A user's id.
    pub author: String,
    pub by_bot: bool,
    pub content: String,
    pub embeds: Vec<Value>,
    /// With the numbers that Discord gives them.
    pub components: Vec<Value>,
    pub attachments: Vec<Value>,
    /// Discord's bits: 64 ephemeral, 128 "is thinking", 4,096 silent.
    pub flags: u64,
    /// How often it was edited.
    pub edits: u32,
    pub nonce: Option<String>,
    /// When it was pinned, milliseconds since 1970.
    pub pinned_at: Option<u64>,
    pub pinned: bool,
    /// The only person who sees it.
    pub ephemeral_to: Option<String>,
    /// The message that it replies to.
    pub reply_to: Option<String>,
    /// Whom it pings: user ids, role ids as `&ID`, and `@everyone`.
    pub mentions: Vec<String>,
    /// Milliseconds since 1970.
    pub sent_at: u64,
    pub edited_at: Option<u64>,
    /// When it was sent, by the server's clock.
    pub(super) at: Duration,
    /// The interaction that it answers.
    pub(super) interaction: Option<Value>,
}

impl Message {
    pub const EPHEMERAL: u64 = 1 << 6;
    pub const LOADING: u64 = 1 << 7;

    /// Whether a person or a bot said it, and it is not Discord's own notice.
    #[must_use]
    pub fn is_said(&self) -> bool {
        matches!(self.kind, 0 | 19 | 20 | 23)
    }

    /// Whether it is only the mark that an answer will come.
    #[must_use]
    pub fn is_thinking(&self) -> bool {
        self.flags & Self::LOADING != 0
    }

    /// Every button and menu in it.
    pub(super) fn controls(&self) -> impl Iterator<Item = &Value> {
        let rows = self.components.iter().filter_map(|row| row["components"].as_array());
        rows.flatten()
    }
}
