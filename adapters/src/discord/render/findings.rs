//! Findings: what wants attention in full, the rest compactly. Called for a section that holds some.
//!
//! Invariant: whatever is not well keeps its word (*failing*, *no data*), so that neither colour nor
//! the sign is the only signal.

use crate::message::{Line, Mark};

use super::markdown::bold;
use super::page::Page;

/// Findings drawn in full; more would fill a phone several times.
const FULL: usize = 8;
const SHOWN: usize = 40;
const FOLDED: usize = 12;

const SUBJECT: usize = 150;
const TEXT: usize = 600;
const COMPACT: usize = 200;
const HINT: usize = 300;
const DETAIL: usize = 300;

/// Draws `lines` under `head`.
pub(super) fn draw(head: &str, lines: &[Line], folded: bool, page: &mut Page) {
    let shown = lines.len().min(if folded { FOLDED } else { SHOWN });
    let mut full = if folded { 0 } else { FULL };
    let mut head = head;
    for line in &lines[..shown] {
        let text = if line.mark.wants_attention() && full > 0 {
            full -= 1;
            whole(line, page)
        } else {
            compact(line, folded, page)
        };
        page.push(&format!("{head}{text}"));
        head = "";
    }
    if shown < lines.len() {
        page.shorten();
        page.push(&format!("… {} more", lines.len() - shown));
    }
}

/// The subject with its word, what was seen, what to do, where it was seen.
fn whole(line: &Line, page: &mut Page) -> String {
    let word = line.mark.word();
    let subject = page.line(&line.subject, SUBJECT);
    let mut out = if subject.is_empty() {
        format!("{} {}", line.mark.emoji(), bold(word))
    } else {
        format!("{} {} · {word}", line.mark.emoji(), bold(&subject))
    };
    let text = page.lines(&line.text, TEXT);
    let hint = line.hint.as_deref().map(|hint| page.lines(hint, HINT)).unwrap_or_default();
    let detail = line.detail.as_deref().map(|text| page.line(text, DETAIL)).unwrap_or_default();
    for (sign, part) in [("", text), ("→ ", hint), ("-# ", detail)] {
        if !part.is_empty() {
            out.push_str(&format!("\n{sign}{part}"));
        }
    }
    out
}

/// One line. Where a quiet finding was seen is left out, as the console does where room is short.
fn compact(line: &Line, folded: bool, page: &mut Page) -> String {
    let subject = bold(&page.line(&line.subject, SUBJECT));
    let mut out = format!("{} {subject}", line.mark.symbol());
    if !matches!(line.mark, Mark::Ok | Mark::Info) {
        out.push_str(&format!(" · {}", line.mark.word()));
    }
    if line.mark.wants_attention() && line.detail.is_some() {
        page.shorten();
    }
    let text = page.line(&line.text, COMPACT);
    if !text.is_empty() {
        out.push_str(&format!("  {text}"));
    }
    let hint = line.hint.as_deref().map(|hint| page.line(hint, COMPACT)).unwrap_or_default();
    if !hint.is_empty() && folded {
        page.shorten();
    } else if !hint.is_empty() {
        out.push_str(&format!(" → {hint}"));
    }
    out
}
