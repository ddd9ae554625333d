//! What a button carries to Slack and what comes back of it: the two directions beside each other.
//! The renderer writes, whoever receives a click reads.
//!
//! Invariant: what is read back is what was written, or nothing. Anybody who can send a payload can
//! send any of these, so a press is checked like typed text.

use crate::event::Press;
use crate::message::Action;
use crate::text::length;

use super::limits::BUTTON_VALUE;

const RUN: &str = "run";
const OPEN: &str = "open";
const LINK: &str = "link";

/// The id of the `index`th thing to press on a message: unique there, and short whatever it does.
#[must_use]
pub fn action_id(index: usize, action: &Action) -> String {
    let kind = match action {
        Action::Run { .. } => RUN,
        Action::Form { .. } => OPEN,
        Action::Link { .. } => LINK,
    };
    format!("{kind}:{index}")
}

/// What the button's value has to be, up to 2,000 characters; `None` where it cannot be carried. A
/// link carries nothing and is not for this.
pub(super) fn value(action: &Action) -> Option<String> {
    let value = match action {
        Action::Run { line } => line.clone(),
        Action::Form { form, argument, .. } if !form.contains('\n') => {
            format!("{form}\n{argument}")
        }
        Action::Form { .. } | Action::Link { .. } => return None,
    };
    carries(&value).then_some(value)
}

/// Slack takes no empty value.
fn carries(value: &str) -> bool {
    !value.trim().is_empty() && length(value) <= BUTTON_VALUE
}

/// What was pressed, of the `action_id` and the value of a button or of a select's chosen option.
/// Unknown ids give `None`, and so does a link: Slack tells of it, and there is nothing to do.
#[must_use]
pub fn press(action_id: &str, value: Option<&str>) -> Option<Press> {
    let (kind, index) = action_id.split_once(':')?;
    let value = value.filter(|value| carries(value))?;
    if index.is_empty() || index.len() > 20 || !index.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match kind {
        RUN => Some(Press::Run { line: value.to_owned() }),
        OPEN => {
            let (form, argument) = value.split_once('\n')?;
            Some(Press::Open { form: form.to_owned(), argument: argument.to_owned() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z0-9 -]{0,40}", "(?s).{0,20}", "[a-z&<>é🦀]{0,3000}"]
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![
            text().prop_map(|line| Action::Run { line }),
            (text(), text(), text()).prop_map(|(form, argument, line)| Action::Form {
                form,
                argument,
                line
            }),
            text().prop_map(|url| Action::Link { url }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_pressed_is_what_was_drawn(action in action(), index: usize) {
            let id = action_id(index, &action);
            prop_assert!(length(&id) <= 255);
            let value = value(&action);
            let back = value.as_deref().and_then(|value| press(&id, Some(value)));
            let meant = match &action {
                Action::Run { line } => Press::Run { line: line.clone() },
                Action::Form { form, argument, .. } => {
                    Press::Open { form: form.clone(), argument: argument.clone() }
                }
                Action::Link { .. } => {
                    prop_assert_eq!(value, None);
                    prop_assert_eq!(press(&id, Some("health")), None);
                    return Ok(());
                }
            };
            prop_assert_eq!(back, value.map(|_| meant));
        }

        #[test]
        fn any_payload_is_read_without_a_panic(
            id in prop_oneof!["(run|open|link|.{0,3}):[0-9]{0,22}", "(?s).{0,30}"],
            value in prop::option::of(text()),
        ) {
            if let Some(Press::Run { line }) = press(&id, value.as_deref()) {
                prop_assert_eq!(Some(line), value);
            }
        }
    }

    #[test]
    fn a_short_line_is_carried_and_a_long_one_never_cut() {
        let run = |line: &str| Action::Run { line: line.to_owned() };
        assert_eq!(value(&run("health")).as_deref(), Some("health"));
        assert_eq!(value(&run(&"x".repeat(2_000))).map(|value| value.len()), Some(2_000));
        assert_eq!(value(&run(&"x".repeat(2_001))), None);
        assert_eq!(value(&run(" ")), None);
    }

    #[test]
    fn unknown_ids_mean_nothing() {
        for id in ["", "run", "run:", "run:x", "run:+1", "stop:1", "link:1", ":1", "open:1"] {
            assert_eq!(press(id, Some("health")), None, "{id}");
        }
        assert_eq!(press("run:1", None), None);
        assert_eq!(press("run:1", Some("health")), Some(Press::Run { line: "health".into() }));
    }
}
