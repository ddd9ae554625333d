//! Slack's Web API: [`Slack`] posts, updates and looks up messages ([`Chat`]) and does what a
//! workspace offers beyond that ([`Workspace`]). The `bot` crate calls it, and so does [`super::socket`]
//! for its addresses.
//!
//! It is slack-morphism's client over a connection of ours (`transport.rs`): its requests are used,
//! and of the answers only what is needed is read, because a model that is stricter than Slack would
//! turn a post that succeeded into an error.
//!
//! Invariant: one attempt a write; a token that Slack turns down is not used again; no token, address
//! or body is in any error.
//!
//! [`Chat`]: crate::chat::Chat
//! [`Workspace`]: crate::workspace::Workspace

mod call;
mod error;
mod files;
mod hosts;
mod identity;
mod ids;
mod messages;
mod people;
mod refusal;
mod reply;
mod rooms;
mod scopes;
#[cfg(test)]
mod tests;
mod token;
mod transport;
mod workspace;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use slack_morphism::SlackClient;
use tokio::sync::watch;

use crate::chat::ChatError;
use crate::rest::token::{BotToken, unfit};

use error::{CallError, Repeat};
use hosts::Hosts;
use people::People;
use transport::Connector;

pub use identity::Identity;
pub use scopes::SCOPES;

/// How to reach Slack.
#[derive(Clone, Debug)]
pub struct SlackOptions {
    /// In front of a method's name: `https://slack.com/api`. Plain http only on this machine.
    pub api_url: String,
    /// Begins with `xoxb-`.
    pub bot_token: SecretString,
    /// Begins with `xapp-`; needed for Socket Mode only.
    pub app_token: Option<SecretString>,
    /// How long one call may take, connecting included.
    pub deadline: Duration,
}

/// One workspace. Cheap to clone.
#[derive(Clone)]
pub struct Slack {
    inner: Arc<Inner>,
}

struct Inner {
    client: SlackClient<Connector>,
    hosts: Hosts,
    token: BotToken,
    app_token: Option<SecretString>,
    deadline: Duration,
    /// With the token's number that it belongs to.
    identity: Mutex<Option<(u64, Arc<Identity>)>>,
    people: People,
}

impl Slack {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// [`ChatError::Refused`] for an address that is none, [`ChatError::Unauthorised`] for a token that
    /// cannot be one, [`ChatError::Unavailable`] when the machine's TLS roots cannot be used.
    pub fn new(options: SlackOptions) -> Result<Self, ChatError> {
        let hosts = Hosts::new(&options.api_url).map_err(ChatError::Refused)?;
        let app_token = options.app_token.as_ref();
        let wrong = unfit(&options.bot_token)
            .or_else(|| token::mixed_up(&options.bot_token, "xapp-"))
            .or_else(|| app_token.and_then(unfit))
            .or_else(|| app_token.and_then(|token| token::mixed_up(token, "xoxb-")));
        if let Some(why) = wrong {
            return Err(ChatError::Unauthorised(why));
        }
        let connector = Connector::new(hosts.api(), options.deadline)
            .map_err(|error| error.into_chat(Repeat::Safe))?;
        Ok(Self {
            inner: Arc::new(Inner {
                client: SlackClient::new(connector),
                hosts,
                token: BotToken::new("Slack", options.bot_token),
                app_token: options.app_token,
                deadline: options.deadline,
                identity: Mutex::default(),
                people: People::default(),
            }),
        })
    }

    /// Uses another bot token from the next call on, and sends again if it had stopped.
    pub fn replace_token(&self, bot: SecretString) {
        self.inner.token.replace(bot);
    }

    /// Sends nothing any more until [`Slack::replace_token`]: for whoever hears of it otherwise, as
    /// by an event that says that the app was removed.
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

    /// A new address for Socket Mode, with its ticket (`apps.connections.open`). Uses the app-level
    /// token, and goes on when the bot token is not accepted any more.
    ///
    /// # Errors
    /// [`ChatError::Unauthorised`] without a usable app-level token; it stops nothing else.
    pub async fn open_socket(&self) -> Result<SecretString, ChatError> {
        #[derive(Deserialize)]
        struct Opened {
            url: SecretString,
        }

        let Some(token) = &self.inner.app_token else {
            return Err(ChatError::Unauthorised(
                "Socket Mode needs an app-level token (xapp-…) with connections:write".into(),
            ));
        };
        let token = token::for_library(token);
        let session = self.inner.client.open_session(&token);
        let request = serde_json::json!({});
        let opened: Result<Opened, _> =
            session.http_session_api.http_post("apps.connections.open", &request, None).await;
        let opened = opened.map_err(|error| CallError::from(error).into_chat(Repeat::Safe))?;
        Ok(opened.url)
    }
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack")
            .field("api", &self.inner.hosts.api())
            .field("stopped", &self.stopped())
            .finish_non_exhaustive()
    }
}
