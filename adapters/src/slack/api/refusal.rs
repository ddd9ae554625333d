//! What Slack's error codes mean to nova, and what a person should do about them. Codes and their
//! meanings: each method's page on docs.slack.dev.
//!
//! Invariant: one table. A code that is not in it is refused with its name.

use super::error::Refusal;
use super::scopes;

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The conversation, message, person or trigger is not there (for nova).
    Gone,
    /// The token is not accepted, and will not be until it is replaced: why.
    Token(&'static str),
    /// Not now; nothing was done.
    Busy,
    /// It failed in the middle; something may have been done.
    Doubtful,
    /// No, with a sentence for people.
    Refused(&'static str),
}

use Meaning::{Busy, Doubtful, Gone, Refused, Token};

const MEANINGS: &[(&str, Meaning)] = &[
    ("channel_not_found", Gone),
    ("channel_type_not_supported", Gone),
    ("expired_trigger_id", Gone),
    ("expired_url", Gone),
    ("invalid_trigger_id", Gone),
    ("is_archived", Gone),
    ("exchanged_trigger_id", Gone),
    ("message_not_found", Gone),
    ("not_in_channel", Gone),
    ("thread_not_found", Gone),
    ("trigger_exchanged", Gone),
    ("trigger_expired", Gone),
    ("used_url", Gone),
    ("user_not_found", Gone),
    ("user_not_in_channel", Gone),
    ("user_not_visible", Gone),
    ("users_not_found", Gone),
    ("view_not_found", Gone),
    //
    ("account_inactive", Token("the app was removed or its account deactivated; install it again")),
    ("invalid_auth", Token("the token is not valid; set the one from the app's settings")),
    ("not_authed", Token("there is no token; set the one from the app's settings")),
    ("token_expired", Token("the token has expired; set the new one")),
    ("token_revoked", Token("the token was revoked; install the app again and set the new one")),
    //
    ("request_timeout", Busy),
    ("service_unavailable", Busy),
    ("team_added_to_org", Busy),
    ("team_quota_exceeded", Busy),
    ("fatal_error", Doubtful),
    ("internal_error", Doubtful),
    //
    ("accesslimited", Refused("the workspace limits who may use this; ask its owner")),
    ("cant_invite", Refused("Slack does not let nova invite this person")),
    ("cant_update_message", Refused("the message is not nova's own")),
    ("edit_window_closed", Refused("the workspace does not allow messages to be edited any more")),
    ("ekm_access_denied", Refused("the workspace's key management does not allow it now")),
    ("file_not_found", Refused("Slack lost the uploaded file")),
    ("invalid_arguments", Refused("Slack does not take the request as it is")),
    ("invalid_blocks", Refused("Slack does not take the message's layout")),
    ("invalid_name", Refused("Slack does not take the channel's name")),
    ("invalid_name_maxlength", Refused("the channel's name is too long for Slack")),
    ("invalid_name_specials", Refused("Slack does not take the channel's name")),
    ("is_bot", Refused("a bot cannot be invited this way")),
    ("message_limit_exceeded", Refused("the workspace has reached its limit of messages")),
    ("metadata_too_large", Refused("the message carries too much data")),
    ("missing_scope", Refused("nova's Slack app is not allowed to do this")),
    ("msg_blocks_too_long", Refused("the message is too long for Slack")),
    ("msg_too_long", Refused("the message is too long for Slack")),
    ("name_taken", Refused("there are too many channels of this name")),
    ("no_permission", Refused("nova's Slack app is not allowed to do this")),
    ("no_text", Refused("the message is empty")),
    (
        "not_allowed_token_type",
        Refused(
            "this kind of token cannot do this; a bot token begins with xoxb-, an app-level token with xapp-",
        ),
    ),
    (
        "org_login_required",
        Refused("the workspace is being moved into an organisation; try again later"),
    ),
    ("paid_teams_only", Refused("the workspace's plan does not offer this")),
    ("permission_denied", Refused("nova's Slack app is not allowed to do this")),
    ("restricted_action", Refused("the workspace does not allow nova to do this; ask its owner")),
    ("restricted_action_read_only_channel", Refused("only some people may write in this channel")),
    (
        "restricted_action_thread_only_channel",
        Refused("this channel takes replies in threads only"),
    ),
    ("team_access_not_granted", Refused("nova's Slack app is not installed in this workspace")),
    ("too_many_pins", Refused("the channel cannot hold more pins")),
    ("ura_max_channels", Refused("the person is in too many channels")),
    ("user_is_restricted", Refused("guests cannot be added this way")),
];

/// What `code` means; `None` when nova does not know it.
pub(super) fn meaning(code: &str) -> Option<Meaning> {
    MEANINGS.iter().find(|(name, _)| *name == code).map(|(_, meaning)| *meaning)
}

/// A sentence for people: what is wrong, what to do, and Slack's own code to look up.
pub(super) fn sentence(refusal: &Refusal) -> String {
    let code = refusal.shown();
    if let Some(needed) = refusal.needed.as_deref().filter(|_| code == "missing_scope") {
        return missing(needed);
    }
    let mut text = match meaning(code) {
        Some(Refused(words)) => format!("{words} ({code})"),
        _ => format!("Slack answered {code}"),
    };
    if let Some(pointer) = &refusal.pointer {
        text.push_str(&format!(" (at {pointer})"));
    }
    text
}

fn missing(needed: &str) -> String {
    // Slack names every scope that would do; the one that nova asks for is the one to add.
    let listed = || needed.split(',').map(str::trim);
    let known = listed().find_map(|scope| Some((scope, scopes::purpose(scope)?)));
    let what = match known {
        Some((scope, purpose)) => format!("{scope}, for {purpose}"),
        None => needed.to_owned(),
    };
    format!(
        "nova's Slack app lacks the scope {what}; add it in the app's settings and install the app \
         again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ChatError;
    use crate::slack::api::error::{CallError, Repeat};

    fn ended(code: &str, needed: Option<&str>) -> ChatError {
        let refusal = Refusal::new(code.into(), needed.map(Into::into), &[]);
        CallError::Refusal(refusal).into_chat(Repeat::Unsafe)
    }

    #[test]
    fn each_code_once_and_fit_to_be_shown() {
        let mut names: Vec<_> = MEANINGS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for name in names {
            let refusal = Refusal::new(name.into(), None, &[]);
            assert_eq!(refusal.shown(), name);
        }
    }

    #[test]
    fn what_is_gone_what_is_revoked_and_what_is_refused() {
        for code in ["channel_not_found", "not_in_channel", "is_archived", "message_not_found"] {
            assert!(matches!(ended(code, None), ChatError::Gone), "{code}");
        }
        for code in
            ["invalid_auth", "token_revoked", "token_expired", "account_inactive", "not_authed"]
        {
            assert!(matches!(ended(code, None), ChatError::Unauthorised(_)), "{code}");
        }
        for code in ["restricted_action", "invalid_blocks", "brand_new_error"] {
            assert!(matches!(ended(code, None), ChatError::Refused(_)), "{code}");
        }
        assert!(matches!(ended("service_unavailable", None), ChatError::Unavailable(_)));
    }

    #[test]
    fn a_missing_scope_is_named_with_its_use() {
        let said = ended("missing_scope", Some("pins:write")).to_string();
        assert_eq!(
            said,
            "the platform refused the message: nova's Slack app lacks the scope pins:write, for \
             pinning an incident's card; add it in the app's settings and install the app again"
        );
        let either = "channels:write.topic,channels:manage";
        assert!(
            ended("missing_scope", Some(either)).to_string().contains("scope channels:manage,")
        );
        assert!(ended("missing_scope", Some("admin:x")).to_string().contains("scope admin:x;"));
        let said = ended("missing_scope", Some("<!here>")).to_string();
        assert!(said.ends_with("is not allowed to do this (missing_scope)"), "{said}");
    }
}
