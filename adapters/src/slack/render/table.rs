//! A table as monospaced lines that a phone does not wrap. Called for a section that holds one.
//!
//! The console knows how to fit a table into few columns, so it draws this one too, for a terminal as
//! narrow as a phone: words shrink first, then the last columns go and are named, and numbers are
//! shown whole or not at all.

use crate::console::{Style, render};
use crate::message::{Mark, Message, Section, Table};

use super::page::Page;

/// Columns of characters that a phone held upright shows.
const PHONE: usize = 40;
/// What the console puts before each line.
const INDENT: &str = "  ";
/// Columns and characters of a cell that are looked at. Each is more than fits on a phone, and
/// combining marks, which take no room, do not change that: a character keeps at most three.
const MAX_COLUMNS: usize = 40;
const MAX_CELL: usize = 200;

/// The head and the first `rows` of `table`; what does not fit is noted on `page`, but for the columns
/// of a `folded` one.
pub(super) fn draw(table: &Table, rows: usize, folded: bool, page: &mut Page) -> Vec<String> {
    let (shown, whole) = excerpt(table, rows, page);
    let mut narrow = lines(&shown, PHONE);
    // A column that a phone has no room for is no loss where details were folded on purpose.
    if !whole || (!folded && narrow != lines(&shown, MAX_COLUMNS * (MAX_CELL + 4))) {
        page.shorten();
    }
    if table.rows.len() > rows && !narrow.is_empty() {
        narrow.push(format!("… {} more", table.rows.len() - rows));
    }
    narrow
}

/// The part of `table` that could be shown, and whether that is all of it.
fn excerpt(table: &Table, rows: usize, page: &mut Page) -> (Table, bool) {
    let mut columns: Vec<_> = table.columns.iter().take(MAX_COLUMNS).cloned().collect();
    for column in &mut columns {
        column.title = page.line(&column.title, MAX_CELL);
    }
    let row = |row: &Vec<String>| -> Vec<String> {
        row.iter().take(columns.len()).map(|cell| page.line(cell, MAX_CELL)).collect()
    };
    let shown = table.rows.iter().take(rows).map(row).collect();
    let whole = columns.len() == table.columns.len() && table.rows.len() <= rows;
    (Table { columns, rows: shown }, whole)
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
