//! One invocation in one conversation: progress by editing one message, then the answer in its place.

use std::time::Duration;

use nova_adapters::chat::{Chat, ChatError, Conversation, MessageRef};
use nova_adapters::message::{Mark, Message};
use nova_commands::command::Step;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::{Answer, Engine, Invocation};

/// Answers `invocation` in `to`, showing progress at most once every `pace`. `cancel` ends it early.
///
/// # Errors
/// When the answer cannot be shown. It is on the timeline all the same.
pub async fn converse(
    engine: &Engine,
    invocation: &Invocation,
    (chat, to): (&dyn Chat, &Conversation),
    pace: Duration,
    cancel: impl Future<Output = ()>,
) -> Result<Answer, ChatError> {
    let (progress, mut steps) = watch::channel(Step::default());
    let mut answering = std::pin::pin!(engine.answer(invocation, &progress, cancel));
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
        if steps.has_changed().unwrap_or(false) {
            let message = working(&steps.borrow_and_update());
            // Progress that cannot be shown is not worth an error; the answer is.
            match &at {
                None => at = chat.post(to, &message).await.ok(),
                Some(at) => drop(chat.update(at, &message).await),
            }
        }
    };
    match &at {
        Some(at) => chat.update(at, &answer.message).await?,
        None => drop(chat.post(to, &answer.message).await?),
    }
    Ok(answer)
}

fn working(step: &Step) -> Message {
    Message::new(Mark::Working, format!("{} of {} answered", step.done, step.total))
}
