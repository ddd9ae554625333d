//! Ends what a process left running when it was killed, so that the timeline says of every command how
//! it ended. Run by the composition root beside what it serves.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::invoke::PATIENCE;
use super::{Engine, run};

/// What runs longer belongs to no process any more: the longest command, and what it waits for its two
/// rows on the timeline, several times over.
const DEAD: Duration = Duration::from_secs(run::LONGEST.as_secs() + 10 * PATIENCE.as_secs());

impl Engine {
    /// Looks at once and then every three minutes, until dropped: what was running a moment before the
    /// start is too young to be told from what another process runs.
    pub async fn end_leftovers(&self) {
        let Ok(store) = &self.store else { return };
        let mut looks = interval(DEAD);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            match store.end_leftovers(DEAD).await {
                Ok(0) => {}
                Ok(count) => tracing::warn!(count, "commands ended with the process that ran them"),
                Err(error) => tracing::error!(%error, "what was left running cannot be ended"),
            }
        }
    }
}
