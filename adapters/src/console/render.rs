//! A [`Message`] as the lines of a terminal. Called by the console, and by whoever prints a message
//! once and ends.
//!
//! Invariant: no line is wider than the style's width, and no line holds a control character except
//! the colour codes of the style (when it wants colour). Only nova's own signs stand in the first
//! column, so that no text can pass for a headline or a button.

use crate::message::{Button, Content, Field, Line, Message, Section};

use super::style::{MIN_WIDTH, Paint, Row, Style};
use super::table::table;
use super::text::{chop, width, wrap};

/// Rows that a folded section shows.
const FOLDED_ROWS: usize = 8;
/// Lines that one text, one detail and one hint may take, unless everything is wanted.
const TEXT_LINES: usize = 6;
const NOTE_LINES: usize = 3;

/// The whole message, one string a line, without line ends.
#[must_use]
pub fn render(message: &Message, style: &Style) -> Vec<String> {
    let style = &style.clone().with_width(style.width.max(MIN_WIDTH));
    let mut rows = headline(message, style);
    for (i, section) in message.sections.iter().enumerate() {
        if i > 0 || section.title.is_some() {
            rows.push(Row::default());
        }
        rows.extend(draw_section(section, style));
    }
    let mut end = buttons(&message.choices().collect::<Vec<_>>(), style);
    for file in &message.files {
        let note = format!(
            "attached: {}, {}, {} bytes",
            style.one_line(&file.name),
            style.one_line(file.media_type),
            file.bytes.len()
        );
        end.extend(paragraphs(&wrap(&note, style.width - 2), 2, Paint::Plain));
    }
    if let Some(footer) = &message.footer {
        end.extend(paragraphs(&wrap(&style.clean(footer), style.width - 2), 2, Paint::Dim));
    }
    if !end.is_empty() && !message.sections.is_empty() {
        rows.push(Row::default());
    }
    rows.extend(end);
    rows.into_iter().map(|row| row.finish(style)).collect()
}

/// The message's headline in one line that leaves the last column free, so that a terminal does not
/// wrap and the line can be drawn over.
#[must_use]
pub fn render_progress(message: &Message, style: &Style) -> String {
    let room = style.width.max(MIN_WIDTH) - 3;
    let text = style.cut(&style.one_line(&message.headline), room);
    Row::default()
        .push(Paint::Mark(message.tone), style.symbol(message.tone))
        .space(1)
        .push(Paint::Plain, text)
        .finish(style)
}

fn headline(message: &Message, style: &Style) -> Vec<Row> {
    let lead = Row::default().push(Paint::Mark(message.tone), style.symbol(message.tone)).space(1);
    let room = style.width - lead.width();
    hang(lead, &wrap_some(&style.clean(&message.headline), room, TEXT_LINES, style), Paint::Bold)
}

fn draw_section(section: &Section, style: &Style) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(title) = &section.title {
        let title = style.cut(&style.one_line(title), style.width - 2);
        rows.push(
            Row::default().push(Paint::Dim, style.sign("─", "-")).space(1).push(Paint::Bold, title),
        );
    }
    let limit = if section.folded && !style.full { FOLDED_ROWS } else { usize::MAX };
    let count = match &section.content {
        Content::Text(text) => {
            let lines = wrap(&style.clean(text), style.width - 2);
            rows.extend(paragraphs(&lines[..lines.len().min(limit)], 2, Paint::Plain));
            lines.len()
        }
        Content::Code(text) => {
            let lines: Vec<String> =
                style.clean(text).lines().flat_map(|line| chop(line, style.width - 2)).collect();
            rows.extend(paragraphs(&lines[..lines.len().min(limit)], 2, Paint::Plain));
            lines.len()
        }
        Content::Fields(fields) => {
            rows.extend(draw_fields(&fields[..fields.len().min(limit)], style));
            fields.len()
        }
        Content::Table(content) => {
            rows.extend(table(content, limit, style));
            content.rows.len()
        }
        Content::Findings(lines) => {
            rows.extend(findings(&lines[..lines.len().min(limit)], style));
            lines.len()
        }
    };
    if count > limit {
        let note = format!("{} {} more (`full` shows all)", style.ellipsis(), count - limit);
        rows.push(Row::indent(2).push(Paint::Dim, style.cut(&note, style.width - 2)));
    }
    rows
}

fn draw_fields(fields: &[Field], style: &Style) -> Vec<Row> {
    let names: Vec<String> = fields.iter().map(|field| style.one_line(&field.name)).collect();
    let column = column(&names, style);
    let mut rows = Vec::new();
    for (field, name) in fields.iter().zip(&names) {
        let value = style.clean(&field.value);
        rows.extend(entry(Row::indent(2), name, column, &value, Paint::Dim, style));
    }
    rows
}

fn findings(lines: &[Line], style: &Style) -> Vec<Row> {
    let subjects: Vec<String> = lines.iter().map(|line| style.one_line(&line.subject)).collect();
    let column = column(&subjects, style);
    let mut rows = Vec::new();
    for (line, subject) in lines.iter().zip(&subjects) {
        let lead = Row::indent(2).push(Paint::Mark(line.mark), style.symbol(line.mark)).space(1);
        rows.extend(entry(lead, subject, column, &style.clean(&line.text), Paint::Plain, style));
        if let Some(detail) = &line.detail {
            rows = add_detail(rows, line, &style.clean(detail), style);
        }
        if let Some(hint) = &line.hint {
            rows.extend(note(style.sign("→", "->"), &style.clean(hint), Paint::Plain, style));
        }
    }
    rows
}

/// Under a line that wants attention the detail has its own line; elsewhere it stands at the end of
/// the line if there is room, and is left out if there is not.
fn add_detail(mut rows: Vec<Row>, line: &Line, detail: &str, style: &Style) -> Vec<Row> {
    if line.mark.wants_attention() {
        rows.extend(note(style.sign("└", "`-"), detail, Paint::Dim, style));
        return rows;
    }
    let flat = detail.replace('\n', " ");
    match rows.pop() {
        Some(last) if last.width() + 2 + width(&flat) <= style.width => {
            rows.push(last.space(2).push(Paint::Dim, flat));
        }
        last => {
            rows.extend(last);
            if style.full {
                rows.extend(note(style.sign("└", "`-"), detail, Paint::Dim, style));
            }
        }
    }
    rows
}

/// The width of a column of names, in columns: the widest one of those that are not too long.
fn column(names: &[String], style: &Style) -> usize {
    names.iter().map(|name| width(name)).filter(|&wide| wide <= style.width / 3).max().unwrap_or(0)
}

/// A name and its text beside it; under a name too long for the column, so that neither is cut.
fn entry(
    lead: Row,
    name: &str,
    column: usize,
    text: &str,
    paint: Paint,
    style: &Style,
) -> Vec<Row> {
    let start = lead.width();
    let wide = width(name);
    if wide <= column {
        let indent = if column == 0 { start } else { start + column + 2 };
        let lead = lead.push(paint, name).space(indent - start - wide);
        let lines = wrap_some(text, style.width - indent, TEXT_LINES, style);
        return hang(lead, &lines, Paint::Plain);
    }
    let names = wrap_some(name, style.width - start, NOTE_LINES, style);
    let mut rows = hang(lead, &names, paint);
    let lines = wrap_some(text, style.width - start - 2, TEXT_LINES, style);
    rows.extend(paragraphs(&lines, start + 2, Paint::Plain));
    rows
}

/// A remark under a line, behind its own sign.
fn note(sign: &'static str, text: &str, paint: Paint, style: &Style) -> Vec<Row> {
    let lead = Row::indent(4).push(Paint::Dim, sign).space(1);
    let lines = wrap_some(text, style.width - lead.width(), NOTE_LINES, style);
    hang(lead, &lines, paint)
}

/// `lines` behind `lead`, the later ones under the first.
fn hang(lead: Row, lines: &[String], paint: Paint) -> Vec<Row> {
    let indent = lead.width();
    let Some((first, rest)) = lines.split_first() else {
        return vec![lead];
    };
    let mut rows = vec![lead.push(paint, first.as_str())];
    rows.extend(paragraphs(rest, indent, paint));
    rows
}

fn paragraphs(lines: &[String], indent: usize, paint: Paint) -> Vec<Row> {
    lines.iter().map(|line| Row::indent(indent).push(paint, line.as_str())).collect()
}

/// `text` in lines of at most `room` columns, at most `limit` of them; the last one says that there
/// was more.
fn wrap_some(text: &str, room: usize, limit: usize, style: &Style) -> Vec<String> {
    let mut lines = wrap(text, room);
    if lines.len() > limit && !style.full {
        lines.truncate(limit);
        if let Some(last) = lines.last_mut() {
            last.push_str(style.ellipsis());
            *last = style.cut(last, room);
        }
    }
    lines
}

fn buttons(buttons: &[Button], style: &Style) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (i, button) in buttons.iter().enumerate() {
        // Brackets are what tells one button from the next.
        let label = style.one_line(&button.label).replace('[', "(").replace(']', ")");
        let label = format!("[{}] {}", i + 1, label.trim());
        let label = style.cut(&label, style.width);
        match rows.pop() {
            Some(row) if row.width() + 3 + width(&label) <= style.width => {
                rows.push(row.space(3).push(Paint::Plain, label));
            }
            last => {
                rows.extend(last);
                rows.push(Row::default().push(Paint::Plain, label));
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests;
