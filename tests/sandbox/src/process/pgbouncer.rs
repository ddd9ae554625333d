//! PgBouncer in front of a PostgreSQL of one's own, in transaction mode with one server connection.
//!
//! Invariant: its settings are PgBouncer's defaults wherever that is possible: what a client may not
//! do there, it may not do here. It refuses to run as root, so under root it runs as `postgres`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::postgres::{USER, give};
use super::program::{self, Conditions, Program};
use super::server::Server;
use super::{Postgres, directory, find};

pub struct PgBouncer {
    // Before the directory: the process goes first.
    server: Server,
    _dir: TempDir,
}

impl PgBouncer {
    /// The program, when it is on the machine; Debian keeps it where only root looks.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        let debian = Path::new("/usr/sbin/pgbouncer");
        find("pgbouncer").or_else(|| debian.is_file().then(|| debian.to_owned()))
    }

    /// Starts it in front of `postgres` for this user alone; the password must need no escape.
    ///
    /// # Errors
    /// When PgBouncer is not installed or does not come up.
    pub async fn start(postgres: &Postgres, user: &str, password: &str) -> anyhow::Result<Self> {
        let program = Self::find().context("PgBouncer is missing: install pgbouncer")?;
        let dir = directory("pgbouncer")?;
        let users = dir.path().join("users");
        std::fs::write(&users, format!("\"{user}\" \"{password}\"\n"))?;
        let run = |port| run(&program, dir.path(), postgres.port(), port);
        let server = Server::start("pgbouncer", run, is_ready).await?;
        Ok(Self { server, _dir: dir })
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }
}

/// It listens once it has read its settings; a server connection is made for the first client.
async fn is_ready(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

fn run(program: &Path, dir: &Path, behind: u16, port: u16) -> anyhow::Result<Program> {
    let file = dir.join("pgbouncer.ini");
    let users = dir.join("users");
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={behind}\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = scram-sha-256\nauth_file = {}\n\
         pool_mode = transaction\ndefault_pool_size = 1\n",
        users.display()
    );
    std::fs::write(&file, text)?;
    let root = program::is_root();
    if root {
        for path in [dir, &file, &users] {
            give(path, USER)?;
        }
    }
    let conditions = Conditions { user: root.then_some(USER), on_orphaned: Some("KILL") };
    let mut command = program::command(program, conditions)?;
    command.arg(&file);
    Program::spawn(command, &dir.join("log"))
}
