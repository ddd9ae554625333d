//! Servers that stand in for Slack.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

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
    /// `ok` is true where the value says nothing of it.
    fn from(mut value: Value) -> Self {
        let object = value.as_object_mut().expect("an answer is an object");
        object.entry("ok").or_insert(true.into());
        Self::new(200, value.to_string()).header("content-type", "application/json")
    }
}

/// `ok: false` with this code.
pub(super) fn error(code: &str) -> Reply {
    json!({ "ok": false, "error": code }).into()
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The path without `/api/`.
    pub(super) method: String,
    pub(super) authorisation: Option<String>,
    /// The JSON body, or the query as an object of strings.
    pub(super) arguments: Value,
    pub(super) body: Vec<u8>,
}

#[derive(Default)]
struct Shared {
    replies: HashMap<String, VecDeque<Reply>>,
    seen: Vec<Seen>,
}

/// Answers each method as it was told to: one after the other, the last one for ever.
pub(super) struct Answers {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    _tasks: JoinSet<()>,
}

impl Answers {
    /// With an answer to `auth.test`.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::default();
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
        let answers = Self { address, shared, _tasks: tasks };
        let me = json!({ "team_id": "T1", "user_id": "UBOT", "bot_id": "BBOT" });
        answers.to("auth.test", me);
        answers
    }

    pub(super) fn api_url(&self) -> String {
        self.url("api")
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Adds an answer to `method`.
    pub(super) fn to(&self, method: &str, reply: impl Into<Reply>) -> &Self {
        let mut shared = self.shared.lock().unwrap();
        shared.replies.entry(method.into()).or_default().push_back(reply.into());
        drop(shared);
        self
    }

    /// Forgets the answers to `method`, for others.
    pub(super) fn anew(&self, method: &str) -> &Self {
        self.shared.lock().unwrap().replies.remove(method);
        self
    }

    /// All requests with `method`.
    pub(super) fn seen(&self, method: &str) -> Vec<Seen> {
        let shared = self.shared.lock().unwrap();
        shared.seen.iter().filter(|seen| seen.method == method).cloned().collect()
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
    let path = uri.path().trim_start_matches('/').trim_start_matches("api/").to_owned();
    let arguments = if method == Method::GET {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect()
    } else {
        serde_json::from_slice(&body).unwrap_or_default()
    };
    let authorisation = headers.get("authorization").map(|text| text.to_str().unwrap().into());
    let mut shared = shared.lock().unwrap();
    let body = body.to_vec();
    shared.seen.push(Seen { method: path.clone(), authorisation, arguments, body });
    let reply = match shared.replies.get_mut(&path) {
        Some(replies) if replies.len() > 1 => replies.pop_front().unwrap(),
        Some(replies) => replies[0].clone(),
        None => error("unknown_method"),
    };
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(reply.body.into()).unwrap()
}

/// What a raw server does after it has read a request.
#[derive(Clone, Copy)]
pub(super) enum Then {
    /// Writes nothing and closes.
    Close,
    /// Writes this and closes.
    Write(&'static str),
    /// Writes this and stays silent.
    WriteAndStay(&'static str),
}

/// A server that reads whole requests and then does as told. Ends with the second value.
pub(super) async fn raw(then: Then) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.spawn(serve_raw(connection, then));
        }
    });
    (address, tasks)
}

async fn serve_raw(mut connection: TcpStream, then: Then) {
    let mut request = Vec::new();
    while !whole(&request) {
        if connection.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
            continue;
        }
        return;
    }
    let (Then::Write(text) | Then::WriteAndStay(text)) = then else { return };
    if connection.write_all(text.as_bytes()).await.is_ok() && matches!(then, Then::WriteAndStay(_))
    {
        // Until the client hangs up.
        let _gone = connection.read_buf(&mut request).await;
    }
}

/// Whether the head and as much body as it says are there.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
