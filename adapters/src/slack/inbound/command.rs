//! Slash commands: a form over HTTP, the same keys as JSON over Socket Mode.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Identity, Inbound, Refusal, Route, conversation, ids, place_name, present, reply};
use crate::event::{Deed, Event};

/// A slash command's payload, as far as it is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Command<'a> {
    #[serde(borrow)]
    api_app_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    team_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    enterprise_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    channel_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    channel_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    response_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    trigger_id: Option<Cow<'a, str>>,
    /// Slack tries whether the address answers over TLS; there is no command.
    #[serde(borrow)]
    ssl_check: Option<Cow<'a, str>>,
}

/// Reads a slash command's form.
///
/// # Errors
/// [`Refusal`], for anything that is not a command to this workspace.
pub fn command(body: &[u8], us: &Identity) -> Result<Inbound, Refusal> {
    Command::from_form(body)?.into_event(us)
}

/// Reads a slash command's JSON.
///
/// # Errors
/// [`Refusal`], as [`command`].
pub fn command_json(json: &[u8], us: &Identity) -> Result<Inbound, Refusal> {
    let command: Command<'_> = serde_json::from_slice(json)
        .map_err(|_| Refusal::Malformed("the payload is no command"))?;
    command.into_event(us)
}

/// The value of a form's field. Most hold nothing encoded, and are taken as they are.
fn value(pair: &[u8]) -> Cow<'_, str> {
    let plain = || {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let value = &pair[at + 1..];
        let encoded = value.iter().any(|byte| matches!(byte, b'%' | b'+'));
        if encoded { None } else { std::str::from_utf8(value).ok() }
    };
    match plain() {
        Some(value) => Cow::Borrowed(value),
        None => form_urlencoded::parse(pair).next().map_or(Cow::Borrowed(""), |(_, value)| value),
    }
}

impl<'a> Command<'a> {
    fn from_form(body: &'a [u8]) -> Result<Self, Refusal> {
        let mut command = Self::default();
        for pair in body.split(|byte| *byte == b'&') {
            let key = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
            // Slack writes the names as they are: one that is written otherwise is another's.
            let slot = match key {
                b"api_app_id" => &mut command.api_app_id,
                b"team_id" => &mut command.team_id,
                b"enterprise_id" => &mut command.enterprise_id,
                b"channel_id" => &mut command.channel_id,
                b"channel_name" => &mut command.channel_name,
                b"user_id" => &mut command.user_id,
                b"text" => &mut command.text,
                b"response_url" => &mut command.response_url,
                b"trigger_id" => &mut command.trigger_id,
                b"ssl_check" => &mut command.ssl_check,
                _ => continue,
            };
            if slot.replace(value(pair)).is_some() {
                return Err(Refusal::Malformed("a field stands twice"));
            }
        }
        Ok(command)
    }

    /// The event of this command. Its id is the trigger's, which Slack makes anew for each command
    /// that somebody sends and keeps when it delivers the same command again.
    fn into_event(self, us: &Identity) -> Result<Inbound, Refusal> {
        if self.ssl_check.is_some() {
            return Ok(Inbound::Ignored);
        }
        let team = ids::optional_id(self.team_id.as_ref(), "team_id")?;
        let enterprise = present(self.enterprise_id.as_ref());
        let user = ids::id(self.user_id.as_ref(), "user_id")?;
        let channel = ids::id(self.channel_id.as_ref(), "channel_id")?;
        let trigger = ids::trigger(self.trigger_id.as_ref())?;
        let url = ids::url(self.response_url.as_ref())?;
        if !us.owns(present(self.api_app_id.as_ref()), team, enterprise) {
            return Err(Refusal::Elsewhere);
        }
        let line = ids::text(self.text.as_deref().unwrap_or_default())?;
        let event = Event {
            id: format!("slack:cmd:{trigger}"),
            actor: us.actor(user, team),
            place: Some(conversation(channel, None)),
            place_name: place_name(present(self.channel_name.as_ref())),
            reply: reply(url, Some(trigger)),
            deed: Deed::Command { line: line.to_owned() },
        };
        Ok(Inbound::Event(Box::new(event), Route::Command))
    }
}
