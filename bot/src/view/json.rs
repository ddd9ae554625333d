//! Answers for scripts. The same facts as the message, cleaned by the same sanitiser.

use jiff::Timestamp;
use nova_adapters::message::Message;
use nova_commands::report::{
    Chart, ChartLine, Excerpt, Finding, Provenance, Report, Status, Table,
};
use nova_commands::text::{Sanitiser, Untrusted};
use serde_json::{Value, json};

use super::{limits, verdict};

/// A report as JSON. `exit` is the exit status that goes with it.
#[must_use]
pub fn report(
    command: &str,
    report: &Report,
    exit: u8,
    took_ms: u128,
    sanitiser: &Sanitiser,
) -> Value {
    let clean = |text: &Untrusted| sanitiser.line(text, limits::TEXT);
    let from = |p: &Provenance| json!({ "source": clean(&p.source), "at": p.at.to_string() });
    let finding = |f: &Finding| {
        json!({
            "status": f.status.word(),
            "subject": clean(&f.subject),
            "measured": clean(&f.measured),
            "expected": f.expected.as_ref().map(&clean),
            "hint": f.hint.as_ref().map(&clean),
            "provenance": from(&f.provenance),
        })
    };
    let table = |t: &Table| {
        let rows: Vec<Vec<String>> =
            t.rows.iter().map(|row| row.iter().map(&clean).collect()).collect();
        json!({
            "title": clean(&t.title),
            "columns": t.columns,
            "rows": rows,
            "provenance": from(&t.provenance),
        })
    };
    let chart = |c: &Chart| {
        let line = |l: &ChartLine| {
            let point = |(at, value): &(Timestamp, f64)| json!([at.to_string(), value]);
            json!({
                "name": clean(&l.name),
                "points": l.points.iter().map(point).collect::<Vec<_>>(),
            })
        };
        json!({
            "title": clean(&c.title),
            "unit": c.unit,
            "lines": c.lines.iter().map(line).collect::<Vec<_>>(),
            "limit": c.limit,
            "provenance": from(&c.provenance),
        })
    };
    let excerpt = |e: &Excerpt| {
        let line = |text: &Untrusted| sanitiser.line(text, limits::LINE);
        json!({
            "title": clean(&e.title),
            "lines": e.lines.iter().map(line).collect::<Vec<_>>(),
            "provenance": from(&e.provenance),
        })
    };
    let counts: serde_json::Map<String, Value> =
        Status::ALL.iter().map(|s| (s.word().to_owned(), report.count(*s).into())).collect();
    let mut answer = json!({
        "command": command,
        "exit": exit,
        "status": report.verdict().word(),
        "verdict": verdict(report, sanitiser),
        "counts": counts,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "tables": report.tables.iter().map(table).collect::<Vec<_>>(),
        "took_ms": u64::try_from(took_ms).unwrap_or(u64::MAX),
    });
    // Most answers have none of these.
    let charts: Vec<_> = report.charts.iter().map(chart).collect();
    let excerpts: Vec<_> = report.excerpts.iter().map(excerpt).collect();
    let files: Vec<_> = report.files.iter().map(|file| json!(file.name)).collect();
    for (key, list) in [("charts", charts), ("excerpts", excerpts), ("files", files)] {
        if !list.is_empty() {
            answer[key] = list.into();
        }
    }
    answer
}

/// Anything that is not a report: help, a refusal, an error.
#[must_use]
pub fn message(command: &str, exit: u8, message: &Message) -> Value {
    let key = if exit == 2 { "error" } else { "text" };
    let mut answer = json!({ "command": command, "exit": exit, key: message.headline });
    if !message.sections.is_empty() {
        answer["sections"] = json!(message.sections);
    }
    answer
}
