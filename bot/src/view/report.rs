//! A report as a message: the verdict first, what is wrong next, the rest folded.

use std::time::Duration;

use jiff::Timestamp;
use nova_adapters::message::{
    Align, Attachment, Button, Column, Line, Mark, Message, Section, Table,
};
use nova_commands::grammar::Grammar;
use nova_commands::report::{self, Finding, Provenance, Report, Status};
use nova_commands::text::Sanitiser;

use super::{chart, limits};

/// What the view needs beside the report.
pub struct Context<'a> {
    pub sanitiser: &'a Sanitiser,
    pub grammar: &'a Grammar,
    pub now: Timestamp,
    /// How long the answer took.
    pub took: Duration,
}

/// Draws a report.
#[must_use]
pub fn message(report: &Report, context: &Context<'_>) -> Message {
    let line = |text, max| context.sanitiser.line(text, max);
    let mut sections = Vec::new();
    let (good, wanting): (Vec<_>, Vec<_>) =
        report.findings.iter().partition(|f| f.status == Status::Ok);
    if !wanting.is_empty() {
        let lines = wanting.iter().map(|finding| draw_finding(finding, context));
        sections.push(Section::findings(lines.collect()));
    }
    if !good.is_empty() {
        let title = format!("{} ok", good.len());
        let lines = merge(good.iter().map(|finding| draw_finding(finding, context)));
        sections.push(Section::findings(lines).titled(title).folded());
    }
    sections.extend(report.charts.iter().map(|chart| chart::section(chart, context)));
    for table in &report.tables {
        let drawn = Section::table(draw_table(table, context)).folded();
        let title = line(&table.title, limits::SUBJECT);
        sections.push(drawn.titled(format!("{title}, {}", provenance(&table.provenance, context))));
    }
    sections.extend(report.excerpts.iter().map(|excerpt| draw_excerpt(excerpt, context)));
    Message {
        tone: mark(report.verdict()),
        headline: verdict(report, context.sanitiser),
        sections,
        buttons: buttons(report, context),
        selects: Vec::new(),
        files: report.files.iter().map(attachment).collect(),
        footer: Some(format!("{} ms", context.took.as_millis())),
    }
}

/// The verdict in one line: "NovaCron: 2 failing, 1 warning, 10 ok".
#[must_use]
pub fn verdict(report: &Report, sanitiser: &Sanitiser) -> String {
    let subject = sanitiser.line(&report.subject, limits::SUBJECT);
    let parts: Vec<String> = Status::ALL
        .iter()
        .map(|status| (report.count(*status), *status))
        .filter(|(count, _)| *count > 0)
        .map(|(count, status)| format!("{count} {}", noun(status, count)))
        .collect();
    if parts.is_empty() {
        return format!("{subject}: nothing to look at");
    }
    format!("{subject}: {}", parts.join(", "))
}

fn noun(status: Status, count: usize) -> &'static str {
    match status {
        Status::Fail => "failing",
        Status::Warn if count == 1 => "warning",
        Status::Warn => "warnings",
        Status::Absent => "absent",
        Status::NoData => "without data",
        Status::Unsupported => "not available here",
        Status::Ok => "ok",
    }
}

/// The symbol of a status.
#[must_use]
fn mark(status: Status) -> Mark {
    match status {
        Status::Fail => Mark::Fail,
        Status::Warn => Mark::Warn,
        Status::Absent => Mark::Absent,
        Status::NoData => Mark::NoData,
        Status::Unsupported => Mark::Unsupported,
        Status::Ok => Mark::Ok,
    }
}

/// What is well is said once a subject: its facts beside each other, its sources too.
fn merge(lines: impl Iterator<Item = Line>) -> Vec<Line> {
    let mut merged: Vec<Line> = Vec::new();
    for line in lines {
        match merged.last_mut().filter(|last| last.subject == line.subject) {
            Some(last) => {
                last.text = format!("{} · {}", last.text, line.text);
                last.detail = last.detail.take().zip(line.detail).map(|(a, b)| format!("{a}; {b}"));
            }
            None => merged.push(line),
        }
    }
    merged
}

fn draw_finding(finding: &Finding, context: &Context<'_>) -> Line {
    let clean = |text, max| context.sanitiser.line(text, max);
    let mut text = clean(&finding.measured, limits::TEXT);
    if let Some(expected) = &finding.expected {
        text = format!("{text} (expected {})", clean(expected, limits::SUBJECT));
    }
    Line {
        mark: mark(finding.status),
        subject: clean(&finding.subject, limits::SUBJECT),
        text,
        detail: Some(provenance(&finding.provenance, context)),
        hint: finding.hint.as_ref().map(|hint| clean(hint, limits::TEXT)),
    }
}

/// "GET http://…/health · now".
pub(super) fn provenance(provenance: &Provenance, context: &Context<'_>) -> String {
    let source = context.sanitiser.line(&provenance.source, limits::TEXT);
    format!("{source} · {}", age(provenance.at, context.now))
}

/// How old a fact is, in the largest unit that says enough.
#[must_use]
pub fn age(at: Timestamp, now: Timestamp) -> String {
    match now.duration_since(at).as_secs() {
        ..=1 => "now".to_owned(),
        s @ 2..=119 => format!("{s} s ago"),
        s @ 120..=7_199 => format!("{} min ago", s / 60),
        s => format!("{} h ago", s / 3_600),
    }
}

fn draw_table(table: &report::Table, context: &Context<'_>) -> Table {
    let cell = |text| context.sanitiser.line(text, limits::CELL);
    let rows: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    let column = |(index, title): (usize, &&'static str)| {
        let numbers = rows.iter().all(|row: &Vec<String>| {
            row.get(index).is_some_and(|cell| cell.starts_with(|c: char| c.is_ascii_digit()))
        });
        let align = if numbers && !rows.is_empty() { Align::Right } else { Align::Left };
        Column { title: (*title).to_owned(), align }
    };
    let columns = table.columns.iter().enumerate().map(column).collect();
    Table { columns, rows }
}

/// Lines as they were said, each cleaned for itself.
fn draw_excerpt(excerpt: &report::Excerpt, context: &Context<'_>) -> Section {
    let lines: Vec<String> =
        excerpt.lines.iter().map(|line| context.sanitiser.line(line, limits::LINE)).collect();
    let title = context.sanitiser.line(&excerpt.title, limits::SUBJECT);
    let title = format!("{title}, {}", provenance(&excerpt.provenance, context));
    Section::code(lines.join("\n")).titled(title)
}

fn attachment(file: &report::File) -> Attachment {
    let report::File { name, media_type, bytes } = file.clone();
    Attachment { name, media_type, bytes }
}

/// Only what this build can run: a button that leads nowhere is worse than none.
fn buttons(report: &Report, context: &Context<'_>) -> Vec<Button> {
    let runs = |line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        matches!(context.grammar.parse(&words),
            Ok(nova_commands::grammar::Parsed::Run(command, _)) if command.available())
    };
    let button = |next: &report::Suggestion| {
        let label = context.sanitiser.line(&next.label.as_str().into(), limits::SUBJECT);
        Button::run(label, next.line.clone())
    };
    report.next.iter().filter(|next| runs(&next.line)).map(button).collect()
}
