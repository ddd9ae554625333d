//! Rooms for incidents: making one, its topic, its people, its pins, its end. A room is a text channel
//! or a thread ([`Rooms`]); which of the two one is, Discord is asked, since the configuration may have
//! changed since it was made.
//!
//! Invariant: but for making a room, every call here may be made again: what stands already as it was
//! asked for is success.

use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use twilight_model::guild::Permissions;

use super::ask::Ask;
use super::codes::ARCHIVED;
use super::error::{CallError, Repeat};
use super::ids::{Place, is_id};
use super::messages::standing;
use super::{Discord, Rooms};
use crate::chat::{ChatError, Conversation, MessageRef, Platform};
use crate::discord::render::markdown::inert;
use crate::text::{channel_name, cut, one_line};

/// Longest name of a channel or thread, in characters.
const MAX_NAME: usize = 100;
/// Longest topic, in characters.
const MAX_TOPIC: usize = 1_024;
/// Minutes without a message after which a thread leaves the list: the longest there is, a week.
const OPEN_FOR: u32 = 7 * 24 * 60;
/// A topic that has to wait longer is given up: Discord takes two changes in ten minutes, and the next
/// change of the incident brings a newer one.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Kinds of channels: <https://docs.discord.com/developers/resources/channel#channel-object-channel-types>.
const TEXT: u8 = 0;
const PUBLIC_THREAD: u8 = 11;
const PRIVATE_THREAD: u8 = 12;
/// Kinds of overwrites.
const ROLE: u8 = 0;
const MEMBER: u8 = 1;

const MANAGING: &str = "Manage Channels and Manage Roles, or Manage Threads";

/// What is taken away when a room closes.
const WRITING: Permissions = Permissions::SEND_MESSAGES
    .union(Permissions::SEND_MESSAGES_IN_THREADS)
    .union(Permissions::CREATE_PUBLIC_THREADS)
    .union(Permissions::CREATE_PRIVATE_THREADS);
/// What whoever is invited into a private channel may do, and nova itself.
const INSIDE: Permissions = Permissions::VIEW_CHANNEL
    .union(Permissions::SEND_MESSAGES)
    .union(Permissions::READ_MESSAGE_HISTORY);

#[derive(Deserialize)]
struct Channel {
    id: String,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    permission_overwrites: Vec<Overwrite>,
}

/// What a role or a member may do in one channel, apart from what it may elsewhere.
#[derive(Clone, Deserialize, Serialize)]
struct Overwrite {
    id: String,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(serialize_with = "number")]
    allow: Permissions,
    #[serde(serialize_with = "number")]
    deny: Permissions,
}

/// Discord tells permissions as text and takes them as a number.
fn number<S: Serializer>(permissions: &Permissions, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u64(permissions.bits())
}

impl Channel {
    fn is_thread(&self) -> bool {
        // 10 is a thread of an announcement channel.
        matches!(self.kind, 10 | PUBLIC_THREAD | PRIVATE_THREAD)
    }

    fn overwrite(&self, id: &str, kind: u8) -> Overwrite {
        let present = self.permission_overwrites.iter().find(|o| o.id == id && o.kind == kind);
        present.cloned().unwrap_or_else(|| Overwrite {
            id: id.to_owned(),
            kind,
            allow: Permissions::empty(),
            deny: Permissions::empty(),
        })
    }
}

impl Discord {
    /// Discord lets two rooms have the same name, so none is ever taken.
    pub(super) async fn make_room(
        &self,
        name: &str,
        private: bool,
    ) -> Result<Conversation, ChatError> {
        let made = async {
            let ask = match &self.inner.rooms {
                Rooms::Channels { category } => {
                    self.new_channel(name, category.as_deref(), private).await?
                }
                Rooms::Threads { parent } => new_thread(name, parent, private),
            };
            let channel: Channel = self.write(&ask).await?;
            let fine = is_id(&channel.id);
            fine.then_some(channel.id).ok_or_else(|| CallError::Lost("a room without an id".into()))
        };
        let id = made.await.map_err(|error: CallError| error.into_chat(Repeat::Unsafe))?;
        Ok(Conversation { platform: Platform::Discord, id })
    }

    async fn new_channel(
        &self,
        name: &str,
        category: Option<&str>,
        private: bool,
    ) -> Result<Ask, CallError> {
        let guild = &self.inner.guild;
        let mut body = json!({ "name": channel_name(name, MAX_NAME), "type": TEXT });
        if let Some(category) = category {
            body["parent_id"] = category.into();
        }
        if private {
            let user = self.known_user().await?;
            let nothing = Permissions::empty();
            let (allow, deny) = (INSIDE, Permissions::VIEW_CHANNEL);
            body["permission_overwrites"] = json!([
                Overwrite { id: guild.clone(), kind: ROLE, allow: nothing, deny },
                Overwrite { id: user, kind: MEMBER, allow, deny: nothing },
            ]);
        }
        let path = format!("/guilds/{guild}/channels");
        let ask = Ask::new(Method::POST, "POST /guilds/{guild}/channels", guild, path);
        Ok(ask.json(&body).needs("Manage Channels"))
    }

    pub(super) async fn write_topic(
        &self,
        room: &Conversation,
        topic: &str,
    ) -> Result<(), ChatError> {
        let channel = self.room(room).await?;
        if channel.is_thread() {
            // A thread has none; its first message, the card, says the same.
            return Ok(());
        }
        // Discord reads markup in topics too.
        let topic = inert(&one_line(topic), MAX_TOPIC).0;
        let ask = change(&channel.id, TOPIC, &json!({ "topic": topic }));
        match self.settle(&ask).await {
            Err(CallError::Limited(pause)) if pause > LONGEST_WAIT => Err(ChatError::Refused(
                "Discord takes two changes of a topic in ten minutes; the next change brings it"
                    .into(),
            )),
            other => other.map_err(|error| error.into_chat(Repeat::Safe)),
        }
    }

    /// Everybody who can be added is, and the first failure is told. Into a public channel nobody has to
    /// be invited.
    pub(super) async fn add_people(
        &self,
        room: &Conversation,
        accounts: &[String],
    ) -> Result<(), ChatError> {
        if accounts.iter().any(|account| !is_id(account)) {
            return Err(ChatError::Gone);
        }
        let channel = self.room(room).await?;
        let hidden = channel.overwrite(&self.inner.guild, ROLE).deny;
        if !channel.is_thread() && !hidden.contains(Permissions::VIEW_CHANNEL) {
            return Ok(());
        }
        let mut failure = None;
        for account in accounts {
            if let Err(error) = self.settle(&add(&channel, account)).await {
                failure.get_or_insert(error);
            }
        }
        failure.map_or(Ok(()), |error| Err(error.into_chat(Repeat::Safe)))
    }

    pub(super) async fn pin_message(&self, at: &MessageRef) -> Result<(), ChatError> {
        let (channel, id) = standing(at)?;
        let path = format!("/channels/{channel}/messages/pins/{id}");
        let route = "PUT /channels/{channel}/messages/pins/{message}";
        let ask = Ask::new(Method::PUT, route, channel, path).needs("Pin Messages");
        self.settle(&ask).await.map_err(|error| error.into_chat(Repeat::Safe))
    }

    pub(super) async fn close_room(&self, room: &Conversation) -> Result<(), ChatError> {
        let channel = self.room(room).await?;
        let safe = |error: CallError| error.into_chat(Repeat::Safe);
        let body = if channel.is_thread() {
            json!({ "archived": true, "locked": true })
        } else {
            let user = self.known_user().await.map_err(safe)?;
            json!({ "permission_overwrites": closed(&channel, &self.inner.guild, &user) })
        };
        match self.settle(&change(&channel.id, CLOSE, &body)).await {
            Err(error) if error.code() == Some(ARCHIVED) => Ok(()),
            other => other.map_err(safe),
        }
    }

    /// A message's address; Discord is not asked whether it is there.
    pub(super) fn link(&self, at: &MessageRef) -> Result<String, ChatError> {
        let (channel, id) = standing(at)?;
        Ok(format!("https://discord.com/channels/{}/{channel}/{id}", self.inner.guild))
    }

    async fn room(&self, room: &Conversation) -> Result<Channel, ChatError> {
        let id = Place::channel(room)?;
        let ask = Ask::get("GET /channels/{channel}", id, format!("/channels/{id}"));
        let channel: Channel =
            self.read(ask).await.map_err(|error| error.into_chat(Repeat::Safe))?;
        if channel.id == id { Ok(channel) } else { Err(ChatError::Gone) }
    }
}

/// Topics have a limit of their own, much stricter than that of everything else about a channel.
const TOPIC: &str = "PATCH /channels/{channel} topic";
const CLOSE: &str = "PATCH /channels/{channel}";

fn change(channel: &str, route: &'static str, body: &serde_json::Value) -> Ask {
    Ask::new(Method::PATCH, route, channel, format!("/channels/{channel}"))
        .json(body)
        .needs(MANAGING)
}

fn new_thread(name: &str, parent: &str, private: bool) -> Ask {
    let kind = if private { PRIVATE_THREAD } else { PUBLIC_THREAD };
    let name = one_line(name);
    let name = if name.is_empty() { "incident".into() } else { cut(&name, MAX_NAME) };
    let body = json!({ "name": name, "type": kind, "auto_archive_duration": OPEN_FOR });
    let path = format!("/channels/{parent}/threads");
    Ask::new(Method::POST, "POST /channels/{channel}/threads", parent, path)
        .json(&body)
        .needs("Create Public Threads or Create Private Threads")
}

fn add(channel: &Channel, account: &str) -> Ask {
    let id = &channel.id;
    if channel.is_thread() {
        let path = format!("/channels/{id}/thread-members/{account}");
        let route = "PUT /channels/{channel}/thread-members/{user}";
        return Ask::new(Method::PUT, route, id, path).needs("Send Messages in Threads");
    }
    let path = format!("/channels/{id}/permissions/{account}");
    let present = channel.overwrite(account, MEMBER);
    let (allow, deny) = ((present.allow | INSIDE).bits(), (present.deny - INSIDE).bits());
    Ask::new(Method::PUT, "PUT /channels/{channel}/permissions/{overwrite}", id, path)
        .json(&json!({ "type": MEMBER, "allow": allow, "deny": deny }))
        .needs("Manage Roles")
}

/// The channel's overwrites with writing taken from everybody but nova.
fn closed(channel: &Channel, guild: &str, user: &str) -> Vec<Overwrite> {
    let of_nova = |o: &Overwrite| o.id == user && o.kind == MEMBER;
    let of_all = |o: &Overwrite| o.id == guild && o.kind == ROLE;
    let present = channel.permission_overwrites.iter().cloned();
    let others = present.filter(|o| !of_nova(o) && !of_all(o));
    let mut closed: Vec<_> = others.map(|o| Overwrite { allow: o.allow - WRITING, ..o }).collect();
    let all = channel.overwrite(guild, ROLE);
    closed.push(Overwrite { allow: all.allow - WRITING, deny: all.deny | WRITING, ..all });
    let nova = channel.overwrite(user, MEMBER);
    closed.push(Overwrite { allow: nova.allow | INSIDE, deny: nova.deny - INSIDE, ..nova });
    closed
}
