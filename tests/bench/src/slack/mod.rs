//! `/nova ping` in Slack: `nova serve` against a bare axum server and against `@slack/bolt`.
//!
//! Invariant: that of [`crate::contest`], and nova's timeline knows of each request. Called by `main`.

mod bolt;
mod ping;
mod workspace;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use self::bolt::PACKAGE;
use self::ping::{SIGNING_SECRET, Slack};
use self::workspace::{BOT_TOKEN, Workspace};
use crate::Row;
use crate::contest::bare::{self, BARE};
use crate::contest::load::percentile;
use crate::contest::nova::Nova;
use crate::contest::server::{Memory, Server};
use crate::contest::{self, Measured, Peer, Pings};
use crate::measure::Place;

/// Whom nova's CPU time is held against: a bare server, Bolt that finds out who asks, as nova does, and
/// Bolt that answers anybody, which is less than nova does and has no bar.
const PEERS: [Peer; 3] =
    [(BARE, Some(2.0)), ("@slack/bolt, for members", Some(0.05)), (PACKAGE, None)];
/// The fixed rate: one request in so many, for so many seconds.
const INTERVAL: Duration = Duration::from_millis(1);
const SECONDS: usize = 20;
const SCHEDULED: usize = SECONDS * 1000;
const MAX_P99_MS: f64 = 5.0;
const MAX_MEMORY_MIB: f64 = 40.0;

/// Latencies in milliseconds.
struct Latency {
    p50: f64,
    p99: f64,
    max: f64,
}

/// Under what conditions the figures hold.
pub(crate) fn conditions() -> String {
    format!(
        "{}\n  latency: {SECONDS} s at {} a second, from when a request was due. memory: afterwards \
         (Bolt's after the rounds).",
        contest::conditions("slack"),
        Duration::from_secs(1).as_millis() / INTERVAL.as_millis()
    )
}

/// Runs everything. `bare` is the bare server's program.
///
/// # Errors
/// When a contestant cannot be started or gives a wrong answer. That there is no Bolt is none: it is said
/// in the result.
pub(crate) async fn measure(place: &Place, nova: &Path, bare: &Path) -> anyhow::Result<Measured> {
    let workspace = Workspace::start().await?;
    let (bolt, missing) = match bolt::install(place).await {
        Ok(bolt) => (Some(bolt), None),
        Err(error) => (None, Some(format!("slack against {PACKAGE}: {error:#}"))),
    };
    let api_url = workspace.api_url();
    let secrets = vec![
        ("NOVA_SLACK_BOT_TOKEN", BOT_TOKEN.to_owned()),
        ("NOVA_SLACK_SIGNING_SECRET", SIGNING_SECRET.to_owned()),
    ];
    let setup = Nova::new(place, nova, "slack", &section(&api_url), secrets)?;
    let mut servers = vec![
        setup.start(place, pong, &Slack).await?,
        // It says nothing.
        bare::start(place, bare, "slack", SIGNING_SECRET, |_| true, &Slack).await?,
    ];
    if let Some(bolt) = &bolt {
        for asks_who in [true, false] {
            servers.push(bolt::start(bolt, place, &api_url, asks_who, &Slack).await?);
        }
    }
    let mut pings: Vec<Pings<'_>> = servers.iter().map(|_| Pings::new(&Slack)).collect();
    let cpu = contest::rounds("slack", &servers, &mut pings).await?;
    let mut servers = servers.into_iter();
    let (nova, bare) = servers.next().zip(servers.next()).context("two servers were started")?;
    let mut bolt_memory = None;
    for bolt in servers {
        bolt_memory = Some(bolt.memory()?);
        bolt.stop().await?;
    }
    let bare_latency = latency(&bare, &mut Pings::new(&Slack)).await.context(BARE)?;
    bare.stop().await?;
    let nova_latency = latency(&nova, &mut pings[0]).await.context("nova serve")?;
    let nova_memory = nova.memory()?;
    eprintln!("slack: timeline");
    setup.end(place, nova, pings[0].made()).await?;
    let mut rows = contest::cpu_rows("slack, CPU of 10,000", cpu, &PEERS)?;
    rows.extend(latency_rows(&nova_latency, &bare_latency));
    rows.extend(memory_rows(nova_memory, bolt_memory));
    Ok(Measured { rows, node: bolt.map(|bolt| bolt.node), missing })
}

/// Who answers with more than the status says this.
fn pong(body: &str) -> bool {
    body.contains("pong")
}

fn section(api_url: &str) -> String {
    format!(
        "api_url = \"{api_url}\"\nmember_roles = [\"viewer\"]\n\
         bot_token = {{ env = \"NOVA_SLACK_BOT_TOKEN\" }}\n\
         signing_secret = {{ env = \"NOVA_SLACK_SIGNING_SECRET\" }}\n"
    )
}

async fn latency(server: &Server, pings: &mut Pings<'_>) -> anyhow::Result<Latency> {
    eprintln!("slack: {SECONDS} s at a fixed rate");
    let mut latencies = server.load(pings.make(SCHEDULED)?).on_schedule(INTERVAL).await?;
    latencies.sort_unstable();
    let ms = |percent| percentile(&latencies, percent).as_secs_f64() * 1000.0;
    Ok(Latency { p50: ms(50), p99: ms(99), max: ms(100) })
}

fn latency_rows(nova: &Latency, bare: &Latency) -> Vec<Row> {
    let row = |what, nova, against, other, bar| Row { what, nova, against, other, unit: "ms", bar };
    vec![
        row("slack, latency p99", nova.p99, "limit", MAX_P99_MS, Some(1.0)),
        row("slack, latency p99", nova.p99, BARE, bare.p99, None),
        row("slack, latency p50", nova.p50, BARE, bare.p50, None),
        row("slack, latency max", nova.max, BARE, bare.max, None),
    ]
}

fn memory_rows(nova: Memory, bolt: Option<Memory>) -> Vec<Row> {
    let row =
        |what, nova, against, other, bar| Row { what, nova, against, other, unit: "MiB", bar };
    let (resident, peak) = ("slack, resident memory", "slack, peak memory");
    let mut rows = vec![
        row(resident, nova.resident, "limit", MAX_MEMORY_MIB, Some(1.0)),
        row(peak, nova.peak, "limit", MAX_MEMORY_MIB, Some(1.0)),
    ];
    if let Some(bolt) = bolt {
        rows.push(row(resident, nova.resident, PACKAGE, bolt.resident, None));
        rows.push(row(peak, nova.peak, PACKAGE, bolt.peak, None));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contest::tests::barred;

    #[test]
    fn latency_and_memory_have_limits() {
        let latency = |p99| Latency { p50: 1.0, p99, max: 50.0 };
        let rows = latency_rows(&latency(5.1), &latency(2.0));
        assert_eq!(barred(&rows), [("slack, latency p99", 5.1, "limit", 5.0, 1.0)]);
        assert!(rows[0].missed());
        let memory = |resident| Memory { resident, peak: 41.0 };
        let rows = memory_rows(memory(40.0), Some(memory(100.0)));
        assert_eq!(rows.iter().map(Row::missed).collect::<Vec<_>>(), [false, true, false, false]);
        assert_eq!(memory_rows(memory(40.0), None).len(), 2);
    }
}
