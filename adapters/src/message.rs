//! The neutral message, which Slack (Block Kit), Discord (embeds) and the console all draw. The `bot`
//! crate builds it from state; each adapter draws it in its own way.
//!
//! Invariant: all strings are plain text, already sanitised, never markup. An adapter escapes every
//! one of them for its platform.

use serde::Serialize;

/// One message, whole: a card in chat, lines in a terminal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// What the message says as a whole; decides its symbol and its colour.
    pub tone: Mark,
    /// One line; all that a notification on a phone shows.
    pub headline: String,
    pub sections: Vec<Section>,
    pub buttons: Vec<Button>,
    /// Choices among more than buttons are good for; drawn after the buttons.
    pub selects: Vec<Select>,
    pub files: Vec<Attachment>,
    /// Small print under everything: a reference, how long it took.
    pub footer: Option<String>,
}

impl Message {
    /// A message that is only a headline so far.
    pub fn new(tone: Mark, headline: impl Into<String>) -> Self {
        Self {
            tone,
            headline: headline.into(),
            sections: Vec::new(),
            buttons: Vec::new(),
            selects: Vec::new(),
            files: Vec::new(),
            footer: None,
        }
    }

    /// With one more section at the end.
    #[must_use]
    pub fn section(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// With one more button at the end.
    #[must_use]
    pub fn button(mut self, button: Button) -> Self {
        self.buttons.push(button);
        self
    }

    /// With one more select at the end.
    #[must_use]
    pub fn select(mut self, select: Select) -> Self {
        self.selects.push(select);
        self
    }

    /// Everything that can be chosen, as buttons: for platforms without selects.
    pub fn choices(&self) -> impl Iterator<Item = Button> + '_ {
        let picks = self.selects.iter().flat_map(|select| &select.options);
        let picks = picks.map(|(label, line)| Button::run(label, line));
        self.buttons.iter().cloned().chain(picks)
    }

    /// With a file attached.
    #[must_use]
    pub fn file(mut self, file: Attachment) -> Self {
        self.files.push(file);
        self
    }

    /// With small print.
    #[must_use]
    pub fn footer(mut self, footer: impl Into<String>) -> Self {
        self.footer = Some(footer.into());
        self
    }
}

/// How something stands. Always drawn as a symbol or a word as well: colour is never the only signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Ok,
    Warn,
    Fail,
    /// What was asked about is not there.
    Absent,
    NoData,
    /// This installation does not offer it.
    Unsupported,
    /// Not finished: the message will be updated.
    Working,
    Info,
}

impl Mark {
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Warn,
        Self::Fail,
        Self::Absent,
        Self::NoData,
        Self::Unsupported,
        Self::Working,
        Self::Info,
    ];

    /// One character, one column wide.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::Warn => "!",
            Self::Fail => "✗",
            Self::Absent => "○",
            Self::NoData => "?",
            Self::Unsupported => "–",
            Self::Working => "…",
            Self::Info => "i",
        }
    }

    /// A sign that shows from afar, where attention is wanted. Their shapes differ, and the word always
    /// stands beside them.
    #[must_use]
    pub fn emoji(self) -> &'static str {
        match self {
            Self::Ok => "✅",
            Self::Warn => "⚠️",
            Self::Fail => "❌",
            Self::Absent => "⭕",
            Self::NoData => "❔",
            Self::Unsupported => "➖",
            Self::Working => "⏳",
            Self::Info => "ℹ️",
        }
    }

    /// The same as [`Mark::symbol`] in ASCII, for terminals without UTF-8.
    #[must_use]
    pub fn ascii(self) -> &'static str {
        match self {
            Self::Ok => "+",
            Self::Fail => "x",
            Self::Absent => "o",
            Self::Unsupported => "-",
            Self::Working => ".",
            Self::Warn | Self::NoData | Self::Info => self.symbol(),
        }
    }

    /// The word for it, for text and for screen readers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warning",
            Self::Fail => "failing",
            Self::Absent => "absent",
            Self::NoData => "no data",
            Self::Unsupported => "unsupported",
            Self::Working => "working",
            Self::Info => "info",
        }
    }

    /// Whether somebody should look: such lines are drawn with all they carry, the others compactly.
    #[must_use]
    pub fn wants_attention(self) -> bool {
        matches!(self, Self::Warn | Self::Fail | Self::Absent)
    }
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    pub title: Option<String>,
    /// Details that most readers skip: drawn short, with a way to the rest.
    pub folded: bool,
    pub content: Content,
}

impl Section {
    fn new(content: Content) -> Self {
        Self { title: None, folded: false, content }
    }

    /// Running text; a newline is a new paragraph.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text(text.into()))
    }

    /// Text whose spaces and line ends matter: logs, commands, configuration.
    pub fn code(text: impl Into<String>) -> Self {
        Self::new(Content::Code(text.into()))
    }

    /// Names with their values.
    #[must_use]
    pub fn fields(fields: Vec<Field>) -> Self {
        Self::new(Content::Fields(fields))
    }

    /// Rows under columns.
    #[must_use]
    pub fn table(table: Table) -> Self {
        Self::new(Content::Table(table))
    }

    /// What was found, line by line.
    #[must_use]
    pub fn findings(lines: Vec<Line>) -> Self {
        Self::new(Content::Findings(lines))
    }

    /// Under a title.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Folded.
    #[must_use]
    pub fn folded(mut self) -> Self {
        self.folded = true;
        self
    }
}

/// What a section holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Text(String),
    Code(String),
    Fields(Vec<Field>),
    Table(Table),
    Findings(Vec<Line>),
}

/// A name and its value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    pub name: String,
    pub value: String,
}

impl Field {
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// Rows under columns, the most important column first: where room is short the last ones go.
/// A row with too few cells is filled with empty ones; cells beyond the columns are not drawn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// With one more row.
    #[must_use]
    pub fn row(mut self, cells: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }
}

/// A column's head and side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    pub title: String,
    pub align: Align,
}

impl Column {
    /// A column of words.
    pub fn left(title: impl Into<String>) -> Self {
        Self { title: title.into(), align: Align::Left }
    }

    /// A column of numbers. Its cells are never cut: a number without its end would lie.
    pub fn right(title: impl Into<String>) -> Self {
        Self { title: title.into(), align: Align::Right }
    }
}

/// Which side a column's cells lean on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    Left,
    Right,
}

/// One finding: what, how it stands, what was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub mark: Mark,
    pub subject: String,
    pub text: String,
    /// Where it was seen and how old that is.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Line {
    pub fn new(mark: Mark, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { mark, subject: subject.into(), text: text.into(), detail: None, hint: None }
    }

    /// With provenance and age.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Something to press.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Button {
    pub label: String,
    pub action: Action,
    pub style: ButtonStyle,
    /// A question that has to be answered with yes first.
    pub confirm: Option<String>,
}

impl Button {
    /// A button that runs a command line, given without `/nova`.
    pub fn run(label: impl Into<String>, line: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            action: Action::Run { line: line.into() },
            style: ButtonStyle::Default,
            confirm: None,
        }
    }

    /// A button that opens a form; where there are none, it runs `line`.
    pub fn form(
        label: impl Into<String>,
        form: impl Into<String>,
        argument: impl Into<String>,
        line: impl Into<String>,
    ) -> Self {
        let action =
            Action::Form { form: form.into(), argument: argument.into(), line: line.into() };
        Self { action, ..Self::run(label, "") }
    }

    /// A button that leads to a web page. `url` is ours, never text from outside.
    pub fn link(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { action: Action::Link { url: url.into() }, ..Self::run(label, "") }
    }

    /// In another style.
    #[must_use]
    pub fn style(mut self, style: ButtonStyle) -> Self {
        self.style = style;
        self
    }

    /// That asks first.
    #[must_use]
    pub fn confirm(mut self, question: impl Into<String>) -> Self {
        self.confirm = Some(question.into());
        self
    }
}

/// What a button does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Runs a command line, as if the person had typed it.
    Run { line: String },
    /// Opens a form; where there are none, runs `line`.
    Form { form: String, argument: String, line: String },
    /// Leads to a web page.
    Link { url: String },
}

/// One choice of several, each of which runs a command line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Select {
    /// What is asked, shown while nothing is chosen.
    pub placeholder: String,
    /// Labels with their command lines; up to 100.
    pub options: Vec<(String, String)>,
}

/// How strongly a button shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonStyle {
    Default,
    Primary,
    Danger,
}

/// A file that goes with a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attachment {
    pub name: String,
    pub media_type: &'static str,
    /// Left out of the serialised form, which is for logs and comparing.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn every_mark_is_told_apart_without_colour() {
        for pick in [Mark::symbol, Mark::ascii, Mark::word] {
            let mut seen: Vec<_> = Mark::ALL.map(pick).to_vec();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), Mark::ALL.len(), "{seen:?}");
        }
        for mark in Mark::ALL {
            assert_eq!((mark.symbol().width(), mark.ascii().len()), (1, 1), "{mark:?}");
            assert!(mark.ascii().is_ascii(), "{mark:?}");
        }
    }

    #[test]
    fn serialised_without_the_bytes_of_files() {
        let message = Message::new(Mark::Warn, "disk 91 %")
            .section(Section::findings(vec![Line::new(Mark::Warn, "node-1", "91 %")]).folded())
            .button(Button::run("look", "disk node-1"))
            .file(Attachment {
                name: "a.bin".into(),
                media_type: "image/png",
                bytes: vec![1, 2, 3],
            });
        insta::assert_snapshot!(serde_json::to_string(&message).unwrap(), @r#"{"tone":"warn","headline":"disk 91 %","sections":[{"title":null,"folded":true,"content":{"findings":[{"mark":"warn","subject":"node-1","text":"91 %","detail":null,"hint":null}]}}],"buttons":[{"label":"look","action":{"run":{"line":"disk node-1"}},"style":"default","confirm":null}],"selects":[],"files":[{"name":"a.bin","media_type":"image/png"}],"footer":null}"#);
    }
}
