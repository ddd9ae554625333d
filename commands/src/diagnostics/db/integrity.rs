//! `db integrity`: whether what is in the database is as it should be, as after a recovery: the
//! virtual machines by status, indexes, constraints, checksums.

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::configured;
use crate::platform::postgres::{Database, Postgres, Sound, VmCounts};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::Untrusted;
use crate::text::units::{count, percent};

pub(crate) const COMMAND: Command = Command {
    path: "db integrity",
    summary: "VMs by status",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G72"],
    args: |command| command,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// The statuses that the guide counts as sound.
const SOUND: [&str; 2] = ["running", "stopped"];
/// Statuses that no machine should keep.
const BROKEN: [&str; 5] = ["error", "failed", "crashed", "lost", "unknown"];
/// Names listed in one finding.
const NAMES: usize = 5;

async fn run(call: Call) -> Result<Report, UserError> {
    let mut report = Report::new("Database integrity").then("Check again", "db integrity");
    let postgres = match configured("PostgreSQL", "postgres", &call.platform.postgres) {
        Ok(postgres) => postgres,
        Err(finding) => {
            report.findings.push(*finding);
            return Ok(report);
        }
    };
    let (vms, sound, database) =
        futures_util::join!(postgres.vms(), postgres.sound(), postgres.database());
    let source = format!("{} at {}", postgres.vms_table(), postgres.target());
    match vms {
        Ok(counts) => machines(&mut report, postgres, counts, &source),
        Err(error) => {
            report.findings.push(error.finding("VMs", source));
            if sound.is_err() && database.is_err() {
                // The same cause; once is enough.
                return Ok(report.then("Status", "db status"));
            }
        }
    }
    match sound {
        Ok(sound) => report.findings.extend(objects(postgres, &sound)),
        Err(error) => report.findings.push(error.finding("indexes", "pg_index")),
    }
    match database {
        Ok(database) => report.findings.push(checksums(postgres, &database)),
        Err(error) => report.findings.push(error.finding("checksums", "pg_stat_database")),
    }
    report.sort();
    if report.findings.iter().any(|f| f.subject.raw() == "indexes" && f.status == Status::Warn) {
        report = report.then("Reindex", "db reindex");
    }
    Ok(report.then("Recovery plan", "recovery plan"))
}

/// The machines by status: a finding and a table, or why there is none.
fn machines(report: &mut Report, postgres: &Postgres, counts: VmCounts, source: &str) {
    let table = postgres.vms_table();
    let finding = |status, measured: String| Finding::new(status, "VMs", measured, source);
    let (column, statuses, total) = match counts {
        VmCounts::Counted { column, statuses, total } => (column, statuses, total),
        VmCounts::NoTable => {
            let absent = finding(Status::Absent, format!("no table `{table}`"));
            report.findings.push(absent.hint("name it in [postgres] `vms_table`"));
            return;
        }
        VmCounts::NoColumn(columns) => {
            let measured = format!("`{table}` has no column {}", columns.join(" or "));
            let absent = finding(Status::Absent, measured);
            report.findings.push(absent.hint("name it in [postgres] `vms_status`"));
            return;
        }
        VmCounts::NotAllowed { grant } => {
            let closed = finding(Status::NoData, format!("nova's role may not read `{table}`"));
            report.findings.push(closed.hint(grant));
            return;
        }
    };
    report.findings.push(judge(&statuses, total, source));
    let rows: Vec<Vec<Untrusted>> = statuses
        .iter()
        .map(|(status, machines)| {
            let status = status.clone().unwrap_or_else(|| "(none)".to_owned());
            [status, count(*machines), percent(*machines as f64, total as f64)]
                .map(Untrusted::from)
                .into()
        })
        .collect();
    report.tables.push(Table {
        title: format!("VMs by {column}").into(),
        columns: vec!["status", "VMs", "share"],
        rows,
        provenance: Provenance::now(source),
    });
}

fn judge(statuses: &[(Option<String>, u64)], total: u64, source: &str) -> Finding {
    let of = |words: &[&str]| -> u64 {
        let named = |status: &Option<String>| {
            status.as_ref().is_some_and(|s| words.iter().any(|word| s.eq_ignore_ascii_case(word)))
        };
        statuses.iter().filter(|(status, _)| named(status)).map(|(_, count)| count).sum()
    };
    let (sound, broken) = (of(&SOUND), of(&BROKEN));
    if total == 0 {
        return Finding::new(Status::Warn, "VMs", "the table is empty", source)
            .hint("after a recovery, look whether the backup held it");
    }
    let share = percent(sound as f64, total as f64);
    let measured = format!(
        "{} of {} running or stopped ({share}), {} broken",
        count(sound),
        count(total),
        count(broken)
    );
    let status = if broken > 0 { Status::Warn } else { Status::Ok };
    let finding = Finding::new(status, "VMs", measured, source);
    if broken > 0 { finding.expected("none broken") } else { finding }
}

fn objects(postgres: &Postgres, sound: &Sound) -> Vec<Finding> {
    let finding = |subject: &str, view: &str, names: &[String], words: [&str; 3]| {
        let [well, trouble, hint] = words;
        let source = format!("{view} at {}", postgres.target());
        if names.is_empty() {
            return Finding::new(Status::Ok, subject, well, source);
        }
        let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
        let more = match names.len().saturating_sub(NAMES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let measured = format!("{} {trouble}: {}{more}", names.len(), shown.join(", "));
        Finding::new(Status::Warn, subject, measured, source).hint(hint)
    };
    vec![
        finding(
            "indexes",
            "pg_index",
            &sound.invalid_indexes,
            ["all are valid", "invalid", "rebuild them: db reindex"],
        ),
        finding(
            "constraints",
            "pg_constraint",
            &sound.unchecked_constraints,
            ["all are checked", "never checked", "ALTER TABLE … VALIDATE CONSTRAINT …"],
        ),
    ]
}

fn checksums(postgres: &Postgres, database: &Database) -> Finding {
    const SUBJECT: &str = "checksums";
    let source = format!("pg_stat_database at {}", postgres.target());
    match database.checksum_failures {
        None => Finding::new(Status::Unsupported, SUBJECT, "off: damaged pages go unseen", source)
            .hint("pg_checksums --enable, while PostgreSQL is stopped"),
        Some(0) => Finding::new(Status::Ok, SUBJECT, "no damaged page was read", source),
        Some(n) => {
            let measured = format!("{} damaged pages were read", count(n));
            Finding::new(Status::Fail, SUBJECT, measured, source)
                .hint("stop writing, and restore from a backup")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_and_broken_machines_want_a_look() {
        let statuses = |list: &[(&str, u64)]| -> Vec<(Option<String>, u64)> {
            list.iter().map(|(status, n)| (Some((*status).to_owned()), *n)).collect()
        };
        let well = judge(&statuses(&[("running", 3), ("STOPPED", 1), ("creating", 1)]), 5, "vms");
        assert_eq!(well.status, Status::Ok);
        assert_eq!(well.measured.raw(), "4 of 5 running or stopped (80 %), 0 broken");
        let broken = judge(&statuses(&[("running", 3), ("Error", 1)]), 4, "vms");
        assert_eq!(broken.status, Status::Warn);
        assert_eq!(judge(&[], 0, "vms").status, Status::Warn);
        assert_eq!(judge(&[(None, 2)], 2, "vms").status, Status::Ok);
    }
}
