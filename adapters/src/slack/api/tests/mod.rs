//! The client against small servers that answer like Slack: [`server::Answers`] as the test says,
//! [`server::raw`] byte by byte.

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

use super::{Slack, SlackOptions};
use crate::chat::{ChatError, Conversation, Platform};
use crate::message::{Mark, Message};

/// Whatever goes wrong in a test's own machine shows before this.
const DEADLINE: Duration = Duration::from_secs(10);

fn options(api_url: &str) -> SlackOptions {
    drop(rustls::crypto::ring::default_provider().install_default());
    SlackOptions {
        api_url: api_url.into(),
        bot_token: SecretString::from("xoxb-first-token"),
        app_token: Some(SecretString::from("xapp-app-token")),
        deadline: DEADLINE,
    }
}

fn client(api_url: &str) -> Slack {
    Slack::new(options(api_url)).expect("the options are good")
}

/// A client that does not wait long.
fn hasty(api_url: &str) -> Slack {
    let deadline = Duration::from_millis(400);
    Slack::new(SlackOptions { deadline, ..options(api_url) }).expect("the options are good")
}

fn place(id: &str) -> Conversation {
    Conversation { platform: Platform::Slack, id: id.into() }
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
