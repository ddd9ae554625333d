//! Rich text being put together: runs in which Slack parses nothing, so they take clean text as it is,
//! unescaped. Called by whatever draws words.
//!
//! Invariant: only text and nova's own emoji; no run is empty, which Slack refuses.
//!
//! Chosen over the newer `markdown` block, which parses all it is given, and over `table`, of which a
//! message may hold one and which older clients do not draw.

use slack_morphism::prelude::*;

use crate::message::Mark;

/// Runs of one paragraph, lines parted by `\n`.
#[derive(Clone, Debug, Default)]
pub(super) struct Rich(Vec<SlackRichTextInlineElement>);

impl Rich {
    pub(super) fn text(mut self, text: &str) -> Self {
        if text.is_empty() {
            return self;
        }
        match self.0.last_mut() {
            Some(SlackRichTextInlineElement::Text(last)) if last.style.is_none() => {
                last.text.push_str(text);
            }
            _ => self.0.push(SlackRichTextText::new(text.to_owned()).into()),
        }
        self
    }

    pub(super) fn bold(mut self, text: &str) -> Self {
        if !text.is_empty() {
            self.0.push(SlackRichTextText::new(text.to_owned()).bold().into());
        }
        self
    }

    /// The emoji of a mark.
    pub(super) fn mark(mut self, mark: Mark) -> Self {
        let name = SlackEmojiName::new(emoji(mark).to_owned());
        self.0.push(SlackRichTextInlineElement::Emoji(SlackRichTextEmoji::new(name)));
        self
    }

    pub(super) fn append(mut self, other: Self) -> Self {
        for run in other.0 {
            match run {
                SlackRichTextInlineElement::Text(run) if run.style.is_none() => {
                    self = self.text(&run.text);
                }
                run => self.0.push(run),
            }
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn block(self) -> SlackBlock {
        SlackRichTextBlock::new(vec![SlackRichTextSection::new(self.0).into()]).into()
    }

    /// These runs, and monospaced text under them.
    pub(super) fn above(self, code: &str) -> SlackBlock {
        let run = SlackRichTextText::new(code.to_owned());
        let code = SlackRichTextPreformatted::new(vec![run.into()]).into();
        let mut elements = Vec::new();
        if !self.is_empty() {
            elements.push(SlackRichTextSection::new(self.0).into());
        }
        elements.push(code);
        SlackRichTextBlock::new(elements).into()
    }
}

/// Slack's name of [`Mark::emoji`].
pub(super) fn emoji(mark: Mark) -> &'static str {
    match mark {
        Mark::Ok => "white_check_mark",
        Mark::Warn => "warning",
        Mark::Fail => "x",
        Mark::Absent => "o",
        Mark::NoData => "grey_question",
        Mark::Unsupported => "heavy_minus_sign",
        Mark::Working => "hourglass_flowing_sand",
        Mark::Info => "information_source",
    }
}
