//! The client against small servers that answer like Discord: [`server::Answers`] as the test says,
//! [`raw`] byte by byte.

mod commands;
mod files;
mod identity;
mod messages;
mod people;
mod reply;
mod rooms;
mod secrets;
mod server;
mod trouble;

use std::time::Duration;

use secrecy::SecretString;

use super::{Discord, DiscordOptions, Rooms};
use crate::chat::{ChatError, Conversation, Platform};
use crate::message::{Mark, Message};

/// Whatever goes wrong in a test's own machine shows before this.
const DEADLINE: Duration = Duration::from_secs(10);

const APPLICATION: &str = "1100000000000000001";
const GUILD: &str = "1200000000000000001";
const BOT: &str = "1300000000000000001";
const CHANNEL: &str = "1400000000000000001";
const ANA: &str = "1500000000000000001";
const MESSAGE: &str = "1600000000000000001";

fn options(api_url: &str) -> DiscordOptions {
    drop(rustls::crypto::ring::default_provider().install_default());
    DiscordOptions {
        api_url: api_url.into(),
        application_id: APPLICATION.into(),
        guild_id: GUILD.into(),
        bot_token: SecretString::from("first.bot-token"),
        rooms: Rooms::Channels { category: None },
        deadline: DEADLINE,
    }
}

fn client(api_url: &str) -> Discord {
    Discord::new(options(api_url)).expect("the options are good")
}

/// A client that does not wait long.
fn hasty(api_url: &str) -> Discord {
    let deadline = Duration::from_millis(400);
    Discord::new(DiscordOptions { deadline, ..options(api_url) }).expect("the options are good")
}

fn place(id: &str) -> Conversation {
    Conversation { platform: Platform::Discord, id: id.into() }
}

fn done(headline: &str) -> Message {
    Message::new(Mark::Ok, headline)
}

fn working(headline: &str) -> Message {
    Message::new(Mark::Working, headline)
}

/// The error's class, for tables.
fn class<T>(result: &Result<T, ChatError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(ChatError::RateLimited { .. }) => "limited",
        Err(ChatError::Unavailable(_)) => "unavailable",
        Err(ChatError::Unanswered(_)) => "unanswered",
        Err(ChatError::Gone) => "gone",
        Err(ChatError::Unauthorised(_)) => "unauthorised",
        Err(ChatError::Refused(_)) => "refused",
    }
}
