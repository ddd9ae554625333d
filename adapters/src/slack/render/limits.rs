//! Slack's limits, and how much of them a message takes. Called by every file beside it.
//!
//! Slack says "characters" and does not say which: they are counted by [`crate::text::length`].
//!
//! Source: docs.slack.dev/reference/block-kit, unless said otherwise.

use serde::Serialize;

/// Blocks of a message.
pub(super) const BLOCKS: usize = 50;
/// Blocks of a modal or a home page.
pub(super) const VIEW_BLOCKS: usize = 100;
/// All blocks of a message as JSON. Slack refuses (`msg_blocks_too_long`) what is beyond about 13,200
/// and does not say what it counts; texts of 11,300 in many containers were refused too (bolt-js
/// issues 2509 and 2867), so the containers are counted as well.
pub(super) const MESSAGE: usize = 12_000;
/// The same for a view, for which 250 kB are allowed: more than anybody reads.
pub(super) const VIEW: usize = 40_000;

pub(super) const HEADER: usize = 150;
/// Any text object that has no limit of its own.
pub(super) const TEXT: usize = 3_000;
/// The `text` of a message beside its blocks: longer ones may be cut (docs.slack.dev, chat.postMessage).
pub(super) const FALLBACK: usize = 4_000;
/// Names with their values in one section: it takes 10 fields, each pair is two.
pub(super) const PAIRS: usize = 5;

/// Buttons and selects of one row of actions.
pub(super) const ELEMENTS: usize = 25;
pub(super) const BUTTON_LABEL: usize = 75;
pub(super) const BUTTON_VALUE: usize = 2_000;
pub(super) const URL: usize = 3_000;
pub(super) const CONFIRM_TITLE: usize = 100;
pub(super) const CONFIRM_TEXT: usize = 300;
pub(super) const OPTIONS: usize = 100;
pub(super) const OPTION_LABEL: usize = 75;
pub(super) const OPTION_VALUE: usize = 150;
pub(super) const PLACEHOLDER: usize = 150;

/// Title and buttons of a modal.
pub(super) const MODAL_TITLE: usize = 24;
/// `block_id`, `action_id` and `callback_id`.
pub(super) const ID: usize = 255;
pub(super) const PRIVATE_METADATA: usize = 3_000;
pub(super) const LABEL: usize = 2_000;
pub(super) const INPUT: u16 = 3_000;

/// How much of [`MESSAGE`] something takes.
pub(super) fn weight<T: Serialize>(part: &T) -> usize {
    let mut length = Length(0);
    // What cannot be written cannot be sent: heavier than any room.
    serde_json::to_writer(&mut length, part).map_or(usize::MAX, |()| length.0 + 1)
}

/// Counts what is written to it, as [`crate::text::length`] does.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, utf8: &[u8]) -> std::io::Result<usize> {
        // One unit a character's first byte, and one more where there are four: two surrogates.
        let units = |byte: &u8| usize::from(byte & 0xC0 != 0x80) + usize::from(*byte >= 0xF0);
        self.0 += utf8.iter().map(units).sum::<usize>();
        Ok(utf8.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
