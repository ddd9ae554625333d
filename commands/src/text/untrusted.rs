//! Untrusted text as a type, and the one way out of it.
//!
//! Everything that a diagnostic reports may carry words from logs, labels or servers, so all text in
//! a report is [`Untrusted`]: it has no `Display` and cannot be put into a message except through the
//! [`Sanitiser`], which works in one fixed order: lossy UTF-8 → strip control, bidi and
//! zero-width characters → redact secrets → truncate. Escaping for a platform and cutting into
//! chunks come after it, in the adapters.

use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use secrecy::{ExposeSecret, SecretString};

/// Text that may hold anything, whoever wrote it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Untrusted(String);

impl Untrusted {
    /// Takes raw bytes; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The raw text, for comparing and sorting only. Showing it is the [`Sanitiser`]'s work.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Untrusted {
    /// Only the length: a debug print is a way into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({} bytes)", self.0.len())
    }
}

/// Shortest secret that is looked for by its value: shorter ones would blank ordinary words.
const MIN_SECRET: usize = 6;

/// The fewest bytes that [`SHAPES`] finds: `pwd=abc`.
const SHORTEST_SHAPE: usize = 7;

/// Shapes of secrets. The first group, where there is one, is kept; the rest is replaced.
static SHAPES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<pem>-----BEGIN [A-Z0-9 ]{1,40}-----(?s:.)*?(?:-----END [A-Z0-9 ]{1,40}-----|\z))",
        r"|(?P<userinfo>[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{0,200}:)[^\s@]{1,500}@",
        r"|(?P<bearer>(?i:bearer|basic)\s+)(?:[A-Za-z0-9._~+/=-]*[0-9._~+/=][A-Za-z0-9._~+/=-]{4,}|[A-Za-z0-9._~+/=-]{16,})",
        r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
        r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}",
        r"|\bxox[abeoprs]-[A-Za-z0-9-]{8,}|\bxapp-[A-Za-z0-9-]{8,}",
        r"|\bhvs\.[A-Za-z0-9_-]{16,}|\bAIza[A-Za-z0-9_-]{30,}|\bsk_live_[A-Za-z0-9]{10,}",
        r#"|(?P<named>(?i:[a-z0-9_.-]{0,40}(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)s?)["']?\s{0,3}[:=]\s{0,3}["']?)[^\s"',;&}]{3,}"#,
    ))
    .expect("the pattern is a constant that the tests compile")
});

/// Turns [`Untrusted`] text into text that may be shown. Holds the process's own secrets, so that
/// none of them leaves whatever shape it has.
#[derive(Clone, Default)]
pub struct Sanitiser {
    known: Vec<SecretString>,
}

impl Sanitiser {
    /// A sanitiser that also blanks these values wherever they stand.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        // In the form in which text is compared: without what is never shown.
        let stripped = |secret: SecretString| {
            SecretString::from(
                secret.expose_secret().chars().filter(|c| shown(*c)).collect::<String>(),
            )
        };
        let mut known: Vec<SecretString> = secrets
            .into_iter()
            .map(stripped)
            .filter(|secret| secret.expose_secret().len() >= MIN_SECRET)
            .collect();
        // Longest first: a secret that contains another one is blanked whole.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self { known }
    }

    /// Text of one line, at most `max` characters (an ellipsis counts).
    #[must_use]
    pub fn line(&self, text: &Untrusted, max: usize) -> String {
        let stripped: String = text
            .0
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .filter(|c| shown(*c))
            .collect();
        truncate(self.redact(stripped), max)
    }

    /// Text of several lines (line feeds and tabs stay), at most `max` characters.
    #[must_use]
    pub fn block(&self, text: &Untrusted, max: usize) -> String {
        let stripped: String = text
            .0
            .replace("\r\n", "\n")
            .chars()
            .filter(|c| matches!(c, '\n' | '\t') || shown(*c))
            .collect();
        truncate(self.redact(stripped), max)
    }

    fn redact(&self, mut text: String) -> String {
        for secret in &self.known {
            if text.contains(secret.expose_secret()) {
                text = text.replace(secret.expose_secret(), "[secret]");
            }
        }
        // Most lines hold no secret; the look costs no allocation.
        if text.len() < SHORTEST_SHAPE || !SHAPES.is_match(&text) {
            return text;
        }
        SHAPES
            .replace_all(&text, |found: &Captures<'_>| {
                let kept = ["bearer", "named"]
                    .iter()
                    .find_map(|name| found.name(name))
                    .map_or("", |m| m.as_str());
                match found.name("userinfo") {
                    Some(head) => format!("{}[secret]@", head.as_str()),
                    None => format!("{kept}[secret]"),
                }
            })
            .into_owned()
    }
}

/// Characters that change what a reader sees without being seen are dropped: C0 and C1 controls,
/// bidi marks and overrides, zero-width characters, tags, variation of lines, private noise.
fn shown(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0E}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'))
}

fn truncate(text: String, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text,
        Some(_) => {
            let mut cut: String = text.chars().take(max.saturating_sub(1)).collect();
            cut.push('…');
            cut
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(text: &str) -> String {
        Sanitiser::default().line(&text.into(), 200)
    }

    #[test]
    fn shapes_of_secrets_are_blanked() {
        for (dirty, expected) in [
            ("postgres://nova:hunter22@db/x", "postgres://nova:[secret]@db/x"),
            ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [secret]"),
            ("password=hunter22 user=x", "password=[secret] user=x"),
            ("pwd=abc", "pwd=[secret]"),
            ("ab://:x@", "ab://:[secret]@"),
            (r#"{"db_password": "hunter22"}"#, r#"{"db_password": "[secret]"}"#),
            ("id AKIAIOSFODNN7EXAMPLE ok", "id [secret] ok"),
            ("eyJhbGciOi.eyJzdWIiOi.c2ln done", "[secret] done"),
            ("basic connectivity lost", "basic connectivity lost"),
            ("plain words stay, 3 of 4 ready", "plain words stay, 3 of 4 ready"),
        ] {
            assert_eq!(clean(dirty), expected);
        }
    }

    #[test]
    fn a_secret_split_by_invisible_characters_is_still_found() {
        let sanitiser = Sanitiser::new([SecretString::from("tr0ub4dor")]);
        let text = "user tr0\u{200B}ub\u{1b}4d\u{202E}or!".into();
        assert_eq!(sanitiser.line(&text, 100), "user [secret]!");
    }

    #[test]
    fn a_pem_block_goes_whole_even_when_its_end_is_missing() {
        assert_eq!(clean("x -----BEGIN PRIVATE KEY-----\nMIIE\nabc"), "x [secret]");
    }

    proptest! {
        #[test]
        fn nothing_invisible_comes_out(text in any::<String>(), max in 1usize..80) {
            let out = Sanitiser::default().line(&text.as_str().into(), max);
            prop_assert!(out.chars().count() <= max);
            prop_assert!(out.chars().all(shown));
        }

        #[test]
        fn a_known_secret_never_comes_out(before in ".{0,40}", after in ".{0,40}", max in 1usize..120) {
            let sanitiser = Sanitiser::new([SecretString::from("s3cr3t-value")]);
            let out = sanitiser.block(&format!("{before}s3cr3t-value{after}").into(), max);
            prop_assert!(!out.contains("s3cr3t-value"));
        }
    }
}
