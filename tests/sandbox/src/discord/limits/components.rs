//! Components of a message: rows of buttons or one menu. Source:
//! docs.discord.com/developers/components/reference, "Legacy Message Component Behavior". The layouts
//! of the newer kind (a flag of the message) are not played here and refused.

use std::collections::HashSet;

use serde_json::Value;

use super::{Check, join};

const ROW: u64 = 1;
const BUTTON: u64 = 2;
pub(super) const MENU: u64 = 3;

const LINK: u64 = 5;
const PREMIUM: u64 = 6;

impl Check {
    /// `root` is where the list stands.
    pub(super) fn components(&mut self, root: &str, body: &Value) {
        let rows = self.list(root, body, "components", 0, 5);
        for (at, row) in rows.iter().enumerate() {
            let at = join(&join(root, "components"), at);
            if row["type"].as_u64() != Some(ROW) {
                self.kind(&at, "Value of field \"type\" must be one of (1,).");
            } else {
                self.row(&at, row);
            }
        }
    }

    pub(super) fn kind(&mut self, at: &str, message: &str) {
        self.say(&join(at, "type"), "UNION_TYPE_CHOICES", message);
    }

    fn row(&mut self, at: &str, row: &Value) {
        if row["components"].is_null() {
            self.say(&join(at, "components"), "BASE_TYPE_REQUIRED", "This field is required");
        }
        let controls = self.list(at, row, "components", 1, 5);
        let menus = controls.iter().filter(|one| one["type"].as_u64() != Some(BUTTON)).count();
        if menus > 0 && controls.len() > 1 {
            let message = "The specified component exceeds the maximum width";
            self.say(&join(at, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message);
        }
        for (n, control) in controls.iter().enumerate() {
            let at = format!("{at}.components.{n}");
            match control["type"].as_u64() {
                Some(BUTTON) => self.button(&at, control),
                Some(3 | 5..=8) => self.menu(&at, control, 150),
                _ => self.kind(&at, "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8)."),
            }
        }
    }

    fn button(&mut self, at: &str, button: &Value) {
        self.optional(at, button, "label", 0, 80);
        self.boolean(at, button, "disabled");
        let style = button["style"].as_u64();
        match style {
            Some(LINK) => {
                if button["url"].is_null() {
                    self.say(at, "BUTTON_COMPONENT_URL_REQUIRED", "A url is required");
                }
                self.optional(at, button, "url", 1, 512);
                if !button["custom_id"].is_null() {
                    let message = "A custom id and url cannot both be specified";
                    self.say(at, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message);
                }
            }
            Some(1..=4) => {
                self.custom_id(at, button);
                if !button["url"].is_null() {
                    let message = "A custom id and url cannot both be specified";
                    self.say(at, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message);
                }
            }
            Some(PREMIUM) if button["sku_id"].is_string() => return,
            _ => self.say(
                &join(at, "style"),
                "BASE_TYPE_CHOICES",
                "Value must be one of (1, 2, 3, 4, 5, 6).",
            ),
        }
        let labelled = button["label"].as_str().is_some_and(|label| !label.is_empty());
        if !labelled && button["emoji"].is_null() {
            let message = "A label or emoji is required";
            self.say(at, "BUTTON_COMPONENT_INVALID_LABEL", message);
        }
    }

    /// A menu; in a form the placeholder may have 150 characters too.
    pub(super) fn menu(&mut self, at: &str, menu: &Value, placeholder: usize) {
        self.custom_id(at, menu);
        self.optional(at, menu, "placeholder", 0, placeholder);
        self.number(at, menu, "min_values", 0, 25);
        self.number(at, menu, "max_values", 1, 25);
        if menu["type"].as_u64() != Some(MENU) {
            return;
        }
        if menu["options"].is_null() {
            self.say(&join(at, "options"), "BASE_TYPE_REQUIRED", "This field is required");
        }
        let options = self.list(at, menu, "options", 1, 25);
        let most = menu["max_values"].as_u64().unwrap_or(1);
        if most > options.len() as u64 {
            let message = "Must be less than or equal to the number of options.";
            self.say(&join(at, "max_values"), "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE", message);
        }
        let mut values = HashSet::new();
        let mut chosen = 0;
        for (n, option) in options.iter().enumerate() {
            let at = format!("{at}.options.{n}");
            self.text(&at, option, "label", 1, 100);
            self.text(&at, option, "value", 1, 100);
            self.optional(&at, option, "description", 0, 100);
            self.boolean(&at, option, "default");
            chosen += u64::from(option["default"] == true);
            if !values.insert(option["value"].as_str()) {
                let message = "The specified option value is already used";
                self.say(&join(&at, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message);
            }
        }
        if chosen > most {
            let message = "There are more default options than can be chosen.";
            self.say(&join(at, "options"), "SELECT_COMPONENT_TOO_MANY_DEFAULTS", message);
        }
    }
}
