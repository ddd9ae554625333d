//! A form as a modal, what comes back of it, and what is wrong with a filled-in one. Called to answer
//! an event with a form, and when it was sent.
//!
//! Invariant: a question's id is the `custom_id` of its input, so that answers find their question.
//! What comes back was never cut: a form that Discord cannot carry says so instead of asking. Nothing
//! about an open form is kept here: the modal carries it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use twilight_model::channel::message::Component;
use twilight_model::channel::message::component::{
    Label, SelectMenu, SelectMenuOption, SelectMenuType, TextDisplay, TextInput, TextInputStyle,
};

use crate::event::Submission;
use crate::form::{Choice, Form, Question, QuestionKind};
use crate::message::{Field, Mark, Message, Section};
use crate::text::{clean, cut, label, length, one_line};

use super::limits::{
    CUSTOM_ID, INPUT, LABEL, LABEL_DESCRIPTION, MODAL_PARTS, MODAL_TITLE, OPTION_LABEL, OPTIONS,
};
use super::markdown::inert;
use super::press::{form_id, form_parts};

/// The input that carries an argument too long for a `custom_id`.
const ARGUMENT: &str = "argument";
/// The `custom_id` of a modal that only says that it cannot ask.
const REFUSED: &str = "refused";
const INTRO: usize = 1_000;
/// What is said of one field.
const ERROR: usize = 300;

/// A modal: the data of an interaction response of type 9.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Modal {
    pub custom_id: String,
    pub title: String,
    pub components: Vec<Component>,
}

/// The form as a modal.
#[must_use]
pub fn modal(form: &Form) -> Modal {
    let carried = form_id(&form.id, &form.argument);
    let beside = carried.is_none();
    let id = carried.or_else(|| form_id(&form.id, "")).filter(|_| is_carried(form, beside));
    let Some(id) = id else { return refusal(form) };
    let mut components: Vec<_> = form.fields.iter().map(input).collect();
    if beside {
        components.push(argument(&form.argument));
    }
    let intro = form.intro.as_deref().map(clean).filter(|text| !text.trim().is_empty());
    // The questions say what is asked for; what stands above them gives way.
    if let Some(intro) = intro.filter(|_| components.len() < MODAL_PARTS) {
        components.insert(0, text(inert(intro.trim(), INTRO).0));
    }
    if components.is_empty() { refusal(form) } else { shown(form, id, components) }
}

fn shown(form: &Form, custom_id: String, components: Vec<Component>) -> Modal {
    let title = if form.title.trim().is_empty() { "nova" } else { &form.title };
    Modal { custom_id, title: label(title, MODAL_TITLE), components }
}

fn refusal(form: &Form) -> Modal {
    let said = "This form is too large for Discord. Please type the command instead.";
    shown(form, REFUSED.to_owned(), vec![text(said.to_owned())])
}

fn text(content: String) -> Component {
    Component::TextDisplay(TextDisplay { content, id: None })
}

/// Whether everything that has to come back unchanged fits.
fn is_carried(form: &Form, beside: bool) -> bool {
    let is_id = |id: &str| !id.trim().is_empty() && length(id) <= CUSTOM_ID && id != ARGUMENT;
    let ids: BTreeSet<&str> = form.fields.iter().map(|field| field.id.as_str()).collect();
    length(&form.argument) <= usize::from(INPUT)
        && form.fields.len() + usize::from(beside) <= MODAL_PARTS
        && ids.len() == form.fields.len()
        && ids.into_iter().all(is_id)
        && form.fields.iter().all(|field| match &field.kind {
            QuestionKind::Text { initial, max, .. } => length(initial) <= usize::from(most(*max)),
            QuestionKind::Choice { choices, .. } => {
                let values: BTreeSet<&str> = choices.iter().map(|c| c.value.as_str()).collect();
                (1..=OPTIONS).contains(&choices.len())
                    && values.len() == choices.len()
                    && values.into_iter().all(|v| !v.trim().is_empty() && length(v) <= CUSTOM_ID)
            }
        })
}

/// The longest answer that may be asked for.
fn most(max: u16) -> u16 {
    max.clamp(1, INPUT)
}

/// Shown like any other field: a modal has no hidden ones.
fn argument(text: &str) -> Component {
    labelled("Quoted", None, text_input(ARGUMENT, true, true, (0, INPUT), text))
}

fn input(question: &Question) -> Component {
    let component = match &question.kind {
        QuestionKind::Text { lines, min, max, initial } => {
            let most = most(*max);
            let range = ((*min).min(most), most);
            text_input(&question.id, *lines, question.required, range, &clean(initial))
        }
        QuestionKind::Choice { choices, initial } => {
            let initial = initial.as_deref();
            Component::SelectMenu(SelectMenu {
                channel_types: None,
                custom_id: question.id.clone(),
                default_values: None,
                disabled: false,
                id: None,
                kind: SelectMenuType::Text,
                max_values: None,
                min_values: (!question.required).then_some(0),
                options: Some(choices.iter().map(|choice| option(choice, initial)).collect()),
                placeholder: None,
                required: Some(question.required),
            })
        }
    };
    let text = one_line(&question.label);
    let text = if text.is_empty() { one_line(&question.id) } else { text };
    // A label has little room; what it says is told whole under it.
    let long = (length(&text) > LABEL).then_some(text.as_str());
    let hint = question.hint.as_deref().map(one_line).filter(|hint| !hint.is_empty());
    labelled(&text, long.or(hint.as_deref()), component)
}

fn labelled(text: &str, description: Option<&str>, component: Component) -> Component {
    Component::Label(Label {
        component: Box::new(component),
        description: description.map(|text| cut(text, LABEL_DESCRIPTION).into_owned()),
        id: None,
        label: label(text, LABEL),
    })
}

#[expect(deprecated, reason = "the field is there and has to be given, as nothing")]
fn text_input(
    id: &str,
    lines: bool,
    required: bool,
    (min, max): (u16, u16),
    initial: &str,
) -> Component {
    Component::TextInput(TextInput {
        custom_id: id.to_owned(),
        id: None,
        label: None,
        max_length: Some(max),
        min_length: Some(min),
        placeholder: None,
        required: Some(required),
        style: if lines { TextInputStyle::Paragraph } else { TextInputStyle::Short },
        value: (!initial.is_empty()).then(|| initial.to_owned()),
    })
}

fn option(choice: &Choice, initial: Option<&str>) -> SelectMenuOption {
    let text = if choice.label.trim().is_empty() { &choice.value } else { &choice.label };
    SelectMenuOption {
        default: initial == Some(&choice.value),
        description: None,
        emoji: None,
        label: label(text, OPTION_LABEL),
        value: choice.value.clone(),
    }
}

/// What was sent, of a modal's `custom_id` and its inputs by theirs: a text input's value, a select's
/// chosen option. Unknown ids give `None`. An answer of nothing is no answer.
#[must_use]
pub fn read(custom_id: &str, mut fields: BTreeMap<String, String>) -> Option<Submission> {
    let (form, argument) = form_parts(custom_id)?;
    let argument = fields.remove(ARGUMENT).unwrap_or_else(|| argument.to_owned());
    fields.retain(|_, value| !value.is_empty());
    Some(Submission { form: form.to_owned(), argument, fields })
}

/// What is wrong with a form, by field id, to be told to the person alone: Discord has closed it.
#[must_use]
pub fn errors(wrong: &BTreeMap<String, String>) -> Message {
    let field = |(id, text): (&String, &String)| {
        let text = one_line(text);
        Field::new(id, if text.is_empty() { "not accepted".into() } else { cut(&text, ERROR) })
    };
    Message::new(
        Mark::Warn,
        "Nothing was done: the form has to be corrected. Please open it again.",
    )
    .section(Section::fields(wrong.iter().map(field).collect()))
}

#[cfg(test)]
mod tests;
