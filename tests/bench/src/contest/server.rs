//! A server in a process of its own: started, watched, stopped.
//!
//! Invariant: the figures are those of exactly the process that listens; it is alone (a server with
//! child processes is refused) and is killed when its owner goes. Called by the contestants and the benchmarks.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Asks;
use super::connection::Connection;
use super::load::Load;
use crate::measure::{Place, Ticks, children_of, cpu_of, memory, said};

pub(crate) use super::load::Rightly;

/// Longest wait for a server to be ready, to come to rest and to end.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// So many looks in a row without a tick of CPU time are rest.
const STILL: u32 = 5;
const READY: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

pub(crate) struct Server {
    name: &'static str,
    at: SocketAddr,
    rightly: Rightly,
    child: Child,
    pid: u32,
    log: PathBuf,
}

/// What a server holds, in MiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) resident: f64,
    /// The most it ever held.
    pub(crate) peak: f64,
}

/// An address that is free now.
///
/// # Errors
/// When the machine has none.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?)
}

impl Server {
    /// Starts the command, which listens at `at`, and waits until `/readyz` says 200 there. `rightly`: how
    /// it has to answer what `asks` makes.
    ///
    /// # Errors
    /// When it cannot be started, ends, is not ready in time, or takes a forged ping.
    pub(crate) async fn start(
        place: &Place,
        name: &'static str,
        rightly: Rightly,
        at: SocketAddr,
        mut command: Command,
        asks: &dyn Asks,
    ) -> anyhow::Result<Self> {
        let log = place.file(&format!("{}.log", name.replace(['/', ' '], "-")));
        let file = File::create(&log).with_context(|| format!("cannot keep what {name} says"))?;
        command.stdout(file.try_clone()?).stderr(file);
        let child = place.spawn(name, &mut command)?;
        let pid = child.id().with_context(|| format!("{name} has ended"))?;
        let mut server = Self { name, at, rightly, child, pid, log };
        let waited = timeout(PATIENCE, server.ready()).await;
        let waited = waited.unwrap_or_else(|_| bail!("not ready within {} s", PATIENCE.as_secs()));
        waited.with_context(|| format!("{name} ({})", said(&server.log)))?;
        ensure!(children_of(server.pid)?.is_empty(), "{name} has child processes");
        server.refuses(&asks.forged()?).await?;
        Ok(server)
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let mut looks = interval(POLL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if let Some(status) = self.child.try_wait().context("cannot wait for it")? {
                bail!("ended with {status} before it was ready");
            }
            let Ok(mut connection) = Connection::open(self.at).await else { continue };
            if connection.ask(READY).await.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
        }
    }

    /// Who takes any signature has less to do than the others.
    async fn refuses(&self, forged: &[u8]) -> anyhow::Result<()> {
        let asked = timeout(PATIENCE, async { Connection::open(self.at).await?.ask(forged).await });
        let answer = asked.await.with_context(|| format!("{} does not answer", self.name))??;
        ensure!(answer.status == 401, "{} answers a forged ping with {}", self.name, answer.status);
        Ok(())
    }

    /// These requests for this server.
    pub(crate) fn load(&self, requests: Vec<Vec<u8>>) -> Load {
        Load { at: self.at, requests, rightly: self.rightly }
    }

    /// Its CPU time for answering these requests, with all that it does afterwards.
    ///
    /// # Errors
    /// When an answer is wrong or it does not come to rest.
    pub(crate) async fn cpu_for(&self, requests: Vec<Vec<u8>>) -> anyhow::Result<Ticks> {
        let about = || format!("{} ({})", self.name, said(&self.log));
        let before = self.at_rest().await.with_context(about)?;
        self.load(requests).flat_out().await.with_context(about)?;
        let after = self.at_rest().await.with_context(about)?;
        Ok(Ticks(after.0 - before.0))
    }

    /// All its CPU time, when it has stopped growing: what is put off is paid for, too.
    async fn at_rest(&self) -> anyhow::Result<Ticks> {
        let rest = timeout(PATIENCE, async {
            let mut looks = interval(POLL);
            let (mut last, mut still) = (cpu_of(self.pid)?, 0);
            while still < STILL {
                looks.tick().await;
                let now = cpu_of(self.pid)?;
                still = if now == last { still + 1 } else { 0 };
                last = now;
            }
            anyhow::Ok(last)
        });
        rest.await.with_context(|| format!("works on for {} s", PATIENCE.as_secs()))?
    }

    /// # Errors
    /// When it has ended.
    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))
            .with_context(|| format!("{} has gone", self.name))?;
        Ok(Memory { resident: memory(&status, "VmRSS")?, peak: memory(&status, "VmHWM")? })
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// When it ended before, or does not.
    pub(crate) async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let pid = pid.with_context(|| format!("{} has ended by itself", self.name))?;
        kill_process(pid, Signal::TERM).with_context(|| format!("cannot stop {}", self.name))?;
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let ended = ended.with_context(|| format!("{} does not end on SIGTERM", self.name))?;
        ended.with_context(|| format!("cannot wait for {}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contest::Pings;

    /// Refuses as many pings as it is told, and takes every later one.
    const PYTHON: &str = r#"
import http.server, sys
port, refused = int(sys.argv[1]), int(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, left = "HTTP/1.1", [None] * refused
    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.reply(200, b"")
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if Handler.left:
            Handler.left.pop()
            self.reply(401, b"")
        else:
            self.reply(200, b"pong")
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64
Server(("127.0.0.1", port), Handler).serve_forever()
"#;

    /// Pings without a signature: the server counts.
    struct Plain;

    impl Asks for Plain {
        fn ping(&self, _: usize) -> anyhow::Result<Vec<u8>> {
            Ok(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".to_vec())
        }

        fn forged(&self) -> anyhow::Result<Vec<u8>> {
            self.ping(0)
        }
    }

    async fn python(place: &Place, refused: &str) -> anyhow::Result<Server> {
        let at = free_address()?;
        let mut command = place.command("python3")?;
        command.args(["-c", PYTHON, &at.port().to_string(), refused]);
        Server::start(place, "python", |body| body == "pong", at, command, &Plain).await
    }

    #[tokio::test]
    async fn a_server_is_asked_measured_and_stopped() {
        let place = Place::new("/usr/bin:/bin".into()).unwrap();
        let server = python(&place, "1").await.unwrap();
        let cpu = server.cpu_for(Pings::new(&Plain).make(500).unwrap()).await.unwrap();
        assert!(cpu.0 > 0);
        let memory = server.memory().unwrap();
        assert!(1.0 < memory.resident && memory.resident <= memory.peak);
        assert_eq!(server.stop().await.unwrap().code(), None, "ended by the signal");
    }

    #[tokio::test]
    async fn who_takes_a_forged_ping_is_not_measured() {
        let place = Place::new("/usr/bin:/bin".into()).unwrap();
        let error = python(&place, "0").await.map(drop).unwrap_err();
        assert_eq!(error.to_string(), "python answers a forged ping with 200");
    }

    #[tokio::test]
    async fn a_server_that_ends_is_named_with_its_last_words() {
        let place = Place::new("/usr/bin:/bin".into()).unwrap();
        let mut command = place.command("bash").unwrap();
        command.args(["-c", "echo no such option >&2; exit 3"]);
        let at = free_address().unwrap();
        let started = Server::start(&place, "it", |_| true, at, command, &Plain).await;
        let error = started.map(drop).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "it (no such option): ended with exit status: 3 before it was ready"
        );
    }
}
