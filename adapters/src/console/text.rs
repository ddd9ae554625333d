//! Text that fits a terminal: cleaning, measuring, cutting and wrapping. Called by the renderer for
//! every string of a message.
//!
//! Invariant: what [`clean`] returns holds no control character but `\n`, and nothing that turns the
//! direction of writing. Messages are sanitised before; this is the second line of defence, since
//! one ESC is enough to rewrite a terminal.
//!
//! Widths are in columns and are the sum of the characters' widths, as terminals count them.
//! Joiners and variation selectors, which would make a sequence wider or narrower than that sum, are
//! taken out by [`clean`].

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use crate::text;

/// `text` without anything that a terminal would act on. Without `unicode`, what is not ASCII is
/// written in ASCII as far as that goes.
pub(super) fn clean(text: &str, unicode: bool) -> String {
    let text = text::clean(text);
    if unicode || text.is_ascii() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() { out.push(c) } else { out.push_str(in_ascii(c)) }
    }
    out
}

/// [`clean`], with line ends as spaces.
pub(super) fn one_line(text: &str, unicode: bool) -> String {
    let mut out = clean(text, unicode);
    if out.contains('\n') {
        out = out.replace('\n', " ");
    }
    out
}

/// The characters that nova itself writes; anything else is a question mark.
fn in_ascii(c: char) -> &'static str {
    match c {
        '·' | '–' | '—' => "-",
        '…' => "...",
        '→' => "->",
        '≤' => "<=",
        '≥' => ">=",
        '×' => "x",
        'µ' => "u",
        '‘' | '’' => "'",
        '“' | '”' => "\"",
        _ if width_of(c) == 0 => "",
        _ => "?",
    }
}

fn width_of(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Columns that `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// `text` in at most `room` columns, ending in `ellipsis` where something was cut off.
pub(super) fn cut<'a>(text: &'a str, room: usize, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let (kept, _) = split(text, room.saturating_sub(width(ellipsis)));
    let end = if width(ellipsis) <= room { ellipsis } else { "" };
    Cow::Owned(format!("{}{end}", kept.trim_end()))
}

/// The same with the middle cut out: names of one kind often differ only at their end.
pub(super) fn cut_middle<'a>(text: &'a str, room: usize, ellipsis: &str) -> Cow<'a, str> {
    let Some(rest) = room.checked_sub(width(ellipsis)).filter(|&rest| rest >= 4) else {
        return cut(text, room, ellipsis);
    };
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let (start, _) = split(text, rest.div_ceil(2));
    let mut spare = rest - width(start);
    let end = text.char_indices().rev().take_while(|(_, c)| {
        let fits = width_of(*c) <= spare;
        spare = spare.saturating_sub(width_of(*c));
        fits
    });
    let from = end.last().map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{start}{ellipsis}{}", &text[from..]))
}

/// As many characters as fit into `room` columns, and the rest.
fn split(text: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += width_of(c);
        if used > room {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// Breaks `text` into lines of at most `room` columns, between words where that can be. A newline
/// starts a new line; runs of spaces become one.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split_whitespace() {
            let wide = width(word);
            let left = room.saturating_sub(used + 1);
            // A word longer than a line is broken anyway, so it starts where the line has room.
            let (start, rest) = match used {
                0 => ("", word),
                _ if used + 1 + wide <= room => (word, ""),
                _ if wide > room && left >= room / 2 => split(word, left),
                _ => ("", word),
            };
            if !start.is_empty() {
                line.push(' ');
                line.push_str(start);
                used += 1 + width(start);
            }
            if rest.is_empty() {
                continue;
            }
            if used > 0 {
                lines.push(std::mem::take(&mut line));
            }
            let mut pieces = chop(rest, room);
            line = pieces.pop().unwrap_or_default();
            used = width(&line);
            lines.append(&mut pieces);
        }
        lines.push(line);
    }
    lines
}

/// Breaks one line into pieces of at most `room` columns wherever the room ends; spaces stay.
pub(super) fn chop(line: &str, room: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    loop {
        let (piece, left) = split(rest, room);
        if left.is_empty() {
            pieces.push(piece.to_owned());
            return pieces;
        }
        if piece.is_empty() {
            // One character wider than the room.
            let next = left.chars().next().map_or(left.len(), char::len_utf8);
            pieces.push("?".repeat(room.min(1)));
            rest = &left[next..];
        } else {
            pieces.push(piece.to_owned());
            rest = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaned_of_what_a_terminal_acts_on() {
        assert_eq!(clean("a\x1b[2Jb\r\x07\u{9b}31mc\td\ne\0", true), "a[2Jb31mc    d\ne");
        assert_eq!(clean("a\u{202e}b\u{200d}\u{feff}c\u{2028}d", true), "abc\nd");
        assert_eq!(one_line("a\nb", true), "a b");
        assert_eq!(clean("≥ 3 · né 漢…", false), ">= 3 - n? ?...");
    }

    #[test]
    fn cut_and_wrapped_by_columns() {
        assert_eq!(cut("漢字漢字", 5, "…"), "漢字…");
        assert_eq!(cut("abc", 3, "…"), "abc");
        assert_eq!(cut("abcd", 2, "..."), "");
        assert_eq!(cut_middle("vm-service-7d9f8-x2x0z", 11, "…"), "vm-se…x2x0z");
        assert_eq!(cut_middle("漢字漢字漢字", 8, "…"), "漢字…字");
        assert_eq!(cut_middle("abcdef", 4, "…"), "abc…");
        assert_eq!(wrap("one two  three\nfour", 7), ["one two", "three", "four"]);
        assert_eq!(wrap("a verylongword b", 5), ["a ver", "ylong", "word", "b"]);
        assert_eq!(wrap("GET http://a.b/c", 9), ["GET http:", "//a.b/c"]);
        assert_eq!(wrap("ab \u{1160}", 2), ["ab", "\u{1160}"]);
        assert_eq!(wrap("漢字漢", 4), ["漢字", "漢"]);
        assert_eq!(chop("漢a", 1), ["?", "a"]);
        assert_eq!(chop("  a  b", 4), ["  a ", " b"]);
    }
}
