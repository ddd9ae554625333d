//! A Prometheus that scrapes given addresses every second.
//!
//! Invariant: its targets and its port stay what they were at the start.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tempfile::TempDir;

use super::program::{self, Conditions, Program};
use super::server::Server;
use super::{ask, directory, find};

pub struct Prometheus {
    // Before the directory: the process goes first.
    server: Server,
    program: PathBuf,
    dir: TempDir,
    targets: usize,
}

impl Prometheus {
    /// The program, when it is on the machine.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        find("prometheus")
    }

    /// Starts it with one job for each `(job, "host:port")`; ready means that it answers queries,
    /// not that it has scraped anything yet.
    ///
    /// # Errors
    /// When Prometheus is not installed or does not come up.
    pub async fn start<J: AsRef<str>, A: AsRef<str>>(targets: &[(J, A)]) -> anyhow::Result<Self> {
        let program = Self::find().context("Prometheus is missing: install prometheus")?;
        let dir = directory("prometheus")?;
        let jobs: Vec<_> = targets
            .iter()
            .map(|(job, address)| {
                json!({"job_name": job.as_ref(),
                       "static_configs": [{"targets": [address.as_ref()]}]})
            })
            .collect();
        // Every JSON text is YAML too.
        let config = json!({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "scrape_configs": jobs,
        });
        std::fs::write(dir.path().join("prometheus.yml"), config.to_string())?;
        let run = |port| run(&program, dir.path(), port);
        let server = Server::start("prometheus", run, is_ready).await?;
        Ok(Self { server, program, dir, targets: targets.len() })
    }

    /// Waits until it has asked every target once.
    ///
    /// # Errors
    /// When it has not within half a minute.
    pub async fn scraped(&self) -> anyhow::Result<()> {
        // Empty unless each target has a series.
        let path = format!("/api/v1/query?query=count(up)=={}", self.targets);
        let asked = async {
            while !ask::http(self.port(), &path).await.is_some_and(|a| a.contains("\"value\"")) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let bound = Duration::from_secs(30);
        tokio::time::timeout(bound, asked).await.context("the first scrape was awaited")
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

    /// Ends the process; what it has scraped may be lost.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Starts it on the same port with the same targets.
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
        .arg(format!("--config.file={}", at("prometheus.yml")))
        .arg(format!("--storage.tsdb.path={}", at("data")))
        .arg("--storage.tsdb.retention.time=2h")
        .arg("--storage.tsdb.retention.size=64MB")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Program::spawn(command, &dir.join("log"))
}
