//! What a message says first: the headline over the blocks, and the `text` beside them, which is all
//! that a notification shows and a screen reader reads.

use slack_morphism::prelude::SlackHeaderBlock;

use crate::message::{Content, Message};
use crate::text::{clean, length, one_line};

use super::limits::{FALLBACK, HEADER};
use super::mrkdwn::inert;
use super::page::Page;
use super::rich::Rich;
use super::text::fitted;

/// Of a headline too long for a header.
const LONG: usize = 2_500;
/// What the `text` tells beside the headline.
const HEADLINE: usize = 1_000;
const FINDINGS: usize = 8;
const PARAGRAPHS: usize = 2;
const LINE: usize = 250;
const PARAGRAPH: usize = 400;

/// Draws the headline at the top of `page`.
pub(super) fn draw(message: &Message, page: &mut Page) {
    let headline = words(message);
    let (header, whole) = fitted(&[message.tone.emoji(), " ", &headline].concat(), HEADER);
    if whole {
        page.push(SlackHeaderBlock::new(header.into()));
    } else {
        let headline = page.line(&headline, LONG);
        page.push(Rich::default().mark(message.tone).text(" ").bold(&headline).block());
    }
}

fn words(message: &Message) -> String {
    let headline = one_line(&message.headline);
    if headline.is_empty() { message.tone.word().to_owned() } else { headline }
}

/// The headline, what wants attention and what is said in words, without any markup.
pub(super) fn fallback(message: &Message) -> String {
    let mut lines = vec![[message.tone.emoji(), " ", &inert(&words(message), HEADLINE)].concat()];
    let contents = || message.sections.iter().filter(|s| !s.folded).map(|s| &s.content);
    let findings = contents().flat_map(|content| match content {
        Content::Findings(lines) => lines.as_slice(),
        _ => &[],
    });
    for finding in findings.filter(|line| line.mark.wants_attention()).take(FINDINGS) {
        let (subject, word) = (one_line(&finding.subject), finding.mark.word());
        let text = format!("{subject} {word}: {}", one_line(&finding.text));
        lines.push(inert(text.trim(), LINE));
    }
    let texts = contents().filter_map(|content| match content {
        Content::Text(text) => Some(inert(clean(text).trim(), PARAGRAPH)),
        _ => None,
    });
    lines.extend(texts.take(PARAGRAPHS).filter(|text| !text.is_empty()));
    let text = lines.join("\n");
    debug_assert!(length(&text) <= FALLBACK, "the parts' limits exceed the whole's");
    text
}
