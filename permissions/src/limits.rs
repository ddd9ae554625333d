//! Bounds on a policy file's size and shape, checked before Cedar sees it.
//!
//! Invariant: what passes here is parsed, validated and evaluated within half of a 2 MiB stack.
//! Cedar 4.14 needs it: about forty nested brackets overflow the stack in its parser, which ends the
//! process, and a chain of some hundred operators makes its validator give up and report **no**
//! error (`TypecheckAnswer::RecursionLimit`), which would let a policy in unvalidated. Caller:
//! `policies.rs`.

/// The largest policy file read, in bytes.
pub(crate) const MAX_FILE_BYTES: usize = 256 * 1024;
/// How deep brackets may nest.
pub(crate) const MAX_NESTING: usize = 16;
/// How many operators, attribute accesses and clauses one policy may have.
pub(crate) const MAX_OPERATORS: usize = 64;

/// Where a file breaks a bound, as a byte offset and a reason, or nothing.
pub(crate) fn excess(text: &str) -> Option<(usize, String)> {
    if text.len() > MAX_FILE_BYTES {
        return Some((0, format!("the file is larger than {} KiB", MAX_FILE_BYTES / 1024)));
    }
    let bytes = text.as_bytes();
    let (mut nesting, mut operators, mut at) = (0_usize, 0_usize, 0);
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            // Strings and comments end as in Cedar's lexer. What it cannot read as a string stops
            // it, so that whatever comes after is never parsed.
            b'"' => {
                while let Some(&inner) = bytes.get(at) {
                    at += if inner == b'\\' { 2 } else { 1 };
                    if inner == b'"' {
                        break;
                    }
                }
            }
            b'/' if bytes.get(at) == Some(&b'/') => {
                at += bytes[at..].iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count();
            }
            b'(' | b'[' | b'{' => nesting += 1,
            b')' | b']' | b'}' => nesting = nesting.saturating_sub(1),
            b';' => operators = 0,
            b'.' | b'&' | b'|' | b'+' | b'-' | b'*' => {
                // `&&` and `||` are one operator each.
                at += usize::from(matches!(byte, b'&' | b'|') && bytes.get(at) == Some(&byte));
                operators += 1;
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                at += bytes[at..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                    .count();
                operators += usize::from(matches!(&bytes[start..at], b"if" | b"when" | b"unless"));
            }
            _ => {}
        }
        if nesting > MAX_NESTING {
            return Some((start, format!("brackets nest deeper than {MAX_NESTING}")));
        }
        if operators > MAX_OPERATORS {
            return Some((
                start,
                format!("more than {MAX_OPERATORS} operators in one policy: split it"),
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_operators_are_counted_outside_strings_and_comments() {
        assert_eq!(excess(&"[".repeat(MAX_NESTING)), None);
        assert_eq!(excess(&"[".repeat(MAX_NESTING + 1)).map(|found| found.0), Some(MAX_NESTING));
        assert_eq!(
            excess(&format!("\"a\\\"{0}\" // {0}\n{1}", "(".repeat(99), "()".repeat(99))),
            None
        );
        assert_eq!(excess(&"a && ".repeat(MAX_OPERATORS)), None);
        assert!(excess(&"a && ".repeat(MAX_OPERATORS + 1)).is_some());
        assert_eq!(excess(&"a.b;".repeat(999)), None);
        assert!(excess(&"when{}".repeat(999)).is_some());
        assert_eq!(excess(&"whenever_if ".repeat(999)), None);
    }

    #[test]
    fn any_bytes_are_read_to_their_end() {
        for text in ["", "\"", "\"\\", "/", "//", "&", "é\"é\\é", "\u{0}"] {
            assert_eq!(excess(text), None, "{text:?}");
        }
    }
}
