//! The diagnostics, one file each, grouped in folders as their words are; `build.rs` finds them.

use crate::command::Command;

include!(concat!(env!("OUT_DIR"), "/diagnostics.rs"));
