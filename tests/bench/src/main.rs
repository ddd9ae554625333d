//! Measures the shipped `nova` against what people use without it, and prints ratios.
//!
//! Invariant: a row is printed only when everything in it was measured in this run and every contestant
//! gave the right answer; otherwise the run ends with an error. Where a contestant is not to be had, its
//! rows are said to be missing and the rest is printed. Exit status: 0 when every bar is kept, 1 when one
//! is missed, 2 when something could not be measured.

mod cargo;
mod contest;
mod discord;
mod health;
mod idle;
mod measure;
mod slack;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};

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
    /// A signed `/nova ping` against a bare axum server and @slack/bolt (npm)
    Slack,
    /// A signed `/nova ping` against a bare axum server and discord-interactions (npm)
    Discord,
    /// All of them
    All,
}

impl What {
    fn includes(self, part: Self) -> bool {
        self == part || self == Self::All
    }
}

/// What a run has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Kept,
    Missed,
    /// No bar is missed, but not all were measured.
    Incomplete,
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
        Ok(Verdict::Kept) => ExitCode::SUCCESS,
        Ok(Verdict::Missed) => ExitCode::from(1),
        Ok(Verdict::Incomplete) => ExitCode::from(2),
        Err(error) => {
            eprintln!("nova-bench: not measured: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Measures and prints.
async fn run(cli: &Cli) -> anyhow::Result<Verdict> {
    let path = std::env::var_os("PATH").context("PATH is not set")?;
    let place = Place::new(path)?;
    let part = |part| cli.what.includes(part);
    let (health, idle) = (part(What::Health), part(What::Idle));
    let (slack, discord) = (part(What::Slack), part(What::Discord));
    let needed = [("bash", health), ("curl", health), ("xargs", health), ("script", idle)];
    let mut versions = Vec::new();
    for (program, _) in needed.iter().filter(|(_, needed)| *needed) {
        versions.push(place.version(program).await?);
    }
    let (nova, origin) = match &cli.nova {
        Some(given) => (given.clone(), "given by --nova"),
        None => {
            let shipped = cargo::build("nova", &["-p", "nova", "--no-default-features"]).await?;
            (shipped, "just built: --release --no-default-features")
        }
    };
    let nova = nova.canonicalize().with_context(|| format!("no binary at {}", nova.display()))?;

    let (mut rows, mut conditions, mut contests) = (Vec::new(), Vec::new(), Vec::new());
    if health {
        rows.extend(health::measure(&place, &nova, usize::from(cli.rounds)).await?);
        conditions.push(health::conditions(cli.rounds));
    }
    if idle {
        rows.extend(idle::measure(&place, &nova).await?);
        conditions.push(idle::conditions());
    }
    if slack || discord {
        let bare = cargo::build("bare", &["-p", env!("CARGO_PKG_NAME"), "--bin", "bare"]).await?;
        if slack {
            contests.push(slack::measure(&place, &nova, &bare).await?);
            conditions.push(slack::conditions());
        }
        if discord {
            contests.push(discord::measure(&place, &nova, &bare).await?);
            conditions.push(discord::conditions());
        }
    }
    let (mut node, mut missing) = (None, Vec::new());
    for contest in contests {
        rows.extend(contest.rows);
        node = node.or(contest.node);
        missing.extend(contest.missing);
    }
    versions.extend(node);
    let cores = std::thread::available_parallelism().context("cannot count the cores")?;
    println!("{}, {origin}", nova.display());
    versions.insert(0, format!("on {cores} cores"));
    println!("{}", versions.join("; "));
    println!("{}\n\n{}", conditions.join("\n"), table(&rows));
    for missing in &missing {
        println!("\nnot measured: {missing}");
    }
    Ok(verdict(&rows, !missing.is_empty()))
}

fn verdict(rows: &[Row], incomplete: bool) -> Verdict {
    if rows.iter().any(Row::missed) {
        Verdict::Missed
    } else if incomplete {
        Verdict::Incomplete
    } else {
        Verdict::Kept
    }
}

fn table(rows: &[Row]) -> String {
    let mut lines = vec![format!(
        "{:<24} {:>11}   {:<28} {:>11} {:>8} {:>8}",
        "measured", "nova", "against", "", "ratio", "bar"
    )];
    for row in rows {
        let figure = |value: f64| format!("{value:.1} {}", row.unit);
        let (bar, verdict) = match row.bar {
            // As short as it can be written: 2.5, and 0.143 for a seventh.
            Some(bar) => (
                format!("≤ {}", (bar * 1000.0).round() / 1000.0),
                if row.missed() { "MISSED" } else { "ok" },
            ),
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
    fn what_is_missing_is_not_passed() {
        let (kept, missed) = (row(1.0, 1.0, Some(1.0)), row(2.0, 1.0, Some(1.0)));
        assert_eq!(verdict(&[row(1.0, 1.0, Some(1.0))], false), Verdict::Kept);
        assert_eq!(verdict(&[row(1.0, 1.0, Some(1.0))], true), Verdict::Incomplete);
        assert_eq!(verdict(&[kept, missed], true), Verdict::Missed);
    }

    #[test]
    fn the_table_says_what_is_missed() {
        let drawn =
            table(&[row(30.0, 10.0, Some(2.5)), row(5.0, 10.0, Some(2.5)), row(5.0, 10.0, None)]);
        let lines: Vec<_> = drawn.lines().collect();
        let seventh = table(&[row(1.0, 10.0, Some(1.0 / 7.0))]);
        assert!(seventh.ends_with("0.100  ≤ 0.143  ok"), "{seventh}");
        assert!(lines[1].ends_with("3.000    ≤ 2.5  MISSED"), "{drawn}");
        assert!(lines[2].ends_with("0.500    ≤ 2.5  ok"), "{drawn}");
        assert!(lines[3].ends_with("0.500        –"), "{drawn}");
    }
}
