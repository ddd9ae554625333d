//! The incident commands and the home page that this build runs: their declarations, and what a line of them orders.
//! The `nova` crate, which has the state, carries the order out; a form on a chat platform gives the
//! same [`Order`] without a line.

use clap::{ArgMatches, Args as _, FromArgMatches};

use crate::command::{Command, Kind, Run, UserError};
use crate::text::Untrusted;

/// The severities, worst first.
pub const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];

/// What somebody wants of the incidents. An incident is named as typed (`INC-7`, `7`); `None` leaves it
/// to the place where it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Open one. `severity` is one of [`SEVERITIES`], or whatever a form was made to send.
    Declare {
        severity: String,
        impact: Untrusted,
    },
    List,
    Show {
        incident: Option<String>,
    },
    Acknowledge {
        incident: Option<String>,
    },
    Note {
        incident: Option<String>,
        text: Untrusted,
    },
    Resolve {
        incident: Option<String>,
    },
    /// Show what is open, who one is here, and the ways in.
    Home,
}

impl Order {
    /// Whether the line of `command` is an order, for [`Self::read`].
    #[must_use]
    pub fn is_given_by(command: &Command) -> bool {
        ALL.iter().any(|one| one.path == command.path)
    }

    /// What the parsed line of `command` orders.
    ///
    /// # Errors
    /// When `command` is none of this file.
    pub fn read(command: &Command, args: &ArgMatches) -> Result<Self, UserError> {
        Ok(match command.path {
            "incident declare" => {
                let Declare { severity, impact } = arguments(args)?;
                Self::Declare { severity: severity.to_lowercase(), impact: joined(&impact) }
            }
            "incident list" => Self::List,
            "incident show" => Self::Show { incident: arguments::<Which>(args)?.incident },
            "incident ack" => Self::Acknowledge { incident: arguments::<Which>(args)?.incident },
            "incident note" => {
                let Note { text, incident } = arguments(args)?;
                Self::Note { incident, text: joined(&text) }
            }
            "incident resolve" => Self::Resolve { incident: arguments::<Which>(args)?.incident },
            "home" => Self::Home,
            other => return Err(UserError::new(format!("`{other}` is not about incidents"))),
        })
    }

    /// The command that gives this order, which says what it takes to be allowed to.
    #[must_use]
    pub fn command(&self) -> &'static Command {
        match self {
            Self::Declare { .. } => &DECLARE,
            Self::List => &LIST,
            Self::Show { .. } => &SHOW,
            Self::Acknowledge { .. } => &ACKNOWLEDGE,
            Self::Note { .. } => &NOTE,
            Self::Resolve { .. } => &RESOLVE,
            Self::Home => &HOME,
        }
    }
}

#[derive(clap::Args)]
struct Declare {
    /// How bad it is
    // A phone begins every line with a capital.
    #[arg(value_name = "SEVERITY", value_parser = SEVERITIES, ignore_case = true)]
    severity: String,
    /// What does not work, and for whom
    // It comes last, so that whatever follows belongs to it: `-50 % capacity`.
    #[arg(value_name = "IMPACT", required = true, num_args = 1.., allow_hyphen_values = true)]
    impact: Vec<String>,
}

#[derive(clap::Args)]
struct Which {
    /// INC-7 or 7; without it the incident of this channel, or the only open one
    #[arg(value_name = "INCIDENT")]
    incident: Option<String>,
}

#[derive(clap::Args)]
struct Note {
    /// What happened or was decided; after `--` if words begin with a dash
    #[arg(value_name = "TEXT", required = true, num_args = 1..)]
    text: Vec<String>,
    /// INC-7 or 7; without it the incident of this channel, or the only open one
    #[arg(long, value_name = "INCIDENT")]
    incident: Option<String>,
}

fn arguments<T: FromArgMatches>(args: &ArgMatches) -> Result<T, UserError> {
    T::from_arg_matches(args).map_err(|error| UserError::new(error.to_string()))
}

fn joined(words: &[String]) -> Untrusted {
    words.join(" ").into()
}

const fn command(
    path: &'static str,
    summary: &'static str,
    reads: bool,
    guide: &'static [&'static str],
    args: fn(clap::Command) -> clap::Command,
) -> Command {
    Command { path, summary, kind: Kind::Incident { reads }, guide, args, run: Run::Bot }
}

static DECLARE: Command =
    command("incident declare", "Open an incident", false, &["G85"], Declare::augment_args);
static LIST: Command = command("incident list", "Open incidents", true, &["G85"], |c| c);
static SHOW: Command =
    command("incident show", "One incident", true, &["G85"], Which::augment_args);
static ACKNOWLEDGE: Command =
    command("incident ack", "Take an incident", false, &["G01"], Which::augment_args);
static NOTE: Command =
    command("incident note", "Write on the timeline", false, &["G86", "G87"], Note::augment_args);
static RESOLVE: Command = command(
    "incident resolve",
    "Close an incident after its smoke test",
    false,
    &["G87"],
    Which::augment_args,
);

/// For everybody: whoever may not read the incidents is told so on the page.
static HOME: Command = Command {
    path: "home",
    summary: "What is open, who you are here, and what to do next",
    kind: Kind::Bot,
    guide: &[],
    args: |c| c,
    run: Run::Bot,
};

/// Every command of this file.
pub(crate) static ALL: &[&Command] =
    &[&DECLARE, &LIST, &SHOW, &ACKNOWLEDGE, &NOTE, &RESOLVE, &HOME];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Dialect, Grammar, Parsed, tokenise};

    fn ordered(line: &str) -> Result<Order, String> {
        let words = tokenise(line, Dialect::Plain).unwrap();
        match Grammar::new().parse(&words) {
            Ok(Parsed::Run(command, args)) => {
                let order = Order::read(command, &args).map_err(|e| e.0.raw().to_owned())?;
                assert_eq!(order.command().path, command.path);
                Ok(order)
            }
            Ok(Parsed::Help(path)) => Err(format!("help {}", path.join(" "))),
            Err(UserError(text)) => Err(text.raw().to_owned()),
        }
    }

    #[test]
    fn lines_become_orders() {
        let seven = || Some("INC-7".to_owned());
        for (line, order) in [
            (
                "incident declare Critical API down, -50 % capacity",
                Order::Declare {
                    severity: "critical".to_owned(),
                    impact: "API down, -50 % capacity".into(),
                },
            ),
            ("incident list", Order::List),
            ("incident show", Order::Show { incident: None }),
            ("incident ack INC-7", Order::Acknowledge { incident: seven() }),
            (
                "incident note disk is full --incident INC-7",
                Order::Note { incident: seven(), text: "disk is full".into() },
            ),
            (
                "incident note --incident INC-7 -- -50 % capacity",
                Order::Note { incident: seven(), text: "-50 % capacity".into() },
            ),
            ("incident resolve INC-7", Order::Resolve { incident: seven() }),
            ("home", Order::Home),
        ] {
            assert_eq!(ordered(line), Ok(order), "{line}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let wrong: Vec<String> = [
            "incident declare",
            "incident declare high",
            "incident declare hihg api down",
            "incident note",
            "incident ack 7 8",
            "health",
        ]
        .iter()
        .map(|line| format!("{line} → {}", ordered(line).unwrap_err()))
        .collect();
        insta::assert_snapshot!(wrong.join("\n"));
    }
}
