//! Delivery as a [`Chat`], for callers that know only that trait, `engine/converse.rs` above all.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef, Pace, Platform};
use nova_adapters::message::{Attachment, Mark, Message};

use super::Delivery;

/// Sends through a [`Delivery`] to one [`Chat`]. Made by [`Delivery::through`].
pub struct Through {
    delivery: Delivery,
    chat: Arc<dyn Chat>,
}

impl Through {
    pub(super) fn new(delivery: Delivery, chat: Arc<dyn Chat>) -> Self {
        Self { delivery, chat }
    }
}

impl Chat for Through {
    fn platform(&self) -> Platform {
        self.chat.platform()
    }

    fn pace(&self) -> Pace {
        self.chat.pace()
    }

    /// Delivery makes a key of its own for each post.
    fn post<'a>(
        &'a self,
        to: &'a Conversation,
        message: &'a Message,
        _key: &'a str,
    ) -> BoxFuture<'a, Result<MessageRef, ChatError>> {
        self.delivery.post(&self.chat, to, message.clone()).boxed()
    }

    /// Progress is only wanted, the final state is waited for.
    fn update<'a>(
        &'a self,
        at: &'a MessageRef,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        let wanted = self.delivery.update(&self.chat, at, message.clone());
        match wanted {
            Ok(()) if message.tone != Mark::Working => self.delivery.settled(at).boxed(),
            wanted => ready(wanted).boxed(),
        }
    }

    fn find<'a>(
        &'a self,
        to: &'a Conversation,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, ChatError>> {
        self.chat.find(to, key)
    }

    fn files(&self, message: &Message) -> Vec<Attachment> {
        self.chat.files(message)
    }

    /// For a file that belongs to no message of its own: those of a message go along with it.
    fn attach<'a>(
        &'a self,
        at: &'a MessageRef,
        file: &'a Attachment,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.chat.attach(at, file)
    }
}
