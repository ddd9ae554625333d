//! One section of a message: words, code, fields or a table. Called for each of them, in order.
//!
//! Invariant: a title never stands alone; it shares its block with the first of what it is about.

use slack_morphism::prelude::*;

use crate::message::{Content, Field, Section};
use crate::narrow;
use crate::text::{NOTHING, clean, one_line};

use super::findings;
use super::limits::PAIRS;
use super::mrkdwn::inert;
use super::page::Page;
use super::rich::Rich;

const TITLE: usize = 150;
const NAME: usize = 100;
const VALUE: usize = 500;

/// How much of a section is shown: what is folded is short.
struct Extent {
    /// Characters of text or code.
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
    let head = Rich::default().bold(&title);
    match &section.content {
        Content::Text(text) => {
            let text = page.lines(text, extent.text);
            let head = if head.is_empty() { head } else { head.text("\n") };
            if !text.trim().is_empty() {
                page.push(head.text(&text).block());
            }
        }
        Content::Code(text) => code(head, text, extent, page),
        Content::Fields(list) => fields(&title, list, section.folded, page),
        Content::Table(content) => {
            let (lines, whole) = narrow::table(content, extent.rows, section.folded);
            if !whole {
                page.shorten();
            }
            if !lines.is_empty() {
                page.push(head.above(&lines.join("\n")));
            }
        }
        Content::Findings(lines) if lines.is_empty() => {}
        Content::Findings(lines) => findings::draw(head, lines, section.folded, page),
    }
}

fn code(head: Rich, text: &str, extent: &Extent, page: &mut Page) {
    let text = clean(text);
    let text = text.trim_end().trim_start_matches('\n');
    let shown: Vec<&str> = text.lines().take(extent.lines).collect();
    let more = text.lines().count() - shown.len();
    let mut shown = page.lines(&shown.join("\n"), extent.text);
    if more > 0 {
        page.shorten();
        shown.push_str(&format!("\n… {more} more"));
    }
    if !shown.trim().is_empty() {
        page.push(head.above(&shown));
    }
}

/// Names beside their values where there is room, above them on a phone. The value is plain text, so
/// that what a person copies is exactly what was there.
fn fields(title: &str, list: &[Field], folded: bool, page: &mut Page) {
    let extent = if folded { &FOLDED } else { &OPEN };
    let shown = &list[..list.len().min(extent.fields)];
    let more = list.len() - shown.len();
    // What was folded on purpose is counted and costs no file.
    if more > 0 && !folded {
        page.shorten();
    }
    for (index, pairs) in shown.chunks(PAIRS).enumerate() {
        let texts = pairs.iter().flat_map(|field| {
            let name = page.line(&field.name, NAME);
            [bold(&name), page.plain(&field.value, VALUE).into()]
        });
        let block = SlackSectionBlock::new().with_fields(texts.collect());
        let titled = index == 0 && !title.is_empty();
        page.push(if titled { block.with_text(bold(title)) } else { block });
    }
    if more > 0 {
        page.push(Rich::default().text(&format!("… {more} more")).block());
    }
}

/// Bold text; Slack's own markup is the only way to that here.
fn bold(text: &str) -> SlackBlockText {
    let text = inert(&one_line(text), 5 * TITLE);
    let text = if text.is_empty() { NOTHING } else { text.trim() };
    SlackBlockMarkDownText::new(format!("*{text}*")).with_verbatim(true).into()
}
