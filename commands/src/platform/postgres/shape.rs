//! A statement without what is in it: `SELECT * FROM users WHERE email = ?`.
//!
//! What people and services ask a database holds names, addresses and passwords, so a statement is
//! shown only in this form. Invariant: no value that stands in the statement comes out, whether it is
//! a string, a number or a comment. Where PostgreSQL's versions and settings read a text differently,
//! or where it was cut, the rest is dropped instead of guessed.
//!
//! The rules are those of PostgreSQL's documentation, "SQL Syntax: Lexical Structure".

/// The statement with `?` for every value and one space for every gap and comment; `…` where the rest
/// was dropped.
pub(super) fn shape(sql: &str) -> String {
    let mut shape = String::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let Some((token, length)) = token(first, rest) else {
            shape.push('…');
            break;
        };
        match token {
            Token::Gap if shape.is_empty() || shape.ends_with(' ') => {}
            Token::Gap => shape.push(' '),
            Token::Value => value(&mut shape),
            Token::Word if first == ',' => {
                shape.truncate(shape.trim_end().len());
                shape.push(',');
            }
            Token::Word => shape.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    shape.truncate(shape.trim_end().len());
    shape
}

/// What stands at one place of a statement.
enum Token {
    /// Space or a comment.
    Gap,
    /// What was filled in.
    Value,
    /// A keyword, a name, an operator.
    Word,
}

/// A list of values is one value and a sign that there are more.
fn value(shape: &mut String) {
    let said = shape.trim_end();
    if said.ends_with("?, …,") {
        shape.truncate(said.len() - 1);
    } else if said.ends_with("?,") {
        shape.truncate(said.len());
        shape.push_str(" …");
    } else {
        shape.push('?');
    }
}

/// The token at the start of `rest` and its length in bytes; `None` where it does not end or could be
/// read in two ways.
fn token(first: char, rest: &str) -> Option<(Token, usize)> {
    let bytes = rest.as_bytes();
    let second = bytes.get(1).copied().unwrap_or_default();
    Some(match first {
        ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => (Token::Gap, 1),
        '-' if second == b'-' => (Token::Gap, rest.find(['\n', '\r']).unwrap_or(rest.len())),
        '/' if second == b'*' => (Token::Gap, comment(bytes)?),
        '\'' => (Token::Value, plain(bytes)?),
        '"' => (Token::Word, name(bytes)?),
        'e' | 'E' if second == b'\'' => (Token::Value, 1 + escaped(&bytes[1..])?),
        '$' => (Token::Value, dollar(rest)?),
        '.' if second.is_ascii_digit() => (Token::Value, number(bytes)?),
        '0'..='9' => (Token::Value, number(bytes)?),
        first if begins_word(first as u32) => {
            let ends = |c: char| !(begins_word(c as u32) || c.is_ascii_digit() || c == '$');
            (Token::Word, rest.find(ends).unwrap_or(rest.len()))
        }
        other => (Token::Word, other.len_utf8()),
    })
}

/// What may begin a name; PostgreSQL counts everything beyond ASCII as a letter.
fn begins_word(c: u32) -> bool {
    c >= 0x80 || u8::try_from(c).is_ok_and(|c| c.is_ascii_alphabetic() || c == b'_')
}

/// `/* … */`, which may hold others.
fn comment(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        match bytes.get(at..at + 2)? {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// `'…'`. A quote after an odd number of backslashes ends it or not, as `standard_conforming_strings`
/// was: that is not known of another session.
fn plain(bytes: &[u8]) -> Option<usize> {
    let mut slashes = 0;
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\'' if slashes % 2 == 1 => return None,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 1,
            b'\'' => return Some(at + 1),
            _ => {}
        }
        slashes = if bytes[at] == b'\\' { slashes + 1 } else { 0 };
        at += 1;
    }
}

/// `'…'` after an `E`: a backslash takes the next character with it.
fn escaped(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// `"…"`: a name, which is shown.
fn name(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// `$1` or `$tag$ … $tag$`.
fn dollar(rest: &str) -> Option<usize> {
    let inside = &rest[1..];
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        // `$1e'…'` is a parameter and a string to some versions, an error to others.
        let joined = inside[digits..].chars().next().is_some_and(|c| begins_word(c as u32));
        return (!joined).then_some(1 + digits);
    }
    let tag = inside.find('$')?;
    let letter = |c: char| begins_word(c as u32) || c.is_ascii_digit();
    if !inside[..tag].chars().all(letter) {
        return None;
    }
    let delimiter = &rest[..tag + 2];
    let length = rest[delimiter.len()..].find(delimiter)?;
    Some(length + 2 * delimiter.len())
}

/// A number with whatever letters hang on it. What is glued to its end is read differently by
/// different versions.
fn number(bytes: &[u8]) -> Option<usize> {
    let part = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.');
    let mut at = bytes.iter().take_while(|c| part(c)).count();
    let exponent = matches!(bytes[at - 1], b'e' | b'E');
    if exponent
        && matches!(bytes.get(at), Some(b'+' | b'-'))
        && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
    {
        at += 1;
        at += bytes[at..].iter().take_while(|c| part(c)).count();
    }
    match bytes.get(at) {
        Some(b'\'' | b'"' | b'$' | b'&' | 0x80..) => None,
        _ => Some(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_statement_keeps_its_shape_and_loses_its_values() {
        for (sql, expected) in [
            ("SELECT  1", "SELECT ?"),
            ("SELECT * FROM vms\n WHERE id = 'vm-1' -- ana's\n", "SELECT * FROM vms WHERE id = ?"),
            ("a /* x /* y */ z */ b", "a b"),
            ("x IN (1, 2,3 , 4) AND y", "x IN (?, …) AND y"),
            ("VALUES ('a','b'), (1.5e-3, .5)", "VALUES (?, …), (?, …)"),
            (r"E'it\'s' || 'it''s' || 'a\\'", "? || ? || ?"),
            ("DO $body$ SELECT $$x$$ $body$", "DO ?"),
            ("a$b = $1 AND \"we'ird\" = $2", "a$b = ? AND \"we'ird\" = ?"),
            ("SELECT U&'d\\0061' , x'1f', t1.c2", "SELECT U&?, x?, t1.c2"),
            ("SET password = 'hunter2", "SET password = …"),
            (r"SELECT 'a\' , b'", "SELECT …"),
            ("SELECT 1e'x'", "SELECT …"),
            ("SELECT $tag$x", "SELECT …"),
            ("SELECT /* cut", "SELECT …"),
            ("", ""),
        ] {
            assert_eq!(shape(sql), expected, "{sql}");
        }
    }

    /// Values as PostgreSQL takes them, each with the word `hidden` in it, or its number 31337.
    fn literal() -> impl Strategy<Value = String> {
        let inner = "[a-z ()$\"/*;-]{0,6}";
        prop_oneof![
            (inner, inner).prop_map(|(a, b)| format!("'{a}hidden{b}'")),
            (inner, inner).prop_map(|(a, b)| format!("'{a}''hidden{b}\\\\'")),
            (inner, inner).prop_map(|(a, b)| format!(r"E'{a}\'hidden\\{b}'")),
            (inner, inner).prop_map(|(a, b)| format!(r"'{a}\' || 'hidden{b}'")),
            (inner, inner).prop_map(|(a, b)| format!("U&'{a}hidden{b}'")),
            ("[a-z_]{0,3}", inner).prop_map(|(tag, a)| {
                let a = a.replace('$', "'");
                format!("${tag}${a}hidden${tag}$")
            }),
            inner.prop_map(|a| format!("/* {} hidden */", a.replace(['/', '*'], "'"))),
            inner.prop_map(|a| format!("-- {a} hidden\n")),
            inner.prop_map(|a| format!("-- {a} hidden\r")),
            Just("31337".to_owned()),
            Just("31337.31337e-31337".to_owned()),
            Just("0x31337".to_owned()),
        ]
    }

    fn word() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "SELECT",
            "FROM",
            "t1",
            "a$b",
            "\"odd ' name\"",
            "=",
            "(",
            ")",
            ",",
            "::text",
            "E",
            "$1",
            "||",
            "größe",
            "-",
            "*",
            "N",
            "B",
            "1",
        ])
    }

    /// What may stand right before a value without becoming a part of it.
    fn mark() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["=", "(", ")", ",", "||", "-", "*", "\"odd ' name\"", "1", "$1"])
    }

    proptest! {
        #[test]
        fn no_literal_survives_wherever_the_text_is_cut(
            parts in prop::collection::vec((word(), literal(), word()), 1..6),
            kept in 0.0..1.2_f64,
        ) {
            let sql: String =
                parts.iter().map(|(a, value, b)| format!("{a} {value} {b} ")).collect();
            let whole = sql.chars().count() as f64;
            let cut: String = sql.chars().take((whole * kept) as usize).collect();
            let shown = shape(&cut);
            prop_assert!(!shown.contains("hidden") && !shown.contains("31337"), "{cut} → {shown}");
        }

        #[test]
        fn values_that_touch_their_neighbours_do_not_survive(
            parts in prop::collection::vec((mark(), literal()), 1..6),
        ) {
            let sql: String = parts.iter().map(|(mark, value)| format!("{mark}{value}")).collect();
            let shown = shape(&sql);
            prop_assert!(!shown.contains("hidden"), "{sql} → {shown}");
        }

        #[test]
        fn any_text_has_a_shape(text in any::<String>()) {
            let shown = shape(&text);
            prop_assert!(shown.len() <= text.len() * 2 + 3);
        }

        #[test]
        fn a_shape_is_its_own_shape(parts in prop::collection::vec((word(), literal()), 1..6)) {
            let sql: String = parts.iter().map(|(a, value)| format!("{a} {value} ")).collect();
            let once = shape(&sql);
            prop_assert_eq!(shape(&once), once);
        }
    }
}
