//! The incidents' rooms, on every platform that is connected: each open incident has a channel with its
//! card on each of them, whichever platform it was declared on. Called by the inboxes after a change,
//! and at the start.
//!
//! Invariant: a room is a projection of the incident's state and a convenience. A change only marks its
//! incident; workers (`venue.rs`) bring what stands there to the state that the store has by then, on
//! each platform for itself. When a platform does not give a room, the incident is there all the same.

mod marks;
#[cfg(test)]
pub(crate) mod tests;
mod venue;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use nova_adapters::chat::{Account, Conversation, Platform};
use nova_adapters::workspace::Workspace;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::delivery::Delivery;
use crate::engine::{Change, Changed, Engine, IncidentError};
use crate::people::People;
use crate::store::IncidentNumber;

use marks::Wanted;
use venue::Venue;

/// The rooms of all platforms. One for the process.
pub struct Rooms {
    engine: Arc<Engine>,
    delivery: Delivery,
    people: RwLock<Arc<People>>,
    venues: RwLock<Vec<Arc<Venue>>>,
    /// Counts the changes of any incident.
    changes: watch::Sender<u64>,
    workers: TaskTracker,
    stop: CancellationToken,
}

impl Rooms {
    /// Without a platform yet. `people` tells who is invited.
    #[must_use]
    pub fn new(engine: Arc<Engine>, delivery: Delivery, people: Arc<People>) -> Arc<Self> {
        Arc::new(Self {
            engine,
            delivery,
            people: RwLock::new(people),
            venues: RwLock::default(),
            changes: watch::Sender::default(),
            workers: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// From now on incidents have rooms there, too; with `archive` they are archived when the incident
    /// is resolved. One workspace a platform.
    pub fn connect(&self, workspace: Arc<dyn Workspace>, archive: bool) {
        let venue = Arc::new(Venue::new(workspace, archive));
        self.venues.write().unwrap_or_else(PoisonError::into_inner).push(venue);
    }

    /// From now on these persons are invited.
    pub fn replace_people(&self, people: Arc<People>) {
        *self.people.write().unwrap_or_else(PoisonError::into_inner) = people;
    }

    /// An incident was changed by `by`, in `place`. Returns at once.
    pub fn changed(self: &Arc<Self>, change: Changed, by: Account, place: Conversation) {
        let declared = (change.what == Change::Declared).then_some((by, place));
        let resolved = change.what == Change::Resolved;
        self.mark(change.number, &Wanted { declared, resolved, changed: true }, |_| true);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Sees to the rooms of everything that is open: a crash may have come between an incident and its
    /// channel, or between a change and its card. Called once at the start, when all platforms are
    /// connected; returns when all is marked.
    ///
    /// # Errors
    /// When the open incidents cannot be read.
    pub async fn catch_up(self: &Arc<Self>) -> Result<(), IncidentError> {
        for incident in self.engine.open_incidents().await? {
            self.mark(incident.number, &Wanted::default(), |_| true);
        }
        Ok(())
    }

    /// Whether that nova is not in `room` any more is as it should be: its incident is over, and such
    /// rooms are archived.
    pub async fn is_archived(&self, room: &Conversation) -> bool {
        let archives = |venue: &Arc<Venue>| venue.platform() == room.platform && venue.archives();
        self.venues().iter().any(archives) && self.engine.room_is_over(room).await.unwrap_or(false)
    }

    /// Changes whenever an incident does.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Waits for what is being done, and ends it `within` this time. What is left is done at the next
    /// start.
    pub async fn close(&self, within: Duration) {
        self.workers.close();
        if timeout(within, self.workers.wait()).await.is_err() {
            self.stop.cancel();
            self.workers.wait().await;
        }
    }

    /// Marks an incident on the platforms that are `meant`.
    fn mark(
        self: &Arc<Self>,
        number: IncidentNumber,
        wanted: &Wanted,
        meant: impl Fn(Platform) -> bool,
    ) {
        for venue in self.venues().iter().filter(|venue| meant(venue.platform())) {
            let Some(next) = venue.mark(number, wanted.clone()) else { continue };
            let (rooms, venue) = (Arc::clone(self), Arc::clone(venue));
            let stop = self.stop.clone();
            self.workers.spawn(async move {
                let work = Box::pin(venue.work(&rooms, next));
                stop.run_until_cancelled(work).await;
            });
        }
    }

    fn venues(&self) -> Vec<Arc<Venue>> {
        self.venues.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn people(&self) -> Arc<People> {
        Arc::clone(&self.people.read().unwrap_or_else(PoisonError::into_inner))
    }
}
