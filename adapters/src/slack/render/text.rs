//! Text made fit for Slack: cleaned, cut, and escaped where Slack reads entities. Called for every
//! string of a message or a form.
//!
//! Invariant: what [`clean`] returns holds no control character but `\n`, nothing invisible and
//! nothing that turns the direction of writing. Messages are sanitised before; this is the second
//! line of defence, as in the console.

use std::borrow::Cow;

use slack_morphism::prelude::SlackBlockPlainText;
use unicode_width::UnicodeWidthChar;

use super::limits::length;

/// Marks of no width kept on one character; more of them only serve to paint over other lines.
const MAX_COMBINING: usize = 3;
/// Stands for a text that holds nothing: Slack refuses empty ones.
pub(super) const NOTHING: &str = "–";

/// `text` without control characters and what cannot be seen. Tabs become spaces.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut combining = 0;
    for c in text.chars() {
        combining = if c.width() == Some(0) { combining + 1 } else { 0 };
        match c {
            '\n' => out.push(c),
            '\t' => out.push_str("    "),
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            _ if c.is_control() || is_invisible(c) || combining > MAX_COMBINING => {}
            _ => out.push(c),
        }
    }
    out
}

/// [`clean`], trimmed, with line ends as spaces.
pub(super) fn one_line(text: &str) -> String {
    clean(text.trim()).replace('\n', " ").trim().to_owned()
}

/// Joiners, zero-width spaces, variation selectors, tags and everything that turns the direction.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// `text` in at most `max` characters, ending in `…` where something was cut off.
pub(super) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if length(text) <= max {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.len_utf16();
        used >= max
    });
    let kept = end.map_or(text, |(at, _)| &text[..at]);
    Cow::Owned(format!("{}…", kept.trim_end()))
}

/// The three characters that Slack reads as the beginning or end of something, as entities.
pub(super) fn escape(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

/// Clean `text` as an object in which Slack parses nothing, in at most `max` characters as they are
/// sent: an `&` is five of them. Says also whether it fitted.
pub(super) fn fitted(text: &str, max: usize) -> (SlackBlockPlainText, bool) {
    let mut out = String::new();
    let mut room = max.saturating_sub(1);
    let mut whole = true;
    for c in text.trim().chars() {
        let mut buffer = [0; 4];
        let piece = escape(c).unwrap_or_else(|| c.encode_utf8(&mut buffer));
        let Some(left) = room.checked_sub(length(piece)) else {
            whole = false;
            out.push('…');
            break;
        };
        room = left;
        out.push_str(piece);
    }
    if out.is_empty() {
        out.push_str(NOTHING);
    }
    // Without `emoji: false` Slack would make pictures of `:words:`.
    (SlackBlockPlainText::new(out).with_emoji(false), whole)
}

/// The same where a cut needs no telling.
pub(super) fn plain(text: &str, max: usize) -> SlackBlockPlainText {
    fitted(&one_line(text), max).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_never_cut_in_two() {
        assert_eq!(fitted("a<b>&c", 30).0.text, "a&lt;b&gt;&amp;c");
        assert_eq!(fitted("aaaa&", 10).0.text, "aaaa&amp;");
        assert_eq!(
            fitted("aaaa&", 9),
            (SlackBlockPlainText::new("aaaa…".into()).with_emoji(false), false)
        );
        assert_eq!(fitted(" \n", 9).0.text, NOTHING);
    }

    #[test]
    fn cut_counts_what_slack_may_count() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("🦀🦀🦀", 5), "🦀🦀…");
        assert_eq!(cut("🦀🦀🦀", 4), "🦀…");
    }

    #[test]
    fn nothing_invisible_stays() {
        assert_eq!(clean("a\0\x1b[1m\u{202e}b\u{200b}\tc\u{2028}d\r\n"), "a[1mb    c\nd\n");
        assert_eq!(one_line("\n a\nb \n"), "a b");
    }
}
