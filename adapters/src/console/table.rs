//! Tables in a terminal: columns sized by what they hold, then made to fit. Called by the renderer.
//!
//! Invariant: numbers are shown whole or not at all, and what is left out is named. The exception is
//! a table's first column, which stays whatever it holds.

use crate::message::{Align, Table};

use super::style::{Paint, Row, Style};
use super::text::width;

const INDENT: usize = 2;
const GAP: usize = 2;
/// A column of words is not made narrower than this; it is left out instead.
const NARROW: usize = 8;
/// The same for the first column, which says what a row is about.
const NARROW_FIRST: usize = 16;

/// The head and the first `limit` rows of `table`.
pub(super) fn table(table: &Table, limit: usize, style: &Style) -> Vec<Row> {
    let rows: Vec<Vec<String>> = table
        .rows
        .iter()
        .take(limit)
        .map(|row| row.iter().take(table.columns.len()).map(|cell| style.one_line(cell)).collect())
        .collect();
    let titles: Vec<String> = table.columns.iter().map(|c| style.one_line(&c.title)).collect();
    let wanted: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(i, title)| {
            rows.iter()
                .filter_map(|row| row.get(i))
                .map(|cell| width(cell))
                .fold(width(title), usize::max)
        })
        .collect();
    let sides: Vec<Align> = table.columns.iter().map(|c| c.align).collect();
    let widths = fit(&wanted, &sides, style.width.saturating_sub(INDENT));

    let draw = |cells: &[String], paint: Paint| {
        let mut line = Row::indent(INDENT);
        for (i, &room) in widths.iter().enumerate() {
            let cell = cells.get(i).map_or("", String::as_str);
            let cell = if i == 0 { style.cut_middle(cell, room) } else { style.cut(cell, room) };
            let spare = room - width(&cell);
            let (before, after) = if sides[i] == Align::Right { (spare, 0) } else { (0, spare) };
            let gap = if i == 0 { 0 } else { GAP };
            line = line.space(gap + before).push(paint, cell).space(after);
        }
        line
    };
    let mut out = Vec::with_capacity(rows.len() + 2);
    if titles.iter().any(|title| !title.is_empty()) {
        out.push(draw(&titles, Paint::Dim));
    }
    out.extend(rows.iter().map(|row| draw(row, Paint::Plain)));
    if widths.len() < titles.len() {
        let note = format!("{} not shown: {}", style.ellipsis(), titles[widths.len()..].join(", "));
        let note = style.cut(&note, style.width.saturating_sub(INDENT));
        out.push(Row::indent(INDENT).push(Paint::Dim, note));
    }
    out
}

/// The widths of the leading columns that fit into `room`: as wanted if that goes, else columns of
/// words made narrower, the widest first, else without the last columns.
fn fit(wanted: &[usize], sides: &[Align], room: usize) -> Vec<usize> {
    let capped = |i: usize, cap: usize| match sides[i] {
        Align::Right => wanted[i],
        Align::Left if i == 0 => wanted[i].min(cap.max(NARROW_FIRST)),
        Align::Left => wanted[i].min(cap),
    };
    let total = |count: usize, cap: usize| {
        (0..count).map(|i| capped(i, cap)).sum::<usize>() + GAP * count.saturating_sub(1)
    };
    let mut used = 0;
    let count = (0..wanted.len())
        .take_while(|&i| {
            used += capped(i, NARROW) + if i == 0 { 0 } else { GAP };
            i == 0 || used <= room
        })
        .count();
    let cap = (NARROW..=room).rev().find(|&cap| total(count, cap) <= room).unwrap_or(NARROW);
    (0..count).map(|i| capped(i, cap).min(room)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_shrink_before_columns_go() {
        let (l, r) = (Align::Left, Align::Right);
        assert_eq!(fit(&[10, 5], &[l, r], 40), [10, 5]);
        assert_eq!(fit(&[50, 5], &[l, r], 40), [33, 5]);
        assert_eq!(fit(&[50, 12, 5], &[l, l, r], 40), [19, 12, 5]);
        assert_eq!(fit(&[30, 20, 12], &[l, r, r], 40), [18, 20]);
        assert_eq!(fit(&[90], &[r], 40), [40]);
        assert_eq!(fit(&[], &[], 40), [0; 0]);
    }
}
