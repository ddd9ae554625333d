//! The Events API: the home page, channels that nova has left or that are gone, a token that was
//! revoked. Slack delivers an event again until it is acknowledged, with the same `event_id`.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Identity, Inbound, Refusal, Route, conversation, ids, present};
use crate::event::{Deed, Event, Reply};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    challenge: Option<String>,
    api_app_id: Option<String>,
    team_id: Option<String>,
    enterprise_id: Option<String>,
    event_id: Option<String>,
    authorizations: Option<Vec<Authorization>>,
    event: Option<Kind>,
}

/// For whom Slack delivers an event. In a shared channel `team_id` is where it happened, and this is
/// who gets it.
#[derive(Deserialize)]
struct Authorization {
    team_id: Option<String>,
    enterprise_id: Option<String>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    name: String,
}

/// Read only for the kinds that are served: in others `user` and `channel` are objects.
#[derive(Deserialize)]
struct Told {
    event: Inner,
}

#[derive(Deserialize)]
struct Inner {
    user: Option<String>,
    /// Who removed nova from the channel.
    actor_id: Option<String>,
    /// The user's workspace, by either name.
    team: Option<String>,
    user_team: Option<String>,
    channel: Option<String>,
    tab: Option<String>,
    tokens: Option<Tokens>,
}

#[derive(Deserialize)]
struct Tokens {
    /// The bot users whose tokens were revoked.
    #[serde(default)]
    bot: Vec<String>,
}

/// Longest challenge that is sent back, in bytes.
const MAX_CHALLENGE: usize = 1_000;

/// Reads an event's JSON.
///
/// # Errors
/// [`Refusal`], for anything that is not an event of this workspace.
pub fn event(json: &[u8], us: &Identity) -> Result<Inbound, Refusal> {
    let not_json = |_| Refusal::Malformed("the body is no event");
    let envelope: Envelope<'_> = serde_json::from_slice(json).map_err(not_json)?;
    match &*envelope.kind {
        "url_verification" => return challenge(envelope.challenge),
        "event_callback" => {}
        // `app_rate_limited`: there is nothing to do about it.
        _ => return Ok(Inbound::Ignored),
    }
    let id = ids::event_id(envelope.event_id.as_ref())?;
    if !envelope.is_ours(us) {
        return Err(Refusal::Elsewhere);
    }
    let kind = envelope.event.as_ref().ok_or(Refusal::Malformed("event"))?;
    let Some(read) = reader(&kind.name) else {
        return Ok(Inbound::Ignored);
    };
    let told: Told = serde_json::from_slice(json).map_err(not_json)?;
    let Some(deed) = read(&told.event, us) else {
        return Ok(Inbound::Ignored);
    };
    told.event.into_event(format!("slack:event:{id}"), deed, us)
}

fn challenge(text: Option<String>) -> Result<Inbound, Refusal> {
    let plain = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
    text.filter(|text| (1..=MAX_CHALLENGE).contains(&text.len()) && plain(text))
        .map(Inbound::Challenge)
        .ok_or(Refusal::Malformed("challenge"))
}

type Reader = fn(&Inner, &Identity) -> Option<Deed>;

/// How an event of this kind is read; none of what is not served.
fn reader(kind: &str) -> Option<Reader> {
    match kind {
        "app_home_opened" => {
            Some(|event, _| (event.tab.as_deref() == Some("home")).then_some(Deed::Home))
        }
        "member_left_channel" => {
            Some(|event, us| (event.user.as_ref() == Some(&us.bot_user)).then_some(Deed::Left))
        }
        // The first two are told only to who was removed.
        "channel_left" | "group_left" | "channel_archive" | "group_archive" | "channel_deleted"
        | "group_deleted" => Some(|_, _| Some(Deed::Left)),
        "tokens_revoked" => Some(|event, us| {
            let ours = |tokens: &Tokens| tokens.bot.contains(&us.bot_user);
            event.tokens.as_ref().is_some_and(ours).then_some(Deed::Revoked)
        }),
        "app_uninstalled" => Some(|_, _| Some(Deed::Revoked)),
        _ => None,
    }
}

impl Envelope<'_> {
    fn is_ours(&self, us: &Identity) -> bool {
        let app = present(self.api_app_id.as_ref());
        let owns = |team: Option<&String>, enterprise: Option<&String>| {
            us.owns(app, present(team), present(enterprise))
        };
        match self.authorizations.as_deref() {
            None | Some([]) => owns(self.team_id.as_ref(), self.enterprise_id.as_ref()),
            Some(list) => {
                list.iter().any(|to| owns(to.team_id.as_ref(), to.enterprise_id.as_ref()))
            }
        }
    }
}

impl Inner {
    /// The event; nova itself is the actor where Slack names nobody.
    fn into_event(self, id: String, deed: Deed, us: &Identity) -> Result<Inbound, Refusal> {
        let named = present(self.actor_id.as_ref()).or(present(self.user.as_ref()));
        let user = ids::optional_id(named.as_ref(), "user")?.unwrap_or(&us.bot_user);
        let place = match deed {
            Deed::Left => Some(conversation(ids::id(self.channel.as_ref(), "channel")?, None)),
            _ => None,
        };
        let team = present(self.user_team.as_ref()).or(present(self.team.as_ref()));
        let actor = us.actor(user, team);
        let event = Event { id, actor, place, place_name: None, deed, reply: Reply::default() };
        Ok(Inbound::Event(Box::new(event), Route::Event))
    }
}
