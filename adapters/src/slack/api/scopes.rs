//! What nova's Slack app has to be allowed. `nova check` compares it with what is granted, the
//! manifest's test with `deploy/slack/manifest.yaml`.
//!
//! Invariant: a scope stands here because a call or an event below needs it, and for no other reason.

/// Scopes of the bot token with what nova needs each for.
pub const SCOPES: &[(&str, &str)] = &[
    ("channels:history", "looking up whether a message arrived in a public channel"),
    ("channels:manage", "making, naming and archiving a public channel for an incident"),
    ("channels:read", "hearing that it was removed from a public channel"),
    ("chat:write", "posting and updating messages"),
    ("commands", "the /nova command and the shortcut on messages"),
    ("files:write", "attaching pictures and long output"),
    ("groups:history", "looking up whether a message arrived in a private channel"),
    ("groups:read", "hearing that it was removed from a private channel"),
    ("groups:write", "making and archiving a private channel for an incident"),
    ("im:history", "looking up whether a message arrived in its direct messages"),
    ("pins:write", "pinning an incident's card"),
    ("usergroups:read", "taking user groups as roles"),
    ("users:read", "telling members from guests, bots and strangers"),
    ("users:read.email", "linking an account to a person by its confirmed address"),
];

/// What nova needs `scope` for; `None` when it needs no such scope.
pub(super) fn purpose(scope: &str) -> Option<&'static str> {
    SCOPES.iter().find(|(name, _)| *name == scope).map(|(_, purpose)| *purpose)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_and_each_once() {
        assert!(SCOPES.is_sorted_by(|a, b| a.0 < b.0));
    }
}
