//! One invocation in one conversation: progress by editing one message, then the answer in its place.

use std::time::Duration;

use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef};
use nova_adapters::message::{Mark, Message};
use nova_commands::command::Step;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::{Answer, Engine, Invocation};

/// Delivery gives each post a key of its own, and a terminal has no use for one.
const NO_KEY: &str = "";

/// Where an answer is shown, and how often its progress at most.
#[derive(Clone, Copy)]
pub struct Outlet<'a> {
    pub chat: &'a dyn Chat,
    pub to: &'a Conversation,
    pub pace: Duration,
}

/// Answers `invocation`, showing progress. `cancel` ends it early.
///
/// # Errors
/// When the answer cannot be shown. It is on the timeline all the same.
pub async fn converse(
    engine: &Engine,
    invocation: &Invocation,
    outlet: Outlet<'_>,
    cancel: impl Future<Output = ()>,
) -> Result<Answer, ChatError> {
    let (progress, steps) = watch::channel(Step::default());
    let answering = engine.answer(invocation, &progress, cancel);
    show(answering, steps, outlet).await
}

/// Shows the progress of `answering` and then its answer.
///
/// # Errors
/// When the answer cannot be shown.
pub async fn show(
    answering: impl Future<Output = Answer>,
    mut steps: watch::Receiver<Step>,
    outlet: Outlet<'_>,
) -> Result<Answer, ChatError> {
    let Outlet { chat, to, pace } = outlet;
    let mut answering = std::pin::pin!(answering);
    let mut ticks = interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once; most answers come before the second.
    ticks.tick().await;
    let mut at: Option<MessageRef> = None;
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut answering => break answer,
            _ = ticks.tick() => {}
        }
        if !steps.has_changed().unwrap_or(false) {
            continue;
        }
        let message = working(&steps.borrow_and_update());
        // Progress that cannot be shown is not worth an error; the answer is. What runs is a task of
        // its own and goes on while the platform takes its time.
        match &at {
            None => at = chat.post(to, &message, NO_KEY).await.ok(),
            Some(at) => drop(chat.update(at, &message).await),
        }
    };
    match &at {
        Some(at) => chat.update(at, &answer.message).await?,
        None => drop(chat.post(to, &answer.message, NO_KEY).await?),
    }
    Ok(answer)
}

fn working(step: &Step) -> Message {
    Message::new(Mark::Working, format!("{} of {} answered", step.done, step.total))
}
