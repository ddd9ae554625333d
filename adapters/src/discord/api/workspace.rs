//! What a server offers beyond messages ([`Workspace`]): people, private words, and the way into
//! `rooms.rs` and `reply.rs`.

use std::future::ready;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::Discord;
use super::ids::{direct, is_id};
use super::reply::EventReply;
use crate::chat::{Chat, ChatError, Conversation, MessageRef};
use crate::event::{Event, Reply};
use crate::form::Form;
use crate::message::Message;
use crate::workspace::{Profile, Workspace};

impl Workspace for Discord {
    fn stop(&self, why: &str) {
        Discord::stop(self, why);
    }

    fn profile<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Arc<Profile>, ChatError>> {
        self.look_up(account).boxed()
    }

    fn reply(&self, event: &Event) -> Arc<dyn Chat> {
        Arc::new(EventReply::new(self.clone(), event))
    }

    fn answer<'a>(
        &'a self,
        to: &'a Conversation,
        account: &'a str,
        reply: &'a Reply,
        message: &'a Message,
        private: bool,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.answer_once((to, account), reply, message, private).boxed()
    }

    /// By direct message: in a channel only an interaction's answer can be private.
    fn whisper<'a>(
        &'a self,
        _to: &'a Conversation,
        account: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        async move {
            if !is_id(account) {
                return Err(ChatError::Gone);
            }
            self.post_message(&direct(account), message, None).await.map(drop)
        }
        .boxed()
    }

    /// Never: on Discord a form is the answer to an event ([`crate::event::Ack::Form`]).
    fn open_form<'a>(
        &'a self,
        _trigger: &'a SecretString,
        _form: &'a Form,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        let why = "Discord opens a form only as the answer to an interaction";
        ready(Err(ChatError::Refused(why.into()))).boxed()
    }

    /// Never: bots have no home page; `/nova home` shows the same.
    fn home<'a>(
        &'a self,
        _account: &'a str,
        _page: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        ready(Err(ChatError::Refused("Discord has no home page for bots".into()))).boxed()
    }

    fn permalink<'a>(&'a self, at: &'a MessageRef) -> BoxFuture<'a, Result<String, ChatError>> {
        ready(self.link(at)).boxed()
    }

    fn create_room<'a>(
        &'a self,
        name: &'a str,
        private: bool,
    ) -> BoxFuture<'a, Result<Conversation, ChatError>> {
        self.make_room(name, private).boxed()
    }

    fn set_topic<'a>(
        &'a self,
        room: &'a Conversation,
        topic: &'a str,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.write_topic(room, topic).boxed()
    }

    fn invite<'a>(
        &'a self,
        room: &'a Conversation,
        accounts: &'a [String],
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.add_people(room, accounts).boxed()
    }

    fn pin<'a>(&'a self, at: &'a MessageRef) -> BoxFuture<'a, Result<(), ChatError>> {
        self.pin_message(at).boxed()
    }

    fn archive<'a>(&'a self, room: &'a Conversation) -> BoxFuture<'a, Result<(), ChatError>> {
        self.close_room(room).boxed()
    }
}
