//! Slack's ids: what a channel, a user and a message's time look like, and how a thread is written.
//!
//! Invariant: nothing goes into a request as an id that does not look like one.

use crate::chat::{ChatError, Conversation, Platform};

/// A conversation's id, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) channel: &'a str,
    /// The `ts` of the message that the thread hangs on.
    pub(super) thread: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// # Errors
    /// [`ChatError::Gone`]: what is not an id of Slack's is nowhere on Slack.
    pub(super) fn of(conversation: &'a Conversation) -> Result<Self, ChatError> {
        let (channel, thread) = match conversation.id.split_once('/') {
            Some((channel, thread)) => (channel, Some(thread)),
            None => (conversation.id.as_str(), None),
        };
        let slack = conversation.platform == Platform::Slack;
        if slack && is_id(channel) && thread.is_none_or(is_ts) {
            Ok(Self { channel, thread })
        } else {
            Err(ChatError::Gone)
        }
    }
}

/// Whether `text` looks like the id of a channel, a user or a group.
pub(super) fn is_id(text: &str) -> bool {
    (2..=30).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Whether `text` looks like a message's `ts`.
pub(super) fn is_ts(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.').is_some_and(|(seconds, rest)| {
        (1..=20).contains(&seconds.len()) && rest.len() == 6 && digits(seconds) && digits(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_are_places() {
        let place = |id: &str| Conversation { platform: Platform::Slack, id: id.into() };
        let (channel, thread) = (place("C012"), place("C012/1700000000.000100"));
        assert_eq!(Place::of(&channel).unwrap(), Place { channel: "C012", thread: None });
        let there = Place { channel: "C012", thread: Some("1700000000.000100") };
        assert_eq!(Place::of(&thread).unwrap(), there);
        for bad in ["", "C", "c012", "C012/", "C012/1", "/1700000000.000100", "C0/1.1/2", "C0&x=1"]
        {
            assert!(Place::of(&place(bad)).is_err(), "{bad}");
        }
    }
}
