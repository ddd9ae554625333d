//! Text that is safe to show anywhere: what every adapter takes out before it escapes for its platform.
//! Called for every string of a message or a form.
//!
//! Invariant: what [`clean`] returns holds no control character but `\n`, nothing invisible and nothing
//! that turns the direction of writing. Messages are sanitised before; this is the second line of
//! defence.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// Marks of no width kept on one character; more of them only serve to paint over other lines.
const MAX_COMBINING: usize = 3;
/// Stands for a text that holds nothing: chat platforms refuse empty ones.
pub(crate) const NOTHING: &str = "–";

/// `text` without control characters and what cannot be seen. Tabs become spaces.
pub(crate) fn clean(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
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

/// Whether there is nothing to clean, as in most texts: one line of ASCII's letters and signs.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// [`clean`], trimmed, with line ends as spaces.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.trim();
    if is_plain(text) {
        return text.to_owned();
    }
    clean(text).replace('\n', " ").trim().to_owned()
}

/// Joiners, zero-width spaces, variation selectors, tags and everything that turns the direction.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// How long a platform may find `text`, in UTF-16 units: "characters" in vendors' limits may mean
/// several things, and these are never fewer than any other way of counting them.
pub(crate) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// `text` in at most `max` characters, ending in `…` where something was cut off.
pub(crate) fn cut(text: &str, max: usize) -> Cow<'_, str> {
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

/// [`one_line`] in at most `max` characters, and something in the place of nothing: for labels.
pub(crate) fn label(text: &str, max: usize) -> String {
    let text = one_line(text);
    if text.is_empty() { NOTHING.to_owned() } else { cut(&text, max).into_owned() }
}

/// `text` as a channel's name: lower-case letters, digits, `-` and `_`, in at most `max` characters.
pub(crate) fn channel_name(text: &str, max: usize) -> String {
    let mut name = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            // Some capitals, such as 𝒩, have no small letter.
            c if (c.is_alphanumeric() && !c.is_uppercase()) || c == '_' => name.push(c),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name: String = name.chars().take(max).collect();
    let name = name.trim_end_matches('-');
    if name.is_empty() { "incident".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_counts_what_a_platform_may_count() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("🦀🦀🦀", 5), "🦀🦀…");
        assert_eq!(cut("🦀🦀🦀", 4), "🦀…");
    }

    #[test]
    fn nothing_invisible_stays() {
        assert_eq!(clean("a\0\x1b[1m\u{202e}b\u{200b}\tc\u{2028}d\r\n"), "a[1mb    c\nd\n");
        assert_eq!(clean(&format!("e{}", "\u{301}".repeat(500))), "e\u{301}\u{301}\u{301}");
        assert_eq!(one_line("\n a\nb \n"), "a b");
        assert_eq!(label(" \n", 9), NOTHING);
    }

    #[test]
    fn a_channels_name_follows_the_platforms_rules() {
        let name = |text: &str| channel_name(text, 80);
        assert_eq!(name("INC-42: API is down!"), "inc-42-api-is-down");
        assert_eq!(name("  Größe  99 % "), "größe-99");
        assert_eq!(name("<!channel>"), "channel");
        assert_eq!(name("…"), "incident");
        assert_eq!(name("𝒩ÄX"), "äx");
        assert_eq!(channel_name("ab cd", 3), "ab");
    }
}
