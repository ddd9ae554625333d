//! `cache latency [--seconds N]`: how fast Redis answers over a window, and what could make it slow:
//! memory, evictions, slow commands, its own record of delays.

use std::time::Duration;

use jiff::Timestamp;

use crate::command::{Call, Command, Kind, Progress, Run, UserError, number};
use crate::platform::configured;
use crate::platform::redis::{Pings, Redis, RedisInfo, Slow};
use crate::platform::{Cause, PlatformError};
use crate::report::{Chart, ChartLine, Finding, Provenance, Report, Status, Table};
use crate::text::Untrusted;
use crate::text::units::{bytes, count, of, percent, span};

pub(crate) const COMMAND: Command = Command {
    path: "cache latency",
    summary: "Redis latency over a window",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G09"],
    args: |command| command.arg(number("seconds", 1..=30).help("How long to measure; 3 by itself")),
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// The window without `--seconds`.
const SECONDS: u32 = 3;
/// Points of the chart; each is the slowest of its part of the window.
const POINTS: usize = 60;
/// How old a slow command may be to be of now, and rows of the table.
const RECENT: Duration = Duration::from_secs(15 * 60);
const ROWS: usize = 15;

async fn run(call: Call) -> Result<Report, UserError> {
    let seconds = call.args.get_one::<u32>("seconds").copied().unwrap_or(SECONDS);
    let mut report = Report::new("Redis latency")
        .then("Measure 30 s", "cache latency --seconds 30")
        .then("Health", "health");
    match configured("Redis", "redis", &call.platform.redis) {
        Ok(redis) => measure(redis, seconds, &call.progress, &mut report).await,
        Err(finding) => report.findings.push(*finding),
    }
    report.sort();
    Ok(report)
}

async fn measure(redis: &Redis, seconds: u32, progress: &Progress, report: &mut Report) {
    progress.total(seconds as usize);
    let before = redis.info().await;
    let window = Duration::from_secs(u64::from(seconds));
    let pings = match redis.pings(window, || progress.done()).await {
        Ok(pings) => pings,
        Err(error) => {
            report.findings.push(error.finding("latency", format!("PING at {}", redis.target())));
            return;
        }
    };
    report.findings.extend(latency(redis, &pings));
    report.charts.push(chart(redis, &pings));
    let (after, slow, worst) = futures_util::join!(redis.info(), redis.slow_log(), redis.worst());
    match after {
        Ok(after) => report.findings.extend(facts(redis, before.ok().as_ref(), &after)),
        Err(error) => report.findings.push(refused(redis, "memory", "INFO", &error)),
    }
    match slow {
        Ok(slow) => slow_commands(redis, &slow, report),
        Err(error) => report.findings.push(refused(redis, "slow commands", "SLOWLOG GET", &error)),
    }
    match worst {
        Ok((events, limit)) => {
            let source = format!("LATENCY LATEST at {}", redis.target());
            const SUBJECT: &str = "recorded delays";
            let finding = match (events.first(), limit) {
                (Some(first), _) => {
                    let measured = format!(
                        "{}: latest {}, longest {}; {}",
                        first.event,
                        span(first.latest.as_secs_f64()),
                        span(first.longest.as_secs_f64()),
                        of(events.len(), "kind in all", "kinds in all")
                    );
                    let recent = events.iter().filter_map(|event| event.at).any(recent);
                    let status = if recent { Status::Warn } else { Status::Ok };
                    Finding::new(status, SUBJECT, measured, source)
                }
                (None, Some(limit)) if limit.is_zero() => {
                    Finding::new(Status::Unsupported, SUBJECT, "the monitor is off", source)
                        .hint("CONFIG SET latency-monitor-threshold 10")
                }
                (None, Some(limit)) => {
                    let measured = format!("none over {}", span(limit.as_secs_f64()));
                    Finding::new(Status::Ok, SUBJECT, measured, source)
                }
                (None, None) => {
                    let measured = "none, or the monitor is off: nova may not see its setting";
                    Finding::new(Status::NoData, SUBJECT, measured, source)
                        .hint("let nova's user run CONFIG GET: ACL SETUSER … +config|get")
                }
            };
            report.findings.push(finding);
        }
        Err(error) => {
            report.findings.push(refused(redis, "recorded delays", "LATENCY LATEST", &error));
        }
    }
}

/// A question that failed after PING was answered. What our user may not ask is no fact about Redis.
fn refused(redis: &Redis, subject: &str, command: &str, error: &PlatformError) -> Finding {
    let finding = error.finding(subject, format!("{command} at {}", redis.target()));
    match (error.cause, command.to_lowercase().split_once(' ')) {
        (Cause::Forbidden, Some((name, part))) => {
            finding.hint(format!("ACL SETUSER … +{name}|{part}"))
        }
        (Cause::Forbidden, None) => {
            finding.hint(format!("ACL SETUSER … +{}", command.to_lowercase()))
        }
        _ => finding,
    }
}

/// The slowest of a hundred, and what broke off the window.
fn latency(redis: &Redis, pings: &Pings) -> Vec<Finding> {
    let source = format!("PING at {}", redis.target());
    let mut took: Vec<f64> = pings.took.iter().map(|(_, took)| took.as_secs_f64()).collect();
    took.sort_by(f64::total_cmp);
    let mut findings = Vec::new();
    if let (Some(first), Some(last)) = (took.first(), took.last()) {
        let mean = took.iter().sum::<f64>() / took.len() as f64;
        let p99 = took[(took.len() * 99).div_ceil(100) - 1];
        let limit = redis.limits().latency.as_secs_f64();
        let status = match p99 {
            p99 if p99 >= limit * 10.0 => Status::Fail,
            p99 if p99 >= limit => Status::Warn,
            _ => Status::Ok,
        };
        let measured = format!(
            "p99 {} · min {} · mean {} · max {} · {} PINGs",
            span(p99),
            span(*first),
            span(mean),
            span(*last),
            count(took.len() as u64)
        );
        let expected = format!("p99 below {}", span(limit));
        findings.push(Finding::new(status, "latency", measured, source.clone()).expected(expected));
    }
    if let Some(error) = &pings.ended {
        let after = format!("{source}, after {} answers", count(took.len() as u64));
        findings.push(error.finding("latency", after));
    }
    findings
}

/// The window in parts, each as slow as its slowest PING.
fn chart(redis: &Redis, pings: &Pings) -> Chart {
    let part = pings.took.len().div_ceil(POINTS).max(1);
    let slowest = |part: &[(Timestamp, Duration)]| {
        part.iter().max_by_key(|(_, took)| *took).map(|(at, took)| (*at, took.as_secs_f64() * 1e3))
    };
    let points = pings.took.chunks(part).filter_map(slowest).collect();
    Chart {
        title: "Slowest PING".into(),
        unit: "ms",
        lines: vec![ChartLine { name: "Redis".into(), points }],
        limit: Some(redis.limits().latency.as_secs_f64() * 1e3),
        provenance: Provenance::now(format!("PING at {}", redis.target())),
    }
}

/// What `INFO` said after the window, and how far it moved since before.
fn facts(redis: &Redis, before: Option<&RedisInfo>, after: &RedisInfo) -> Vec<Finding> {
    let finding = |status, subject: &str, measured: String| {
        Finding::new(status, subject, measured, format!("INFO at {}", redis.target()))
    };
    let limit = redis.limits().memory;
    let (used, max) = (after.used_memory, after.maxmemory);
    let full = used.saturating_mul(100) / max.max(1);
    let share = percent(used as f64, max as f64);
    let memory = match max {
        0 => finding(Status::Ok, "memory", format!("{}, without a limit", bytes(used))),
        _ if used >= max && after.policy == "noeviction" => {
            let measured =
                format!("{} of {} ({share}): writes are refused", bytes(used), bytes(max));
            finding(Status::Fail, "memory", measured).hint("raise maxmemory or let it evict")
        }
        _ => {
            let status = if full >= limit { Status::Warn } else { Status::Ok };
            let measured = format!("{} of {} ({share}), {}", bytes(used), bytes(max), after.policy);
            finding(status, "memory", measured).expected(format!("below {limit} %"))
        }
    };
    let evicted = before.map(|before| after.evicted_keys.saturating_sub(before.evicted_keys));
    let since = format!("{} since the start", count(after.evicted_keys));
    let evictions = match evicted {
        Some(0) | None => finding(Status::Ok, "evictions", format!("none now, {since}")),
        Some(n) => finding(Status::Warn, "evictions", format!("{} meanwhile, {since}", count(n)))
            .hint("keys are thrown out for want of memory"),
    };
    let (status, trouble) = if after.loading {
        (Status::Warn, ", still loading its data")
    } else if after.master_link_up == Some(false) {
        (Status::Fail, ", without its master")
    } else {
        (Status::Ok, "")
    };
    let role = if after.role == "slave" { "replica" } else { &after.role };
    let role = format!(
        "{}, {role}{trouble} · {} clients · {} commands/s",
        after.version,
        count(after.connected_clients),
        count(after.commands_per_second)
    );
    let reads = after.hits + after.misses;
    let hits = match reads {
        0 => finding(Status::NoData, "hit rate", "no key has been read yet".to_owned()),
        _ => {
            let share = percent(after.hits as f64, reads as f64);
            finding(Status::Ok, "hit rate", format!("{share} of {} reads", count(reads)))
        }
    };
    vec![memory, evictions, finding(status, "role", role), hits]
}

fn recent(at: Timestamp) -> bool {
    Timestamp::now().duration_since(at).unsigned_abs() <= RECENT
}

/// The slow log: names and times, never what the commands were given.
fn slow_commands(redis: &Redis, slow: &[Slow], report: &mut Report) {
    let source = format!("SLOWLOG GET at {}", redis.target());
    let now: Vec<&Slow> = slow.iter().filter(|slow| slow.at.is_some_and(recent)).collect();
    let within = span(RECENT.as_secs_f64());
    let finding = match now.first() {
        None => Finding::new(
            Status::Ok,
            "slow commands",
            format!("none in the last {within}"),
            source.clone(),
        ),
        Some(slowest) => {
            let measured = format!(
                "{} in the last {within}; the slowest {}: {}",
                now.len(),
                slowest.command,
                span(slowest.took.as_secs_f64())
            );
            Finding::new(Status::Warn, "slow commands", measured, source.clone())
                .hint("Redis does one command at a time: each of these held up all others")
        }
    };
    report.findings.push(finding);
    let rows: Vec<Vec<Untrusted>> = slow
        .iter()
        .take(ROWS)
        .map(|slow| {
            let age = slow.at.map_or_else(String::new, |at| {
                format!("{} ago", span(Timestamp::now().duration_since(at).as_secs_f64()))
            });
            [span(slow.took.as_secs_f64()), slow.command.clone(), age].map(Untrusted::from).into()
        })
        .collect();
    if !rows.is_empty() {
        report.tables.push(Table {
            title: "Slow log, longest first".into(),
            columns: vec!["took", "command", "when"],
            rows,
            provenance: Provenance::now(source),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::config::{Limits, RedisConfig};

    fn client() -> Redis {
        Redis::new(&RedisConfig::at("redis://localhost/0"), None, Limits::default()).unwrap()
    }

    fn pings(micros: impl IntoIterator<Item = u64>) -> Pings {
        let at = |n: usize| Timestamp::from_millisecond(1_800_000_000_000 + 10 * n as i64).unwrap();
        let took = micros.into_iter().enumerate();
        Pings {
            took: took.map(|(n, us)| (at(n), Duration::from_micros(us))).collect(),
            ended: None,
        }
    }

    #[test]
    fn the_slowest_of_a_hundred_decides() {
        let quick = latency(&client(), &pings((0..200).map(|n| if n == 7 { 90_000 } else { 400 })));
        assert_eq!(quick[0].status, Status::Ok);
        let measured = "p99 400 µs · min 400 µs · mean 848 µs · max 90 ms · 200 PINGs";
        assert_eq!(quick[0].measured.raw(), measured);
        let slow = latency(&client(), &pings([12_000; 100]));
        assert_eq!(slow[0].status, Status::Warn);
        assert_eq!(latency(&client(), &pings([100_000]))[0].status, Status::Fail);
        let mut broken = pings([400]);
        broken.ended = Some(PlatformError::new("Redis", Cause::Broken));
        let statuses: Vec<Status> = latency(&client(), &broken).iter().map(|f| f.status).collect();
        assert_eq!(statuses, [Status::Ok, Status::Fail]);
    }

    #[test]
    fn a_long_window_has_few_points_and_keeps_its_peaks() {
        let many = pings((0..3_000).map(|n| if n == 1_234 { 50_000 } else { 300 }));
        let points = &chart(&client(), &many).lines[0].points;
        assert_eq!(points.len(), POINTS);
        let highest = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        assert!((highest - 50.0).abs() < 1e-9);
        assert!(chart(&client(), &pings([])).lines[0].points.is_empty());
    }
}
