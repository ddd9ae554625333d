//! One invocation from its line to its answer: read, record, authorise, run, record, draw.

use std::time::{Duration, Instant};

use clap::ArgMatches;
use jiff::Timestamp;
use nova_adapters::chat::Account;
use nova_adapters::message::{Mark, Message};
use nova_commands::command::{Command, Run, Step, UserError};
use nova_commands::grammar::{MAX_LINE, Parsed};
use nova_commands::incident::Order;
use nova_commands::report::Report;
use nova_permissions::{Platform, Role};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Changed, Engine, Line, run};
use crate::store::{self, Begun, DedupeId, Ending, InvocationId, NewInvocation, Outcome, PersonId};
use crate::view;

/// Longest command line that the timeline keeps, in characters.
const KEPT_LINE: usize = 500;

/// The longest that an answer waits for each of its timeline rows.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

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
    pub line: Line,
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

/// What comes back, drawn for people; for scripts where [`Answer::json`] is asked for it.
pub struct Answer {
    pub exit: Exit,
    pub ending: Ending,
    pub message: Message,
    /// The command line, and what a report says to scripts.
    line: String,
    report: Option<Value>,
    /// Why it is not on the timeline.
    warning: Option<String>,
    /// What it did to an incident, whose card and room are the caller's to look after.
    pub incident: Option<Changed>,
}

impl Answer {
    /// Drawn for scripts.
    #[must_use]
    pub fn json(&self) -> Value {
        let message = || view::json::message(&self.line, self.exit as u8, &self.message);
        let mut json = self.report.clone().unwrap_or_else(message);
        if let Some(warning) = &self.warning {
            json["warning"] = warning.as_str().into();
        }
        json
    }
}

/// What became of an invocation that was taken on.
pub enum Taken {
    /// Answered, and on the timeline with its outcome.
    Answered(Box<Answer>),
    /// On the timeline, and the caller's to carry out.
    Running(Running),
    /// It was delivered before.
    Duplicate,
}

/// A command on its way.
pub struct Running {
    command: &'static Command,
    function: run::Diagnostic,
    args: ArgMatches,
    secret: Option<SecretString>,
    start: Instant,
    /// `Err`: why it is not on the timeline.
    recorded: Result<InvocationId, String>,
}

/// A line that was understood and permitted, or its answer.
enum Read {
    Now(Said),
    Order(Order),
    Run {
        command: &'static Command,
        function: run::Diagnostic,
        args: ArgMatches,
        secret: Option<SecretString>,
    },
}

/// A command that has to be given a secret, which is asked for in private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    pub command: &'static str,
    /// In few words: "Suspect token".
    pub text: &'static str,
}

/// An answer before it is drawn.
pub(super) enum Said {
    Report {
        command: &'static str,
        report: Report,
    },
    Message(Message),
    /// A person's mistake or a missing right.
    Refused(UserError),
    /// Ours: the reference is on the timeline and in the log.
    Failed {
        reference: String,
    },
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
        match self.take(invocation).await {
            Taken::Answered(answer) => *answer,
            Taken::Running(running) => self.carry_out(running, progress, cancel).await,
            Taken::Duplicate => {
                let message = Message::new(Mark::Info, "already being answered");
                self.plain(&self.kept_line(&invocation.line.text()), Ending::Answered, message)
            }
        }
    }

    /// Reads, permits and records an invocation. What needs nothing from outside is answered at once;
    /// the rest is for [`Engine::carry_out`].
    pub async fn take(&self, invocation: &Invocation) -> Taken {
        let start = Instant::now();
        match self.read(invocation) {
            Read::Now(said) => self.say(invocation, said, start).await,
            Read::Order(order) => self.carry_out_order(invocation, order, start).await,
            Read::Run { command, function, args, secret } => {
                let recorded = match self.begin(invocation).await {
                    Ok(Begun::New(id)) => Ok(id),
                    Ok(Begun::Duplicate(_)) => return Taken::Duplicate,
                    Err(reason) => Err(reason),
                };
                Taken::Running(Running { command, function, args, secret, start, recorded })
            }
        }
    }

    /// Draws and records what needs no more work.
    pub(super) async fn say(&self, invocation: &Invocation, said: Said, start: Instant) -> Taken {
        let line = self.kept_line(&invocation.line.text());
        let mut answer = self.drawn(said, &line, start.elapsed());
        match self.record(invocation, line, &answer).await {
            Ok(Begun::New(_)) => {}
            Ok(Begun::Duplicate(_)) => return Taken::Duplicate,
            Err(reason) => self.unrecorded(&mut answer, reason),
        }
        Taken::Answered(Box::new(answer))
    }

    /// Carries out what was taken on, and records its outcome.
    pub async fn carry_out(
        &self,
        running: Running,
        progress: &watch::Sender<Step>,
        cancel: impl Future<Output = ()>,
    ) -> Answer {
        let Running { command, function, args, secret, start, recorded } = running;
        let result = tokio::select! {
            result = run::diagnostic(function, args, &self.platform, secret, progress) => result,
            () = cancel => Ok(Err(UserError::new("cancelled"))),
        };
        let said = match result {
            Ok(Ok(report)) => Said::Report { command: command.path, report },
            Ok(Err(wrong)) => Said::Refused(wrong),
            Err(fault) => {
                let reference = recorded.as_ref().map_or("none", InvocationId::as_str).to_owned();
                tracing::error!(reference, command = command.path, %fault, "a command failed");
                Said::Failed { reference }
            }
        };
        self.finished(self.drawn(said, command.path, start.elapsed()), recorded).await
    }

    /// Refuses what was taken on but cannot be carried out now, and records that.
    pub async fn decline(&self, running: Running, why: &str) -> Answer {
        let Running { command, start, recorded, .. } = running;
        let said = Said::Refused(UserError::new(why));
        self.finished(self.drawn(said, command.path, start.elapsed()), recorded).await
    }

    /// Records that somebody who is not served was turned away. Nothing else comes of it.
    pub async fn turn_away(&self, account: &Account, place: &str, line: &str, event: &str) {
        let Ok(store) = &self.store else { return };
        let new = NewInvocation {
            dedupe: DedupeId::new(event),
            account: store::Account {
                platform: account.platform.word().to_owned(),
                id: account.id.clone(),
            },
            person: None,
            conversation: place.to_owned(),
            command: self.kept_line(line),
        };
        let exit_status = i32::from(Exit::Error as u8);
        let detail = json!({ "verdict": "not served" });
        let outcome = Outcome { ending: Ending::Refused, exit_status, detail };
        if let Err(error) = in_time(Box::pin(store.record(new, outcome))).await {
            tracing::error!(error, "who was turned away is not on the timeline");
        }
    }

    /// What has to be asked for before this line can be run. `None`: nothing, or the speaker may not run
    /// it, which [`Engine::take`] says.
    #[must_use]
    pub fn asks(&self, speaker: &Speaker, line: &Line) -> Option<Question> {
        if matches!(line, Line::Private { .. }) || self.grammar.secret_typed(&line.text()).is_some()
        {
            return None;
        }
        let Ok(Parsed::Run(command, _)) = self.grammar.parse(&line.words().ok()?) else {
            return None;
        };
        self.question(command.path).filter(|_| self.permitted(speaker, command).is_ok())
    }

    /// What this command asks for, if it is one that does.
    #[must_use]
    pub fn question(&self, path: &str) -> Option<Question> {
        let command = self.grammar.find(path)?;
        let Run::Secret { question, .. } = command.run else { return None };
        Some(Question { command: command.path, text: question })
    }

    fn read(&self, invocation: &Invocation) -> Read {
        let refused = |wrong| Read::Now(Said::Refused(wrong));
        if let Some(command) = self.grammar.secret_typed(&invocation.line.text()) {
            let text = format!(
                "that does not belong in a line, where people and logs see it: revoke it at once; `{}` alone asks for it in private",
                command.path
            );
            return refused(UserError::new(text));
        }
        let words = match invocation.line.words() {
            Ok(words) => words,
            Err(error) => return refused(UserError::new(error.to_string())),
        };
        let (command, args) = match self.grammar.parse(&words) {
            Ok(Parsed::Run(command, args)) => (command, args),
            Ok(Parsed::Help(path)) => return Read::Now(Said::Message(self.help(&path))),
            Err(wrong) => return refused(wrong),
        };
        if let Err(wrong) = self.permitted(&invocation.speaker, command) {
            return refused(wrong);
        }
        match command.run {
            Run::NotYet => {
                let text = format!("`{}` is not available in this build", command.path);
                refused(UserError::new(text))
            }
            Run::Bot if Order::is_given_by(command) => {
                Order::read(command, &args).map_or_else(refused, Read::Order)
            }
            Run::Bot => Read::Now(Said::Message(self.own(command, invocation))),
            Run::Diagnostic(function) => Read::Run { command, function, args, secret: None },
            Run::Secret { run: function, .. } => match &invocation.line {
                Line::Private { secret, .. } => {
                    Read::Run { command, function, args, secret: Some(secret.clone()) }
                }
                _ => refused(UserError::new(
                    "that is asked for in private, which is not possible here",
                )),
            },
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
            "ping" => Message::new(Mark::Ok, "pong"),
            _ => self.help(&[]),
        }
    }

    pub(super) fn drawn(&self, said: Said, line: &str, took: Duration) -> Answer {
        match said {
            Said::Report { command, report } => self.report(command, &report, took),
            Said::Message(message) => self.plain(line, Ending::Answered, message),
            Said::Refused(UserError(text)) => {
                let text = self.sanitiser.line(&text, view::limits::HEADLINE);
                self.plain(line, Ending::Refused, Message::new(Mark::Fail, text))
            }
            Said::Failed { reference } => {
                let text = format!("failed inside nova; reference {reference}");
                self.plain(line, Ending::Failed, Message::new(Mark::Fail, text))
            }
        }
    }

    fn report(&self, command: &str, report: &Report, took: Duration) -> Answer {
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
        let answer = self.plain(command, Ending::Answered, message);
        Answer { exit, report: Some(json), ..answer }
    }

    fn plain(&self, line: &str, ending: Ending, message: Message) -> Answer {
        let exit = if ending == Ending::Answered { Exit::Ok } else { Exit::Error };
        let line = line.to_owned();
        Answer { exit, ending, message, line, report: None, warning: None, incident: None }
    }

    /// Says on the answer that it is not on the timeline.
    fn unrecorded(&self, answer: &mut Answer, reason: String) {
        let reason = self.sanitiser.line(&reason.into(), view::limits::TEXT);
        let note = format!("not on the timeline: {reason}");
        let footer = answer.message.footer.take();
        let footer = footer.map_or_else(|| note.clone(), |f| format!("{f} · {note}"));
        answer.message.footer = Some(footer);
        answer.warning = Some(note);
    }

    async fn begin(&self, invocation: &Invocation) -> Result<Begun, String> {
        let store = self.store.as_ref().map_err(|e| format!("{e:#}"))?;
        let new = taken_on(invocation, self.kept_line(&invocation.line.text()));
        in_time(Box::pin(store.begin(new))).await
    }

    /// Records the outcome of what was taken on, or says on the answer that it is not recorded.
    async fn finished(&self, mut answer: Answer, taken: Result<InvocationId, String>) -> Answer {
        let recorded = match taken {
            Ok(id) => self.finish(&id, &answer).await,
            Err(reason) => Err(reason),
        };
        if let Err(reason) = recorded {
            self.unrecorded(&mut answer, reason);
        }
        answer
    }

    async fn finish(&self, id: &InvocationId, answer: &Answer) -> Result<(), String> {
        let store = self.store.as_ref().map_err(|e| format!("{e:#}"))?;
        in_time(Box::pin(store.finish(id, outcome(answer)))).await
    }

    async fn record(
        &self,
        invocation: &Invocation,
        line: String,
        answer: &Answer,
    ) -> Result<Begun, String> {
        let store = self.store.as_ref().map_err(|e| format!("{e:#}"))?;
        let new = taken_on(invocation, line);
        in_time(Box::pin(store.record(new, outcome(answer)))).await
    }

    /// The line without secrets and without the megabytes that somebody pasted.
    pub(super) fn kept_line(&self, line: &str) -> String {
        if let Some(command) = self.grammar.secret_typed(line) {
            return format!("{} [secret]", command.path);
        }
        let mut end = line.len().min(MAX_LINE);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        self.sanitiser.line(&line[..end].into(), KEPT_LINE)
    }
}

pub(super) fn taken_on(invocation: &Invocation, command: String) -> NewInvocation {
    let speaker = &invocation.speaker;
    NewInvocation {
        dedupe: DedupeId::new(&invocation.dedupe),
        account: store::Account {
            platform: speaker.platform.as_str().to_owned(),
            id: speaker.account.id.clone(),
        },
        person: Some(PersonId::new(&speaker.person)),
        conversation: invocation.conversation.clone(),
        command,
    }
}

pub(super) fn outcome(answer: &Answer) -> Outcome {
    Outcome {
        ending: answer.ending,
        exit_status: i32::from(answer.exit as u8),
        detail: json!({ "verdict": answer.message.headline }),
    }
}

/// A person waits for the answer, not for the timeline: a store that takes longer is reported.
pub(super) async fn in_time<T>(
    writing: impl Future<Output = Result<T, store::StoreError>>,
) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, writing).await {
        Ok(written) => written.map_err(|error| error.to_string()),
        Err(_) => Err(format!("the store did not answer within {} s", PATIENCE.as_secs())),
    }
}
