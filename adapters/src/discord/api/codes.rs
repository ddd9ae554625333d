//! What Discord's error codes mean to nova, and what a person should do about them. Codes and their
//! meanings: <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json>.
//!
//! Invariant: one table. A code that is not in it is refused with its number.

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The channel, message, person or interaction is not there (for nova).
    Gone,
    /// Not now; nothing was done.
    Busy,
    /// nova's role lacks a permission.
    Forbidden,
    /// No, with a sentence for people.
    Refused(&'static str),
}

use Meaning::{Busy, Forbidden, Gone, Refused};

/// An interaction was answered already.
pub(super) const ANSWERED: u64 = 40060;
/// Codes of an interaction's token that takes nothing more, or not yet: before its first answer has
/// arrived Discord does not know it either.
pub(super) const SPENT: [u64; 4] = [10008, 10015, 10062, OVER];
/// A token that is over, or was never one: waiting does not help.
pub(super) const OVER: u64 = 50027;
/// Not in the server, but somewhere on Discord.
pub(super) const UNKNOWN_MEMBER: u64 = 10007;
/// A thread is archived, and so takes no change but being opened.
pub(super) const ARCHIVED: u64 = 50083;

const MEANINGS: &[(u64, Meaning)] = &[
    (10002, Refused("there is no such application; check the application's id")),
    (10003, Gone),
    (10004, Gone),
    (10007, Gone),
    (10008, Gone),
    (10013, Gone),
    (10015, Gone),
    (10062, Gone),
    (30003, Refused("the channel cannot hold more pins")),
    (30013, Refused("the server cannot hold more channels")),
    (30034, Refused("commands were registered too often today; it works again tomorrow")),
    (40005, Refused("the file is too large for Discord")),
    (40060, Gone),
    (40333, Refused("Discord does not accept nova's requests from this address")),
    (50001, Gone),
    (50006, Refused("the message is empty")),
    (50007, Refused("the person takes no direct messages from nova")),
    (50008, Refused("this channel takes no messages")),
    (50013, Forbidden),
    (50024, Refused("this cannot be done in this kind of channel")),
    (50027, Gone),
    (50033, Refused("direct messages cannot be opened with this account")),
    (50035, Refused("Discord does not take the request as it is")),
    (50083, Gone),
    (50278, Refused("direct messages go to people who share a server with nova only")),
    (130000, Busy),
    (160005, Gone),
    (160006, Refused("the server cannot hold more open threads")),
    (200000, Refused("the server's AutoMod does not let this message through")),
];

/// What `code` means; `None` when nova does not know it.
pub(super) fn meaning(code: u64) -> Option<Meaning> {
    MEANINGS.iter().find(|(number, _)| *number == code).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_and_each_once() {
        assert!(MEANINGS.is_sorted_by(|a, b| a.0 < b.0));
        for code in SPENT.into_iter().chain([ANSWERED, UNKNOWN_MEMBER, ARCHIVED]) {
            assert_eq!(meaning(code), Some(Gone), "{code}");
        }
    }
}
