//! From state to message. Everything that leaves the process is drawn here, and every word of it
//! that came from outside passes the sanitiser here.

pub mod catalogue;
mod chart;
mod help;
mod home;
pub(crate) mod incident;
pub mod json;
mod report;

pub use help::message as help;
pub use home::home;
pub use incident::IncidentView;
pub use report::{Context, age, message as report, verdict};

/// Longest texts of each place, in characters.
pub(crate) mod limits {
    pub(crate) const HEADLINE: usize = 300;
    pub(crate) const SUBJECT: usize = 80;
    pub(crate) const TEXT: usize = 300;
    pub(crate) const CELL: usize = 80;
    /// Of a log or a configuration.
    pub(crate) const LINE: usize = 2_000;
}
