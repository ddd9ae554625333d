//! `security audit-log`: what the audit log holds of the patterns that are looked for: in a file of the
//! gateway's pods, in a table of the database, or in both, as configured.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use regex::Regex;

use crate::command::{Call, Command, Kind, Run, UserError};
use crate::platform::config::{AuditConfig, ServiceConfig};
use crate::platform::kube::ExecOutput;
use crate::platform::postgres::AuditRow;
use crate::platform::probe::last_line;
use crate::platform::{Cause, Platform, PlatformError, configured, no_cluster};
use crate::report::{Excerpt, Finding, Provenance, Report, Status, Table};
use crate::text::{Untrusted, human};

pub(crate) const COMMAND: Command = Command {
    path: "security audit-log",
    summary: "Suspicious patterns in the audit log",
    kind: Kind::Diagnostic { sensitive: true },
    guide: &["G58"],
    args: |c| c,
    run: Run::Diagnostic(|call| Box::pin(run(call))),
};

/// Bytes of the end of each file, and pods, that are read.
const BYTES: &str = "900000";
const PODS: usize = 10;
/// Actors and lines that are shown.
const ACTORS: usize = 3;
const EXCERPT: usize = 10;

async fn run(call: Call) -> Result<Report, UserError> {
    let platform = &*call.platform;
    let config = &platform.security.audit;
    let service = platform.service(&platform.security.service)?;
    let mut report = Report::new("Audit log");
    let files = async {
        match config.file.is_empty() {
            true => Ok(None),
            false => in_files(platform, service, config).await.map(Some),
        }
    };
    let (files, table) = futures_util::join!(files, in_table(platform, config));
    let files = files?;
    if files.is_none() && table.is_none() {
        let text = "neither a file nor a table is configured";
        let finding = Finding::new(Status::Unsupported, "audit log", text, "configuration");
        report.findings.push(finding.hint("set `file` or `table` in [security.audit]"));
    }
    for (findings, tables, excerpt) in [files, table].into_iter().flatten() {
        report.findings.extend(findings);
        report.tables.extend(tables);
        report.excerpts.extend(excerpt);
    }
    report.sort();
    Ok(report
        .bounded()
        .then("Failed logins", "security auth-failures")
        .then("Access patterns", "security access-patterns")
        .then("Declare an incident", "home"))
}

type Part = (Vec<Finding>, Option<Table>, Option<Excerpt>);

async fn in_files(
    platform: &Platform,
    service: &ServiceConfig,
    config: &AuditConfig,
) -> Result<Part, UserError> {
    let name = service.name.as_str();
    let one = |finding| Ok((vec![finding], None, None));
    let Some(home) = platform.home(service, None)? else { return one(no_cluster()) };
    let patterns: Result<Vec<Regex>, _> = config.patterns.iter().map(|p| Regex::new(p)).collect();
    let (Ok(patterns), Ok(user)) = (patterns, Regex::new(&config.user)) else {
        let text = "a pattern of [security.audit] is no regular expression";
        return one(Finding::new(Status::Unsupported, name, text, "configuration"));
    };
    let mut pods = match home.deployed().await {
        Ok((_, pods)) => pods,
        Err(error) => return one(home.missing(name, &error)),
    };
    pods.retain(|pod| pod.ready);
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    let more = pods.len().saturating_sub(PODS);
    pods.truncate(PODS);
    let argv = ["tail", "-c", BYTES, config.file.as_str()];
    let read = join_all(pods.iter().map(|pod| home.run(pod, &argv, platform.tool_time()))).await;
    let (mut findings, mut lines, mut read_pods) = (Vec::new(), Vec::new(), 0);
    for (pod, output) in pods.iter().zip(read) {
        let source = home.command(pod, &argv);
        match output {
            Ok(Some(output)) if output.exit_code == 0 => {
                read_pods += 1;
                lines.extend(output.stdout.split(|b| *b == b'\n').map(Untrusted::from_bytes));
            }
            Ok(Some(output)) => {
                findings.push(unreadable(name, &output, config, source));
            }
            Ok(None) => {
                let text = "its image has no `tail`";
                let finding = Finding::new(Status::Unsupported, name, text, source);
                findings.push(finding.hint("set `table` in [security.audit], or look at its logs"));
                break;
            }
            Err(error) => {
                findings.push(error.finding(pod.name.as_str(), source));
                // What our rights forbid, they forbid in every pod.
                if error.cause == Cause::Forbidden {
                    break;
                }
            }
        }
    }
    findings.dedup_by(|a, b| a.measured == b.measured);
    if pods.is_empty() {
        let text = "none of its pods is ready";
        findings.push(Finding::new(Status::NoData, name, text, home.place()));
    }
    if read_pods == 0 {
        return Ok((findings, None, None));
    }
    if more > 0 {
        let text = format!("{} were not read", human::count(more, "more pod"));
        findings.push(Finding::new(Status::NoData, name, text, home.place()));
    }
    let source = format!(
        "tail -c {BYTES} {} in {} of {}",
        config.file,
        human::count(read_pods, "pod"),
        home.place()
    );
    let found = search(&lines, &patterns, &user);
    findings.extend(found.iter().map(|one| one.finding(&source)));
    let hits = lines.iter().filter(|line| patterns.iter().any(|p| p.is_match(line.raw())));
    let hits: Vec<Untrusted> = hits.cloned().collect();
    let from = hits.len().saturating_sub(EXCERPT);
    let excerpt = (!hits.is_empty()).then(|| Excerpt {
        title: "The last ones".into(),
        lines: hits[from..].to_vec(),
        provenance: Provenance::now(source.as_str()),
    });
    Ok((findings, actors(&found, &source), excerpt))
}

/// Why a file cannot be read: a fact about the image, which all pods share.
fn unreadable(name: &str, output: &ExecOutput, config: &AuditConfig, source: String) -> Finding {
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    let (status, text): (Status, Untrusted) = match () {
        () if said.contains("no such file") => {
            (Status::Absent, format!("no file {} in its pods", config.file).into())
        }
        () if said.contains("permission denied") => {
            (Status::NoData, format!("{} may not be read", config.file).into())
        }
        () => (Status::NoData, last_line(output)),
    };
    Finding::new(status, name, text, source).hint("see `file` in [security.audit]")
}

/// What was found of one pattern.
struct Found {
    pattern: String,
    count: usize,
    /// Who did it how often, most often first.
    by: Vec<(String, usize)>,
}

fn search(lines: &[Untrusted], patterns: &[Regex], user: &Regex) -> Vec<Found> {
    let one = |pattern: &Regex| {
        let mut by: BTreeMap<String, usize> = BTreeMap::new();
        let mut count = 0;
        for line in lines.iter().filter(|line| pattern.is_match(line.raw())) {
            count += 1;
            let who = user.captures(line.raw()).and_then(|found| Some(found.get(1)?.as_str()));
            *by.entry(who.unwrap_or("-").to_owned()).or_default() += 1;
        }
        let mut by: Vec<_> = by.into_iter().collect();
        by.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Found { pattern: pattern.as_str().to_owned(), count, by }
    };
    patterns.iter().map(one).collect()
}

impl Found {
    fn finding(&self, source: &str) -> Finding {
        if self.count == 0 {
            return Finding::new(Status::Ok, self.pattern.as_str(), "not found", source);
        }
        let who: Vec<String> =
            self.by.iter().take(ACTORS).map(|(who, count)| format!("{who} {count}×")).collect();
        let text = format!("{} · {}", human::count(self.count, "line"), who.join(", "));
        Finding::new(Status::Warn, self.pattern.as_str(), text, source)
    }
}

fn actors(found: &[Found], source: &str) -> Option<Table> {
    let rows: Vec<Vec<Untrusted>> = found
        .iter()
        .flat_map(|one| {
            one.by.iter().map(|(who, count)| {
                vec![one.pattern.as_str().into(), who.as_str().into(), count.to_string().into()]
            })
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        title: "By pattern and person".into(),
        columns: vec!["pattern", "who", "lines"],
        rows,
        provenance: Provenance::now(source),
    })
}

/// The last day of the table, where the configuration names one.
async fn in_table(platform: &Platform, config: &AuditConfig) -> Option<Part> {
    let table = config.table.as_deref()?;
    let client = match configured("PostgreSQL", "postgres", &platform.postgres) {
        Ok(client) => client,
        Err(finding) => return Some((vec![*finding], None, None)),
    };
    let source = format!(
        "SELECT {}, {}, count(*) FROM {table} of the last 24 h at {}",
        config.action,
        config.actor,
        client.target()
    );
    let rows = match client.audit(table, config).await {
        Ok(rows) => rows,
        Err(error) => {
            let gone = error.detail.raw().contains("does not exist");
            let error =
                if gone { PlatformError { cause: Cause::NotFound, ..error } } else { error };
            let finding = error.finding(format!("table {table}"), source);
            return Some((vec![finding.hint("see `table` in [security.audit]")], None, None));
        }
    };
    let mut findings: Vec<Finding> = Vec::new();
    let mut actions: BTreeMap<&str, Vec<&AuditRow>> = BTreeMap::new();
    for row in &rows {
        actions.entry(row.action.raw()).or_default().push(row);
    }
    for (action, rows) in actions {
        let count: u64 = rows.iter().map(|row| row.count).sum();
        let who = rows.iter().take(ACTORS).map(|row| format!("{} {}×", row.actor.raw(), row.count));
        let who: Vec<String> = who.collect();
        let text = format!("{count} in the last 24 h · {}", who.join(", "));
        findings.push(Finding::new(
            Status::Warn,
            format!("{action} in {table}"),
            text,
            source.as_str(),
        ));
    }
    if rows.is_empty() {
        let text = "nothing of what is looked for in the last 24 h";
        findings.push(Finding::new(Status::Ok, format!("table {table}"), text, source.as_str()));
    }
    let row = |row: AuditRow| {
        let last = row.last.strftime("%Y-%m-%d %H:%M UTC").to_string();
        vec![row.action, row.actor, row.count.to_string().into(), last.into()]
    };
    let shown = (!rows.is_empty()).then(|| Table {
        title: format!("In {table}").into(),
        columns: vec!["action", "who", "times", "last"],
        rows: rows.into_iter().map(row).collect(),
        provenance: Provenance::now(source),
    });
    Some((findings, shown, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_pattern_and_person() {
        let lines = [
            "bulk_vm_access user=ana vms=40",
            "bulk_vm_access user=bo vms=2",
            "bulk_vm_access user=ana vms=41",
            "large_data_export",
            "login user=ana",
        ];
        let config = AuditConfig::default();
        let patterns: Vec<Regex> = config.patterns.iter().map(|p| Regex::new(p).unwrap()).collect();
        let found = search(&lines.map(Into::into), &patterns, &Regex::new(&config.user).unwrap());
        let shown: Vec<_> = found
            .iter()
            .map(|one| one.finding("x"))
            .map(|f| format!("{} {}: {}", f.status.word(), f.subject.raw(), f.measured.raw()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        warn large_data_export: 1 line · - 1×
        warn bulk_vm_access: 3 lines · ana 2×, bo 1×
        ok privilege_escalation: not found
        ");
    }
}
