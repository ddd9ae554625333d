//! `db status`: whether PostgreSQL is up and accepts connections, how many are left, how far replicas
//! are behind, and how its database is.

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::configured;
use crate::platform::postgres::{
    Connections, Database, Follower, Postgres, Primary, Replica, Server, Standby,
};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::Untrusted;
use crate::text::units::{bytes, count, percent, span};

pub(crate) const COMMAND: Command = Command {
    path: "db status",
    summary: "PostgreSQL up, connections by state against the limit",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G31", "G32", "G33"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Transactions that PostgreSQL can tell apart; it refuses to write near there. From its
/// documentation, "Preventing Transaction ID Wraparound Failures".
const TRANSACTIONS: u64 = 1 << 31;
/// Log kept for a slot that nobody reads, in bytes, from where on it is a worry.
const KEPT: u64 = 1 << 30;

async fn run(call: Call) -> Result<Report, UserError> {
    let mut report = Report::new("PostgreSQL").then("Check again", "db status");
    let postgres = match configured("PostgreSQL", "postgres", &call.platform.postgres) {
        Ok(postgres) => postgres,
        Err(finding) => {
            report.findings.push(*finding);
            return Ok(report);
        }
    };
    // Asked first and alone: a server that does not accept connections is one finding, not four.
    match postgres.server().await {
        Ok(answer) => report.findings.push(server(postgres, &answer)),
        Err(error) => {
            let source = format!("connect to {}", postgres.target());
            report.findings.push(error.finding("server", source));
            return Ok(report.then("Health", "health"));
        }
    }
    let (used, replica, data) =
        futures_util::join!(postgres.connections(), postgres.replication(), postgres.database());
    match used {
        Ok(used) => {
            report.findings.push(used.finding(postgres));
            report.findings.extend(used.blindness(postgres));
            report.tables.extend(states(postgres, &used));
        }
        Err(error) => report.findings.push(error.finding("connections", postgres.activity())),
    }
    match replica {
        Ok(Replica::Primary(part)) => primary(postgres, &part, &mut report),
        Ok(Replica::Standby(part)) => report.findings.push(standby(postgres, &part)),
        Err(error) => report.findings.push(error.finding("replication", source(postgres))),
    }
    match data {
        Ok(data) => report.findings.extend(database(postgres, &data)),
        Err(error) => report.findings.push(error.finding("database", "pg_stat_database")),
    }
    report.sort();
    Ok(report.then("Activity", "db activity").then("Slow queries", "db slow-queries"))
}

fn source(postgres: &Postgres) -> String {
    format!("pg_stat_replication at {}", postgres.target())
}

fn server(postgres: &Postgres, server: &Server) -> Finding {
    let measured = format!(
        "{} · accepts connections · login and answer in {} · up {}",
        server.version,
        span(server.took.as_secs_f64()),
        span(server.up_seconds)
    );
    Finding::new(Status::Ok, "server", measured, format!("connect to {}", postgres.target()))
}

fn states(postgres: &Postgres, used: &Connections) -> Option<Table> {
    if !used.sees_all {
        return None;
    }
    let known = used.active + used.idle + used.idle_in_transaction;
    let rows = [
        ("active", used.active),
        ("of these, waiting for a lock", used.waiting),
        ("idle", used.idle),
        ("idle in transaction", used.idle_in_transaction),
        ("other", used.total.saturating_sub(known)),
    ];
    let room = used.max.saturating_sub(used.reserved);
    let row = |(state, number): (&str, u64)| -> Vec<Untrusted> {
        [state.to_owned(), count(number), percent(number as f64, room as f64)]
            .map(Untrusted::from)
            .into()
    };
    Some(Table {
        title: format!("Connections by state, of {} and {} reserved", room, used.reserved).into(),
        columns: vec!["state", "connections", "of the limit"],
        rows: rows.into_iter().map(row).collect(),
        provenance: Provenance::now(postgres.activity()),
    })
}

/// Who follows this server, and what it keeps for those who do not.
fn primary(postgres: &Postgres, part: &Primary, report: &mut Report) {
    let limit = postgres.limits().replica_lag.as_secs_f64();
    let lag = |standby: &Follower| standby.lag_seconds.unwrap_or_default();
    let worst = part.standbys.iter().map(lag).fold(0.0, f64::max);
    let hidden = part.standbys.iter().any(|standby| standby.state.is_none());
    let late = part.standbys.iter().filter(|standby| lag(standby) >= limit).count();
    let (status, measured) = match part.standbys.len() {
        0 => (Status::Ok, "primary, without a standby".to_owned()),
        n if hidden => (Status::NoData, format!("primary of {n}; how far they are is hidden")),
        n if late > 0 => {
            (Status::Warn, format!("primary of {n}; {late} behind, by up to {}", span(worst)))
        }
        n => (Status::Ok, format!("primary of {n}; behind by up to {}", span(worst))),
    };
    let finding = Finding::new(status, "replication", measured, source(postgres));
    report.findings.push(match part.standbys.len() {
        0 => finding,
        _ => finding.expected(format!("below {}", span(limit))),
    });
    for slot in part.slots.iter().filter(|slot| !slot.active) {
        let status = if slot.kept_bytes >= KEPT { Status::Fail } else { Status::Warn };
        let measured =
            format!("`{}` is read by nobody; {} of log kept", slot.name, bytes(slot.kept_bytes));
        let source = format!("pg_replication_slots at {}", postgres.target());
        report.findings.push(
            Finding::new(status, "replication slot", measured, source)
                .hint("bring its reader back or drop it before the disk is full"),
        );
    }
    if part.standbys.is_empty() {
        return;
    }
    let rows = part.standbys.iter().map(|standby| {
        let row: [String; 5] = [
            standby.name.clone(),
            standby.client.clone(),
            standby.state.clone().unwrap_or_else(|| "hidden".to_owned()),
            standby.lag_seconds.map_or_else(|| "none measured".to_owned(), span),
            standby.lag_bytes.map_or_else(|| "unknown".to_owned(), bytes),
        ];
        row.map(Untrusted::from).into()
    });
    report.tables.push(Table {
        title: "Standbys, furthest behind first".into(),
        columns: vec!["standby", "client", "state", "behind", "log behind"],
        rows: rows.collect(),
        provenance: Provenance::now(source(postgres)),
    });
}

/// A standby that has replayed all it received is not late, however long ago that was: its primary may
/// have had nothing to do.
fn standby(postgres: &Postgres, part: &Standby) -> Finding {
    let limit = postgres.limits().replica_lag.as_secs_f64();
    let behind = match part.last_seconds {
        _ if part.behind_bytes == 0 => 0.0,
        seconds => seconds.unwrap_or_default(),
    };
    let (status, trouble, hint) = if !part.receiving {
        (Status::Fail, ", not connected to its primary", Some("is the primary up and reachable?"))
    } else if part.paused {
        (Status::Warn, ", replay is paused", Some("SELECT pg_wal_replay_resume();"))
    } else if behind >= limit {
        (Status::Warn, "", Some("a long query here can hold the replay up: db activity"))
    } else {
        (Status::Ok, "", None)
    };
    let measured =
        format!("standby, behind by {} and {}{trouble}", span(behind), bytes(part.behind_bytes));
    let source = format!("pg_stat_wal_receiver at {}", postgres.target());
    let finding = Finding::new(status, "replication", measured, source)
        .expected(format!("below {}", span(limit)));
    match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

fn database(postgres: &Postgres, data: &Database) -> [Finding; 2] {
    let source = format!("pg_stat_database at {}", postgres.target());
    let measured = format!(
        "{} · {} of reads from the cache · {} deadlocks",
        bytes(data.size),
        percent(data.hit as f64, (data.hit + data.read) as f64),
        count(data.deadlocks)
    );
    let used = data.age.saturating_mul(100) / TRANSACTIONS;
    let status = match used {
        90.. => Status::Fail,
        50.. => Status::Warn,
        _ => Status::Ok,
    };
    let age = format!("the oldest is {} transactions old, {used} % of the limit", count(data.age));
    let ids = Finding::new(
        status,
        "transaction ids",
        age,
        format!("pg_database at {}", postgres.target()),
    )
    .expected("below 50 %");
    [
        Finding::new(Status::Ok, format!("database {}", data.name), measured, source),
        if used >= 50 { ids.hint("VACUUM the oldest tables: db vacuum") } else { ids },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::config::{Limits, PostgresConfig};
    use crate::platform::postgres::Slot;

    fn client() -> Postgres {
        let config = PostgresConfig::at("postgres://nova@localhost/novacron");
        Postgres::new(&config, None, Limits::default()).unwrap()
    }

    fn told(findings: &[Finding]) -> String {
        let one = |f: &Finding| format!("{}: {}", f.status.word(), f.measured.raw());
        findings.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_standby_with_nothing_to_replay_is_not_late() {
        let part = |receiving, paused, behind_bytes| {
            let last_seconds = Some(3_600.0);
            standby(&client(), &Standby { receiving, paused, behind_bytes, last_seconds })
        };
        let findings = [
            part(true, false, 0),
            part(true, false, 5_000),
            part(true, true, 5_000),
            part(false, false, 0),
        ];
        insta::assert_snapshot!(told(&findings), @r"
        ok: standby, behind by 0 µs and 0 B
        warn: standby, behind by 1 h and 4.9 KiB
        warn: standby, behind by 1 h and 4.9 KiB, replay is paused
        fail: standby, behind by 0 µs and 0 B, not connected to its primary
        ");
    }

    #[test]
    fn a_primary_tells_of_late_standbys_and_of_slots_without_readers() {
        let follower = |seconds| Follower {
            name: "replica".to_owned(),
            client: "10.0.0.7".to_owned(),
            state: Some("streaming".to_owned()),
            lag_seconds: seconds,
            lag_bytes: Some(1_000),
        };
        let slot =
            |name: &str, active, kept_bytes| Slot { name: name.to_owned(), active, kept_bytes };
        let mut report = Report::new("x");
        let part = Primary {
            standbys: vec![follower(Some(12.0)), follower(None)],
            slots: vec![slot("gone", false, 3 << 30), slot("new", false, 0), slot("used", true, 9)],
        };
        primary(&client(), &part, &mut report);
        insta::assert_snapshot!(told(&report.findings), @r"
        warn: primary of 2; 1 behind, by up to 12 s
        fail: `gone` is read by nobody; 3 GiB of log kept
        warn: `new` is read by nobody; 0 B of log kept
        ");
    }

    #[test]
    fn the_limit_of_transaction_ids_comes_in_time() {
        let of = |age| {
            let data = Database {
                name: "novacron".to_owned(),
                size: 8 << 20,
                hit: 99,
                read: 1,
                deadlocks: 0,
                age,
                checksum_failures: None,
            };
            database(&client(), &data)[1].status
        };
        let statuses = [of(200_000_000), of(1_200_000_000), of(2_000_000_000)];
        assert_eq!(statuses, [Status::Ok, Status::Warn, Status::Fail]);
    }
}
