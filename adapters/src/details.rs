//! The whole message as a text file, for what a chat platform has no room for. Called only then.
//!
//! Invariant: nothing is left out, and the file grows with the message only, whatever shape that has.

use unicode_width::UnicodeWidthStr;

use crate::message::{Action, Align, Attachment, Content, Line, Mark, Message, Section, Table};

use crate::text::{clean, one_line};

/// The file's name, as the note under a shortened message says it.
pub(crate) const NAME: &str = "details.txt";
/// A cell wider than this does not push the others of its column aside.
const WIDE: usize = 48;

/// The message as a file.
pub(crate) fn file(message: &Message) -> Attachment {
    let bytes = text(message).into_bytes();
    Attachment { name: NAME.to_owned(), media_type: "text/plain", bytes }
}

fn text(message: &Message) -> String {
    let mut out = format!("{} {}\n", message.tone.symbol(), one_line(&message.headline));
    for part in &message.sections {
        out.push('\n');
        section(part, &mut out);
    }
    choices(message, &mut out);
    if let Some(footer) = &message.footer {
        line(&mut out, "\n", &one_line(footer));
    }
    out
}

fn section(section: &Section, out: &mut String) {
    if let Some(title) = &section.title {
        line(out, "", &format!("{}:", one_line(title)));
    }
    match &section.content {
        Content::Text(text) | Content::Code(text) => line(out, "", clean(text).trim_end()),
        Content::Fields(fields) => {
            for field in fields {
                line(out, "", &format!("{}: {}", one_line(&field.name), clean(&field.value)));
            }
        }
        Content::Table(content) => table(content, out),
        Content::Findings(lines) => lines.iter().for_each(|line| finding(line, out)),
    }
}

fn finding(finding: &Line, out: &mut String) {
    let word = match finding.mark {
        Mark::Ok | Mark::Info => String::new(),
        mark => format!(" ({})", mark.word()),
    };
    let subject = one_line(&finding.subject);
    let text = clean(&finding.text);
    line(out, "", &format!("{} {subject}{word}: {text}", finding.mark.symbol()));
    for (sign, note) in [("    ", &finding.detail), ("  → ", &finding.hint)] {
        if let Some(note) = note {
            line(out, sign, &clean(note));
        }
    }
}

/// Columns under each other. A row ends with its last cell: padding is for what is there.
fn table(table: &Table, out: &mut String) {
    let titles: Vec<String> = table.columns.iter().map(|column| column.title.clone()).collect();
    let rows: Vec<Vec<String>> = [&titles]
        .into_iter()
        .chain(&table.rows)
        .map(|row| row.iter().take(titles.len()).map(|cell| one_line(cell)).collect())
        .collect();
    let mut widths = vec![0; titles.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width()).min(WIDE);
        }
    }
    for row in rows {
        let mut text = String::new();
        for (cell, (width, column)) in row.iter().zip(widths.iter().zip(&table.columns)) {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = match column.align {
                Align::Left => ("", space.as_str()),
                Align::Right => (space.as_str(), ""),
            };
            text.push_str(before);
            text.push_str(cell);
            text.push_str(after);
            text.push_str("  ");
        }
        line(out, "", text.trim_end());
    }
}

/// What could be pressed, as it would be typed: a line too long for a button is here only.
fn choices(message: &Message, out: &mut String) {
    let mut heads = true;
    for choice in message.choices() {
        let typed = match &choice.action {
            Action::Run { line } | Action::Form { line, .. } => {
                format!("/nova {}", one_line(line))
            }
            Action::Link { url } => one_line(url),
        };
        if std::mem::take(&mut heads) {
            out.push_str("\nTo choose from:\n");
        }
        line(out, "  ", &format!("{}: {typed}", one_line(&choice.label)));
    }
}

fn line(out: &mut String, lead: &str, text: &str) {
    out.push_str(lead);
    out.push_str(text);
    out.push('\n');
}
