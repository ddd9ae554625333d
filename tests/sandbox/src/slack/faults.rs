//! Faults that hit the next n calls of a method. Invariant: a counted fault hits exactly that many
//! calls, in the order in which faults were set. Set through the façade, taken by the server before it
//! does anything.

use std::collections::VecDeque;
use std::time::Duration;

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This HTTP status with an empty body, and nothing is done.
    Status(u16),
    /// An error page of HTML with status 200, and nothing is done.
    Html,
    /// It is done, and the answer is JSON cut in the middle.
    Truncated,
    /// 429 with this `Retry-After`, and nothing is done.
    TooMany(Duration),
    /// `{"ok":false,"error":"ratelimited"}` with status 200, and nothing is done.
    RateLimited,
    /// Nothing is done, and no answer comes until [`super::Slack::clear_faults`]; then the connection
    /// is cut.
    Hang,
    /// Nothing is done, and the connection is cut.
    Drop,
    /// It is done, and the connection is cut without an answer.
    LoseReply,
    /// `ok: false` with this error, and nothing is done.
    Error(String),
}

#[derive(Debug)]
struct Planned {
    method: String,
    /// A channel's id; `None` hits every call of the method.
    channel: Option<String>,
    left: u32,
    fault: Fault,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: VecDeque<Planned>,
    /// Counts the times that all were cleared, so that a hanging call hears of it.
    cleared: u64,
}

impl Faults {
    pub(super) fn plan(&mut self, method: &str, channel: Option<String>, calls: u32, fault: Fault) {
        self.planned.push_back(Planned { method: method.to_owned(), channel, left: calls, fault });
    }

    pub(super) fn clear(&mut self) {
        self.planned.clear();
        self.cleared += 1;
    }

    pub(super) fn cleared(&self) -> u64 {
        self.cleared
    }

    /// The fault that this call meets, used up by it.
    pub(super) fn take(&mut self, method: &str, channel: &str) -> Option<Fault> {
        let hits = |planned: &Planned| {
            (planned.method == "*" || planned.method == method)
                && planned.channel.as_deref().is_none_or(|only| only == channel)
        };
        self.planned.retain(|planned| planned.left > 0);
        let found = self.planned.iter_mut().find(|planned| hits(planned))?;
        found.left -= 1;
        Some(found.fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_hit_their_method_and_channel_as_often_as_planned() {
        let mut faults = Faults::default();
        faults.plan("chat.update", Some("C1".to_owned()), 2, Fault::Html);
        faults.plan("*", None, 1, Fault::Drop);
        assert_eq!(faults.take("chat.update", "C1"), Some(Fault::Html));
        assert_eq!(faults.take("chat.update", "C2"), Some(Fault::Drop));
        assert_eq!(faults.take("chat.update", "C2"), None);
        assert_eq!(faults.take("chat.update", "C1"), Some(Fault::Html));
        assert_eq!(faults.take("chat.update", "C1"), None);
    }
}
