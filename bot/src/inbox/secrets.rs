//! Commands that need a secret: it is asked for by a form, which only one person sees.
//!
//! Invariant: a secret goes from the form into the command and nowhere else; the line that is recorded has
//! the command's name only, and the answer goes to the person alone.

use std::sync::Arc;

use nova_adapters::chat::Platform;
use nova_adapters::event::{Ack, Event, Origin, Submission};
use nova_adapters::message::{Button, Mark, Message};
use nova_commands::command::Step;
use tokio::sync::watch;

use super::command::BUSY;
use super::deeds::{SENT_BEFORE, direct};
use super::{ChatInbox, aside, forms};
use crate::engine::{Invocation, Line, Question, Taken};

impl ChatInbox {
    /// Opens the form, or offers it where an event cannot open one: in a message, Slack gives no trigger.
    pub(super) fn ask(&self, event: &Event, question: Question) -> Ack {
        if event.reply.trigger.is_some() || self.workspace.platform() == Platform::Discord {
            return self.open(event, forms::secret(question));
        }
        let text = format!("{}: this is asked for in private", question.text);
        let button = Button::form("Enter it", forms::SECRET, question.command, question.command);
        let message = Message::new(Mark::Info, text).button(button);
        Ack::Say { message: Box::new(message), private: true }
    }

    /// The form came back: the command runs, and its answer goes to the person alone.
    pub(super) async fn entrusted(&self, event: &Event, sent: &Submission) -> Ack {
        let wrong = |text: String| Ack::Wrong([(forms::SECRET_FIELD.to_owned(), text)].into());
        let Some(question) = self.engine.question(&sent.argument) else {
            return wrong("nova does not know this form any more; please start again".to_owned());
        };
        let secret = match forms::sent_secret(sent) {
            Ok(secret) => secret,
            Err(text) => return wrong(text),
        };
        let speaker = match self.served(event, question.command).await {
            Ok(speaker) => speaker,
            Err(told) => return wrong(told),
        };
        let to = direct(event);
        let invocation = Invocation {
            speaker,
            conversation: to.id.clone(),
            line: Line::Private { command: question.command, secret },
            dedupe: event.id.clone(),
        };
        let running = match self.engine.take(&invocation).await {
            Taken::Answered(answer) => return wrong(answer.message.headline),
            Taken::Duplicate => return wrong(SENT_BEFORE.to_owned()),
            Taken::Running(running) => running,
        };
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return wrong(self.engine.decline(running, BUSY).await.message.headline);
        };
        let engine = Arc::clone(&self.engine);
        let (workspace, delivery) = (Arc::clone(&self.workspace), self.delivery.clone());
        let (cancelled, origin) = (self.tasks.cancelled(), Origin::of(event));
        let chat = self.workspace.reply(event);
        self.tasks.spawn(async move {
            let (progress, _) = watch::channel(Step::default());
            let message = engine.carry_out(running, &progress, cancelled).await.message;
            // Without a place it is a direct message, which nobody else sees anyway.
            if origin.place.is_some() {
                aside(workspace, delivery, origin, message, true).await;
            } else if let Err(error) = delivery.post(&chat, &to, message).await {
                tracing::error!(%error, conversation = to.id, "an answer could not be shown");
            }
            drop(room);
        });
        Ack::Received
    }
}
