//! The same command answered by `@slack/bolt` on Node.js. Called by `mod`.

use super::ping::SIGNING_SECRET;
use super::workspace::BOT_TOKEN;
use crate::contest::Asks;
use crate::contest::npm::Script;
use crate::contest::server::{Server, free_address};
use crate::measure::Place;

/// The package as `npm install` takes it.
pub(super) const PACKAGE: &str = "@slack/bolt@5.1.0";
const SERVER: &str = include_str!("bolt.js");

/// # Errors
/// When it is not to be had.
pub(super) async fn install(place: &Place) -> anyhow::Result<Script> {
    Script::install(place, "bolt.js", SERVER, &[PACKAGE]).await
}

/// Starts it in the workspace whose Web API is there. `asks_who`: it serves members only, for which it
/// asks Slack about the person, as nova does.
///
/// # Errors
/// When it does not become ready.
pub(super) async fn start(
    script: &Script,
    place: &Place,
    api_url: &str,
    asks_who: bool,
    asks: &dyn Asks,
) -> anyhow::Result<Server> {
    let at = free_address()?;
    let mut command = script.command(place, at)?;
    command
        .env("SIGNING_SECRET", SIGNING_SECRET)
        .env("BOT_TOKEN", BOT_TOKEN)
        .env("API_URL", api_url)
        .env("ASKS_WHO", if asks_who { "yes" } else { "" });
    Server::start(place, "@slack/bolt", super::pong, at, command, asks).await
}
