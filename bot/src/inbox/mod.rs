//! Takes what people do on a chat platform: finds out who they are, answers at once what can be, and
//! leaves the rest to a task that posts.
//!
//! Invariant: whatever arrives is answered within the platform's deadline, is recorded once however
//! often it is delivered, and no task outlives [`ChatInbox::close`].

mod command;
mod complete;
mod deeds;
mod forms;
mod homes;
mod secrets;
mod tasks;
#[cfg(test)]
mod tests;
mod who;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nova_adapters::chat::{Chat, ChatError, Conversation, Platform};
use nova_adapters::event::{Ack, Aside, Deed, Event, Inbox, Origin, Press};
use nova_adapters::message::{Mark, Message};
use nova_adapters::workspace::Workspace;
use nova_commands::grammar::Dialect;
use tokio::sync::Semaphore;

use crate::delivery::Delivery;
use crate::engine::{Answer, Engine, Line};
use crate::people::People;
use crate::rooms::Rooms;
use deeds::direct;
use homes::Homes;
use tasks::Tasks;

/// So many commands run at once; the next one that has to run is told to come again.
const AT_ONCE: usize = 64;

/// What stands in the channel when an answer for one person is too long for it.
const DIRECT: &str = "that answer is long: it is in your direct messages with nova";

/// One platform's inbox.
pub struct ChatInbox {
    engine: Arc<Engine>,
    workspace: Arc<dyn Workspace>,
    delivery: Delivery,
    dialect: Dialect,
    people: RwLock<Arc<People>>,
    rooms: Arc<Rooms>,
    room: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
    homes: Mutex<Homes>,
    tasks: Tasks,
}

impl ChatInbox {
    /// An inbox for what comes from `workspace`, which `rooms` is connected to.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        workspace: Arc<dyn Workspace>,
        delivery: Delivery,
        people: Arc<People>,
        rooms: Arc<Rooms>,
    ) -> Self {
        let dialect = match workspace.platform() {
            Platform::Slack => Dialect::Slack,
            Platform::Console | Platform::Web | Platform::Discord => Dialect::Plain,
        };
        Self {
            engine,
            workspace,
            delivery,
            dialect,
            people: RwLock::new(people),
            rooms,
            room: Arc::new(Semaphore::new(AT_ONCE)),
            lookups: Arc::new(Semaphore::new(who::LOOKUPS)),
            homes: Mutex::default(),
            tasks: Tasks::default(),
        }
    }

    /// From now on these persons and roles hold.
    pub fn replace_people(&self, people: Arc<People>) {
        *self.people.write().unwrap_or_else(PoisonError::into_inner) = people;
    }

    /// What follows from an answer that changed an incident.
    fn follow_up(&self, answer: &Answer, event: &Event) {
        if let Some(change) = answer.incident {
            self.rooms.changed(change, event.actor.account.clone(), direct(event));
        }
    }

    /// Ends what runs: what is not done `within` this time is cancelled and recorded as such, and
    /// dropped four seconds later.
    pub async fn close(&self, within: Duration) {
        self.tasks.close(within).await;
    }
}

impl Inbox for ChatInbox {
    fn take(&self, event: Event) -> BoxFuture<'_, Ack> {
        match event.deed {
            Deed::Command { ref line } | Deed::Press { action: Press::Run { ref line }, .. } => {
                let line = Line::typed(line, self.dialect);
                self.command(event, line).boxed()
            }
            Deed::Chosen { ref words } => {
                let line = Line::Chosen(words.clone());
                self.command(event, line).boxed()
            }
            _ => self.deed(event).boxed(),
        }
    }
}

impl Aside for ChatInbox {
    fn say(&self, to: Origin, message: Message, private: bool) -> BoxFuture<'static, ()> {
        aside(Arc::clone(&self.workspace), self.delivery.clone(), to, message, private).boxed()
    }
}

/// Says something beside an answer, to the person alone or in the place.
async fn aside(
    workspace: Arc<dyn Workspace>,
    delivery: Delivery,
    to: Origin,
    message: Message,
    private: bool,
) {
    let account = &to.account.id;
    let direct = Conversation { platform: to.account.platform, id: account.clone() };
    let place = to.place.as_ref().unwrap_or(&direct);
    let mut message = message;
    // Files go to no one alone in a channel: a long answer is a direct message.
    if private && !workspace.files(&message).is_empty() {
        let chat = Arc::clone(&workspace) as Arc<dyn Chat>;
        match delivery.post(&chat, &direct, message.clone()).await {
            Ok(_) => message = Message::new(Mark::Info, DIRECT),
            Err(error) => tracing::warn!(%error, account, "no direct message"),
        }
    }
    let answer = || workspace.answer(place, account, &to.reply, &message, private);
    let said = match delivery.persist(answer).await {
        Err(ChatError::Gone) => {
            delivery.persist(|| workspace.whisper(&direct, account, &message)).await
        }
        said => said,
    };
    if let Err(error) = said {
        tracing::warn!(%error, account, "somebody could not be told something");
    }
}

/// To the person alone.
fn privately(mark: Mark, text: impl Into<String>) -> Ack {
    Ack::Say { message: Box::new(Message::new(mark, text)), private: true }
}
