//! A server that stands in for Discord.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{BOT, CHANNEL, MESSAGE};

/// What to answer.
#[derive(Clone)]
pub(super) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self::new(200, value.to_string()).header("content-type", "application/json")
    }
}

/// An error with this status and code.
pub(super) fn error(status: u16, code: u64) -> Reply {
    Reply::new(status, json!({ "message": "in the body", "code": code }).to_string())
}

/// A message of the bot's in [`CHANNEL`].
pub(super) fn posted() -> Reply {
    posted_in(CHANNEL)
}

pub(super) fn posted_in(channel: &str) -> Reply {
    json!({ "id": MESSAGE, "channel_id": channel, "type": 0, "author": { "id": BOT } }).into()
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The method and the path without `/api/v10`.
    pub(super) call: String,
    pub(super) headers: HeaderMap,
    /// The JSON body, or the query as an object of strings.
    pub(super) arguments: Value,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

#[derive(Default)]
struct Shared {
    replies: HashMap<String, VecDeque<Reply>>,
    seen: Vec<Seen>,
}

/// Answers each call as it was told to: one after the other, the last one for ever. A call is a method
/// and a path: `GET /users/@me`.
pub(super) struct Answers {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    _tasks: JoinSet<()>,
}

impl Answers {
    /// With an answer to `GET /users/@me`.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::default();
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        let answers = Self { address, shared, _tasks: tasks };
        answers.to("GET /users/@me", json!({ "id": BOT, "username": "nova", "bot": true }));
        answers
    }

    pub(super) fn api_url(&self) -> String {
        format!("http://{}/api/v10", self.address)
    }

    /// Adds an answer to `call`.
    pub(super) fn to(&self, call: &str, reply: impl Into<Reply>) -> &Self {
        let mut shared = self.shared.lock().unwrap();
        shared.replies.entry(call.into()).or_default().push_back(reply.into());
        drop(shared);
        self
    }

    /// Forgets the answers to `call`, for others.
    pub(super) fn anew(&self, call: &str) -> &Self {
        self.shared.lock().unwrap().replies.remove(call);
        self
    }

    /// All requests of `call`.
    pub(super) fn seen(&self, call: &str) -> Vec<Seen> {
        let shared = self.shared.lock().unwrap();
        shared.seen.iter().filter(|seen| seen.call == call).cloned().collect()
    }

    pub(super) fn count(&self) -> usize {
        self.shared.lock().unwrap().seen.len()
    }
}

async fn answer(
    State(shared): State<Arc<Mutex<Shared>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let call = format!("{method} {}", uri.path().trim_start_matches("/api/v10"));
    let arguments = if method == Method::GET {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect()
    } else {
        serde_json::from_slice(&body).unwrap_or_default()
    };
    let mut shared = shared.lock().unwrap();
    shared.seen.push(Seen { call: call.clone(), headers, arguments, body: body.to_vec() });
    let reply = match shared.replies.get_mut(&call) {
        Some(replies) if replies.len() > 1 => replies.pop_front().unwrap(),
        Some(replies) => replies[0].clone(),
        None => error(404, 0),
    };
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(reply.body.into()).unwrap()
}
