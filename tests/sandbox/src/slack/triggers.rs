//! Trigger ids: what lets the app open a view for the person who just did something. Invariant: each
//! is good for three seconds and one view. Made by the deliveries, exchanged by `views.open` and
//! `views.push`.

use std::collections::VecDeque;
use std::time::Duration;

use super::refusal::Refusal;

/// How long a trigger can be exchanged (docs.slack.dev, "Opening modals").
const LIFE: Duration = Duration::from_secs(3);

/// How many are remembered, spent ones included.
const KEPT: usize = 10_000;

#[derive(Debug)]
struct Trigger {
    id: String,
    user: String,
    born: Duration,
    spent: bool,
}

#[derive(Debug, Default)]
pub(super) struct Triggers {
    kept: VecDeque<Trigger>,
    count: u64,
}

impl Triggers {
    /// A new trigger for what `user` did.
    pub(super) fn make(&mut self, user: &str, now: Duration) -> String {
        self.count += 1;
        let id = format!("{}.{:010}.{:032x}", 1_000_000_000 + self.count, 47_445, self.count);
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        let trigger = Trigger { id: id.clone(), user: user.to_owned(), born: now, spent: false };
        self.kept.push_back(trigger);
        id
    }

    /// The person for whom a view may be opened now; the trigger is spent.
    ///
    /// # Errors
    /// `invalid_trigger_id`, `exchanged_trigger_id`, `expired_trigger_id`.
    pub(super) fn exchange(&mut self, id: &str, now: Duration) -> Result<String, Refusal> {
        let found = self.kept.iter_mut().rev().find(|trigger| trigger.id == id);
        let trigger = found.ok_or_else(|| Refusal::new("invalid_trigger_id"))?;
        if trigger.spent {
            return Err(Refusal::new("exchanged_trigger_id"));
        }
        if now.saturating_sub(trigger.born) > LIFE {
            return Err(Refusal::new("expired_trigger_id"));
        }
        trigger.spent = true;
        Ok(trigger.user.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_opens_one_view_within_three_seconds() {
        let mut triggers = Triggers::default();
        let second = Duration::from_secs(1);
        let (first, late) = (triggers.make("U1", second), triggers.make("U2", second));
        assert_eq!(triggers.exchange(&first, 4 * second).unwrap(), "U1");
        let error = |result: Result<String, Refusal>| result.unwrap_err().error;
        assert_eq!(error(triggers.exchange(&first, 4 * second)), "exchanged_trigger_id");
        assert_eq!(error(triggers.exchange(&late, 5 * second)), "expired_trigger_id");
        assert_eq!(error(triggers.exchange("1.2.3", second)), "invalid_trigger_id");
    }
}
