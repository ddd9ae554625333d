//! Blocks being gathered inside the limits. Filled by the renderer from top to bottom.
//!
//! Invariant: never more blocks or weight than given to [`Page::new`]; and whatever was left out or
//! cut is remembered, so that the reader is told and gets all of it as a file.

use slack_morphism::prelude::{SlackBlock, SlackBlockPlainText};

use crate::text::{clean, cut, one_line};

use super::limits::weight;
use super::text::fitted;

#[derive(Debug)]
pub(super) struct Page {
    blocks: Vec<SlackBlock>,
    max_blocks: usize,
    room: usize,
    shortened: bool,
}

impl Page {
    /// An empty page for so many blocks, and so much weight (see [`weight`]).
    pub(super) fn new(max_blocks: usize, room: usize) -> Self {
        Self { blocks: Vec::new(), max_blocks, room, shortened: false }
    }

    /// With `block` at the end if there is room; says whether there was.
    pub(super) fn push(&mut self, block: impl Into<SlackBlock>) -> bool {
        let block = block.into();
        let left = self.room.checked_sub(weight(&block));
        match left {
            Some(left) if self.blocks.len() < self.max_blocks => {
                self.room = left;
                self.blocks.push(block);
                true
            }
            _ => {
                self.shortened = true;
                false
            }
        }
    }

    /// Keeps room for what is drawn later, see [`Page::give`].
    pub(super) fn keep(&mut self, blocks: usize, room: usize) {
        self.max_blocks = self.max_blocks.saturating_sub(blocks);
        self.room = self.room.saturating_sub(room);
    }

    /// Gives room back that was kept.
    pub(super) fn give(&mut self, blocks: usize, room: usize) {
        self.max_blocks += blocks;
        self.room += room;
    }

    pub(super) fn room(&self) -> usize {
        self.room
    }

    pub(super) fn blocks(&self) -> &[SlackBlock] {
        &self.blocks
    }

    /// Something was left out.
    pub(super) fn shorten(&mut self) {
        self.shortened = true;
    }

    pub(super) fn shortened(&self) -> bool {
        self.shortened
    }

    /// `text` on one line, clean, in at most `max` characters.
    pub(super) fn line(&mut self, text: &str, max: usize) -> String {
        let text = one_line(text);
        self.cut(&text, max)
    }

    /// The same with its lines, and without blank ones at its ends.
    pub(super) fn lines(&mut self, text: &str, max: usize) -> String {
        let text = clean(text);
        self.cut(text.trim_end().trim_start_matches('\n'), max)
    }

    /// A text object, in at most `max` characters as it is sent.
    pub(super) fn plain(&mut self, text: &str, max: usize) -> SlackBlockPlainText {
        let (object, whole) = fitted(&clean(text), max);
        self.shortened |= !whole;
        object
    }

    fn cut(&mut self, text: &str, max: usize) -> String {
        let short = cut(text, max);
        self.shortened |= short != text;
        short.into_owned()
    }

    pub(super) fn finish(self) -> Vec<SlackBlock> {
        self.blocks
    }
}
