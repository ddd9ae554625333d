//! Buttons by number: what a terminal has in place of pressing. Kept by whoever reads the lines.
//!
//! Invariant: a number means the button that the last message showed under it, never an older one.

use crate::message::{Button, Message};

/// The buttons on offer.
#[derive(Clone, Debug, Default)]
pub struct Buttons(Vec<Button>);

/// What a typed line says about the buttons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pick<'a> {
    /// It is not a number: a command.
    Command,
    /// Press this one.
    Press(&'a Button),
    /// Press this one if the answer to the question is yes.
    Ask { button: &'a Button, question: &'a str },
    /// A number that no button has; so many are on offer.
    Missing { offered: usize },
}

impl Buttons {
    /// Offers the buttons of `message` from now on, and no others.
    pub fn remember(&mut self, message: &Message) {
        self.0 = message.choices().collect();
    }

    /// The button whose number is `line`, counted from 1.
    #[must_use]
    pub fn resolve(&self, line: &str) -> Option<&Button> {
        number(line).and_then(|n| self.0.get(n.checked_sub(1)?))
    }

    /// What to do with `line`.
    #[must_use]
    pub fn pick(&self, line: &str) -> Pick<'_> {
        match (self.resolve(line), number(line)) {
            (Some(button), _) => button
                .confirm
                .as_deref()
                .map_or(Pick::Press(button), |question| Pick::Ask { button, question }),
            (None, Some(_)) => Pick::Missing { offered: self.0.len() },
            (None, None) => Pick::Command,
        }
    }
}

/// Digits only, at most three: no command is a bare number, and no message has a thousand buttons.
fn number(line: &str) -> Option<usize> {
    let line = line.trim();
    let digits = (1..=3).contains(&line.len()) && line.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| line.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Mark;

    #[test]
    fn numbers_mean_the_last_message() {
        let mut buttons = Buttons::default();
        assert_eq!(buttons.pick("1"), Pick::Missing { offered: 0 });
        let look = Button::run("look", "health vm-service");
        let restart = Button::run("restart", "restart vm-service").confirm("Restart vm-service?");
        let message = Message::new(Mark::Fail, "x").button(look.clone()).button(restart.clone());
        buttons.remember(&message);
        assert_eq!(buttons.pick(" 1 "), Pick::Press(&look));
        assert_eq!(
            buttons.pick("2"),
            Pick::Ask { button: &restart, question: "Restart vm-service?" }
        );
        assert_eq!(buttons.resolve("2"), Some(&restart));
        for line in ["0", "3", "999"] {
            assert_eq!(buttons.pick(line), Pick::Missing { offered: 2 }, "{line}");
        }
        for line in ["", "health", "1 2", "+1", "-1", "1.0", "１", "99999999999999999999999"] {
            assert_eq!(buttons.pick(line), Pick::Command, "{line}");
        }
        buttons.remember(&Message::new(Mark::Ok, "y"));
        assert_eq!(buttons.pick("2"), Pick::Missing { offered: 0 });
    }
}
