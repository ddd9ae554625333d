//! One invocation from its line to its answer: read, record, authorise, run, record, draw.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use nova_adapters::chat::Account;
use nova_adapters::message::{Mark, Message};
use nova_commands::command::{Command, Run, Step, UserError};
use nova_commands::grammar::{Dialect, MAX_LINE, Parsed, tokenise};
use nova_commands::report::Report;
use nova_permissions::{Platform, Role};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Engine, run};
use crate::store::{self, Begun, DedupeId, Ending, InvocationId, NewInvocation, Outcome, PersonId};
use crate::view;

/// Longest command line that the timeline keeps, in characters.
const KEPT_LINE: usize = 500;

/// The longest that an answer waits for each of its timeline rows.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who speaks.
#[derive(Clone, Debug)]
pub struct Speaker {
    pub account: Account,
    pub platform: Platform,
    /// The human behind the account.
    pub person: String,
    pub roles: Vec<Role>,
}

/// A command line, where it came from, and what tells a second delivery of it.
pub struct Invocation {
    pub speaker: Speaker,
    pub conversation: String,
    pub line: String,
    pub dialect: Dialect,
    pub dedupe: String,
}

/// The exit status of a one-shot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Ok = 0,
    /// Answered, and something wants attention.
    Findings = 1,
    /// Not answered.
    Error = 2,
}

impl Exit {
    /// The exit status that a report asks for.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        if report.verdict().needs_attention() { Self::Findings } else { Self::Ok }
    }
}

/// What comes back, drawn for people and for scripts.
pub struct Answer {
    pub exit: Exit,
    pub ending: Ending,
    pub message: Message,
    pub json: Value,
}

/// An answer before it is drawn.
enum Said {
    Report {
        command: &'static str,
        report: Report,
    },
    Message(Message),
    /// A person's mistake or a missing right.
    Refused(UserError),
    /// Ours: the reference is on the timeline and in the log.
    Failed,
}

impl Engine {
    /// Answers an invocation. `progress` hears how far it is; a slow listener misses steps only.
    /// When `cancel` completes first, what runs is ended and recorded as refused.
    pub async fn answer(
        &self,
        invocation: &Invocation,
        progress: &watch::Sender<Step>,
        cancel: impl Future<Output = ()>,
    ) -> Answer {
        let start = Instant::now();
        let begun = self.begin(invocation).await;
        let id = match &begun {
            Ok(Begun::New(id)) => Some(id.clone()),
            Ok(Begun::Duplicate(_)) => return self.duplicate(invocation),
            Err(_) => None,
        };
        let reference = id.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        let said = tokio::select! {
            said = self.say(invocation, &reference, progress) => said,
            () = cancel => Said::Refused(UserError::new("cancelled")),
        };
        let took = start.elapsed();
        let mut answer = match said {
            Said::Report { command, report } => self.draw(command, &report, took),
            Said::Message(message) => self.plain(invocation, Ending::Answered, message),
            Said::Refused(UserError(text)) => {
                let line = self.sanitiser.line(&text, view::limits::HEADLINE);
                self.plain(invocation, Ending::Refused, Message::new(Mark::Fail, line))
            }
            Said::Failed => {
                let line = format!("failed inside nova; reference {reference}");
                self.plain(invocation, Ending::Failed, Message::new(Mark::Fail, line))
            }
        };
        let recorded = match (begun, id) {
            (Err(error), _) => Err(error.to_string()),
            (_, Some(id)) => self.finish(&id, &answer).await,
            _ => Ok(()),
        };
        if let Err(reason) = recorded {
            let reason = self.sanitiser.line(&reason.into(), view::limits::TEXT);
            let note = format!("not on the timeline: {reason}");
            let footer = answer.message.footer.take();
            let footer = footer.map_or_else(|| note.clone(), |f| format!("{f} · {note}"));
            answer.message.footer = Some(footer);
            answer.json["warning"] = note.into();
        }
        answer
    }

    async fn say(
        &self,
        invocation: &Invocation,
        reference: &str,
        progress: &watch::Sender<Step>,
    ) -> Said {
        let words = match tokenise(&invocation.line, invocation.dialect) {
            Ok(words) => words,
            Err(error) => return Said::Refused(UserError::new(error.to_string())),
        };
        let (command, args) = match self.grammar.parse(&words) {
            Ok(Parsed::Run(command, args)) => (command, args),
            Ok(Parsed::Help(path)) => return Said::Message(self.help(&path)),
            Err(wrong) => return Said::Refused(wrong),
        };
        if let Some(decision) = self.authorise(&invocation.speaker, command)
            && !decision.allowed
        {
            let text = format!("you may not run `{}`: {}", command.path, decision.reason);
            return Said::Refused(UserError::new(text));
        }
        match command.run {
            Run::NotYet => {
                let text = format!("`{}` is not available in this build", command.path);
                Said::Refused(UserError::new(text))
            }
            Run::Bot => Said::Message(self.own(command, invocation)),
            Run::Diagnostic(function) => {
                match run::diagnostic(function, args, &self.platform, progress).await {
                    Ok(Ok(report)) => Said::Report { command: command.path, report },
                    Ok(Err(wrong)) => Said::Refused(wrong),
                    Err(fault) => {
                        tracing::error!(reference, command = command.path, %fault, "a command failed");
                        Said::Failed
                    }
                }
            }
        }
    }

    fn help(&self, path: &[String]) -> Message {
        view::help(&self.grammar, path, |command| {
            let risk = command.kind.risk()?.word().parse().ok()?;
            Some(self.gate.need(risk)?.describe())
        })
    }

    /// The bot's own commands.
    fn own(&self, command: &Command, invocation: &Invocation) -> Message {
        match command.path {
            "whoami" => {
                let speaker = &invocation.speaker;
                let roles: Vec<&str> = speaker.roles.iter().map(|role| role.as_str()).collect();
                let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
                let who = format!("{} ({}): {roles}", speaker.person, speaker.platform);
                Message::new(Mark::Info, self.sanitiser.line(&who.into(), view::limits::HEADLINE))
            }
            _ => self.help(&[]),
        }
    }

    fn draw(&self, command: &str, report: &Report, took: Duration) -> Answer {
        let exit = Exit::of(report);
        let context = view::Context {
            sanitiser: &self.sanitiser,
            grammar: &self.grammar,
            now: Timestamp::now(),
            took,
        };
        let json =
            view::json::report(command, report, exit as u8, took.as_millis(), &self.sanitiser);
        let message = view::report(report, &context);
        Answer { exit, ending: Ending::Answered, message, json }
    }

    fn plain(&self, invocation: &Invocation, ending: Ending, message: Message) -> Answer {
        let exit = if ending == Ending::Answered { Exit::Ok } else { Exit::Error };
        let line = self.kept_line(invocation);
        let json = view::json::message(&line, exit as u8, &message);
        Answer { exit, ending, message, json }
    }

    fn duplicate(&self, invocation: &Invocation) -> Answer {
        let message = Message::new(Mark::Info, "already being answered");
        self.plain(invocation, Ending::Answered, message)
    }

    async fn begin(&self, invocation: &Invocation) -> Result<Begun, String> {
        let store = self.store.as_ref().map_err(|e| format!("{e:#}"))?;
        let speaker = &invocation.speaker;
        let new = NewInvocation {
            dedupe: DedupeId::new(&invocation.dedupe),
            account: store::Account {
                platform: speaker.platform.as_str().to_owned(),
                id: speaker.account.id.clone(),
            },
            person: Some(PersonId::new(&speaker.person)),
            conversation: invocation.conversation.clone(),
            command: self.kept_line(invocation),
        };
        in_time(Box::pin(store.begin(new))).await
    }

    async fn finish(&self, id: &InvocationId, answer: &Answer) -> Result<(), String> {
        let store = self.store.as_ref().map_err(|e| format!("{e:#}"))?;
        let outcome = Outcome {
            ending: answer.ending,
            exit_status: i32::from(answer.exit as u8),
            detail: json!({ "verdict": answer.message.headline }),
        };
        in_time(Box::pin(store.finish(id, outcome))).await
    }

    /// The line without secrets and without the megabytes that somebody pasted.
    fn kept_line(&self, invocation: &Invocation) -> String {
        let mut end = invocation.line.len().min(MAX_LINE);
        while !invocation.line.is_char_boundary(end) {
            end -= 1;
        }
        self.sanitiser.line(&invocation.line[..end].into(), KEPT_LINE)
    }
}

/// A person waits for the answer, not for the timeline: a store that takes longer is reported.
async fn in_time<T>(
    writing: impl Future<Output = Result<T, store::StoreError>>,
) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, writing).await {
        Ok(written) => written.map_err(|error| error.to_string()),
        Err(_) => Err(format!("the store did not answer within {} s", PATIENCE.as_secs())),
    }
}
