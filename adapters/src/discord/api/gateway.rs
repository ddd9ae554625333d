//! What the gateway needs of the REST API: where it is, and a way to answer what comes through it.
//!
//! Invariant: an interaction is answered once. That it was answered already is no error: the answer
//! before was ours, and its receipt was lost.

use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::Discord;
use super::ask::Ask;
use super::codes::ANSWERED;
use super::error::Repeat;
use super::ids::InteractionToken;
use crate::chat::ChatError;

/// Where the gateway is, and how often it may be greeted:
/// <https://docs.discord.com/developers/events/gateway#get-gateway-bot>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAddress {
    /// `wss://…` of Discord's, or on this machine when the API is.
    pub url: String,
    /// So many sessions may still be started before [`GatewayAddress::reset_after`].
    pub remaining: u32,
    pub reset_after: Duration,
}

#[derive(Deserialize)]
struct Told {
    url: String,
    session_start_limit: Starts,
}

#[derive(Deserialize)]
struct Starts {
    remaining: u32,
    /// Milliseconds.
    reset_after: u64,
}

impl Discord {
    /// Asks where the gateway is.
    ///
    /// # Errors
    /// [`ChatError::Unauthorised`] when the token is not accepted; the client is stopped then.
    /// [`ChatError::Refused`] for an address that is not Discord's.
    pub async fn gateway(&self) -> Result<GatewayAddress, ChatError> {
        let told = self.read(Ask::get("GET /gateway/bot", "", "/gateway/bot")).await;
        let told: Told = told.map_err(|error| error.into_chat(Repeat::Safe))?;
        if !self.inner.hosts.is_gateway(&told.url) {
            return Err(ChatError::Refused("Discord named a foreign host as its gateway".into()));
        }
        Ok(GatewayAddress {
            url: told.url,
            remaining: told.session_start_limit.remaining,
            reset_after: Duration::from_millis(told.session_start_limit.reset_after),
        })
    }

    /// Answers an interaction for the first time, within three seconds of it. `token` is the
    /// interaction's own.
    ///
    /// # Errors
    /// [`ChatError::Gone`] when it is too late; [`ChatError::Unanswered`] when it may have arrived.
    pub async fn respond(
        &self,
        interaction: &str,
        token: &str,
        response: &(impl Serialize + Sync),
    ) -> Result<(), ChatError> {
        let token = InteractionToken::new(interaction, token).ok_or(ChatError::Gone)?;
        let path = format!("/interactions/{interaction}/{}/callback", token.secret());
        let route = "POST /interactions/{interaction}/{token}/callback";
        let ask = Ask::new(Method::POST, route, interaction, path).json(response).by_path();
        match self.settle(&ask).await {
            Err(error) if error.code() == Some(ANSWERED) => Ok(()),
            other => other.map_err(|error| error.into_chat(Repeat::Unsafe)),
        }
    }
}
