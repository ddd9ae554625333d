//! What an incident is, what can be done to it, and what comes of that. The names that the database
//! holds never change: timeline rows speak of them.

use std::fmt;
use std::str::FromStr;

use nova_adapters::chat::{Conversation, MessageRef, Platform};
use nova_commands::text::Untrusted;
use nova_permissions::Severity;

use crate::store::ids::{IncidentId, PersonId};
use crate::store::model::stored_as;

/// An incident's number: 1, 2, 3, … without gaps. People write it `INC-7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IncidentNumber(pub(super) i64);

impl IncidentNumber {
    /// The bare number, as a form's argument carries it.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// What timeline rows call it.
    #[must_use]
    pub fn id(self) -> IncidentId {
        IncidentId::new(&self.to_string())
    }
}

impl fmt::Display for IncidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{}", self.0)
    }
}

/// Text that names no incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an incident is written INC-7 or 7")]
pub struct NotANumber;

impl FromStr for IncidentNumber {
    type Err = NotANumber;

    /// Takes `INC-7` in any case, `#7` and `7`.
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let head = text.get(..4).filter(|head| head.eq_ignore_ascii_case("inc-"));
        let digits = match head {
            Some(head) => &text[head.len()..],
            None => text.strip_prefix('#').unwrap_or(text),
        };
        // `parse` alone would take `+7`.
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotANumber);
        }
        digits.parse().ok().filter(|number| *number > 0).map(Self).ok_or(NotANumber)
    }
}

/// How far an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentState {
    /// Nobody has taken it.
    Open,
    /// Somebody has taken it.
    Acknowledged,
    /// Over. Final.
    Resolved,
}

stored_as!(IncidentState {
    IncidentState::Open => "open",
    IncidentState::Acknowledged => "acknowledged",
    IncidentState::Resolved => "resolved",
});

/// When something was done, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds since the epoch, UTC.
    pub at_ms: i64,
    /// The person; an account that is linked to none is `platform:id`.
    pub by: PersonId,
}

/// An incident as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its number.
    pub number: IncidentNumber,
    /// How bad it is.
    pub severity: Severity,
    /// What does not work, in the words of whoever declared it.
    pub impact: Untrusted,
    /// How far it is.
    pub state: IncidentState,
    /// Its opening.
    pub declared: Stamp,
    /// Who took it; an incident may be resolved without.
    pub acknowledged: Option<Stamp>,
    /// Its end.
    pub resolved: Option<Stamp>,
    /// The conversations that it has for itself: one a platform at most.
    pub rooms: Vec<IncidentRoom>,
    /// Grows with everything that the card shows: a card drawn from a lower one is stale.
    pub revision: i64,
}

impl Incident {
    /// Its room on this platform.
    #[must_use]
    pub fn room_on(&self, platform: Platform) -> Option<&IncidentRoom> {
        self.rooms.iter().find(|room| room.place.platform == platform)
    }
}

/// A conversation that an incident has for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRoom {
    /// Which one.
    pub place: Conversation,
    /// Where the incident's card stands, which is in [`Self::place`].
    pub card: Option<MessageRef>,
    /// The card's web address, where the platform gave one.
    pub link: Option<String>,
}

/// Something that somebody wrote on an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentNote {
    /// When, and who.
    pub stamp: Stamp,
    /// What.
    pub text: Untrusted,
}

/// What to do to the incidents. Texts are already redacted; at most 4 KiB of each are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentChange {
    /// Open one.
    Declare {
        /// How bad it is.
        severity: Severity,
        /// What does not work.
        impact: String,
    },
    /// Take one that nobody has taken.
    Acknowledge(IncidentNumber),
    /// Write on the timeline of one, resolved or not: what is remembered late belongs there too.
    Note(IncidentNumber, String),
    /// End one, acknowledged or not.
    Resolve(IncidentNumber),
}

/// Why an incident was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentRefusal {
    /// There is none of that number.
    Unknown(IncidentNumber),
    /// Somebody has taken it already.
    Acknowledged(Box<Incident>),
    /// It is over; that is final.
    Resolved(Box<Incident>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for text in ["INC-7", "inc-7", "Inc-007", "7", "#7"] {
            assert_eq!(text.parse(), Ok(IncidentNumber(7)), "{text}");
        }
        let huge = "9".repeat(100);
        for text in
            ["", "0", "-7", "+7", "INC-", "INC7", "INC--7", "#", "seven", "٧", "é-7", "7 ", &huge]
        {
            assert_eq!(text.parse::<IncidentNumber>(), Err(NotANumber), "{text}");
        }
        assert_eq!(IncidentNumber(7).to_string(), "INC-7");
        assert_eq!(IncidentNumber(7).id().as_str(), "INC-7");
    }
}
