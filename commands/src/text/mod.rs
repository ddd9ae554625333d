//! Text from outside and how it becomes safe to show.

pub mod human;
mod untrusted;

pub use untrusted::{Sanitiser, Untrusted};
