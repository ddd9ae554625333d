//! What a button or a select carries to Discord and what comes back of it: the two directions beside
//! each other. The renderer writes, whoever receives a click reads.
//!
//! Invariant: what is read back is what was written, or nothing. Anybody who can send a payload can
//! send any of these, so a press is checked like typed text.

use crate::event::Press;
use crate::message::{Action, Button, ButtonStyle, Mark, Message};
use crate::text::length;

use super::limits::CUSTOM_ID;

const RUN: &str = "r:";
/// Runs a line, but asks first. Discord has no dialog for that.
const ASK: &str = "c:";
const OPEN: &str = "f:";
/// A select, with its number on the message; what is chosen carries the rest.
const SELECT: &str = "s:";

/// What a button or an option that does `action` carries, up to 100 characters; `None` where it cannot
/// be carried. A link carries nothing and is not for this.
pub(super) fn custom_id(action: &Action, asks: bool) -> Option<String> {
    match action {
        Action::Run { line } if !line.trim().is_empty() => {
            carried(format!("{}{line}", if asks { ASK } else { RUN }))
        }
        Action::Form { form, argument, .. } => form_id(form, argument),
        Action::Run { .. } | Action::Link { .. } => None,
    }
}

/// What opens a form, and what the form itself carries.
pub(super) fn form_id(form: &str, argument: &str) -> Option<String> {
    let named = !form.is_empty() && !form.contains(':');
    named.then(|| format!("{OPEN}{form}:{argument}")).and_then(carried)
}

/// The two parts of [`form_id`].
pub(super) fn form_parts(custom_id: &str) -> Option<(&str, &str)> {
    if length(custom_id) > CUSTOM_ID {
        return None;
    }
    custom_id.strip_prefix(OPEN)?.split_once(':').filter(|(form, _)| !form.is_empty())
}

/// The `index`th select of a message.
pub(super) fn select_id(index: usize) -> String {
    format!("{SELECT}{index}")
}

fn carried(id: String) -> Option<String> {
    (length(&id) <= CUSTOM_ID).then_some(id)
}

/// What was pressed, of a component's `custom_id` and of the values that were chosen of a select.
/// Unknown ids give `None`; so does a button that asks first, see [`question`].
#[must_use]
pub fn read(custom_id: &str, values: &[String]) -> Option<Press> {
    if custom_id.starts_with(SELECT) {
        let [chosen] = values else { return None };
        return run(chosen, RUN).map(|line| Press::Run { line });
    }
    if let Some((form, argument)) = form_parts(custom_id) {
        return Some(Press::Open { form: form.to_owned(), argument: argument.to_owned() });
    }
    run(custom_id, RUN).map(|line| Press::Run { line })
}

/// The question that a button asks first, to be shown to the person alone: its button runs the line.
#[must_use]
pub fn question(custom_id: &str) -> Option<Message> {
    let line = run(custom_id, ASK)?;
    let yes = Button::run("Yes", line.clone()).style(ButtonStyle::Danger);
    Some(Message::new(Mark::Warn, format!("Run /nova {line}?")).button(yes))
}

fn run(id: &str, kind: &str) -> Option<String> {
    let line = id.strip_prefix(kind).filter(|line| !line.trim().is_empty())?;
    (length(id) <= CUSTOM_ID).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z0-9 :-]{0,40}", "(?s).{0,20}", "[a-z&<>é🦀]{80,110}"]
    }

    proptest! {
        #[test]
        fn what_is_pressed_is_what_was_drawn(a in text(), b in text(), asks: bool) {
            let action = Action::Run { line: a.clone() };
            if let Some(id) = custom_id(&action, asks) {
                prop_assert!(length(&id) <= 100);
                if asks {
                    prop_assert_eq!(read(&id, &[]), None);
                    let asked = question(&id).unwrap();
                    prop_assert_eq!(&asked.buttons[0].action, &action);
                } else {
                    prop_assert_eq!(read(&id, &[]), Some(Press::Run { line: a.clone() }));
                    prop_assert_eq!(read("s:0", &[id]), Some(Press::Run { line: a.clone() }));
                }
            }
            let action = Action::Form { form: a.clone(), argument: b.clone(), line: String::new() };
            if let Some(id) = custom_id(&action, asks) {
                prop_assert_eq!(read(&id, &[]), Some(Press::Open { form: a, argument: b }));
            }
        }

        #[test]
        fn any_payload_is_read_without_a_panic(
            id in prop_oneof!["[rcfs]:.{0,30}", "(?s).{0,30}"],
            values in prop::collection::vec(text(), 0..3),
        ) {
            let (read, asked) = (read(&id, &values), question(&id));
            prop_assert!(read.is_none() || asked.is_none());
        }
    }

    #[test]
    fn a_short_line_is_carried_and_a_long_one_never_cut() {
        let run = |line: &str| custom_id(&Action::Run { line: line.to_owned() }, false);
        assert_eq!(run("health").as_deref(), Some("r:health"));
        assert_eq!(run(&"x".repeat(98)).map(|id| id.len()), Some(100));
        assert_eq!(run(&"x".repeat(99)), None);
        assert_eq!(run(" "), None);
        assert_eq!(form_id("a:b", ""), None);
    }

    #[test]
    fn unknown_ids_mean_nothing() {
        let health = || vec!["r:health".to_owned()];
        for id in ["", "r", "r:", "x:health", "f:", "f:form", "f::x", "c:health", "s:0"] {
            assert_eq!(read(id, &[]), None, "{id}");
        }
        assert_eq!(read("s:0", &health()), Some(Press::Run { line: "health".into() }));
        assert_eq!(read("s:0", &[health(), health()].concat()), None);
        assert_eq!(read("s:0", &["f:form:x".into()]), None);
        assert_eq!(question("r:health"), None);
    }
}
