//! Conversations in chat. Each has one text, which is played on every platform and over every
//! transport; at its end everything that went out is judged by the platform's own rules. What only one
//! platform has stands in that platform's folder (`slack/`, `chat/discord/`), and what only a terminal has in
//! `health.rs`, `incidents.rs` and `program.rs`.

mod answers;
mod console;
mod discord;
mod driver;
mod faults;
mod forms;
mod hostile;
mod office;
mod people;
mod secrets;
mod serving;
mod slack;

use crate::slack::Transport;

pub(crate) use driver::{Call, Deed, Fault, Forgery, Said, Shown, Token};
pub(crate) use faults::one_answer;
pub(crate) use office::{Office, same};

use driver::Driver;

/// Where a conversation takes place, and how it reaches nova.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    SlackHttp,
    SlackSockets,
    DiscordHttp,
    DiscordGateway,
    Console,
}

impl Platform {
    /// The platform with its people, before nova is there.
    async fn driver(self) -> Box<dyn Driver> {
        match self {
            Self::SlackHttp => Box::new(slack::Workspace::start(Transport::Http).await),
            Self::SlackSockets => Box::new(slack::Workspace::start(Transport::Sockets).await),
            Self::DiscordHttp => Box::new(discord::Guild::start(discord::Transport::Http).await),
            Self::DiscordGateway => {
                Box::new(discord::Guild::start(discord::Transport::Gateway).await)
            }
            Self::Console => Box::new(console::Terminal::default()),
        }
    }
}

/// Makes a module of tests of the named conversations on one platform.
macro_rules! on_platform {
    ($module:ident, $platform:ident, [$($name:ident),+]) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::chat::Platform::$platform).await;
            })+
        }
    };
}
pub(crate) use on_platform;

/// Plays every named conversation on every chat platform. A new one is a line here.
macro_rules! on_every_platform {
    ($($name:ident),+ $(,)?) => {
        $crate::chat::on_slack!($($name),+);
        $crate::chat::on_discord!($($name),+);
    };
}
pub(crate) use on_every_platform;

/// Plays what needs no channels at a terminal too.
macro_rules! on_console {
    ($($name:ident),+ $(,)?) => {
        $crate::chat::on_platform!(console, Console, [$($name),+]);
    };
}
pub(crate) use on_console;

/// Plays what is Slack's alone over its transports.
macro_rules! on_slack {
    ($($name:ident),+ $(,)?) => {
        $crate::chat::on_platform!(slack_http, SlackHttp, [$($name),+]);
        $crate::chat::on_platform!(slack_sockets, SlackSockets, [$($name),+]);
    };
}
pub(crate) use on_slack;

/// Plays what is Discord's alone over its transports.
macro_rules! on_discord {
    ($($name:ident),+ $(,)?) => {
        $crate::chat::on_platform!(discord_http, DiscordHttp, [$($name),+]);
        $crate::chat::on_platform!(discord_gateway, DiscordGateway, [$($name),+]);
    };
}
pub(crate) use on_discord;
