//! Text from outside and how it becomes safe to show.

mod untrusted;

pub use untrusted::{Sanitiser, Untrusted};
