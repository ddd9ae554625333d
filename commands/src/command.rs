//! A command's declaration, from which everything else about it comes: the grammar, help, completion,
//! the catalogue and, on the chat platforms, its registration.

use std::ops::RangeInclusive;
use std::sync::Arc;

use clap::{Arg, ArgMatches, value_parser};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::watch;

use crate::platform::Platform;
use crate::report::Report;
use crate::text::Untrusted;

/// One command of the catalogue.
pub struct Command {
    /// The words that name it: `health`, `db slow-queries`.
    pub path: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    pub kind: Kind,
    /// The items of the operations guide that it runs.
    pub guide: &'static [&'static str],
    /// Its arguments. The value name says what a value is: `SERVICE`, `CLUSTER` complete from the
    /// configuration.
    pub args: fn(clap::Command) -> clap::Command,
    pub run: Run,
}

/// What kind of thing a command is, which decides the permission it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads only. `sensitive`: shows who did what, so only security people may ask.
    Diagnostic { sensitive: bool },
    /// Changes the platform, behind the gate.
    Remediation { risk: Risk, reversible: bool },
    /// Incidents, escalation and on-call. `reads`: changes nothing of them.
    Incident { reads: bool },
    /// The bot itself: help, whoami, the kill switch.
    Bot,
}

/// How much a remediation can break. The gate's needs hang on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    Low,
    Medium,
    High,
    Critical,
}

impl Risk {
    /// The word used in text, policies and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl Kind {
    /// The word used in text, policies and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Diagnostic { .. } => "diagnostic",
            Self::Remediation { .. } => "remediation",
            Self::Incident { .. } => "incident",
            Self::Bot => "admin",
        }
    }

    /// The risk of a remediation; nothing else has one.
    #[must_use]
    pub fn risk(self) -> Option<Risk> {
        match self {
            Self::Remediation { risk, .. } => Some(risk),
            _ => None,
        }
    }
}

/// How a command is carried out.
#[derive(Clone, Copy)]
pub enum Run {
    /// By this function of this crate.
    Diagnostic(fn(Call) -> BoxFuture<'static, Result<Report, UserError>>),
    /// The same, with a secret that is asked for in private and never stands in a line.
    Secret {
        /// What is asked for, in few words.
        question: &'static str,
        run: fn(Call) -> BoxFuture<'static, Result<Report, UserError>>,
    },
    /// By the `nova` crate, which has the state that it needs.
    Bot,
    /// Part of the catalogue, not of this build.
    NotYet,
}

impl Command {
    /// The words of its path.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.path.split(' ')
    }

    /// Whether this build can run it.
    #[must_use]
    pub fn available(&self) -> bool {
        !matches!(self.run, Run::NotYet)
    }
}

/// The option `--name` that takes a whole number of this range, which its value name tells: clap does not
/// give a parser's range back, and the platforms that register commands want it.
#[must_use]
pub fn number(name: &'static str, range: RangeInclusive<u32>) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(format!("{}-{}", range.start(), range.end()))
        .value_parser(value_parser!(u32).range(i64::from(*range.start())..=i64::from(*range.end())))
}

/// What a diagnostic is given.
pub struct Call {
    pub args: ArgMatches,
    pub platform: Arc<Platform>,
    pub progress: Progress,
    /// What a [`Run::Secret`] has asked for.
    pub secret: Option<SecretString>,
}

/// A person's mistake: what is wrong and what to do, in one line. May hold their own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError(pub Untrusted);

impl UserError {
    /// `wrong` says what is wrong and what to do.
    pub fn new(wrong: impl Into<Untrusted>) -> Self {
        Self(wrong.into())
    }

    /// "no KIND `name`", with the nearest of the names that there are.
    #[must_use]
    pub fn no_such<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = known.into_iter().collect();
        Self::new(match nearest(name, names.iter().copied()) {
            Some(near) => format!("no {kind} `{name}`; did you mean `{near}`?"),
            None if names.is_empty() => format!("no {kind} `{name}`; none is configured"),
            None if names.len() <= FEW => {
                format!("no {kind} `{name}`; there are {}", names.join(", "))
            }
            None => format!("no {kind} `{name}`"),
        })
    }
}

/// So many names are worth listing in one line.
const FEW: usize = 10;

/// The name that was most likely meant, if any is near enough to be worth saying.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A huge word resembles nothing, and comparing it would cost its length squared.
    if name.len() > 100 {
        return None;
    }
    let score = |known: &str| {
        let prefix = known.starts_with(name) && name.len() > 2;
        strsim::jaro_winkler(name, known) + f64::from(u8::from(prefix))
    };
    known
        .into_iter()
        .map(|known| (score(known), known))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// How far a command is. Only the newest state is kept: a reader that is slow misses steps, never
/// the last one.
#[derive(Clone)]
pub struct Progress(watch::Sender<Step>);

/// One state of progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    pub done: usize,
    pub total: usize,
}

impl Progress {
    /// A reporter to this listener.
    #[must_use]
    pub fn new(listener: watch::Sender<Step>) -> Self {
        Self(listener)
    }

    /// Announces how many things will be looked at.
    pub fn total(&self, total: usize) {
        self.0.send_modify(|step| step.total = total);
    }

    /// One more of them is done.
    pub fn done(&self) {
        self.0.send_modify(|step| step.done += 1);
    }
}
