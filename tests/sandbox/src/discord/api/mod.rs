//! The REST routes: the table of them all, and what every call goes through. Invariant: every refusal is
//! made before anything changes. Source: docs.discord.com/developers/resources; templates as in the
//! published schema. Called by the server under the state's lock.

mod callbacks;
mod channels;
mod commands;
mod guild;
mod history;
mod messages;
mod overwrites;
mod pins;
mod threads;
mod users;

use serde_json::Value;

use super::channel::Channel;
use super::multipart::Upload;
use super::permissions as may;
use super::rate::Limit;
use super::refusal::Refusal;
use super::state::State;

/// A status and a body; `Null` for none.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

pub(super) type Answered = Result<Reply, Refusal>;

#[expect(clippy::unnecessary_wraps, reason = "the routes end with it")]
fn ok(body: Value) -> Answered {
    Ok(Reply { status: 200, body })
}

#[expect(clippy::unnecessary_wraps, reason = "the routes end with it")]
fn created(body: Value) -> Answered {
    Ok(Reply { status: 201, body })
}

#[expect(clippy::unnecessary_wraps, reason = "the routes end with it")]
fn nothing() -> Answered {
    Ok(Reply { status: 204, body: Value::Null })
}

/// One route.
pub(super) struct Route {
    /// `METHOD /template`.
    pub(super) name: &'static str,
    /// It needs the bot's token; otherwise an interaction's stands in the path.
    pub(super) bot: bool,
    pub(super) limit: Limit,
    run: fn(&mut Call<'_>) -> Answered,
}

const fn bot(name: &'static str, limit: Limit, run: fn(&mut Call<'_>) -> Answered) -> Route {
    Route { name, bot: true, limit, run }
}

const fn hook(name: &'static str, run: fn(&mut Call<'_>) -> Answered) -> Route {
    Route { name, bot: false, limit: (5, 2), run }
}

/// Figures seen in the headers of real answers; Discord publishes none.
const POST: Limit = (5, 5);
const READ: Limit = (10, 1);
const RARE: Limit = (10, 10);

/// A literal stands before what would take its place.
static ROUTES: &[Route] = &[
    bot("GET /applications/@me", READ, users::application),
    bot("GET /oauth2/applications/@me", READ, users::application),
    bot("GET /applications/{application_id}/commands", READ, commands::list_global),
    bot("POST /applications/{application_id}/commands", RARE, commands::create_global),
    bot("PUT /applications/{application_id}/commands", RARE, commands::replace_global),
    bot("GET /applications/{application_id}/commands/{command_id}", READ, commands::get_global),
    bot("PATCH /applications/{application_id}/commands/{command_id}", RARE, commands::edit_global),
    bot(
        "DELETE /applications/{application_id}/commands/{command_id}",
        RARE,
        commands::delete_global,
    ),
    bot("GET /applications/{application_id}/guilds/{guild_id}/commands", READ, commands::list),
    bot("POST /applications/{application_id}/guilds/{guild_id}/commands", RARE, commands::create),
    bot("PUT /applications/{application_id}/guilds/{guild_id}/commands", RARE, commands::replace),
    bot(
        "GET /applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        READ,
        commands::get,
    ),
    bot(
        "PATCH /applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        RARE,
        commands::edit,
    ),
    bot(
        "DELETE /applications/{application_id}/guilds/{guild_id}/commands/{command_id}",
        RARE,
        commands::delete,
    ),
    bot("GET /channels/{channel_id}", READ, channels::get),
    bot("PATCH /channels/{channel_id}", RARE, channels::edit),
    bot("DELETE /channels/{channel_id}", RARE, channels::delete),
    bot("GET /channels/{channel_id}/messages", READ, history::list),
    bot("POST /channels/{channel_id}/messages", POST, messages::create),
    bot("GET /channels/{channel_id}/messages/pins", READ, pins::list),
    bot("PUT /channels/{channel_id}/messages/pins/{message_id}", POST, pins::add),
    bot("DELETE /channels/{channel_id}/messages/pins/{message_id}", POST, pins::remove),
    bot("GET /channels/{channel_id}/messages/{message_id}", READ, history::get),
    bot("PATCH /channels/{channel_id}/messages/{message_id}", POST, messages::edit),
    bot("DELETE /channels/{channel_id}/messages/{message_id}", POST, messages::delete),
    bot("POST /channels/{channel_id}/messages/{message_id}/threads", RARE, threads::from_message),
    bot("PUT /channels/{channel_id}/permissions/{overwrite_id}", RARE, overwrites::put),
    bot("DELETE /channels/{channel_id}/permissions/{overwrite_id}", RARE, overwrites::delete),
    bot("GET /channels/{channel_id}/pins", READ, pins::list_old),
    bot("PUT /channels/{channel_id}/pins/{message_id}", POST, pins::add),
    bot("DELETE /channels/{channel_id}/pins/{message_id}", POST, pins::remove),
    bot("GET /channels/{channel_id}/thread-members", READ, threads::members),
    bot("PUT /channels/{channel_id}/thread-members/@me", POST, threads::join),
    bot("DELETE /channels/{channel_id}/thread-members/@me", POST, threads::leave),
    bot("PUT /channels/{channel_id}/thread-members/{user_id}", POST, threads::add),
    bot("DELETE /channels/{channel_id}/thread-members/{user_id}", POST, threads::remove),
    bot("POST /channels/{channel_id}/threads", RARE, threads::create),
    bot("POST /channels/{channel_id}/typing", POST, messages::typing),
    bot("GET /gateway", READ, users::gateway),
    bot("GET /gateway/bot", READ, users::gateway_bot),
    bot("GET /guilds/{guild_id}", READ, guild::get),
    bot("GET /guilds/{guild_id}/channels", READ, guild::channels),
    bot("POST /guilds/{guild_id}/channels", RARE, channels::create),
    bot("GET /guilds/{guild_id}/members", READ, guild::members),
    bot("GET /guilds/{guild_id}/members/search", READ, guild::search),
    bot("GET /guilds/{guild_id}/members/{user_id}", READ, guild::member),
    bot("GET /guilds/{guild_id}/roles", READ, guild::roles),
    bot("GET /guilds/{guild_id}/threads/active", READ, guild::threads),
    bot("GET /users/@me", READ, users::me),
    bot("POST /users/@me/channels", RARE, users::direct),
    bot("GET /users/{user_id}", READ, users::get),
    hook("POST /interactions/{interaction_id}/{interaction_token}/callback", callbacks::respond),
    hook("POST /webhooks/{webhook_id}/{webhook_token}", callbacks::follow_up),
    hook("GET /webhooks/{webhook_id}/{webhook_token}/messages/@original", callbacks::get),
    hook("PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original", callbacks::edit),
    hook("DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original", callbacks::delete),
    hook("GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", callbacks::get),
    hook("PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", callbacks::edit),
    hook("DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", callbacks::delete),
];

/// A path's values by the names in the template.
pub(super) type Parameters = Vec<(&'static str, String)>;

/// The name of each route.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.name)
}

/// The route of a path below the base, and its values.
pub(super) fn find(method: &str, path: &str) -> Option<(&'static Route, Parameters)> {
    ROUTES.iter().find_map(|route| {
        let (verb, template) = route.name.split_once(' ')?;
        let values = if verb == method { fit(template, path)? } else { return None };
        Some((route, values))
    })
}

/// Whether there is a route for the path by another method.
pub(super) fn exists(path: &str) -> bool {
    ROUTES
        .iter()
        .any(|route| route.name.split_once(' ').is_some_and(|(_, t)| fit(t, path).is_some()))
}

fn fit(template: &'static str, path: &str) -> Option<Parameters> {
    let mut values = Vec::new();
    let mut parts = path.split('/');
    for known in template.split('/') {
        let part = parts.next()?;
        match known.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if takes(name, part) => values.push((name, part.to_owned())),
            None if known == part => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(values)
}

/// Every id is a snowflake; tokens are not.
fn takes(name: &str, part: &str) -> bool {
    let number = part.len() <= 20 && part.bytes().all(|byte| byte.is_ascii_digit());
    !part.is_empty() && (number || name.ends_with("_token"))
}

/// One call while it runs.
pub(super) struct Call<'a> {
    pub(super) state: &'a mut State,
    pub(super) parameters: &'a [(&'static str, String)],
    pub(super) query: &'a str,
    pub(super) body: &'a Value,
    pub(super) files: &'a [Upload],
    pub(super) gateway_url: &'a str,
}

/// Does what a route does. Token and rate have been looked at before.
///
/// # Errors
/// Whatever Discord would refuse.
pub(super) fn answer(route: &Route, call: &mut Call<'_>) -> Answered {
    (route.run)(call)
}

impl Call<'_> {
    /// A value of the path.
    fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// A value of the query.
    fn query(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Whether a value of the query is set. Source: docs.discord.com/developers/reference, "Boolean
    /// Query Strings".
    fn switch(&self, name: &str) -> bool {
        matches!(self.query(name).as_deref(), Some("true" | "True" | "1"))
    }

    /// How many items are asked for.
    ///
    /// # Errors
    /// 50035 for a number out of range.
    fn limit(&self, default: usize, most: usize) -> Result<usize, Refusal> {
        let Some(given) = self.query("limit") else { return Ok(default) };
        let number = given.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| {
            let message = format!("int value should be between 1 and {most}.");
            Refusal::field("limit", "NUMBER_TYPE_RANGE", &message)
        })
    }

    /// The channel of the path, if the bot sees it and may do all this there.
    ///
    /// # Errors
    /// 10003, 50001, 50013.
    fn channel(&self, needs: u64) -> Result<Channel, Refusal> {
        let id = self.parameter("channel_id");
        let channel = self.state.channels.get(id).ok_or_else(Refusal::unknown_channel)?;
        let permissions = self.state.bot_permissions(channel);
        let inside = self.state.installed || channel.recipient.is_some();
        if !inside || permissions & may::VIEW_CHANNEL == 0 {
            return Err(Refusal::missing_access());
        }
        if permissions & needs != needs {
            return Err(Refusal::missing_permissions());
        }
        Ok(channel.clone())
    }

    /// As [`Call::channel`], to be changed.
    fn stored(&mut self, id: &str) -> Result<&mut Channel, Refusal> {
        self.state.channels.get_mut(id).ok_or_else(Refusal::unknown_channel)
    }

    /// The guild of the path is the only one.
    ///
    /// # Errors
    /// 10004; 50001 for another.
    fn guild(&self) -> Result<(), Refusal> {
        if self.parameter("guild_id") != self.state.guild {
            return Err(Refusal::unknown_guild());
        }
        if self.state.installed { Ok(()) } else { Err(Refusal::missing_access()) }
    }

    /// Whether the bot may do all this in the guild.
    ///
    /// # Errors
    /// 50013.
    fn may(&self, needs: u64) -> Result<(), Refusal> {
        let has = self.state.bot_guild_permissions();
        if has & needs == needs { Ok(()) } else { Err(Refusal::missing_permissions()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_its_route_and_a_literal_goes_first() {
        let name = |method: &str, path: &str| find(method, path).map(|(route, _)| route.name);
        assert_eq!(name("GET", "/users/@me"), Some("GET /users/@me"));
        assert_eq!(name("GET", "/users/12"), Some("GET /users/{user_id}"));
        assert_eq!(name("GET", "/users/me"), None);
        let pins = name("GET", "/channels/1/messages/pins");
        assert_eq!(pins, Some("GET /channels/{channel_id}/messages/pins"));
        let (_, values) = find("PATCH", "/webhooks/1/a.b/messages/@original").unwrap();
        assert_eq!(values[1], ("webhook_token", "a.b".to_owned()));
        assert!(exists("/users/@me/channels") && !exists("/users/@me/guilds"));
    }
}
