//! Text from outside and how it becomes safe to show.

pub mod human;
pub(crate) mod units;
mod untrusted;

pub use untrusted::{Sanitiser, Untrusted};
