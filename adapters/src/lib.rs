//! How people reach nova: the neutral [`Message`], the [`Chat`] that carries it to a platform, and
//! the platforms themselves. Knows no commands, no incident and no store: the `bot` crate builds the
//! messages and acts on what people type.
//!
//! Invariant: a message is plain text. Every platform escapes all of it, so that no text from outside
//! becomes a mention, a link, a button or a terminal command.

mod backoff;
pub mod chat;
pub mod console;
mod details;
pub mod discord;
pub mod event;
pub mod form;
pub mod health;
#[cfg(test)]
mod hostile;
mod http;
pub mod intake;
pub mod menu;
pub mod message;
mod narrow;
mod reach;
mod rest;
pub mod signature;
pub mod slack;
mod text;
pub mod workspace;

pub use chat::{Account, Chat, ChatError, Conversation, MessageRef, Pace, Platform};
pub use message::Message;
pub use rest::address::check as check_api_url;
