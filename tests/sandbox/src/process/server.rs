//! A program that serves a port: started on a free one, stopped, and started again on the same.
//!
//! Invariant: after `start` and `start_again` the program has answered, and the port never changes
//! in between. Called by each program of this module.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::program::Program;

/// How long a program may take until it answers.
const READY: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(25);
/// How often a clash of ports is tried again.
const ATTEMPTS: usize = 5;

pub(super) struct Server {
    name: &'static str,
    port: u16,
    program: Mutex<Option<Program>>,
}

impl Server {
    /// Starts the program on a free port and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be started, ends or does not answer in time; with the end of its log.
    pub(super) async fn start(
        name: &'static str,
        run: impl Fn(u16) -> anyhow::Result<Program>,
        ready: impl AsyncFn(u16) -> bool,
    ) -> anyhow::Result<Self> {
        let mut attempt = 1;
        loop {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            match launch(name, port, &run, &ready).await {
                Ok(program) => {
                    return Ok(Self { name, port, program: Mutex::new(Some(program)) });
                }
                // Somebody took the port between our look and the program's.
                Err(Failure::Clash(_)) if attempt < ATTEMPTS => attempt += 1,
                Err(Failure::Clash(error) | Failure::Other(error)) => return Err(error),
            }
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The process id while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.with(|program| program.as_ref().map(Program::pid))
    }

    /// Whether the program runs, without asking it anything.
    pub(super) fn is_running(&self) -> bool {
        self.with(|program| {
            program.as_mut().is_some_and(|program| matches!(program.ended(), Ok(None)))
        })
    }

    /// Ends the program; its files stay. Blocks for as long as the program takes.
    pub(super) fn stop(&self) {
        drop(self.with(Option::take));
    }

    /// Starts the program on its port again after `stop`, or anew when it runs.
    ///
    /// # Errors
    /// As `start`; a clash is tried again, because the old sockets may take a moment to go.
    pub(super) async fn start_again(
        &self,
        run: impl Fn(u16) -> anyhow::Result<Program>,
        ready: impl AsyncFn(u16) -> bool,
    ) -> anyhow::Result<()> {
        self.stop();
        let mut attempt = 1;
        let program = loop {
            match launch(self.name, self.port, &run, &ready).await {
                Ok(program) => break program,
                Err(Failure::Clash(_)) if attempt < ATTEMPTS => {
                    attempt += 1;
                    tokio::time::sleep(POLL * 10).await;
                }
                Err(Failure::Clash(error) | Failure::Other(error)) => return Err(error),
            }
        };
        self.with(|slot| *slot = Some(program));
        Ok(())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Option<Program>) -> T) -> T {
        work(&mut self.program.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

enum Failure {
    Clash(anyhow::Error),
    Other(anyhow::Error),
}

async fn launch(
    name: &str,
    port: u16,
    run: &impl Fn(u16) -> anyhow::Result<Program>,
    ready: &impl AsyncFn(u16) -> bool,
) -> Result<Program, Failure> {
    let mut program = run(port).map_err(Failure::Other)?;
    let until = Instant::now() + READY;
    loop {
        let answered = ready(port).await;
        let ended = program.ended().map_err(|e| Failure::Other(e.into()))?;
        // An answer counts only while ours lives: on a clash another program may have given it.
        if let Some(status) = ended {
            let words = program.last_words();
            let clash = words.to_ascii_lowercase().contains("address already in use");
            let error = anyhow::anyhow!("{name} ended with {status} on port {port}:\n{words}");
            return Err(if clash { Failure::Clash(error) } else { Failure::Other(error) });
        }
        if answered {
            return Ok(program);
        }
        if Instant::now() > until {
            let words = program.last_words();
            return Err(Failure::Other(anyhow::anyhow!(
                "{name} did not answer on port {port} within {READY:?}:\n{words}"
            )));
        }
        tokio::time::sleep(POLL).await;
    }
}
