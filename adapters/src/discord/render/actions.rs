//! Buttons and selects, and what is too long for them as text. Called once a message.
//!
//! Invariant: nothing that is pressed runs anything but the whole command line it was made with. A
//! line too long for a button stands in the message to be typed; no two things carry the same.

use std::collections::BTreeSet;

use reqwest::Url;
use twilight_model::channel::message::Component;
use twilight_model::channel::message::component::{
    ActionRow, Button as ButtonComponent, ButtonStyle as Style, SelectMenu, SelectMenuOption,
    SelectMenuType,
};

use crate::message::{Action, Button, ButtonStyle, Message, Select};
use crate::text::{label, length, one_line};

use super::limits::{BUTTON_LABEL, OPTION_LABEL, OPTIONS, PLACEHOLDER, ROW, ROWS, URL};
use super::markdown::{bold, code, inert};
use super::page::Page;
use super::press::{custom_id, select_id};

/// Rows that selects have for themselves, however many buttons there are.
const SELECT_ROWS: usize = 2;
/// What is to be typed may take so much of a message whose sections would fill it.
const TYPED: usize = 1_000;
const TYPED_LABEL: usize = 100;
const TYPED_LINE: usize = 300;

/// Everything that can be chosen.
pub(super) struct Actions {
    pub(super) rows: Vec<Component>,
    /// What stands as text instead: markup of ours.
    typed: Vec<String>,
    /// Something is neither a component nor text.
    missing: bool,
}

impl Actions {
    pub(super) fn new(message: &Message) -> Self {
        let mut actions = Self { rows: Vec::new(), typed: Vec::new(), missing: false };
        let selects: Vec<_> = message.selects.iter().flat_map(|s| actions.selects(s)).collect();
        let mut seen = BTreeSet::new();
        let mut buttons = Vec::new();
        for button in &message.buttons {
            match component(button) {
                // Discord takes no id twice; the second would do what the first does.
                Some(element) => {
                    if element.custom_id.clone().is_none_or(|id| seen.insert(id)) {
                        buttons.push((button, element));
                    }
                }
                None => actions.leave(&button.label, &button.action),
            }
        }
        let kept = selects.len().min(SELECT_ROWS);
        let rest = buttons.split_off(buttons.len().min((ROWS - kept) * ROW));
        for row in buttons.chunks(ROW) {
            let row = row.iter().map(|(_, element)| Component::Button(element.clone()));
            actions.rows.push(in_row(row.collect()));
        }
        for (button, _) in rest {
            actions.leave(&button.label, &button.action);
        }
        for (index, mut select) in selects.into_iter().enumerate() {
            if actions.rows.len() < ROWS {
                select.custom_id = select_id(index);
                actions.rows.push(in_row(vec![Component::SelectMenu(select)]));
            } else {
                actions.missing = true;
            }
        }
        actions
    }

    /// Room for what is to be typed, before the sections take it.
    pub(super) fn typed_room(&self) -> usize {
        self.typed.iter().map(|line| length(line) + 2).sum::<usize>().min(TYPED)
    }

    /// Draws what is to be typed.
    pub(super) fn draw_typed(&self, page: &mut Page) {
        page.part();
        for line in &self.typed {
            page.push(line);
        }
        if self.missing {
            page.shorten();
        }
    }

    /// A choice that cannot be pressed, as it would be typed; in the file only where that is too long.
    fn leave(&mut self, label: &str, action: &Action) {
        let (Action::Run { line } | Action::Form { line, .. }) = action else {
            self.missing = true;
            return;
        };
        let line = one_line(line);
        if line.is_empty() || length(&line) > TYPED_LINE {
            self.missing = true;
            return;
        }
        let label = bold(&inert(&one_line(label), TYPED_LABEL).0);
        self.typed.push(format!("{label} {}", code(&format!("/nova {line}"))).trim().to_owned());
    }

    /// A select, or several where there are more options than one takes.
    fn selects(&mut self, select: &Select) -> Vec<SelectMenu> {
        let mut options = Vec::new();
        let mut seen = BTreeSet::new();
        for (text, line) in &select.options {
            let action = Action::Run { line: line.clone() };
            let Some(value) = custom_id(&action, false) else {
                self.leave(text, &action);
                continue;
            };
            if seen.insert(value.clone()) {
                let label = label(text, OPTION_LABEL);
                let option = SelectMenuOption {
                    default: false,
                    description: None,
                    emoji: None,
                    label,
                    value,
                };
                options.push(option);
            }
        }
        let menu = |options: &[SelectMenuOption]| SelectMenu {
            channel_types: None,
            custom_id: String::new(),
            default_values: None,
            disabled: false,
            id: None,
            kind: SelectMenuType::Text,
            max_values: None,
            min_values: None,
            options: Some(options.to_vec()),
            placeholder: Some(label(&select.placeholder, PLACEHOLDER)),
            required: None,
        };
        options.chunks(OPTIONS).map(menu).collect()
    }
}

fn in_row(components: Vec<Component>) -> Component {
    Component::ActionRow(ActionRow { components, id: None })
}

/// A button, if Discord can carry what it does: a form that it cannot carry runs its line instead.
fn component(button: &Button) -> Option<ButtonComponent> {
    let mut element = ButtonComponent {
        custom_id: None,
        disabled: false,
        emoji: None,
        id: None,
        label: Some(label(&button.label, BUTTON_LABEL)),
        sku_id: None,
        style: match button.style {
            ButtonStyle::Default => Style::Secondary,
            ButtonStyle::Primary => Style::Primary,
            ButtonStyle::Danger => Style::Danger,
        },
        url: None,
    };
    if let Action::Link { url } = &button.action {
        let url = Url::parse(url).ok().filter(|url| length(url.as_str()) <= URL)?;
        element.style = Style::Link;
        element.url = matches!(url.scheme(), "http" | "https").then(|| url.into());
        return element.url.is_some().then_some(element);
    }
    let asks = button.confirm.is_some();
    element.custom_id = custom_id(&button.action, asks).or_else(|| match &button.action {
        Action::Form { line, .. } => custom_id(&Action::Run { line: line.clone() }, asks),
        Action::Run { .. } | Action::Link { .. } => None,
    });
    element.custom_id.is_some().then_some(element)
}
