//! The ways in which a stand-in can be broken, and their names on the command line.
//!
//! Invariant: `Fault::named(fault.name())` is the same kind of fault.

use std::fmt;
use std::time::Duration;

/// How long a service takes to answer when it is made slow by name only.
const SLOW: Duration = Duration::from_millis(700);

/// What is wrong with a service. Faults of the answer concern the health paths; `/metrics` goes on
/// unless the whole server is hanging or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is wrong.
    Ok,
    /// The healthy answer, this much later.
    Slow(Duration),
    /// 200, but the status says degraded and one check with it.
    Degraded,
    /// 200 and healthy, with `"storage":"warning: 91% full"`.
    StorageWarning,
    /// 503 with a failed database check.
    Unhealthy,
    /// The port is closed.
    Refused,
    /// Connections are taken, answers never come.
    Hanging,
    /// Like `Refused`; the world removes the deployment too.
    Absent,
    /// 404 on the health paths.
    NotFound,
    /// 200 with a JSON body that grows to 50 MB and never closes its braces.
    Huge,
    /// 200 with an HTML page.
    NotJson,
    /// 200, declared as JSON, with malformed JSON and invalid UTF-8.
    Garbage,
    /// The connection ends in the middle of the announced body.
    DropMidBody,
}

/// The names of all faults, for completion and suggestions.
pub const HTTP_FAULT_NAMES: [&str; 12] = [
    "unhealthy",
    "slow",
    "degraded",
    "storage-warning",
    "refused",
    "hanging",
    "absent",
    "not-found",
    "huge",
    "not-json",
    "garbage",
    "drop-mid-body",
];

impl Fault {
    /// The fault of that name; `slow` takes two seconds.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ok" => Self::Ok,
            "slow" => Self::Slow(SLOW),
            "degraded" => Self::Degraded,
            "storage-warning" => Self::StorageWarning,
            "unhealthy" => Self::Unhealthy,
            "refused" => Self::Refused,
            "hanging" => Self::Hanging,
            "absent" => Self::Absent,
            "not-found" => Self::NotFound,
            "huge" => Self::Huge,
            "not-json" => Self::NotJson,
            "garbage" => Self::Garbage,
            "drop-mid-body" => Self::DropMidBody,
            _ => return None,
        })
    }

    /// The kebab-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Slow(_) => "slow",
            Self::Degraded => "degraded",
            Self::StorageWarning => "storage-warning",
            Self::Unhealthy => "unhealthy",
            Self::Refused => "refused",
            Self::Hanging => "hanging",
            Self::Absent => "absent",
            Self::NotFound => "not-found",
            Self::Huge => "huge",
            Self::NotJson => "not-json",
            Self::Garbage => "garbage",
            Self::DropMidBody => "drop-mid-body",
        }
    }

    /// Whether nothing listens on the port.
    #[must_use]
    pub const fn closes_port(self) -> bool {
        matches!(self, Self::Refused | Self::Absent)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_its_fault_and_back() {
        for name in HTTP_FAULT_NAMES {
            assert_eq!(Fault::named(name).map(Fault::name), Some(name));
        }
        assert_eq!(Fault::named("nonsense"), None);
    }
}
