//! What goes into the store and comes out of it. No behaviour beyond the names that the database
//! holds, which never change: they are under the timeline's hashes.

use serde_json::Value;

use super::ids::{DedupeId, IncidentId, InvocationId, PersonId};

/// One identity on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// `console`, `slack`, `discord`, …
    pub platform: String,
    /// The platform's own identifier.
    pub id: String,
}

/// A command that somebody gave.
#[derive(Debug, Clone)]
pub struct NewInvocation {
    /// Two deliveries with the same one are the same command.
    pub dedupe: DedupeId,
    /// Who gave it.
    pub account: Account,
    /// The human behind the account, when it is linked to one.
    pub person: Option<PersonId>,
    /// Where: a channel, a thread, a terminal.
    pub conversation: String,
    /// The command line, already redacted. At most 8 KiB are kept.
    pub command: String,
}

/// What [`super::Store::begin`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is new and is the caller's to carry out.
    New(InvocationId),
    /// It was begun before, as this one.
    Duplicate(InvocationId),
}

/// How an invocation ended. Final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was carried out and answered, whatever the answer says.
    Answered,
    /// It was not carried out: not permitted, or not understood.
    Refused,
    /// It broke.
    Failed,
}

/// How to end an invocation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// In which way.
    pub ending: Ending,
    /// What a terminal would exit with.
    pub exit_status: i32,
    /// What the timeline keeps of it: findings, a reason. Already redacted.
    pub detail: Value,
}

/// What a timeline row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A command was taken on.
    Invoked,
    /// A command was answered.
    Answered,
    /// A command was refused.
    Refused,
    /// A command broke.
    Failed,
    /// Somebody wrote something down.
    Note,
    /// An incident was opened.
    Declared,
    /// An incident was taken.
    Acknowledged,
    /// An incident has ended.
    Resolved,
    /// An incident is talked about in a room from here on.
    Moved,
}

/// A fact to write down.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// What it tells.
    pub kind: Kind,
    /// The invocation it came from.
    pub invocation: Option<InvocationId>,
    /// Who did it. At most 512 bytes are kept.
    pub actor: String,
    /// The facts, already redacted; at most 64 KiB of JSON.
    pub body: Value,
}

/// A fact as written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// 1, 2, 3, … without gaps.
    pub seq: i64,
    /// Milliseconds since the epoch, UTC. The order is `seq`'s: clocks step back.
    pub at_ms: i64,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// What it tells.
    pub kind: Kind,
    /// The invocation it came from.
    pub invocation: Option<InvocationId>,
    /// Who did it.
    pub actor: String,
    /// The facts.
    pub body: Value,
    /// The hash of this row, which covers every row before it.
    pub hash: String,
}

/// Which part of the timeline to read, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only rows older than this seq; `None` starts at the newest.
    pub before: Option<i64>,
    /// How many at most; counts as 1 below that and as [`Self::MAX`] above it.
    pub limit: u32,
}

impl Page {
    /// The most rows that one page holds.
    pub const MAX: u32 = 200;
}

/// A point of the timeline. Kept outside the database (posted to a channel, say) it shows later
/// whether everything up to it is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The row's number; 0 before the first.
    pub seq: i64,
    /// The row's hash, 64 hexadecimal digits.
    pub hash: String,
}

/// Gives an enum the names that the database holds.
macro_rules! stored_as {
    ($type:ty { $($variant:path => $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name that the database holds.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $($variant => $name),+
                }
            }

            pub(super) fn stored(name: &str) -> Option<Self> {
                match name {
                    $($name => Some($variant),)+
                    _ => None,
                }
            }
        }
    };
}
pub(super) use stored_as;

stored_as!(Kind {
    Kind::Invoked => "invoked",
    Kind::Answered => "answered",
    Kind::Refused => "refused",
    Kind::Failed => "failed",
    Kind::Note => "note",
    Kind::Declared => "declared",
    Kind::Acknowledged => "acknowledged",
    Kind::Resolved => "resolved",
    Kind::Moved => "moved",
});

impl From<Ending> for Kind {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Answered => Self::Answered,
            Ending::Refused => Self::Refused,
            Ending::Failed => Self::Failed,
        }
    }
}
