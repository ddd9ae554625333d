//! Forms. Source: docs.discord.com/developers/interactions/receiving-and-responding, "Modal", and
//! developers/components/reference, "Label" and "Text Input".

use serde_json::Value;

use super::Check;
use crate::discord::refusal::Refusal;

const ROW: u64 = 1;
const TEXT_INPUT: u64 = 4;
const TEXT_DISPLAY: u64 = 10;
const LABEL: u64 = 18;

/// # Errors
/// 50035 for what is wrong in it.
pub(in crate::discord) fn modal(data: &Value) -> Result<(), Refusal> {
    let mut check = Check::default();
    check.text("data", data, "custom_id", 1, 100);
    check.text("data", data, "title", 1, 45);
    if data["components"].is_null() {
        check.say("data.components", "BASE_TYPE_REQUIRED", "This field is required");
    }
    for (at, part) in check.list("data", data, "components", 1, 5).iter().enumerate() {
        let at = format!("data.components.{at}");
        match part["type"].as_u64() {
            Some(LABEL) => check.label(&at, part),
            Some(ROW) => check.old_row(&at, part),
            Some(TEXT_DISPLAY) => check.text(&at, part, "content", 1, 4000),
            _ => check.kind(&at, "Value of field \"type\" must be one of (1, 10, 18)."),
        }
    }
    check.done()
}

impl Check {
    fn label(&mut self, at: &str, label: &Value) {
        self.text(at, label, "label", 1, 45);
        self.optional(at, label, "description", 1, 100);
        let (control, inner) = (&label["component"], format!("{at}.component"));
        match control["type"].as_u64() {
            Some(TEXT_INPUT) => {
                self.input(&inner, control);
                if !control["label"].is_null() {
                    let message = "The label stands outside of the component.";
                    self.say(&inner, "COMPONENT_LABEL_FORBIDDEN", message);
                }
            }
            Some(3 | 5..=8) => {
                self.menu(&inner, control, 150);
                self.boolean(&inner, control, "required");
                if control["disabled"] == true {
                    let message = "A menu of a form cannot be disabled.";
                    self.say(&inner, "COMPONENT_DISABLED", message);
                }
            }
            _ => self.kind(&inner, "Value of field \"type\" must be one of (3, 4, 5, 6, 7, 8)."),
        }
    }

    /// A text field as forms had it before labels.
    fn old_row(&mut self, at: &str, row: &Value) {
        let controls = self.list(at, row, "components", 1, 1);
        for control in controls {
            let at = format!("{at}.components.0");
            if control["type"].as_u64() == Some(TEXT_INPUT) {
                self.text(&at, control, "label", 1, 45);
                self.input(&at, control);
            } else {
                self.kind(&at, "Value of field \"type\" must be one of (4,).");
            }
        }
    }

    fn input(&mut self, at: &str, input: &Value) {
        self.custom_id(at, input);
        if !matches!(input["style"].as_u64(), Some(1 | 2)) {
            self.say(&format!("{at}.style"), "BASE_TYPE_CHOICES", "Value must be one of (1, 2).");
        }
        self.number(at, input, "min_length", 0, 4000);
        self.number(at, input, "max_length", 1, 4000);
        self.optional(at, input, "placeholder", 0, 100);
        self.boolean(at, input, "required");
        let most = input["max_length"].as_u64().unwrap_or(4000);
        self.optional(at, input, "value", 0, usize::try_from(most).unwrap_or(4000));
        if input["min_length"].as_u64().is_some_and(|least| least > most) {
            let message = "The minimum is above the maximum.";
            self.say(&format!("{at}.min_length"), "TEXT_INPUT_MIN_ABOVE_MAX", message);
        }
    }
}
