//! One section of a message: words, code, fields or a table. Called for each of them, in order.
//!
//! Invariant: a title never stands alone; it shares its text with the first of what it is about.

use crate::message::{Content, Field, Section};
use crate::narrow;
use crate::text::{NOTHING, clean, length};

use super::findings;
use super::markdown::bold;
use super::page::Page;

const TITLE: usize = 150;
const NAME: usize = 200;
const VALUE: usize = 500;
/// A value no longer than this may stand beside another.
const SHORT: usize = 40;

/// How much of a section is shown: what is folded is short.
struct Extent {
    /// Characters of text or code, as they are sent.
    text: usize,
    /// Lines of code.
    lines: usize,
    fields: usize,
    rows: usize,
}

const OPEN: Extent = Extent { text: 2_500, lines: 40, fields: 20, rows: 20 };
const FOLDED: Extent = Extent { text: 600, lines: 8, fields: 10, rows: 10 };

/// Draws `section` at the end of `page`.
pub(super) fn draw(section: &Section, page: &mut Page) {
    let extent = if section.folded { &FOLDED } else { &OPEN };
    let title = section.title.as_deref().map(|title| page.line(title, TITLE)).unwrap_or_default();
    let head = if title.is_empty() { String::new() } else { format!("{}\n", bold(&title)) };
    page.part();
    match &section.content {
        Content::Text(text) => {
            let text = page.lines(text, extent.text);
            if !text.trim().is_empty() {
                page.push(&format!("{head}{text}"));
            }
        }
        Content::Code(text) => code(&head, text, extent, page),
        Content::Fields(list) => fields(&head, list, section.folded, page),
        Content::Table(content) => {
            let (lines, whole) = narrow::table(content, extent.rows, section.folded);
            if !whole {
                page.shorten();
            }
            if !lines.is_empty() {
                let block = page.code(&lines.join("\n"), extent.text);
                page.push(&format!("{head}{block}"));
            }
        }
        Content::Findings(lines) => findings::draw(&head, lines, section.folded, page),
    }
}

fn code(head: &str, text: &str, extent: &Extent, page: &mut Page) {
    let text = clean(text);
    let text = text.trim_end().trim_start_matches('\n');
    if text.trim().is_empty() {
        return;
    }
    let shown: Vec<&str> = text.lines().take(extent.lines).collect();
    let more = text.lines().count() - shown.len();
    let block = page.code(&shown.join("\n"), extent.text);
    if more == 0 {
        page.push(&format!("{head}{block}"));
    } else {
        page.shorten();
        page.push(&format!("{head}{block}\n… {more} more"));
    }
}

/// Names above their values, short ones beside each other where there is room.
fn fields(head: &str, list: &[Field], folded: bool, page: &mut Page) {
    let extent = if folded { &FOLDED } else { &OPEN };
    let shown = &list[..list.len().min(extent.fields)];
    let more = list.len() - shown.len();
    if list.is_empty() {
        return;
    }
    // What was folded on purpose is counted and costs no file.
    if more > 0 && !folded {
        page.shorten();
    }
    if !head.is_empty() {
        page.push(head.trim_end());
    }
    for field in shown {
        let said = |text: String| if text.trim().is_empty() { NOTHING.to_owned() } else { text };
        let name = said(page.line(&field.name, NAME));
        let value = said(page.lines(&field.value, VALUE));
        let inline = length(&value) <= SHORT && !value.contains('\n');
        page.field(name, value, inline);
    }
    if more > 0 {
        page.push(&format!("… {more} more"));
    }
}
