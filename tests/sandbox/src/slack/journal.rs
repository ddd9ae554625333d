//! Every request that came in, so that a test can hold it against Slack's published schema. Bounded
//! by count and by bytes: the oldest are dropped and counted. Invariant: it holds no token. Written by
//! the server, read through the façade.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

/// How many requests, and how many bytes of bodies, are kept.
const COUNT: usize = 20_000;
const BYTES: usize = 64 << 20;

/// One request and what came of it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Since the start, by the server's clock.
    pub at: Duration,
    /// `chat.postMessage` and so on; `response_url`, `upload` and `socket` for what is no method.
    pub method: String,
    /// The HTTP method.
    pub verb: String,
    /// Path without the query.
    pub path: String,
    pub content_type: String,
    pub user_agent: String,
    /// Whose token came with it.
    pub caller: Caller,
    /// Decoded, with JSON inside form fields decoded too; no token.
    pub arguments: Arc<Value>,
    /// Bytes of the body.
    pub size: usize,
    pub outcome: Outcome,
}

/// Whose token a request carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    Nobody,
    Unknown,
    Bot,
    App,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// `ok: true`, or HTTP success for what is no method.
    Ok,
    /// `ok: false` with this error.
    Refused(String),
    /// HTTP 429.
    Limited,
    /// A fault hit it before anything was done.
    Faulted,
    /// It was done, and a fault spoilt the answer.
    Spoilt,
}

#[derive(Debug, Default)]
struct Kept {
    queue: VecDeque<Request>,
    bytes: usize,
    dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct Journal {
    kept: Mutex<Kept>,
}

impl Journal {
    pub(super) fn record(&self, request: Request) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += request.size;
        kept.queue.push_back(request);
        while kept.queue.len() > COUNT || kept.bytes > BYTES {
            let Some(oldest) = kept.queue.pop_front() else { break };
            kept.bytes -= oldest.size;
            kept.dropped += 1;
        }
    }

    pub(super) fn all(&self) -> Vec<Request> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.queue.iter().cloned().collect()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let journal = Journal::default();
        for n in 0..COUNT + 5 {
            journal.record(Request {
                at: Duration::from_millis(n as u64),
                method: "api.test".to_owned(),
                verb: "POST".to_owned(),
                path: "/api/api.test".to_owned(),
                content_type: String::new(),
                user_agent: String::new(),
                caller: Caller::Nobody,
                arguments: Arc::new(Value::Null),
                size: 10,
                outcome: Outcome::Ok,
            });
        }
        assert_eq!(journal.dropped(), 5);
        assert_eq!(journal.all().len(), COUNT);
        assert_eq!(journal.all()[0].at, Duration::from_millis(5));
    }
}
