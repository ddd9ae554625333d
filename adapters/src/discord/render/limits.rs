//! Discord's limits. Called by every file beside it.
//!
//! Lengths are counted by [`crate::text::length`]: never fewer than Discord counts.
//!
//! Source: docs.discord.com/developers/resources/message (messages, embeds) and
//! docs.discord.com/developers/components/reference.

/// What stands above the embeds.
pub(super) const CONTENT: usize = 2_000;
pub(super) const EMBEDS: usize = 10;
pub(super) const DESCRIPTION: usize = 4_096;
pub(super) const FIELDS: usize = 25;
/// Title, description, fields and footer of all embeds of a message together.
pub(super) const ALL_EMBEDS: usize = 6_000;

/// Rows of buttons and selects.
pub(super) const ROWS: usize = 5;
/// Buttons of one row; a select takes a row alone.
pub(super) const ROW: usize = 5;
pub(super) const BUTTON_LABEL: usize = 80;
pub(super) const URL: usize = 512;
pub(super) const OPTIONS: usize = 25;
pub(super) const OPTION_LABEL: usize = 100;
pub(super) const PLACEHOLDER: usize = 150;
/// What a button, a select's option or a modal carries.
pub(super) const CUSTOM_ID: usize = 100;

pub(super) const MODAL_TITLE: usize = 45;
/// What stands directly in a modal. The schema allows more, the documentation five.
pub(super) const MODAL_PARTS: usize = 5;
pub(super) const LABEL: usize = 45;
pub(super) const LABEL_DESCRIPTION: usize = 100;
pub(super) const INPUT: u16 = 4_000;
