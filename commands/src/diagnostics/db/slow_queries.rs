//! `db slow-queries`: the ten statements with the longest mean time.
//!
//! Without pg_stat_statements it says how to have it, and what runs at the moment.

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::configured;
use crate::platform::postgres::{Postgres, Statement, Statements};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::Untrusted;
use crate::text::units::{count, percent, span};

pub(crate) const COMMAND: Command = Command {
    path: "db slow-queries",
    summary: "The ten slowest queries",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G10"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// The guide's `LIMIT 10`.
const MOST: u16 = 10;

async fn run(call: Call) -> Result<Report, UserError> {
    let mut report = Report::new("Slow queries")
        .then("Running now", "db activity")
        .then("Many rows", "db access-patterns")
        .then("Analyze", "db analyze");
    match configured("PostgreSQL", "postgres", &call.platform.postgres) {
        Ok(postgres) => look(postgres, &mut report).await,
        Err(finding) => report.findings.push(*finding),
    }
    Ok(report)
}

async fn look(postgres: &Postgres, report: &mut Report) {
    match postgres.slowest(MOST).await {
        Ok(Statements::Recorded(statements)) => {
            report.findings.extend(judge(postgres, &statements));
            report.tables.push(table(postgres, &statements));
        }
        Ok(Statements::Missing { why, enable }) => {
            let source = postgres.recorded();
            let missing = Finding::new(Status::Unsupported, "statements", why, source);
            report.findings.push(missing.hint(enable));
            running(postgres, report).await;
        }
        Err(error) => report.findings.push(error.finding("statements", postgres.recorded())),
    }
}

/// The slowest against the limit, and whether the statements can be seen at all.
fn judge(postgres: &Postgres, statements: &[Statement]) -> Vec<Finding> {
    let source = postgres.recorded();
    let Some(first) = statements.first() else {
        return vec![Finding::new(Status::NoData, "slowest", "nothing is recorded yet", source)];
    };
    let limit = postgres.limits().slow_statement.as_secs_f64();
    let slow = statements.iter().filter(|s| s.mean / 1_000.0 >= limit).count();
    let measured = format!(
        "{} a call, {} calls, {} of all time",
        span(first.mean / 1_000.0),
        count(first.calls),
        percent(first.share, 1.0)
    );
    let expected = format!("below {}", span(limit));
    let finding = match slow {
        0 => Finding::new(Status::Ok, "slowest", measured, source.clone()),
        n => {
            let more = if n > 1 { format!("; {n} are over the limit") } else { String::new() };
            Finding::new(Status::Warn, "slowest", format!("{measured}{more}"), source.clone())
                .hint("look at its plan with EXPLAIN, and at when its tables were analyzed")
        }
    };
    let mut findings = vec![finding.expected(expected)];
    if statements.iter().any(|s| !s.seen) {
        let measured = "hidden: nova's role is not in pg_monitor";
        let hidden = Finding::new(Status::Unsupported, "other roles' statements", measured, source);
        findings.push(hidden.hint("GRANT pg_monitor to nova's role; `db activity` names it"));
    }
    findings
}

fn table(postgres: &Postgres, statements: &[Statement]) -> Table {
    let rows = statements.iter().map(|s| {
        let row: [String; 8] = [
            span(s.mean / 1_000.0),
            span(s.longest / 1_000.0),
            count(s.calls),
            percent(s.share, 1.0),
            count(s.rows_a_call()),
            percent(s.hit as f64, (s.hit + s.read) as f64),
            s.user.clone(),
            s.statement.clone(),
        ];
        row.map(Untrusted::from).into()
    });
    Table {
        title: "Longest mean time first".into(),
        columns: vec!["mean", "max", "calls", "time", "rows", "cached", "user", "statement"],
        rows: rows.collect(),
        provenance: Provenance::now(postgres.recorded()),
    }
}

/// What can be said without the extension: what runs now.
async fn running(postgres: &Postgres, report: &mut Report) {
    let sessions = match postgres.sessions().await {
        Ok(sessions) => sessions,
        Err(error) => {
            report.findings.push(error.finding("running now", postgres.activity()));
            return;
        }
    };
    report.findings.extend(sessions.connections.blindness(postgres));
    let active = sessions.busy.iter().filter(|session| session.state == "active");
    let rows: Vec<Vec<Untrusted>> = active
        .take(usize::from(MOST))
        .map(|session| {
            let statement = session.statement.clone().unwrap_or_default();
            [span(session.seconds), session.application.clone(), session.user.clone(), statement]
                .map(Untrusted::from)
                .into()
        })
        .collect();
    if !rows.is_empty() {
        report.tables.push(Table {
            title: "Running now, longest first".into(),
            columns: vec!["for", "application", "user", "statement"],
            rows,
            provenance: Provenance::now(postgres.activity()),
        });
    }
}
