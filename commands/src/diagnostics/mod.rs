//! The diagnostics, one file or folder each; `build.rs` finds them.

use crate::command::Command;

include!(concat!(env!("OUT_DIR"), "/diagnostics.rs"));
