//! Updates that failed while nobody waited for them, kept for whoever asks later. `lanes.rs` keeps
//! one for all lanes, since a lane may have ended by then.
//!
//! Invariant: at most [`KEPT`]; of a message for which a new state is wanted there is none.

use std::collections::VecDeque;

use nova_adapters::chat::{ChatError, MessageRef};

/// The oldest failure goes when there are more.
pub(super) const KEPT: usize = 256;

/// The failures, the oldest first.
#[derive(Default)]
pub(super) struct Failures(VecDeque<(MessageRef, ChatError)>);

impl Failures {
    pub(super) fn keep(&mut self, at: MessageRef, error: ChatError) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back((at, error));
    }

    /// Tells it, once.
    pub(super) fn take(&mut self, at: &MessageRef) -> Option<ChatError> {
        let index = self.0.iter().position(|(failed, _)| failed == at)?;
        self.0.remove(index).map(|(_, error)| error)
    }
}
