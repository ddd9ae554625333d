//! Messages in a channel: written, changed, taken away.

use super::{Answered, Call, nothing, ok};
use crate::discord::channel::{Channel, Message};
use crate::discord::limits::{self, Place};
use crate::discord::permissions as may;
use crate::discord::refusal::Refusal;
use crate::discord::{posts, shown};

pub(super) fn create(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(sending(call)?)?;
    if channel.kind == Channel::CATEGORY {
        return Err(Refusal::new(400, 50008, "Cannot send messages in a non-text channel"));
    }
    limits::message(call.body, call.files, Place::Channel)?;
    let mut needs = 0;
    if call.body["embeds"].as_array().is_some_and(|embeds| !embeds.is_empty()) {
        needs |= may::EMBED_LINKS;
    }
    if !call.files.is_empty() {
        needs |= may::ATTACH_FILES;
    }
    call.channel(needs)?;
    reachable(call, &channel)?;
    if channel.archived {
        // Writing opens an archived thread, but not a locked one.
        if channel.locked {
            return Err(Refusal::archived());
        }
        call.stored(&channel.id)?.archived = false;
        call.state.tell_channel("UPDATE", &channel.id);
    }
    let base = Message {
        channel: channel.id,
        author: call.state.app.bot_user.clone(),
        ..Message::default()
    };
    let message = posts::create(call.state, call.body, call.files, base)?;
    ok(shown::message(call.state, &message))
}

/// The permission to write there.
fn sending(call: &Call<'_>) -> Result<u64, Refusal> {
    let channel = call.channel(0)?;
    Ok(if channel.is_thread() { may::SEND_IN_THREADS } else { may::SEND_MESSAGES })
}

/// A direct message comes to those only who take it and share the guild.
fn reachable(call: &Call<'_>, channel: &Channel) -> Result<(), Refusal> {
    let Some(recipient) = channel.recipient.as_ref().and_then(|id| call.state.user(id)) else {
        return Ok(());
    };
    if recipient.bot || !recipient.direct {
        return Err(Refusal::new(403, 50007, "Cannot send messages to this user"));
    }
    if !recipient.member || !call.state.installed {
        let message = "Cannot send messages to this user due to having no mutual guilds";
        return Err(Refusal::new(403, 50278, message));
    }
    Ok(())
}

/// The message of the path, if it stands in the channel and the bot wrote it.
fn own(call: &Call<'_>, channel: &Channel) -> Result<Message, Refusal> {
    let id = call.parameter("message_id");
    let found = channel.messages.iter().find(|message| message.id == id);
    let message = found.ok_or_else(Refusal::unknown_message)?;
    if message.author == call.state.app.bot_user {
        return Ok(message.clone());
    }
    Err(Refusal::new(403, 50005, "Cannot edit a message authored by another user"))
}

pub(super) fn edit(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(0)?;
    let message = own(call, &channel)?;
    if channel.archived {
        return Err(Refusal::archived());
    }
    limits::message(call.body, call.files, Place::Edit)?;
    let message = posts::edit(call.state, &channel.id, &message.id, call.body, call.files)?;
    ok(shown::message(call.state, &message))
}

pub(super) fn delete(call: &mut Call<'_>) -> Answered {
    let channel = call.channel(0)?;
    match own(call, &channel) {
        Err(refusal) if refusal.code == 50005 => drop(call.channel(may::MANAGE_MESSAGES)?),
        other => drop(other?),
    }
    if channel.archived {
        return Err(Refusal::archived());
    }
    let id = call.parameter("message_id").to_owned();
    posts::remove(call.state, &channel.id, &id);
    nothing()
}

pub(super) fn typing(call: &mut Call<'_>) -> Answered {
    let needs = sending(call)?;
    call.channel(needs)?;
    nothing()
}
