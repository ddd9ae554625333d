//! Permissions: Discord's bits, and what somebody may do where. Invariant: whoever cannot see a channel
//! can do nothing in it. Source: docs.discord.com/developers/topics/permissions. Asked by every method
//! and for every interaction.

use super::channel::{Channel, Overwrite};
use super::options::User;
use super::state::State;

const CREATE_INVITE: u64 = 1;
const ADMINISTRATOR: u64 = 1 << 3;
pub(super) const MANAGE_CHANNELS: u64 = 1 << 4;
const ADD_REACTIONS: u64 = 1 << 6;
pub(super) const VIEW_CHANNEL: u64 = 1 << 10;
pub(super) const SEND_MESSAGES: u64 = 1 << 11;
pub(super) const MANAGE_MESSAGES: u64 = 1 << 13;
pub(super) const EMBED_LINKS: u64 = 1 << 14;
pub(super) const ATTACH_FILES: u64 = 1 << 15;
pub(super) const READ_HISTORY: u64 = 1 << 16;
const MENTION_EVERYONE: u64 = 1 << 17;
const CONNECT: u64 = 1 << 20;
pub(super) const MANAGE_ROLES: u64 = 1 << 28;
pub(super) const USE_COMMANDS: u64 = 1 << 31;
pub(super) const MANAGE_THREADS: u64 = 1 << 34;
pub(super) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub(super) const CREATE_PRIVATE_THREADS: u64 = 1 << 36;
pub(super) const SEND_IN_THREADS: u64 = 1 << 38;
pub(super) const PIN_MESSAGES: u64 = 1 << 51;

const ALL: u64 = (1 << 53) - 1;

/// What everybody has in a guild of today.
pub(super) const PEOPLE: u64 = CREATE_INVITE
    | ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_HISTORY
    | CONNECT
    | USE_COMMANDS
    | CREATE_PUBLIC_THREADS
    | SEND_IN_THREADS;

/// What the bot was installed with, besides what everybody has.
pub(super) const BOT: u64 = MANAGE_CHANNELS
    | MANAGE_MESSAGES
    | MANAGE_ROLES
    | MANAGE_THREADS
    | CREATE_PRIVATE_THREADS
    | PIN_MESSAGES;

/// What both have in a direct conversation.
const DIRECT: u64 = ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_HISTORY
    | MENTION_EVERYONE
    | PIN_MESSAGES;

impl State {
    /// What a member may do in the whole guild.
    pub(super) fn guild_permissions(&self, user: &User) -> u64 {
        if !user.member {
            return 0;
        }
        let has = |id: &str| id == self.guild || user.roles.iter().any(|role| role == id);
        let roles = self.roles.iter().filter(|role| has(&role.id));
        let all = roles.fold(0, |all, role| all | role.permissions);
        if user.id == self.owner || all & ADMINISTRATOR != 0 { ALL } else { all }
    }

    /// What somebody may do in a channel; for a thread, its parent's rules.
    pub(super) fn permissions(&self, user: &User, channel: &Channel) -> u64 {
        if let Some(recipient) = &channel.recipient {
            let in_it = user.id == *recipient || user.id == self.app.bot_user;
            return if in_it { DIRECT } else { 0 };
        }
        let parent = channel.parent.as_ref().filter(|_| channel.is_thread());
        let ruled = parent.and_then(|id| self.channels.get(id)).unwrap_or(channel);
        let base = self.guild_permissions(user);
        if base == ALL {
            return ALL;
        }
        let all = apply(base, &ruled.overwrites, user, &self.guild);
        let hidden = channel.kind == Channel::PRIVATE_THREAD
            && !channel.members.contains(&user.id)
            && all & MANAGE_THREADS == 0;
        if all & VIEW_CHANNEL == 0 || hidden { 0 } else { all }
    }

    /// What the bot may do in the whole guild.
    pub(super) fn bot_guild_permissions(&self) -> u64 {
        self.user(&self.app.bot_user).map_or(0, |bot| self.guild_permissions(bot))
    }

    /// What the bot may do in a channel.
    pub(super) fn bot_permissions(&self, channel: &Channel) -> u64 {
        self.user(&self.app.bot_user).map_or(0, |bot| self.permissions(bot, channel))
    }

    /// Whether the bot sees a channel.
    pub(super) fn bot_sees(&self, channel: &Channel) -> bool {
        self.bot_permissions(channel) & VIEW_CHANNEL != 0
    }
}

/// Everybody's overwrite first, then those of the roles together, then the member's own.
fn apply(base: u64, overwrites: &[Overwrite], user: &User, guild: &str) -> u64 {
    let everybody = overwrites.iter().filter(|one| !one.member && one.id == guild);
    let roles: Vec<_> =
        overwrites.iter().filter(|one| !one.member && user.roles.contains(&one.id)).collect();
    let own = overwrites.iter().filter(|one| one.member && one.id == user.id);
    let change = |all: u64, one: &Overwrite| (all & !one.deny) | one.allow;
    let all = everybody.fold(base, change);
    let together = |pick: fn(&Overwrite) -> u64| roles.iter().fold(0, |sum, one| sum | pick(one));
    let all = (all & !together(|one| one.deny)) | together(|one| one.allow);
    own.fold(all, change)
}
