//! The same command answered by `@slack/bolt` on Node.js.
//!
//! Invariant: either the pinned version runs, or it is said why there is nothing to compare with. Called
//! by `mod`.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use super::ping::SIGNING_SECRET;
use super::server::{Server, free_address};
use super::workspace::BOT_TOKEN;
use crate::measure::Place;

/// The package as `npm install` takes it.
pub(super) const PACKAGE: &str = "@slack/bolt@5.1.0";
const SERVER: &str = include_str!("bolt.js");

/// Where it is installed, and on what it runs.
pub(super) struct Bolt {
    script: PathBuf,
    /// "node 20.1.0"
    pub(super) node: String,
}

impl Bolt {
    /// Installs it into the benchmark's folder.
    ///
    /// # Errors
    /// When Node.js or npm is missing, or the registry is out of reach.
    pub(super) async fn install(place: &Place) -> anyhow::Result<Self> {
        let node = place.version("node").await?.replace(" v", " ");
        let script = place.write("bolt.js", SERVER)?;
        let folder = script.parent().context("a file without a folder")?;
        // With the caller's environment: it may say how the registry is reached, and costs nothing here.
        let mut npm = place.command("npm")?;
        npm.envs(std::env::vars_os().filter(|(name, _)| name != "PATH"))
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"])
            .arg("--prefix")
            .arg(folder)
            .arg(PACKAGE);
        let done = place.run("npm", npm).await?;
        // Of all that npm says, the first line names the error.
        let complaint = place.complaint();
        let why = complaint.split("\\n").next().unwrap_or_default();
        ensure!(done.status.success(), "`npm install {PACKAGE}` failed: {why}");
        Ok(Self { script, node })
    }

    /// Starts it in the workspace whose Web API is there. `asks_who`: it serves members only, for which
    /// it asks Slack about the person, as nova does.
    ///
    /// # Errors
    /// When it does not become ready.
    pub(super) async fn start(
        &self,
        place: &Place,
        api_url: &str,
        asks_who: bool,
    ) -> anyhow::Result<Server> {
        let at = free_address()?;
        let mut command = place.command("node")?;
        command
            .arg(&self.script)
            .env("NODE_ENV", "production")
            .env("LISTEN_PORT", at.port().to_string())
            .env("SIGNING_SECRET", SIGNING_SECRET)
            .env("BOT_TOKEN", BOT_TOKEN)
            .env("API_URL", api_url)
            .env("ASKS_WHO", if asks_who { "yes" } else { "" });
        Server::start(place, "@slack/bolt", "pong", at, command).await
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn without_node_it_is_said_so() {
        let place = Place::new("/nonexistent".into()).unwrap();
        let error = Bolt::install(&place).await.map(drop).unwrap_err();
        assert_eq!(error.to_string(), "`node` is needed and is not installed");
    }

    #[tokio::test]
    async fn npms_error_is_one_line() {
        let programs = tempfile::tempdir().unwrap();
        // Two programs that behave alike: a version, and two lines about an unknown option.
        for (name, program) in [("node", "echo"), ("npm", "ls")] {
            symlink(Path::new("/bin").join(program), programs.path().join(name)).unwrap();
        }
        let place = Place::new(programs.path().into()).unwrap();
        let error = Bolt::install(&place).await.map(drop).unwrap_err();
        let (error, package) =
            (error.to_string(), format!("`npm install {PACKAGE}` failed: npm: "));
        assert!(error.starts_with(&package) && error.contains("--no-audit"), "{error}");
        assert!(!error.contains("--help"), "{error}");
    }
}
