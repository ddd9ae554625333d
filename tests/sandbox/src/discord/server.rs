//! The HTTP side: the REST routes, the attachments and the door to the gateway. Invariant: whatever a
//! client sends, it gets an answer or, by a fault, a cut connection, and it stands in the journal; every
//! request ends when the server stops. Started by the façade.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request as HttpRequest, State as Extract};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;

use super::api::{self, Parameters, Reply, Route};
use super::faults::Fault;
use super::journal::{Caller, Outcome, Request};
use super::multipart::{self, Upload};
use super::rate::Standing;
use super::refusal::Refusal;
use super::state::{Shared, State, unix_millis};
use crate::connection::{Cut, Door};

/// The largest body.
const BODY: usize = 110 << 20;

const BASE: &str = "/api/v10";

/// A request as far as it has been understood.
struct Call {
    parts: Parts,
    size: usize,
    route: Option<(&'static Route, Parameters)>,
    body: Value,
    files: Vec<Upload>,
    /// The body could not be read.
    unreadable: Option<Refusal>,
}

struct Answer {
    status: u16,
    body: String,
    standing: Option<Standing>,
    refusal: Option<Refusal>,
    outcome: Outcome,
}

/// Serves until the guild stops.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let app = Router::new()
        .fallback(handle)
        .with_state(Arc::clone(&shared))
        .merge(shared.hub.route())
        .into_make_service_with_connect_info::<Cut>();
    let stop = async move { shared.stopped().await };
    if let Err(error) = axum::serve(Door(listener), app).with_graceful_shutdown(stop).await {
        tracing::warn!(%error, "the Discord server ended");
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
    let (parts, body) = request.into_parts();
    if parts.uri.path().starts_with("/attachments/") {
        return attachment(shared, parts.uri.path());
    }
    let Ok(body) = to_bytes(body, BODY).await else {
        return plain(413, "request too large");
    };
    let call = Call::read(parts, &body);
    let fault = call.route.as_ref().and_then(|(route, parameters)| {
        shared.look(|state| {
            let token = parameters.iter().find(|(name, _)| *name == "webhook_token");
            let leads = token.and_then(|(_, token)| state.interactions.channel(token));
            let leads = leads.map(|channel| ("channel_id", channel));
            let subjects: Parameters = parameters.iter().cloned().chain(leads).collect();
            // Both at once: whoever planned it may clear it as soon as it is taken.
            let cleared = state.faults.cleared();
            state.faults.take(route.name, &subjects).map(|fault| (fault, cleared))
        })
    });
    let answer = match fault {
        None => call.answer(shared),
        Some(fault) => {
            shared.changed();
            call.spoilt(shared, cut, fault).await
        }
    };
    if matches!(answer.status, 401 | 403 | 429) {
        shared.look(|state| {
            let now = state.now;
            state.rates.count_invalid(now);
        });
    }
    call.record(shared, &answer);
    answer.response()
}

fn attachment(shared: &Shared, path: &str) -> Response {
    let id = path.split('/').nth(3).unwrap_or_default();
    let found = shared.look(|state| state.files.get(id).cloned());
    let Some(file) = found else { return plain(404, "no such attachment") };
    let response = Response::builder().header("content-type", file.content_type);
    response.body(Body::from(file.content)).unwrap_or_else(|_| plain(500, "unsendable"))
}

impl Call {
    fn read(parts: Parts, body: &Bytes) -> Self {
        let path = parts.uri.path().strip_prefix(BASE).unwrap_or_default();
        let route = api::find(parts.method.as_str(), path);
        let content_type = header(&parts.headers, "content-type");
        let read = if body.is_empty() {
            Some((Value::Null, Vec::new()))
        } else if content_type.starts_with("multipart/form-data") {
            multipart::read(content_type, body)
        } else if content_type.starts_with("application/json") {
            serde_json::from_slice(body).ok().map(|body| (body, Vec::new()))
        } else {
            None
        };
        let unreadable = read
            .is_none()
            .then(|| Refusal::new(400, 50109, "The request body contains invalid JSON."));
        let (json, files) = read.unwrap_or_default();
        Call { parts, size: body.len(), route, body: json, files, unreadable }
    }

    /// Does what the request asks.
    fn answer(&self, shared: &Shared) -> Answer {
        let gateway = shared.gateway_url();
        shared.with(|state| {
            let now = state.now;
            if state.rates.banned(now) {
                // What stands before Discord's API answers, and not in JSON.
                return Answer { status: 429, body: "error code: 1015".to_owned(), ..limited() };
            }
            let (mut standing, answered) = (None, self.run(state, &gateway));
            let answered = match answered {
                Ok((place, reply)) => {
                    standing = place;
                    reply
                }
                Err(refusal) => Err(refusal),
            };
            Answer { standing, ..Answer::of(answered) }
        })
    }

    /// The bucket's standing and what was answered; without the first for what has no bucket.
    fn run(
        &self,
        state: &mut State,
        gateway_url: &str,
    ) -> Result<(Option<Standing>, Result<Reply, Refusal>), Refusal> {
        let path = self.parts.uri.path();
        let Some((route, parameters)) = &self.route else {
            return Err(self.lost(path));
        };
        if route.bot {
            self.admit(state)?;
            state.rates.global(state.now)?;
        }
        let major = parameters.first().map(|(_, value)| value.as_str()).unwrap_or_default();
        let (standing, refused) = state.rates.take(route.name, major, route.limit, state.now);
        let answered = match refused.or_else(|| self.unreadable.clone()) {
            Some(refusal) => Err(refusal),
            None => {
                let mut call = api::Call {
                    state,
                    parameters,
                    query: self.parts.uri.query().unwrap_or_default(),
                    body: &self.body,
                    files: &self.files,
                    gateway_url,
                };
                api::answer(route, &mut call)
            }
        };
        Ok((Some(standing), answered))
    }

    fn lost(&self, path: &str) -> Refusal {
        match path.strip_prefix(BASE) {
            Some(path) if api::exists(path) => Refusal::new(405, 0, "405: Method Not Allowed"),
            None if path.starts_with("/api/") => {
                Refusal::new(400, 50041, "Invalid API version provided")
            }
            _ => Refusal::no_route(),
        }
    }

    /// # Errors
    /// 40333 without the user agent that Discord asks for, 401 without the bot's token.
    fn admit(&self, state: &State) -> Result<(), Refusal> {
        let headers = &self.parts.headers;
        let agent = header(headers, "user-agent").strip_prefix("DiscordBot (");
        if agent.and_then(|agent| agent.split_once(')')).is_none() {
            return Err(Refusal::new(403, 40333, "internal network error"));
        }
        let token = header(headers, "authorization").strip_prefix("Bot ");
        let same = token.is_some() && token == state.token.as_deref();
        if same { Ok(()) } else { Err(Refusal::unauthorized()) }
    }

    /// What a fault makes of the request.
    async fn spoilt(
        &self,
        shared: &Arc<Shared>,
        cut: &Cut,
        (fault, cleared): (Fault, u64),
    ) -> Answer {
        let nothing = |status: u16| Answer {
            status,
            body: String::new(),
            standing: None,
            refusal: None,
            outcome: Outcome::Faulted,
        };
        let refused = |refusal: Refusal| Answer::of(Err(refusal));
        match fault {
            Fault::TooMany(wait) => refused(Refusal::limited(wait, false)),
            Fault::Global(wait) => refused(Refusal::limited(wait, true)),
            Fault::Error { status, code, message } => {
                let answer = refused(Refusal::new(status, code, &message));
                // What Discord does not publish is no refusal of the call.
                let outcome = if status < 500 { answer.outcome.clone() } else { Outcome::Faulted };
                Answer { outcome, ..answer }
            }
            Fault::Status(status) => nothing(status),
            Fault::Hang => {
                until_cleared(shared, cleared).await;
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

    fn record(self, shared: &Shared, answer: &Answer) {
        let headers = &self.parts.headers;
        let caller = match &self.route {
            Some((route, _)) if !route.bot => Caller::Webhook,
            _ => shared.look(|state| {
                let token = header(headers, "authorization").strip_prefix("Bot ");
                let known = |revoked: &String| Some(revoked.as_str()) == token;
                match self.admit(state) {
                    Ok(()) => Caller::Bot,
                    Err(_) if state.revoked.iter().any(known) => Caller::Former,
                    Err(_) => Caller::Nobody,
                }
            }),
        };
        let path = self.parts.uri.path();
        let (path, parameters) = match &self.route {
            Some((route, parameters)) => {
                let template = route.name.split_once(' ').map_or("", |(_, template)| template);
                let mut shown = parameters.clone();
                shown.retain(|(name, _)| !name.ends_with("_token"));
                (template.to_owned(), shown)
            }
            None => (path.to_owned(), Vec::new()),
        };
        shared.journal.record(Request {
            at: shared.clock.now(),
            method: self.parts.method.to_string(),
            path,
            parameters,
            query: self.parts.uri.query().unwrap_or_default().to_owned(),
            content_type: header(headers, "content-type").to_owned(),
            user_agent: header(headers, "user-agent").to_owned(),
            caller,
            arguments: Arc::new(self.body),
            files: self.files.into_iter().map(|file| file.name).collect(),
            size: self.size,
            outcome: answer.outcome.clone(),
            response: match answer.outcome {
                Outcome::Faulted | Outcome::Spoilt => Arc::default(),
                _ => answer.body.as_str().into(),
            },
        });
        shared.changed();
    }
}

/// Returns once all faults have been cleared since they had been so often.
async fn until_cleared(shared: &Shared, before: u64) {
    let mut changes = shared.changes();
    while shared.look(|state| state.faults.cleared()) == before {
        if changes.changed().await.is_err() {
            return;
        }
    }
}

fn limited() -> Answer {
    Answer {
        status: 429,
        body: String::new(),
        standing: None,
        refusal: None,
        outcome: Outcome::Limited,
    }
}

impl Answer {
    fn of(answered: Result<Reply, Refusal>) -> Self {
        match answered {
            Ok(Reply { status, body }) => Answer {
                status,
                body: if body.is_null() { String::new() } else { body.to_string() },
                standing: None,
                refusal: None,
                outcome: Outcome::Ok(status),
            },
            Err(refusal) => Answer {
                status: refusal.status,
                body: refusal.body().to_string(),
                standing: None,
                outcome: match refusal.limited {
                    Some(_) => Outcome::Limited,
                    None => Outcome::Refused { status: refusal.status, code: refusal.code },
                },
                refusal: Some(refusal),
            },
        }
    }

    fn response(self) -> Response {
        let json = self.body.starts_with(['{', '[']);
        let content_type = if json { "application/json" } else { "text/plain; charset=utf-8" };
        let mut response =
            Response::builder().status(self.status).header("content-type", content_type);
        if let Some(standing) = self.standing {
            let after = standing.reset_after.as_secs_f64();
            let now = std::time::Duration::from_millis(unix_millis()).as_secs_f64();
            response = response
                .header("x-ratelimit-limit", standing.limit)
                .header("x-ratelimit-remaining", standing.remaining)
                .header("x-ratelimit-reset", format!("{:.3}", now + after))
                .header("x-ratelimit-reset-after", format!("{after:.3}"))
                .header("x-ratelimit-bucket", standing.bucket);
        }
        if let Some(limited) = self.refusal.and_then(|refusal| refusal.limited) {
            let wait = limited.retry_after.as_secs_f64().ceil();
            response = response
                .header("retry-after", format!("{wait}"))
                .header("x-ratelimit-scope", if limited.global { "global" } else { "user" });
            if limited.global {
                response = response.header("x-ratelimit-global", "true");
            }
        }
        // A header or a status that is none is the test's own mistake.
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
