//! nova, a ChatOps bot for the people who run NovaCron: the parts of the process.
//!
//! `main.rs` is the composition root; everything else is here so that the scenarios can run the same
//! code against real servers.

pub mod check;
pub mod cli;
pub mod config;
pub mod console;
pub mod delivery;
#[cfg(feature = "demo")]
pub mod demo;
pub mod engine;
pub mod inbox;
pub mod menu;
pub mod people;
pub mod rooms;
pub mod serve;
pub mod store;
pub mod view;
