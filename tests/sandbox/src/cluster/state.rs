//! Everything one cluster knows, behind one lock, and the signal that it changed. Invariant: the lock
//! is never held across an await, and every change wakes watches, log followers and controllers.
//! Called by the server, the controllers and the façade.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::controllers::events::Written;
use super::extensions::Adapter;
use super::faults::{ApiFaults, DeploymentFault};
use super::image::Images;
use super::logs::Logs;
use super::rbac::User;
use super::store::Store;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    pub(crate) store: Store,
    pub(crate) logs: Logs,
    pub(crate) written: Written,
    pub(crate) users: Vec<User>,
    pub(crate) api: ApiFaults,
    /// Faults by namespace and deployment.
    pub(crate) broken: HashMap<(String, String), DeploymentFault>,
    /// What stands behind a port of a deployment's pods, or of one pod.
    pub(crate) backends: HashMap<(String, u16), String>,
    pub(crate) adapter: Adapter,
    pub(crate) images: Images,
}

impl State {
    /// Grows with every change that somebody may wait for.
    fn revision(&self) -> u64 {
        self.store.version() + self.logs.sequence() + self.api.changes()
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Shared {
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// Runs `work` on the state and wakes everybody who waits if it changed something.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.revision();
        let result = work(&mut state);
        let after = state.revision();
        drop(state);
        if after != before {
            self.changed.send_replace(after);
        }
        result
    }

    /// Hears of every change made after this call.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn shut_down(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns once the cluster is shutting down.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in self, so waiting cannot fail before it succeeds.
        stop.wait_for(|stop| *stop).await.ok();
    }
}
