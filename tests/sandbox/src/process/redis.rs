//! A Redis of one's own, with a password and without persistence.
//!
//! Invariant: what is in it dies with it, also over `stop` and `start_again`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use super::program::{self, Conditions, Program};
use super::server::Server;
use super::{ask, directory, find, random_password};

pub struct Redis {
    // Before the directory: the process goes first.
    server: Server,
    password: String,
    program: PathBuf,
    dir: TempDir,
}

impl Redis {
    /// The program, when it is on the machine.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        find("redis-server")
    }

    /// Starts an empty Redis that wants a random password.
    ///
    /// # Errors
    /// When Redis is not installed or does not come up.
    pub async fn start() -> anyhow::Result<Self> {
        let program = Self::find().context("Redis is missing: install redis-server")?;
        let dir = directory("redis")?;
        let password = random_password()?;
        let server = Server::start(
            "redis-server",
            |port| run(&program, dir.path(), &password, port),
            async |port| is_ready(port, &password).await,
        )
        .await?;
        Ok(Self { server, password, program, dir })
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The URL of database 0 with the password in it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port())
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

    /// Ends the process; its data is gone.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Starts it, empty, on the same port and with the same password.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        let run = |port| run(&self.program, self.dir.path(), &self.password, port);
        self.server.start_again(run, async |port| is_ready(port, &self.password).await).await
    }

    /// Sends one command; the reply as plain text.
    ///
    /// # Errors
    /// When Redis does not answer, refuses the command or replies with a list.
    pub async fn command(&self, words: &[&str]) -> anyhow::Result<String> {
        self.commands(&[words]).await
    }

    /// Sends several commands on one connection; the reply to the last.
    ///
    /// # Errors
    /// As [`Redis::command`].
    pub async fn commands(&self, commands: &[&[&str]]) -> anyhow::Result<String> {
        ask::redis(self.port(), &self.password, commands).await
    }
}

async fn is_ready(port: u16, password: &str) -> bool {
    ask::redis(port, password, &[&["PING"]]).await.is_ok_and(|reply| reply == "PONG")
}

fn run(program: &Path, dir: &Path, password: &str, port: u16) -> anyhow::Result<Program> {
    // By file and not by argument: arguments are for everybody to read.
    let file = dir.join("redis.conf");
    let text = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave \"\"\nappendonly no\n\
         daemonize no\ndir \"{}\"\n",
        dir.display()
    );
    std::fs::write(&file, text)?;
    let conditions = Conditions { user: None, on_orphaned: Some("KILL") };
    let mut command = program::command(program, conditions)?;
    command.arg(&file);
    Program::spawn(command, &dir.join("log"))
}
