//! Who an account is in the server: member, newcomer or program, with its roles
//! (`GET /guilds/{guild}/members/{user}`).
//!
//! Invariant: whoever is not in the server is nobody. Nothing older than five minutes is used, and a
//! failure is no answer: a role that was taken away does not live on because Discord is down. An
//! address is never known: Discord tells none to a bot.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::Discord;
use super::ask::Ask;
use super::codes::UNKNOWN_MEMBER;
use super::error::{CallError, Repeat};
use super::ids::is_id;
use crate::chat::ChatError;
use crate::rest::cache::KeptEach;
use crate::workspace::{Profile, Standing};

/// How long a profile is kept.
const KEPT: Duration = Duration::from_secs(5 * 60);
/// So much of a name is kept; Discord allows 32 characters.
const MAX_NAME: usize = 100;
/// So many roles are read; Discord allows 250 in a server.
const MAX_ROLES: usize = 300;

pub(super) const MEMBER: &str = "GET /guilds/{guild}/members/{user}";

/// What is known of people.
pub(super) type People = KeptEach<Arc<Profile>>;

/// A member of the server, as the API and an interaction tell it.
#[derive(Deserialize)]
pub(super) struct Member {
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    nick: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pending: bool,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    global_name: Option<String>,
    #[serde(default)]
    bot: bool,
    #[serde(default)]
    system: bool,
}

impl Member {
    /// `None`: it is about somebody else.
    fn into_profile(self, account: &str) -> Option<Profile> {
        let user = self.user.filter(|user| user.id == account)?;
        let standing = if user.bot || user.system {
            Standing::Bot
        } else if self.pending {
            // Has not accepted the server's rules yet.
            Standing::Guest
        } else {
            Standing::Member
        };
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = said(self.nick).or(said(user.global_name)).unwrap_or(user.username);
        // Ids only: a role's name can be changed and be had twice.
        let roles = self.roles.into_iter().filter(|role| is_id(role)).take(MAX_ROLES);
        Some(Profile {
            name: name.chars().take(MAX_NAME).collect(),
            email: None,
            standing,
            time_zone: None,
            groups: roles.collect(),
        })
    }
}

impl Discord {
    /// Who `account` is.
    pub(super) async fn look_up(&self, account: &str) -> Result<Arc<Profile>, ChatError> {
        if !is_id(account) {
            return Err(ChatError::Gone);
        }
        let kept = self.inner.people.place(account, KEPT);
        let profile = kept.get(KEPT, self.ask_profile(account)).await;
        profile.map_err(|error| error.into_chat(Repeat::Safe))
    }

    async fn ask_profile(&self, account: &str) -> Result<Arc<Profile>, CallError> {
        let profile = match self.ask_member(account).await {
            Ok(member) => member
                .into_profile(account)
                .ok_or_else(|| CallError::Lost("an answer about somebody else".into()))?,
            Err(error) if error.code() == Some(UNKNOWN_MEMBER) => {
                Profile { standing: Standing::Gone, ..Profile::default() }
            }
            Err(error) => return Err(error),
        };
        Ok(Arc::new(profile))
    }

    pub(super) async fn ask_member(&self, account: &str) -> Result<Member, CallError> {
        let guild = &self.inner.guild;
        let path = format!("/guilds/{guild}/members/{account}");
        self.read(Ask::get(MEMBER, guild.clone(), path)).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn profile(changes: &Value) -> Option<Profile> {
        let mut member = json!({
            "user": { "id": "7", "username": "ana", "global_name": "Ana", "discriminator": "0" },
            "nick": "Ana B", "roles": ["11", "12"], "pending": false, "joined_at": "2024",
        });
        for (key, value) in changes.as_object().unwrap() {
            member[key] = value.clone();
        }
        serde_json::from_value::<Member>(member).unwrap().into_profile("7")
    }

    #[test]
    fn a_member_has_a_name_and_roles_and_no_address() {
        let expected = Profile {
            name: "Ana B".into(),
            email: None,
            standing: Standing::Member,
            time_zone: None,
            groups: vec!["11".into(), "12".into()],
        };
        assert_eq!(profile(&json!({})), Some(expected));
        assert_eq!(profile(&json!({ "nick": null })).unwrap().name, "Ana");
        let bare = json!({ "nick": "", "user": { "id": "7", "username": "ana" } });
        assert_eq!(profile(&bare).unwrap().name, "ana");
        assert_eq!(profile(&json!({ "roles": ["oncall"] })).unwrap().groups, [""; 0]);
    }

    #[test]
    fn only_members_are_members() {
        let user = |key: &str| json!({ "user": { "id": "7", "username": "x", key: true } });
        for (changes, standing) in [
            (json!({ "pending": true }), Standing::Guest),
            (user("bot"), Standing::Bot),
            (user("system"), Standing::Bot),
        ] {
            assert_eq!(profile(&changes).unwrap().standing, standing, "{changes}");
        }
        assert_eq!(profile(&json!({ "user": { "id": "8", "username": "x" } })), None);
        assert_eq!(profile(&json!({ "user": null })), None);
    }
}
