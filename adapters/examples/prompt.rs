//! The prompt on its own: says what it was given. The test in `tests/terminal.rs` runs it on a
//! pseudo-terminal.
//!
//! `wait` runs until Ctrl-C, `ask` asks a question, `quit` and SIGTERM leave. The argument is the
//! history file.

use std::error::Error;
use std::io::{IsTerminal, stdin, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use nova_adapters::console::{Input, Prompt, PromptOptions};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut prompt = Prompt::start(PromptOptions {
        prompt: "nova> ".into(),
        interactive: stdin().is_terminal() && stdout().is_terminal(),
        history: std::env::args_os().nth(1).map(PathBuf::from),
        completer: Arc::new(|line| match line {
            "he" => vec!["health".into()],
            _ => Vec::new(),
        }),
        remembers: Arc::new(|_| true),
    })?;
    if let Some(problem) = prompt.history_problem() {
        println!("history: {problem}");
    }
    println!("process {}", std::process::id());
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        let input = tokio::select! {
            input = prompt.next() => input,
            _ = terminate.recv() => {
                drop(prompt);
                println!("terminated");
                return Ok(());
            }
        };
        match input {
            Input::Line(line) if line == "wait" => {
                println!("waiting");
                prompt.interrupted().await;
                println!("interrupted");
            }
            Input::Line(line) if line == "ask" => {
                let yes = prompt.ask("Sure? [y/N] ").await.is_yes();
                println!("yes: {yes}");
            }
            Input::Line(line) if line == "token" => {
                if let Input::Line(secret) = prompt.ask_secret("Token: ").await {
                    println!("{} characters", secret.len());
                }
            }
            Input::Line(line) if line == "quit" => return Ok(()),
            Input::End => {
                println!("end");
                return Ok(());
            }
            other => println!("got {other:?}"),
        }
    }
}
