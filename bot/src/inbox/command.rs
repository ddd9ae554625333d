//! A command line, typed or behind a button.

use std::sync::Arc;
use std::time::Duration;

use nova_adapters::chat::{Chat, Conversation};
use nova_adapters::event::{Ack, Deed, Event};
use nova_adapters::message::Mark;
use nova_commands::command::Step;
use tokio::sync::watch;

use super::deeds::direct;
use super::{ChatInbox, privately};
use crate::engine::{Invocation, Line, Outlet, Running, Taken, show};

/// Progress is drawn at most this often; the platform's own pace comes on top.
const PACE: Duration = Duration::from_secs(1);

pub(super) const BUSY: &str = "nova is busy with other commands; please try again";

impl ChatInbox {
    /// Answers at once what can be, and everything else as a message that a task of its own posts.
    pub(super) async fn command(&self, event: Event, line: Line) -> Ack {
        let speaker = match self.served(&event, &line.text()).await {
            Ok(speaker) => speaker,
            Err(told) => return privately(Mark::Fail, told),
        };
        if let Some(question) = self.engine.asks(&speaker, &line) {
            return self.ask(&event, question);
        }
        let to = direct(&event);
        let invocation =
            Invocation { speaker, conversation: to.id.clone(), line, dedupe: event.id.clone() };
        match self.engine.take(&invocation).await {
            Taken::Answered(answer) => {
                self.follow_up(&answer, &event);
                Ack::Say { message: Box::new(answer.message), private: answer.incident.is_none() }
            }
            Taken::Duplicate => Ack::Repeated,
            Taken::Running(running) => {
                // Only what runs needs room: an acknowledgement never waits for slow diagnostics.
                let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
                    let answer = self.engine.decline(running, BUSY).await;
                    return Ack::Say { message: Box::new(answer.message), private: true };
                };
                let chat = self.workspace.reply(&event);
                let carrying = self.carry_out(running, chat, to);
                self.tasks.spawn(async move {
                    carrying.await;
                    drop(room);
                });
                match event.deed {
                    Deed::Command { .. } | Deed::Chosen { .. } => Ack::Public,
                    _ => Ack::Received,
                }
            }
        }
    }

    /// Runs it and shows its progress and its answer.
    fn carry_out(
        &self,
        running: Running,
        chat: Arc<dyn Chat>,
        to: Conversation,
    ) -> impl Future<Output = ()> + 'static {
        let engine = Arc::clone(&self.engine);
        let delivery = self.delivery.clone();
        let cancelled = self.tasks.cancelled();
        async move {
            let (progress, steps) = watch::channel(Step::default());
            let answering = engine.carry_out(running, &progress, cancelled);
            let chat = delivery.through(chat);
            let outlet = Outlet { chat: &chat, to: &to, pace: PACE };
            if let Err(error) = show(answering, steps, outlet).await {
                tracing::error!(%error, conversation = to.id, "an answer could not be shown");
            }
        }
    }
}
