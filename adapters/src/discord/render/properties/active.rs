//! A small reader of Discord's markdown that shares nothing with the code it judges. It takes more for
//! markup than Discord does.

/// `text` as a person reads it: escapes undone.
pub(super) fn read(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// Everything in a whole text of a message that is not one of the forms that the renderer makes.
pub(super) fn in_message(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Every other part stands inside a fence.
    let parts: Vec<&str> = text.split("```").collect();
    if parts.len().is_multiple_of(2) {
        found.push(format!("an open fence: {text}"));
    }
    for outside in parts.iter().step_by(2) {
        for line in outside.lines() {
            let line = line.strip_prefix("-# ").unwrap_or(line);
            found.extend(in_text(&without_ours(line)));
        }
    }
    found
}

/// `line` without our bold and our code, the only pairs that the renderer makes.
fn without_ours(line: &str) -> String {
    let mut line = line.to_owned();
    if let Some(at) = unescaped(&line, "`") {
        let rest = &line[at + 1..];
        if rest.find('`') == Some(rest.len().saturating_sub(1)) && rest.starts_with("/nova ") {
            line.truncate(at);
        }
    }
    if let Some(open) = unescaped(&line, "**")
        && let Some(close) = unescaped(&line[open + 2..], "**")
    {
        line.replace_range(open + 2 + close..open + 4 + close, " ");
        line.replace_range(open..open + 2, " ");
        // What was bold is judged like the rest, but does not begin the line.
        line.insert(0, 'x');
    }
    line
}

/// Where `sign` stands first with no backslash that belongs to it.
fn unescaped(text: &str, sign: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if !escaped && text[at..].starts_with(sign) {
            return Some(at);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// Everything in `text` that Discord would, or might, make something of.
pub(super) fn in_text(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut chars = line.chars().peekable();
        let mut before = ' ';
        let mut blank = true;
        let mut digits = false;
        while let Some(c) = chars.next() {
            let after = chars.peek().copied().unwrap_or(' ');
            if c == '\\' {
                if chars.next().is_none_or(char::is_alphanumeric) {
                    found.push(format!("a stray backslash: {line}"));
                }
                (before, blank, digits) = (' ', false, false);
                continue;
            }
            let active = match c {
                '*' | '_' | '~' | '|' | '`' | '<' | '[' | ']' => true,
                '#' | '-' | '+' | '>' => blank,
                '.' => digits || (!before.is_whitespace() && after.is_alphabetic()),
                ':' | '@' => !after.is_whitespace() && after != '…',
                _ => false,
            };
            if active {
                found.push(format!("{c} in: {line}"));
            }
            digits = c.is_ascii_digit() && (digits || blank);
            blank &= c == ' ';
            before = c;
        }
    }
    found
}

#[test]
fn markup_is_found() {
    for text in [
        "<@1>",
        "**b**",
        "a _b_",
        "# x",
        "  - x",
        "-# x",
        "1. x",
        "> x",
        "https://x",
        ":tada:",
        "[a](b)",
        "||x||",
        "x discord.gg",
        "@here",
        "a `b`",
        r"\\*x*",
        r"a\",
    ] {
        assert_ne!(in_text(text), Vec::<String>::new(), "{text}");
    }
    for text in
        ["plain words, 91 % of 4.0 GiB", r"\*b\*", "a-b #7 > 3", r"https\://x", "note: this"]
    {
        assert_eq!(in_text(text), Vec::<String>::new(), "{text}");
    }
    for text in ["**a** b", "✓ **a\\*b**  c", "```\n# x **\n```", "**x** `/nova health`", "-# x"]
    {
        assert_eq!(in_message(text), Vec::<String>::new(), "{text}");
    }
    for text in ["```\nx", "**a** **b**", "**a", "`x`"] {
        assert_ne!(in_message(text), Vec::<String>::new(), "{text}");
    }
}
