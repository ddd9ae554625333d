//! How people reach nova: the neutral [`Message`], the [`Chat`] that carries it to a platform, and
//! the platforms themselves. Knows no commands, no incident and no store: the `bot` crate builds the
//! messages and acts on what people type.
//!
//! Invariant: a message is plain text. Every platform escapes all of it, so that no text from outside
//! becomes a mention, a link, a button or a terminal command.

pub mod chat;
pub mod console;
pub mod message;

pub use chat::{Account, Chat, ChatError, Conversation, MessageRef, Platform};
pub use message::Message;
