//! What a guild holds when it starts: app, people, roles, channels. The defaults are one person of every
//! kind that a bot meets, and one channel that it cannot see. Invariant: every id has the form of a
//! snowflake. Read by the façade.

use std::time::Duration;

use super::permissions as may;
use super::rate::Pace;

/// What to start. [`DiscordOptions::default`] is an ordinary guild with the app installed.
#[derive(Debug, Clone)]
pub struct DiscordOptions {
    pub guild: String,
    pub guild_name: String,
    pub app: App,
    pub users: Vec<User>,
    /// The role of everybody has the guild's id.
    pub roles: Vec<Role>,
    pub channels: Vec<Room>,
    /// How strictly calls are limited in rate.
    pub pace: Pace,
    /// How long the app has for its first response. Discord gives three seconds.
    pub deadline: Duration,
}

/// The installed app and its bot.
#[derive(Debug, Clone)]
pub struct App {
    pub application_id: String,
    pub name: String,
    /// The same as the application's, as for every app of today.
    pub bot_user: String,
    pub guild_id: String,
    pub bot_token: String,
    /// What interactions over HTTP are proved with: 64 hexadecimal digits.
    pub public_key: String,
    /// The seed of the key that signs.
    pub(super) seed: [u8; 32],
}

/// A person or a bot.
#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    /// The handle.
    pub name: String,
    /// The name that is shown.
    pub global_name: Option<String>,
    /// The name in this guild.
    pub nick: Option<String>,
    pub bot: bool,
    /// Has not passed the guild's membership screening yet.
    pub pending: bool,
    /// Is in the guild.
    pub member: bool,
    /// Takes direct messages.
    pub direct: bool,
    /// Role ids, without that of everybody.
    pub roles: Vec<String>,
}

impl User {
    #[must_use]
    pub fn member(id: &str, name: &str, global_name: &str) -> Self {
        User {
            id: id.to_owned(),
            name: name.to_owned(),
            global_name: Some(global_name.to_owned()),
            nick: None,
            bot: false,
            pending: false,
            member: true,
            direct: true,
            roles: Vec::new(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Role {
    pub id: String,
    pub name: String,
    /// Discord's bits.
    pub permissions: u64,
    /// Belongs to an app.
    pub managed: bool,
}

/// A text channel as it is at the start.
#[derive(Debug, Clone)]
pub struct Room {
    pub id: String,
    pub name: String,
    /// Everybody sees it, the bot too; otherwise the owner alone.
    pub open: bool,
}

pub(super) const APP: &str = "1100000000000000001";
pub(super) const GUILD: &str = "1100000000000000002";
const BOT_ROLE: &str = "1150000000000000001";
const ONCALL: &str = "1150000000000000002";
const OPERATORS: &str = "1150000000000000003";

impl Default for DiscordOptions {
    fn default() -> Self {
        let role = |id: &str, name: &str, permissions: u64| Role {
            id: id.to_owned(),
            name: name.to_owned(),
            permissions,
            managed: id == BOT_ROLE,
        };
        let room = |number: u8, name: &str, open: bool| Room {
            id: format!("130000000000000000{number}"),
            name: name.to_owned(),
            open,
        };
        DiscordOptions {
            guild: GUILD.to_owned(),
            guild_name: "NovaCron".to_owned(),
            app: App::default(),
            users: people(),
            roles: vec![
                role(GUILD, "@everyone", may::PEOPLE),
                role(BOT_ROLE, "nova", may::BOT),
                role(ONCALL, "oncall", 0),
                role(OPERATORS, "operators", 0),
            ],
            channels: vec![
                room(1, "incidents", true),
                room(2, "ops", true),
                room(3, "random", true),
                room(4, "board", false),
            ],
            pace: Pace::Generous,
            deadline: Duration::from_secs(3),
        }
    }
}

impl Default for App {
    fn default() -> Self {
        let seed = [7; 32];
        App {
            application_id: APP.to_owned(),
            name: "nova".to_owned(),
            bot_user: APP.to_owned(),
            guild_id: GUILD.to_owned(),
            bot_token: "MTEwMDAwMDAwMDAwMDAwMDAwMQ.sandbox.bot-1".to_owned(),
            public_key: super::deliver::public_key(&seed),
            seed,
        }
    }
}

fn people() -> Vec<User> {
    let user = |number: u8, name: &str, shown: &str| {
        User::member(&format!("120000000000000000{number}"), name, shown)
    };
    let roles = |roles: &[&str]| roles.iter().map(|&role| role.to_owned()).collect::<Vec<_>>();
    let nova = User {
        bot: true,
        global_name: None,
        roles: roles(&[BOT_ROLE]),
        ..User::member(APP, "nova", "")
    };
    // The first person owns the guild.
    let ana = User { roles: roles(&[ONCALL, OPERATORS]), ..user(1, "ana", "Ana Alves") };
    let bo = User { roles: roles(&[OPERATORS]), ..user(2, "bo", "Bo Berg") };
    let gus = User { pending: true, ..user(3, "gus", "Gus Guest") };
    let una = user(4, "una", "Una Unsure");
    let dora = User { member: false, ..user(5, "dora", "Dora Gone") };
    let deploybot = User { bot: true, global_name: None, ..user(6, "deploybot", "") };
    vec![nova, ana, bo, gus, una, dora, deploybot]
}
