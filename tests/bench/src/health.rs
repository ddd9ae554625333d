//! `health` over 600 services against curl in three ways, on the same targets, in interleaved rounds.
//!
//! Invariant: in every round each contestant must have asked all services and found exactly the broken
//! ones; a wrong answer is an error and not a measurement. Called by `main`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use nova_sandbox::services::{Fault, Services};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::process::Command;

use crate::Row;
use crate::measure::{Done, Place, Ticks, median};

const SERVICES: usize = 600;
/// Numbers of the services that take the connection and never answer.
const HANGING: [usize; 3] = [100, 300, 500];
/// Numbers of the services whose port is closed.
const REFUSED: [usize; 5] = [50, 150, 250, 350, 450];
const BROKEN: usize = HANGING.len() + REFUSED.len();
/// For one service, in seconds: nova's deadline and curl's `--max-time`.
const DEADLINE: u32 = 1;
/// What nova may take beyond the deadline, in milliseconds.
const MARGIN: u32 = 100;
/// Nova's CPU time over that of `curl --parallel`, and over that of `xargs`.
const CPU_BARS: [f64; 2] = [2.5, 0.05];
/// The servers and nova keep a connection to every service, beside the listening ports.
const OPEN_FILES: u64 = 4096;

/// How the guide asks: one service after the other.
const LOOP: &str = r#"while read -r url; do
  curl -f --max-time "$1" -s "$url" >/dev/null && echo 200 || echo 000
done"#;

#[derive(Clone, Copy)]
enum Contestant {
    Nova,
    Loop,
    Xargs,
    Parallel,
}

const CONTESTANTS: [Contestant; 4] =
    [Contestant::Nova, Contestant::Loop, Contestant::Xargs, Contestant::Parallel];

/// Where each contestant finds the targets.
struct Targets {
    nova: PathBuf,
    /// For nova.
    config: PathBuf,
    /// One URL a line, for the loop and for xargs.
    urls: PathBuf,
    /// For `curl --config`.
    curl: PathBuf,
}

/// What one contestant took in all rounds.
#[derive(Default)]
struct Taken {
    wall_ms: Vec<f64>,
    cpu: Ticks,
}

/// Under what conditions the figures hold.
pub(crate) fn conditions(rounds: u16) -> String {
    format!(
        "health: {SERVICES} services on loopback, {} hang and {} refuse, deadline {DEADLINE} s; {rounds} \
         interleaved rounds after a warm-up.\n  wall: median. CPU: user and system time of the whole \
         process tree, mean, counted in ticks of 10 ms.\n  The load generator (the services) shares this \
         machine with what is measured; its own CPU time is not counted.",
        HANGING.len(),
        REFUSED.len(),
    )
}

/// Runs all rounds.
///
/// # Errors
/// When a program cannot be run or gives a wrong answer.
pub(crate) async fn measure(place: &Place, nova: &Path, rounds: usize) -> anyhow::Result<Vec<Row>> {
    allow_open_files()?;
    let services = Services::start_many(SERVICES).await.context("cannot start the services")?;
    let names: Vec<String> = services.names().into_iter().map(str::to_owned).collect();
    for (numbers, fault) in [(&HANGING[..], Fault::Hanging), (&REFUSED[..], Fault::Refused)] {
        for number in numbers {
            services.set(&names[*number], fault).await?;
        }
    }
    let targets = write_targets(place, nova, &services)?;
    let mut taken: [Taken; CONTESTANTS.len()] = Default::default();
    for round in 0..=rounds {
        eprintln!(
            "health: {}",
            if round == 0 { "warm-up".to_owned() } else { format!("round {round} of {rounds}") }
        );
        for turn in 0..CONTESTANTS.len() {
            // Nobody always runs behind the same one.
            let who = (round + turn) % CONTESTANTS.len();
            let contestant = CONTESTANTS[who];
            let done = place.run(contestant.name(), contestant.command(place, &targets)?).await?;
            contestant.check(&done, &services).with_context(|| {
                format!(
                    "{}: a wrong answer ({}; {})",
                    contestant.name(),
                    done.status,
                    place.complaint()
                )
            })?;
            if round > 0 {
                taken[who].wall_ms.push(done.wall.as_secs_f64() * 1000.0);
                taken[who].cpu.0 += done.cpu.0;
            }
        }
    }
    rows(taken, rounds)
}

fn rows(taken: [Taken; CONTESTANTS.len()], rounds: usize) -> anyhow::Result<Vec<Row>> {
    for (who, taken) in CONTESTANTS.iter().zip(&taken) {
        ensure!(
            taken.cpu.0 > 0,
            "{}: too little CPU time to count: give more --rounds",
            who.name()
        );
    }
    let cpu = taken.each_ref().map(|taken| taken.cpu.mean_ms(rounds));
    let wall = taken.map(|taken| median(taken.wall_ms));
    let row = |what, nova, against, other, bar| Row { what, nova, against, other, unit: "ms", bar };
    let limit = f64::from(DEADLINE * 1000 + MARGIN);
    let mut rows = vec![row("health, wall", wall[0], "deadline + 100 ms", limit, Some(1.0))];
    for (peer, name) in CONTESTANTS.iter().map(|who| who.name()).enumerate().skip(1) {
        rows.push(row("health, wall", wall[0], name, wall[peer], None));
    }
    for (peer, contestant) in CONTESTANTS.iter().enumerate().skip(1) {
        let bar = match contestant {
            Contestant::Parallel => Some(CPU_BARS[0]),
            Contestant::Xargs => Some(CPU_BARS[1]),
            Contestant::Nova | Contestant::Loop => None,
        };
        rows.push(row("health, CPU", cpu[0], contestant.name(), cpu[peer], bar));
    }
    Ok(rows)
}

impl Contestant {
    const fn name(self) -> &'static str {
        match self {
            Self::Nova => "nova run health",
            Self::Loop => "curl, one after the other",
            Self::Xargs => "xargs -P 64 curl",
            Self::Parallel => "curl --parallel",
        }
    }

    fn command(self, place: &Place, targets: &Targets) -> anyhow::Result<Command> {
        let urls = || std::fs::File::open(&targets.urls).context("cannot read the list of URLs");
        let seconds = DEADLINE.to_string();
        let command = match self {
            Self::Nova => {
                let mut command = place.command(&targets.nova)?;
                command.args(["run", "health", "--json", "--config"]).arg(&targets.config);
                command
            }
            Self::Loop => {
                let mut command = place.command("bash")?;
                command.args(["-c", LOOP, "bash", &seconds]).stdin(urls()?);
                command
            }
            Self::Xargs => {
                let mut command = place.command("xargs")?;
                command.args(["-P", "64", "-n", "1", "curl", "-sf", "--max-time", &seconds]);
                command.args(["-o", "/dev/null", "-w", "%{http_code}\\n"]).stdin(urls()?);
                command
            }
            Self::Parallel => {
                let mut command = place.command("curl")?;
                command.args(["--parallel", "--parallel-max", "300", "--max-time", &seconds, "-s"]);
                command.args(["-w", "%{http_code}\\n", "--config"]).arg(&targets.curl);
                command
            }
        };
        Ok(command)
    }

    /// Whether everybody was asked and exactly the broken ones were found.
    fn check(self, done: &Done, services: &Services) -> anyhow::Result<()> {
        match self {
            Self::Nova => {
                ensure!(
                    done.status.code() == Some(1),
                    "the exit status does not say that something is broken"
                );
                check_report(&done.output, &services.names(), |name| {
                    services.fault(name) != Fault::Ok
                })
            }
            Self::Loop | Self::Xargs | Self::Parallel => check_codes(&done.output),
        }
    }
}

/// One line a service: its HTTP code, or 000 without an answer.
fn check_codes(output: &[u8]) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(output);
    let count = |code| text.lines().filter(|line| *line == code).count();
    let (all, good, bad) = (text.lines().count(), count("200"), count("000"));
    ensure!(
        all == SERVICES && good == SERVICES - BROKEN && bad == BROKEN,
        "of {all} services {good} answered and {bad} did not; expected {SERVICES}, {} and {BROKEN}",
        SERVICES - BROKEN
    );
    Ok(())
}

/// One finding a service: `fail` for the broken ones, `ok` for the others.
fn check_report(
    output: &[u8],
    names: &[&str],
    broken: impl Fn(&str) -> bool,
) -> anyhow::Result<()> {
    let report: serde_json::Value =
        serde_json::from_slice(output).context("the answer is not JSON")?;
    let findings = report["findings"].as_array().context("no findings in the answer")?;
    let mut judged: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in findings {
        let (subject, status) = (finding["subject"].as_str(), finding["status"].as_str());
        let (subject, status) =
            subject.zip(status).context("a finding without subject or status")?;
        judged.entry(subject).or_default().push(status);
    }
    for name in names {
        let expected = if broken(name) { "fail" } else { "ok" };
        let said = judged.get(name).map_or(&[][..], Vec::as_slice);
        ensure!(said == [expected], "{name} was judged {said:?} and is {expected}");
    }
    let failing = findings.iter().filter(|finding| finding["status"] == "fail").count();
    let expected = names.iter().filter(|name| broken(name)).count();
    ensure!(failing == expected, "{failing} findings fail; expected {expected}");
    Ok(())
}

fn write_targets(place: &Place, nova: &Path, services: &Services) -> anyhow::Result<Targets> {
    let database = place.file("nova.db");
    let (mut config, mut urls, mut curl) =
        (crate::idle::config(&database), String::new(), String::new());
    write!(config, "[limits]\ndeadline = \"{DEADLINE}s\"\n")?;
    for name in services.names() {
        let url = services.url(name);
        write!(config, "[[services]]\nname = \"{name}\"\nurl = \"{url}\"\nhealth = \"/health\"\n")?;
        writeln!(urls, "{url}/health")?;
        write!(curl, "url = \"{url}/health\"\noutput = \"/dev/null\"\n")?;
    }
    Ok(Targets {
        nova: nova.to_owned(),
        config: place.write("nova.toml", &config)?,
        urls: place.write("urls", &urls)?,
        curl: place.write("curlrc", &curl)?,
    })
}

/// Raises the soft limit of open files, which the children inherit.
fn allow_open_files() -> anyhow::Result<()> {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= OPEN_FILES) {
        return Ok(());
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(OPEN_FILES), ..now })
        .with_context(|| format!("{OPEN_FILES} open files are needed and not allowed (ulimit -n)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: &[(&str, &str)]) -> Vec<u8> {
        let findings: Vec<_> = findings
            .iter()
            .map(|(subject, status)| serde_json::json!({ "subject": subject, "status": status }))
            .collect();
        serde_json::json!({ "findings": findings }).to_string().into_bytes()
    }

    #[test]
    fn a_report_must_name_exactly_the_broken() {
        let check = |findings: &[(&str, &str)]| {
            let checked = check_report(&report(findings), &["a", "b"], |name| name == "b");
            checked.map_err(|error| error.to_string())
        };
        assert_eq!(check(&[("b", "fail"), ("a", "ok"), ("Redis", "unsupported")]), Ok(()));
        assert_eq!(check(&[("b", "fail")]), Err("a was judged [] and is ok".into()));
        assert_eq!(
            check(&[("b", "fail"), ("a", "warn")]),
            Err("a was judged [\"warn\"] and is ok".into())
        );
        assert_eq!(
            check(&[("b", "fail"), ("a", "ok"), ("a", "ok")]),
            Err("a was judged [\"ok\", \"ok\"] and is ok".into())
        );
        assert_eq!(
            check(&[("b", "fail"), ("a", "ok"), ("Redis", "fail")]),
            Err("2 findings fail; expected 1".into())
        );
        assert!(check_report(b"failed", &[], |_| false).is_err());
    }

    #[test]
    fn codes_must_be_of_all_services() {
        let codes = |good: usize, bad: usize| ["200\n".repeat(good), "000\n".repeat(bad)].concat();
        assert!(check_codes(codes(592, 8).as_bytes()).is_ok());
        assert!(check_codes(codes(593, 7).as_bytes()).is_err());
        assert!(check_codes(codes(591, 8).as_bytes()).is_err());
        assert!(check_codes([codes(592, 8), "503\n".into()].concat().as_bytes()).is_err());
    }

    #[test]
    fn bars_are_on_the_deadline_and_two_peers() {
        let taken = [(1050, 8), (9000, 900), (3000, 1000), (1010, 4)]
            .map(|(wall, ticks)| Taken { wall_ms: vec![f64::from(wall)], cpu: Ticks(ticks) });
        let rows = rows(taken, 1).unwrap();
        let barred: Vec<_> = rows
            .iter()
            .filter_map(|row| Some((row.what, row.nova, row.against, row.other, row.bar?)))
            .collect();
        assert_eq!(
            barred,
            [
                ("health, wall", 1050.0, "deadline + 100 ms", 1100.0, 1.0),
                ("health, CPU", 80.0, "xargs -P 64 curl", 10_000.0, 0.05),
                ("health, CPU", 80.0, "curl --parallel", 40.0, 2.5),
            ]
        );
        assert_eq!(rows.len(), 7);
    }
}
