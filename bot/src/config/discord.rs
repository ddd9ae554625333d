//! The section `[discord]`.

use std::collections::BTreeMap;

use nova_adapters::check_api_url;
use nova_adapters::discord::signature::Verifier;
use nova_commands::platform::SecretRef;
use serde::Deserialize;

use super::chat::given_roles;
use super::read::Reader;

/// What Discord's ids are, in words.
pub(super) const SNOWFLAKE: &str =
    "a number of 17 to 20 digits; see \"Copy ID\" in Discord's developer mode";

/// A Discord server. Interactions come through the gateway, over HTTP where there is a `public_key`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscordSection {
    /// The developer portal's "Application ID".
    pub application_id: String,
    /// The one server that is served.
    pub guild_id: String,
    pub bot_token: SecretRef,
    /// The portal's "Public Key": Discord calls us at `/discord/interactions`.
    pub public_key: Option<String>,
    /// We call Discord, and nothing has to be reachable from outside.
    #[serde(default = "yes")]
    pub gateway: bool,
    /// Where messages go whose channel is gone: a channel's id.
    pub fallback_channel: Option<String>,
    /// What every member of the server may do without being listed under `[[people]]`.
    #[serde(default)]
    pub member_roles: Vec<String>,
    /// Discord roles, by id, with the roles that their members have here.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub incident_rooms: IncidentRooms,
    /// The category of the incidents' channels, or the channel of their threads: an id.
    pub incidents_under: Option<String>,
    /// An incident's channel or thread is archived when the incident is resolved.
    #[serde(default)]
    pub archive_resolved: bool,
    #[serde(default)]
    pub commands: CommandScope,
    /// Discord's own unless a test or a proxy stands in its place.
    #[serde(default = "discord_api_url")]
    pub api_url: String,
}

/// What an incident's room is on Discord.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum IncidentRooms {
    #[default]
    Channels,
    Threads,
}

/// Where the commands are registered.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum CommandScope {
    /// In the one server, where a change shows at once.
    #[default]
    Guild,
    /// In nova's direct messages, too.
    Global,
}

fn yes() -> bool {
    true
}

fn discord_api_url() -> String {
    "https://discord.com/api/v10".to_owned()
}

pub(super) fn check(reader: &mut Reader<'_>, discord: &DiscordSection) {
    let mut complain = |text: String| reader.about("discord", text);
    let ids = [
        ("application_id", Some(&discord.application_id)),
        ("guild_id", Some(&discord.guild_id)),
        ("fallback_channel", discord.fallback_channel.as_ref()),
        ("incidents_under", discord.incidents_under.as_ref()),
    ];
    for (key, id) in ids {
        if id.is_some_and(|id| !is_snowflake(id)) {
            complain(format!("`{key}` is {SNOWFLAKE}"));
        }
    }
    for role in discord.groups.keys().filter(|role| !is_snowflake(role)) {
        complain(format!("`groups`: `{role}` is no role's id, which is {SNOWFLAKE}"));
    }
    if !discord.gateway && discord.public_key.is_none() {
        complain("`public_key` (HTTP) is needed without the gateway".to_owned());
    }
    if let Some(Err(why)) = discord.public_key.as_deref().map(Verifier::new) {
        complain(format!("`public_key`: {why}"));
    }
    if discord.incident_rooms == IncidentRooms::Threads && discord.incidents_under.is_none() {
        complain("`incidents_under` is needed: the channel whose threads the incidents are".into());
    }
    if let Err(why) = check_api_url(&discord.api_url) {
        complain(format!("`api_url`: {why}"));
    }
    given_roles(reader, "discord", &discord.member_roles, &discord.groups);
}

/// Whether this is one of Discord's ids.
pub(super) fn is_snowflake(text: &str) -> bool {
    (17..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn problems(text: &str) -> String {
        Config::parse("nova.toml", text).map_or_else(|e| e.to_string(), |_| "fine".to_owned())
    }

    #[test]
    fn each_problem_of_the_discord_section_is_told() {
        let text = r#"
[discord]
application_id = "nova"
guild_id = "1500000000000000002"
bot_token = { env = "B" }
public_key = "00"
gateway = false
fallback_channel = "ops"
member_roles = ["veiwer"]
groups = { sre = ["operator"] }
incident_rooms = "threads"
api_url = "http://127.0.0.1:x@discord.example.com/api"
[[people]]
name = "ana"
discord = "ana#1"
[[people]]
name = "bo"
discord = "1500000000000000009"
[[people]]
name = "cy"
discord = "1500000000000000009"
"#;
        insta::assert_snapshot!(problems(text), @r#"
        nova.toml:2: [discord] `application_id` is a number of 17 to 20 digits; see "Copy ID" in Discord's developer mode
        nova.toml:2: [discord] `fallback_channel` is a number of 17 to 20 digits; see "Copy ID" in Discord's developer mode
        nova.toml:2: [discord] `groups`: `sre` is no role's id, which is a number of 17 to 20 digits; see "Copy ID" in Discord's developer mode
        nova.toml:2: [discord] `public_key`: the public key is not the 64 hexadecimal digits of the developer portal
        nova.toml:2: [discord] `incidents_under` is needed: the channel whose threads the incidents are
        nova.toml:2: [discord] `api_url`: the API's address has to begin with https://
        nova.toml:2: [discord] no role `veiwer`; did you mean `viewer`?
        nova.toml:13: `ana`: `discord` is a user's id, a number of 17 to 20 digits; see "Copy ID" in Discord's developer mode
        nova.toml:19: two people have the discord account `1500000000000000009`
        "#);
        let least = "[discord]\napplication_id = \"1500000000000000001\"\n\
                     guild_id = \"1500000000000000002\"\nbot_token = { env = \"B\" }";
        assert_eq!(problems(least), "fine");
        assert!(problems(&format!("{least}\nincident_rooms = \"rooms\"")).contains("channels"));
        assert_eq!(
            problems(&format!("{least}\ngateway = false")),
            "nova.toml:1: [discord] `public_key` (HTTP) is needed without the gateway"
        );
    }
}
