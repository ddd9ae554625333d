//! Log lines out of bytes as they arrive: which of them match, and the last of those.
//!
//! Invariant: memory is bounded by what is kept and one line, whatever comes in. Nothing is turned
//! into text here, and where a pattern allows it a whole block is searched at once, so that reading a
//! log costs little more than looking for the pattern. Called by `tail`.

use std::collections::VecDeque;

use jiff::Timestamp;
use memchr::{memchr, memchr_iter, memrchr};
use regex::bytes::{Regex, RegexBuilder};

use crate::text::Untrusted;

/// Longest part of a line that is looked at and kept, in bytes.
pub(super) const MAX_LINE: usize = 16 * 1024;
/// Longest pattern, in bytes, and the most memory that one may take once it is compiled.
const MAX_PATTERN: usize = 1_000;
const MAX_COMPILED: usize = 1024 * 1024;
/// The longest time stamp that a line begins with: `2026-11-25T10:00:00.123456789+00:00`.
const MAX_STAMP: usize = 40;

const ESCAPE: u8 = 0x1B;

/// A pattern that lines have to match. Takes time linear in what it reads, whoever wrote it.
#[derive(Debug)]
pub struct Filter {
    regex: Regex,
    /// Whether a match within a block of lines is the same as one within its line.
    in_blocks: bool,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When the container wrote it, where the cluster said so.
    pub at: Option<Timestamp>,
    /// At most 16 KiB of it.
    pub text: Untrusted,
}

impl Filter {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.is_empty() {
            return Err("the pattern is empty".to_owned());
        }
        if pattern.len() > MAX_PATTERN {
            return Err(format!("the pattern is longer than {MAX_PATTERN} bytes"));
        }
        let regex = RegexBuilder::new(pattern)
            .multi_line(true)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
                // The words are a drawing of the pattern; its last line says what is wrong.
                error => {
                    let words = error.to_string();
                    let last = words.lines().last().unwrap_or_default();
                    last.trim_start_matches("error: ").to_owned()
                }
            })?;
        // A line begins after its time stamp, which a search through a block does not know.
        let plain = pattern.strip_prefix("(?i)").unwrap_or(pattern);
        let in_blocks = !["^", "\\A", "\\z", "(?"].iter().any(|part| plain.contains(part));
        Ok(Self { regex, in_blocks })
    }

    fn matches(&self, line: &[u8]) -> bool {
        self.regex.is_match(content(&line[..line.len().min(MAX_LINE)]))
    }
}

/// The last lines that match, out of bytes that are cut anywhere.
pub(super) struct Last<'f> {
    filter: Option<&'f Filter>,
    most_lines: usize,
    most_bytes: usize,
    kept: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The beginning of a line whose end has not come.
    begun: Option<Vec<u8>>,
    lines: u64,
    matched: u64,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kept: Vec<Line>,
    pub(super) lines: u64,
    pub(super) matched: u64,
}

impl<'f> Last<'f> {
    pub(super) fn new(filter: Option<&'f Filter>, most_lines: usize, most_bytes: usize) -> Self {
        Self {
            filter,
            most_lines: most_lines.max(1),
            most_bytes,
            kept: VecDeque::new(),
            bytes: 0,
            begun: None,
            lines: 0,
            matched: 0,
        }
    }

    /// Takes the next bytes of the log.
    pub(super) fn feed(&mut self, mut chunk: &[u8]) {
        if let Some(begun) = &mut self.begun {
            let end = memchr(b'\n', chunk);
            extend(begun, &chunk[..end.unwrap_or(chunk.len())]);
            let Some(end) = end else { return };
            chunk = &chunk[end + 1..];
            let line = self.begun.take().unwrap_or_default();
            self.line(&line);
        }
        let whole = memrchr(b'\n', chunk).map_or(0, |last| last + 1);
        self.block(&chunk[..whole]);
        let rest = &chunk[whole..];
        if !rest.is_empty() {
            let mut begun = Vec::new();
            extend(&mut begun, rest);
            self.begun = Some(begun);
        }
    }

    /// The last lines, the oldest first.
    pub(super) fn finish(mut self) -> Found {
        if let Some(line) = self.begun.take() {
            self.line(&line);
        }
        let mut at = None;
        let read = |line: Vec<u8>| {
            // A line without a time stamp is the rest of the one before it.
            at = stamp(&line).and_then(|stamp| stamp.parse().ok()).or(at);
            Line { at, text: Untrusted::from_bytes(&uncoloured(content(&line))) }
        };
        Found {
            kept: self.kept.into_iter().map(read).collect(),
            lines: self.lines,
            matched: self.matched,
        }
    }

    fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        if self.filter.is_none_or(|filter| filter.matches(line)) {
            self.keep(line);
        }
    }

    /// Whole lines, each with its line feed.
    fn block(&mut self, block: &[u8]) {
        let Some(filter) = self.filter.filter(|filter| filter.in_blocks) else {
            let mut rest = block;
            while let Some(end) = memchr(b'\n', rest) {
                self.line(&rest[..end]);
                rest = &rest[end + 1..];
            }
            return;
        };
        self.lines += memchr_iter(b'\n', block).count() as u64;
        let mut from = 0;
        // Every line that matches by itself has a match that begins in it. What is found may also lie
        // in its time stamp or reach over its end, so the line is asked again.
        while let Some(found) = filter.regex.find_at(block, from) {
            let start = memrchr(b'\n', &block[..found.start()]).map_or(0, |before| before + 1);
            let Some(end) = memchr(b'\n', &block[found.start()..]) else { return };
            let end = found.start() + end;
            if filter.matches(&block[start..end]) {
                self.keep(&block[start..end]);
            }
            from = end + 1;
        }
    }

    fn keep(&mut self, line: &[u8]) {
        self.matched += 1;
        let line = &line[..line.len().min(MAX_LINE)];
        let mut spare = Vec::new();
        while self.kept.len() >= self.most_lines
            || (self.bytes + line.len() > self.most_bytes && !self.kept.is_empty())
        {
            spare = self.kept.pop_front().unwrap_or_default();
            self.bytes -= spare.len();
        }
        spare.clear();
        spare.extend_from_slice(line);
        self.bytes += spare.len();
        self.kept.push_back(spare);
    }
}

fn extend(line: &mut Vec<u8>, more: &[u8]) {
    let room = MAX_LINE - line.len();
    line.extend_from_slice(&more[..more.len().min(room)]);
}

/// The time stamp that the cluster puts before a line.
fn stamp(line: &[u8]) -> Option<&str> {
    let end = memchr(b' ', &line[..line.len().min(MAX_STAMP)])?;
    let stamp = &line[..end];
    let looks = stamp.len() >= 20 && stamp[0].is_ascii_digit() && stamp[10] == b'T';
    std::str::from_utf8(stamp).ok().filter(|_| looks)
}

/// What the container wrote.
fn content(line: &[u8]) -> &[u8] {
    match stamp(line) {
        Some(stamp) => &line[stamp.len() + 1..],
        None => line,
    }
}

/// Without the escape sequences that colour a terminal: `ESC [ … m`. A lone escape character stays and
/// is the sanitiser's.
fn uncoloured(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = memchr(ESCAPE, rest) {
        plain.extend_from_slice(&rest[..start]);
        rest = &rest[start..];
        let end = rest.iter().skip(2).position(|byte| (0x40..=0x7E).contains(byte));
        match end.filter(|_| rest.get(1) == Some(&b'[')) {
            Some(end) => rest = &rest[end + 3..],
            None => {
                plain.push(ESCAPE);
                rest = &rest[1..];
            }
        }
    }
    plain.extend_from_slice(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(pattern: Option<&str>, log: &[u8], cut: usize, (lines, bytes): (usize, usize)) -> Found {
        let filter = pattern.map(|pattern| Filter::new(pattern).unwrap());
        let mut last = Last::new(filter.as_ref(), lines, bytes);
        log.chunks(cut.max(1)).for_each(|chunk| last.feed(chunk));
        last.finish()
    }

    fn texts(found: &Found) -> Vec<&str> {
        found.kept.iter().map(|line| line.text.raw()).collect()
    }

    #[test]
    fn a_pattern_is_about_what_the_container_wrote() {
        let log =
            b"2026-11-25T10:00:00.1Z start 25\n2026-11-25T10:00:01Z error: disk\nplain error\n";
        let at = |text: &str| Some(text.parse().unwrap());
        for cut in [1, 7, 1000] {
            let found = run(Some("error"), log, cut, (10, 1000));
            assert_eq!(texts(&found), ["error: disk", "plain error"]);
            assert_eq!((found.lines, found.matched), (3, 2));
            assert_eq!(found.kept[1].at, at("2026-11-25T10:00:01Z"));
            // Neither the year nor the day is part of the line.
            assert_eq!(texts(&run(Some("2026|25"), log, cut, (10, 1000))), ["start 25"]);
            assert_eq!(texts(&run(Some("^error"), log, cut, (10, 1000))), ["error: disk"]);
            assert_eq!(texts(&run(Some("disk$"), log, cut, (10, 1000))), ["error: disk"]);
            assert_eq!(texts(&run(Some("(?i)ERROR"), log, cut, (10, 1000))).len(), 2);
        }
    }

    #[test]
    fn an_endless_line_takes_the_room_of_one_line() {
        let found = run(None, &[b'x'; 100_000], 4096, (10, 1_000_000));
        assert_eq!((found.kept.len(), found.kept[0].text.raw().len()), (1, MAX_LINE));
        let log = [b"y\n".as_slice(), &[b'x'; 100_000], b"\nz\n"].concat();
        assert_eq!(texts(&run(Some("y|z"), &log, 4096, (10, 1000))), ["y", "z"]);
    }

    #[test]
    fn only_the_last_lines_are_kept_within_their_bytes() {
        let log: Vec<u8> = (0..1000).flat_map(|n| format!("line {n:04}\n").into_bytes()).collect();
        let found = run(None, &log, 33, (3, 1000));
        assert_eq!(texts(&found), ["line 0997", "line 0998", "line 0999"]);
        assert_eq!(found.matched, 1000);
        assert_eq!(texts(&run(None, &log, 33, (100, 20))), ["line 0998", "line 0999"]);
    }

    #[test]
    fn colours_are_left_out_and_nothing_else() {
        for (line, expected) in [
            ("\x1b[31mred\x1b[0m and \x1b[1;38;5;9mbold\x1b[m", "red and bold"),
            ("\x1b[31", "\x1b[31"),
            ("a\x1bb\x1b", "a\x1bb\x1b"),
            ("plain [31m", "plain [31m"),
        ] {
            assert_eq!(uncoloured(line.as_bytes()), expected.as_bytes(), "{line:?}");
        }
    }

    #[test]
    fn a_bad_pattern_is_said_in_one_line() {
        assert_eq!(Filter::new("(").unwrap_err(), "unclosed group");
        assert_eq!(Filter::new("").unwrap_err(), "the pattern is empty");
        assert_eq!(
            Filter::new(&"x".repeat(2000)).unwrap_err(),
            "the pattern is longer than 1000 bytes"
        );
        assert_eq!(Filter::new(r"(\w{100}){100}").unwrap_err(), "the pattern is too large");
    }

    proptest! {
        /// Searching whole blocks finds what asking line by line finds.
        #[test]
        fn blocks_and_lines_agree(
            log in "([ab \\n]|2026-11-25T10:00:00Z ){0,60}",
            pattern in prop::sample::select(vec!["a", "b*", "a\\s+b", "\\bab\\b", "b$", "[^a]b", "a.b"]),
            cut in 1usize..40,
        ) {
            let filter = Filter::new(pattern).unwrap();
            let mut expected: Vec<&str> = log.split('\n').collect();
            if expected.last() == Some(&"") {
                expected.pop();
            }
            expected.retain(|line| filter.matches(line.as_bytes()));
            let found = run(Some(pattern), log.as_bytes(), cut, (1000, 100_000));
            let expected: Vec<_> =
                expected.iter().map(|line| std::str::from_utf8(content(line.as_bytes())).unwrap()).collect();
            prop_assert_eq!(texts(&found), expected);
        }
    }
}
