//! Faults that can be switched on and off while the cluster runs. Invariant: counted faults hit
//! exactly the next n requests of their kind. Set through the façade, asked by the server.

use std::time::Duration;

/// A fault of the API as a whole, of one node, or the end of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Every token is expired: 401.
    Refuse(bool),
    /// The next n requests get 500.
    Error500(u32),
    /// The next n writes get 409.
    Conflict(u32),
    /// Every answer is late by this much; None ends it.
    Slow(Option<Duration>),
    /// No answer until switched off.
    Hang(bool),
    /// The next n writes are applied and their connection is cut without a reply.
    LoseReply(u32),
    /// The next n answers are JSON cut in the middle.
    Malformed(u32),
    /// Whether metrics.k8s.io answers; false gives 503.
    MetricsApi(bool),
    /// Whether metrics.k8s.io is registered at all; false gives 404.
    MetricsInstalled(bool),
    /// Whether the metrics adapter answers; false gives 503.
    Adapter(bool),
    /// Whether a node is Ready.
    NodeReady { node: String, ready: bool },
    /// Whether a node is under memory pressure.
    NodeMemoryPressure { node: String, pressure: bool },
    /// The history of changes is compacted: older watches and continue tokens expire with 410.
    Compact,
    /// Ends every fault of the API (nodes and deployments stay as they are).
    Clear,
}

/// What is wrong with the pods of one deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentFault {
    /// Pods run and are not ready.
    Unready,
    /// Containers end with code 1 again and again; restartCount grows by one each step.
    CrashLoop,
}

/// The faults of the API that are on.
#[derive(Debug)]
pub(crate) struct ApiFaults {
    pub(crate) refuse: bool,
    pub(crate) slow: Option<Duration>,
    pub(crate) hang: bool,
    pub(crate) metrics: bool,
    error_500: u32,
    conflict: u32,
    lose_reply: u32,
    malformed: u32,
    changes: u64,
}

/// The faults that hit one request.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) error_500: bool,
    pub(crate) conflict: bool,
    pub(crate) lose_reply: bool,
    pub(crate) malformed: bool,
}

impl ApiFaults {
    pub(crate) fn none() -> Self {
        ApiFaults {
            refuse: false,
            slow: None,
            hang: false,
            metrics: true,
            error_500: 0,
            conflict: 0,
            lose_reply: 0,
            malformed: 0,
            changes: 0,
        }
    }

    /// Counts the settings made, so that a hanging request hears that it may go on.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Sets a fault of the API; faults of nodes and the history are the caller's.
    pub(crate) fn set(&mut self, fault: &Fault) {
        let changes = self.changes + 1;
        match fault {
            Fault::Refuse(on) => self.refuse = *on,
            Fault::Error500(n) => self.error_500 = *n,
            Fault::Conflict(n) => self.conflict = *n,
            Fault::Slow(delay) => self.slow = *delay,
            Fault::Hang(on) => self.hang = *on,
            Fault::LoseReply(n) => self.lose_reply = *n,
            Fault::Malformed(n) => self.malformed = *n,
            Fault::MetricsApi(on) => self.metrics = *on,
            Fault::Clear => *self = Self::none(),
            Fault::MetricsInstalled(_)
            | Fault::Adapter(_)
            | Fault::NodeReady { .. }
            | Fault::NodeMemoryPressure { .. }
            | Fault::Compact => {}
        }
        self.changes = changes;
    }

    /// Takes the counted faults that this request meets; the first one that applies wins.
    pub(crate) fn hit(&mut self, write: bool) -> Hit {
        let mut hit = Hit::default();
        if take(&mut self.error_500) {
            hit.error_500 = true;
        } else if write && take(&mut self.conflict) {
            hit.conflict = true;
        } else if write && take(&mut self.lose_reply) {
            hit.lose_reply = true;
        } else if take(&mut self.malformed) {
            hit.malformed = true;
        }
        hit
    }
}

fn take(counter: &mut u32) -> bool {
    let some = *counter > 0;
    *counter = counter.saturating_sub(1);
    some
}
