//! Who an account is: member, guest, stranger or program, with its user groups (`users.info`,
//! `usergroups.list`).
//!
//! Invariant: whoever Slack does not plainly say to be a member of our workspace is none. Nothing older
//! than five minutes is used, and a failure is no answer: a role that was taken away does not live on
//! because Slack is down.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::Slack;
use super::error::{CallError, Repeat};
use super::identity::Identity;
use super::ids::is_id;
use crate::chat::ChatError;
use crate::rest::cache::{Kept, KeptEach};
use crate::workspace::{Profile, Standing};

/// How long a profile and the groups are kept.
const KEPT: Duration = Duration::from_secs(5 * 60);
/// So much of a name is kept; Slack allows 80 characters.
const MAX_NAME: usize = 100;
/// Slack's own bot, which `users.info` does not call one.
const SLACKBOT: &str = "USLACKBOT";

/// By account: the groups it is in, ids and handles.
type Groups = HashMap<String, Vec<String>>;

/// What is known of people.
#[derive(Default)]
pub(super) struct People {
    accounts: KeptEach<Arc<Profile>>,
    groups: Kept<Arc<Groups>>,
}

#[derive(Deserialize)]
struct Info {
    user: User,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    team_id: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    is_workflow_bot: bool,
    #[serde(default)]
    is_connector_bot: bool,
    #[serde(default)]
    is_restricted: bool,
    #[serde(default)]
    is_ultra_restricted: bool,
    #[serde(default)]
    is_stranger: bool,
    #[serde(default)]
    is_email_confirmed: bool,
    #[serde(default)]
    tz: Option<String>,
    #[serde(default)]
    profile: Names,
    #[serde(default)]
    enterprise_user: Option<EnterpriseUser>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Names {
    display_name: Option<String>,
    real_name: Option<String>,
    email: Option<String>,
}

/// The same person in an organisation of several workspaces (Enterprise Grid).
#[derive(Deserialize)]
struct EnterpriseUser {
    enterprise_id: String,
    #[serde(default)]
    teams: Vec<String>,
}

impl User {
    fn standing(&self, identity: &Identity) -> Standing {
        // `is_app_user` is not asked: it says that a person has authorised this app, not that it is
        // a program.
        let program = self.is_bot || self.is_workflow_bot || self.is_connector_bot;
        if self.deleted {
            Standing::Gone
        } else if program || self.id == SLACKBOT {
            Standing::Bot
        } else if self.is_stranger || !self.of_our_workspace(identity) {
            Standing::Foreign
        } else if self.is_restricted || self.is_ultra_restricted {
            Standing::Guest
        } else {
            Standing::Member
        }
    }

    /// In an organisation, `team_id` names the workspace that the account was made in. Who was added to
    /// ours as well belongs to it just as much; who is only in the same organisation does not.
    fn of_our_workspace(&self, identity: &Identity) -> bool {
        let added = self.enterprise_user.as_ref().is_some_and(|user| {
            identity.enterprise.as_ref() == Some(&user.enterprise_id)
                && user.teams.contains(&identity.team)
        });
        self.team_id.as_ref() == Some(&identity.team) || added
    }

    fn into_profile(self, identity: &Identity, groups: &Groups) -> Profile {
        let standing = self.standing(identity);
        let ours = matches!(standing, Standing::Member | Standing::Guest);
        let groups = groups.get(&self.id).filter(|_| ours).cloned().unwrap_or_default();
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = said(self.profile.display_name).or(said(self.profile.real_name));
        let name = name.unwrap_or(self.name);
        Profile {
            name: name.chars().take(MAX_NAME).collect(),
            email: said(self.profile.email).filter(|_| ours && self.is_email_confirmed),
            standing,
            time_zone: said(self.tz),
            groups,
        }
    }
}

#[derive(Deserialize)]
struct GroupList {
    usergroups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    id: String,
    #[serde(default)]
    handle: String,
    /// Of another organisation, shared with a channel: its handle may be that of a role here.
    #[serde(default)]
    is_external: bool,
    #[serde(default)]
    date_delete: i64,
    #[serde(default)]
    user_count: Option<serde_json::Value>,
    #[serde(default)]
    users: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct GroupUsers {
    users: Vec<String>,
}

impl Slack {
    /// Who `account` is.
    pub(super) async fn look_up(&self, account: &str) -> Result<Arc<Profile>, ChatError> {
        if !is_id(account) {
            return Err(ChatError::Gone);
        }
        let kept = self.inner.people.accounts.place(account, KEPT);
        let profile = kept.get(KEPT, self.ask_profile(account)).await;
        profile.map_err(|error| error.into_chat(Repeat::Safe))
    }

    /// Who `account` is, if nobody has to be asked: most were here a moment ago.
    pub(super) fn known(&self, account: &str) -> Option<Arc<Profile>> {
        let accounts = &self.inner.people.accounts;
        is_id(account).then(|| accounts.place(account, KEPT).at_hand(KEPT))?
    }

    async fn ask_profile(&self, account: &str) -> Result<Arc<Profile>, CallError> {
        let identity = self.known_identity().await?;
        let info: Info = self.read("users.info", &[("user", account)]).await?;
        if info.user.id != account {
            return Err(CallError::Lost("an answer about somebody else".into()));
        }
        let groups = self.inner.people.groups.get(KEPT, self.ask_groups()).await?;
        Ok(Arc::new(info.user.into_profile(&identity, &groups)))
    }

    async fn ask_groups(&self) -> Result<Arc<Groups>, CallError> {
        let listed: Result<GroupList, _> =
            self.read("usergroups.list", &[("include_users", "true")]).await;
        let listed = match listed {
            Ok(listed) => listed.usergroups,
            // Not a paid plan or not allowed: then nobody has a role by group. It is kept, like an
            // answer, so that it is neither asked nor logged at every command.
            Err(error @ CallError::Refusal(_)) if error.token_trouble().is_none() => {
                tracing::warn!(%error, "nobody has a role by user group");
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let mut groups = Groups::new();
        for group in listed.into_iter().filter(|group| !group.is_external && group.date_delete == 0)
        {
            for user in self.members(&group).await? {
                let of_user = groups.entry(user).or_default();
                of_user.push(group.id.clone());
                of_user.extend(Some(group.handle.clone()).filter(|handle| !handle.is_empty()));
            }
        }
        Ok(Arc::new(groups))
    }

    /// Usually listed with the group; asked for where they are not.
    async fn members(&self, group: &Group) -> Result<Vec<String>, CallError> {
        let counts_none = matches!(&group.user_count, Some(count) if count == 0 || count == "0");
        match &group.users {
            Some(users) => Ok(users.clone()),
            None if counts_none => Ok(Vec::new()),
            None => {
                let arguments = [("usergroup", group.id.as_str())];
                let answer: GroupUsers = self.read("usergroups.users.list", &arguments).await?;
                Ok(answer.users)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity() -> Identity {
        let enterprise = Some("E1".into());
        Identity { team: "T1".into(), enterprise, user: "UBOT".into(), ..Identity::default() }
    }

    fn profile(changes: &serde_json::Value) -> Profile {
        let mut user = json!({
            "id": "U1", "team_id": "T1", "name": "ana", "tz": "Europe/Vienna",
            "is_email_confirmed": true,
            "profile": { "display_name": "Ana", "real_name": "Ana B", "email": "ana@example.com" },
        });
        for (key, value) in changes.as_object().unwrap() {
            user[key] = value.clone();
        }
        let groups = Groups::from([("U1".into(), vec!["S1".into(), "sre".into()])]);
        let user: User = serde_json::from_value(user).unwrap();
        user.into_profile(&identity(), &groups)
    }

    #[test]
    fn a_member_has_a_name_an_address_and_groups() {
        let expected = Profile {
            name: "Ana".into(),
            email: Some("ana@example.com".into()),
            standing: Standing::Member,
            time_zone: Some("Europe/Vienna".into()),
            groups: vec!["S1".into(), "sre".into()],
        };
        assert_eq!(profile(&json!({})), expected);
        assert_eq!(profile(&json!({ "is_app_user": true })).standing, Standing::Member);
        assert_eq!(profile(&json!({ "profile": { "display_name": "" } })).name, "ana");
        assert_eq!(profile(&json!({ "is_email_confirmed": false })).email, None);
    }

    #[test]
    fn only_members_of_our_workspace_are_members() {
        let elsewhere = |teams: &[&str], enterprise: &str| {
            json!({
                "team_id": "T2",
                "enterprise_user": { "enterprise_id": enterprise, "teams": teams },
            })
        };
        let cases = [
            (json!({ "deleted": true, "is_bot": true }), Standing::Gone),
            (json!({ "is_bot": true }), Standing::Bot),
            (json!({ "is_workflow_bot": true }), Standing::Bot),
            (json!({ "id": "USLACKBOT" }), Standing::Bot),
            (json!({ "is_restricted": true }), Standing::Guest),
            (json!({ "is_ultra_restricted": true }), Standing::Guest),
            (json!({ "is_stranger": true }), Standing::Foreign),
            (json!({ "is_stranger": true, "is_restricted": true }), Standing::Foreign),
            (json!({ "team_id": "T2" }), Standing::Foreign),
            (json!({ "team_id": null }), Standing::Foreign),
            (elsewhere(&["T2", "T1"], "E1"), Standing::Member),
            (elsewhere(&["T2"], "E1"), Standing::Foreign),
            (elsewhere(&["T2", "T1"], "E2"), Standing::Foreign),
        ];
        for (changes, standing) in cases {
            assert_eq!(profile(&changes).standing, standing, "{changes}");
        }
    }

    #[test]
    fn nothing_of_a_strangers_counts() {
        let stranger = profile(&json!({ "team_id": "T2" }));
        assert_eq!((stranger.email, stranger.groups), (None, vec![]));
    }
}
