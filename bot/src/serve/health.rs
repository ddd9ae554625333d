//! `/healthz` and `/readyz`: the only routes that need no authentication. They tell no secret.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use super::side::Link;
use crate::engine::Engine;

/// What readiness looks at.
pub(super) struct Health {
    pub(super) engine: Arc<Engine>,
    pub(super) links: Vec<Link>,
}

pub(super) fn routes(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(Arc::new(health))
}

async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    let mut problems = Vec::new();
    if let Err(reason) = health.engine.reach_store().await {
        tracing::warn!(reason, "not ready: the store");
        problems.push("the store does not answer".to_owned());
    }
    for Link { platform, stopped, sockets } in &health.links {
        if stopped.borrow().is_some() {
            problems.push(format!("{platform} does not accept the token"));
        }
        if sockets.as_ref().is_some_and(|sockets| sockets.borrow().connected == 0) {
            problems.push(format!("no socket to {platform} is open"));
        }
    }
    if problems.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, problems.join("; ") + "\n")
}
