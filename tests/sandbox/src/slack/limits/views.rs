//! Modals and home pages as a whole. Invariant: a view that passes has everything its kind needs.
//! Called by `views.*` and by the answers to submissions.

use serde_json::Value;

use super::blocks;
use super::check::{At, Check, Text};
use crate::slack::refusal::Refusal;

/// Where blocks are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::slack) enum Surface {
    Message,
    Modal,
    Home,
}

/// The most blocks in a view, and the most bytes of its JSON.
const BLOCKS: usize = 100;
const SIZE: usize = 250_000;

/// Checks a view as it was given.
///
/// # Errors
/// `invalid_arguments` with one line for each problem, `view_too_large`.
pub(in crate::slack) fn view(given: &Value, surface: Surface) -> Result<(), Refusal> {
    if given.to_string().len() > SIZE {
        return Err(Refusal::new("view_too_large"));
    }
    let mut check = Check::default();
    let at = At::root("view");
    let kind = if surface == Surface::Home { "home" } else { "modal" };
    if given["type"] != kind {
        check.say(at.key("type"), &format!("must be {kind}"));
    }
    let common = ["private_metadata", "callback_id", "external_id"];
    let modal =
        ["submit", "close", "clear_on_close", "notify_on_close", "submit_disabled", "title"];
    let (required, optional): (&[&str], Vec<&str>) = match surface {
        Surface::Modal => (&["blocks", "title"], [&common[..], &modal].concat()),
        _ => (&["blocks"], common.to_vec()),
    };
    if let Some(object) = check.object(at, given, required, &optional) {
        for key in ["title", "submit", "close"] {
            check.text(at.key(key), object.get(key), Text::Plain, 24);
        }
        check.short(at.key("private_metadata"), object.get("private_metadata"), 3000);
        check.short(at.key("callback_id"), object.get("callback_id"), 255);
        check.short(at.key("external_id"), object.get("external_id"), 255);
        let at = at.key("blocks");
        let items = check.items(at, object.get("blocks"), BLOCKS);
        blocks::all(&mut check, at, items, surface);
        if surface == Surface::Modal
            && check.input
            && object.get("submit").is_none_or(Value::is_null)
        {
            check.say(At::root("view"), "missing submit, which a view with an input block needs");
        }
    }
    if check.problems.is_empty() {
        Ok(())
    } else {
        Err(Refusal::explained("invalid_arguments", &check.problems))
    }
}
