//! Block Kit: draws messages, forms and home pages inside every limit of Slack's, and reads back what
//! a button carried. Pure; called by the Web API client and by whoever answers an event.
//!
//! Invariant: whatever a [`Message`] holds, what is drawn is accepted by Slack, holds no markup but
//! ours, and either shows everything or says that it does not and brings the rest as a file.

mod actions;
mod findings;
mod form;
mod headline;
mod limits;
mod mrkdwn;
mod page;
mod press;
mod rich;
mod section;
mod text;

use slack_morphism::prelude::{SlackBlock, SlackContextBlock, SlackHomeView, SlackView};

use crate::details;
use crate::message::{Attachment, Message};
use crate::text::one_line;

use limits::{BLOCKS, MESSAGE, VIEW, VIEW_BLOCKS};
use page::Page;
use text::plain;

pub use form::{errors, form};
pub use press::{action_id, press};

/// What choices may take of a message whose sections would fill it: weight, and blocks.
const CHOICES: (usize, usize) = (4_000, 6);
/// The same for the line under everything.
const ENDING: (usize, usize) = (1_000, 1);
const FOOTER: usize = 300;

/// A message drawn for Slack.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// What a notification shows and a screen reader reads: no markup, never empty, at most 4,000
    /// characters.
    pub text: String,
    pub blocks: Vec<SlackBlock>,
    /// The message's own, and the whole of it as text where the blocks do not show everything.
    pub files: Vec<Attachment>,
}

/// Draws a message.
#[must_use]
pub fn message(message: &Message) -> Drawn {
    let note = || format!("Shortened: all of it is in {}.", details::NAME);
    let page = draw(message, Page::new(BLOCKS, MESSAGE), note);
    let mut files = message.files.clone();
    if page.shortened() {
        files.push(details::file(message));
    }
    Drawn { text: headline::fallback(message), blocks: page.finish(), files }
}

/// Draws a home page. It takes no files: what does not fit is said to be missing.
#[must_use]
pub fn home(page: &Message) -> SlackView {
    let note = || "Shortened: ask for it in a channel to see all.".to_owned();
    let drawn = draw(page, Page::new(VIEW_BLOCKS, VIEW), note);
    SlackView::Home(SlackHomeView::new(drawn.finish()))
}

/// The headline, the sections as far as they fit, the choices, and `note` where something is missing.
fn draw(message: &Message, mut page: Page, note: impl FnOnce() -> String) -> Page {
    page.keep(ENDING.1, ENDING.0);
    headline::draw(message, &mut page);

    let kept = choices_room(message);
    page.keep(kept.1, kept.0);
    for section in &message.sections {
        section::draw(section, &mut page);
    }
    page.give(kept.1, kept.0);
    actions::draw(message, &mut page);

    page.give(ENDING.1, ENDING.0);
    ending(message, note, &mut page);
    page
}

/// Room for the choices, before the sections take it: what they want, up to a limit.
fn choices_room(message: &Message) -> (usize, usize) {
    let mut alone = Page::new(CHOICES.1, CHOICES.0);
    actions::draw(message, &mut alone);
    if alone.shortened() { CHOICES } else { (CHOICES.0 - alone.room(), alone.blocks().len()) }
}

fn ending(message: &Message, note: impl FnOnce() -> String, page: &mut Page) {
    let footer = message.footer.as_deref().map(one_line).filter(|footer| !footer.is_empty());
    let footer = footer.map(|footer| page.plain(&footer, FOOTER));
    let note = page.shortened().then(|| plain(&note(), FOOTER));
    let elements: Vec<_> = note.into_iter().chain(footer).map(Into::into).collect();
    if !elements.is_empty() {
        page.push(SlackContextBlock::new(elements));
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
