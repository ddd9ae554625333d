//! Findings: what wants attention in full, the rest compactly. Called for a section that holds some.
//!
//! Invariant: whatever is not well keeps its word (*failing*, *no data*), so that neither colour nor
//! the sign is the only signal.

use slack_morphism::prelude::SlackContextBlock;

use crate::message::{Line, Mark};
use crate::text::one_line;

use super::limits::weight;
use super::page::Page;
use super::rich::Rich;

/// Findings drawn in full, which take two blocks each; more would fill a phone several times.
const FULL: usize = 8;
const SHOWN: usize = 40;
const FOLDED: usize = 12;
/// The weight of one block of compact findings.
const GROUP: usize = 2_500;

const SUBJECT: usize = 100;
const TEXT: usize = 600;
const COMPACT: usize = 200;
const HINT: usize = 300;
const DETAIL: usize = 300;

/// Draws `lines` under `title`.
pub(super) fn draw(title: Rich, lines: &[Line], folded: bool, page: &mut Page) {
    let shown = lines.len().min(if folded { FOLDED } else { SHOWN });
    let mut full = if folded { 0 } else { FULL };
    let mut group = title;
    let mut listed = false;
    for line in &lines[..shown] {
        if line.mark.wants_attention() && full > 0 {
            full -= 1;
            if std::mem::take(&mut listed) {
                page.push(std::mem::take(&mut group).block());
            }
            let rich = join(std::mem::take(&mut group)).append(whole(line, page));
            let drawn = page.push(rich.block());
            if let Some(detail) = line.detail.as_deref().filter(|_| drawn) {
                let detail = page.plain(&one_line(detail), DETAIL);
                page.push(SlackContextBlock::new(vec![detail.into()]));
            }
            continue;
        }
        let next = compact(line, folded, page);
        if weight(&group.clone().append(next.clone()).block()) > GROUP {
            page.push(std::mem::take(&mut group).block());
        }
        group = join(group).append(next);
        listed = true;
    }
    if shown < lines.len() {
        page.shorten();
        group = join(group).text(&format!("… {} more", lines.len() - shown));
    }
    if !group.is_empty() {
        page.push(group.block());
    }
}

fn join(group: Rich) -> Rich {
    if group.is_empty() { group } else { group.text("\n") }
}

/// The subject with its word, what was seen, what to do.
fn whole(line: &Line, page: &mut Page) -> Rich {
    let mut rich = Rich::default().mark(line.mark).text(" ");
    let subject = page.line(&line.subject, SUBJECT);
    let text = page.lines(&line.text, TEXT);
    if subject.is_empty() {
        rich = rich.bold(line.mark.word());
    } else {
        rich = rich.bold(&subject).text(" · ").text(line.mark.word());
    }
    if !text.is_empty() {
        rich = rich.text("\n").text(&text);
    }
    let hint = line.hint.as_deref().map(|hint| page.lines(hint, HINT));
    match hint.filter(|hint| !hint.is_empty()) {
        Some(hint) => rich.text("\n→ ").text(&hint),
        None => rich,
    }
}

/// One line. Where a quiet finding was seen is left out, as the console does where room is short.
fn compact(line: &Line, folded: bool, page: &mut Page) -> Rich {
    let mut rich = Rich::default().text(line.mark.symbol()).text(" ");
    let subject = page.line(&line.subject, SUBJECT);
    rich = rich.bold(&subject);
    if !matches!(line.mark, Mark::Ok | Mark::Info) {
        rich = rich.text(" · ").text(line.mark.word());
    }
    if line.mark.wants_attention() && line.detail.is_some() {
        page.shorten();
    }
    let text = page.line(&line.text, COMPACT);
    if !text.is_empty() {
        rich = rich.text("  ").text(&text);
    }
    let hint = line.hint.as_deref().map(|hint| page.line(hint, COMPACT));
    match hint.filter(|hint| !hint.is_empty()) {
        Some(_) if folded => {
            page.shorten();
            rich
        }
        Some(hint) => rich.text(" → ").text(&hint),
        None => rich,
    }
}
