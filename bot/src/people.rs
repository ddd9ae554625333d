//! Who is behind an account, and which roles they have.
//!
//! Invariant: only what the platform vouches for counts: the account's id, a confirmed address, the
//! groups it is in. Guests, bots and people of other organisations have no roles, whatever the
//! configuration says of them. Called by the inbox for every event.

use std::collections::HashMap;

use nova_adapters::chat::{Account, Platform};
use nova_adapters::workspace::{Profile, Standing};
use nova_permissions::Role;

use crate::config::{Config, roles};
use crate::engine::Speaker;

/// The persons and groups of the configuration.
#[derive(Debug, Default)]
pub struct People {
    persons: Vec<(String, Vec<Role>)>,
    by_account: HashMap<Account, usize>,
    by_email: HashMap<String, usize>,
    groups: HashMap<(Platform, String), Vec<Role>>,
    members: HashMap<Platform, Vec<Role>>,
    email_domains: Vec<String>,
}

impl People {
    /// From a configuration that has passed its checks.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut people = Self::default();
        for (at, row) in config.people.iter().enumerate() {
            people.persons.push((row.name.clone(), roles(&row.roles)));
            for (platform, id) in [(Platform::Slack, &row.slack), (Platform::Discord, &row.discord)]
            {
                if let Some(id) = id.clone() {
                    people.by_account.insert(Account { platform, id }, at);
                }
            }
            if let Some(email) = &row.email {
                people.by_email.insert(email.to_lowercase(), at);
            }
        }
        if let Some(slack) = &config.slack {
            for (group, names) in &slack.groups {
                let group = group.trim_start_matches('@').to_owned();
                people.groups.insert((Platform::Slack, group), roles(names));
            }
            people.members.insert(Platform::Slack, roles(&slack.member_roles));
            people.email_domains = slack.link_by_email.iter().map(|d| d.to_lowercase()).collect();
        }
        if let Some(discord) = &config.discord {
            for (role, names) in &discord.groups {
                people.groups.insert((Platform::Discord, role.clone()), roles(names));
            }
            people.members.insert(Platform::Discord, roles(&discord.member_roles));
        }
        people
    }

    /// Whoever speaks from this account.
    ///
    /// # Errors
    /// Why this account is not served, in words for the person.
    pub fn speaker(&self, account: &Account, profile: &Profile) -> Result<Speaker, &'static str> {
        match profile.standing {
            Standing::Member => {}
            Standing::Guest => return Err("guests cannot use nova: ask a full member"),
            Standing::Foreign => return Err("people of other organisations cannot use nova"),
            Standing::Bot => return Err("nova does not take commands from bots"),
            Standing::Gone => return Err("this account is deactivated"),
        }
        let person = self.by_account.get(account).or_else(|| self.by_address(profile));
        let person = person.map(|at| &self.persons[*at]);
        let mut roles = person.map_or_else(Vec::new, |(_, roles)| roles.clone());
        roles.extend(self.members.get(&account.platform).into_iter().flatten());
        if !self.groups.is_empty() {
            let groups = profile.groups.iter();
            let given = groups.filter_map(|g| self.groups.get(&(account.platform, g.clone())));
            roles.extend(given.flatten());
        }
        roles.sort_unstable();
        roles.dedup();
        let name = match person {
            Some((name, _)) => name.clone(),
            // A colon is in no person's name: an account that nobody is linked to is nobody else.
            None => [account.platform.word(), ":", &account.id].concat(),
        };
        let platform = platform(account.platform);
        Ok(Speaker { account: account.clone(), platform, person: name, roles })
    }

    /// The accounts that the configuration links to this person; of `platform:id`, the name of an
    /// account that is linked to nobody, that one.
    #[must_use]
    pub fn accounts(&self, person: &str) -> Vec<Account> {
        if let Some((word, id)) = person.split_once(':') {
            let all = [Platform::Console, Platform::Web, Platform::Slack, Platform::Discord];
            let platform = all.into_iter().find(|platform| platform.word() == word);
            let account = |platform| Account { platform, id: id.to_owned() };
            return platform.map(account).into_iter().collect();
        }
        let linked = self.by_account.iter().filter(|(_, at)| self.persons[**at].0 == person);
        linked.map(|(account, _)| account.clone()).collect()
    }

    fn by_address(&self, profile: &Profile) -> Option<&usize> {
        if self.email_domains.is_empty() {
            return None;
        }
        let email = profile.email.as_ref()?.to_lowercase();
        let (_, domain) = email.rsplit_once('@')?;
        self.email_domains.iter().any(|d| d == domain).then(|| self.by_email.get(&email))?
    }
}

/// The same platform in the policies' words.
fn platform(platform: Platform) -> nova_permissions::Platform {
    match platform {
        Platform::Console => nova_permissions::Platform::Console,
        Platform::Web => nova_permissions::Platform::Web,
        Platform::Slack => nova_permissions::Platform::Slack,
        Platform::Discord => nova_permissions::Platform::Discord,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
[slack]
bot_token = { env = "B" }
app_token = { env = "A" }
member_roles = ["viewer"]
link_by_email = ["Example.com"]
groups = { "@sre" = ["operator"], S123 = ["security"] }
[[people]]
name = "ana"
slack = "U1"
email = "ana@example.com"
roles = ["commander"]
[[people]]
name = "bo"
email = "Bo@example.com"
roles = ["approver"]
[[people]]
name = "eve"
email = "eve@elsewhere.org"
roles = ["administrator"]
"#;

    fn ask(id: &str, profile: &Profile) -> String {
        let people = People::new(&Config::parse("nova.toml", CONFIG).unwrap());
        let account = Account { platform: Platform::Slack, id: id.to_owned() };
        match people.speaker(&account, profile) {
            Ok(speaker) => {
                let roles: Vec<_> = speaker.roles.iter().map(|role| role.as_str()).collect();
                format!("{}: {}", speaker.person, roles.join(" "))
            }
            Err(refusal) => refusal.to_owned(),
        }
    }

    #[test]
    fn accounts_are_linked_by_id_or_by_a_confirmed_address_of_an_allowed_domain() {
        let with = |email: &str| Profile { email: Some(email.to_owned()), ..Profile::default() };
        assert_eq!(ask("U1", &Profile::default()), "ana: viewer commander");
        assert_eq!(ask("U2", &with("BO@example.com")), "bo: viewer approver");
        assert_eq!(ask("U2", &with("eve@elsewhere.org")), "slack:U2: viewer");
        assert_eq!(ask("U2", &with("x@evil.com@example.com")), "slack:U2: viewer");
        assert_eq!(ask("U2", &with("bo@example.com.evil.org")), "slack:U2: viewer");
    }

    #[test]
    fn a_person_is_found_on_each_platform_by_name() {
        let people = People::new(&Config::parse("nova.toml", CONFIG).unwrap());
        let slack = |id: &str| Account { platform: Platform::Slack, id: id.to_owned() };
        assert_eq!(people.accounts("ana"), [slack("U1")]);
        assert_eq!(people.accounts("slack:U2"), [slack("U2")]);
        for nobody in ["bo", "zoe", "irc:U1", ""] {
            assert_eq!(people.accounts(nobody), [], "{nobody}");
        }
    }

    #[test]
    fn groups_give_roles_by_id_and_by_handle() {
        let groups = vec!["sre".to_owned(), "S123".to_owned(), "other".to_owned()];
        let profile = Profile { groups, ..Profile::default() };
        assert_eq!(ask("U9", &profile), "slack:U9: viewer operator security");
    }

    #[test]
    fn only_members_are_served_even_when_they_are_listed() {
        for standing in [Standing::Guest, Standing::Foreign, Standing::Bot, Standing::Gone] {
            let answer = ask("U1", &Profile { standing, ..Profile::default() });
            assert!(!answer.contains("ana"), "{standing:?}: {answer}");
        }
    }
}
