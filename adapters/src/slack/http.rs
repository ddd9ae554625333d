//! The HTTP side: slash commands, interactivity and events, each authenticated over its raw body.
//! The `bot` crate serves [`routes`].
//!
//! Invariant: the order is method and path, size, signature, content type, contents; nothing of a
//! request is looked into before it is proved to be Slack's. No request is answered with a 500, and
//! none is waited for longer than [`DEADLINE`].

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::time::Instant;
use tracing::warn;

use super::inbound::{self, Answer, Identity, Inbound, Intake, Refusal, Route};
use super::signature::{Claim, Forgery, SIGNATURE, TIMESTAMP, Verifier};
use crate::http::{self, JSON, LARGE, Proof, SMALL};
use crate::intake::DEADLINE;

const FORM: &str = "application/x-www-form-urlencoded";

/// `POST /slack/commands`, `/slack/interactivity` and `/slack/events`. `now` is the time in seconds
/// since 1970: [`super::signature::unix_now`].
pub fn routes(verifier: Arc<Verifier>, intake: Arc<Intake>, now: fn() -> i64) -> Router {
    let entrance = Arc::new(Entrance { door: http::Door::new(verifier, now), intake });
    Router::new()
        .route("/slack/commands", post(commands))
        .route("/slack/interactivity", post(interactivity))
        .route("/slack/events", post(events))
        .with_state(entrance)
}

struct Entrance {
    door: http::Door<Arc<Verifier>>,
    intake: Arc<Intake>,
}

/// What one path takes.
struct Path {
    limit: usize,
    content_type: &'static str,
    read: fn(&[u8], &Identity) -> Result<Inbound, Refusal>,
    /// How a person who is not served is told so.
    route: Route,
}

async fn commands(State(entrance): State<Arc<Entrance>>, request: Request) -> Response {
    let path =
        Path { limit: SMALL, content_type: FORM, read: inbound::command, route: Route::Command };
    entrance.serve(request, path).await
}

async fn interactivity(State(entrance): State<Arc<Entrance>>, request: Request) -> Response {
    let read = inbound::interaction_form;
    let path = Path { limit: LARGE, content_type: FORM, read, route: Route::Click };
    entrance.serve(request, path).await
}

async fn events(State(entrance): State<Arc<Entrance>>, request: Request) -> Response {
    let path = Path { limit: LARGE, content_type: JSON, read: inbound::event, route: Route::Event };
    entrance.serve(request, path).await
}

impl Entrance {
    async fn serve(&self, request: Request, path: Path) -> Response {
        let by = Instant::now() + DEADLINE;
        let body = match self.door.authentic(request, path.limit, path.content_type, by).await {
            Ok(body) => body,
            Err(denied) => return denied.into_response(),
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
}

impl Proof for Arc<Verifier> {
    type Claim<'a> = Claim<'a>;

    fn claim<'a>(&self, headers: &'a HeaderMap, now: i64) -> Result<Claim<'a>, Forgery> {
        let header = |name| headers.get(name).map(HeaderValue::as_bytes);
        Claim::read(header(TIMESTAMP), header(SIGNATURE), now)
    }

    fn check(&self, claim: &Claim<'_>, body: &[u8]) -> Result<(), Forgery> {
        Verifier::check(self, claim, body)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Empty => StatusCode::OK.into_response(),
            Self::Json(body) => http::json(body),
            Self::Again => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}
