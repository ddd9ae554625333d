//! `nova serve` with a fresh SQLite store, and its timeline afterwards.
//!
//! Invariant: the store is only looked at after nova has ended well. Called by the benchmarks.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::Asks;
use super::server::{Rightly, Server, free_address};
use crate::measure::Place;

/// A nova with its configuration.
pub(crate) struct Nova {
    program: PathBuf,
    config: PathBuf,
    /// Secrets, by the names of the variables that the configuration takes them from.
    secrets: Vec<(&'static str, String)>,
    at: SocketAddr,
}

impl Nova {
    /// Gives it a folder and an address, and this section of its platform in the configuration.
    ///
    /// # Errors
    /// When the folder cannot be made or the machine has no free port.
    pub(crate) fn new(
        place: &Place,
        program: &Path,
        platform: &str,
        section: &str,
        secrets: Vec<(&'static str, String)>,
    ) -> anyhow::Result<Self> {
        let at = free_address()?;
        let folder = place.file(platform);
        std::fs::create_dir_all(&folder).context("cannot make nova's folder")?;
        let store = crate::idle::config(&folder.join("nova.db"));
        let config = format!("{store}[http]\nlisten = \"{at}\"\n[{platform}]\n{section}");
        let config = place.write(&format!("{platform}.toml"), &config)?;
        Ok(Self { program: program.to_owned(), config, secrets, at })
    }

    /// Where it listens.
    pub(crate) const fn at(&self) -> SocketAddr {
        self.at
    }

    /// # Errors
    /// When it does not become ready.
    pub(crate) async fn start(
        &self,
        place: &Place,
        rightly: Rightly,
        asks: &dyn Asks,
    ) -> anyhow::Result<Server> {
        let mut command = place.command(&self.program)?;
        command.args(["serve", "--config"]).arg(&self.config);
        command.envs(self.secrets.iter().map(|(name, value)| (name, value)));
        Server::start(place, "nova serve", rightly, self.at, command, asks).await
    }

    /// Ends it and reads its timeline.
    ///
    /// # Errors
    /// When the timeline is not intact or is not exactly that of so many pings.
    pub(crate) async fn end(
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
