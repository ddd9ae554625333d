//! A table as monospaced lines that a phone does not wrap. Called by chat platforms' renderers.
//!
//! The console knows how to fit a table into few columns, so it draws this one too, for a terminal as
//! narrow as a phone: words shrink first, then the last columns go and are named, and numbers are
//! shown whole or not at all.

use crate::console::{Style, render};
use crate::message::{Mark, Message, Section, Table};
use crate::text::{cut, one_line};

/// Columns of characters that a phone held upright shows.
const PHONE: usize = 40;
/// What the console puts before each line.
const INDENT: &str = "  ";
/// Columns and characters of a cell that are looked at. Each is more than fits on a phone, and
/// combining marks, which take no room, do not change that: a character keeps at most three.
const MAX_COLUMNS: usize = 40;
const MAX_CELL: usize = 200;

/// The head and the first `rows` of `table`, and whether that shows it well: but for the columns of a
/// `folded` one, whatever is missing counts.
pub(crate) fn table(table: &Table, rows: usize, folded: bool) -> (Vec<String>, bool) {
    let (shown, mut whole) = excerpt(table, rows);
    let mut narrow = lines(&shown, PHONE);
    // A column that a phone has no room for is no loss where details were folded on purpose.
    whole &= folded || narrow == lines(&shown, MAX_COLUMNS * (MAX_CELL + 4));
    if table.rows.len() > rows && !narrow.is_empty() {
        narrow.push(format!("… {} more", table.rows.len() - rows));
    }
    (narrow, whole)
}

/// The part of `table` that could be shown, and whether that is all of it.
fn excerpt(table: &Table, rows: usize) -> (Table, bool) {
    let mut whole = table.columns.len() <= MAX_COLUMNS && table.rows.len() <= rows;
    let mut cell = |text: &str| {
        let text = one_line(text);
        let short = cut(&text, MAX_CELL);
        whole &= short == text;
        short.into_owned()
    };
    let mut columns: Vec<_> = table.columns.iter().take(MAX_COLUMNS).cloned().collect();
    for column in &mut columns {
        column.title = cell(&column.title);
    }
    let row = |row: &Vec<String>| -> Vec<String> {
        row.iter().take(columns.len()).map(|text| cell(text)).collect()
    };
    let rows = table.rows.iter().take(rows).map(row).collect();
    (Table { columns, rows }, whole)
}

/// `table` as the console draws it, in lines of at most `width` columns.
fn lines(table: &Table, width: usize) -> Vec<String> {
    if table.columns.is_empty() {
        return Vec::new();
    }
    let style = Style { width: width + INDENT.len(), colour: false, unicode: true, full: true };
    let message = Message::new(Mark::Info, "").section(Section::table(table.clone()));
    let drawn = render(&message, &style);
    // The first line is the empty headline.
    let lines = drawn.iter().skip(1).map(|line| line.strip_prefix(INDENT).unwrap_or(line));
    let lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
    if lines.iter().all(String::is_empty) { Vec::new() } else { lines }
}
