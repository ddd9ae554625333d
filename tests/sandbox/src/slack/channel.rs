//! A conversation and its messages. Invariant: messages stand in the order of their timestamps, at
//! most [`MESSAGES`] of them, and ephemeral ones stand apart. Changed by the methods, the response
//! URLs and the façade.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::options::{App, Room, Team};
use super::scopes::Kind;

/// How many messages, and how many ephemeral ones, a channel keeps; the oldest are dropped.
const MESSAGES: usize = 10_000;

/// A message as it stands now.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub ts: String,
    /// The author's user id.
    pub user: String,
    /// The app's bot wrote it.
    pub by_bot: bool,
    pub text: String,
    /// With the block and action ids that Slack gives where the app gave none.
    pub blocks: Vec<Value>,
    pub attachments: Vec<Value>,
    /// The first message of the thread that it stands in, or its own `ts` once it has replies.
    pub thread_ts: Option<String>,
    /// A reply that is shown in the channel too.
    pub broadcast: bool,
    /// `{"event_type": …, "event_payload": …}`
    pub metadata: Option<Value>,
    /// Ids of the files shared by it.
    pub files: Vec<String>,
    /// Emoji name and user id.
    pub reactions: Vec<(String, String)>,
    pub edits: u32,
    /// The `ts` of the last edit.
    pub edited: Option<String>,
    /// Who alone sees it, if it is ephemeral.
    pub only_for: Option<String>,
    pub replies: u32,
    pub reply_users: Vec<String>,
    pub latest_reply: Option<String>,
}

impl Message {
    /// Stands in a thread and is not its first message.
    pub(super) fn is_reply(&self) -> bool {
        self.thread_ts.as_ref().is_some_and(|root| *root != self.ts)
    }

    /// As the Web API shows it. Files are given by their own objects.
    pub(super) fn json(&self, team: &Team, app: &App, files: &[Value], metadata: bool) -> Value {
        let mut shown = Map::new();
        let mut put = |key: &str, value: Value| {
            shown.insert(key.to_owned(), value);
        };
        put("type", json!("message"));
        put("user", json!(self.user));
        put("ts", json!(self.ts));
        put("text", json!(self.text));
        put("team", json!(team.id));
        if self.by_bot {
            put("bot_id", json!(app.bot_id));
            put("app_id", json!(app.id));
            put("bot_profile", bot_profile(team, app));
        }
        if !self.blocks.is_empty() {
            put("blocks", Value::Array(self.blocks.clone()));
        }
        if !self.attachments.is_empty() {
            put("attachments", Value::Array(self.attachments.clone()));
        }
        if let Some(root) = &self.thread_ts {
            put("thread_ts", json!(root));
        }
        if self.is_reply() {
            put("parent_user_id", json!(app.bot_user));
        }
        if self.replies > 0 {
            put("reply_count", json!(self.replies));
            put("reply_users", json!(self.reply_users));
            put("reply_users_count", json!(self.reply_users.len()));
            put("latest_reply", json!(self.latest_reply));
            put("subscribed", json!(false));
            put("is_locked", json!(false));
        }
        if let Some(edited) = &self.edited {
            put("edited", json!({ "user": self.user, "ts": edited }));
        }
        if !files.is_empty() {
            put("files", json!(files));
            put("upload", json!(true));
        }
        if !self.reactions.is_empty() {
            put("reactions", self.reactions_json());
        }
        if let Some(kept) = self.metadata.as_ref().filter(|_| metadata) {
            put("metadata", kept.clone());
        }
        Value::Object(shown)
    }

    fn reactions_json(&self) -> Value {
        let mut shown: Vec<Value> = Vec::new();
        for (name, _) in &self.reactions {
            if shown.iter().any(|one| one["name"] == json!(name)) {
                continue;
            }
            let users: Vec<&String> = self
                .reactions
                .iter()
                .filter(|(other, _)| other == name)
                .map(|(_, user)| user)
                .collect();
            shown.push(json!({ "name": name, "users": users, "count": users.len() }));
        }
        Value::Array(shown)
    }
}

fn bot_profile(team: &Team, app: &App) -> Value {
    json!({
        "id": app.bot_id, "deleted": false, "name": app.name, "updated": 1_700_000_000,
        "app_id": app.id, "user_id": app.bot_user, "team_id": team.id,
        "icons": {
            "image_36": "https://a.slack-edge.com/80588/img/plugins/app/bot_36.png",
            "image_48": "https://a.slack-edge.com/80588/img/plugins/app/bot_48.png",
            "image_72": "https://a.slack-edge.com/80588/img/plugins/app/service_72.png",
        },
    })
}

/// A pinned message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub ts: String,
    /// User id.
    pub by: String,
    /// Seconds since 1970.
    pub at: u64,
}

/// A conversation with all that is in it.
#[derive(Debug, Clone)]
pub struct Channel {
    pub id: String,
    /// "" for a direct message.
    pub name: String,
    pub private: bool,
    pub archived: bool,
    pub shared: bool,
    /// The person on the other side of a direct message.
    pub direct: Option<String>,
    pub topic: String,
    pub purpose: String,
    pub creator: String,
    /// Seconds since 1970.
    pub created: u64,
    /// User ids, in the order of joining.
    pub members: Vec<String>,
    pub previous_names: Vec<String>,
    pub pins: Vec<Pin>,
    pub messages: VecDeque<Message>,
    /// Messages that one person alone sees.
    pub ephemerals: VecDeque<Message>,
}

impl Channel {
    pub(super) fn of(room: &Room, creator: &str, created: u64) -> Self {
        Channel {
            id: room.id.clone(),
            name: room.name.clone(),
            private: room.private,
            archived: room.archived,
            shared: room.shared,
            direct: None,
            topic: String::new(),
            purpose: String::new(),
            creator: creator.to_owned(),
            created,
            members: room.members.clone(),
            previous_names: Vec::new(),
            pins: Vec::new(),
            messages: VecDeque::new(),
            ephemerals: VecDeque::new(),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match (&self.direct, self.private) {
            (Some(_), _) => Kind::Direct,
            (None, true) => Kind::Private,
            (None, false) => Kind::Public,
        }
    }

    pub(super) fn has(&self, user: &str) -> bool {
        self.members.iter().any(|member| member == user)
    }

    /// Adds a message, whose `ts` is the newest, and counts it in its thread.
    pub(super) fn post(&mut self, message: Message) {
        if message.is_reply() {
            let root = message.thread_ts.clone().unwrap_or_default();
            if let Some(root) = self.message(&root) {
                root.thread_ts = Some(root.ts.clone());
                root.replies += 1;
                root.latest_reply = Some(message.ts.clone());
                if !root.reply_users.contains(&message.user) {
                    root.reply_users.push(message.user.clone());
                }
            }
        }
        let queue =
            if message.only_for.is_some() { &mut self.ephemerals } else { &mut self.messages };
        queue.push_back(message);
        if queue.len() > MESSAGES {
            queue.pop_front();
        }
    }

    /// The message that everybody sees at this `ts`.
    pub(super) fn message(&mut self, ts: &str) -> Option<&mut Message> {
        let at = self.position(ts)?;
        self.messages.get_mut(at)
    }

    pub(super) fn position(&self, ts: &str) -> Option<usize> {
        // Timestamps have one width, so their order as text is their order in time.
        self.messages.binary_search_by(|message| message.ts.as_str().cmp(ts)).ok()
    }

    pub(super) fn ephemeral(&mut self, ts: &str) -> Option<&mut Message> {
        self.ephemerals.iter_mut().find(|message| message.ts == ts)
    }

    /// Removes a message of either sort; says whether there was one.
    pub(super) fn remove(&mut self, ts: &str) -> bool {
        let before = self.messages.len() + self.ephemerals.len();
        self.pins.retain(|pin| pin.ts != ts);
        if let Some(at) = self.position(ts) {
            self.messages.remove(at);
        }
        self.ephemerals.retain(|message| message.ts != ts);
        before != self.messages.len() + self.ephemerals.len()
    }

    /// As `conversations.info` shows it to the bot.
    pub(super) fn json(&self, team: &Team, bot: &str) -> Value {
        let teams = if self.shared { json!([team.id, "T0OTHER001"]) } else { json!([team.id]) };
        let mut shown = json!({
            "id": self.id,
            "created": self.created,
            "is_archived": self.archived,
            "is_im": self.direct.is_some(),
            "is_org_shared": false,
            "context_team_id": team.id,
            "updated": self.created * 1000,
        });
        if let Some(user) = &self.direct {
            shown["user"] = json!(user);
            shown["is_open"] = json!(true);
            return shown;
        }
        let note = |value: &str| {
            let creator = if value.is_empty() { "" } else { bot };
            let last_set = if value.is_empty() { 0 } else { self.created };
            json!({ "value": value, "creator": creator, "last_set": last_set })
        };
        let more = json!({
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": !self.private,
            "is_group": false,
            "is_mpim": false,
            "is_private": self.private,
            "is_general": false,
            "is_member": self.has(bot),
            "is_shared": self.shared,
            "is_ext_shared": self.shared,
            "is_pending_ext_shared": false,
            "pending_shared": [],
            "pending_connected_team_ids": [],
            "shared_team_ids": teams,
            "internal_team_ids": [team.id],
            "creator": self.creator,
            "unlinked": 0,
            "topic": note(&self.topic),
            "purpose": note(&self.purpose),
            "previous_names": self.previous_names,
        });
        merge(&mut shown, more);
        shown
    }
}

/// Adds the keys of one object to another.
pub(super) fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
