//! Buttons and selects. Called once a message, after its sections.
//!
//! Invariant: nothing that is pressed runs anything but the whole command line it was made with. A
//! line too long for a button gets none; it stands in the file with the rest.

use reqwest::Url;
use slack_morphism::prelude::*;

use crate::message::{Action, Button, ButtonStyle, Message, Select};
use crate::text::{length, one_line};

use super::limits::{
    BUTTON_LABEL, CONFIRM_TEXT, CONFIRM_TITLE, ELEMENTS, OPTION_LABEL, OPTION_VALUE, OPTIONS,
    PLACEHOLDER, URL, weight,
};
use super::page::Page;
use super::press::{action_id, value};
use super::text::plain;

/// What one element takes beside its options and texts: `weight` of the block around it.
const FRAME: usize = 400;

/// Draws everything that can be chosen: the buttons in rows, then each select in a row of its own.
pub(super) fn draw(message: &Message, page: &mut Page) {
    let mut index = 0;
    let mut row = Vec::new();
    let mut room = page.room().saturating_sub(FRAME);
    for choice in message.buttons.iter().cloned().chain(long_options(message)) {
        let Some(element) = button(&choice, index, page) else {
            page.shorten();
            continue;
        };
        let Some(left) = room.checked_sub(weight(&element)) else {
            page.shorten();
            break;
        };
        room = left;
        index += 1;
        row.push(SlackActionBlockElement::Button(element));
    }
    while !row.is_empty() {
        let rest = row.split_off(row.len().min(ELEMENTS));
        page.push(SlackActionsBlock::new(std::mem::replace(&mut row, rest)));
    }
    for choice in &message.selects {
        for element in selects(choice, &mut index, page) {
            page.push(SlackActionsBlock::new(vec![element]));
        }
    }
}

fn button(button: &Button, index: usize, page: &mut Page) -> Option<SlackBlockButtonElement> {
    let (action, carried) = carried(&button.action)?;
    let text = page.plain(&one_line(&button.label), BUTTON_LABEL);
    let mut element = SlackBlockButtonElement::new(text.into())
        .with_action_id(SlackActionId::new(action_id(index, &action)));
    match carried {
        Carried::Value(value) => element = element.with_value(value),
        Carried::Url(url) => element = element.with_url(url),
    }
    match button.style {
        ButtonStyle::Default => {}
        ButtonStyle::Primary => element = element.with_style(SlackBlockButtonStyle::Primary),
        ButtonStyle::Danger => element = element.with_style(SlackBlockButtonStyle::Danger),
    }
    if let Some(question) = &button.confirm {
        element = element.with_confirm(confirm(button, question, page));
    }
    Some(element)
}

enum Carried {
    Value(String),
    Url(Url),
}

/// What a button does on Slack, if it can do it: a form that cannot be carried runs its line instead.
fn carried(action: &Action) -> Option<(Action, Carried)> {
    if let Action::Link { url } = action {
        let url = Url::parse(url).ok().filter(|url| length(url.as_str()) <= URL)?;
        let web = matches!(url.scheme(), "http" | "https");
        return web.then(|| (action.clone(), Carried::Url(url)));
    }
    if let Some(value) = value(action) {
        return Some((action.clone(), Carried::Value(value)));
    }
    let Action::Form { line, .. } = action else {
        return None;
    };
    let run = Action::Run { line: line.clone() };
    value(&run).map(|value| (run, Carried::Value(value)))
}

fn confirm(button: &Button, question: &str, page: &mut Page) -> SlackBlockConfirmItem {
    let danger = button.style == ButtonStyle::Danger;
    let item = SlackBlockConfirmItem::new(
        plain(&button.label, CONFIRM_TITLE).into(),
        page.plain(question, CONFIRM_TEXT).into(),
        plain("Yes", BUTTON_LABEL).into(),
        plain("Cancel", BUTTON_LABEL).into(),
    );
    if danger { item.with_style("danger".to_owned()) } else { item }
}

/// Options whose lines are too long for a select, but perhaps not for a button.
fn long_options(message: &Message) -> impl Iterator<Item = Button> + '_ {
    let options = message.selects.iter().flat_map(|select| &select.options);
    options.filter(|(_, line)| is_long(line)).map(|(label, line)| Button::run(label, line))
}

fn is_long(line: &str) -> bool {
    length(line) > OPTION_VALUE
}

/// A select, or several where there are more options than one takes.
fn selects(select: &Select, index: &mut usize, page: &mut Page) -> Vec<SlackActionBlockElement> {
    let mut elements = Vec::new();
    let mut options = Vec::new();
    let mut room = page.room().saturating_sub(FRAME);
    for (label, line) in &select.options {
        if line.trim().is_empty() || is_long(line) {
            continue;
        }
        let text = page.plain(&one_line(label), OPTION_LABEL);
        let option = SlackBlockChoiceItem::new(text.into(), line.clone());
        let Some(left) = room.checked_sub(weight(&option)) else {
            page.shorten();
            break;
        };
        room = left;
        options.push(option);
    }
    while !options.is_empty() {
        let rest = options.split_off(options.len().min(OPTIONS));
        let options = std::mem::replace(&mut options, rest);
        let run = Action::Run { line: String::new() };
        let element = SlackBlockStaticSelectElement::new()
            .with_action_id(SlackActionId::new(action_id(*index, &run)))
            .with_placeholder(plain(&select.placeholder, PLACEHOLDER).into())
            .with_options(options);
        *index += 1;
        elements.push(element.into());
    }
    elements
}
