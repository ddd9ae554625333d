//! What an idle `nova console` costs: resident memory, and the time from its start to the first prompt.
//!
//! The console runs in a pseudo-terminal, which util-linux' `script` provides; the time includes the
//! start of `script` and of its shell. Invariant: the process whose memory is read is the nova that was
//! asked for, and it ended well when it was told to. Called by `main`.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::Row;
use crate::measure::{Place, children_of, median, memory};

/// Starts with a fresh database, and as many with one that exists.
const STARTS: usize = 11;
const MAX_MEMORY_MIB: f64 = 30.0;
const MAX_START_MS: f64 = 150.0;
const PROMPT: &[u8] = b"nova>";
/// End of input, as a person types it.
const CTRL_D: &[u8] = b"\x04";
/// Longest wait for the prompt and for the end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes that are read while waiting for the prompt.
const MAX_SEEN: usize = 64 * 1024;

/// One start.
struct Start {
    prompt_ms: f64,
    resident_mib: f64,
    peak_mib: f64,
}

/// Under what conditions the figures hold.
pub(crate) fn conditions() -> String {
    format!(
        "idle: {STARTS} starts of `nova console` with a fresh database and {STARTS} with an existing one, \
         interleaved, after a warm-up.\n  memory: the largest of all starts, at the first prompt. prompt: \
         median, with the start of the pseudo-terminal's `script` and shell."
    )
}

/// A configuration with this database and nothing else: the guide's own services.
pub(crate) fn config(database: &Path) -> String {
    // Quoted as TOML wants it: whatever the folder is called.
    let url = serde_json::Value::from(format!("sqlite:{}", database.display()));
    format!("[store]\nurl = {url}\n")
}

/// Makes all starts.
///
/// # Errors
/// When the console cannot be started, shows no prompt or does not end well.
pub(crate) async fn measure(place: &Place, nova: &Path) -> anyhow::Result<Vec<Row>> {
    let (mut fresh, mut existing) = (Vec::new(), Vec::new());
    eprintln!("idle: warm-up");
    start(place, nova, "existing").await?;
    for number in 1..=STARTS {
        eprintln!("idle: start {number} of {STARTS}");
        fresh.push(start(place, nova, &format!("fresh-{number}")).await?);
        existing.push(start(place, nova, "existing").await?);
    }
    let largest =
        |size: fn(&Start) -> f64| fresh.iter().chain(&existing).map(size).fold(0.0, f64::max);
    let (resident, peak) = (largest(|start| start.resident_mib), largest(|start| start.peak_mib));
    let prompt = |starts: &[Start]| median(starts.iter().map(|start| start.prompt_ms).collect());
    let mib = |what, nova| row(what, nova, MAX_MEMORY_MIB, "MiB");
    let ms = |what, starts| row(what, prompt(starts), MAX_START_MS, "ms");
    Ok(vec![
        mib("idle, resident memory", resident),
        mib("idle, peak memory", peak),
        ms("prompt, fresh database", &fresh),
        ms("prompt, old database", &existing),
    ])
}

fn row(what: &'static str, nova: f64, limit: f64, unit: &'static str) -> Row {
    Row { what, nova, against: "limit", other: limit, unit, bar: Some(1.0) }
}

/// Starts the console with its state in the folder of that name, and ends it.
async fn start(place: &Place, nova: &Path, folder: &str) -> anyhow::Result<Start> {
    let state = place.file(folder);
    std::fs::create_dir_all(&state).context("cannot make the console's folder")?;
    let config = place.write("console.toml", &config(&state.join("nova.db")))?;
    let mut command = place.command("script")?;
    command
        // Through the environment, so that no path is ever a shell's words.
        .args(["-qfec", "exec \"$BENCH_PROGRAM\" console --config \"$BENCH_CONFIG\"", "/dev/null"])
        .env("BENCH_PROGRAM", nova)
        .env("BENCH_CONFIG", config)
        .env("XDG_STATE_HOME", &state)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let started = Instant::now();
    let mut script = place.spawn("script", &mut command)?;
    let mut screen = script.stdout.take().context("script has no output")?;
    wait_for_prompt(&mut screen).await.with_context(|| place.complaint())?;
    let prompt_ms = started.elapsed().as_secs_f64() * 1000.0;

    let pid = console(&script, nova)?;
    let status =
        std::fs::read_to_string(format!("/proc/{pid}/status")).context("the console has gone")?;
    let sizes = Start {
        prompt_ms,
        resident_mib: memory(&status, "VmRSS")?,
        peak_mib: memory(&status, "VmHWM")?,
    };
    end(script, screen).await?;
    Ok(sizes)
}

/// Reads the screen until the prompt stands on it.
async fn wait_for_prompt(screen: &mut ChildStdout) -> anyhow::Result<()> {
    let mut seen = Vec::new();
    let shows_prompt = |seen: &[u8]| seen.windows(PROMPT.len()).any(|bytes| bytes == PROMPT);
    let read = timeout(PATIENCE, async {
        while !shows_prompt(&seen) && seen.len() < MAX_SEEN {
            if screen.read_buf(&mut seen).await? == 0 {
                break;
            }
        }
        std::io::Result::Ok(())
    });
    let why = match read.await {
        Ok(Ok(())) if shows_prompt(&seen) => return Ok(()),
        Ok(Ok(())) => "the console ended or wrote too much".to_owned(),
        Ok(Err(error)) => format!("cannot read the screen: {error}"),
        Err(_) => format!("{} s have passed", PATIENCE.as_secs()),
    };
    let screen = String::from_utf8_lossy(&seen[..seen.len().min(2000)]);
    bail!("no prompt was shown: {why}; on the screen: {}", screen.escape_debug())
}

/// The console's process: the child of `script`, and nova itself.
fn console(script: &Child, nova: &Path) -> anyhow::Result<u32> {
    let parent = script.id().context("script has ended")?;
    let children = children_of(parent)?;
    let [pid] = children[..] else {
        bail!("script has {} children instead of one", children.len())
    };
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).context("the console has gone")?;
    ensure!(program == nova, "script runs {} instead of nova", program.display());
    Ok(pid)
}

/// Types the end of input and waits for a good end.
async fn end(mut script: Child, mut screen: ChildStdout) -> anyhow::Result<()> {
    let mut keyboard = script.stdin.take().context("script has no input")?;
    keyboard.write_all(CTRL_D).await.context("cannot type")?;
    let leave = async {
        // Somebody has to read, or a full pipe would hold the console.
        tokio::io::copy(&mut screen, &mut tokio::io::sink()).await?;
        script.wait().await
    };
    let Ok(status) = timeout(PATIENCE, leave).await else {
        bail!("the console did not end within {} s of Ctrl-D", PATIENCE.as_secs());
    };
    let status = status.context("cannot wait for script")?;
    ensure!(status.success(), "the console ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_quotes_its_path() {
        assert_eq!(
            config(Path::new("/t/a \"b\"/nova.db")),
            "[store]\nurl = \"sqlite:/t/a \\\"b\\\"/nova.db\"\n"
        );
    }

    #[tokio::test]
    async fn a_console_without_a_prompt_is_an_error() {
        let place = Place::new("/usr/bin:/bin".into()).unwrap();
        let error = start(&place, Path::new("/bin/echo"), "x").await.map(|_| ()).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("no prompt was shown: the console ended"), "{error}");
        assert!(error.contains("console --config"), "{error}");
    }
}
