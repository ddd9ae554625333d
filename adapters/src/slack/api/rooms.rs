//! Channels for incidents: making one, its topic, its people, its pins, its end.
//!
//! Invariant: but for making a channel, every call here may be made again: what stands already as it
//! was asked for is success.

use serde::Deserialize;
use serde_json::json;
use slack_morphism::prelude::{
    SlackApiConversationsArchiveRequest, SlackApiConversationsCreateRequest,
    SlackApiConversationsSetTopicRequest, SlackApiPinsAddRequest,
};

use super::Slack;
use super::call::Done;
use super::error::{CallError, Repeat};
use super::ids::{Place, is_id};
use super::messages::standing;
use crate::chat::{ChatError, Conversation, MessageRef, Platform};
use crate::text::channel_name;

/// Longest name of a channel, in characters.
const MAX_NAME: usize = 80;
/// Longest topic, in characters.
const MAX_TOPIC: usize = 250;
/// Numbers that are tried behind a name that is taken.
const LAST_NUMBER: u32 = 20;
/// People that one call may invite.
const INVITED_AT_ONCE: usize = 100;

#[derive(Deserialize)]
struct Created {
    channel: Channel,
}

#[derive(Deserialize)]
struct Channel {
    id: String,
}

#[derive(Deserialize)]
struct Linked {
    permalink: String,
}

impl Slack {
    pub(super) async fn make_channel(
        &self,
        name: &str,
        private: bool,
    ) -> Result<Conversation, ChatError> {
        let name = channel_name(name, MAX_NAME);
        let mut number = 1;
        loop {
            let request = SlackApiConversationsCreateRequest::new(numbered(&name, number))
                .with_is_private(private);
            let created: Result<Created, _> = self.write("conversations.create", &request).await;
            match created {
                Ok(Created { channel }) if is_id(&channel.id) => {
                    return Ok(Conversation { platform: Platform::Slack, id: channel.id });
                }
                Ok(_) => {
                    let error = CallError::Lost("a channel without an id".into());
                    return Err(error.into_chat(Repeat::Unsafe));
                }
                Err(error) if error.code() == Some("name_taken") && number < LAST_NUMBER => {
                    number += 1;
                }
                Err(error) => return Err(error.into_chat(Repeat::Unsafe)),
            }
        }
    }

    pub(super) async fn write_topic(
        &self,
        room: &Conversation,
        topic: &str,
    ) -> Result<(), ChatError> {
        let place = Place::of(room)?;
        let request =
            SlackApiConversationsSetTopicRequest::new(place.channel.into(), topic_text(topic));
        self.settle("conversations.setTopic", &request, &[]).await
    }

    /// All at once; one by one when somebody of them is there already, since Slack then adds nobody.
    pub(super) async fn add_people(
        &self,
        room: &Conversation,
        accounts: &[String],
    ) -> Result<(), ChatError> {
        let channel = Place::of(room)?.channel;
        if accounts.iter().any(|account| !is_id(account)) {
            return Err(ChatError::Gone);
        }
        for some in accounts.chunks(INVITED_AT_ONCE) {
            let all = self.add(channel, some).await;
            let there =
                all.as_ref().is_err_and(|e| e.code().is_some_and(|code| THERE.contains(&code)));
            match all {
                Err(_) if there && some.len() > 1 => self.add_each(channel, some).await?,
                Err(error) if !there => return Err(error.into_chat(Repeat::Safe)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Everybody who can be added is, and the first failure is told.
    async fn add_each(&self, channel: &str, accounts: &[String]) -> Result<(), ChatError> {
        let mut failure = None;
        for account in accounts {
            if let Err(error) = self.add(channel, std::slice::from_ref(account)).await
                && !error.code().is_some_and(|code| THERE.contains(&code))
            {
                failure.get_or_insert(error);
            }
        }
        failure.map_or(Ok(()), |error| Err(error.into_chat(Repeat::Safe)))
    }

    /// The library's request sends a JSON list, where Slack documents ids between commas.
    async fn add(&self, channel: &str, accounts: &[String]) -> Result<Done, CallError> {
        let request = json!({ "channel": channel, "users": accounts.join(",") });
        self.write("conversations.invite", &request).await
    }

    pub(super) async fn pin_message(&self, at: &MessageRef) -> Result<(), ChatError> {
        let (place, ts) = standing(at)?;
        let request = SlackApiPinsAddRequest::new(place.channel.into(), ts.into());
        self.settle("pins.add", &request, &["already_pinned"]).await
    }

    pub(super) async fn close_channel(&self, room: &Conversation) -> Result<(), ChatError> {
        let place = Place::of(room)?;
        let request = SlackApiConversationsArchiveRequest::new(place.channel.into());
        let done = ["already_archived", "is_archived"];
        self.settle("conversations.archive", &request, &done).await
    }

    pub(super) async fn link(&self, at: &MessageRef) -> Result<String, ChatError> {
        let (place, ts) = standing(at)?;
        let arguments = [("channel", place.channel), ("message_ts", ts)];
        let linked: Result<Linked, _> = self.read("chat.getPermalink", &arguments).await;
        let linked = linked.map_err(|error| error.into_chat(Repeat::Safe))?;
        // It is shown as a link of ours.
        match self.inner.hosts.allowed(&linked.permalink) {
            Some(url) => Ok(url.into()),
            None => Err(ChatError::Refused("Slack gave a link to a foreign host".into())),
        }
    }

    /// A write after which things stand as asked; the codes in `already` say that they did before.
    async fn settle(
        &self,
        method: &str,
        request: &(impl serde::Serialize + Send + Sync),
        already: &[&str],
    ) -> Result<(), ChatError> {
        match self.write(method, request).await {
            Ok(Done {}) => Ok(()),
            Err(error) if error.code().is_some_and(|code| already.contains(&code)) => Ok(()),
            Err(error) => Err(error.into_chat(Repeat::Safe)),
        }
    }
}

/// Codes of an invitation that say that somebody is in the channel already.
const THERE: [&str; 2] = ["already_in_channel", "cant_invite_self"];

/// `name` with a number behind it, from the second on.
fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let number = format!("-{number}");
    let kept: String = name.chars().take(MAX_NAME - number.len()).collect();
    format!("{}{number}", kept.trim_end_matches('-'))
}

/// `text` as a topic: one line, escaped, and cut so that what is sent fits, an entity never halved.
fn topic_text(text: &str) -> String {
    let (mut topic, mut length) = (String::new(), 0);
    for c in text.chars() {
        let mut buffer = [0; 4];
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            c if c.is_control() => " ",
            c => c.encode_utf8(&mut buffer),
        };
        length += piece.chars().count();
        if length > MAX_TOPIC {
            break;
        }
        topic.push_str(piece);
    }
    topic
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        assert_eq!(numbered("inc-42", 1), "inc-42");
        assert_eq!(numbered("inc-42", 2), "inc-42-2");
        assert_eq!(numbered(&"x".repeat(80), 12), format!("{}-12", "x".repeat(77)));
    }

    #[test]
    fn a_topic_is_inert() {
        assert_eq!(topic_text("<!channel> a & b\nc"), "&lt;!channel&gt; a &amp; b c");
        assert_eq!(topic_text(&"&".repeat(100)), "&amp;".repeat(50));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_name_and_a_topic(text in ".{0,300}", number in 1_u32..=LAST_NUMBER) {
            let name = numbered(&channel_name(&text, MAX_NAME), number);
            prop_assert!((1..=MAX_NAME).contains(&name.chars().count()), "{name}");
            let fine = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
            prop_assert!(name.chars().all(|c| fine(c) && !c.is_uppercase()), "{name}");
            let topic = topic_text(&text);
            prop_assert!(topic.chars().count() <= MAX_TOPIC);
            prop_assert!(!topic.contains(['<', '>', '\n']));
        }
    }
}
