//! One bounded HTTP exchange: a deadline, a cap on the answer and on exchanges at once, and failures
//! that say whether the other side can have got the request. Called by the clients of the web APIs.
//!
//! Invariant: no redirect is followed and no proxy asked.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{RequestBuilder, redirect};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Largest answer that is read, in bytes: a hundred full messages are well below.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// Exchanges at once.
const MAX_CALLS: usize = 32;
/// A kept connection is dropped before the other side drops it.
const KEPT: Duration = Duration::from_secs(30);

/// Makes exchanges.
pub(crate) struct Exchange {
    pub(crate) client: reqwest::Client,
    deadline: Duration,
    permits: Semaphore,
}

/// An answer, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The other side never got it.
    #[error("cannot be reached: {0}")]
    NotSent(String),
    /// It may have got it.
    #[error("no usable answer: {0}")]
    Lost(String),
}

impl Exchange {
    /// `agent` is the `User-Agent`; `deadline` is for one exchange, connecting included.
    ///
    /// # Errors
    /// When the TLS roots of the machine cannot be used.
    pub(crate) fn new(agent: &str, deadline: Duration) -> Result<Self, Failure> {
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(agent)
            // Shorter than a call, so that a deadline while connecting is known as "not sent".
            .connect_timeout(deadline / 2)
            .pool_idle_timeout(KEPT)
            .build()
            .map_err(|e| Failure::NotSent(innermost(&e)))?;
        Ok(Self { client, deadline, permits: Semaphore::new(MAX_CALLS) })
    }

    /// Sends `request` and reads its answer. Waiting for a free place has the deadline once more.
    ///
    /// # Errors
    /// When there was no answer; any status is an [`Answer`].
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let Ok(Ok(_place)) = timeout(self.deadline, self.permits.acquire()).await else {
            return Err(Failure::NotSent("too many calls are waiting".into()));
        };
        let late = |_| Failure::Lost(format!("no answer within {:?}", self.deadline));
        timeout(self.deadline, fetch(request)).await.map_err(late)?
    }
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }
}

async fn fetch(request: RequestBuilder) -> Result<Answer, Failure> {
    let mut response = request.send().await.map_err(classify)?;
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Failure::Lost("an answer of more than 4 MiB".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

/// Only what failed before there was a connection cannot have arrived.
fn classify(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    match innermost(&error) {
        words if error.is_connect() || error.is_builder() => Failure::NotSent(words),
        words => Failure::Lost(words),
    }
}

/// The words at the end of the chain of sources: the outer ones can name an address.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut current = error;
    while let Some(inner) = current.source() {
        current = inner;
    }
    current.to_string().chars().take(200).collect()
}
