//! `db access-patterns`: who takes rows by the thousand, by statement where they are recorded, and by
//! table in any case.

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::configured;
use crate::platform::postgres::{Postgres, ScannedTable, Statement, Statements};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::Untrusted;
use crate::text::units::{count, span};

pub(crate) const COMMAND: Command = Command {
    path: "db access-patterns",
    summary: "Queries that read over 1,000 rows",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G59"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Rows of each table.
const MOST: u16 = 20;

async fn run(call: Call) -> Result<Report, UserError> {
    let mut report = Report::new("Access patterns")
        .then("Slow queries", "db slow-queries")
        .then("Running now", "db activity")
        .then("Audit log", "security audit-log");
    match configured("PostgreSQL", "postgres", &call.platform.postgres) {
        Ok(postgres) => look(postgres, &mut report).await,
        Err(finding) => report.findings.push(*finding),
    }
    report.sort();
    Ok(report)
}

async fn look(postgres: &Postgres, report: &mut Report) {
    let rows = postgres.limits().many_rows;
    let (statements, scanned) =
        futures_util::join!(postgres.greediest(MOST, rows), postgres.scanned(MOST, rows));
    match statements {
        Ok(Statements::Recorded(statements)) => {
            report.findings.push(judge(postgres, &statements));
            if !statements.is_empty() {
                report.tables.push(by_statement(postgres, &statements));
            }
        }
        Ok(Statements::Missing { why, enable }) => {
            let source = postgres.recorded();
            let missing = Finding::new(Status::Unsupported, "statements", why, source);
            report.findings.push(missing.hint(enable));
        }
        Err(error) => {
            report.findings.push(error.finding("statements", postgres.recorded()));
            if scanned.is_err() {
                // The same cause; once is enough.
                return;
            }
        }
    }
    match scanned {
        Ok(tables) => {
            report.findings.push(scans(postgres, &tables));
            if !tables.is_empty() {
                report.tables.push(by_table(postgres, &tables));
            }
        }
        Err(error) => report.findings.push(error.finding("tables", tables_source(postgres))),
    }
}

fn tables_source(postgres: &Postgres) -> String {
    format!("pg_stat_user_tables at {}", postgres.target())
}

fn many(postgres: &Postgres) -> String {
    count(u64::from(postgres.limits().many_rows))
}

fn judge(postgres: &Postgres, statements: &[Statement]) -> Finding {
    let (source, many) = (postgres.recorded(), many(postgres));
    let Some(worst) = statements.iter().max_by_key(|statement| statement.rows_a_call()) else {
        let measured = format!("none returns more than {many} rows a call");
        return Finding::new(Status::Ok, "statements", measured, source);
    };
    let several = match statements.len() {
        n if n == usize::from(MOST) => format!("{n} or more return"),
        1 => "1 returns".to_owned(),
        n => format!("{n} return"),
    };
    let measured = format!(
        "{several} more than {many} rows a call; the most {}, {} calls by {}",
        count(worst.rows_a_call()),
        count(worst.calls),
        worst.user
    );
    Finding::new(Status::Warn, "statements", measured, source)
        .hint("is each of them meant to read so much? A stolen account reads in bulk")
}

/// A scan is only a sign: what it reads may be filtered, and a report may need it all.
fn scans(postgres: &Postgres, tables: &[ScannedTable]) -> Finding {
    let (source, many) = (tables_source(postgres), many(postgres));
    let measured = match tables {
        [] => format!("none is read from end to end over {many} rows"),
        [first, ..] => format!(
            "{} read from end to end; most rows from {}: {} in {} scans",
            tables.len(),
            first.name,
            count(first.rows),
            count(first.scans)
        ),
    };
    Finding::new(Status::Ok, "tables", measured, source)
}

fn by_statement(postgres: &Postgres, statements: &[Statement]) -> Table {
    let rows = statements.iter().map(|s| {
        let row: [String; 6] = [
            count(s.calls),
            count(s.rows_a_call()),
            span(s.mean / 1_000.0),
            s.user.clone(),
            s.database.clone(),
            s.statement.clone(),
        ];
        row.map(Untrusted::from).into()
    });
    Table {
        title: format!("Over {} rows a call, most calls first", many(postgres)).into(),
        columns: vec!["calls", "rows a call", "mean", "user", "database", "statement"],
        rows: rows.collect(),
        provenance: Provenance::now(postgres.recorded()),
    }
}

fn by_table(postgres: &Postgres, tables: &[ScannedTable]) -> Table {
    let rows = tables.iter().map(|table| {
        let row: [String; 6] = [
            table.name.clone(),
            count(table.scans),
            count(table.rows),
            count(table.rows / table.scans.max(1)),
            count(table.index_scans),
            count(table.holds),
        ];
        row.map(Untrusted::from).into()
    });
    Table {
        title: "Read from end to end, most rows first".into(),
        columns: vec!["table", "scans", "rows read", "rows a scan", "by index", "rows held"],
        rows: rows.collect(),
        provenance: Provenance::now(tables_source(postgres)),
    }
}
