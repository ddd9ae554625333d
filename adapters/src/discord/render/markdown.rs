//! Text for where Discord reads its markdown: the content, descriptions and fields of embeds, channels'
//! topics. Called for every such text; labels, titles of modals and footers are plain.
//!
//! Invariant: nothing in the result is markup. Discord takes a backslash before any sign for that sign,
//! so that what is read and copied is what was there.
//!
//! Source: support.discord.com, "Markdown Text 101"; docs.discord.com/developers/reference, "Message
//! Formatting".

/// Clean `text` without any markup, in at most `max` characters as they are sent, and whether that is
/// all of it.
pub(crate) fn inert(text: &str, max: usize) -> (String, bool) {
    let mut out = String::new();
    let mut room = max;
    let mut line = Line::default();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied();
        let escape = line.escapes(c, after);
        let wide = c.len_utf16() + usize::from(escape);
        // The last place is for the sign that something is missing.
        if wide > room || (wide == room && after.is_some()) {
            let kept = out.trim_end().len();
            out.truncate(kept);
            if room > 0 {
                out.push('…');
            }
            return (out, false);
        }
        room -= wide;
        if escape {
            out.push('\\');
        }
        out.push(c);
        line.pass(c);
    }
    (out, true)
}

/// What of a line has been passed.
#[derive(Default)]
struct Line {
    /// Something else than spaces.
    begun: bool,
    /// Only digits and spaces: the number of a list.
    counted: bool,
    before: Option<char>,
}

impl Line {
    fn pass(&mut self, c: char) {
        if c == '\n' {
            *self = Self::default();
            return;
        }
        self.counted = c.is_ascii_digit() && (self.counted || !self.begun);
        self.begun |= c != ' ';
        self.before = Some(c);
    }

    /// Whether `c` could begin something here.
    fn escapes(&self, c: char, after: Option<char>) -> bool {
        let touches = after.is_some_and(|after| !after.is_whitespace());
        match c {
            // Escapes, emphasis, code, spoilers, masked links; `<` begins mentions, times and emoji.
            '\\' | '*' | '_' | '~' | '|' | '`' | '<' | '[' | ']' => true,
            // Headings, small print, lists, quotes.
            '#' | '-' | '+' | '>' => !self.begun,
            '.' if self.counted => true,
            // Invitations are found without a scheme.
            '.' => after.is_some_and(char::is_alphabetic) && self.before.is_some(),
            // `:tada:`, but also `https://` and `mailto:`; then names.
            ':' | '@' => touches,
            _ => false,
        }
    }
}

/// `code` as a block, in at most `max` characters as they are sent, and whether that is all of it. In a
/// block nothing is read but its end.
pub(super) fn code_block(code: &str, max: usize) -> (String, bool) {
    const FENCES: usize = 8;
    let code = code.replace("```", "‵‵‵");
    let short = crate::text::cut(&code, max.saturating_sub(FENCES));
    (format!("```\n{short}\n```"), short == code)
}

/// `text`, one line, as it would be typed; a backtick in it could end it.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "‵"))
}

/// Bold; `inert` has no markup. Nothing stays nothing.
pub(super) fn bold(inert: &str) -> String {
    if inert.is_empty() { String::new() } else { format!("**{inert}**") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::length;

    fn drawn(text: &str) -> String {
        inert(text, 200).0
    }

    #[test]
    fn markup_is_only_looked_like() {
        let cases = [
            ("**bold** _it_ ~~no~~ ||x||", r"\*\*bold\*\* \_it\_ \~\~no\~\~ \|\|x\|\|"),
            ("<@1> <#2> <t:1> @everyone", r"\<\@1> \<#2> \<t\:1> \@everyone"),
            ("[ok](https://evil.example)", r"\[ok\](https\://evil\.example)"),
            ("# a\n-# b\n - c\n> d\n1. e\n+ f", "\\# a\n\\-# b\n \\- c\n\\> d\n1\\. e\n\\+ f"),
            (":tada: ```x```", r"\:tada: \`\`\`x\`\`\`"),
            ("discord.gg/x", r"discord\.gg/x"),
            (r"a\", r"a\\"),
        ];
        for (text, expected) in cases {
            assert_eq!(drawn(text), expected);
        }
    }

    #[test]
    fn words_and_numbers_stay_as_they_are() {
        for text in ["vm-service 1.8.2: 91 % of 4.0 GiB", "a > b + 1", "INC-7 (high) #7", "2. "] {
            assert_eq!(drawn(text).replace("2\\.", "2."), text);
        }
    }

    #[test]
    fn is_never_longer_than_it_may_and_never_halves_an_escape() {
        assert_eq!(inert("aaaa*", 6), (r"aaaa\*".into(), true));
        assert_eq!(inert("aaaa*", 5), ("aaaa…".into(), false));
        assert_eq!(inert("aaa**", 6), (r"aaa\*…".into(), false));
        assert_eq!(inert("🦀🦀🦀", 5), ("🦀🦀…".into(), false));
        assert_eq!(inert("abc", 3), ("abc".into(), true));
        assert_eq!(inert("abc", 0), (String::new(), false));
    }

    #[test]
    fn a_block_cannot_be_left() {
        let (block, whole) = code_block("a```b`````c", 100);
        assert!(whole);
        assert_eq!(block.matches("```").count(), 2, "{block}");
        let (block, whole) = code_block(&"x".repeat(100), 50);
        assert!(!whole && length(&block) <= 50);
    }
}
