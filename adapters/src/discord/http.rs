//! The HTTP side: every interaction comes to one path, authenticated over its raw body. The `bot` crate
//! serves [`routes`].
//!
//! Invariant: nothing of a request is looked into before it is proved to be Discord's, which tries with
//! wrong signatures whether that is so. No request is answered with a 500, and none is waited for longer
//! than [`DEADLINE`].

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::time::Instant;
use tracing::warn;

use super::inbound::{self, Answer, Intake};
use super::signature::Verifier;
use crate::http::{self, JSON, LARGE};
use crate::intake::DEADLINE;

/// `POST /discord/interactions`. `now` is the time in seconds since 1970:
/// [`super::signature::unix_now`].
pub fn routes(verifier: Verifier, intake: Arc<Intake>, now: fn() -> i64) -> Router {
    let entrance = Arc::new(Entrance { door: http::Door::new(verifier, now), intake });
    Router::new().route("/discord/interactions", post(interactions)).with_state(entrance)
}

struct Entrance {
    door: http::Door<Verifier>,
    intake: Arc<Intake>,
}

async fn interactions(State(entrance): State<Arc<Entrance>>, request: Request) -> Response {
    let Entrance { door, intake } = &*entrance;
    let by = Instant::now() + DEADLINE;
    let body = match door.authentic(request, LARGE, JSON, by).await {
        Ok(body) => body,
        Err(denied) => return denied.into_response(),
    };
    let read = inbound::interaction(&body, intake.identity());
    drop(body);
    match intake.answer(read, intake.place(), by).await {
        Ok(answer) => answer.into_response(),
        Err(refusal) => {
            warn!(%refusal, "an interaction was refused");
            (StatusCode::BAD_REQUEST, format!("{refusal}\n")).into_response()
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Nothing => StatusCode::NO_CONTENT.into_response(),
            Self::Json(body) => http::json(body),
        }
    }
}
