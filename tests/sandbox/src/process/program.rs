//! One child process that ends with its owner.
//!
//! Invariant: the process is killed and reaped before `Program` is gone, and the kernel kills it when
//! this process dies first. The kernel ties that promise to the *thread* that started the child, and
//! an async runtime retires threads as it likes, so each child has a thread of its own that starts it
//! and stays until the child has been reaped. Called by `server`.

use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// How long a program may take to end when asked politely.
const POLITE: Duration = Duration::from_secs(5);
/// How much of the log an error shows, in bytes.
const TAIL: u64 = 2048;

/// What a child may keep and who it runs as.
#[derive(Clone, Copy)]
pub(super) struct Conditions<'a> {
    /// Run as this user; only root can.
    pub(super) user: Option<&'a str>,
    /// The signal that the kernel sends when the parent dies.
    pub(super) on_orphaned: Option<&'a str>,
}

/// Whether this process may change users.
pub(super) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// A command under these conditions, with a small environment of its own.
///
/// # Errors
/// When the user has to change and `setpriv` is missing. Without it and without a user the program
/// runs all the same, only its end on a crash of ours is not promised.
pub(super) fn command(program: &Path, conditions: Conditions<'_>) -> anyhow::Result<Command> {
    let Conditions { user, on_orphaned } = conditions;
    let mut command = match super::find("setpriv") {
        Some(setpriv) if user.is_some() || on_orphaned.is_some() => {
            let mut command = Command::new(setpriv);
            if let Some(user) = user {
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={user}"))
                    .arg("--clear-groups");
            }
            if let Some(signal) = on_orphaned {
                command.args(["--pdeathsig", signal]);
            }
            command.arg(program);
            command
        }
        None if user.is_some() => anyhow::bail!("setpriv is missing: install util-linux"),
        _ => Command::new(program),
    };
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null());
    Ok(command)
}

pub(super) struct Program {
    child: Child,
    log: PathBuf,
    /// Asks the program to end; the kill comes after it.
    polite: Option<Command>,
    /// Dropping it lets the keeper thread end.
    stay: Option<mpsc::SyncSender<Infallible>>,
    keeper: Option<JoinHandle<()>>,
}

impl Program {
    /// Starts the command with its output added to the file `log`.
    pub(super) fn spawn(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = OpenOptions::new().create(true).append(true).open(log)?;
        command.stdout(output.try_clone()?).stderr(output);
        let (give, take) = mpsc::sync_channel(1);
        let (stay, leave) = mpsc::sync_channel::<Infallible>(0);
        let keeper = std::thread::Builder::new().name("keeper".into()).spawn(move || {
            if give.send(command.spawn()).is_ok() {
                // Nothing is ever sent: this returns when the owner drops its end.
                let Err(mpsc::RecvError) = leave.recv();
            }
        })?;
        let child = take
            .recv()
            .context("the keeper thread ended early")?
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            child,
            log: log.to_owned(),
            polite: None,
            stay: Some(stay),
            keeper: Some(keeper),
        })
    }

    /// Sets the command that asks this program to end by itself.
    pub(super) fn ask_with(mut self, command: impl FnOnce(u32) -> Option<Command>) -> Self {
        self.polite = command(self.child.id());
        self
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The exit status when the program has ended by itself.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// The end of the log.
    pub(super) fn last_words(&self) -> String {
        read_tail(&self.log).unwrap_or_else(|error| format!("(no log: {error})"))
    }

    fn end(&mut self) {
        if let Some(mut polite) = self.polite.take() {
            let asked = polite.stdout(Stdio::null()).stderr(Stdio::null()).status();
            let until = Instant::now() + POLITE;
            while asked.is_ok()
                && Instant::now() < until
                && matches!(self.child.try_wait(), Ok(None))
            {
                // A destructor cannot await, and a child's end wakes nobody here.
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        // Both do nothing for a child that has been reaped, so the pid is never somebody else's.
        if self.child.kill().is_ok() {
            let _status = self.child.wait();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
        drop(self.stay.take());
        if let Some(keeper) = self.keeper.take() {
            let _panic = keeper.join();
        }
    }
}

fn read_tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
