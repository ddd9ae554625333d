//! Embeds and components: draws messages and forms inside every limit of Discord's, and reads back what
//! a button, a select or a modal carried. Pure; called by the REST client and by whoever answers an
//! event.
//!
//! Invariant: whatever a [`Message`] holds, what is drawn is accepted by Discord, holds no markup but
//! ours and mentions nobody, and either shows everything or says that it does not and brings the rest
//! as a file.
//!
//! Embeds are chosen over the newer layout components (`IS_COMPONENTS_V2`): those exclude `content`,
//! which is all that a notification shows, and a message can never be changed back.

mod actions;
mod findings;
pub mod form;
mod limits;
pub(super) mod markdown;
mod page;
pub mod press;
mod section;

use serde::Serialize;
use twilight_model::channel::message::{Component, Embed};

use crate::details;
use crate::message::{Attachment, Mark, Message};
use crate::text::one_line;

use actions::Actions;
use limits::CONTENT;
use markdown::{bold, inert};
use page::Page;

pub use form::{Modal, errors, modal};

/// A message's flag: only the person sees it.
/// Source: docs.discord.com/developers/resources/message#message-object-message-flags.
const EPHEMERAL: u64 = 1 << 6;
const HEADLINE: usize = 1_500;
const FOOTER: usize = 300;
/// What the line under everything may take: the note, the sign between, the footer.
const ENDING: usize = 400;

/// A message drawn for Discord.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub body: Body,
    /// The message's own, and the whole of it as text where the embeds do not show everything.
    pub files: Vec<Attachment>,
}

/// What every way of sending a message takes: a post, an edit, an interaction's response, a follow-up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Body {
    /// What a notification shows.
    pub content: String,
    /// Empty lists are sent too: an edit would keep what it is not told of.
    pub embeds: Vec<Embed>,
    pub components: Vec<Component>,
    pub allowed_mentions: Nobody,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u64>,
}

impl Body {
    /// For the person alone (`private`), where a message answers an interaction.
    #[must_use]
    pub fn private(mut self, private: bool) -> Self {
        self.flags = private.then_some(EPHEMERAL);
        self
    }
}

/// `allowed_mentions` of a message that mentions nobody, whatever its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Nobody {
    parse: [(); 0],
    replied_user: bool,
}

/// Draws a message.
#[must_use]
pub fn message(message: &Message) -> Drawn {
    let mut page = Page::new(colour(message.tone));
    let (mut content, whole) = headline(message);
    if !whole {
        page.shorten();
    }
    let actions = Actions::new(message);
    page.keep(ENDING + actions.typed_room());
    for section in &message.sections {
        section::draw(section, &mut page);
    }
    page.give(actions.typed_room());
    actions.draw_typed(&mut page);
    page.give(ENDING);

    let note = page.shortened().then(|| format!("Shortened: all of it is in {}.", details::NAME));
    let footer = message.footer.as_deref().map(one_line).filter(|footer| !footer.is_empty());
    let footer = footer.map(|footer| crate::text::cut(&footer, FOOTER).into_owned());
    let ending = [note, footer].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    if !ending.is_empty() && !page.footer(&ending) {
        content.push_str("\n-# ");
        content.push_str(&inert(&ending, ENDING).0);
    }

    let mut files = message.files.clone();
    if page.shortened() {
        files.push(details::file(message));
    }
    debug_assert!(crate::text::length(&content) <= CONTENT, "the parts' limits exceed the whole's");
    let body = Body {
        content,
        embeds: page.finish(),
        components: actions.rows,
        allowed_mentions: Nobody::default(),
        flags: None,
    };
    Drawn { body, files }
}

fn headline(message: &Message) -> (String, bool) {
    let text = one_line(&message.headline);
    let text = if text.is_empty() { message.tone.word() } else { &text };
    let (text, whole) = inert(text, HEADLINE);
    (format!("{} {}", message.tone.emoji(), bold(&text)), whole)
}

/// The bar beside the embeds. Never the only signal: the sign and the word say the same.
fn colour(tone: Mark) -> u32 {
    match tone {
        Mark::Ok => 0x2e_a0_43,
        Mark::Warn => 0xd2_99_22,
        Mark::Fail => 0xd7_3a_49,
        Mark::Absent => 0xe3_6b_09,
        Mark::NoData | Mark::Unsupported => 0x8b_94_9e,
        Mark::Working => 0x58_65_f2,
        Mark::Info => 0x1f_6f_eb,
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
