//! The bare axum server, `src/bin/bare`, with one platform's route. Called by the benchmarks.

use std::path::Path;

use super::Asks;
use super::server::{Rightly, Server, free_address};
use crate::measure::Place;

pub(crate) const BARE: &str = "bare axum";

/// `key`: what the platform's signatures are verified with.
///
/// # Errors
/// When it does not become ready.
pub(crate) async fn start(
    place: &Place,
    program: &Path,
    platform: &str,
    key: &str,
    rightly: Rightly,
    asks: &dyn Asks,
) -> anyhow::Result<Server> {
    let at = free_address()?;
    let mut command = place.command(program)?;
    command.arg(platform).env("LISTEN", at.to_string()).env("KEY", key);
    Server::start(place, BARE, rightly, at, command, asks).await
}
