//! A record of the last requests and answers, so that tests can hold them against the published
//! OpenAPI. Bounded by count and by bytes. Written by the server, read through the façade.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use serde_json::Value;

/// How many exchanges, and how many bytes of bodies, are kept.
const COUNT: usize = 10_000;
const BYTES: usize = 64 << 20;
/// Bytes kept of one request body.
const REQUEST: usize = 64 << 10;

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: String,
    pub path: String,
    /// Undecoded, without the question mark.
    pub query: String,
    pub content_type: String,
    /// At most 64 KiB of it.
    pub request: Bytes,
    pub status: u16,
    /// None for streams, texts and upgrades.
    pub response: Option<Value>,
}

pub(super) struct Raw {
    pub(super) exchange: Exchange,
    pub(super) response: Option<Bytes>,
}

impl Raw {
    fn size(&self) -> usize {
        self.exchange.request.len() + self.response.as_ref().map_or(0, Bytes::len)
    }
}

#[derive(Default)]
pub(super) struct Recorder {
    kept: Mutex<(VecDeque<Raw>, usize)>,
}

impl Recorder {
    pub(super) fn record(&self, mut raw: Raw) {
        // A copy, so that a small part does not keep a large buffer alive.
        let end = raw.exchange.request.len().min(REQUEST);
        raw.exchange.request = Bytes::copy_from_slice(&raw.exchange.request[..end]);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (queue, bytes) = &mut *kept;
        *bytes += raw.size();
        queue.push_back(raw);
        while queue.len() > COUNT || *bytes > BYTES {
            let Some(dropped) = queue.pop_front() else { break };
            *bytes -= dropped.size();
        }
    }

    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0
            .iter()
            .map(|raw| Exchange {
                response: raw
                    .response
                    .as_ref()
                    .and_then(|bytes| serde_json::from_slice(bytes).ok()),
                ..raw.exchange.clone()
            })
            .collect()
    }
}
