//! `/nova ping` in Slack: `nova serve` against a bare axum server and against `@slack/bolt`.
//!
//! Invariant: all contestants run at once and are asked in turn, so that what the machine does in
//! between hits everybody; each verifies the signature, answers every request rightly, and nova's
//! timeline knows of each. Called by `main`.

mod answer;
mod bare;
mod bolt;
mod connection;
mod load;
mod nova;
mod ping;
mod server;
mod workspace;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use self::bolt::{Bolt, PACKAGE};
use self::load::{CONNECTIONS, percentile};
use self::nova::Nova;
use self::ping::Pings;
use self::server::{Memory, Server};
use self::workspace::Workspace;
use crate::Row;
use crate::measure::{Place, median};

/// Requests to each contestant in a round, and before the first.
const REQUESTS: usize = 10_000;
const WARM_UP: usize = 1_000;
const ROUNDS: usize = 3;
/// Whom nova's CPU time is held against: a bare server, Bolt that finds out who asks, as nova does, and
/// Bolt that answers anybody, which is less than nova does and has no bar.
const PEERS: [(&str, Option<f64>); 3] =
    [(BARE, Some(2.0)), ("@slack/bolt, for members", Some(0.05)), (PACKAGE, None)];
/// The fixed rate: one request in so many, for so many seconds.
const INTERVAL: Duration = Duration::from_millis(1);
const SECONDS: usize = 20;
const SCHEDULED: usize = SECONDS * 1000;
const MAX_P99_MS: f64 = 5.0;
const MAX_MEMORY_MIB: f64 = 40.0;
const BARE: &str = "bare axum";

/// What was measured, and why the rest was not.
pub(crate) struct Measured {
    pub(crate) rows: Vec<Row>,
    /// On what Bolt ran: "node 20.1.0".
    pub(crate) node: Option<String>,
    pub(crate) missing: Option<String>,
}

/// CPU time for [`REQUESTS`] in milliseconds, one figure a round.
type Cpu = Vec<f64>;

/// Latencies in milliseconds.
struct Latency {
    p50: f64,
    p99: f64,
    max: f64,
}

/// Under what conditions the figures hold.
pub(crate) fn conditions() -> String {
    format!(
        "slack: {REQUESTS} signed `/nova ping` over {CONNECTIONS} kept connections on loopback, {ROUNDS} \
         interleaved rounds after {WARM_UP} to warm up; every answer checked; nova's store is SQLite.\n  \
         CPU: user and system time of the server's process until it is at rest again, median, counted in \
         ticks of 10 ms.\n  latency: {SECONDS} s at {} a second, from when a request was due. memory: \
         afterwards (Bolt's after the rounds).\n  The load generator shares this machine with what is \
         measured; its own CPU time is not counted.",
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
    let (bolt, missing) = match Bolt::install(place).await {
        Ok(bolt) => (Some(bolt), None),
        Err(error) => (None, Some(format!("slack against {PACKAGE}: {error:#}"))),
    };
    let setup = Nova::new(place, nova, &workspace.api_url())?;
    let mut servers = vec![setup.start(place).await?, bare::start(place, bare).await?];
    if let Some(bolt) = &bolt {
        for asks_who in [true, false] {
            servers.push(bolt.start(place, &workspace.api_url(), asks_who).await?);
        }
    }
    // Who makes nova's pings alone knows how many it was sent.
    let mut pings: Vec<Pings> = servers.iter().map(|_| Pings::default()).collect();
    let cpu = rounds(&servers, &mut pings).await?;
    let mut servers = servers.into_iter();
    let (nova, bare) = servers.next().zip(servers.next()).context("two servers were started")?;
    let mut bolt_memory = None;
    for bolt in servers {
        bolt_memory = Some(bolt.memory()?);
        bolt.stop().await?;
    }
    let bare_latency = latency(&bare, &mut Pings::default()).await.context(BARE)?;
    bare.stop().await?;
    let nova_latency = latency(&nova, &mut pings[0]).await.context("nova serve")?;
    let nova_memory = nova.memory()?;
    eprintln!("slack: timeline");
    setup.end(place, nova, pings[0].made()).await?;
    let mut rows = cpu_rows(cpu)?;
    rows.extend(latency_rows(&nova_latency, &bare_latency));
    rows.extend(memory_rows(nova_memory, bolt_memory));
    Ok(Measured { rows, node: bolt.map(|bolt| bolt.node), missing })
}

/// Asks everybody in turn.
async fn rounds(servers: &[Server], pings: &mut [Pings]) -> anyhow::Result<Vec<Cpu>> {
    let mut cpu = vec![Cpu::new(); servers.len()];
    for round in 0..=ROUNDS {
        eprintln!(
            "slack: {}",
            if round == 0 { "warm-up".to_owned() } else { format!("round {round} of {ROUNDS}") }
        );
        for turn in 0..servers.len() {
            // Nobody always runs behind the same one.
            let who = (round + turn) % servers.len();
            let requests = pings[who].make(if round == 0 { WARM_UP } else { REQUESTS })?;
            let ticks = servers[who].cpu_for(requests).await?;
            if round > 0 {
                cpu[who].push(ticks.mean_ms(1));
            }
        }
    }
    Ok(cpu)
}

async fn latency(server: &Server, pings: &mut Pings) -> anyhow::Result<Latency> {
    eprintln!("slack: {SECONDS} s at a fixed rate");
    let mut latencies = server.load(pings.make(SCHEDULED)?).on_schedule(INTERVAL).await?;
    latencies.sort_unstable();
    let ms = |percent| percentile(&latencies, percent).as_secs_f64() * 1000.0;
    Ok(Latency { p50: ms(50), p99: ms(99), max: ms(100) })
}

/// Of nova, the bare server and, where there is one, Bolt.
fn cpu_rows(cpu: Vec<Cpu>) -> anyhow::Result<Vec<Row>> {
    let cpu: Vec<f64> = cpu.into_iter().map(median).collect();
    ensure!(cpu.iter().all(|ms| *ms > 0.0), "too little CPU time to count");
    let peers = PEERS.into_iter().zip(&cpu[1..]);
    Ok(peers
        .map(|((against, bar), other)| Row {
            what: "slack, CPU of 10,000",
            nova: cpu[0],
            against,
            other: *other,
            unit: "ms",
            bar,
        })
        .collect())
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

    fn barred(rows: &[Row]) -> Vec<(&str, f64, &str, f64, f64)> {
        let bars = rows.iter().filter_map(|row| Some((row, row.bar?)));
        bars.map(|(row, bar)| (row.what, row.nova, row.against, row.other, bar)).collect()
    }

    #[test]
    fn cpu_is_held_against_whoever_ran() {
        let cpu = |others: &[f64]| {
            let all = [&[300.0], others].concat();
            cpu_rows(all.into_iter().map(|ms| vec![ms, ms - 1.0, ms + 1.0]).collect())
        };
        let rows = cpu(&[140.0, 6000.0, 1800.0]).unwrap();
        let (what, members) = ("slack, CPU of 10,000", "@slack/bolt, for members");
        assert_eq!(
            barred(&rows),
            [(what, 300.0, BARE, 140.0, 2.0), (what, 300.0, members, 6000.0, 0.05)]
        );
        assert_eq!(rows.len(), 3, "the lean one is shown without a bar");
        assert!(rows[0].missed() && !rows[1].missed());
        assert_eq!(barred(&cpu(&[140.0]).unwrap()).len(), 1);
        assert!(cpu_rows(vec![vec![0.0], vec![1.0]]).is_err());
    }

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
