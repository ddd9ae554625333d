//! A form as a modal, and what is wrong with a filled-in one. Called to open a form, and to answer
//! when it was sent.
//!
//! Invariant: a question's id is the `block_id` and the `action_id` of its input, so that answers and
//! errors find their question. What comes back was never cut: a form that Slack cannot carry says so
//! instead of asking.

use std::collections::{BTreeMap, BTreeSet};

use slack_morphism::prelude::*;

use crate::form::{Choice, Form, Question, QuestionKind};
use crate::text::{clean, cut, length, one_line};

use super::limits::{
    ID, INPUT, LABEL, MODAL_TITLE, OPTION_LABEL, OPTION_VALUE, OPTIONS, PRIVATE_METADATA, TEXT,
    VIEW, VIEW_BLOCKS, weight,
};
use super::rich::Rich;
use super::text::plain;

/// What is said of one field.
const ERROR: usize = 300;

/// The form as a modal. `callback_id` is the form's id and `private_metadata` its argument.
#[must_use]
pub fn form(form: &Form) -> SlackView {
    if !is_carried(form) {
        return refusal(form);
    }
    let mut blocks = Vec::new();
    if let Some(intro) = form.intro.as_deref().map(clean).filter(|text| !text.trim().is_empty()) {
        blocks.push(Rich::default().text(&cut(intro.trim(), TEXT)).block());
    }
    blocks.extend(form.fields.iter().map(input));
    if blocks.is_empty() || weight(&blocks) > VIEW {
        return refusal(form);
    }
    let submit = if form.submit.trim().is_empty() { "Send" } else { &form.submit };
    let mut view = modal(form, blocks).with_submit(plain(submit, MODAL_TITLE).into());
    if !form.argument.is_empty() {
        view = view.with_private_metadata(form.argument.clone());
    }
    SlackView::Modal(view.with_callback_id(SlackCallbackId::new(form.id.clone())))
}

fn modal(form: &Form, blocks: Vec<SlackBlock>) -> SlackModalView {
    let title = if form.title.trim().is_empty() { "nova" } else { &form.title };
    SlackModalView::new(plain(title, MODAL_TITLE).into(), blocks)
        .with_close(plain("Cancel", MODAL_TITLE).into())
}

/// Whether everything that has to come back unchanged fits.
fn is_carried(form: &Form) -> bool {
    let is_id = |id: &str| !id.trim().is_empty() && length(id) <= ID;
    let ids: BTreeSet<&str> = form.fields.iter().map(|field| field.id.as_str()).collect();
    is_id(&form.id)
        && length(&form.argument) <= PRIVATE_METADATA
        && form.fields.len() < VIEW_BLOCKS
        && ids.len() == form.fields.len()
        && ids.into_iter().all(is_id)
        && form.fields.iter().all(|field| match &field.kind {
            QuestionKind::Text { initial, max, .. } => length(initial) <= usize::from(most(*max)),
            QuestionKind::Choice { choices, .. } => {
                (1..=OPTIONS).contains(&choices.len()) && choices.iter().all(is_option)
            }
        })
}

fn is_option(choice: &Choice) -> bool {
    !choice.value.trim().is_empty() && length(&choice.value) <= OPTION_VALUE
}

/// The longest answer that may be asked for.
fn most(max: u16) -> u16 {
    max.clamp(1, INPUT)
}

fn refusal(form: &Form) -> SlackView {
    let text = "This form is too large for Slack. Please type the command instead.";
    SlackView::Modal(modal(form, vec![Rich::default().text(text).block()]))
}

fn input(question: &Question) -> SlackBlock {
    let id = SlackActionId::new(question.id.clone());
    let element: SlackInputBlockElement = match &question.kind {
        QuestionKind::Text { lines, min, max, initial } => {
            let most = most(*max);
            let element = SlackBlockPlainTextInputElement::new()
                .with_action_id(id)
                .with_multiline(*lines)
                .with_min_length(u64::from((*min).min(most)))
                .with_max_length(u64::from(most));
            if initial.is_empty() {
                element.into()
            } else {
                element.with_initial_value(clean(initial)).into()
            }
        }
        QuestionKind::Choice { choices, initial } => {
            let first = choices.iter().find(|choice| Some(&choice.value) == initial.as_ref());
            let element = SlackBlockStaticSelectElement::new()
                .with_action_id(id)
                .with_options(choices.iter().map(option).collect());
            first.map_or(element.clone(), |first| element.with_initial_option(option(first))).into()
        }
    };
    let label = if question.label.trim().is_empty() { &question.id } else { &question.label };
    let block = SlackInputBlock::new(plain(label, LABEL).into(), element)
        .with_block_id(SlackBlockId::new(question.id.clone()))
        .with_optional(!question.required);
    match question.hint.as_deref().map(one_line).filter(|hint| !hint.is_empty()) {
        Some(hint) => block.with_hint(plain(&hint, LABEL).into()).into(),
        None => block.into(),
    }
}

fn option(choice: &Choice) -> SlackBlockChoiceItem<SlackBlockPlainTextOnly> {
    let label = if choice.label.trim().is_empty() { &choice.value } else { &choice.label };
    SlackBlockChoiceItem::new(plain(label, OPTION_LABEL).into(), choice.value.clone())
}

/// The answer that keeps a form open and says beside each field, by its id, what is wrong with it.
/// Slack shows these texts as they are.
#[must_use]
pub fn errors(wrong: &BTreeMap<String, String>) -> SlackViewSubmissionResponse {
    let said = |text: &String| match one_line(text) {
        text if text.is_empty() => "not accepted".to_owned(),
        text => cut(&text, ERROR).into_owned(),
    };
    let errors = wrong.iter().map(|(id, text)| (id.clone(), said(text))).collect();
    SlackViewSubmissionResponse::Errors(SlackViewSubmissionErrorsResponse::new(errors))
}

#[cfg(test)]
mod tests;
