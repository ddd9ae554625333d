//! Measures the shipped `nova` against what people use without it, and prints ratios.
//!
//! Invariant: a row is printed only when everything in it was measured in this run and every contestant
//! gave the right answer; otherwise the run ends with an error. Exit status: 0 when every bar is kept,
//! 1 when one is missed, 2 when something could not be measured.

mod health;
mod idle;
mod measure;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context as _, ensure};
use clap::{Parser, ValueEnum};
use tokio::process::Command;

use crate::measure::Place;

/// Measures the shipped nova binary. Exit status: 0 every bar is kept, 1 one is missed, 2 not measured
#[derive(Parser)]
#[command(name = "nova-bench")]
struct Cli {
    /// What to measure
    what: What,
    /// Measure this binary; without it the shipped one is built first
    #[arg(long, value_name = "PATH")]
    nova: Option<PathBuf>,
    /// Rounds of `health` after the warm-up
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// 600 services, 8 of them broken, against curl in three ways
    Health,
    /// Memory and start of an idle `nova console`
    Idle,
    /// Both
    All,
}

/// One line of the table: nova's figure over another, and how large that ratio may be.
struct Row {
    what: &'static str,
    nova: f64,
    against: &'static str,
    other: f64,
    /// Of both figures.
    unit: &'static str,
    /// The largest ratio that is good enough; without it the row only informs.
    bar: Option<f64>,
}

impl Row {
    fn missed(&self) -> bool {
        // A ratio that is not a number keeps no bar.
        let kept = |bar| self.nova <= bar * self.other;
        self.bar.is_some_and(|bar| !kept(bar))
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = tokio::runtime::Runtime::new()
        .context("no runtime")
        .and_then(|runtime| runtime.block_on(run(&cli)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("nova-bench: not measured: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Measures and prints; `false` when a bar is missed.
async fn run(cli: &Cli) -> anyhow::Result<bool> {
    let path = std::env::var_os("PATH").context("PATH is not set")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let place = Place::new(path)?;
    let (health, idle) = (cli.what != What::Idle, cli.what != What::Health);
    let needed = [("bash", health), ("curl", health), ("xargs", health), ("script", idle)];
    let mut versions = Vec::new();
    for (program, _) in needed.iter().filter(|(_, needed)| *needed) {
        versions.push(place.version(program).await?);
    }
    let (nova, origin) = match &cli.nova {
        Some(given) => (given.clone(), "given by --nova"),
        None => (build(&cargo).await?, "just built: --release --no-default-features"),
    };
    let nova = nova.canonicalize().with_context(|| format!("no binary at {}", nova.display()))?;

    let mut rows = Vec::new();
    if health {
        rows.extend(health::measure(&place, &nova, usize::from(cli.rounds)).await?);
    }
    if idle {
        rows.extend(idle::measure(&place, &nova).await?);
    }
    let cores = std::thread::available_parallelism().context("cannot count the cores")?;
    println!("{}, {origin}", nova.display());
    println!("on {cores} cores, with {}", versions.join("; "));
    if health {
        println!("{}", health::conditions(cli.rounds));
    }
    if idle {
        println!("{}", idle::conditions());
    }
    println!("\n{}", table(&rows));
    Ok(!rows.iter().any(Row::missed))
}

/// Builds the shipped binary and says where it is.
async fn build(cargo: &OsString) -> anyhow::Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let built = Command::new(cargo)
        .args(["build", "--release", "-p", "nova", "--no-default-features"])
        // Cargo itself says where it put the binary: the target folder can be configured.
        .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(manifest)
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot run cargo")?;
    ensure!(built.status.success(), "the shipped binary does not build ({})", built.status);
    executable(&built.stdout).context("cargo built no program called nova")
}

/// The program `nova` among cargo's messages.
fn executable(messages: &[u8]) -> Option<PathBuf> {
    messages.split(|byte| *byte == b'\n').find_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let path = message.get("executable")?.as_str()?;
        (message.get("target")?.get("name")? == "nova").then(|| path.into())
    })
}

fn table(rows: &[Row]) -> String {
    let mut lines = vec![format!(
        "{:<24} {:>11}   {:<28} {:>11} {:>8} {:>8}",
        "measured", "nova", "against", "", "ratio", "bar"
    )];
    for row in rows {
        let figure = |value: f64| format!("{value:.1} {}", row.unit);
        let (bar, verdict) = match row.bar {
            Some(bar) => (format!("≤ {bar}"), if row.missed() { "MISSED" } else { "ok" }),
            None => ("–".to_owned(), ""),
        };
        let line = format!(
            "{:<24} {:>11}   {:<28} {:>11} {:>8.3} {:>8}  {verdict}",
            row.what,
            figure(row.nova),
            row.against,
            figure(row.other),
            row.nova / row.other,
            bar
        );
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(nova: f64, other: f64, bar: Option<f64>) -> Row {
        Row { what: "wall", nova, against: "curl", other, unit: "ms", bar }
    }

    #[test]
    fn a_bar_is_kept_up_to_its_value() {
        assert!(!row(25.0, 10.0, Some(2.5)).missed());
        assert!(row(25.1, 10.0, Some(2.5)).missed());
        assert!(row(f64::NAN, 10.0, Some(2.5)).missed());
        assert!(!row(1e9, 10.0, None).missed());
    }

    #[test]
    fn the_table_says_what_is_missed() {
        let drawn =
            table(&[row(30.0, 10.0, Some(2.5)), row(5.0, 10.0, Some(2.5)), row(5.0, 10.0, None)]);
        let lines: Vec<_> = drawn.lines().collect();
        assert!(lines[1].ends_with("3.000    ≤ 2.5  MISSED"), "{drawn}");
        assert!(lines[2].ends_with("0.500    ≤ 2.5  ok"), "{drawn}");
        assert!(lines[3].ends_with("0.500        –"), "{drawn}");
    }

    #[test]
    fn cargo_says_where_the_binary_is() {
        let messages =
            br#"{"reason":"compiler-artifact","target":{"name":"nova"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/t/other"}
{"reason":"compiler-artifact","target":{"name":"nova"},"executable":"/t/nova"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable(messages), Some("/t/nova".into()));
        assert_eq!(executable(b"not json\n"), None);
    }
}
