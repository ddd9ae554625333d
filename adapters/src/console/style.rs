//! What a terminal can show, and lines painted for it. [`Style`] is made once by the composition
//! root, from values that it read; nothing here reads the environment.
//!
//! Invariant: the only escape codes are the ones in [`Paint::code`]; text reaches a row through
//! [`Style`]'s cleaning.

use crate::message::Mark;

use super::text;

/// The narrowest terminal that is drawn for, in columns; anything narrower is drawn as this.
pub(super) const MIN_WIDTH: usize = 20;
const MAX_WIDTH: usize = 400;
/// Where the width is not known: a pipe, a file.
const DEFAULT_WIDTH: usize = 100;

/// How to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns that a line may take.
    pub width: usize,
    /// Whether marks are coloured.
    pub colour: bool,
    /// Whether anything beyond ASCII can be shown.
    pub unicode: bool,
    /// Whether folded sections and long texts are drawn whole.
    pub full: bool,
}

/// What the environment says of the terminal, each value as it was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Environment<'a> {
    pub no_color: Option<&'a str>,
    pub term: Option<&'a str>,
    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set and not empty.
    pub lang: Option<&'a str>,
    /// `COLUMNS`, or the width that the terminal itself gave.
    pub columns: Option<&'a str>,
}

impl Environment<'_> {
    /// Whether the terminal can move its cursor: without that, lines are not edited and progress is
    /// not redrawn.
    #[must_use]
    pub fn moves_cursor(&self) -> bool {
        self.term.is_some_and(|term| {
            !["", "dumb", "cons25", "emacs"].iter().any(|poor| poor.eq_ignore_ascii_case(term))
        })
    }
}

impl Style {
    /// The style for an output that is a terminal (`is_tty`) or is not.
    #[must_use]
    pub fn detect(is_tty: bool, environment: &Environment<'_>) -> Self {
        let columns = environment.columns.and_then(|columns| columns.trim().parse().ok());
        let plain = environment.no_color.is_some_and(|value| !value.is_empty());
        // No locale at all is what containers and `kubectl exec` give; the terminal behind it
        // speaks UTF-8 nowadays. A locale that was chosen is believed.
        let unicode = environment.lang.is_none_or(|lang| {
            let lang = lang.to_ascii_lowercase();
            lang.is_empty() || lang.contains("utf-8") || lang.contains("utf8")
        });
        Self {
            width: columns.unwrap_or(DEFAULT_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH),
            colour: is_tty && !plain && environment.moves_cursor(),
            unicode,
            full: false,
        }
    }

    /// The same for another width, in columns.
    #[must_use]
    pub fn with_width(mut self, columns: usize) -> Self {
        self.width = columns.clamp(MIN_WIDTH, MAX_WIDTH);
        self
    }

    /// With nothing left out.
    #[must_use]
    pub fn with_full(mut self, full: bool) -> Self {
        self.full = full;
        self
    }

    pub(super) fn symbol(&self, mark: Mark) -> &'static str {
        if self.unicode { mark.symbol() } else { mark.ascii() }
    }

    /// One of nova's own signs in a form that the terminal shows.
    pub(super) fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    pub(super) fn ellipsis(&self) -> &'static str {
        self.sign("…", "...")
    }

    pub(super) fn clean(&self, text: &str) -> String {
        text::clean(text, self.unicode)
    }

    pub(super) fn one_line(&self, text: &str) -> String {
        text::one_line(text, self.unicode)
    }

    pub(super) fn cut(&self, text: &str, room: usize) -> String {
        text::cut(text, room, self.ellipsis()).into_owned()
    }

    pub(super) fn cut_middle(&self, text: &str, room: usize) -> String {
        text::cut_middle(text, room, self.ellipsis()).into_owned()
    }
}

/// How a piece of a line is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Bold,
    Dim,
    Mark(Mark),
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim | Self::Mark(Mark::Unsupported) => "\x1b[2m",
            Self::Mark(Mark::Ok) => "\x1b[32m",
            Self::Mark(Mark::Warn) => "\x1b[33m",
            Self::Mark(Mark::Fail) => "\x1b[31m",
            Self::Mark(Mark::Absent | Mark::NoData) => "\x1b[35m",
            Self::Mark(Mark::Working | Mark::Info) => "\x1b[36m",
        }
    }
}

/// A line being put together from pieces of clean text.
#[derive(Clone, Debug, Default)]
pub(super) struct Row(Vec<(Paint, String)>);

impl Row {
    /// Starts with `columns` spaces.
    pub(super) fn indent(columns: usize) -> Self {
        Self::default().space(columns)
    }

    pub(super) fn push(mut self, paint: Paint, text: impl Into<String>) -> Self {
        self.0.push((paint, text.into()));
        self
    }

    pub(super) fn space(self, columns: usize) -> Self {
        self.push(Paint::Plain, " ".repeat(columns))
    }

    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text::width(text)).sum()
    }

    /// The line as it is written, without spaces at its end.
    pub(super) fn finish(mut self, style: &Style) -> String {
        while let Some((_, last)) = self.0.last_mut() {
            last.truncate(last.trim_end().len());
            if !last.is_empty() {
                break;
            }
            self.0.pop();
        }
        let mut line = String::new();
        for (paint, text) in self.0 {
            match paint.code() {
                code if style.colour && !code.is_empty() && !text.is_empty() => {
                    line.extend([code, &text, "\x1b[0m"]);
                }
                _ => line.push_str(&text),
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detected_from_what_the_terminal_says() {
        let xterm = Environment { term: Some("xterm-256color"), ..Environment::default() };
        let style = Style::detect(true, &xterm);
        assert_eq!(style, Style { width: 100, colour: true, unicode: true, full: false });
        assert!(!Style::detect(false, &xterm).colour);
        assert!(!Style::detect(true, &Environment { no_color: Some("1"), ..xterm }).colour);
        assert!(Style::detect(true, &Environment { no_color: Some(""), ..xterm }).colour);
        assert!(!Style::detect(true, &Environment { term: Some("dumb"), ..xterm }).colour);
        assert!(!Style::detect(true, &Environment::default()).colour);
        for (lang, unicode) in
            [("C", false), ("POSIX", false), ("de_DE.UTF-8", true), ("C.utf8", true)]
        {
            let style = Style::detect(true, &Environment { lang: Some(lang), ..xterm });
            assert_eq!(style.unicode, unicode, "{lang}");
        }
        for (columns, width) in [("40", 40), ("0", 20), ("-1", 100), ("99999", 400), ("x", 100)] {
            let style = Style::detect(true, &Environment { columns: Some(columns), ..xterm });
            assert_eq!(style.width, width, "{columns}");
        }
    }

    #[test]
    fn painted_only_where_colour_is_wanted() {
        let row = Row::indent(2).push(Paint::Mark(Mark::Fail), "x").push(Paint::Dim, " ").space(3);
        let mut style = Style::detect(false, &Environment::default());
        assert_eq!(row.clone().finish(&style), "  x");
        style.colour = true;
        assert_eq!(row.finish(&style), "  \x1b[31mx\x1b[0m");
    }
}
