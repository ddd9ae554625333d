//! The one place where text from outside is made storable. PostgreSQL's TEXT refuses NUL and
//! nothing here may grow without bound; every column the store writes passes through [`clean`].

/// `text` without NUL (each becomes U+FFFD) and at most `limit` bytes long, cut between characters
/// and then ended with an ellipsis that counts towards the limit.
pub(super) fn clean(text: &str, limit: usize) -> String {
    const ELLIPSIS: &str = "…";
    // One character (four bytes) beyond the limit tells that there is more; the rest never matters.
    let head = &text[..text.floor_char_boundary(limit.saturating_add(4))];
    let mut cleaned = head.replace('\0', "\u{fffd}");
    if cleaned.len() > limit {
        cleaned.truncate(cleaned.floor_char_boundary(limit.saturating_sub(ELLIPSIS.len())));
        cleaned.push_str(ELLIPSIS);
    }
    cleaned
}

/// The same of a text that nobody else needs: most are fine as they are.
pub(super) fn cleaned(text: String, limit: usize) -> String {
    if text.len() <= limit && !text.contains('\0') { text } else { clean(&text, limit) }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn nul_is_replaced_and_everything_else_is_kept() {
        assert_eq!(
            clean("a\0b\u{202e}\u{1b}[31m\u{fffd}é", 100),
            "a\u{fffd}b\u{202e}\u{1b}[31m\u{fffd}é"
        );
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(clean("ééééé", 10), "ééééé");
        assert_eq!(clean("éééééé", 10), "ééé…");
        for limit in 3..40 {
            let cut = clean(&"\0é🦀x".repeat(20), limit);
            assert!(cut.len() <= limit, "{limit}: {cut:?}");
            assert!(cut.ends_with('…'), "{limit}: {cut:?}");
        }
    }
}
