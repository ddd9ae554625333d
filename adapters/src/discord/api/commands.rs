//! The registered commands, as they are and as they should be. Called by [`crate::discord::commands`].
//!
//! Invariant: the whole list is set at once, which Discord counts as one change however often.

use reqwest::Method;
use serde_json::Value;

use super::Discord;
use super::ask::Ask;
use super::error::Repeat;
use crate::chat::ChatError;

/// Where commands are registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In the one server.
    Guild,
    /// Wherever the application is, direct messages included.
    Global,
}

impl Discord {
    pub(in crate::discord) async fn commands(&self, scope: Scope) -> Result<Vec<Value>, ChatError> {
        let ask = self.about(Method::GET, scope);
        self.read(ask).await.map_err(|error| error.into_chat(Repeat::Safe))
    }

    pub(in crate::discord) async fn set_commands(
        &self,
        scope: Scope,
        commands: &[Value],
    ) -> Result<(), ChatError> {
        let ask = self.about(Method::PUT, scope).json(&commands);
        self.settle(&ask).await.map_err(|error| error.into_chat(Repeat::Safe))
    }

    fn about(&self, method: Method, scope: Scope) -> Ask {
        let (application, guild) = (&self.inner.application, &self.inner.guild);
        let path = match scope {
            Scope::Guild => format!("/applications/{application}/guilds/{guild}/commands"),
            Scope::Global => format!("/applications/{application}/commands"),
        };
        Ask::new(method, "/applications/{application}/commands", guild, path)
    }
}
