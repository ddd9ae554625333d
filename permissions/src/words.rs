//! The closed word lists that policies and decisions speak of, and the two records made of them.
//!
//! Invariant: the words are exactly the enumerations of `policies/schema.cedarschema` (a test
//! compares them), so that no value built here is refused by the schema. Callers: every surface that
//! asks for a decision, and `gate.rs`, which is keyed by [`Risk`].

/// A word that is not in its list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{}`: use one of {choices}", crate::text::one_line(.given, 40))]
pub struct UnknownWord {
    what: &'static str,
    given: String,
    choices: String,
}

impl UnknownWord {
    pub(crate) fn new(what: &'static str, given: &str, choices: &[&str]) -> Self {
        Self {
            what,
            // Enough to recognise it; the whole may be of any size.
            given: given.chars().take(64).collect(),
            choices: choices.join(", "),
        }
    }
}

/// Declares an enum whose variants are words, with `ALL`, `as_str`, `Display` and `FromStr`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as policies, configuration and messages write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::words::UnknownWord::new($what, word, &[$($word,)+])),
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a person wants to do with a command.
    Action, "action" {
        /// Run a read-only command, or read an incident.
        Diagnose = "diagnose",
        /// Ask for a change; its gate decides what has to follow.
        Request = "request",
        /// Vote for somebody else's request.
        Approve = "approve",
        /// Carry out a change whose gate is satisfied. Asked again at the moment of execution.
        Execute = "execute",
        /// Carry out a change past its gate and past a freeze.
        BreakGlass = "break_glass",
        /// Change the bot itself.
        Administer = "administer",
    }
}

words! {
    /// What sort of command it is.
    Kind, "kind" {
        /// Read-only.
        Diagnostic = "diagnostic",
        /// Changes the platform; gated.
        Remediation = "remediation",
        /// Changes only the incident's own record, or pages people.
        Incident = "incident",
        /// Changes the bot.
        Admin = "admin",
    }
}

words! {
    /// How much a command can break, least first.
    Risk, "risk" {
        /// Changes nothing on the platform.
        None = "none",
        /// Undone at once, nobody notices.
        Low = "low",
        /// A short disturbance.
        Medium = "medium",
        /// An outage or lost data for some.
        High = "high",
        /// An outage or lost data for all.
        Critical = "critical",
    }
}

words! {
    /// How bad the open incident is, least first. A severity of another scheme is mapped to one of
    /// these four before policy is asked.
    Severity, "severity" {
        /// Answer within 24 hours.
        Low = "low",
        /// Answer within 8 hours.
        Medium = "medium",
        /// Answer within 2 hours.
        High = "high",
        /// Answer within 15 minutes.
        Critical = "critical",
    }
}

words! {
    /// Where the person speaks from.
    Platform, "platform" {
        /// A terminal.
        Console = "console",
        /// Slack.
        Slack = "slack",
        /// Discord.
        Discord = "discord",
        /// A browser.
        Web = "web",
    }
}

/// The command that somebody wants to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The command's name as the command tree has it, such as `restart`.
    pub name: String,
    /// The group it stands in, such as `security`; empty for a command at the root.
    pub group: String,
    /// What sort of command it is.
    pub kind: Kind,
    /// How much it can break.
    pub risk: Risk,
    /// It shows security data.
    pub sensitive: bool,
}

/// The circumstances of one question. There is no clock here: the caller says what time it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Where the person speaks from.
    pub platform: Platform,
    /// The severity of the open incident that the question belongs to, if there is one.
    pub incident_severity: Option<Severity>,
    /// The person is on call now.
    pub on_call: bool,
    /// A freeze window or the kill switch is on.
    pub freeze: bool,
    /// The hour in UTC, 0 to 23. Any other number is answered with a denial.
    pub hour: u8,
    /// The person is the one who made the request that this is about, on whatever platform.
    pub requester_is_principal: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
        }
        for risk in Risk::ALL {
            assert_eq!(risk.as_str().parse(), Ok(*risk));
        }
        assert!(Risk::None < Risk::Low && Risk::High < Risk::Critical);
    }

    #[test]
    fn an_unknown_word_is_named_with_the_choices_and_bounded() {
        let error = "Hgih".parse::<Risk>().unwrap_err().to_string();
        assert_eq!(error, "unknown risk `Hgih`: use one of none, low, medium, high, critical");
        let long = "x\n".repeat(1 << 20).parse::<Platform>().unwrap_err().to_string();
        assert!(long.len() < 200 && !long.contains('\n'), "{long}");
    }
}
