//! Slash commands: a form over HTTP, the same keys as JSON over Socket Mode.

use std::borrow::Cow;

use memchr::{memchr_iter, memchr2};
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
fn value(raw: &str) -> Cow<'_, str> {
    if memchr2(b'%', b'+', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = match (byte, tail) {
            (b'%', [high, low, ..]) => digit(high).zip(digit(low)),
            _ => None,
        };
        rest = if code.is_some() { &tail[2..] } else { tail };
        let plain = if byte == b'+' { b' ' } else { byte };
        decoded.push(code.map_or(plain, |(high, low)| (high * 16 + low) as u8));
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

impl<'a> Command<'a> {
    fn from_form(body: &'a [u8]) -> Result<Self, Refusal> {
        // Whatever is not ASCII stands encoded in a form.
        let body = str::from_utf8(body).map_err(|_| Refusal::Malformed("the form is no text"))?;
        let mut command = Self::default();
        let ends = memchr_iter(b'&', body.as_bytes()).chain([body.len()]);
        let mut start = 0;
        for end in ends {
            let pair = &body[std::mem::replace(&mut start, end + 1)..end];
            let at = pair.bytes().position(|byte| byte == b'=').unwrap_or(pair.len());
            let (key, raw) = (&pair[..at], pair.get(at + 1..).unwrap_or_default());
            // Slack writes the names as they are: one that is written otherwise is another's.
            let slot = match key {
                "api_app_id" => &mut command.api_app_id,
                "team_id" => &mut command.team_id,
                "enterprise_id" => &mut command.enterprise_id,
                "channel_id" => &mut command.channel_id,
                "channel_name" => &mut command.channel_name,
                "user_id" => &mut command.user_id,
                "text" => &mut command.text,
                "response_url" => &mut command.response_url,
                "trigger_id" => &mut command.trigger_id,
                "ssl_check" => &mut command.ssl_check,
                _ => continue,
            };
            if slot.replace(value(raw)).is_some() {
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
            id: ["slack:cmd:", trigger].concat(),
            actor: us.actor(user, team),
            place: Some(conversation(channel, None)),
            place_name: place_name(present(self.channel_name.as_ref())),
            reply: reply(url, Some(trigger)),
            deed: Deed::Command { line: line.to_owned() },
        };
        Ok(Inbound::Event(Box::new(event), Route::Command))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::value;

    proptest! {
        #[test]
        fn a_value_is_what_the_url_standard_makes_of_it(raw in "[a-fA-F0-9%+ -~é]{0,40}") {
            let raw = raw.replace(['&', '='], "%");
            let pair = format!("text={raw}");
            let (_, expected) = form_urlencoded::parse(pair.as_bytes()).next().unwrap();
            prop_assert_eq!(value(&raw), expected);
        }
    }
}
