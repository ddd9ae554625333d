//! A session at the prompt: one line, its answer, the next line. `full` shows the last answer with
//! nothing folded; a number presses a button; `exit` ends.

use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use nova_adapters::chat::{Chat, ChatError};
use nova_adapters::console::{Buttons, Console, Input, Pick, Prompt, PromptOptions};
use nova_adapters::message::{Action, Mark, Message, Section};
use nova_commands::grammar::TokenError;
use secrecy::SecretString;

use super::{PACE, Terminal, here, invocation, told_to_end};
use crate::config::Environment;
use crate::engine::{Engine, Exit, Line, Outlet, Question, Speaker, converse};
use crate::store::Ending;

/// What a person at a terminal has to know; `help` tells the rest.
const GREETING: &str = concat!(
    "nova ",
    env!("CARGO_PKG_VERSION"),
    ": `help` lists commands, Tab completes, `full` unfolds an answer, Ctrl-D leaves"
);

/// In place of an answer to a question.
pub(super) const NOTHING_ENTERED: &str = "nothing was entered";

/// Lines that are not commands of nova: the demo's `sandbox …`.
pub struct Extra {
    /// The first word of such a line.
    pub word: &'static str,
    /// What may follow it, for completion.
    pub candidates: Vec<String>,
    /// Answers what follows it.
    pub run: Box<dyn Fn(String) -> LocalBoxFuture<'static, Result<String, String>>>,
}

/// Reads lines until the end of the input. A piped session ends with its last answer's exit status.
///
/// # Errors
/// When there is no prompt to be had, or the terminal is gone.
pub async fn session(
    engine: &Arc<Engine>,
    speaker: &Speaker,
    terminal: &Terminal,
    environment: &Environment,
    extra: Option<Extra>,
) -> anyhow::Result<Exit> {
    let interactive = terminal.live && std::io::IsTerminal::is_terminal(&std::io::stdin());
    let console = terminal.console();
    let mut prompt = Prompt::start(options(engine, environment, interactive, extra.as_ref()))?;
    if let Some(problem) = prompt.history_problem() {
        let text = format!("lines are not remembered: {problem}");
        say(&console, Mark::Warn, text).await?;
    }
    if interactive {
        say(&console, Mark::Info, GREETING).await?;
    }
    let mut buttons = Buttons::default();
    let mut shown: Option<Message> = None;
    let mut last = Exit::Ok;
    for number in 0.. {
        let next = tokio::select! {
            input = prompt.next() => input,
            () = told_to_end() => Input::End,
        };
        let line = match next {
            Input::End => break,
            Input::Cancel => continue,
            Input::Line(line) => line,
            Input::TooLong(bytes) => {
                last = refuse(&console, TokenError::TooLong(bytes).to_string()).await?;
                continue;
            }
            Input::NotText => {
                last = refuse(&console, "that line is not valid UTF-8").await?;
                continue;
            }
            Input::ManyLines(count) => {
                let text = format!("{count} lines were pasted at once; give them one by one");
                last = refuse(&console, text).await?;
                continue;
            }
        };
        let line = match buttons.pick(bare(&line)) {
            Pick::Command => bare(&line).to_owned(),
            Pick::Press(button) => pressed(&button.action),
            Pick::Ask { button, question } => {
                let line = pressed(&button.action);
                if !prompt.ask(&format!("{question} [y/N] ")).await.is_yes() {
                    continue;
                }
                line
            }
            Pick::Missing { offered } => {
                let text = match offered {
                    0 => "no buttons are on offer; type a command".to_owned(),
                    offered => format!("no such button; {offered} on offer"),
                };
                last = refuse(&console, text).await?;
                continue;
            }
        };
        match line.as_str() {
            "" => continue,
            "exit" | "quit" => break,
            "full" => {
                last = match &shown {
                    Some(message) => {
                        terminal.unfolded().post(&here(), message, "").await?;
                        last
                    }
                    None => refuse(&console, "nothing was answered yet").await?,
                };
                continue;
            }
            _ => {}
        }
        if let Some((extra, rest)) = extra.as_ref().and_then(|e| Some((e, after(&line, e.word)?))) {
            match (extra.run)(rest.to_owned()).await {
                Ok(text) => block(&console, &line, &text).await?,
                Err(wrong) => last = refuse(&console, wrong).await?,
            }
            continue;
        }
        let mut invocation = invocation(speaker, line, number);
        if let Some(question) = engine.asks(speaker, &invocation.line) {
            match secret(&mut prompt, question).await {
                Some(line) => invocation.line = line,
                None => {
                    last = refuse(&console, NOTHING_ENTERED).await?;
                    continue;
                }
            }
        }
        let place = here();
        let outlet = Outlet { chat: &console, to: &place, pace: PACE };
        let interrupted = async {
            tokio::select! {
                () = prompt.interrupted() => {}
                () = told_to_end() => {}
            }
        };
        let answer = match converse(engine, &invocation, outlet, interrupted).await {
            Err(ChatError::Gone) => break,
            answered => answered?,
        };
        last = answer.exit;
        // A typo does not take away what stood before it.
        if answer.ending == Ending::Answered {
            buttons.remember(&answer.message);
            shown = Some(answer.message);
        }
    }
    Ok(if interactive { Exit::Ok } else { last })
}

/// What a command asks for in private; it is not shown. `None`: nothing was entered.
pub(super) async fn secret(prompt: &mut Prompt, question: Question) -> Option<Line> {
    match prompt.ask_secret(&format!("{}, not shown: ", question.text)).await {
        Input::Line(text) if !text.trim().is_empty() => {
            let secret = SecretString::from(text);
            Some(Line::Private { command: question.command, secret })
        }
        _ => None,
    }
}

fn options(
    engine: &Arc<Engine>,
    environment: &Environment,
    interactive: bool,
    extra: Option<&Extra>,
) -> PromptOptions {
    let folder = environment.state_dir();
    // Without a folder there is no history, which the prompt says.
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    let (engine, remembering) = (Arc::clone(engine), Arc::clone(engine));
    let extra = extra.map(|extra| (extra.word, extra.candidates.clone()));
    PromptOptions {
        prompt: "nova> ".to_owned(),
        interactive,
        history: made.ok().map(|()| folder.join("history")),
        completer: Arc::new(move |line| {
            if let Some((word, candidates)) = &extra {
                if let Some(rest) = after(line, word) {
                    return matching(candidates, rest);
                }
                if !line.is_empty() && word.starts_with(line) {
                    return vec![(*word).to_owned()];
                }
            }
            engine.grammar.complete(bare(line), |name| engine.live(name))
        }),
        remembers: Arc::new(move |line| remembering.grammar.secret_typed(line).is_none()),
    }
}

/// What completes the last word of `rest`.
fn matching(candidates: &[String], rest: &str) -> Vec<String> {
    let typed = rest.rsplit(char::is_whitespace).next().unwrap_or_default();
    candidates.iter().filter(|word| word.starts_with(typed)).cloned().collect()
}

/// The line without the `/nova` that fingers type by habit.
fn bare(line: &str) -> &str {
    let line = line.trim();
    ["/nova", "nova"].iter().find_map(|word| after(line, word)).unwrap_or(line)
}

/// What follows the word, if the line starts with it.
fn after<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.trim_start().strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}

fn pressed(action: &Action) -> String {
    match action {
        Action::Run { line } | Action::Form { line, .. } => line.clone(),
        Action::Link { url } => url.clone(),
    }
}

async fn refuse(console: &Console, text: impl Into<String>) -> anyhow::Result<Exit> {
    say(console, Mark::Fail, text).await?;
    Ok(Exit::Error)
}

async fn say(console: &Console, mark: Mark, text: impl Into<String>) -> anyhow::Result<()> {
    console.post(&here(), &Message::new(mark, text), "").await?;
    Ok(())
}

/// One line as it is; more of them under the line that asked for them.
async fn block(console: &Console, line: &str, text: &str) -> anyhow::Result<()> {
    let message = match text.trim_end().contains('\n') {
        true => Message::new(Mark::Info, line).section(Section::code(text)),
        false => Message::new(Mark::Info, text),
    };
    console.post(&here(), &message, "").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_habit_of_typing_nova_is_understood() {
        assert_eq!(bare(" /nova health "), "health");
        assert_eq!(bare("nova health"), "health");
        assert_eq!(bare("novacron"), "novacron");
        assert_eq!(bare("/nova"), "");
    }

    #[test]
    fn the_last_word_is_completed() {
        let words = ["break", "heal", "vm-service"].map(str::to_owned);
        assert_eq!(matching(&words, "break v"), ["vm-service"]);
        assert_eq!(matching(&words, ""), words);
    }
}
