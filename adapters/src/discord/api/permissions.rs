//! What nova's role has to be allowed on Discord. `nova check` compares it with what is granted.
//!
//! Invariant: a permission stands here because a call needs it, and for no other reason.

use twilight_model::guild::Permissions;

use super::Rooms;

/// A permission by the name in Discord's settings, with what nova needs it for.
pub(super) type Needed = (&'static str, Permissions, &'static str);

const ALWAYS: &[Needed] = &[
    ("View Channels", Permissions::VIEW_CHANNEL, "seeing the channels that it posts to"),
    ("Send Messages", Permissions::SEND_MESSAGES, "posting and updating messages"),
    ("Embed Links", Permissions::EMBED_LINKS, "showing more than one line in a message"),
    ("Attach Files", Permissions::ATTACH_FILES, "attaching pictures and long output"),
    (
        "Read Message History",
        Permissions::READ_MESSAGE_HISTORY,
        "looking up whether a message arrived",
    ),
    ("Send Messages in Threads", Permissions::SEND_MESSAGES_IN_THREADS, "answering in a thread"),
    ("Pin Messages", Permissions::PIN_MESSAGES, "pinning an incident's card"),
];

const CHANNELS: &[Needed] = &[
    ("Manage Channels", Permissions::MANAGE_CHANNELS, "making an incident's channel"),
    ("Manage Roles", Permissions::MANAGE_ROLES, "closing an incident's channel for writing"),
];

const THREADS: &[Needed] = &[
    ("Create Public Threads", Permissions::CREATE_PUBLIC_THREADS, "making an incident's thread"),
    (
        "Create Private Threads",
        Permissions::CREATE_PRIVATE_THREADS,
        "making a private incident's thread",
    ),
    ("Manage Threads", Permissions::MANAGE_THREADS, "closing an incident's thread"),
];

/// What nova needs where incidents have such rooms.
pub(super) fn needed(rooms: &Rooms) -> impl Iterator<Item = &'static Needed> + use<> {
    let own = match rooms {
        Rooms::Channels { .. } => CHANNELS,
        Rooms::Threads { .. } => THREADS,
    };
    ALWAYS.iter().chain(own)
}

/// The address where an administrator invites nova into the server: everything that it needs, and
/// nothing else (docs.discord.com/developers/topics/oauth2#bot-authorization-flow).
#[must_use]
pub fn invitation(application: &str, guild: &str, rooms: &Rooms) -> String {
    let permissions: Permissions = needed(rooms).map(|(_, permission, _)| *permission).collect();
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&guild_id={guild}\
         &scope=bot+applications.commands&permissions={}",
        permissions.bits()
    )
}
