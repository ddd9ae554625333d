//! A PostgreSQL cluster of one's own: superuser `postgres`, database `novacron`, no durability.
//!
//! PostgreSQL refuses to run as root, so under root it runs as the system user `postgres`, to whom
//! its directory is given. It is ended with SIGQUIT and not SIGKILL: only then does it free its
//! shared memory, which would pile up over many test runs. Invariant: the data survives `stop` and
//! `start_again`.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use super::program::{self, Conditions, Program};
use super::server::Server;
use super::{directory, find, random_password};

/// The system user when this process is root.
pub(super) const USER: &str = "postgres";
/// The longest one statement or the creation of the cluster may take.
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Postgres {
    // Before the directory: the process goes first.
    server: Server,
    place: Place,
    password: String,
}

/// Where the programs and the files are.
struct Place {
    bin: PathBuf,
    dir: TempDir,
    /// Whether another user has to run it.
    as_user: bool,
    /// A library that the server loads as it starts.
    preload: Option<&'static str>,
}

impl Postgres {
    /// The directory with `initdb`, `postgres` and `psql`; of the newest version when there are
    /// several.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        let debian = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let version: u32 = entry.file_name().to_str()?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .filter(|(_, bin)| bin.join("initdb").is_file())
            .max();
        let elsewhere = || Some(find("initdb")?.canonicalize().ok()?.parent()?.to_owned());
        debian.map(|(_, bin)| bin).or_else(elsewhere)
    }

    /// Creates a new cluster and starts it; takes a second or two.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not come up.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(None).await
    }

    /// The same with the library of pg_stat_statements loaded, where it is on the machine; the
    /// extension is for the caller to create.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn start_recording() -> anyhow::Result<Self> {
        const LIBRARY: &str = "pg_stat_statements";
        let there = |bin: PathBuf| bin.join(format!("../lib/{LIBRARY}.so")).is_file();
        Self::start_with(Self::find().is_some_and(there).then_some(LIBRARY)).await
    }

    async fn start_with(preload: Option<&'static str>) -> anyhow::Result<Self> {
        let place = Place::new(preload)?;
        let password = random_password()?;
        place.create(&password).await?;
        let postgres = Self::serve(place, password).await?;
        postgres.execute_in("postgres", "CREATE DATABASE novacron").await?;
        Ok(postgres)
    }

    async fn serve(place: Place, password: String) -> anyhow::Result<Self> {
        let server = Server::start(
            "postgres",
            |port| place.run(port),
            async |port| place.is_ready(port, &password).await,
        )
        .await?;
        Ok(Self { server, place, password })
    }

    /// Starts a standby that follows this server through the replication slot `standby`.
    ///
    /// # Errors
    /// When it cannot be copied or does not come up.
    pub async fn standby(&self) -> anyhow::Result<Self> {
        let place = Place::new(self.place.preload)?;
        place.give_away()?;
        place.copy(self.port(), &self.password).await?;
        Self::serve(place, self.password.clone()).await
    }

    /// Whether the library of pg_stat_statements is loaded.
    #[must_use]
    pub fn records_statements(&self) -> bool {
        self.place.preload.is_some()
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The URL of the database `novacron` for the superuser.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_as("postgres", &self.password)
    }

    /// The URL of the database `novacron` for a user; the password must need no encoding.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/novacron", self.port())
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

    /// Ends the server at once; clients lose their connections, the data stays.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Starts the server on the same port with the data it had.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        let ready = async |port| self.place.is_ready(port, &self.password).await;
        self.server.start_again(|port| self.place.run(port), ready).await
    }

    /// Stops and starts the server.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.start_again().await
    }

    /// Runs SQL in `novacron` as the superuser; rows as lines, columns parted by `|`.
    ///
    /// # Errors
    /// With the server's words when a statement fails; the later ones are not run.
    pub async fn execute(&self, sql: &str) -> anyhow::Result<String> {
        self.execute_in("novacron", sql).await
    }

    async fn execute_in(&self, database: &str, sql: &str) -> anyhow::Result<String> {
        self.place.psql(self.port(), &self.password, database, sql).await
    }
}

impl Place {
    fn conditions<'a>(&self, on_orphaned: Option<&'a str>) -> Conditions<'a> {
        Conditions { user: self.as_user.then_some(USER), on_orphaned }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn new(preload: Option<&'static str>) -> anyhow::Result<Self> {
        let bin = Postgres::find().context("PostgreSQL is missing: install postgresql")?;
        let dir = directory("postgres")?;
        Ok(Self { bin, dir, as_user: program::is_root(), preload })
    }

    /// Lets the user who runs it write into its directory.
    fn give_away(&self) -> anyhow::Result<()> {
        if self.as_user { give(self.dir.path(), USER) } else { Ok(()) }
    }

    /// Copies the files of the server on that port, to follow it.
    async fn copy(&self, port: u16, password: &str) -> anyhow::Result<()> {
        let program = self.bin.join("pg_basebackup");
        let mut copy = program::command(&program, self.conditions(None))?;
        copy.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "postgres", "-w"])
            .args(["--checkpoint=fast", "--no-sync", "--write-recovery-conf"])
            .args(["--create-slot", "--slot=standby", "--pgdata"])
            .arg(self.data())
            .env("PGPASSWORD", password);
        finish(copy, "pg_basebackup").await
    }

    /// Makes the cluster's files.
    async fn create(&self, password: &str) -> anyhow::Result<()> {
        let secret = self.dir.path().join("password");
        std::fs::write(&secret, password)?;
        self.give_away()?;
        if self.as_user {
            give(&secret, USER)?;
        }
        let mut initdb = program::command(&self.bin.join("initdb"), self.conditions(None))?;
        initdb
            .arg("--pgdata")
            .arg(self.data())
            .arg("--pwfile")
            .arg(&secret)
            .args(["--username=postgres", "--auth=scram-sha-256"])
            .args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
        finish(initdb, "initdb").await?;
        std::fs::remove_file(&secret)?;
        Ok(())
    }

    fn run(&self, port: u16) -> anyhow::Result<Program> {
        let conditions = self.conditions(Some("QUIT"));
        let mut command = program::command(&self.bin.join("postgres"), conditions)?;
        command
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.dir.path())
            .args(["-h", "127.0.0.1", "-p", &port.to_string()])
            // Commits stay synchronous: SIGQUIT would lose those not yet handed to the kernel.
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .args(["-c", "shared_buffers=16MB"]);
        if let Some(library) = self.preload {
            command.arg("-c").arg(format!("shared_preload_libraries={library}"));
        }
        let program = Program::spawn(command, &self.dir.path().join("log"))?;
        Ok(program.ask_with(|pid| self.quit(pid)))
    }

    /// The command that sends SIGQUIT, as the user who may.
    fn quit(&self, pid: u32) -> Option<std::process::Command> {
        let pg_ctl = self.bin.join("pg_ctl");
        let mut command = program::command(&pg_ctl, self.conditions(None)).ok()?;
        command.args(["kill", "QUIT", &pid.to_string()]);
        Some(command)
    }

    async fn is_ready(&self, port: u16, password: &str) -> bool {
        self.psql(port, password, "postgres", "SELECT 1")
            .await
            .is_ok_and(|answer| answer.trim() == "1")
    }

    async fn psql(
        &self,
        port: u16,
        password: &str,
        database: &str,
        sql: &str,
    ) -> anyhow::Result<String> {
        let conditions = Conditions { user: None, on_orphaned: None };
        let mut command = program::command(&self.psql_path(), conditions)?;
        command
            .args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"])
            .args(["-h", "127.0.0.1", "-p", &port.to_string()])
            .args(["-U", "postgres", "-d", database, "-f", "-"])
            .env("PGPASSWORD", password)
            .env("PGCONNECT_TIMEOUT", "5")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start psql")?;
        let mut input = child.stdin.take().context("psql has no input")?;
        let write = async move {
            // psql that stops at an error closes its input; what it says matters then, not this.
            let _broken = input.write_all(sql.as_bytes()).await;
        };
        let work = async { tokio::join!(write, child.wait_with_output()).1 };
        let output = tokio::time::timeout(DEADLINE, work).await.context("psql does not end")??;
        anyhow::ensure!(
            output.status.success(),
            "psql: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn psql_path(&self) -> PathBuf {
        let own = self.bin.join("psql");
        if own.is_file() { own } else { Path::new("psql").to_owned() }
    }
}

/// Runs a command to its end.
async fn finish(command: std::process::Command, name: &str) -> anyhow::Result<()> {
    let work = tokio::process::Command::from(command).kill_on_drop(true).output();
    let ended = tokio::time::timeout(DEADLINE, work)
        .await
        .with_context(|| format!("{name} does not end"))?
        .with_context(|| format!("cannot start {name}"))?;
    let words = String::from_utf8_lossy(&ended.stderr);
    anyhow::ensure!(ended.status.success(), "{name} failed: {words}");
    Ok(())
}

/// Makes a system user the owner of a file.
pub(super) fn give(path: &Path, user: &str) -> anyhow::Result<()> {
    let (uid, gid) = ids(user)?;
    chown(path, Some(uid), Some(gid))?;
    Ok(())
}

/// User and group id of a system user.
fn ids(user: &str) -> anyhow::Result<(u32, u32)> {
    let text = std::fs::read_to_string("/etc/passwd")?;
    text.lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            if fields.next()? != user {
                return None;
            }
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        })
        .with_context(|| format!("no system user {user}: install postgresql"))
}
