//! What a workspace offers beyond messages ([`Workspace`]): people, forms, the home page, and the way
//! into `rooms.rs` and `reply.rs`.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use secrecy::{ExposeSecret, SecretString};
use slack_morphism::prelude::{
    SlackApiChatPostEphemeralRequest, SlackApiViewsOpenRequest, SlackApiViewsPublishRequest,
};

use super::Slack;
use super::call::Done;
use super::error::{CallError, Repeat};
use super::ids::{Place, is_id};
use super::messages::content;
use super::reply::EventReply;
use crate::chat::{Chat, ChatError, Conversation, MessageRef};
use crate::event::{Event, Reply};
use crate::form::Form;
use crate::message::Message;
use crate::slack::render;
use crate::workspace::{Profile, Workspace};

impl Workspace for Slack {
    fn stop(&self, why: &str) {
        Slack::stop(self, why);
    }

    fn profile<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Arc<Profile>, ChatError>> {
        match self.known(account) {
            Some(profile) => ready(Ok(profile)).boxed(),
            None => self.look_up(account).boxed(),
        }
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

    fn whisper<'a>(
        &'a self,
        to: &'a Conversation,
        account: &'a str,
        message: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.post_privately(to, account, message).boxed()
    }

    fn open_form<'a>(
        &'a self,
        trigger: &'a SecretString,
        form: &'a Form,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.open_view(trigger, form).boxed()
    }

    fn home<'a>(
        &'a self,
        account: &'a str,
        page: &'a Message,
    ) -> BoxFuture<'a, Result<(), ChatError>> {
        self.publish_home(account, page).boxed()
    }

    fn permalink<'a>(&'a self, at: &'a MessageRef) -> BoxFuture<'a, Result<String, ChatError>> {
        self.link(at).boxed()
    }

    fn create_room<'a>(
        &'a self,
        name: &'a str,
        private: bool,
    ) -> BoxFuture<'a, Result<Conversation, ChatError>> {
        self.make_channel(name, private).boxed()
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
        self.close_channel(room).boxed()
    }
}

impl Slack {
    pub(super) async fn post_privately(
        &self,
        to: &Conversation,
        account: &str,
        message: &Message,
    ) -> Result<(), ChatError> {
        let place = Place::of(to)?;
        if !is_id(account) {
            return Err(ChatError::Gone);
        }
        let content = content(render::message(message));
        let request =
            SlackApiChatPostEphemeralRequest::new(place.channel.into(), account.into(), content)
                .opt_thread_ts(place.thread.map(Into::into))
                .with_parse("none".into())
                .with_link_names(false);
        let done = self.write("chat.postEphemeral", &request).await;
        finished(done, Repeat::Unsafe)
    }

    async fn open_view(&self, trigger: &SecretString, form: &Form) -> Result<(), ChatError> {
        let trigger = trigger.expose_secret().into();
        let request = SlackApiViewsOpenRequest::new(trigger, render::form(form));
        // Not in doubt: a trigger opens one form, and its second use is refused.
        finished(self.write("views.open", &request).await, Repeat::Safe)
    }

    async fn publish_home(&self, account: &str, page: &Message) -> Result<(), ChatError> {
        if !is_id(account) {
            return Err(ChatError::Gone);
        }
        let request = SlackApiViewsPublishRequest::new(account.into(), render::home(page));
        finished(self.write("views.publish", &request).await, Repeat::Safe)
    }
}

fn finished(result: Result<Done, CallError>, repeat: Repeat) -> Result<(), ChatError> {
    result.map(|Done {}| ()).map_err(|error| error.into_chat(repeat))
}
