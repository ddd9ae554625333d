//! The bare axum server, `src/bin/bare-slack.rs`. Called by `mod`.

use std::path::Path;

use super::ping::SIGNING_SECRET;
use super::server::{Server, free_address};
use crate::measure::Place;

/// # Errors
/// When it does not become ready.
pub(super) async fn start(place: &Place, program: &Path) -> anyhow::Result<Server> {
    let at = free_address()?;
    let mut command = place.command(program)?;
    command.env("LISTEN", at.to_string()).env("SIGNING_SECRET", SIGNING_SECRET);
    // It says nothing: every body contains that.
    Server::start(place, "bare axum", "", at, command).await
}
