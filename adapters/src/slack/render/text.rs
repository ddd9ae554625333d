//! Text made fit for Slack: escaped where Slack reads entities, and as its objects. Called for every
//! string of a message or a form that [`crate::text`] has cleaned.

use slack_morphism::prelude::SlackBlockPlainText;

use crate::text::{NOTHING, length, one_line};

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
}
