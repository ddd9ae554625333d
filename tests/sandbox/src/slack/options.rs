//! What a workspace holds when it starts: team, app, people, user groups, channels. The defaults are
//! one person of every kind that Slack knows and one channel of every kind. Invariant: every id here
//! has the form of a real one (a letter for its kind, then capitals and digits). Read by the façade.

use std::time::Duration;

use super::rate::Pace;

/// What to start. [`SlackOptions::default`] is an ordinary workspace with the app installed.
#[derive(Debug, Clone)]
pub struct SlackOptions {
    pub team: Team,
    pub app: App,
    pub users: Vec<User>,
    pub groups: Vec<UserGroup>,
    pub channels: Vec<Room>,
    /// How strictly calls are limited in rate.
    pub pace: Pace,
    /// How long the app has to answer a delivery. Slack gives three seconds.
    pub deadline: Duration,
    /// The pauses before an event is delivered again. Slack waits about nothing, one minute and five
    /// minutes; the default is shorter, so that a scenario does not wait for it.
    pub retries: Vec<Duration>,
}

#[derive(Debug, Clone)]
pub struct Team {
    pub id: String,
    pub name: String,
    /// The part before `.slack.com`.
    pub domain: String,
}

/// The installed app, its bot and what it may do.
#[derive(Debug, Clone)]
pub struct App {
    pub id: String,
    pub name: String,
    pub bot_id: String,
    pub bot_user: String,
    /// `xoxb-…`
    pub bot_token: String,
    /// `xapp-…`, for `apps.connections.open`.
    pub app_token: String,
    pub signing_secret: String,
    /// The old token that payloads still carry. It proves nothing.
    pub verification_token: String,
    /// The bot token's scopes.
    pub scopes: Vec<String>,
}

/// A person or a bot, as `users.info` tells of them.
#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    /// The handle, without `@`.
    pub name: String,
    pub real_name: String,
    pub email: Option<String>,
    pub email_confirmed: bool,
    /// An IANA zone, and its offset in seconds.
    pub tz: String,
    pub tz_offset: i64,
    /// Not the workspace's for people who come by Slack Connect.
    pub team: String,
    pub admin: bool,
    pub deleted: bool,
    pub bot: bool,
    /// A guest.
    pub restricted: bool,
    /// A guest of one single channel.
    pub ultra_restricted: bool,
    /// Comes from another organisation.
    pub stranger: bool,
}

impl User {
    /// A full member of the default team with a confirmed address `NAME@example.com`.
    #[must_use]
    pub fn member(id: &str, name: &str, real_name: &str) -> Self {
        User {
            id: id.to_owned(),
            name: name.to_owned(),
            real_name: real_name.to_owned(),
            email: Some(format!("{name}@example.com")),
            email_confirmed: true,
            tz: "Europe/Berlin".to_owned(),
            tz_offset: 3600,
            team: TEAM.to_owned(),
            admin: false,
            deleted: false,
            bot: false,
            restricted: false,
            ultra_restricted: false,
            stranger: false,
        }
    }
}

#[derive(Debug, Clone)]
pub struct UserGroup {
    pub id: String,
    /// Without `@`.
    pub handle: String,
    pub name: String,
    /// User ids.
    pub users: Vec<String>,
}

/// A channel as it is at the start.
#[derive(Debug, Clone)]
pub struct Room {
    pub id: String,
    pub name: String,
    pub private: bool,
    pub archived: bool,
    /// Shared with another organisation.
    pub shared: bool,
    /// User ids; the bot's own is listed like any other.
    pub members: Vec<String>,
}

pub(super) const TEAM: &str = "T0NOVA0001";
const OTHER_TEAM: &str = "T0OTHER001";
const BOT_USER: &str = "U0NOVA0001";

/// What the app's manifest asks for. Posting in public channels without being a member
/// (`chat:write.public`) is not among them.
const SCOPES: [&str; 23] = [
    "app_mentions:read",
    "bookmarks:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:read",
    "im:write",
    "pins:read",
    "pins:write",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users:read",
    "users:read.email",
];

impl Default for SlackOptions {
    fn default() -> Self {
        let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        let room = |id: &str, name: &str, members: &[&str]| Room {
            id: id.to_owned(),
            name: name.to_owned(),
            private: false,
            archived: false,
            shared: false,
            members: ids(members),
        };
        let group = |id: &str, handle: &str, name: &str, users: &[&str]| UserGroup {
            id: id.to_owned(),
            handle: handle.to_owned(),
            name: name.to_owned(),
            users: ids(users),
        };
        let everybody = [BOT_USER, "U0ANA00001", "U0BO000001", "U0GUS00001"];
        SlackOptions {
            team: Team {
                id: TEAM.to_owned(),
                name: "NovaCron".to_owned(),
                domain: "novacron".to_owned(),
            },
            app: App::default(),
            users: people(),
            groups: vec![
                group("S0ONCALL01", "oncall", "On call", &["U0ANA00001"]),
                group("S0OPS00001", "ops", "Operations", &["U0ANA00001", "U0BO000001"]),
            ],
            channels: vec![
                room("C0INCIDENT", "incidents", &everybody),
                room("C0OPS00001", "ops", &everybody[..3]),
                // The bot is not in it.
                room("C0RANDOM01", "random", &["U0ANA00001", "U0BO000001"]),
                Room { private: true, ..room("C0WARROOM1", "war-room", &everybody[..3]) },
                Room { private: true, ..room("C0SECRET01", "board", &["U0ANA00001"]) },
                Room { archived: true, ..room("C0OLD00001", "old-incident", &everybody[..3]) },
                Room {
                    shared: true,
                    ..room("C0PARTNER1", "partners", &[BOT_USER, "U0ANA00001", "U0CON00001"])
                },
            ],
            pace: Pace::Generous,
            deadline: Duration::from_secs(3),
            retries: vec![Duration::ZERO, Duration::from_millis(100), Duration::from_millis(500)],
        }
    }
}

impl Default for App {
    fn default() -> Self {
        App {
            id: "A0NOVA0001".to_owned(),
            name: "nova".to_owned(),
            bot_id: "B0NOVA0001".to_owned(),
            bot_user: BOT_USER.to_owned(),
            bot_token: "xoxb-sandbox-bot-1".to_owned(),
            app_token: "xapp-1-A0NOVA0001-sandbox".to_owned(),
            signing_secret: "8f742231b10e8888abcd99yyyzzz85a5".to_owned(),
            verification_token: "ZZZZZZWSxiZZZ2yIvs3peJ".to_owned(),
            scopes: SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
        }
    }
}

fn people() -> Vec<User> {
    let nova = User {
        bot: true,
        email: None,
        email_confirmed: false,
        ..User::member(BOT_USER, "nova", "nova")
    };
    let ana = User { admin: true, ..User::member("U0ANA00001", "ana", "Ana Alves") };
    let bo = User {
        tz: "America/New_York".to_owned(),
        tz_offset: -18_000,
        ..User::member("U0BO000001", "bo", "Bo Berg")
    };
    let gus = User { restricted: true, ..User::member("U0GUS00001", "gus", "Gus Guest") };
    let sol = User {
        restricted: true,
        ultra_restricted: true,
        ..User::member("U0SOL00001", "sol", "Sol Single")
    };
    let con = User {
        stranger: true,
        team: OTHER_TEAM.to_owned(),
        email: Some("con@partner.example".to_owned()),
        ..User::member("U0CON00001", "con", "Con Connect")
    };
    let una = User { email_confirmed: false, ..User::member("U0UNA00001", "una", "Una Unsure") };
    let deploybot =
        User { bot: true, email: None, ..User::member("U0DEPLOY01", "deploybot", "deploybot") };
    let dora = User { deleted: true, ..User::member("U0DORA0001", "dora", "Dora Gone") };
    vec![nova, ana, bo, gus, sol, con, una, deploybot, dora]
}
