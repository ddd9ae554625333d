//! Who nova is on Discord: its application, its own account, the server and what its roles may do there.
//!
//! Invariant: an identity belongs to the token that asked; a new token asks again.

use std::sync::PoisonError;

use serde::Deserialize;
use twilight_model::guild::Permissions;

use super::ask::Ask;
use super::error::{CallError, Repeat};
use super::ids::is_id;
use super::{Discord, permissions};
use crate::chat::ChatError;

/// Who nova is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The bot's user id.
    pub user: String,
    pub application: String,
    /// What interactions over HTTP are signed with, in hexadecimal.
    pub public_key: String,
    /// Where interactions go over HTTP, if they do; otherwise they come through the gateway.
    pub interactions_url: Option<String>,
    /// The server's name; untrusted.
    pub guild_name: String,
    /// What its roles allow in the server; a channel may allow less.
    pub permissions: Permissions,
    missing: Vec<(&'static str, &'static str)>,
}

impl Identity {
    /// The permissions that nova needs and does not have, with what it needs each for.
    pub fn missing_permissions(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.missing.iter().copied()
    }
}

#[derive(Deserialize)]
struct Me {
    id: String,
}

#[derive(Deserialize)]
struct Application {
    id: String,
    verify_key: String,
    #[serde(default)]
    interactions_endpoint_url: Option<String>,
}

#[derive(Deserialize)]
struct Guild {
    name: String,
    #[serde(default)]
    owner_id: String,
    roles: Vec<Role>,
}

#[derive(Deserialize)]
struct Role {
    id: String,
    permissions: Permissions,
}

impl Discord {
    /// Asks Discord who nova is and what it may do.
    ///
    /// # Errors
    /// [`ChatError::Unauthorised`] when the token is not accepted; the client is stopped then.
    /// [`ChatError::Refused`] when nova is not in the server, or the token is another application's.
    pub async fn identity(&self) -> Result<Identity, ChatError> {
        let safe = |error: CallError| error.into_chat(Repeat::Safe);
        let user = self.ask_user().await.map_err(safe)?;
        let asked = self.read(Ask::get("GET /applications/@me", "", "/applications/@me")).await;
        let application: Application = asked.map_err(safe)?;
        if application.id != self.inner.application {
            return Err(ChatError::Refused(
                "the token belongs to another application; check the application's id".into(),
            ));
        }
        let here = |error: CallError| match safe(error) {
            ChatError::Gone => ChatError::Refused(
                "nova's Discord app is not in the server; check its id and invite the app".into(),
            ),
            error => error,
        };
        let id = &self.inner.guild;
        let ask = Ask::get("GET /guilds/{guild}", id.clone(), format!("/guilds/{id}"));
        let guild: Guild = self.read(ask).await.map_err(here)?;
        let member = self.ask_member(&user).await.map_err(here)?;
        let granted = granted(&guild, id, &user, &member.roles);
        let missing = permissions::needed(&self.inner.rooms)
            .filter(|(_, permission, _)| !granted.contains(*permission))
            .map(|(name, _, purpose)| (*name, *purpose));
        Ok(Identity {
            user,
            application: application.id,
            public_key: application.verify_key,
            interactions_url: application.interactions_endpoint_url,
            guild_name: guild.name.chars().take(100).collect(),
            permissions: granted,
            missing: missing.collect(),
        })
    }

    /// The bot's user id, as last asked with this token; asks if it was not yet.
    pub(super) async fn known_user(&self) -> Result<String, CallError> {
        let generation = self.inner.token.generation();
        let known = self.inner.user.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some((asked, user)) if asked == generation => Ok(user),
            _ => self.ask_user().await,
        }
    }

    async fn ask_user(&self) -> Result<String, CallError> {
        let generation = self.inner.token.generation();
        let me: Me = self.read(Ask::get("GET /users/@me", "", "/users/@me")).await?;
        if !is_id(&me.id) {
            return Err(CallError::Lost("an account without an id".into()));
        }
        let mut known = self.inner.user.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((generation, me.id.clone()));
        Ok(me.id)
    }
}

/// What the roles give in the server as a whole:
/// <https://docs.discord.com/developers/topics/permissions#permission-overwrites>.
fn granted(guild: &Guild, id: &str, user: &str, roles: &[String]) -> Permissions {
    // The role that everybody has bears the server's id.
    let has = |role: &&Role| role.id == id || roles.contains(&role.id);
    let granted: Permissions =
        guild.roles.iter().filter(has).map(|role| role.permissions).collect();
    let all = granted.contains(Permissions::ADMINISTRATOR) || guild.owner_id == user;
    if all { Permissions::all() } else { granted }
}
