//! The Web API's methods: the table of them all, and what every call goes through. Invariant: a
//! method runs only for a token that may call it, and every refusal is made before anything changes.
//! Called by the server under the state's lock.

mod bookmarks;
mod chat;
mod conversations;
mod files;
mod history;
mod members;
mod pins;
mod users;
mod views;
mod workspace;

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::channel::Channel;
use super::rate::Tier;
use super::refusal::Refusal;
use super::scopes::{Kind, Needs};
use super::state::State;

pub(super) use conversations::direct;
pub(super) use users::shown as shown_user;

/// A message with its files, as a payload shows it.
pub(super) fn whole_message(state: &State, message: &super::channel::Message) -> Value {
    history::whole(state, message, true)
}

/// An object without `ok`, which the server adds.
pub(super) type Answered = Result<Value, Refusal>;

/// One method of the Web API.
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) needs: Needs,
    tier: Tier,
    /// It reads a JSON body too.
    pub(super) takes_json: bool,
    run: fn(&mut Call<'_>) -> Answered,
}

const fn writes(
    name: &'static str,
    needs: Needs,
    tier: Tier,
    run: fn(&mut Call<'_>) -> Answered,
) -> Method {
    Method { name, needs, tier, takes_json: true, run }
}

const fn reads(
    name: &'static str,
    needs: Needs,
    tier: Tier,
    run: fn(&mut Call<'_>) -> Answered,
) -> Method {
    Method { name, needs, tier, takes_json: false, run }
}

use Needs::{AppToken, Kind as OfKind, Manage, Nothing, Scope, Token};
use Tier::{Four, Posting, Special, Three, Two};

/// Tiers and scopes from each method's page on docs.slack.dev.
static METHODS: [Method; 47] = [
    writes("api.test", Nothing, Four, workspace::api_test),
    writes("auth.test", Token, Special, workspace::auth_test),
    writes("apps.connections.open", AppToken, Special, workspace::connections_open),
    writes("bookmarks.add", Scope("bookmarks:write"), Two, bookmarks::add),
    writes("chat.delete", Scope("chat:write"), Three, chat::delete),
    reads("chat.getPermalink", Token, Special, chat::permalink),
    writes("chat.postEphemeral", Scope("chat:write"), Four, chat::post_ephemeral),
    writes("chat.postMessage", Scope("chat:write"), Posting, chat::post),
    writes("chat.update", Scope("chat:write"), Three, chat::update),
    writes("conversations.archive", Manage, Two, conversations::archive),
    writes("conversations.create", Manage, Two, conversations::create),
    reads("conversations.history", OfKind("history"), Three, history::history),
    reads("conversations.info", OfKind("read"), Three, conversations::info),
    writes("conversations.invite", Manage, Three, members::invite),
    writes("conversations.join", Scope("channels:join"), Three, members::join),
    writes("conversations.kick", Manage, Three, members::kick),
    writes("conversations.leave", Manage, Three, members::leave),
    reads("conversations.list", OfKind("read"), Two, conversations::list),
    reads("conversations.members", OfKind("read"), Four, members::members),
    writes("conversations.open", Scope("im:write"), Three, conversations::open),
    writes("conversations.rename", Manage, Two, conversations::rename),
    reads("conversations.replies", OfKind("history"), Three, history::replies),
    writes("conversations.setPurpose", Manage, Two, conversations::set_purpose),
    writes("conversations.setTopic", Manage, Two, conversations::set_topic),
    writes("conversations.unarchive", Manage, Two, conversations::unarchive),
    writes("files.completeUploadExternal", Scope("files:write"), Four, files::complete),
    writes("files.delete", Scope("files:write"), Three, files::delete),
    reads("files.getUploadURLExternal", Scope("files:write"), Four, files::upload_url),
    reads("files.info", Scope("files:read"), Four, files::info),
    writes("pins.add", Scope("pins:write"), Two, pins::add),
    reads("pins.list", Scope("pins:read"), Two, pins::list),
    writes("pins.remove", Scope("pins:write"), Two, pins::remove),
    writes("reactions.add", Scope("reactions:write"), Three, pins::react),
    reads("team.info", Scope("team:read"), Three, workspace::team_info),
    reads("usergroups.list", Scope("usergroups:read"), Two, users::groups),
    reads("usergroups.users.list", Scope("usergroups:read"), Two, users::group_members),
    reads("users.info", Scope("users:read"), Four, users::info),
    reads("users.list", Scope("users:read"), Two, users::list),
    reads("users.lookupByEmail", Scope("users:read.email"), Three, users::by_email),
    writes("views.open", Token, Four, views::open),
    writes("views.publish", Token, Four, views::publish),
    writes("views.push", Token, Four, views::push),
    writes("views.update", Token, Four, views::update),
    // Read by client libraries on their own account.
    reads("bots.info", Scope("users:read"), Three, users::bot),
    reads("users.conversations", OfKind("read"), Three, conversations::of_user),
    writes("auth.revoke", Token, Three, workspace::revoke),
    reads("bookmarks.list", Scope("bookmarks:read"), Three, bookmarks::list),
];

pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// One call while it runs.
pub(super) struct Call<'a> {
    pub(super) state: &'a mut State,
    pub(super) args: &'a Arguments,
    needs: Needs,
    token: &'a str,
}

/// Checks scopes and rate, then runs the method. The token has been admitted before.
///
/// # Errors
/// Whatever Slack would refuse.
pub(super) fn answer(
    state: &mut State,
    method: &'static Method,
    args: &Arguments,
    token: &str,
) -> Answered {
    method.needs.any(&state.tokens.scopes)?;
    let channel = args.text("channel").unwrap_or_default();
    let now = state.now;
    state.rates.take(method.name, method.tier, channel, now)?;
    (method.run)(&mut Call { state, args, needs: method.needs, token })
}

impl Call<'_> {
    /// The conversation named by `channel`, if the bot may know of it.
    ///
    /// # Errors
    /// `invalid_arguments`, `channel_not_found`, `missing_scope`.
    fn channel(&mut self) -> Result<&mut Channel, Refusal> {
        let id = self.args.required("channel")?.to_owned();
        self.channel_of(&id)
    }

    fn channel_of(&mut self, id: &str) -> Result<&mut Channel, Refusal> {
        let not_found = || Refusal::new("channel_not_found");
        let channel = self.state.channels.get(id).ok_or_else(not_found)?;
        let kind = channel.kind();
        if kind != Kind::Public && !channel.has(&self.state.app.bot_user) {
            return Err(not_found());
        }
        if matches!(self.needs, OfKind(_) | Manage) {
            self.needs.of(kind, &self.state.tokens.scopes)?;
        }
        self.state.channels.get_mut(id).ok_or_else(not_found)
    }

    /// As [`Call::channel`], and the bot is a member.
    ///
    /// # Errors
    /// `not_in_channel` besides.
    fn joined(&mut self) -> Result<&mut Channel, Refusal> {
        let bot = self.state.app.bot_user.clone();
        let channel = self.channel()?;
        if channel.has(&bot) { Ok(channel) } else { Err(Refusal::new("not_in_channel")) }
    }

    /// As [`Call::joined`], and it is not archived.
    ///
    /// # Errors
    /// `is_archived` besides.
    fn open_channel(&mut self) -> Result<&mut Channel, Refusal> {
        let channel = self.joined()?;
        if channel.archived { Err(Refusal::new("is_archived")) } else { Ok(channel) }
    }

    /// The channel as an answer shows it.
    fn shown(&mut self, id: &str) -> Answered {
        let (team, bot) = (self.state.team.clone(), self.state.app.bot_user.clone());
        let channel = self.state.channels.get(id);
        let channel = channel.ok_or_else(|| Refusal::new("channel_not_found"))?;
        Ok(json!({ "channel": channel.json(&team, &bot) }))
    }
}

/// One page of a list: `limit` (default and most given) and an opaque `cursor`.
///
/// # Errors
/// `invalid_cursor`, `invalid_limit`, `invalid_arguments`.
fn page<T: Clone>(
    args: &Arguments,
    items: &[T],
    default: usize,
    most: usize,
) -> Result<(Vec<T>, String), Refusal> {
    let limit = match args.number("limit")?.map(usize::try_from) {
        None | Some(Ok(0)) => default,
        Some(Ok(limit)) if limit <= most => limit,
        Some(_) => return Err(Refusal::new("invalid_limit")),
    };
    let start = match args.text("cursor") {
        None => 0,
        Some(cursor) => {
            let offset = cursor.strip_prefix("offset:").and_then(|n| n.parse::<usize>().ok());
            let offset = offset.filter(|offset| *offset <= items.len());
            offset.ok_or_else(|| Refusal::new("invalid_cursor"))?
        }
    };
    let end = (start + limit).min(items.len());
    let next = if end < items.len() { format!("offset:{end}") } else { String::new() };
    Ok((items[start..end].to_vec(), next))
}

/// The `response_metadata` of a list.
fn cursor(next: &str) -> Value {
    json!({ "next_cursor": next })
}
