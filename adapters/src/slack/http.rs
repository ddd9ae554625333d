//! The HTTP side: slash commands, interactivity and events, each authenticated over its raw body.
//! The `bot` crate serves [`routes`].
//!
//! Invariant: the order is method and path, size, signature, content type, contents; nothing of a
//! request is looked into before it is proved to be Slack's. No request is answered with a 500, and
//! none is waited for longer than [`DEADLINE`].

mod body;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::inbound::{self, Answer, DEADLINE, Identity, Inbound, Intake, Refusal, Route};
use super::signature::{Claim, Forgery, SIGNATURE, TIMESTAMP, Verifier};

/// Bytes of a request that may carry a message or a form.
const LARGE: usize = 1024 * 1024;
/// Requests above [`body::SMALL`] that are being read at once.
const LARGE_AT_ONCE: usize = 8;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// `POST /slack/commands`, `/slack/interactivity` and `/slack/events`. `now` is the time in seconds
/// since 1970: [`super::signature::unix_now`].
pub fn routes(verifier: Arc<Verifier>, intake: Arc<Intake>, now: fn() -> i64) -> Router {
    let large = Semaphore::new(LARGE_AT_ONCE);
    let door = Arc::new(Door { verifier, intake, now, large, warned: AtomicI64::new(0) });
    Router::new()
        .route("/slack/commands", post(commands))
        .route("/slack/interactivity", post(interactivity))
        .route("/slack/events", post(events))
        .with_state(door)
}

struct Door {
    verifier: Arc<Verifier>,
    intake: Arc<Intake>,
    now: fn() -> i64,
    large: Semaphore,
    /// When a forgery was last logged.
    warned: AtomicI64,
}

/// What one path takes.
struct Path {
    limit: usize,
    content_type: &'static str,
    read: fn(&[u8], &Identity) -> Result<Inbound, Refusal>,
    /// How a person who is not served is told so.
    route: Route,
}

/// Why a request gets no further.
#[derive(Clone, Copy, Debug)]
enum Denied {
    TooLarge(usize),
    Slow,
    Broken,
    Forged(Forgery),
    ContentType(&'static str),
}

async fn commands(State(door): State<Arc<Door>>, request: Request) -> Response {
    let path = Path {
        limit: body::SMALL,
        content_type: FORM,
        read: inbound::command,
        route: Route::Command,
    };
    door.serve(request, path).await
}

async fn interactivity(State(door): State<Arc<Door>>, request: Request) -> Response {
    let read = inbound::interaction_form;
    let path = Path { limit: LARGE, content_type: FORM, read, route: Route::Click };
    door.serve(request, path).await
}

async fn events(State(door): State<Arc<Door>>, request: Request) -> Response {
    let path = Path { limit: LARGE, content_type: JSON, read: inbound::event, route: Route::Event };
    door.serve(request, path).await
}

impl Door {
    async fn serve(&self, request: Request, path: Path) -> Response {
        let by = Instant::now() + DEADLINE;
        let body = match self.authentic(request, &path, by).await {
            Ok(body) => body,
            Err(denied) => {
                self.tell(&denied);
                return denied.into_response();
            }
        };
        let read = (path.read)(&body, self.intake.identity());
        drop(body);
        if let Ok(Inbound::Challenge(text)) = read {
            return text.into_response();
        }
        match self.intake.answer(read, self.intake.place(), by).await {
            Ok(answer) => answer.into_response(),
            Err(Refusal::Elsewhere) => {
                warn!("a payload of another workspace or app was refused");
                Intake::elsewhere(&path.route).into_response()
            }
            Err(refusal) => {
                warn!(%refusal, "a payload was refused");
                (StatusCode::BAD_REQUEST, format!("{refusal}\n")).into_response()
            }
        }
    }

    /// The raw body of a request that Slack has signed.
    async fn authentic(&self, request: Request, path: &Path, by: Instant) -> Result<Bytes, Denied> {
        let (Parts { headers, .. }, body) = request.into_parts();
        let claim = self.claim(&headers, &body, path)?;
        let body = timeout_at(by, body::read(body, path.limit, &self.large)).await;
        let body = body.map_err(|_| Denied::Slow)??;
        self.verifier.check(&claim, &body).map_err(Denied::Forged)?;
        if is_type(headers.get(CONTENT_TYPE), path.content_type) {
            Ok(body)
        } else {
            Err(Denied::ContentType(path.content_type))
        }
    }

    /// Logs a refusal. A wrong signing secret has to be noticed, and a forger must not fill the log:
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
            warn!(why = %forgery, "a request without Slack's signature was refused");
        }
    }

    fn claim<'a>(
        &self,
        headers: &'a HeaderMap,
        body: &Body,
        path: &Path,
    ) -> Result<Claim<'a>, Denied> {
        body::promised(body, path.limit)?;
        let header = |name| headers.get(name).map(HeaderValue::as_bytes);
        Claim::read(header(TIMESTAMP), header(SIGNATURE), (self.now)()).map_err(Denied::Forged)
    }
}

/// Whether a content type is this one, whatever its parameters.
fn is_type(header: Option<&HeaderValue>, expected: &str) -> bool {
    let given = header.and_then(|header| header.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default();
    media.trim().eq_ignore_ascii_case(expected)
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Empty => StatusCode::OK.into_response(),
            Self::Json(body) => {
                ([(CONTENT_TYPE, HeaderValue::from_static(JSON))], body).into_response()
            }
            Self::Again => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
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
