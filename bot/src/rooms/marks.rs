//! Which incidents' rooms are to be looked after on one platform, and which are being so now.
//!
//! Invariant: what is wanted of one incident is one mark, whatever came before it was picked up; an
//! incident is in the hands of one worker at most; marks and workers are bounded.

use std::collections::{BTreeMap, BTreeSet};

use nova_adapters::chat::{Account, Conversation};

use crate::store::IncidentNumber;

/// So many incidents are looked after at once on one platform.
pub(super) const WORKERS: usize = 4;
/// So many wait at most. A mark that finds no room is lost; the next change sets it again.
const WAITING: usize = 1_000;

/// What is wanted beyond a room and a card that show the present state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Who declared it just now, and where to tell them when they get no room.
    pub(super) declared: Option<(Account, Conversation)>,
    /// It was resolved just now: its room is closed.
    pub(super) resolved: bool,
    /// Something was done to it, so that a card that is gone is worth a new one.
    pub(super) changed: bool,
}

/// The marks of one platform.
#[derive(Debug, Default)]
pub(super) struct Marks {
    waiting: BTreeMap<IncidentNumber, Wanted>,
    busy: BTreeSet<IncidentNumber>,
}

impl Marks {
    /// Sets a mark, or adds to the one that is there. `false`: too many wait.
    pub(super) fn set(&mut self, number: IncidentNumber, wanted: Wanted) -> bool {
        if self.waiting.len() >= WAITING && !self.waiting.contains_key(&number) {
            return false;
        }
        let mark = self.waiting.entry(number).or_default();
        mark.declared = wanted.declared.or(mark.declared.take());
        mark.resolved |= wanted.resolved;
        mark.changed |= wanted.changed;
        true
    }

    /// Hands one to a new worker, if there may be one more and there is something for it.
    pub(super) fn pick(&mut self) -> Option<(IncidentNumber, Wanted)> {
        if self.busy.len() >= WORKERS {
            return None;
        }
        let number = *self.waiting.keys().find(|number| !self.busy.contains(number))?;
        let wanted = self.waiting.remove(&number)?;
        self.busy.insert(number);
        Some((number, wanted))
    }

    /// Takes one back from a worker, who may pick another.
    pub(super) fn done(&mut self, number: IncidentNumber) {
        self.busy.remove(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: usize) -> IncidentNumber {
        number.to_string().parse().unwrap()
    }

    #[test]
    fn many_changes_of_one_incident_are_one_mark_that_forgets_nothing() {
        let mut marks = Marks::default();
        let resolved = Wanted { resolved: true, ..Wanted::default() };
        let changed = Wanted { changed: true, ..Wanted::default() };
        for wanted in [resolved, changed, Wanted::default()] {
            assert!(marks.set(number(1), wanted));
        }
        let both = Wanted { declared: None, resolved: true, changed: true };
        assert_eq!(marks.pick(), Some((number(1), both)));
        assert_eq!(marks.pick(), None);
        // What comes meanwhile waits for the worker who has it.
        marks.set(number(1), Wanted::default());
        assert_eq!(marks.pick(), None);
        marks.done(number(1));
        assert_eq!(marks.pick(), Some((number(1), Wanted::default())));
    }

    #[test]
    fn marks_and_workers_are_bounded() {
        let mut marks = Marks::default();
        for one in 1..=WAITING {
            assert!(marks.set(number(one), Wanted::default()));
        }
        assert!(!marks.set(number(WAITING + 1), Wanted::default()));
        assert!(marks.set(number(1), Wanted::default()), "there is a mark already");
        let picked: Vec<_> = std::iter::from_fn(|| marks.pick()).collect();
        assert_eq!(picked.len(), WORKERS);
        marks.done(number(2));
        assert_eq!(marks.pick(), Some((number(WORKERS + 1), Wanted::default())));
    }
}
