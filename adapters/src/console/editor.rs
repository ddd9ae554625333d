//! Line editing on a terminal: keys, history and completion, by rustyline. Called by the prompt's
//! thread only.
//!
//! Invariant: the history file is a plain file that only its owner may read, of bounded size; answers
//! to questions and lines that start with a space never reach it.

use std::borrow::Cow;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::termios::{QueueSelector, tcflush};
use rustyline::completion::Completer as Complete;
use rustyline::config::BellStyle;
use rustyline::error::{ReadlineError, Signal};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::prompt::{Completer, Input, MAX_LINE, PromptOptions, Request};
use super::text::one_line;

/// Lines that are remembered.
const HISTORY_LINES: usize = 1000;
/// A history file larger than this, in bytes, is not ours, or was tampered with.
const HISTORY_BYTES: u64 = 4 * 1024 * 1024;
/// A line longer than this, in bytes, is not remembered, which bounds the file.
const HISTORY_LINE: usize = 4 * 1024;
/// Candidates that completion lists.
const CANDIDATES: usize = 200;

pub(super) struct LineEditor {
    editor: Editor<Words, DefaultHistory>,
    prompt: String,
    history: Option<PathBuf>,
    remembers: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    pub(super) history_problem: Option<String>,
}

impl LineEditor {
    pub(super) fn new(options: PromptOptions) -> io::Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY_LINES)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(plain)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .bell_style(BellStyle::None)
            .build();
        let mut editor = Editor::with_config(config).map_err(plain)?;
        editor.set_helper(Some(Words {
            completer: options.completer,
            asking: false,
            hidden: false,
        }));
        let mut history = options.history;
        let mut history_problem = None;
        if let Some(path) = &history {
            let loaded = prepare(path).and_then(|()| editor.load_history(path).map_err(plain));
            if let Err(error) = loaded {
                history_problem = Some(format!("{}: {error}", path.display()));
                history = None;
            }
        }
        let prompt = one_line(&options.prompt, true);
        Ok(Self { editor, prompt, history, remembers: options.remembers, history_problem })
    }

    /// One line, or an answer to a question.
    pub(super) fn read(&mut self, request: &Request) -> Input {
        let question = match request {
            Request::Line => None,
            Request::Answer { question } | Request::Secret { question } => {
                Some(one_line(question, true))
            }
        };
        if let Some(words) = self.editor.helper_mut() {
            words.asking = question.is_some();
            words.hidden = matches!(request, Request::Secret { .. });
        }
        let input = loop {
            match self.editor.readline(question.as_deref().unwrap_or(&self.prompt)) {
                Ok(line) => break accept(&line),
                Err(ReadlineError::Signal(Signal::Resize)) => {}
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => break Input::Cancel,
                Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                    // The rest of the line must not be taken for a command of its own.
                    tcflush(io::stdin(), QueueSelector::IFlush).ok();
                    break Input::NotText;
                }
                Err(_) => break Input::End,
            }
        };
        if let (Request::Line, Input::Line(line)) = (request, &input) {
            self.remember(line);
        }
        input
    }

    /// Losing a line of history is no reason not to run it, so failures are not reported.
    fn remember(&mut self, line: &str) {
        if line.trim().is_empty() || line.len() > HISTORY_LINE || !(self.remembers)(line) {
            return;
        }
        let added = self.editor.add_history_entry(line).unwrap_or(false);
        if let (true, Some(path)) = (added, &self.history) {
            self.editor.append_history(path).ok();
        }
    }
}

fn accept(line: &str) -> Input {
    let line = line.trim_end_matches('\n');
    match line.lines().count() {
        _ if line.len() > MAX_LINE => Input::TooLong(line.len()),
        0 | 1 => Input::Line(line.to_owned()),
        many => Input::ManyLines(many),
    }
}

/// Makes the history file, or checks the one that is there: a plain file of sane size, which others
/// may not read.
fn prepare(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return Err(io::Error::other("the history is not a plain file"));
        }
        Ok(found) if found.len() > HISTORY_BYTES => {
            return Err(io::Error::other("the history is larger than 4 MiB"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))
}

fn plain(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// What rustyline asks while a line is edited.
struct Words {
    completer: Completer,
    /// Whether the line is an answer, which has no completion.
    asking: bool,
    /// Whether it is a secret, of which not even the length of a paste is worth showing letter by letter.
    hidden: bool,
}

impl Complete for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = &line[..pos];
        let start = typed
            .char_indices()
            .rev()
            .find(|(_, c)| c.is_whitespace())
            .map_or(0, |(at, c)| at + c.len_utf8());
        if self.asking {
            return Ok((start, Vec::new()));
        }
        let mut found = (self.completer)(typed);
        // Names come from the platform and are drawn as they are.
        found.retain(|word| *word == one_line(word, true));
        found.truncate(CANDIDATES);
        if let [only] = found.as_mut_slice() {
            only.push(' ');
        }
        Ok((start, found))
    }
}

impl Hinter for Words {
    type Hint = String;
}
impl Highlighter for Words {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        match self.hidden {
            true => Cow::Owned("*".repeat(line.chars().count())),
            false => Cow::Borrowed(line),
        }
    }

    /// Every key redraws the line, or it would be shown as typed.
    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.hidden
    }
}
impl Validator for Words {}
impl Helper for Words {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustyline::history::MemHistory;

    use super::*;

    fn editor(history: &Path) -> LineEditor {
        LineEditor::new(PromptOptions {
            prompt: "> ".into(),
            interactive: true,
            history: Some(history.to_owned()),
            completer: Arc::new(|_| Vec::new()),
            remembers: Arc::new(|line| !line.contains("hunter2")),
        })
        .unwrap()
    }

    #[test]
    fn history_is_private_bounded_and_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let mut first = editor(&path);
        for line in
            ["health", "health", " login", "token hunter2", "", "logs a\\b", &"x".repeat(5000)]
        {
            first.remember(line);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "#V2\nhealth\nlogs a\\\\b\n");

        let mut second = editor(&path);
        assert_eq!(second.history_problem, None);
        assert_eq!(second.editor.history().iter().collect::<Vec<_>>(), ["health", "logs a\\b"]);
        for i in 0..HISTORY_LINES + 10 {
            second.remember(&format!("line {i}"));
        }
        let third = editor(&path);
        assert_eq!(third.editor.history().iter().count(), HISTORY_LINES);
        assert_eq!(third.editor.history().iter().last().map(String::as_str), Some("line 1009"));
    }

    #[test]
    fn a_history_that_cannot_be_used_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let huge = folder.path().join("huge");
        fs::File::create(&huge).unwrap().set_len(HISTORY_BYTES + 1).unwrap();
        let garbled = folder.path().join("garbled");
        fs::write(&garbled, b"ok\n\xff\xfe\n").unwrap();
        let nowhere = folder.path().join("no/such/folder");
        for path in [folder.path(), &huge, &garbled, &nowhere] {
            let mut editor = editor(path);
            assert!(editor.history_problem.is_some(), "{}", path.display());
            editor.remember("health");
        }
        assert_eq!(fs::read(&garbled).unwrap(), b"ok\n\xff\xfe\n");
    }

    #[test]
    fn completes_the_last_word() {
        let mut words = Words {
            completer: Arc::new(|line| match line {
                "health vm" => vec!["vm-service".into()],
                "é " => vec!["a".into(), "a\x1b[2J".into(), "b".into()],
                _ => vec!["x".to_owned(); 100_000],
            }),
            asking: false,
            hidden: false,
        };
        let history = MemHistory::new();
        let context = Context::new(&history);
        let done = words.complete("health vm now", 9, &context).unwrap();
        assert_eq!(done, (7, vec!["vm-service ".to_owned()]));
        let done = words.complete("é ", 3, &context).unwrap();
        assert_eq!(done, (3, vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(words.complete("", 0, &context).unwrap().1.len(), CANDIDATES);
        words.asking = true;
        assert_eq!(words.complete("", 0, &context).unwrap().1.len(), 0);
    }

    #[test]
    fn a_secret_is_drawn_as_stars_at_every_key() {
        let mut words = Words { completer: Arc::new(|_| Vec::new()), asking: true, hidden: true };
        assert_eq!(words.highlight("hünter2", 3), "*******");
        assert!(words.highlight_char("h", 1, CmdKind::Other));
        words.hidden = false;
        assert_eq!(words.highlight("health", 3), "health");
    }

    #[test]
    fn pasted_lines_are_not_run_together() {
        assert_eq!(accept("health\n"), Input::Line("health".into()));
        assert_eq!(accept("health\nscale vm 0"), Input::ManyLines(2));
        assert_eq!(accept(&"x".repeat(MAX_LINE + 1)), Input::TooLong(MAX_LINE + 1));
        assert_eq!(accept(""), Input::Line(String::new()));
    }
}
