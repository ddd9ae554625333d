//! The HTTP side: methods, response URLs, uploads and the door to Socket Mode. Invariant: whatever a
//! client sends, it gets an answer or, by a fault, a cut connection, and it stands in the journal;
//! every request ends when the server stops. Started by the façade.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request as HttpRequest, State as Extract};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method as Verb};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::arguments::Arguments;
use super::deliver::{self, Admission};
use super::faults::Fault;
use super::journal::{Caller, Outcome, Request};
use super::refusal::Refusal;
use super::state::Shared;
use super::{api, files, response_url};
use crate::connection::{Cut, Door};

/// The largest body of a call, and of an upload.
const BODY: usize = 4 << 20;
const UPLOAD: usize = (64 << 20) + (64 << 10);

/// What an ordinary answer is made of.
struct Answer {
    status: u16,
    body: String,
    content_type: &'static str,
    /// The token's scopes, and those that the method takes.
    scopes: Option<String>,
    retry_after: Option<u64>,
    outcome: Outcome,
}

/// A request as far as it has been understood.
struct Call {
    parts: Parts,
    body: Bytes,
    /// The method, or the word for what is none.
    method: String,
    arguments: Arguments,
    /// The arguments could not be read.
    unreadable: Option<Refusal>,
    token: Option<String>,
}

/// Serves until the workspace stops.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let app = Router::new()
        .fallback(handle)
        .with_state(Arc::clone(&shared))
        .into_make_service_with_connect_info::<Cut>();
    let stop = async move { shared.stopped().await };
    if let Err(error) = axum::serve(Door(listener), app).with_graceful_shutdown(stop).await {
        tracing::warn!(%error, "the Slack server ended");
    }
}

async fn handle(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: HttpRequest,
) -> Response {
    let stopping = Arc::clone(&shared);
    tokio::select! {
        response = respond(&shared, &cut, request) => response,
        () = stopping.stopped() => plain(503, "stopping"),
    }
}

async fn respond(shared: &Arc<Shared>, cut: &Cut, request: HttpRequest) -> Response {
    let (mut parts, body) = request.into_parts();
    if matches!(parts.uri.path(), "/link" | "/link/") {
        return match deliver::admit(shared, &mut parts).await {
            Admission::Upgraded(response) => response,
            Admission::Refused => plain(401, "unknown ticket"),
            Admission::NoUpgrade => plain(400, "not a WebSocket request"),
        };
    }
    let limit = if parts.uri.path().starts_with("/upload/") { UPLOAD } else { BODY };
    let Ok(body) = to_bytes(body, limit).await else {
        return plain(413, "request too large");
    };
    let Some(call) = Call::read(parts, body) else {
        return plain(404, "no such page");
    };
    let channel = call.arguments.text("channel").unwrap_or_default();
    let fault = shared.look(|state| state.faults.take(&call.method, channel));
    let Some(fault) = fault else {
        let answer = call.answer(shared);
        call.record(shared, answer.outcome.clone());
        return answer.response();
    };
    let answer = call.spoilt(shared, cut, fault).await;
    call.record(shared, answer.outcome.clone());
    answer.response()
}

impl Call {
    /// `None` for a path that leads nowhere.
    fn read(parts: Parts, body: Bytes) -> Option<Self> {
        let path = parts.uri.path();
        let mut segments = path.split('/').skip(1);
        let method = match segments.next()? {
            "api" => segments.next()?.to_owned(),
            "commands" | "actions" if parts.method == Verb::POST => "response_url".to_owned(),
            "upload" if parts.method == Verb::POST => "upload".to_owned(),
            _ => return None,
        };
        let takes_json =
            method == "response_url" || api::find(&method).is_none_or(|method| method.takes_json);
        let query = parts.uri.query().unwrap_or_default();
        let read = if method == "upload" {
            Ok(Arguments::default())
        } else {
            Arguments::read(&parts.method, query, &parts.headers, &body, takes_json)
        };
        let (mut arguments, unreadable) = match read {
            Ok(arguments) => (arguments, None),
            Err(refusal) => (Arguments::default(), Some(refusal)),
        };
        let bearer = header(&parts.headers, "authorization").strip_prefix("Bearer ");
        let bearer = bearer.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        let token = bearer.or_else(|| arguments.token.take());
        Some(Call { parts, body, method, arguments, unreadable, token })
    }

    /// Does what the request asks.
    fn answer(&self, shared: &Shared) -> Answer {
        match self.method.as_str() {
            "response_url" => self.response_url(shared),
            "upload" => self.upload(shared),
            _ => self.call(shared),
        }
    }

    fn call(&self, shared: &Shared) -> Answer {
        let Some(method) = api::find(&self.method) else {
            let refusal = Refusal::new("unknown_method").with("req_method", self.method.as_str());
            return Answer::refused(&refusal);
        };
        let token = self.token.as_deref();
        let work = |state: &mut super::state::State| {
            let admitted = state.tokens.admit(token, method.needs);
            let scopes = (admitted == Ok(Caller::Bot)).then(|| state.tokens.scopes.join(","));
            let answered = admitted.and_then(|_| match &self.unreadable {
                Some(refusal) => Err(refusal.clone()),
                None => api::answer(state, method, &self.arguments, token.unwrap_or_default()),
            });
            (answered, scopes)
        };
        let (answered, scopes) = shared.with(work);
        let mut answer = match answered {
            Ok(body) => Answer::ok(body, self.arguments.warning),
            Err(refusal) => Answer::refused(&refusal),
        };
        answer.scopes = scopes;
        answer
    }

    fn response_url(&self, shared: &Shared) -> Answer {
        if let Some(refusal) = &self.unreadable {
            return Answer { status: 400, ..Answer::refused(refusal) };
        }
        let path = self.parts.uri.path();
        let posted = shared.with(|state| response_url::post(state, path, &self.arguments));
        match posted {
            Ok(()) => Answer::ok(json!({}), None),
            Err(refusal) => {
                let gone = matches!(refusal.error.as_str(), "used_url" | "expired_url");
                Answer { status: if gone { 404 } else { 400 }, ..Answer::refused(&refusal) }
            }
        }
    }

    fn upload(&self, shared: &Shared) -> Answer {
        let id = self.parts.uri.path().rsplit('/').next().unwrap_or_default();
        let content_type = header(&self.parts.headers, "content-type");
        let filled = shared.with(|state| files::fill(state, id, content_type, &self.body));
        match filled {
            Ok(length) => Answer {
                body: format!("OK - {length}"),
                content_type: "text/plain; charset=utf-8",
                ..Answer::ok(json!({}), None)
            },
            Err(refusal) => {
                let status = if refusal.error == "file_not_found" { 404 } else { 400 };
                Answer { status, ..Answer::refused(&refusal) }
            }
        }
    }

    /// What a fault makes of the request.
    async fn spoilt(&self, shared: &Arc<Shared>, cut: &Cut, fault: Fault) -> Answer {
        let nothing = |status: u16| Answer {
            status,
            body: String::new(),
            outcome: Outcome::Faulted,
            ..Answer::ok(json!({}), None)
        };
        match fault {
            Fault::Status(status) => nothing(status),
            Fault::Html => Answer {
                body: "<!DOCTYPE html><html><head><title>Server Error | Slack</title></head>\
                       <body><h1>Something went wrong</h1></body></html>"
                    .to_owned(),
                content_type: "text/html; charset=utf-8",
                ..nothing(200)
            },
            Fault::TooMany(wait) => Answer::refused(&Refusal::rate_limited(wait)),
            Fault::RateLimited => Answer {
                outcome: Outcome::Limited,
                ..Answer::refused(&Refusal::new("ratelimited"))
            },
            Fault::Error(error) => Answer::refused(&Refusal::new(&error)),
            Fault::Hang => {
                until_cleared(shared).await;
                cut.now();
                nothing(500)
            }
            Fault::Drop => {
                cut.now();
                nothing(500)
            }
            Fault::LoseReply => {
                let answer = self.answer(shared);
                cut.now();
                Answer { outcome: Outcome::Spoilt, ..answer }
            }
            Fault::Truncated => {
                let mut answer = self.answer(shared);
                let half = (0..=answer.body.len() / 2).rev();
                let end = half.into_iter().find(|at| answer.body.is_char_boundary(*at));
                answer.body.truncate(end.unwrap_or(0));
                Answer { outcome: Outcome::Spoilt, ..answer }
            }
        }
    }

    fn record(self, shared: &Shared, outcome: Outcome) {
        let token = self.token.as_deref();
        let caller = shared.look(|state| state.tokens.caller(token));
        let headers = &self.parts.headers;
        shared.journal.record(Request {
            at: shared.clock.now(),
            method: self.method,
            verb: self.parts.method.to_string(),
            path: self.parts.uri.path().to_owned(),
            content_type: header(headers, "content-type").to_owned(),
            user_agent: header(headers, "user-agent").to_owned(),
            caller,
            arguments: Arc::new(self.arguments.fields),
            size: self.body.len(),
            outcome,
        });
        shared.changed();
    }
}

/// Returns once all faults have been cleared.
async fn until_cleared(shared: &Shared) {
    let mut changes = shared.changes();
    let start = shared.look(|state| state.faults.cleared());
    while shared.look(|state| state.faults.cleared()) == start {
        if changes.changed().await.is_err() {
            return;
        }
    }
}

impl Answer {
    fn ok(mut body: Value, warning: Option<&str>) -> Self {
        if let Some(object) = body.as_object_mut() {
            object.insert("ok".to_owned(), Value::Bool(true));
            if let Some(warning) = warning {
                object.insert("warning".to_owned(), json!(warning));
                object.insert("response_metadata".to_owned(), json!({ "warnings": [warning] }));
            }
        }
        Answer {
            status: 200,
            body: body.to_string(),
            content_type: "application/json; charset=utf-8",
            scopes: None,
            retry_after: None,
            outcome: Outcome::Ok,
        }
    }

    fn refused(refusal: &Refusal) -> Self {
        let limited = refusal.retry_after.is_some();
        Answer {
            status: if limited { 429 } else { 200 },
            body: refusal.body().to_string(),
            retry_after: refusal.retry_after.map(|wait| wait.as_secs()),
            outcome: if limited {
                Outcome::Limited
            } else {
                Outcome::Refused(refusal.error.clone())
            },
            ..Answer::ok(json!({}), None)
        }
    }

    fn response(self) -> Response {
        let mut response = Response::builder()
            .status(self.status)
            .header("content-type", self.content_type)
            .header("x-slack-backend", "sandbox");
        if let Some(scopes) = self.scopes {
            response = response.header("x-oauth-scopes", scopes);
        }
        if let Some(seconds) = self.retry_after {
            response = response.header("retry-after", seconds);
        }
        // A scope that is no header value, or a status that is none, is the test's own mistake.
        response.body(Body::from(self.body)).unwrap_or_else(|_| plain(500, "unsendable"))
    }
}

fn plain(status: u16, text: &'static str) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "text/plain; charset=utf-8")
        .body(Body::from(text))
        .expect("a known status and constant headers are valid")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
