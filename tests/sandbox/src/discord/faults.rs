//! Faults that hit the next n calls of a route. Invariant: a counted fault hits exactly that many calls,
//! in the order in which faults were set. Set through the façade, taken by the server before it does
//! anything.

use std::collections::VecDeque;
use std::time::Duration;

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 429 of the route's bucket, and nothing is done.
    TooMany(Duration),
    /// 429 of the global limit, and nothing is done.
    Global(Duration),
    /// This HTTP status with an empty body, and nothing is done.
    Status(u16),
    /// This refusal, and nothing is done.
    Error { status: u16, code: u32, message: String },
    /// Nothing is done, and no answer comes until [`super::Discord::clear_faults`]; then the connection
    /// is cut.
    Hang,
    /// Nothing is done, and the connection is cut.
    Drop,
    /// It is done, and the connection is cut without an answer.
    LoseReply,
    /// It is done, and the answer is JSON cut in the middle.
    Truncated,
}

#[derive(Debug)]
struct Planned {
    /// Any of these; `*` is all of them.
    routes: Vec<String>,
    /// A value of the path, or the channel that its token leads to; `None` hits every call.
    subject: Option<String>,
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
    pub(super) fn plan(
        &mut self,
        routes: &[&str],
        subject: Option<String>,
        calls: u32,
        fault: Fault,
    ) {
        let routes = routes.iter().map(|&route| route.to_owned()).collect();
        self.planned.push_back(Planned { routes, subject, left: calls, fault });
    }

    pub(super) fn clear(&mut self) {
        self.planned.clear();
        self.cleared += 1;
    }

    /// How many calls are still to be hit.
    pub(super) fn left(&self) -> u32 {
        self.planned.iter().map(|planned| planned.left).sum()
    }

    pub(super) fn cleared(&self) -> u64 {
        self.cleared
    }

    /// The fault that this call meets, used up by it.
    pub(super) fn take(&mut self, route: &str, subjects: &[(&str, String)]) -> Option<Fault> {
        let hits = |planned: &Planned| {
            let named = |subject: &String| subjects.iter().any(|(_, value)| value == subject);
            planned.routes.iter().any(|one| one == "*" || one == route)
                && planned.subject.as_ref().is_none_or(named)
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
    fn faults_hit_their_route_and_subject_as_often_as_planned() {
        let post = "POST /channels/{channel_id}/messages";
        let at = |id: &str| [("channel_id", id.to_owned())];
        let mut faults = Faults::default();
        faults.plan(&["GET /elsewhere", post], Some("1".to_owned()), 2, Fault::Hang);
        faults.plan(&["*"], None, 1, Fault::Drop);
        assert_eq!(faults.take(post, &at("1")), Some(Fault::Hang));
        assert_eq!(faults.take(post, &at("2")), Some(Fault::Drop));
        assert_eq!(faults.take(post, &at("2")), None);
        assert_eq!(faults.take(post, &at("1")), Some(Fault::Hang));
        assert_eq!(faults.take(post, &at("1")), None);
    }
}
