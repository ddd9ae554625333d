//! Servers that answer a platform's signed `/nova ping`, held against each other: what the benchmarks of
//! Slack and Discord share.
//!
//! Invariant: all contestants run at once and are asked in turn, so that what the machine does in
//! between hits everybody; each verifies the signature, and answers every request rightly. Called by
//! [`crate::slack`] and [`crate::discord`].

mod answer;
pub(crate) mod bare;
pub(crate) mod connection;
pub(crate) mod load;
pub(crate) mod nova;
pub(crate) mod npm;
pub(crate) mod server;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};

use self::load::CONNECTIONS;
use self::server::Server;
use crate::Row;
use crate::measure::median;

/// Requests to each contestant in a round, and before the first.
const REQUESTS: usize = 10_000;
const WARM_UP: usize = 1_000;
const ROUNDS: usize = 3;

/// What was measured, and why the rest was not.
pub(crate) struct Measured {
    pub(crate) rows: Vec<Row>,
    /// On what npm's contestants ran: "node 20.1.0".
    pub(crate) node: Option<String>,
    pub(crate) missing: Option<String>,
}

/// CPU time for [`REQUESTS`] in milliseconds, one figure a round.
pub(crate) type Cpu = Vec<f64>;

/// Whom nova's CPU time is held against, and how large the ratio may be.
pub(crate) type Peer = (&'static str, Option<f64>);

/// Makes what a platform sends when somebody gives the command.
pub(crate) trait Asks {
    /// A whole HTTP request, signed now. No two numbers give the same.
    ///
    /// # Errors
    /// When the platform would not send it.
    fn ping(&self, number: usize) -> anyhow::Result<Vec<u8>>;

    /// One that somebody else has signed.
    ///
    /// # Errors
    /// As above.
    fn forged(&self) -> anyhow::Result<Vec<u8>>;
}

/// The pings for one server: who makes all of them knows how many it was sent.
pub(crate) struct Pings<'a> {
    asks: &'a dyn Asks,
    made: usize,
}

impl<'a> Pings<'a> {
    pub(crate) const fn new(asks: &'a dyn Asks) -> Self {
        Self { asks, made: 0 }
    }

    /// How many were made.
    pub(crate) const fn made(&self) -> usize {
        self.made
    }

    /// Signs them now, before anything is measured: signatures are good for five minutes.
    ///
    /// # Errors
    /// When the platform would not send them.
    pub(crate) fn make(&mut self, count: usize) -> anyhow::Result<Vec<Vec<u8>>> {
        let numbers = self.made..self.made + count;
        self.made = numbers.end;
        numbers.map(|number| self.asks.ping(number)).collect()
    }
}

/// Seconds since 1970.
///
/// # Errors
/// When the clock stands before 1970.
pub(crate) fn now() -> anyhow::Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(now.context("the clock stands before 1970")?.as_secs())
}

/// Under what conditions the figures of CPU time hold.
pub(crate) fn conditions(platform: &str) -> String {
    format!(
        "{platform}: {REQUESTS} signed `/nova ping` over {CONNECTIONS} kept connections on loopback, \
         {ROUNDS} interleaved rounds after {WARM_UP} to warm up; every answer checked; nova's store is \
         SQLite.\n  \
         CPU: user and system time of the server's process until it is at rest again, median, counted in \
         ticks of 10 ms. The load generator shares this machine with what is measured; its own CPU time is \
         not counted."
    )
}

/// Asks everybody in turn.
///
/// # Errors
/// At the first wrong answer.
pub(crate) async fn rounds(
    platform: &str,
    servers: &[Server],
    pings: &mut [Pings<'_>],
) -> anyhow::Result<Vec<Cpu>> {
    let mut cpu = vec![Cpu::new(); servers.len()];
    for round in 0..=ROUNDS {
        eprintln!(
            "{platform}: {}",
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

/// Of nova and of those peers that ran, in their order.
///
/// # Errors
/// When somebody took no time at all.
pub(crate) fn cpu_rows(
    what: &'static str,
    cpu: Vec<Cpu>,
    peers: &[Peer],
) -> anyhow::Result<Vec<Row>> {
    let cpu: Vec<f64> = cpu.into_iter().map(median).collect();
    ensure!(cpu.iter().all(|ms| *ms > 0.0), "too little CPU time to count");
    let (nova, others) = cpu.split_first().context("nova was not measured")?;
    let row = |(&(against, bar), &other): (&Peer, &f64)| Row {
        what,
        nova: *nova,
        against,
        other,
        unit: "ms",
        bar,
    };
    Ok(peers.iter().zip(others).map(row).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a row with a bar says.
    pub(crate) fn barred(rows: &[Row]) -> Vec<(&str, f64, &str, f64, f64)> {
        let bars = rows.iter().filter_map(|row| Some((row, row.bar?)));
        bars.map(|(row, bar)| (row.what, row.nova, row.against, row.other, bar)).collect()
    }

    #[test]
    fn cpu_is_held_against_whoever_ran() {
        let cpu = |others: &[f64]| {
            let all = [&[300.0], others].concat();
            let cpu = all.into_iter().map(|ms| vec![ms, ms - 1.0, ms + 1.0]).collect();
            cpu_rows("CPU", cpu, &[("bare", Some(2.0)), ("full", Some(0.05)), ("lean", None)])
        };
        let rows = cpu(&[140.0, 6000.0, 1800.0]).unwrap();
        assert_eq!(
            barred(&rows),
            [("CPU", 300.0, "bare", 140.0, 2.0), ("CPU", 300.0, "full", 6000.0, 0.05)]
        );
        assert_eq!(rows.len(), 3, "the lean one is shown without a bar");
        assert!(rows[0].missed() && !rows[1].missed());
        assert_eq!(barred(&cpu(&[140.0]).unwrap()).len(), 1);
        assert!(cpu_rows("CPU", vec![vec![0.0], vec![1.0]], &[("bare", None)]).is_err());
    }
}
