//! The command line of the `nova` program itself.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// A ChatOps bot for the people who run NovaCron.
#[derive(Debug, Parser)]
#[command(name = "nova", version, disable_help_subcommand = true)]
pub struct Cli {
    /// The configuration; without it $NOVA_CONFIG, /etc/nova/nova.toml, or the guide's values
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Run one command and exit: 0 all is well, 1 something wants attention, 2 not answered
    Run {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
        /// Show what is folded
        #[arg(long)]
        full: bool,
        /// The command line, as one would type it after /nova
        #[arg(value_name = "COMMAND", required = true)]
        line: Vec<String>,
    },
    /// A prompt in this terminal
    Console,
    /// Serve chat: Slack over HTTP, Socket Mode or both
    Serve,
    /// Check the configuration, the policies and whether everything can be reached
    Check,
    /// Every command with its kind, risk and guide items
    Catalogue {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Look after the timeline
    Audit {
        #[command(subcommand)]
        task: Audit,
    },
    /// Try nova on a platform that it brings along
    #[cfg(feature = "demo")]
    Demo,
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check the timeline's hash chain from its first row to its last
    Verify,
}

/// Options of nova itself that may stand anywhere on a `run` line.
const OWN: [&str; 2] = ["--json", "--full"];

/// Puts what belongs to nova before the words of the command, so that `nova run health --json
/// --config F` and `nova run --json health --config F` are the same. Everything else behind `run` is
/// the command's own, options included. After `--` nothing is ours.
///
/// # Errors
/// The first argument that is not text.
pub fn arrange(args: impl IntoIterator<Item = OsString>) -> Result<Vec<String>, String> {
    let mut text = Vec::new();
    for (place, arg) in args.into_iter().enumerate() {
        let arg = arg.into_string().map_err(|_| format!("argument {place} is not valid UTF-8"))?;
        text.push(arg);
    }
    // The value of an option is not the task, even when a file is named `run`.
    let is_task = |at: &usize| text[*at] == "run" && text[at - 1] != "--config";
    let Some(run) = (1..text.len()).find(is_task).map(|at| at + 1) else {
        return Ok(text);
    };
    let mut arranged: Vec<String> = text[..run].to_vec();
    let mut words = Vec::new();
    let mut rest = text[run..].iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--" => words.extend(rest.by_ref().cloned()),
            "--config" => arranged.extend(std::iter::once(arg).chain(rest.next()).cloned()),
            own if OWN.contains(&own) || own.starts_with("--config=") => arranged.push(arg.clone()),
            // `nova run --help` is about `run`; `nova run health --help` about `health`.
            "--help" | "-h" if words.is_empty() => arranged.push(arg.clone()),
            _ => words.push(arg.clone()),
        }
    }
    if !words.is_empty() {
        arranged.push("--".to_owned());
        arranged.extend(words);
    }
    Ok(arranged)
}

/// The words of a shell as one chat line: what has spaces is quoted again.
#[must_use]
pub fn join(words: &[String]) -> String {
    if let [line] = words {
        return line.clone();
    }
    let quote = |word: &String| {
        let plain = !word.is_empty() && !word.contains(char::is_whitespace);
        if plain { word.clone() } else { format!("\"{word}\"") }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(args: &str) -> String {
        arrange(args.split(' ').map(OsString::from)).unwrap().join(" ")
    }

    #[test]
    fn options_of_nova_may_stand_anywhere() {
        assert_eq!(
            line("nova run health --json --config f --cluster x"),
            "nova run --json --config f -- health --cluster x"
        );
        assert_eq!(line("nova --config f run health"), "nova --config f run -- health");
        assert_eq!(line("nova run health -- --json"), "nova run -- health --json");
        assert_eq!(line("nova run health --help"), "nova run -- health --help");
        assert_eq!(line("nova run --help"), "nova run --help");
        assert_eq!(line("nova check"), "nova check");
        assert_eq!(line("nova --config run check"), "nova --config run check");
    }

    #[test]
    fn the_tree_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
