//! The door that a platform's HTTP requests come through: bounded, and proved to be the platform's.
//! [`crate::slack::http`] and [`crate::discord::http`] each have one.
//!
//! Invariant: the order is size, signature, content type, contents; nothing of a request is looked
//! into before it is proved. No request is answered with a 500.

mod body;
#[cfg(test)]
pub(crate) mod fixtures;

use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use crate::signature::Forgery;

pub(crate) use body::SMALL;

/// Bytes of a request that may carry a message or a form.
pub(crate) const LARGE: usize = 1024 * 1024;
/// Requests above [`SMALL`] that are being read at once.
const LARGE_AT_ONCE: usize = 8;

pub(crate) const JSON: &str = "application/json";

/// Proves that a request is the platform's.
pub(crate) trait Proof {
    /// What a request's headers claim.
    type Claim<'a>;

    /// Reads the claim, so that a request without one is refused before its body is read. `now` is in
    /// seconds since 1970.
    fn claim<'a>(&self, headers: &'a HeaderMap, now: i64) -> Result<Self::Claim<'a>, Forgery>;

    /// Checks the claim against the raw body.
    fn check(&self, claim: &Self::Claim<'_>, body: &[u8]) -> Result<(), Forgery>;
}

/// One platform's door.
pub(crate) struct Door<P> {
    proof: P,
    now: fn() -> i64,
    large: Semaphore,
    /// When a forgery was last logged.
    warned: AtomicI64,
}

/// Why a request gets no further.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Denied {
    TooLarge(usize),
    Slow,
    Broken,
    Forged(Forgery),
    ContentType(&'static str),
}

impl<P: Proof> Door<P> {
    /// `now` is the time in seconds since 1970: [`crate::signature::unix_now`].
    pub(crate) fn new(proof: P, now: fn() -> i64) -> Self {
        Self { proof, now, large: Semaphore::new(LARGE_AT_ONCE), warned: AtomicI64::new(0) }
    }

    /// The raw body of a request that the platform has signed, up to `limit` bytes, read by `by`.
    pub(crate) async fn authentic(
        &self,
        request: Request,
        limit: usize,
        content_type: &'static str,
        by: Instant,
    ) -> Result<Bytes, Denied> {
        let proved = self.proved(request, limit, content_type, by).await;
        if let Err(denied) = &proved {
            self.tell(denied);
        }
        proved
    }

    async fn proved(
        &self,
        request: Request,
        limit: usize,
        content_type: &'static str,
        by: Instant,
    ) -> Result<Bytes, Denied> {
        let (Parts { headers, .. }, body) = request.into_parts();
        let claim = self.claim(&headers, &body, limit)?;
        let body = timeout_at(by, body::read(body, limit, &self.large)).await;
        let body = body.map_err(|_| Denied::Slow)??;
        self.proof.check(&claim, &body).map_err(Denied::Forged)?;
        if is_type(headers.get(CONTENT_TYPE), content_type) {
            Ok(body)
        } else {
            Err(Denied::ContentType(content_type))
        }
    }

    fn claim<'a>(
        &self,
        headers: &'a HeaderMap,
        body: &Body,
        limit: usize,
    ) -> Result<P::Claim<'a>, Denied> {
        body::promised(body, limit)?;
        self.proof.claim(headers, (self.now)()).map_err(Denied::Forged)
    }

    /// Logs a refusal. A wrong secret or key has to be noticed, and a forger must not fill the log:
    /// once a minute is enough for both.
    fn tell(&self, denied: &Denied) {
        let (Denied::Forged(forgery), now) = (denied, (self.now)()) else {
            debug!(?denied, "a request was refused");
            return;
        };
        let last = self.warned.load(Ordering::Relaxed);
        let due = now.abs_diff(last) >= 60;
        // Of several at the same moment one logs.
        let swap = || self.warned.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
        if due && swap().is_ok() {
            warn!(why = %forgery, "a request without the platform's signature was refused");
        }
    }
}

/// Whether a content type is this one, whatever its parameters.
fn is_type(header: Option<&HeaderValue>, expected: &str) -> bool {
    let given = header.and_then(|header| header.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default();
    media.trim().eq_ignore_ascii_case(expected)
}

/// A body of JSON.
pub(crate) fn json(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(JSON))], body.into()).into_response()
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let (status, line) = match self {
            Self::TooLarge(limit) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is larger than {} KiB\n", limit / 1024),
            ),
            Self::Slow => {
                (StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n".to_owned())
            }
            Self::Broken => (StatusCode::BAD_REQUEST, "the body broke off\n".to_owned()),
            // Whoever forges learns nothing about what was wrong.
            Self::Forged(_) => return StatusCode::UNAUTHORIZED.into_response(),
            Self::ContentType(expected) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("the content type is not {expected}\n"),
            ),
        };
        (status, line).into_response()
    }
}
