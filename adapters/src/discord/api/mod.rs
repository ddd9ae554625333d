//! Discord's REST API, version 10: [`Discord`] posts, updates and looks up messages ([`Chat`]) and does
//! what a server offers beyond that ([`Workspace`]). The `bot` crate calls it; the gateway asks it for
//! its address and answers interactions by it.
//!
//! Of the answers only what is needed is read, because a model that is stricter than Discord would turn
//! a post that succeeded into an error.
//!
//! Invariant: one attempt a write; nothing is sent that Discord has said it would refuse: a token that
//! it turned down, a rate limit that is used up, more wrong calls than an address may make. No token,
//! address or body is in any error.
//!
//! [`Chat`]: crate::chat::Chat
//! [`Workspace`]: crate::workspace::Workspace

mod ask;
mod call;
mod codes;
mod commands;
mod error;
mod files;
mod gateway;
mod hosts;
mod identity;
mod ids;
mod limits;
mod messages;
mod people;
mod permissions;
mod reply;
mod rooms;
#[cfg(test)]
mod tests;
mod workspace;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::watch;

use crate::chat::ChatError;
use crate::rest::cache::KeptEach;
use crate::rest::exchange::Exchange;
use crate::rest::token::{BotToken, unfit};

use error::{CallError, Repeat};
use hosts::Hosts;
use limits::Limits;
use people::People;

pub use commands::Scope;
pub use gateway::GatewayAddress;
pub use identity::Identity;
pub use permissions::invitation;

/// Discord wants to know who calls, in this form:
/// <https://docs.discord.com/developers/reference#user-agent>.
const AGENT: &str =
    concat!("DiscordBot (https://github.com/novacron/nova, ", env!("CARGO_PKG_VERSION"), ")");

/// How to reach Discord.
#[derive(Clone, Debug)]
pub struct DiscordOptions {
    /// In front of a path: `https://discord.com/api/v10`. Plain http only on this machine.
    pub api_url: String,
    pub application_id: String,
    /// The one server that is served.
    pub guild_id: String,
    pub bot_token: SecretString,
    pub rooms: Rooms,
    /// How long one call may take, connecting included.
    pub deadline: Duration,
}

/// What an incident's room is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rooms {
    /// A text channel, in this category.
    Channels { category: Option<String> },
    /// A thread of this channel.
    Threads { parent: String },
}

/// One application in one server. Cheap to clone.
#[derive(Clone)]
pub struct Discord {
    inner: Arc<Inner>,
}

struct Inner {
    exchange: Exchange,
    hosts: Hosts,
    application: String,
    guild: String,
    token: BotToken,
    rooms: Rooms,
    deadline: Duration,
    limits: Limits,
    /// The bot's user id, with the number of the token that it belongs to.
    user: Mutex<Option<(u64, String)>>,
    people: People,
    /// The channel of the direct messages with an account.
    direct: KeptEach<String>,
}

impl Discord {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// [`ChatError::Refused`] for an address or an id that is none, [`ChatError::Unauthorised`] for a
    /// token that cannot be one, [`ChatError::Unavailable`] when the machine's TLS roots cannot be used.
    pub fn new(options: DiscordOptions) -> Result<Self, ChatError> {
        let hosts = Hosts::new(&options.api_url).map_err(ChatError::Refused)?;
        let room = match &options.rooms {
            Rooms::Channels { category } => category.as_ref(),
            Rooms::Threads { parent } => Some(parent),
        };
        let ids = [Some(&options.application_id), Some(&options.guild_id), room];
        if ids.into_iter().flatten().any(|id| !ids::is_id(id)) {
            return Err(ChatError::Refused(
                "an id of Discord's is a number of 17 to 20 digits; see \"Copy ID\" in its developer \
                 mode"
                    .into(),
            ));
        }
        if let Some(why) = unfit(&options.bot_token) {
            return Err(ChatError::Unauthorised(why));
        }
        let exchange = Exchange::new(AGENT, options.deadline)
            .map_err(|failure| CallError::from(failure).into_chat(Repeat::Safe))?;
        Ok(Self {
            inner: Arc::new(Inner {
                exchange,
                hosts,
                application: options.application_id,
                guild: options.guild_id,
                token: BotToken::new("Discord", options.bot_token),
                rooms: options.rooms,
                deadline: options.deadline,
                limits: Limits::default(),
                user: Mutex::default(),
                people: People::default(),
                direct: KeptEach::default(),
            }),
        })
    }

    /// Whether the API is on this machine, as in a test.
    pub(in crate::discord) fn is_local(&self) -> bool {
        self.inner.hosts.is_local()
    }

    /// Uses another bot token from the next call on, and sends again if it had stopped.
    pub fn replace_token(&self, bot: SecretString) {
        self.inner.token.replace(bot);
    }

    /// The bot token of the moment, for the gateway.
    ///
    /// # Errors
    /// [`ChatError::Unauthorised`] when it is not accepted any more.
    pub fn bot_token(&self) -> Result<SecretString, ChatError> {
        let lent = self.inner.token.lend();
        lent.map(|lent| lent.token).map_err(|stopped| ChatError::Unauthorised(stopped.0))
    }

    /// Sends nothing any more until [`Discord::replace_token`]: for whoever hears of it otherwise, as
    /// from the gateway.
    pub fn stop(&self, why: &str) {
        self.inner.token.stop(why);
    }

    /// Why nothing is sent any more.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        self.inner.token.stopped()
    }

    /// The same, to be waited on.
    #[must_use]
    pub fn watch_stopped(&self) -> watch::Receiver<Option<String>> {
        self.inner.token.watch()
    }
}

impl fmt::Debug for Discord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discord")
            .field("api", &self.inner.hosts.api())
            .field("application", &self.inner.application)
            .field("guild", &self.inner.guild)
            .field("stopped", &self.stopped())
            .finish_non_exhaustive()
    }
}
