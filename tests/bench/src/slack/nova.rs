//! `nova serve` with a fresh SQLite store, and its timeline afterwards.
//!
//! Invariant: the store is only looked at after nova has ended well. Called by `mod`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::ping::SIGNING_SECRET;
use super::server::{Server, free_address};
use super::workspace::BOT_TOKEN;
use crate::measure::Place;

/// A nova with its configuration.
pub(super) struct Nova {
    program: PathBuf,
    config: PathBuf,
    at: SocketAddr,
}

impl Nova {
    /// Gives it a folder and an address, in the workspace whose Web API is there.
    ///
    /// # Errors
    /// When the folder cannot be made or the machine has no free port.
    pub(super) fn new(place: &Place, program: &Path, api_url: &str) -> anyhow::Result<Self> {
        let at = free_address()?;
        let folder = place.file("slack");
        std::fs::create_dir_all(&folder).context("cannot make nova's folder")?;
        let config = crate::idle::config(&folder.join("nova.db")) + &section(at, api_url);
        let config = place.write("slack.toml", &config)?;
        Ok(Self { program: program.to_owned(), config, at })
    }

    /// # Errors
    /// When it does not become ready.
    pub(super) async fn start(&self, place: &Place) -> anyhow::Result<Server> {
        let mut command = place.command(&self.program)?;
        command
            .args(["serve", "--config"])
            .arg(&self.config)
            .env("NOVA_SLACK_BOT_TOKEN", BOT_TOKEN)
            .env("NOVA_SLACK_SIGNING_SECRET", SIGNING_SECRET);
        Server::start(place, "nova serve", "pong", self.at, command).await
    }

    /// Ends it and reads its timeline.
    ///
    /// # Errors
    /// When the timeline is not intact or is not exactly that of so many pings.
    pub(super) async fn end(
        &self,
        place: &Place,
        server: Server,
        pings: usize,
    ) -> anyhow::Result<()> {
        let status = server.stop().await?;
        ensure!(status.success(), "nova serve ended with {status}");
        let mut command = place.command(&self.program)?;
        command.args(["audit", "verify", "--config"]).arg(&self.config);
        let done = place.run("nova audit verify", command).await?;
        let said = String::from_utf8_lossy(&done.output);
        ensure!(
            done.status.success(),
            "nova audit verify ({}) says: {} ({})",
            done.status,
            said.trim().escape_debug(),
            place.complaint()
        );
        check(&said, pings)
    }
}

fn section(at: SocketAddr, api_url: &str) -> String {
    format!(
        "[http]\nlisten = \"{at}\"\n[slack]\napi_url = \"{api_url}\"\nmember_roles = [\"viewer\"]\n\
         bot_token = {{ env = \"NOVA_SLACK_BOT_TOKEN\" }}\n\
         signing_secret = {{ env = \"NOVA_SLACK_SIGNING_SECRET\" }}\n"
    )
}

/// Whether "intact: 2 rows, head …" is said of these pings.
fn check(said: &str, pings: usize) -> anyhow::Result<()> {
    let rows =
        said.strip_prefix("intact: ").and_then(|rest| rest.split_once(" rows")?.0.parse().ok());
    let rows: usize =
        rows.with_context(|| format!("nova audit verify says: {}", said.trim().escape_debug()))?;
    ensure!(rows == pings, "{pings} pings left {rows} rows on the timeline");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeline_must_have_one_row_a_ping() {
        let check = |said| check(said, 2).map_err(|error| error.to_string());
        assert_eq!(check("intact: 2 rows, head ab\n"), Ok(()));
        let few = "2 pings left 3 rows on the timeline";
        assert_eq!(check("intact: 3 rows, head ab\n"), Err(few.into()));
        assert_eq!(check("row 3: edited\n"), Err("nova audit verify says: row 3: edited".into()));
    }
}
