//! A listener that takes every delivery and keeps it as it came, and calls of the Web API, so that
//! there is something to click on. Called by the scenarios that look at bytes.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use nova_sandbox::slack::{HttpTarget, Slack};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One delivery as it came.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no header {name}"));
        value.to_str().expect("headers are text")
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("Slack sends UTF-8")
    }

    /// What it says: an event's JSON, an interaction's payload, a command's fields.
    pub(super) fn payload(&self) -> Value {
        if self.header("content-type") == "application/json" {
            return serde_json::from_slice(&self.body).expect("an event is JSON");
        }
        let mut fields = form_urlencoded::parse(&self.body);
        match fields.find(|(key, _)| key == "payload") {
            Some((_, payload)) => serde_json::from_str(&payload).expect("a payload is JSON"),
            None => {
                let fields = form_urlencoded::parse(&self.body);
                fields
                    .map(|(key, value)| (key.into_owned(), Value::from(value.into_owned())))
                    .collect()
            }
        }
    }
}

type Kept = Arc<Mutex<Vec<Got>>>;

/// It stops when dropped.
pub(super) struct Listener {
    kept: Kept,
    server: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Listener {
    /// Starts one and has everything delivered to it.
    pub(super) async fn start(slack: &Slack) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/slack", socket.local_addr().expect("it is bound"));
        let kept = Kept::default();
        let app = Router::new().fallback(keep).with_state(Arc::clone(&kept));
        let server =
            tokio::spawn(async move { axum::serve(socket, app).await.expect("it serves") });
        slack.deliver_to(HttpTarget {
            commands_url: format!("{url}/commands"),
            interactivity_url: format!("{url}/interactivity"),
            events_url: format!("{url}/events"),
            signing_secret: slack.app().signing_secret.clone(),
        });
        Self { kept, server }
    }

    pub(super) fn kept(&self) -> Vec<Got> {
        self.kept.lock().expect("nobody panicked").clone()
    }
}

/// Mentions are taken at the second attempt only, so that there is a repeated delivery too.
async fn keep(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let got = Got { headers, body };
    let first = !got.headers.contains_key("x-slack-retry-num");
    let mention = got.text().contains("\"type\":\"app_mention\"");
    kept.lock().expect("nobody panicked").push(got);
    if first && mention { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}

/// Calls a method with a form, the one encoding that every method takes, and gives the answer.
pub(super) async fn ask(slack: &Slack, token: &str, method: &str, arguments: &Value) -> Value {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (key, value) in arguments.as_object().expect("arguments are an object") {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form.append_pair(key, &text);
    }
    let (path, form) = (format!("/api/{method}"), form.finish());
    let answer = post(slack, token, &path, "application/x-www-form-urlencoded", &form).await;
    serde_json::from_str(&answer).expect("an answer is JSON")
}

/// As the bot, and Slack agrees.
pub(super) async fn call(slack: &Slack, method: &str, arguments: Value) -> Value {
    let answer = ask(slack, &slack.bot_token(), method, &arguments).await;
    assert_eq!(answer["ok"], true, "{method} {arguments}: {answer}");
    answer
}

/// The body of the answer. HTTP/1.0, so that it ends with its connection.
pub(super) async fn post(
    slack: &Slack,
    token: &str,
    path: &str,
    content: &str,
    body: &str,
) -> String {
    let address = slack.url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.expect("the workspace listens");
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {content}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    );
    stream.write_all(request.as_bytes()).await.expect("the workspace reads");
    let mut raw = String::new();
    stream.read_to_string(&mut raw).await.expect("the workspace answers");
    let (_, body) = raw.split_once("\r\n\r\n").expect("an answer has a head");
    body.to_owned()
}
