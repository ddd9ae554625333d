//! Runs programs in a clean place and says what they cost.
//!
//! Invariant: what [`Place::run`] starts is one child at a time and is waited for, so that the growth of
//! this process's children's CPU time is the cost of exactly that child and its descendants; a server is
//! ended outside of it. Every wait is bounded; a child is killed when its owner goes. Used by all
//! benchmarks.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

/// Longest run of one child: the slowest one asks 600 services one by one.
const LIMIT: Duration = Duration::from_secs(300);
/// Most output that is read of one child, in bytes.
const MAX_OUTPUT: u64 = 16 * 1024 * 1024;
/// Clock ticks a second in `/proc/PID/stat`: fixed by Linux's interface to programs.
const TICKS: f64 = 100.0;

/// A folder of its own and the environment that every child gets.
pub(crate) struct Place {
    folder: TempDir,
    path: OsString,
}

/// A child that has ended.
pub(crate) struct Done {
    pub(crate) status: ExitStatus,
    pub(crate) output: Vec<u8>,
    /// From before the child was started until it was waited for.
    pub(crate) wall: Duration,
    pub(crate) cpu: Ticks,
}

/// User and system time of a child and its descendants, in ticks of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticks(pub(crate) u64);

impl Ticks {
    /// The mean over so many runs, in milliseconds. One run is known to a tick only; the mean of many is
    /// finer.
    pub(crate) fn mean_ms(self, runs: usize) -> f64 {
        // Far below 2^52, where these stop being exact.
        self.0 as f64 * (1000.0 / TICKS) / runs as f64
    }
}

impl Place {
    /// A new folder, removed on drop. `path` is where the programs are looked for.
    pub(crate) fn new(path: OsString) -> anyhow::Result<Self> {
        Ok(Self { folder: TempDir::new().context("no temporary folder")?, path })
    }

    /// A file or folder here.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file here and says where it is.
    pub(crate) fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.file(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// A program with nothing of the caller's environment but where programs are: no proxy, no `.curlrc`,
    /// no configuration of nova's. Its standard error goes to a file.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> anyhow::Result<Command> {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .stderr(File::create(self.file("stderr")).context("cannot keep standard error")?)
            .kill_on_drop(true);
        Ok(command)
    }

    /// Starts the child, whose name is for messages.
    pub(crate) fn spawn(
        &self,
        name: &str,
        command: &mut Command,
    ) -> anyhow::Result<tokio::process::Child> {
        command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                anyhow::anyhow!("`{name}` is needed and is not installed")
            }
            _ => anyhow::Error::new(error).context(format!("cannot run {name}")),
        })
    }

    /// Runs the child to its end. Its output goes through a file, so that nobody competes with it for
    /// the processor by reading.
    pub(crate) async fn run(&self, name: &str, mut command: Command) -> anyhow::Result<Done> {
        let output = self.file("stdout");
        command.stdout(File::create(&output).context("cannot keep standard output")?);
        let before = children_cpu()?;
        let started = Instant::now();
        let mut child = self.spawn(name, &mut command)?;
        let Ok(ended) = timeout(LIMIT, child.wait()).await else {
            bail!("{name} did not end within {} s", LIMIT.as_secs());
        };
        let wall = started.elapsed();
        let status = ended.with_context(|| format!("cannot wait for {name}"))?;
        let cpu = Ticks(children_cpu()?.0.saturating_sub(before.0));
        let mut bytes = Vec::new();
        let file = File::open(&output).context("cannot read standard output")?;
        file.take(MAX_OUTPUT + 1).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 <= MAX_OUTPUT, "{name} wrote more than {MAX_OUTPUT} bytes");
        Ok(Done { status, output: bytes, wall, cpu })
    }

    /// What a child said on standard error, for a message.
    pub(crate) fn complaint(&self) -> String {
        said(&self.file("stderr"))
    }

    /// The first line of `PROGRAM --version`; an error when the program is missing.
    pub(crate) async fn version(&self, program: &str) -> anyhow::Result<String> {
        let mut command = self.command(program)?;
        command.arg("--version");
        let done = self.run(program, command).await?;
        ensure!(done.status.success(), "`{program} --version` failed: {}", self.complaint());
        let text = String::from_utf8_lossy(&done.output);
        // "curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/…": the version is enough.
        let line = text.lines().next().unwrap_or_default();
        let version =
            line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        Ok(format!("{program} {}", version.unwrap_or(line)))
    }
}

/// The beginning of what a program wrote into a file, for a message.
pub(crate) fn said(file: &Path) -> String {
    let mut text = Vec::new();
    let read = File::open(file).and_then(|file| file.take(2000).read_to_end(&mut text));
    if read.is_err() || text.is_empty() {
        return "it said nothing".to_owned();
    }
    String::from_utf8_lossy(&text).trim().escape_debug().to_string()
}

/// The middle of the values, or the mean of the two middle ones.
///
/// # Panics
/// When there are none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "a median needs values");
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    f64::midpoint(low, high)
}

/// CPU time of all children of this process that have been waited for, with their descendants.
fn children_cpu() -> anyhow::Result<Ticks> {
    let fields = stat("self")?;
    Ok(Ticks(field::<u64>(&fields, 16)? + field::<u64>(&fields, 17)?))
}

/// CPU time of a process that still runs, without its children.
pub(crate) fn cpu_of(pid: u32) -> anyhow::Result<Ticks> {
    let fields = stat(&pid.to_string())?;
    Ok(Ticks(field::<u64>(&fields, 14)? + field::<u64>(&fields, 15)?))
}

/// The processes whose parent is this one.
pub(crate) fn children_of(parent: u32) -> anyhow::Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc").context("cannot list the processes")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process that ended since the folder was listed is nobody's child.
        let Ok(fields) = stat(&pid.to_string()) else { continue };
        if field::<u32>(&fields, 4)? == parent {
            children.push(pid);
        }
    }
    Ok(children)
}

fn stat(pid: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("no process {pid}"))
}

/// One number of `/proc/PID/stat`, counted from 1 as in proc(5).
fn field<T: std::str::FromStr>(stat: &str, number: usize) -> anyhow::Result<T> {
    // The second field is the program's name in parentheses and can hold anything.
    let rest = stat.rsplit_once(") ").map(|(_, rest)| rest);
    let word = rest.and_then(|rest| rest.split(' ').nth(number.checked_sub(3)?));
    word.and_then(|word| word.trim().parse().ok())
        .with_context(|| format!("/proc/PID/stat has no number in field {number}"))
}

/// A size of `/proc/PID/status`, such as `VmRSS`, in MiB.
pub(crate) fn memory(status: &str, key: &str) -> anyhow::Result<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kib = value.and_then(|value| value.trim().strip_suffix(" kB")?.trim().parse::<u32>().ok());
    Ok(f64::from(kib.with_context(|| format!("/proc/PID/status has no {key}"))?) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_proc_are_found_behind_any_name() {
        let stat = "42 (a) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 50 60 700 800 20 0 1 0\n";
        assert_eq!(field::<u32>(stat, 4).unwrap(), 7);
        assert_eq!(field::<u64>(stat, 16).unwrap(), 700);
        assert_eq!(field::<u64>(stat, 17).unwrap(), 800);
        assert!(field::<u64>(stat, 99).is_err());
        assert!(field::<u64>("nonsense", 16).is_err());
    }

    #[test]
    fn memory_is_read_in_mebibytes() {
        let status = "Name:\tnova\nVmHWM:\t   15360 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(memory(status, "VmHWM").unwrap(), 15.0);
        assert_eq!(memory(status, "VmRSS").unwrap(), 1.0);
        assert!(memory(status, "VmSwap").is_err());
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_mean_is_finer_than_a_tick() {
        assert_eq!(Ticks(21).mean_ms(7), 30.0);
        assert_eq!(Ticks(1).mean_ms(4), 2.5);
    }

    #[tokio::test]
    async fn a_childs_answer_and_cost_are_kept() {
        let place = Place::new("/usr/bin:/bin".into()).unwrap();
        let mut command = place.command("bash").unwrap();
        // Works until the kernel has counted some ticks for it.
        command.args(["-c", "while read -r _ _ _ _ _ _ _ _ _ _ _ _ _ u _ </proc/self/stat; [ $u -lt 3 ]; do :; done; echo $PATH; echo no >&2; exit 3"]);
        let done = place.run("bash", command).await.unwrap();
        assert_eq!(done.status.code(), Some(3));
        assert_eq!(done.output, b"/usr/bin:/bin\n");
        assert_eq!(place.complaint(), "no");
        assert!(done.cpu.0 >= 3, "{:?}", done.cpu);
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let place = Place::new("/nonexistent".into()).unwrap();
        let error = place.version("curl").await.unwrap_err();
        assert_eq!(error.to_string(), "`curl` is needed and is not installed");
    }

    #[tokio::test]
    async fn a_child_is_found_by_its_parent() {
        let place = Place::new("/usr/bin:/bin".into()).unwrap();
        let mut command = place.command("cat").unwrap();
        command.stdin(Stdio::piped());
        let child = place.spawn("cat", &mut command).unwrap();
        let children = children_of(std::process::id()).unwrap();
        assert!(children.contains(&child.id().unwrap()), "{children:?}");
    }
}
