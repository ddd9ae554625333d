//! Bounding text that comes from outside before it stands in a reason or an error.
//!
//! Invariant: the result is one line of at most the asked number of characters (and an ellipsis).
//! Making text safe for a chat is not done here: that is the sanitiser's, where messages are drawn.

/// `text` on one line: runs of white space and control characters become one space, invisible
/// direction marks are dropped, and everything after `max_chars` characters is an ellipsis.
pub(crate) fn one_line(text: &str, max_chars: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            space = length > 0;
            continue;
        }
        if matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        {
            continue;
        }
        if length + usize::from(space) >= max_chars {
            line.push('…');
            break;
        }
        if space {
            line.push(' ');
            length += 1;
            space = false;
        }
        line.push(c);
        length += 1;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn white_space_is_folded_and_the_rest_is_cut() {
        assert_eq!(one_line("  a\r\n\tb \u{1b}[31mc\u{202e}d", 40), "a b [31mcd");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcdef…");
        assert_eq!(one_line("ab cd", 3), "ab…");
        assert_eq!(one_line("\n\0", 3), "");
    }
}
