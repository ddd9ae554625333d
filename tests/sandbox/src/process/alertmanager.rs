//! An Alertmanager that takes alerts and sends them nowhere.
//!
//! Invariant: it is alone; clustering is off.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use super::program::{self, Conditions, Program};
use super::server::Server;
use super::{ask, directory, find};

/// One receiver without a destination.
const CONFIG: &str =
    r#"{"route": {"receiver": "nobody", "group_wait": "1s"}, "receivers": [{"name": "nobody"}]}"#;

pub struct Alertmanager {
    // Before the directory: the process goes first.
    server: Server,
    program: PathBuf,
    dir: TempDir,
}

impl Alertmanager {
    /// The program, when it is on the machine.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        find("prometheus-alertmanager").or_else(|| find("alertmanager"))
    }

    /// Starts it without alerts and silences.
    ///
    /// # Errors
    /// When Alertmanager is not installed or does not come up.
    pub async fn start() -> anyhow::Result<Self> {
        let program =
            Self::find().context("Alertmanager is missing: install prometheus-alertmanager")?;
        let dir = directory("alertmanager")?;
        std::fs::write(dir.path().join("alertmanager.yml"), CONFIG)?;
        let run = |port| run(&program, dir.path(), port);
        let server = Server::start("alertmanager", run, is_ready).await?;
        Ok(Self { server, program, dir })
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The process id while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    #[must_use]
    pub fn is_running(&self) -> bool {
        self.server.is_running()
    }

    /// Ends the process.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Starts it on the same port.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        let run = |port| run(&self.program, self.dir.path(), port);
        self.server.start_again(run, is_ready).await
    }
}

async fn is_ready(port: u16) -> bool {
    ask::http_ok(port, "/-/ready").await
}

fn run(program: &Path, dir: &Path, port: u16) -> anyhow::Result<Program> {
    let conditions = Conditions { user: None, on_orphaned: Some("KILL") };
    let mut command = program::command(program, conditions)?;
    let at = |name: &str| dir.join(name).display().to_string();
    command
        .arg(format!("--config.file={}", at("alertmanager.yml")))
        .arg(format!("--storage.path={}", at("data")))
        .arg("--cluster.listen-address=")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Program::spawn(command, &dir.join("log"))
}
