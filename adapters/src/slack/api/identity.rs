//! Who nova is on Slack: its team, its own accounts and what its token may do (`auth.test`).
//!
//! Invariant: an identity belongs to the token that asked; a new token asks again.

use std::sync::{Arc, PoisonError};

use serde::Deserialize;

use super::Slack;
use super::error::{CallError, Repeat};
use super::scopes::SCOPES;
use super::token::for_library;
use crate::chat::ChatError;

/// Who nova is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub team: String,
    /// The organisation, where the workspace belongs to one (Enterprise Grid).
    pub enterprise: Option<String>,
    /// The bot's user id.
    pub user: String,
    /// The bot's own id, which its messages carry.
    pub bot: Option<String>,
    /// What the token is allowed, as Slack says with its answer.
    pub scopes: Vec<String>,
}

impl Identity {
    /// The scopes that nova needs and does not have, with what it needs each for.
    pub fn missing_scopes(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        SCOPES.iter().copied().filter(|(scope, _)| !self.scopes.iter().any(|s| s == scope))
    }
}

#[derive(Deserialize)]
struct Tested {
    team_id: String,
    user_id: String,
    #[serde(default)]
    bot_id: Option<String>,
    #[serde(default)]
    enterprise_id: Option<String>,
}

impl Slack {
    /// Asks Slack who nova is and what it may do.
    ///
    /// # Errors
    /// [`ChatError::Unauthorised`] when the token is not accepted; the client is stopped then.
    pub async fn identity(&self) -> Result<Identity, ChatError> {
        let identity = self.ask_identity().await.map_err(|error| error.into_chat(Repeat::Safe))?;
        Ok(Identity::clone(&identity))
    }

    /// As last asked with this token; asks if it was not yet.
    pub(super) async fn known_identity(&self) -> Result<Arc<Identity>, CallError> {
        let generation = self.inner.token.generation();
        let known = self.inner.identity.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some((asked, identity)) if asked == generation => Ok(identity),
            _ => self.ask_identity().await,
        }
    }

    async fn ask_identity(&self) -> Result<Arc<Identity>, CallError> {
        let lent = self.inner.token.lend()?;
        let token = for_library(&lent.token);
        // Past the library, which does not hand over the header with the scopes.
        let answer = self.inner.client.http_api.connector.get("auth.test", &token).await?;
        let tested: Tested = self.judge(&lent, answer.decode())?;
        let scopes = answer.scopes.unwrap_or_default();
        let scopes = scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty());
        let identity = Arc::new(Identity {
            team: tested.team_id,
            enterprise: tested.enterprise_id.filter(|id| !id.is_empty()),
            user: tested.user_id,
            bot: tested.bot_id,
            scopes: scopes.map(Into::into).collect(),
        });
        let mut known = self.inner.identity.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((lent.generation, Arc::clone(&identity)));
        Ok(identity)
    }
}
