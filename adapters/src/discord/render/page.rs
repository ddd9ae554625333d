//! Embeds being gathered inside the limits. Filled by the renderer from top to bottom.
//!
//! Invariant: never more embeds, fields or characters than Discord takes; and whatever was left out or
//! cut is remembered, so that the reader is told and gets all of it as a file.

use twilight_model::channel::message::Embed;
use twilight_model::channel::message::embed::{EmbedField, EmbedFooter};

use crate::text::{clean, length, one_line};

use super::limits::{ALL_EMBEDS, DESCRIPTION, EMBEDS, FIELDS};
use super::markdown::{code_block, inert};

#[derive(Debug)]
pub(super) struct Page {
    colour: u32,
    embeds: Vec<Embed>,
    room: usize,
    /// The next text stands apart from what is above it.
    apart: bool,
    shortened: bool,
}

impl Page {
    /// An empty page whose embeds have a bar of this colour.
    pub(super) fn new(colour: u32) -> Self {
        Self { colour, embeds: Vec::new(), room: ALL_EMBEDS, apart: false, shortened: false }
    }

    /// Leaves a line free before the next text.
    pub(super) fn part(&mut self) {
        self.apart = true;
    }

    /// With `text`, markup of ours, at the end if there is room; says whether there was.
    pub(super) fn push(&mut self, text: &str) -> bool {
        let gap = if std::mem::take(&mut self.apart) { "\n\n" } else { "\n" };
        let wide = length(text);
        let last = self.embeds.last().filter(|embed| embed.fields.is_empty());
        let here = last.and_then(|embed| embed.description.as_deref()).map(length);
        let joined = here.filter(|here| here + gap.len() + wide <= DESCRIPTION);
        let takes = wide + joined.map_or(0, |_| gap.len());
        let fits = wide <= DESCRIPTION && (joined.is_some() || self.embeds.len() < EMBEDS);
        let Some(left) = self.room.checked_sub(takes).filter(|_| fits) else {
            self.shortened = true;
            return false;
        };
        self.room = left;
        match self.embeds.last_mut().and_then(|embed| embed.description.as_mut()) {
            Some(description) if joined.is_some() => {
                description.push_str(gap);
                description.push_str(text);
            }
            _ => {
                let colour = self.colour;
                self.embeds.push(Embed { description: Some(text.to_owned()), ..blank(colour) });
            }
        }
        true
    }

    /// With a name and its value, both markup of ours, if there is room; says whether there was.
    pub(super) fn field(&mut self, name: String, value: String, inline: bool) -> bool {
        let takes = length(&name) + length(&value);
        let full = self.embeds.last().is_none_or(|embed| embed.fields.len() >= FIELDS);
        let fits = !full || self.embeds.len() < EMBEDS;
        let Some(left) = self.room.checked_sub(takes).filter(|_| fits) else {
            self.shortened = true;
            return false;
        };
        self.room = left;
        let field = EmbedField { name, value, inline };
        match self.embeds.last_mut() {
            Some(last) if !full => last.fields.push(field),
            _ => self.embeds.push(Embed { fields: vec![field], ..blank(self.colour) }),
        }
        true
    }

    /// Small print under the last embed; says whether there is one. Discord reads no markup in it.
    pub(super) fn footer(&mut self, text: &str) -> bool {
        let Some(last) = self.embeds.last_mut() else { return false };
        self.room = self.room.saturating_sub(length(text));
        last.footer =
            Some(EmbedFooter { icon_url: None, proxy_icon_url: None, text: text.to_owned() });
        true
    }

    /// Keeps room for what is drawn later, see [`Page::give`].
    pub(super) fn keep(&mut self, room: usize) {
        self.room = self.room.saturating_sub(room);
    }

    /// Gives room back that was kept.
    pub(super) fn give(&mut self, room: usize) {
        self.room += room;
    }

    /// Something was left out.
    pub(super) fn shorten(&mut self) {
        self.shortened = true;
    }

    pub(super) fn shortened(&self) -> bool {
        self.shortened
    }

    /// `text` on one line, clean and inert, in at most `max` characters as they are sent.
    pub(super) fn line(&mut self, text: &str, max: usize) -> String {
        let (text, whole) = inert(&one_line(text), max);
        self.shortened |= !whole;
        text
    }

    /// The same with its lines, and without blank ones at its ends.
    pub(super) fn lines(&mut self, text: &str, max: usize) -> String {
        let text = clean(text);
        let (text, whole) = inert(text.trim_end().trim_start_matches('\n'), max);
        self.shortened |= !whole;
        text
    }

    /// `code`, clean, as a block.
    pub(super) fn code(&mut self, code: &str, max: usize) -> String {
        let (block, whole) = code_block(code, max);
        self.shortened |= !whole;
        block
    }

    pub(super) fn finish(self) -> Vec<Embed> {
        self.embeds
    }
}

fn blank(colour: u32) -> Embed {
    Embed {
        author: None,
        color: Some(colour),
        description: None,
        fields: Vec::new(),
        flags: None,
        footer: None,
        image: None,
        kind: "rich".to_owned(),
        provider: None,
        thumbnail: None,
        timestamp: None,
        title: None,
        url: None,
        video: None,
    }
}
