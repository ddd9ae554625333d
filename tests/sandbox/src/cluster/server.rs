//! The HTTP side: connections, tokens, faults, and turning a [`Reply`] into an answer. Invariant:
//! whatever a client sends, it gets an answer or, by a fault, a cut connection; every request ends
//! when the cluster stops. Started by the façade.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request, State as Extract};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use tokio::net::TcpListener;

use super::exchange::{Exchange, Raw, Recorder};
use super::rbac::{Attributes, User};
use super::routes::{Reply, answer, text_reply};
use super::state::Shared;
use super::status::Refusal;
use crate::connection::{Cut, Door};

/// The largest request body, as on a real server.
const BODY: usize = 3 << 20;

/// The user of a request without a token. kubectl sends none over plain http.
const ANONYMOUS: &str = "system:anonymous";

#[derive(Clone)]
struct Server {
    shared: Arc<Shared>,
    recorder: Arc<Recorder>,
}

/// Serves until the cluster stops.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, recorder: Arc<Recorder>) {
    let server = Server { shared: Arc::clone(&shared), recorder };
    let app = Router::new()
        .fallback(handle)
        .with_state(server)
        .into_make_service_with_connect_info::<Cut>();
    let stop = async move { shared.stopped().await };
    if let Err(error) = axum::serve(Door(listener), app).with_graceful_shutdown(stop).await {
        tracing::warn!(%error, "the API server ended");
    }
}

async fn handle(
    Extract(server): Extract<Server>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let shared = Arc::clone(&server.shared);
    tokio::select! {
        response = respond(&server, &cut, request) => response,
        () = shared.stopped() => finish(&cut, Err(Refusal::unavailable("apiserver is shutting down")), false).0,
    }
}

async fn respond(server: &Server, cut: &Cut, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut exchange = Exchange {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        content_type: header(&parts.headers, "content-type").to_owned(),
        request: Bytes::new(),
        status: 0,
        response: None,
    };
    let (result, hit) = match to_bytes(body, BODY).await {
        Ok(body) => {
            exchange.request = body.clone();
            attend(&server.shared, &mut parts, &body).await
        }
        Err(_) => (Err(Refusal::too_large()), super::faults::Hit::default()),
    };
    if hit.lose_reply {
        cut.now();
    }
    let (response, json) = finish(cut, result, hit.malformed);
    exchange.status = response.status().as_u16();
    server.recorder.record(Raw { exchange, response: json });
    response
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Faults first, then who it is, then the answer.
async fn attend(
    shared: &Arc<Shared>,
    parts: &mut Parts,
    body: &Bytes,
) -> (Result<Reply, Refusal>, super::faults::Hit) {
    let write = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let mut changes = shared.changes();
    while shared.with(|state| state.api.hang) {
        if changes.changed().await.is_err() {
            break;
        }
    }
    if let Some(delay) = shared.with(|state| state.api.slow) {
        tokio::time::sleep(delay).await;
    }
    let hit = shared.with(|state| state.api.hit(write));
    if hit.error_500 {
        return (Err(Refusal::internal("etcdserver: request timed out")), hit);
    }
    let user = match authenticate(shared, &parts.headers) {
        Ok(user) => user,
        Err(refusal) => return (Err(refusal), hit),
    };
    if hit.conflict {
        return (Err(conflict(parts.uri.path())), hit);
    }
    (answer(shared, &user, parts, body).await, hit)
}

/// The 409 that somebody else's write in between would have caused.
fn conflict(path: &str) -> Refusal {
    let name = path.rsplit('/').find(|part| !matches!(*part, "" | "scale" | "status"));
    let plural =
        path.split('/').rev().skip_while(|part| Some(*part) != name).nth(1).unwrap_or_default();
    match super::resources::stored(plural) {
        Ok(resource) => Refusal::stale(resource, name.unwrap_or_default()),
        Err(refusal) => refusal,
    }
}

/// The user behind the bearer token, or whom that user may impersonate.
fn authenticate(shared: &Shared, headers: &HeaderMap) -> Result<User, Refusal> {
    let given = header(headers, "authorization");
    let token = given.strip_prefix("Bearer ").unwrap_or_default().trim();
    shared.with(|state| {
        if state.api.refuse {
            return Err(Refusal::unauthorized());
        }
        // Who comes without a token is nobody, unless the cluster knows that user.
        let known = |user: &&User| match given {
            "" => user.name == ANONYMOUS,
            _ => user.token == token && !token.is_empty(),
        };
        let user = state.users.iter().find(known);
        let user = user.ok_or_else(Refusal::unauthorized)?;
        let other = header(headers, "impersonate-user");
        if other.is_empty() {
            return Ok(user.clone());
        }
        user.check(
            None,
            Attributes {
                verb: "impersonate",
                group: "",
                resource: "users",
                namespace: "",
                name: other,
            },
        )?;
        let known = state.users.iter().find(|user| user.name == other).cloned();
        Ok(known.unwrap_or_else(|| User::new(other, String::new(), Vec::new())))
    })
}

/// The answer to send, and its JSON if it has any.
fn finish(cut: &Cut, result: Result<Reply, Refusal>, malformed: bool) -> (Response, Option<Bytes>) {
    let (code, json) = match result {
        Ok(Reply::Raw(response)) if cut.done() => {
            // Nothing of it will be written.
            drop(response);
            return (text_reply(500, ""), None);
        }
        Ok(Reply::Raw(response)) => return (response, None),
        Ok(Reply::Json(code, json)) => (code, json),
        Err(refusal) => (refusal.code, refusal.body),
    };
    let mut bytes = Bytes::from(json.to_string());
    if malformed {
        bytes.truncate(bytes.len() / 2);
    }
    let mut response = Response::builder().status(code).header("content-type", "application/json");
    if let Some(seconds) = json["details"]["retryAfterSeconds"].as_u64() {
        response = response.header("retry-after", seconds);
    }
    let response = response
        .body(Body::from(bytes.clone()))
        .expect("a known code and constant headers are valid");
    (response, (!malformed).then_some(bytes))
}
