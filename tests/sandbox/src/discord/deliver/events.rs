//! What happens to channels and to the guild, told over the gateway. Part of the façade.

use anyhow::Context as _;
use serde_json::json;

use super::people::{person, room};
use crate::discord::Discord;
use crate::discord::channel::Overwrite;
use crate::discord::permissions as may;
use crate::discord::shown;

impl Discord {
    /// Takes the bot's sight of a channel away: the channel is gone for it.
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn remove_bot(&self, channel: &str) -> anyhow::Result<()> {
        self.shared.with(|state| {
            let channel = room(state, channel)?;
            state.tell_channel("DELETE", &channel.id);
            let hidden = Overwrite {
                id: state.app.bot_user.clone(),
                member: true,
                allow: 0,
                deny: may::VIEW_CHANNEL,
            };
            let stored = state.channels.get_mut(&channel.id).context("it was found above")?;
            stored.overwrites.retain(|known| known.id != hidden.id);
            stored.overwrites.push(hidden);
            Ok(())
        })
    }

    /// Deletes a channel or a thread.
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn delete_channel(&self, channel: &str) -> anyhow::Result<()> {
        self.shared.with(|state| {
            let id = room(state, channel)?.id;
            state.remove_channel(&id);
            Ok(())
        })
    }

    /// Archives a thread, or opens it again.
    ///
    /// # Errors
    /// When there is no such thread.
    pub fn archive_thread(&self, thread: &str, archived: bool) -> anyhow::Result<()> {
        self.shared.with(|state| {
            let id = room(state, thread)?.id;
            let stored = state.channels.get_mut(&id).filter(|channel| channel.is_thread());
            stored.with_context(|| format!("`{thread}` is no thread"))?.archived = archived;
            state.tell_channel("UPDATE", &id);
            Ok(())
        })
    }

    /// Takes the bot out of the guild: `GUILD_DELETE`.
    pub fn kick_bot_from_guild(&self) {
        self.shared.with(|state| {
            state.installed = false;
            state.tell("GUILD_DELETE", &json!({ "id": state.guild }));
        });
    }

    /// Lets the guild be out of order, which is no removal: `GUILD_DELETE` with `unavailable`.
    pub fn lose_guild(&self) {
        self.shared.with(|state| {
            state.tell("GUILD_DELETE", &json!({ "id": state.guild, "unavailable": true }));
        });
    }

    /// Gives somebody a role by its name, or takes it away.
    ///
    /// # Errors
    /// When there is no such user or role.
    pub fn set_role(&self, user: &str, role: &str, given: bool) -> anyhow::Result<()> {
        self.shared.with(|state| {
            let (id, roles) = (person(state, user)?.id, &state.roles);
            let role = roles.iter().find(|known| known.name == role || known.id == role);
            let role = role.with_context(|| format!("there is no role `{role:?}`"))?.id.clone();
            let user = state.users.iter_mut().find(|user| user.id == id);
            let user = user.context("it was found above")?;
            user.roles.retain(|known| *known != role);
            if given {
                user.roles.push(role);
            }
            let mut member = shown::member(user);
            member["guild_id"] = json!(state.guild);
            state.tell("GUILD_MEMBER_UPDATE", &member);
            Ok(())
        })
    }
}
