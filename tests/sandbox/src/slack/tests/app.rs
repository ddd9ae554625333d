//! A small app that listens over HTTP: it checks what it gets and answers as a test tells it.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::*;

/// One delivery as it came.
#[derive(Debug, Clone)]
pub(super) struct Got {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The field of a form, decoded.
    pub(super) fn field(&self, name: &str) -> String {
        let mut pairs = form_urlencoded::parse(&self.body);
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    pub(super) fn payload(&self) -> Value {
        serde_json::from_str(&self.field("payload")).unwrap()
    }
}

#[derive(Default)]
struct Inside {
    got: Mutex<Vec<Got>>,
    /// Status and body of the next answers; 200 with nothing when there are no more.
    answers: Mutex<VecDeque<(u16, String)>>,
}

pub(super) struct App {
    inside: Arc<Inside>,
    server: JoinHandle<()>,
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl App {
    /// Starts an app and makes it the workspace's target.
    pub(super) async fn start(slack: &Slack) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/slack", listener.local_addr().unwrap());
        let inside = Arc::new(Inside::default());
        let router = Router::new().fallback(take).with_state(Arc::clone(&inside));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        slack.deliver_to(HttpTarget {
            commands_url: format!("{url}/commands"),
            interactivity_url: format!("{url}/interactivity"),
            events_url: format!("{url}/events"),
            signing_secret: slack.app().signing_secret.clone(),
        });
        App { inside, server }
    }

    pub(super) fn answer(&self, status: u16, body: impl Into<String>) {
        self.inside.answers.lock().unwrap().push_back((status, body.into()));
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.inside.got.lock().unwrap().clone()
    }
}

async fn take(
    Extract(inside): Extract<Arc<Inside>>,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    inside.got.lock().unwrap().push(Got { headers, body });
    let (status, body) = inside.answers.lock().unwrap().pop_front().unwrap_or((200, String::new()));
    if status == 0 {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}
