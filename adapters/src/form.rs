//! A form in neutral words: a modal on Slack and Discord, questions in a terminal.
//!
//! Invariant: plain text, as in a message. What comes back is checked again by whoever asked, whatever
//! the platform promised about lengths and choices.

use serde::Serialize;

/// Questions that are asked together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Form {
    /// Which form: comes back with its submission.
    pub id: String,
    /// Comes back unchanged, up to 3,000 characters. No secret: the person can read it.
    pub argument: String,
    /// Up to 24 characters are shown everywhere.
    pub title: String,
    /// The button's label, up to 24 characters.
    pub submit: String,
    /// A line above the fields.
    pub intro: Option<String>,
    /// Up to 5, which every platform can show.
    pub fields: Vec<Question>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    pub id: String,
    pub label: String,
    pub hint: Option<String>,
    pub required: bool,
    pub kind: QuestionKind,
}

/// What a field takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    Text {
        lines: bool,
        min: u16,
        max: u16,
        initial: String,
    },
    /// One of 1 to 25 choices.
    Choice {
        choices: Vec<Choice>,
        initial: Option<String>,
    },
}

/// One choice of a field or a select.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What comes back.
    pub value: String,
    /// What is shown, up to 75 characters.
    pub label: String,
}
