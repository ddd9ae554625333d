//! `contacts`: who answers for what, how they are reached, and where the dashboards are, as the
//! configuration says; the guide's matrix without one.

use jiff::Timestamp;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::{Contact, ContactsConfig};
use crate::report::{Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "contacts",
    summary: "Who to call, and where the dashboards are",
    kind: Kind::Diagnostic { sensitive: false },
    guide: &["G01", "G02", "G91"],
    args: |c| c,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

async fn run(call: Call) -> Result<Report, UserError> {
    Ok(report(&call.platform.contacts))
}

fn report(contacts: &ContactsConfig) -> Report {
    // What is asked for in an emergency stands unfolded: a finding each.
    const SOURCE: &str = "[contacts] of the configuration";
    let mut report = Report::new("Contacts");
    for row in &contacts.severities {
        let within = human::span(row.response.as_secs_f64());
        let measured = format!("{}, then {} · within {within}", row.primary, row.secondary);
        report.findings.push(Finding::new(Status::Ok, row.severity.as_str(), measured, SOURCE));
    }
    let tables = [
        ("Emergency", &contacts.emergency),
        ("Dashboards and tools", &contacts.links),
        ("Vendors", &contacts.vendors),
    ];
    let filled = tables.into_iter().filter(|(_, rows)| !rows.is_empty());
    report.tables = filled.map(|(title, rows)| table(title, rows, SOURCE)).collect();
    report.then("Who is on call", "oncall").then("Declare an incident", "home")
}

fn table(title: &str, rows: &[Contact], source: &str) -> Table {
    let row = |contact: &Contact| -> Vec<Untrusted> {
        vec![contact.name.as_str().into(), contact.reach.as_str().into()]
    };
    Table {
        title: title.into(),
        columns: vec!["who", "how"],
        rows: rows.iter().map(row).collect(),
        provenance: Provenance { source: source.into(), at: Timestamp::now() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_matrix_is_the_default() {
        let report = report(&ContactsConfig::default());
        let shown: Vec<_> = report
            .findings
            .iter()
            .map(|f| format!("{}: {}", f.subject.raw(), f.measured.raw()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        critical: On-call engineer, then Engineering lead · within 15 min
        high: Platform team, then DevOps engineer · within 2 h
        medium: Support team, then Product owner · within 8 h
        low: Support queue, then Documentation team · within 24 h
        ");
        assert_eq!(report.tables.iter().map(|t| t.rows.len()).collect::<Vec<_>>(), [4, 6, 4]);
    }
}
