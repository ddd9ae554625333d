//! The terminal: one command, or a session of them.

mod session;

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nova_adapters::chat::{Account, Chat, ChatError, Conversation, Platform};
use nova_adapters::console::{
    Console, Environment as Seen, Prompt, PromptOptions, Style, terminal_width,
};
use nova_commands::grammar::{Dialect, Grammar};
use nova_commands::report::Report;
use nova_commands::text::Sanitiser;

use crate::config::{Config, Environment};
use crate::engine::{Engine, Exit, Invocation, Line, Outlet, Question, Speaker, converse};
use crate::view;

pub use session::{Extra, session};

/// Progress is redrawn at most this often.
const PACE: Duration = Duration::from_millis(100);

/// What the terminal can do, read once at start.
#[derive(Clone, Debug)]
pub struct Terminal {
    pub style: Style,
    /// Lines can be redrawn.
    pub live: bool,
    pub full: bool,
}

impl Terminal {
    /// From the environment and whether standard output is a terminal.
    #[must_use]
    pub fn detect(environment: &Environment, is_tty: bool) -> Self {
        let lang = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|n| environment.get(n));
        let seen = Seen {
            no_color: environment.get("NO_COLOR"),
            term: environment.get("TERM"),
            lang,
            columns: environment.get("COLUMNS"),
        };
        let live = is_tty && seen.moves_cursor();
        Self { style: Style::detect(is_tty, &seen), live, full: false }
    }

    fn console(&self) -> Console {
        self.folding(self.full)
    }

    fn unfolded(&self) -> Console {
        self.folding(true)
    }

    fn folding(&self, full: bool) -> Console {
        let style = self.style.clone().with_full(full);
        let console = Console::new(Arc::new(Mutex::new(std::io::stdout())), style);
        if self.live { console.redrawing(Some(terminal_width)) } else { console }
    }
}

fn here() -> Conversation {
    Conversation { platform: Platform::Console, id: format!("terminal {}", std::process::id()) }
}

/// Whoever started this process, by the operating system's account: the environment can be anything.
#[must_use]
pub fn speaker(config: &Config) -> Speaker {
    let uid = std::fs::metadata("/proc/self").map_or(u32::MAX, |me| me.uid());
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let (name, id) = (parts.next()?, parts.nth(1)?);
        (id.parse() == Ok(uid)).then(|| name.to_owned())
    });
    let person = name.unwrap_or_else(|| format!("uid {uid}"));
    Speaker {
        account: Account { platform: Platform::Console, id: person.clone() },
        platform: nova_permissions::Platform::Console,
        person,
        roles: config.console.roles(),
    }
}

fn invocation(speaker: &Speaker, line: String, number: u64) -> Invocation {
    let started = Timestamp::now().as_millisecond();
    Invocation {
        speaker: speaker.clone(),
        conversation: here().id,
        line: Line::typed(line, Dialect::Plain),
        // A terminal never delivers twice: process, moment and count are enough.
        dedupe: format!("console {} {started} {number}", std::process::id()),
    }
}

/// `nova run`: one command, its answer, an exit status.
///
/// # Errors
/// When the answer cannot be written.
pub async fn one_shot(
    engine: &Engine,
    speaker: &Speaker,
    line: String,
    json: bool,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let mut invocation = invocation(speaker, line, 0);
    if let Some(question) = engine.asks(speaker, &invocation.line) {
        match asked(question, terminal).await? {
            Some(line) => invocation.line = line,
            None => {
                complain(session::NOTHING_ENTERED);
                return Ok(Exit::Error);
            }
        }
    }
    if json {
        let (progress, _) = tokio::sync::watch::channel(nova_commands::command::Step::default());
        let answer = engine.answer(&invocation, &progress, stopped()).await;
        let text = serde_json::to_string_pretty(&answer.json())?;
        print(&text)?;
        return Ok(answer.exit);
    }
    let console = terminal.console();
    let outlet = Outlet { chat: &console, to: &here(), pace: PACE };
    let answered = converse(engine, &invocation, outlet, stopped()).await;
    gone_is_fine(answered.map(|answer| answer.exit))
}

/// Asks at the terminal, or takes the first line of what is piped in.
async fn asked(question: Question, terminal: &Terminal) -> anyhow::Result<Option<Line>> {
    let typed = std::io::IsTerminal::is_terminal(&std::io::stdin());
    // Its echo can only be kept off the screen where lines are edited.
    anyhow::ensure!(
        terminal.live || !typed,
        "`{}` asks for a secret: pipe it in, or leave the answer on the terminal",
        question.command
    );
    let mut prompt = Prompt::start(PromptOptions {
        prompt: String::new(),
        interactive: typed,
        history: None,
        completer: Arc::new(|_| Vec::new()),
        remembers: Arc::new(|_| false),
    })?;
    Ok(session::secret(&mut prompt, question).await)
}

/// A line for the person, apart from the answers.
fn complain(text: &str) {
    // Nothing is left to tell when even this fails.
    drop(writeln!(std::io::stderr().lock(), "nova: {text}"));
}

/// Completes when somebody asks the process to stop.
async fn stopped() {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = told_to_end() => {}
    }
}

/// Completes when the process is told to end, or its terminal goes away.
pub(crate) async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut terminate), Ok(mut hangup)) = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// A reader that has seen enough (`| head`) is no error.
fn gone_is_fine(shown: Result<Exit, ChatError>) -> anyhow::Result<Exit> {
    match shown {
        Err(ChatError::Gone) => Ok(Exit::Ok),
        Err(error) => Err(anyhow::Error::new(error).context("the answer cannot be written")),
        Ok(exit) => Ok(exit),
    }
}

/// Draws a report that no command made, such as `nova check`'s.
///
/// # Errors
/// When it cannot be written.
pub async fn show(
    report: &Report,
    sanitiser: &Sanitiser,
    started: Instant,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let grammar = Grammar::new();
    let context = view::Context {
        sanitiser,
        grammar: &grammar,
        now: Timestamp::now(),
        took: started.elapsed(),
    };
    terminal.console().post(&here(), &view::report(report, &context), "").await?;
    Ok(Exit::of(report))
}

/// Writes one text to standard output.
///
/// # Errors
/// When it cannot be written; a reader that has seen enough (`| head`) is no error.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
