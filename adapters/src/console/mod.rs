//! The console: nova in a terminal, or behind a pipe. [`Console`] is the [`Chat`] that prints;
//! [`Prompt`] reads what is typed; [`Buttons`] stand in for pressing.
//!
//! Invariant: at most one line on the terminal is unfinished, the progress of a message whose mark is
//! [`Mark::Working`]; whatever is printed next takes its place. Where lines cannot be redrawn,
//! progress is not printed at all, so that a file or a pipe gets the answers only.

mod buttons;
mod editor;
mod lines;
mod prompt;
mod render;
mod style;
mod table;
mod text;

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use crate::chat::{Chat, ChatError, Conversation, MessageRef, Pace, Platform};
use crate::message::{Attachment, Mark, Message};

pub use buttons::{Buttons, Pick};
pub use prompt::{Completer, Input, MAX_LINE, Prompt, PromptError, PromptOptions};
pub use render::{render, render_progress};
pub use style::{Environment, Style};

/// Where the console writes: standard output, or a buffer.
pub type Sink = Arc<Mutex<dyn Write + Send>>;

/// Goes to the start of the line and erases it.
const ERASE_LINE: &str = "\r\x1b[2K";

/// Prints messages. It writes in the caller's task: a terminal has one reader, and when that stops it
/// (Ctrl-S) the command stops with it.
pub struct Console {
    sink: Sink,
    style: Style,
    redraws: bool,
    measure: Option<fn() -> Option<usize>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    posted: u64,
    /// The message whose progress stands in the unfinished line.
    live: Option<u64>,
}

impl Console {
    /// A console on `sink` that prints each message once, and no progress.
    #[must_use]
    pub fn new(sink: Sink, style: Style) -> Self {
        Self { sink, style, redraws: false, measure: None, state: Mutex::default() }
    }

    /// For a terminal that can redraw a line: shows progress. `measure` gives the terminal's width
    /// before each message (see [`terminal_width`]), since a window is resized and a phone turned.
    #[must_use]
    pub fn redrawing(mut self, measure: Option<fn() -> Option<usize>>) -> Self {
        self.redraws = true;
        self.measure = measure;
        self
    }

    /// Prints `message` and gives its number. `number` is the message that it takes the place of.
    fn draw(&self, number: Option<u64>, message: &Message) -> Result<u64, ChatError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let number = number.unwrap_or_else(|| {
            state.posted += 1;
            state.posted
        });
        let mut style = self.style.clone();
        if let Some(columns) = self.measure.and_then(|measure| measure()) {
            style = style.with_width(columns);
        }
        let mut text = String::new();
        if message.tone != Mark::Working {
            for line in render(message, &style) {
                text.push_str(&line);
                text.push('\n');
            }
        } else if self.redraws {
            text = render_progress(message, &style);
        } else {
            return Ok(number);
        }
        if state.live.take().is_some() {
            text.insert_str(0, ERASE_LINE);
        }
        self.write(&text).map_err(broken)?;
        if message.tone == Mark::Working {
            state.live = Some(number);
        }
        Ok(number)
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(text.as_bytes())?;
        sink.flush()
    }
}

impl Chat for Console {
    fn platform(&self) -> Platform {
        Platform::Console
    }

    fn pace(&self) -> Pace {
        Pace::default()
    }

    fn post<'a>(
        &'a self,
        to: &'a Conversation,
        message: &'a Message,
        _key: &'a str,
    ) -> BoxFuture<'a, Result<MessageRef, ChatError>> {
        let posted = here(to).and_then(|()| self.draw(None, message));
        let at =
            posted.map(|number| MessageRef { conversation: to.clone(), id: number.to_string() });
        ready(at).boxed()
    }

    fn update<'a>(
        &'a self,
        at: &'a MessageRef,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        let number = at.id.parse().map_err(|_| ChatError::Gone);
        let drawn = here(&at.conversation)
            .and(number)
            .and_then(|number| self.draw(Some(number), message).map(drop));
        ready(drawn).boxed()
    }

    /// What is printed is printed: there is nothing to look for.
    fn find<'a>(
        &'a self,
        _to: &'a Conversation,
        _key: &'a str,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, ChatError>> {
        ready(Ok(None)).boxed()
    }

    /// A terminal names its files under the message; it keeps none.
    fn attach<'a>(
        &'a self,
        _at: &'a MessageRef,
        _file: &'a Attachment,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        ready(Ok(())).boxed()
    }
}

fn here(conversation: &Conversation) -> Result<(), ChatError> {
    if conversation.platform == Platform::Console {
        return Ok(());
    }
    Err(ChatError::Refused(format!("a {:?} conversation is not a terminal", conversation.platform)))
}

/// A closed pipe or terminal stays closed; anything else may pass.
fn broken(error: io::Error) -> ChatError {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::NotConnected => ChatError::Gone,
        // Part of it may have been written.
        _ => ChatError::Unanswered(Box::new(error)),
    }
}

/// The width in columns of the terminal that standard output is, if it is one and knows.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console() -> (Arc<Mutex<Vec<u8>>>, Console) {
        let sink = Arc::new(Mutex::new(Vec::new()));
        let style = Style::detect(false, &Environment::default());
        (Arc::clone(&sink), Console::new(sink, style))
    }

    fn printed(sink: &Mutex<Vec<u8>>) -> String {
        String::from_utf8(std::mem::take(&mut *sink.lock().unwrap())).unwrap()
    }

    fn terminal() -> Conversation {
        Conversation { platform: Platform::Console, id: "tty".into() }
    }

    #[tokio::test]
    async fn progress_is_redrawn_in_place_and_gives_way_to_the_answer() {
        let (sink, console) = console();
        let console = console.redrawing(Some(|| Some(30)));
        let here = terminal();
        let working = Message::new(Mark::Working, "asking");
        let at = console.post(&here, &working, "").await.unwrap();
        assert_eq!(printed(&sink), "… asking");
        let more = Message::new(Mark::Working, "asking, 3 of 12 answered so far");
        console.update(&at, &more).await.unwrap();
        assert_eq!(printed(&sink), "\r\x1b[2K… asking, 3 of 12 answered s…");
        console.update(&at, &Message::new(Mark::Ok, "all well")).await.unwrap();
        assert_eq!(printed(&sink), "\r\x1b[2K✓ all well\n");
        console.update(&at, &Message::new(Mark::Warn, "not quite")).await.unwrap();
        assert_eq!(printed(&sink), "! not quite\n");
    }

    #[tokio::test]
    async fn another_message_takes_the_progress_line() {
        let (sink, console) = console();
        let console = console.redrawing(None);
        let here = terminal();
        let working = Message::new(Mark::Working, "asking");
        let at = console.post(&here, &working, "").await.unwrap();
        console.post(&here, &Message::new(Mark::Info, "by the way"), "").await.unwrap();
        console.update(&at, &working).await.unwrap();
        console.update(&at, &Message::new(Mark::Ok, "done")).await.unwrap();
        assert_eq!(printed(&sink), "… asking\r\x1b[2Ki by the way\n… asking\r\x1b[2K✓ done\n");
    }

    #[tokio::test]
    async fn a_pipe_gets_the_answer_only() {
        let (sink, console) = console();
        let here = terminal();
        let at = console.post(&here, &Message::new(Mark::Working, "asking"), "").await.unwrap();
        console.update(&at, &Message::new(Mark::Working, "asking on")).await.unwrap();
        console.update(&at, &Message::new(Mark::Ok, "done")).await.unwrap();
        assert_eq!(printed(&sink), "✓ done\n");
    }

    #[tokio::test]
    async fn what_cannot_be_printed_is_an_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let style = Style::detect(false, &Environment::default());
        let console = Console::new(Arc::new(Mutex::new(Closed)), style);
        let message = Message::new(Mark::Ok, "x");
        let gone = console.post(&terminal(), &message, "").await.unwrap_err();
        assert!(matches!(gone, ChatError::Gone) && !gone.retryable(), "{gone:?}");
        let slack = Conversation { platform: Platform::Slack, id: "C1".into() };
        let refused = console.post(&slack, &message, "").await.unwrap_err();
        assert!(matches!(refused, ChatError::Refused(_)), "{refused:?}");
    }
}
