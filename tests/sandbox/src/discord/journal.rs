//! Every request that came in, so that a test can hold it against Discord's published schema. Bounded by
//! count and by bytes: the oldest are dropped and counted. Invariant: it holds no token. Written by the
//! server and by deliveries over HTTP, read through the façade.

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
    /// The HTTP method.
    pub method: String,
    /// The route's template as Discord publishes it, `/channels/{channel_id}/messages`; the path itself
    /// where there is no such route.
    pub path: String,
    /// The path's values by name, without tokens.
    pub parameters: Vec<(&'static str, String)>,
    /// Without the question mark.
    pub query: String,
    pub content_type: String,
    pub user_agent: String,
    pub caller: Caller,
    /// The body's JSON, of a multipart body its `payload_json`; `Null` for none.
    pub arguments: Arc<Value>,
    /// The names of the files that came with it.
    pub files: Vec<String>,
    /// Bytes of the body.
    pub size: usize,
    pub outcome: Outcome,
    /// The answer's body as it was sent; empty where there is none, or where a fault spoilt it.
    pub response: Arc<str>,
}

impl Request {
    /// What it takes of the journal's bytes.
    fn weight(&self) -> usize {
        self.size + self.response.len()
    }
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Without a token that counts, where one is needed.
    Nobody,
    /// With a token of the bot's that counts no more.
    Former,
    Bot,
    /// With an interaction's token in the path.
    Webhook,
    /// The answer to an interaction that was delivered over HTTP: it stands here as the callback that it
    /// is equal to.
    Answer,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This HTTP status.
    Ok(u16),
    Refused {
        status: u16,
        code: u32,
    },
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
        kept.bytes += request.weight();
        kept.queue.push_back(request);
        while kept.queue.len() > COUNT || kept.bytes > BYTES {
            let Some(oldest) = kept.queue.pop_front() else { break };
            kept.bytes -= oldest.weight();
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
