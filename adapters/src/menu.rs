//! The command tree in neutral words, for platforms where commands are registered and filled in
//! (Discord) rather than typed as a line.
//!
//! Invariant: only what this build can run stands in it, and whatever comes back is read like a typed
//! line: a platform's own checks are not relied upon.

/// The tree under the bot's one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// The command's own name: `nova`.
    pub name: String,
    pub summary: String,
    /// Each group's word, and what it is about.
    pub groups: Vec<(String, String)>,
    pub items: Vec<Item>,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// One word, or a group's and its own.
    pub words: Vec<String>,
    pub summary: String,
    /// The required ones first.
    pub arguments: Vec<Argument>,
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Lower case, of letters, digits, `-` and `_`; unique in its command.
    pub name: String,
    pub summary: String,
    pub required: bool,
    pub takes: Takes,
    /// `Some("cluster")`: given as `--cluster=VALUE`, or as `--cluster` where it takes nothing.
    /// `None`: a place, filled in the order of the arguments.
    pub option: Option<String>,
    /// Several words, separated by white space.
    pub many: bool,
}

/// What an argument takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takes {
    Text,
    /// Text whose values are suggested while it is typed.
    Live,
    Number {
        min: Option<i64>,
        max: Option<i64>,
    },
    /// One of these.
    Choice(Vec<String>),
    /// Given or not.
    Flag,
}
