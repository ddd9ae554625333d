//! Splits what a person typed into words.
//!
//! Phones turn quotes and dashes into typographic ones, Slack wraps links and mentions in `<…>` and
//! escapes `&`, `<` and `>`. Shell rules do not fit chat: `#`, apostrophes and backslashes are
//! ordinary characters here, and only double quotes quote.

/// Longest command line that is read, in bytes.
pub const MAX_LINE: usize = 4_000;
/// Most words in one line.
const MAX_WORDS: usize = 200;

/// How the text reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A terminal, or a platform that sends text as typed.
    Plain,
    /// Slack: `<@U1|name>`, `<https://x|label>` and `&amp;` `&lt;` `&gt;`.
    Slack,
}

/// Why a line could not be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("that line is {0} bytes long; the limit is {MAX_LINE}")]
    TooLong(usize),
    #[error("that line has more than {MAX_WORDS} words")]
    TooManyWords,
    #[error("a quote is not closed")]
    UnclosedQuote,
    #[error("the line holds a NUL or another control character")]
    Control,
}

/// Splits `line` into words.
///
/// # Errors
/// When the line is too long, has control characters, or a quote is not closed.
pub fn tokenise(line: &str, dialect: Dialect) -> Result<Vec<String>, TokenError> {
    if line.len() > MAX_LINE {
        return Err(TokenError::TooLong(line.len()));
    }
    if line.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(TokenError::Control);
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if dialect == Dialect::Slack
            && c == '<'
            && let Some((text, after)) = entity(rest)
        {
            word.get_or_insert_default().push_str(&text);
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '"' | '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{201F}' | '\u{00AB}' | '\u{00BB}' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if quoted => word.get_or_insert_default().push(c),
            c if c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}') => {
                words.extend(word.take());
            }
            // Typed as `--` and "corrected" by the phone; inside a word it was a plain hyphen.
            '\u{2014}' | '\u{2013}' | '\u{2012}' | '\u{2015}' if word.is_none() => {
                let long = rest.chars().take_while(|c| c.is_alphanumeric()).count() != 1;
                word = Some(if long { "--" } else { "-" }.to_owned());
            }
            '\u{2010}'..='\u{2015}' | '\u{2212}' => word.get_or_insert_default().push('-'),
            c => word.get_or_insert_default().push(c),
        }
        if words.len() > MAX_WORDS {
            return Err(TokenError::TooManyWords);
        }
    }
    if quoted {
        return Err(TokenError::UnclosedQuote);
    }
    words.extend(word);
    if dialect == Dialect::Slack {
        for word in words.iter_mut().filter(|word| word.contains('&')) {
            *word = unescape(word);
        }
    }
    Ok(words)
}

/// A Slack entity at the start of `text`: what the person meant by it, and what follows it.
/// Mentions keep their `<@U1>` form without the label; a link that Slack made of a bare host name
/// becomes that name again, any other link its address.
fn entity(text: &str) -> Option<(String, &str)> {
    let end = text.find('>')?;
    let (inner, after) = (&text[1..end], &text[end + 1..]);
    let (target, label) = inner.split_once('|').map_or((inner, None), |(t, l)| (t, Some(l)));
    let meant = match target.chars().next()? {
        '@' | '#' | '!' => format!("<{target}>"),
        _ => {
            let (scheme, address) = target.split_once(':')?;
            if !matches!(scheme, "http" | "https" | "mailto" | "tel") {
                return None;
            }
            match label {
                Some(label) if address.trim_start_matches('/').trim_end_matches('/') == label => {
                    label.to_owned()
                }
                _ => target.to_owned(),
            }
        }
    };
    Some((meant, after))
}

/// Once only: `&amp;lt;` was typed as `&lt;`.
fn unescape(word: &str) -> String {
    word.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slack(line: &str) -> Vec<String> {
        tokenise(line, Dialect::Slack).unwrap()
    }

    #[test]
    fn what_phones_and_slack_make_of_a_line_is_undone() {
        assert_eq!(slack("health —cluster us–east"), ["health", "--cluster", "us-east"]);
        assert_eq!(slack("logs vm –n 5"), ["logs", "vm", "-n", "5"]);
        assert_eq!(slack("note “it’s the db” #1"), ["note", "it’s the db", "#1"]);
        assert_eq!(
            slack("dns <http://db.novacron.internal|db.novacron.internal>"),
            ["dns", "db.novacron.internal"]
        );
        assert_eq!(
            slack("ask <@U12|bob> <https://x.io/a?b=1&amp;c=2>"),
            ["ask", "<@U12>", "https://x.io/a?b=1&c=2"]
        );
        assert_eq!(slack("query a &lt; b &amp;amp; c"), ["query", "a", "<", "b", "&amp;", "c"]);
    }

    #[test]
    fn ordinary_characters_stay_ordinary() {
        let words =
            tokenise(r#"logs vm --grep "a\d+ b" it's x="y z" <b> &amp; """#, Dialect::Plain)
                .unwrap();
        assert_eq!(words, ["logs", "vm", "--grep", r"a\d+ b", "it's", "x=y z", "<b>", "&amp;", ""]);
    }

    #[test]
    fn bad_lines_are_refused_with_a_reason() {
        assert_eq!(
            tokenise(&"a".repeat(100_000), Dialect::Plain),
            Err(TokenError::TooLong(100_000))
        );
        assert_eq!(tokenise("say \"hi", Dialect::Plain), Err(TokenError::UnclosedQuote));
        assert_eq!(tokenise("a\0b", Dialect::Plain), Err(TokenError::Control));
        assert_eq!(tokenise(&"a ".repeat(1_900), Dialect::Plain), Err(TokenError::TooManyWords));
    }

    proptest! {
        #[test]
        fn never_panics(line in any::<String>()) {
            for dialect in [Dialect::Plain, Dialect::Slack] {
                drop(tokenise(&line, dialect));
            }
        }

        #[test]
        fn plain_words_come_back(words in prop::collection::vec("[a-z0-9.=/:-]{1,12}", 0..20)) {
            prop_assert_eq!(&tokenise(&words.join(" "), Dialect::Plain).unwrap(), &words);
            let quoted: Vec<_> = words.iter().map(|w| format!("\"{w}\"")).collect();
            prop_assert_eq!(&slack(&quoted.join("  ")), &words);
        }
    }
}
