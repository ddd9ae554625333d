//! The sections about people and where they are: `[http]`, `[slack]`, `[[people]]`.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

use nova_adapters::check_api_url;
use nova_commands::command::nearest;
use nova_commands::platform::SecretRef;
use nova_permissions::Role;
use serde::Deserialize;

use super::discord::{SNOWFLAKE, is_snowflake};
use super::read::Reader;

/// Where `nova serve` listens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSection {
    #[serde(default = "listen")]
    pub listen: SocketAddr,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self { listen: listen() }
    }
}

/// This machine only: whoever opens it to others says so.
fn listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

/// A Slack workspace. One or both of `signing_secret` (HTTP) and `app_token` (Socket Mode).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackSection {
    /// `xoxb-…`
    pub bot_token: SecretRef,
    /// Slack calls us: `/slack/commands`, `/slack/interactivity`, `/slack/events`.
    pub signing_secret: Option<SecretRef>,
    /// `xapp-…`: we call Slack, and nothing has to be reachable from outside.
    pub app_token: Option<SecretRef>,
    /// Where messages go whose channel is gone: a channel's id.
    pub fallback_channel: Option<String>,
    /// What every full member of the workspace may do without being listed under `[[people]]`.
    #[serde(default)]
    pub member_roles: Vec<String>,
    /// User groups, by id or handle, with the roles that their members have.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<String>>,
    /// Confirmed addresses of these domains link an account to the person with that `email`.
    #[serde(default)]
    pub link_by_email: Vec<String>,
    /// An incident's channel is archived when the incident is resolved.
    #[serde(default)]
    pub archive_resolved: bool,
    /// Slack's own unless a test or a proxy stands in its place.
    #[serde(default = "api_url")]
    pub api_url: String,
}

fn api_url() -> String {
    "https://slack.com/api".to_owned()
}

/// One human with their accounts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRow {
    pub name: String,
    pub email: Option<String>,
    /// The member id: `U…` or `W…`.
    pub slack: Option<String>,
    /// The user id: "Copy User ID" in Discord's developer mode.
    pub discord: Option<String>,
    #[serde(default)]
    pub roles: Vec<String>,
}

/// The roles of a list that loading has checked.
#[must_use]
pub fn roles(names: &[String]) -> Vec<Role> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

/// What is wrong with a list of roles, if anything.
pub(super) fn unknown_role(names: &[String]) -> Option<String> {
    let name = names.iter().find(|name| name.parse::<Role>().is_err())?;
    let near = nearest(name, Role::ALL.iter().map(|role| role.as_str()));
    let near = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
    Some(format!("no role `{name}`{near}"))
}

pub(super) fn slack(reader: &mut Reader<'_>, slack: &SlackSection) {
    if slack.signing_secret.is_none() && slack.app_token.is_none() {
        reader.about("slack", "`signing_secret` (HTTP) or `app_token` (Socket Mode) is needed");
    }
    if let Err(why) = check_api_url(&slack.api_url) {
        reader.about("slack", format!("`api_url`: {why}"));
    }
    if let Some(channel) = &slack.fallback_channel
        && !is_id(channel, "CG")
    {
        reader.about("slack", "`fallback_channel` is a channel's id, such as \"C0123456789\"");
    }
    given_roles(reader, "slack", &slack.member_roles, &slack.groups);
}

/// Complains of roles that there are not.
pub(super) fn given_roles(
    reader: &mut Reader<'_>,
    section: &'static str,
    members: &[String],
    groups: &BTreeMap<String, Vec<String>>,
) {
    let lists = std::iter::once(members).chain(groups.values().map(Vec::as_slice));
    for wrong in lists.filter_map(unknown_role) {
        reader.about(section, wrong);
    }
}

pub(super) fn people(reader: &mut Reader<'_>, people: &[(usize, PersonRow)]) {
    let mut seen = HashSet::new();
    for (line, person) in people {
        let name = &person.name;
        let mut complain = |text: String| reader.complain(*line, text);
        if name.is_empty() || name.len() > 64 || name.contains([':', '\n']) {
            complain("a person's name has 1 to 64 characters and no colon".to_owned());
        }
        if let Some(wrong) = unknown_role(&person.roles) {
            complain(format!("`{name}`: {wrong}"));
        }
        if let Some(id) = person.slack.as_deref()
            && !is_id(id, "UW")
        {
            complain(format!("`{name}`: `slack` is a member's id, such as \"U0123456789\""));
        }
        if person.discord.as_deref().is_some_and(|id| !is_snowflake(id)) {
            complain(format!("`{name}`: `discord` is a user's id, {SNOWFLAKE}"));
        }
        let email = person.email.as_ref().map(|email| email.to_lowercase());
        let unique = [
            ("name", Some(name.clone())),
            ("email", email),
            ("slack account", person.slack.clone()),
            ("discord account", person.discord.clone()),
        ];
        for (what, value) in unique {
            if let Some(value) = value
                && !seen.insert((what, value.clone()))
            {
                complain(format!("two people have the {what} `{value}`"));
            }
        }
    }
}

/// Whether this is one of Slack's ids with one of these first letters.
fn is_id(text: &str, first: &str) -> bool {
    text.starts_with(|c| first.contains(c))
        && (2..=30).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn problems(text: &str) -> String {
        Config::parse("nova.toml", text).map_or_else(|e| e.to_string(), |_| "fine".to_owned())
    }

    #[test]
    fn each_problem_of_the_slack_section_and_the_people_has_its_line() {
        let text = r##"
[slack]
bot_token = { env = "B" }
api_url = "http://slack.example.com/api"
fallback_channel = "#ops"
member_roles = ["veiwer"]
groups = { sre = ["operater"] }
[[people]]
name = "ana"
slack = "U1"
roles = ["boss"]
[[people]]
name = "ana"
slack = "@ana"
[[people]]
name = "slack:U1"
slack = "U1"
"##;
        insta::assert_snapshot!(problems(text), @r#"
        nova.toml:2: [slack] `signing_secret` (HTTP) or `app_token` (Socket Mode) is needed
        nova.toml:2: [slack] `api_url`: the API's address has to begin with https://
        nova.toml:2: [slack] `fallback_channel` is a channel's id, such as "C0123456789"
        nova.toml:2: [slack] no role `veiwer`; did you mean `viewer`?
        nova.toml:2: [slack] no role `operater`; did you mean `operator`?
        nova.toml:8: `ana`: no role `boss`
        nova.toml:12: `ana`: `slack` is a member's id, such as "U0123456789"
        nova.toml:12: two people have the name `ana`
        nova.toml:15: a person's name has 1 to 64 characters and no colon
        nova.toml:15: two people have the slack account `U1`
        "#);
    }

    #[test]
    fn http_listens_on_this_machine_unless_told_otherwise() {
        let config = Config::parse("nova.toml", "").unwrap();
        assert!(config.http.listen.ip().is_loopback());
        assert!(config.slack.is_none());
    }
}
