//! Events of the gateway besides interactions: channels and threads that are gone, a server that nova
//! was removed from (docs.discord.com/developers/events/gateway-events).

use serde::Deserialize;

use super::{Identity, Inbound, Refusal, Route, account, conversation, ids, interaction};
use crate::event::{Actor, Deed, Event, Reply};

/// A channel, a thread or a server, as far as it is needed.
#[derive(Deserialize)]
struct Told<'a> {
    id: Option<&'a str>,
    guild_id: Option<&'a str>,
    thread_metadata: Option<Thread>,
    /// A server that cannot be reached; nova is still in it.
    #[serde(default)]
    unavailable: bool,
}

#[derive(Deserialize)]
struct Thread {
    #[serde(default)]
    archived: bool,
}

/// Reads what the gateway dispatched: `kind` is its name and `seq` its number in the session.
///
/// # Errors
/// [`Refusal`], as [`interaction`].
pub fn dispatch(kind: &str, seq: u64, json: &[u8], us: &Identity) -> Result<Inbound, Refusal> {
    match kind {
        "INTERACTION_CREATE" => return interaction(json, us),
        "CHANNEL_DELETE" | "THREAD_DELETE" | "THREAD_UPDATE" | "GUILD_DELETE" => {}
        _ => return Ok(Inbound::Ignored),
    }
    let told: Told<'_> =
        serde_json::from_slice(json).map_err(|_| Refusal::Malformed("an event of the gateway"))?;
    let id = ids::id(told.id, "id")?;
    let archived = told.thread_metadata.is_some_and(|thread| thread.archived);
    let (guild, left) = match kind {
        "GUILD_DELETE" => (Some(id), !told.unavailable),
        "THREAD_UPDATE" => (told.guild_id, archived),
        _ => (told.guild_id, true),
    };
    if guild != Some(us.guild.as_str()) || !left {
        return Ok(Inbound::Ignored);
    }
    let event = Event {
        id: format!("discord:event:{kind}:{id}:{seq}"),
        // Discord does not say who did it.
        actor: Actor { account: account(&us.application), foreign: false, profile: None },
        // Leaving the server is leaving no channel in particular.
        place: (kind != "GUILD_DELETE").then(|| conversation(id)),
        place_name: None,
        deed: Deed::Left,
        reply: Reply::default(),
    };
    Ok(Inbound::Event(Box::new(event), Route::Event))
}
