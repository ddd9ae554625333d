//! The prompt: lines from a person at a terminal, or from a pipe. Called by the console's loop, which
//! asks for a line, runs it, and asks again.
//!
//! Reading blocks, so a thread does it. The thread reads one line for each request and nothing
//! before one, so that no prompt stands in the middle of an answer.
//!
//! Invariant: at most one request and one input are under way. The thread ends with the [`Prompt`]
//! when it waits for a request. If it waits in the terminal for a key, nothing can wake it without a
//! signal; then it is left behind: it holds nothing but standard input, the process can end without
//! it, and the drop of the [`Prompt`] has put the terminal back as it was.

use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use thiserror::Error;
use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::editor::LineEditor;
use super::lines::read_line;

/// The longest line that is taken, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// Gives the candidates for the last word of a line, which is passed up to the cursor.
pub type Completer = Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// What came from the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A line without its end. From a pipe it may hold control characters, NUL among them.
    Line(String),
    /// Ctrl-C: the line was thrown away.
    Cancel,
    /// A line of so many bytes, more than [`MAX_LINE`]. It was skipped.
    TooLong(usize),
    /// A line that is not UTF-8. It was skipped.
    NotText,
    /// Several lines pasted at once, so many. None was taken: each is to be looked at on its own.
    ManyLines(usize),
    /// Ctrl-D, the end of the file, or a terminal that went away. Nothing comes after it.
    End,
}

impl Input {
    /// Whether it is a yes to a question. Anything that is not clearly one is a no.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        match self {
            Self::Line(line) => {
                let line = line.trim();
                line.eq_ignore_ascii_case("y") || line.eq_ignore_ascii_case("yes")
            }
            _ => false,
        }
    }
}

/// How to read.
pub struct PromptOptions {
    /// Shown before each line, plain text.
    pub prompt: String,
    /// Whether lines are edited: both ends are a terminal that can move its cursor (see
    /// [`Environment::moves_cursor`](super::Environment::moves_cursor)). Otherwise lines are read as
    /// they come and no prompt is shown.
    pub interactive: bool,
    /// Where lines are remembered. The folder must exist. A line that starts with a space is not
    /// remembered.
    pub history: Option<PathBuf>,
    pub completer: Completer,
    /// Whether a line may be remembered.
    pub remembers: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// Why there is no prompt.
#[derive(Debug, Error)]
pub enum PromptError {
    #[error("cannot listen for Ctrl-C")]
    Signal(#[source] io::Error),
    #[error("cannot use the terminal")]
    Terminal(#[source] io::Error),
    #[error("cannot start the thread that reads the terminal")]
    Thread(#[source] io::Error),
}

/// What the thread is asked for.
pub(super) enum Request {
    Line,
    Answer {
        question: String,
    },
    /// What is typed is not shown.
    Secret {
        question: String,
    },
}

/// Reads lines. From its start on Ctrl-C does not end the process: [`Prompt::next`] and
/// [`Prompt::interrupted`] say that it was pressed.
pub struct Prompt {
    requests: Sender<Request>,
    inputs: Receiver<Input>,
    interrupts: Signal,
    /// Whether a request is under way.
    waiting: bool,
    /// The terminal's settings from before, when lines are edited.
    saved: Option<Termios>,
    history_problem: Option<String>,
}

impl Prompt {
    /// Starts the thread. Must be called within a tokio runtime that handles signals.
    ///
    /// # Errors
    /// [`PromptError`] if signals, the terminal or a thread cannot be had. A history that cannot be
    /// used is not an error, see [`Prompt::history_problem`].
    pub fn start(options: PromptOptions) -> Result<Self, PromptError> {
        if !options.interactive {
            let mut stdin = BufReader::new(io::stdin());
            return Self::reading(move |_| read_line(&mut stdin));
        }
        let saved = tcgetattr(io::stdin()).map_err(|e| PromptError::Terminal(e.into()))?;
        let mut editor = LineEditor::new(options).map_err(PromptError::Terminal)?;
        let history_problem = editor.history_problem.take();
        let mut prompt = Self::reading(move |request| editor.read(&request))?;
        prompt.saved = Some(saved);
        prompt.history_problem = history_problem;
        Ok(prompt)
    }

    fn reading(read: impl FnMut(Request) -> Input + Send + 'static) -> Result<Self, PromptError> {
        // Before the first line is read: the editor puts back the handler that it finds.
        let interrupts = signal(SignalKind::interrupt()).map_err(PromptError::Signal)?;
        let (requests, requested) = mpsc::channel(1);
        let (answers, inputs) = mpsc::channel(1);
        thread::Builder::new()
            .name("console-input".into())
            .spawn(move || serve(read, requested, &answers))
            .map_err(PromptError::Thread)?;
        Ok(Self {
            requests,
            inputs,
            interrupts,
            waiting: false,
            saved: None,
            history_problem: None,
        })
    }

    /// Why lines are not remembered, if they are not. Lines entered now can still be recalled.
    #[must_use]
    pub fn history_problem(&self) -> Option<&str> {
        self.history_problem.as_deref()
    }

    /// Shows the prompt and waits for a line. After [`Input::End`] it gives [`Input::End`] again.
    /// Cancel safe: the line that was asked for is given to the next call.
    pub async fn next(&mut self) -> Input {
        self.request(Request::Line).await
    }

    /// The same with `question` in place of the prompt; the answer is not remembered.
    pub async fn ask(&mut self, question: &str) -> Input {
        self.request(Request::Answer { question: question.to_owned() }).await
    }

    /// The same for a secret: what is typed is neither shown nor remembered.
    pub async fn ask_secret(&mut self, question: &str) -> Input {
        self.request(Request::Secret { question: question.to_owned() }).await
    }

    /// Waits for Ctrl-C while a command runs.
    pub async fn interrupted(&mut self) {
        if self.interrupts.recv().await.is_none() {
            // The runtime is going down and takes the command with it.
            std::future::pending::<()>().await;
        }
    }

    async fn request(&mut self, request: Request) -> Input {
        if !self.waiting {
            if self.requests.try_send(request).is_err() {
                return Input::End;
            }
            self.waiting = true;
        }
        loop {
            select! {
                biased;
                input = self.inputs.recv() => {
                    self.waiting = false;
                    return input.unwrap_or(Input::End);
                }
                // While a line is edited Ctrl-C is a key; a signal is one that came too late for
                // the command before. Without a terminal it asks to stop.
                Some(()) = self.interrupts.recv() => {
                    if self.saved.is_none() {
                        return Input::End;
                    }
                }
            }
        }
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        let Some(saved) = self.saved.as_ref().filter(|_| self.waiting) else {
            return;
        };
        // The thread sits in the editor, which has changed the terminal's settings and switched
        // on bracketed paste. If the terminal is gone, there is nothing to put back.
        tcsetattr(io::stdin(), OptionalActions::Now, saved).ok();
        io::stdout().write_all(b"\x1b[?2004l\r\n").ok();
        io::stdout().flush().ok();
    }
}

/// The thread: one input for each request, until there is no one to ask or nothing to read.
fn serve(
    mut read: impl FnMut(Request) -> Input,
    mut requested: Receiver<Request>,
    answers: &Sender<Input>,
) {
    while let Some(request) = requested.blocking_recv() {
        let input = read(request);
        let last = input == Input::End;
        if answers.blocking_send(input).is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    fn prompt(text: &'static [u8]) -> (Arc<AtomicUsize>, Prompt) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let mut from = Cursor::new(text);
        let prompt = Prompt::reading(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            read_line(&mut from)
        });
        (asked, prompt.unwrap())
    }

    #[tokio::test]
    async fn one_line_for_each_request_and_the_end_stays() {
        let (asked, mut prompt) = prompt(b"one\n\xff\ny\n");
        assert_eq!(prompt.next().await, Input::Line("one".into()));
        assert_eq!(prompt.next().await, Input::NotText);
        assert_eq!(asked.load(Ordering::SeqCst), 2, "nothing is read before it is asked for");
        assert!(prompt.ask("Really?").await.is_yes());
        assert_eq!(prompt.next().await, Input::End);
        assert_eq!(prompt.next().await, Input::End);
        assert_eq!(asked.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_line_asked_for_is_not_lost_when_the_wait_is_given_up() {
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let mut prompt = Prompt::reading(move |_| match gate.recv() {
            Ok(()) => Input::Line("late".into()),
            Err(_) => Input::End,
        })
        .unwrap();
        assert_eq!(prompt.next().now_or_never(), None);
        go.send(()).unwrap();
        assert_eq!(prompt.next().await, Input::Line("late".into()));
    }

    #[tokio::test]
    async fn the_thread_ends_with_the_prompt() {
        let (alive, ended) = std::sync::mpsc::channel::<()>();
        let prompt = Prompt::reading(move |_| {
            alive.send(()).ok();
            Input::End
        })
        .unwrap();
        drop(prompt);
        let left = ended.recv_timeout(Duration::from_secs(30));
        assert_eq!(
            left,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected),
            "the reading thread was to end"
        );
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        for yes in ["y", " Y ", "yes", "YES"] {
            assert!(Input::Line(yes.into()).is_yes(), "{yes}");
        }
        for no in ["", "n", "yep", "y es", "1"] {
            assert!(!Input::Line(no.into()).is_yes(), "{no}");
        }
        assert!(!Input::Cancel.is_yes() && !Input::End.is_yes());
    }
}
