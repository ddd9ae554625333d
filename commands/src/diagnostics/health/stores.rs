//! PostgreSQL, Redis and Prometheus.

use crate::platform::{Platform, configured};
use crate::report::{Finding, Status};

pub(super) async fn postgres(platform: &Platform) -> Finding {
    const NAME: &str = "PostgreSQL";
    let client = match configured(NAME, "postgres", &platform.postgres) {
        Ok(client) => client,
        Err(finding) => return *finding,
    };
    let source = format!("pg_stat_activity at {}", client.target());
    let status = match client.status().await {
        Ok(status) => status,
        Err(error) => return error.finding(NAME, source),
    };
    let used = status.connections.saturating_mul(100) / status.max.max(1);
    let active = status.active.map_or_else(String::new, |active| format!(", {active} active"));
    let role = if status.in_recovery { " · standby" } else { "" };
    let measured = format!(
        "{} · {} of {} connections{active}{role}",
        status.version, status.connections, status.max
    );
    let verdict = if used >= 90 { Status::Warn } else { Status::Ok };
    let finding = Finding::new(verdict, NAME, measured, source);
    if used >= 90 { finding.expected("below 90 % of connections") } else { finding }
}

pub(super) async fn redis(platform: &Platform) -> Finding {
    const NAME: &str = "Redis";
    let client = match configured(NAME, "redis", &platform.redis) {
        Ok(client) => client,
        Err(finding) => return *finding,
    };
    let source = format!("INFO at {}", client.target());
    let info = match client.info().await {
        Ok(info) => info,
        Err(error) => return error.finding(NAME, source),
    };
    let memory = match info.maxmemory {
        0 => mebibytes(info.used_memory),
        max => format!("{} of {}", mebibytes(info.used_memory), mebibytes(max)),
    };
    let full = info.maxmemory > 0
        && info.used_memory.saturating_mul(10) >= info.maxmemory.saturating_mul(9);
    let (status, trouble) = if info.loading {
        (Status::Warn, " · still loading its data")
    } else if info.master_link_up == Some(false) {
        (Status::Fail, " · replica without its master")
    } else if full {
        (Status::Warn, " · memory nearly full")
    } else if !info.last_save_ok {
        (Status::Warn, " · the last save failed")
    } else {
        (Status::Ok, "")
    };
    let measured = format!(
        "{} {} · {memory} · clients {}{trouble}",
        info.version, info.role, info.connected_clients
    );
    Finding::new(status, NAME, measured, source)
}

pub(super) async fn prometheus(platform: &Platform) -> Finding {
    const NAME: &str = "Prometheus";
    let client = match configured(NAME, "prometheus", &platform.prometheus) {
        Ok(client) => client,
        Err(finding) => return *finding,
    };
    let all = "count(up)";
    let source = format!("{all}, count(up == 0) at {}", client.target());
    let (all, down) =
        futures_util::join!(client.query(all, None), client.query("count(up == 0)", None));
    let (all, down) = match (all, down) {
        (Ok(all), Ok(down)) => (all, down),
        (Err(error), _) | (_, Err(error)) => return error.finding(NAME, source),
    };
    let Some(targets) = all.first() else {
        return Finding::new(Status::NoData, NAME, "no scrape target has a series", source);
    };
    let down = down.first().map_or(0.0, |sample| sample.value);
    if down > 0.0 {
        let measured = format!("{down} of {} scrape targets down", targets.value);
        return Finding::new(Status::Warn, NAME, measured, source).at(targets.at);
    }
    Finding::new(Status::Ok, NAME, format!("{} scrape targets up", targets.value), source)
        .at(targets.at)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}
