//! Packages of npm's and the Node.js that they run on.
//!
//! Invariant: either the pinned versions run, or it is said why there is nothing to compare with. Called
//! by the benchmarks.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::measure::Place;

/// A server's script with the packages that it needs.
pub(crate) struct Script {
    path: PathBuf,
    /// "node 20.1.0"
    pub(crate) node: String,
}

impl Script {
    /// Installs the packages, each as `npm install` takes it, into the benchmark's folder.
    ///
    /// # Errors
    /// When Node.js or npm is missing, or the registry is out of reach.
    pub(crate) async fn install(
        place: &Place,
        name: &str,
        text: &str,
        packages: &[&str],
    ) -> anyhow::Result<Self> {
        let node = place.version("node").await?.replace(" v", " ");
        let path = place.write(name, text)?;
        let folder = path.parent().context("a file without a folder")?;
        // With the caller's environment: it may say how the registry is reached, and costs nothing here.
        let mut npm = place.command("npm")?;
        npm.envs(std::env::vars_os().filter(|(name, _)| name != "PATH"))
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"])
            .arg("--prefix")
            .arg(folder)
            .args(packages);
        let done = place.run("npm", npm).await?;
        // Of all that npm says, the first line names the error.
        let complaint = place.complaint();
        let why = complaint.split("\\n").next().unwrap_or_default();
        let packages = packages.join(" ");
        ensure!(done.status.success(), "`npm install {packages}` failed: {why}");
        Ok(Self { path, node })
    }

    /// What runs it, to listen at `at`.
    ///
    /// # Errors
    /// When its standard error cannot be kept.
    pub(crate) fn command(&self, place: &Place, at: SocketAddr) -> anyhow::Result<Command> {
        let mut command = place.command("node")?;
        command
            .arg(&self.path)
            .env("NODE_ENV", "production")
            .env("LISTEN_PORT", at.port().to_string());
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    async fn refusal(programs: &Path) -> String {
        let place = Place::new(programs.into()).unwrap();
        let installed = Script::install(&place, "x.js", "", &["x@1.0.0", "y@2.0.0"]).await;
        installed.map(drop).unwrap_err().to_string()
    }

    #[tokio::test]
    async fn without_node_it_is_said_so() {
        let error = refusal(Path::new("/nonexistent")).await;
        assert_eq!(error, "`node` is needed and is not installed");
    }

    #[tokio::test]
    async fn npms_error_is_one_line() {
        let programs = tempfile::tempdir().unwrap();
        // Two programs that behave alike: a version, and two lines about an unknown option.
        for (name, program) in [("node", "echo"), ("npm", "ls")] {
            symlink(Path::new("/bin").join(program), programs.path().join(name)).unwrap();
        }
        let error = refusal(programs.path()).await;
        let packages = "`npm install x@1.0.0 y@2.0.0` failed: npm: ";
        assert!(error.starts_with(packages) && error.contains("--no-audit"), "{error}");
        assert!(!error.contains("--help"), "{error}");
    }
}
