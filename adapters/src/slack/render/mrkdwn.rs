//! Text for the two places where Slack parses its own markup: the `text` beside the blocks and the
//! bold name of a field. Called for those only; everything else is drawn as plain or rich text, in
//! which Slack parses nothing and from which a person copies exactly what was there.
//!
//! Invariant: nothing in the result is markup. Slack knows no escape but for `&`, `<` and `>`, and
//! how it treats a zero-width character beside a `*` is nowhere written, so each character that could
//! start something gives way to another one that looks like it.

use crate::text::length;

use super::text::escape;

/// Clean `text` without any markup, in at most `max` characters as they are sent.
pub(super) fn inert(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut room = max.saturating_sub(1);
    let mut before = '\n';
    let mut line_begins = true;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or('\n');
        let c = if line_begins { without_block(c) } else { c };
        let shown = without_span(before, c, after);
        let mut buffer = [0; 4];
        let piece = escape(shown).unwrap_or_else(|| shown.encode_utf8(&mut buffer));
        let Some(left) = room.checked_sub(length(piece)) else {
            out.push('…');
            break;
        };
        room = left;
        out.push_str(piece);
        line_begins = c == '\n' || (line_begins && c == ' ');
        before = c;
    }
    out
}

/// What makes a quote or a list of a line that starts with it. An escaped `>` would still do so.
fn without_block(c: char) -> char {
    match c {
        '>' => '›',
        '•' => '·',
        _ => c,
    }
}

/// What makes bold, code, an emoji, a mention or a link of the text behind it. Inside a word (`a_b`,
/// `2*3`) most of these signs mean nothing and stay.
fn without_span(before: char, c: char, after: char) -> char {
    let in_word = before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric();
    match c {
        '`' => '‵',
        '*' if !in_word => '∗',
        '_' if !in_word => '＿',
        '~' if !in_word => '∼',
        // `:tada:`, but also `https://` and `mailto:`; then addresses without those.
        ':' if !after.is_whitespace() => '∶',
        '@' if !after.is_whitespace() => '＠',
        '#' if !after.is_whitespace() => '＃',
        '.' if after.is_alphabetic() => '․',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_only_looked_like() {
        let cases = [
            ("<!channel> & <http://a.b|c>", "&lt;!channel&gt; &amp; &lt;http∶//a․b|c&gt;"),
            ("*bold* _it_ ~no~ `code`", "∗bold∗ ＿it＿ ∼no∼ ‵code‵"),
            ("> quote\n  • item", "› quote\n  · item"),
            ("see a@b.example, @here, #ops", "see a＠b․example, ＠here, ＃ops"),
            (":tada:", "∶tada:"),
        ];
        for (text, drawn) in cases {
            assert_eq!(inert(text, 100), drawn);
        }
    }

    #[test]
    fn words_and_numbers_stay_as_they_are() {
        for text in ["max_connections 2*3", "vm-service 1.8.2: 91 %", "a > b"] {
            assert_eq!(inert(text, 100).replace("&gt;", ">"), text);
        }
    }

    #[test]
    fn is_never_longer_than_it_may() {
        assert_eq!(inert("aaaa&", 10), "aaaa&amp;");
        assert_eq!(inert("aaaa&", 9), "aaaa…");
        assert_eq!(inert("🦀🦀🦀", 5), "🦀🦀…");
    }
}
