//! `db activity`: what PostgreSQL is doing now, who holds its connections, and who waits for whom.
//!
//! No value of anybody's statement is shown: the client has taken them out.

use std::collections::BTreeMap;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::ServiceConfig;
use crate::platform::configured;
use crate::platform::postgres::{Postgres, Session, Sessions};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::units::{of, span};

pub(crate) const COMMAND: Command = Command {
    path: "db activity",
    summary: "What PostgreSQL is doing now",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G08", "G34"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Blockers that have a finding of their own, and rows of a table.
const BLOCKERS: usize = 8;
const ROWS: usize = 25;

async fn run(call: Call) -> Result<Report, UserError> {
    let mut report = Report::new("PostgreSQL activity").then("Look again", "db activity");
    let postgres = match configured("PostgreSQL", "postgres", &call.platform.postgres) {
        Ok(postgres) => postgres,
        Err(finding) => {
            report.findings.push(*finding);
            return Ok(report);
        }
    };
    let sessions = match postgres.sessions().await {
        Ok(sessions) => sessions,
        Err(error) => {
            report.findings.push(error.finding("PostgreSQL", postgres.activity()));
            return Ok(report.then("Status", "db status"));
        }
    };
    report.findings.push(sessions.connections.finding(postgres));
    report.findings.extend(sessions.connections.blindness(postgres));
    report.findings.extend(longest(postgres, &sessions));
    report.findings.extend(idlers(postgres, &sessions));
    report.findings.extend(blocking(postgres, &sessions.busy));
    report.sort();
    report.tables = vec![busy(postgres, &sessions), clients(postgres, &sessions)];
    report.tables.retain(|table| !table.rows.is_empty());
    report = report.then("Slow queries", "db slow-queries").then("Status", "db status");
    if let Some(service) = greediest(&sessions, &call.platform.services) {
        report = report.then(&format!("Restart {service}"), format!("restart {service}"));
    }
    if sessions.connections.idle > 0 {
        report = report.then("End idle ones", "db terminate-idle");
    }
    Ok(report)
}

/// "pid 7 (vm-service, idle in transaction)".
fn who(session: &Session) -> String {
    let name = [&session.application, &session.user].into_iter().find(|name| !name.is_empty());
    let name = name.map_or("unnamed", String::as_str);
    format!("pid {} ({name}, {})", session.pid, session.state)
}

/// The statement that has run longest.
fn longest(postgres: &Postgres, sessions: &Sessions) -> Option<Finding> {
    if !sessions.connections.sees_all {
        return None;
    }
    let limit = postgres.limits().long_statement.as_secs_f64();
    let active: Vec<_> = sessions.busy.iter().filter(|session| session.state == "active").collect();
    let Some(first) = active.first() else {
        return Some(Finding::new(Status::Ok, "statements", "none runs", postgres.activity()));
    };
    let status = if first.seconds >= limit { Status::Warn } else { Status::Ok };
    let long = active.iter().filter(|session| session.seconds >= limit).count();
    let several = if long > 1 { format!("; {long} are over the limit") } else { String::new() };
    let measured = format!(
        "{}; the longest for {}: {}{several}",
        of(active.len(), "runs", "run"),
        span(first.seconds),
        who(first)
    );
    let finding = Finding::new(status, "statements", measured, postgres.activity())
        .expected(format!("below {}", span(limit)));
    Some(match status {
        Status::Ok => finding,
        _ => {
            finding.hint(format!("its owner may end it: SELECT pg_cancel_backend({});", first.pid))
        }
    })
}

/// Transactions that do nothing and keep locks and old rows.
fn idlers(postgres: &Postgres, sessions: &Sessions) -> Option<Finding> {
    let limit = postgres.limits().idle_in_transaction.as_secs_f64();
    let idle = |session: &&Session| session.state.starts_with("idle in transaction");
    let first = sessions.busy.iter().find(idle)?;
    let count = sessions.busy.iter().filter(idle).count();
    let status = if first.seconds >= limit { Status::Warn } else { Status::Ok };
    let measured = format!(
        "{}; the longest for {}: {}",
        of(count, "does nothing", "do nothing"),
        span(first.seconds),
        who(first)
    );
    let finding = Finding::new(status, "open transactions", measured, postgres.activity())
        .expected(format!("below {}", span(limit)));
    Some(match status {
        Status::Ok => finding,
        _ => finding.hint("set idle_in_transaction_session_timeout, or restart its owner"),
    })
}

/// One finding for each session that others wait for, most waiting first.
fn blocking(postgres: &Postgres, busy: &[Session]) -> Vec<Finding> {
    let mut waiting: BTreeMap<i32, Vec<&Session>> = BTreeMap::new();
    for session in busy {
        for blocker in &session.blocked_by {
            waiting.entry(*blocker).or_default().push(session);
        }
    }
    let mut waiting: Vec<_> = waiting.into_iter().collect();
    waiting.sort_by_key(|(blocker, sessions)| (std::cmp::Reverse(sessions.len()), *blocker));
    let count = waiting.len();
    let limit = postgres.limits().long_statement.as_secs_f64();
    let source = format!("pg_blocking_pids at {}", postgres.target());
    let mut findings: Vec<Finding> = Vec::new();
    for (blocker, sessions) in waiting.into_iter().take(BLOCKERS) {
        let holder = busy.iter().find(|session| session.pid == blocker);
        let name = match (blocker, holder) {
            (0, _) => "a prepared transaction".to_owned(),
            (_, Some(holder)) => who(holder),
            (pid, None) => format!("pid {pid} (no client)"),
        };
        let longest = sessions.iter().map(|session| session.seconds).fold(0.0, f64::max);
        let status = if longest >= limit { Status::Fail } else { Status::Warn };
        let waits = of(sessions.len(), "session waits", "sessions wait");
        let measured = format!("{waits} for {name}, for up to {}", span(longest));
        let finding = Finding::new(status, "locks", measured, source.clone());
        findings.push(match holder.filter(|holder| !holder.blocked_by.is_empty()) {
            Some(_) => finding.hint("it waits itself: look at whom it waits for first"),
            None => finding,
        });
    }
    if count > BLOCKERS {
        let measured = format!("{} more sessions are waited for", count - BLOCKERS);
        findings.push(Finding::new(Status::Warn, "locks", measured, source));
    }
    findings
}

fn busy(postgres: &Postgres, sessions: &Sessions) -> Table {
    let rows = sessions.busy.iter().take(ROWS).map(|session| {
        let waits = match session.blocked_by.as_slice() {
            [] => session.waits.clone().unwrap_or_default(),
            [pid, ..] => format!("pid {pid}"),
        };
        let row = [
            span(session.seconds),
            session.pid.to_string(),
            session.state.clone(),
            session.application.clone(),
            session.user.clone(),
            session.client.clone(),
            waits,
            session.statement.clone().unwrap_or_default(),
        ];
        row.map(Into::into).into()
    });
    Table {
        title: title("Not idle, longest first", sessions.busy.len()).into(),
        columns: vec![
            "for",
            "pid",
            "state",
            "application",
            "user",
            "client",
            "waits for",
            "statement",
        ],
        rows: rows.collect(),
        provenance: Provenance::now(postgres.activity()),
    }
}

fn clients(postgres: &Postgres, sessions: &Sessions) -> Table {
    let rows = sessions.clients.iter().take(ROWS).map(|client| {
        let row = [
            client.total.to_string(),
            client.application.clone(),
            client.user.clone(),
            client.client.clone(),
            client.active.to_string(),
            client.idle.to_string(),
            client.idle_in_transaction.to_string(),
        ];
        row.map(Into::into).into()
    });
    Table {
        title: title("Connections by application", sessions.clients.len()).into(),
        columns: vec!["total", "application", "user", "client", "active", "idle", "in transaction"],
        rows: rows.collect(),
        provenance: Provenance::now(postgres.activity()),
    }
}

/// What a table shows, and how much it leaves out.
fn title(what: &str, count: usize) -> String {
    if count > ROWS { format!("{what} ({ROWS} of {count})") } else { what.to_owned() }
}

/// The service that holds most connections, when it calls itself by its name.
fn greediest<'a>(sessions: &Sessions, services: &'a [ServiceConfig]) -> Option<&'a str> {
    let most = sessions.clients.first()?;
    let service = services.iter().find(|service| service.name == most.application)?;
    // A quarter of all is worth an offer; the ordinary share is not.
    (most.total * 4 >= sessions.connections.total).then_some(service.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::config::{Limits, PostgresConfig};

    fn session(pid: i32, seconds: f64, blocked_by: &[i32]) -> Session {
        Session {
            pid,
            state: "active".to_owned(),
            seconds,
            user: "nova".to_owned(),
            application: String::new(),
            client: "local".to_owned(),
            waits: None,
            blocked_by: blocked_by.to_vec(),
            statement: None,
        }
    }

    #[test]
    fn a_chain_of_locks_is_told_from_its_head() {
        let config = PostgresConfig::at("postgres://nova@localhost/novacron");
        let postgres = Postgres::new(&config, None, Limits::default()).unwrap();
        let busy = [
            session(1, 90.0, &[]),
            session(2, 70.0, &[1]),
            session(3, 60.0, &[1, 2]),
            session(4, 2.0, &[0]),
        ];
        let told: Vec<String> = blocking(&postgres, &busy)
            .iter()
            .map(|f| {
                let hint = f.hint.as_ref().map_or("", |hint| hint.raw());
                format!("{} {} {hint}", f.status.word(), f.measured.raw())
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        fail 2 sessions wait for pid 1 (nova, active), for up to 1 min 10 s 
        warn 1 session waits for a prepared transaction, for up to 2 s 
        fail 1 session waits for pid 2 (nova, active), for up to 1 min it waits itself: look at whom it waits for first
        ");
    }

    #[test]
    fn more_blockers_than_are_shown_are_counted() {
        let config = PostgresConfig::at("postgres://nova@localhost/novacron");
        let postgres = Postgres::new(&config, None, Limits::default()).unwrap();
        let busy: Vec<Session> = (0..30).map(|n| session(n, 1.0, &[n + 100])).collect();
        let findings = blocking(&postgres, &busy);
        assert_eq!(findings.len(), BLOCKERS + 1);
        assert_eq!(findings[BLOCKERS].measured.raw(), "22 more sessions are waited for");
    }
}
