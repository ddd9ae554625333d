//! The forms, and what becomes of them: each is an order that a command could give as well.
//!
//! Invariant: a form adds no power. Its order goes the way of a typed one: read, permitted, recorded.

use std::collections::BTreeMap;

use nova_adapters::event::Submission;
use nova_adapters::form::{Choice, Form, Question, QuestionKind};

use nova_commands::incident::{Order, SEVERITIES};
use nova_commands::text::Sanitiser;
use secrecy::SecretString;

use crate::engine::Question as Asked;
use crate::store::Incident;
use crate::view::limits;

/// The forms' ids, as buttons and submissions carry them.
pub(super) const DECLARE: &str = "incident-declare";
pub(super) const NOTE: &str = "incident-note";
pub(super) const QUOTE: &str = "incident-quote";
pub(super) const SECRET: &str = "secret";

/// The field of a secret. A longer one than every platform takes is for the terminal.
pub(super) const SECRET_FIELD: &str = "value";
pub(super) const SECRET_LENGTH: (u16, u16) = (1, 3_000);

/// Least and most characters of what happened, and of a note.
const IMPACT: (u16, u16) = (3, 300);
const NOTE_LENGTH: (u16, u16) = (1, 2_000);
/// The most characters of a quoted message that a form carries along.
const QUOTED: usize = 1_500;
/// The most incidents that a form offers.
const OFFERED: usize = 25;

/// A chosen value's length.
const CHOSEN: (u16, u16) = (1, 20);

/// What the severities promise, in the order of [`SEVERITIES`].
const PROMISES: [&str; 4] = [
    "Critical: answer within 15 minutes",
    "High: within 2 hours",
    "Medium: within 8 hours",
    "Low: within 24 hours",
];

/// "Declare an incident".
pub(super) fn declare() -> Form {
    let choices =
        SEVERITIES.iter().zip(PROMISES).map(|(value, label)| choice(value, label)).collect();
    Form {
        id: DECLARE.to_owned(),
        argument: String::new(),
        title: "Declare an incident".to_owned(),
        submit: "Declare".to_owned(),
        intro: None,
        fields: vec![
            question("severity", "Severity", QuestionKind::Choice { choices, initial: None }),
            text("impact", "What is wrong, and for whom", false, IMPACT),
        ],
    }
}

/// "Add a note" to one incident.
pub(super) fn note(incident: &str) -> Form {
    Form {
        id: NOTE.to_owned(),
        argument: incident.to_owned(),
        title: "Add a note".to_owned(),
        submit: "Add".to_owned(),
        intro: Some(format!("It goes on the timeline of INC-{incident}.")),
        fields: vec![text("text", "Note", true, NOTE_LENGTH)],
    }
}

/// "Add to incident": a message that somebody points at. `None` when no incident is open.
pub(super) fn quote(open: &[Incident], sanitiser: &Sanitiser, quoted: &str) -> Option<Form> {
    let offer = |incident: &Incident| {
        let impact = sanitiser.line(&incident.impact, limits::SUBJECT);
        choice(&incident.number.get().to_string(), &format!("{}: {impact}", incident.number))
    };
    let choices: Vec<Choice> = open.iter().take(OFFERED).map(offer).collect();
    let initial = match &choices[..] {
        [] => return None,
        [only] => Some(only.value.clone()),
        _ => None,
    };
    let mut note = text("text", "What it shows", true, NOTE_LENGTH);
    note.required = false;
    Some(Form {
        id: QUOTE.to_owned(),
        argument: quoted.chars().take(QUOTED).collect(),
        title: "Add to incident".to_owned(),
        submit: "Add".to_owned(),
        intro: None,
        fields: vec![
            question("incident", "Incident", QuestionKind::Choice { choices, initial }),
            note,
        ],
    })
}

/// What a command asks for in private. The form carries the command's name, and never the answer.
pub(super) fn secret(asked: Asked) -> Form {
    let mut field = text(SECRET_FIELD, asked.text, true, SECRET_LENGTH);
    field.hint = Some("It is used once: not kept, not logged, not shown.".to_owned());
    Form {
        id: SECRET.to_owned(),
        argument: asked.command.to_owned(),
        title: asked.text.to_owned(),
        submit: "Check".to_owned(),
        intro: None,
        fields: vec![field],
    }
}

/// The secret in a submission.
///
/// # Errors
/// What is wrong with it.
pub(super) fn sent_secret(sent: &Submission) -> Result<SecretString, String> {
    let value = sent.fields.get(SECRET_FIELD).map_or("", |value| value.trim());
    let (least, most) = SECRET_LENGTH;
    let length = value.chars().count();
    if length < usize::from(least) || length > usize::from(most) {
        return Err(format!("{least} to {most} characters, please"));
    }
    Ok(SecretString::from(value))
}

/// What a submission orders.
///
/// # Errors
/// What is wrong, by field: a platform's own checks are not relied upon.
pub(super) fn order(sent: &Submission) -> Result<Order, BTreeMap<String, String>> {
    let mut wrong = BTreeMap::new();
    let mut field = |id: &str, (least, most): (u16, u16)| {
        let value = sent.fields.get(id).map_or("", |value| value.trim()).to_owned();
        let length = value.chars().count();
        if length < usize::from(least) || length > usize::from(most) {
            wrong.insert(id.to_owned(), format!("{least} to {most} characters, please"));
        }
        value
    };
    let order = match sent.form.as_str() {
        DECLARE => {
            let (severity, impact) = (field("severity", CHOSEN), field("impact", IMPACT));
            Order::Declare { severity, impact: impact.into() }
        }
        NOTE => {
            let text = field("text", NOTE_LENGTH).into();
            Order::Note { incident: Some(sent.argument.clone()), text }
        }
        QUOTE => {
            let (incident, text) = (field("incident", CHOSEN), field("text", (0, NOTE_LENGTH.1)));
            let lead = if text.is_empty() { text } else { text + "\n" };
            Order::Note { incident: Some(incident), text: (lead + &sent.argument).into() }
        }
        _ => {
            let text = "nova does not know this form any more; please start again".to_owned();
            let first = sent.fields.keys().next().cloned().unwrap_or_default();
            return Err(BTreeMap::from([(first, text)]));
        }
    };
    if wrong.is_empty() { Ok(order) } else { Err(wrong) }
}

/// The field that an engine's refusal is shown at: the last one, where people look.
pub(super) fn place_of_refusal(sent: &Submission) -> &'static str {
    match sent.form.as_str() {
        DECLARE => "impact",
        _ => "text",
    }
}

fn question(id: &str, label: &str, kind: QuestionKind) -> Question {
    Question { id: id.to_owned(), label: label.to_owned(), hint: None, required: true, kind }
}

fn text(id: &str, label: &str, lines: bool, (min, max): (u16, u16)) -> Question {
    question(id, label, QuestionKind::Text { lines, min, max, initial: String::new() })
}

fn choice(value: &str, label: &str) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(form: &str, argument: &str, fields: &[(&str, &str)]) -> Submission {
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Submission { form: form.to_owned(), argument: argument.to_owned(), fields }
    }

    #[test]
    fn a_submission_is_an_order() {
        let declared =
            sent(DECLARE, "", &[("severity", "high"), ("impact", " VMs \"hang\" --all ")]);
        let impact = "VMs \"hang\" --all".into();
        assert_eq!(order(&declared), Ok(Order::Declare { severity: "high".to_owned(), impact }));
        let quoted = sent(QUOTE, "<quoted>", &[("incident", "7"), ("text", "see")]);
        let incident = Some("7".to_owned());
        assert_eq!(order(&quoted), Ok(Order::Note { incident, text: "see\n<quoted>".into() }));
    }

    #[test]
    fn what_is_wrong_stands_at_its_field() {
        let wrong = order(&sent(DECLARE, "", &[("impact", "x")])).unwrap_err();
        assert_eq!(wrong.keys().collect::<Vec<_>>(), ["impact", "severity"]);
        let huge = "x".repeat(2_001);
        assert!(order(&sent(NOTE, "7", &[("text", &huge)])).unwrap_err().contains_key("text"));
        assert!(order(&sent("rm -rf", "7", &[("text", "x")])).is_err());
    }
}
