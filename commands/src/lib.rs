//! What nova can do: the command grammar, the diagnostics and the clients of the platform they ask.
//!
//! This crate knows no chat and no store. It turns a command line into a [`report::Report`]; who may
//! ask, where the answer goes and what is remembered of it is decided by the `nova` crate.

pub mod catalogue;
pub mod command;
mod diagnostics;
pub mod grammar;
pub mod incident;
mod planned;
pub mod platform;
pub mod report;
pub mod text;
