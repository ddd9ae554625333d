//! A small app that listens over HTTP and answers as a test tells it.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use tokio::sync::watch;

use super::*;

/// One interaction as it came.
#[derive(Debug, Clone)]
pub(super) struct Got {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Got {
    pub(super) fn payload(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

#[derive(Default)]
struct Inside {
    got: watch::Sender<Vec<Got>>,
    /// Status and body of the next answers; 202 with nothing when there are no more.
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
    /// Starts an app and makes it the guild's address.
    pub(super) async fn start(discord: &Discord) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/interactions", listener.local_addr().unwrap());
        let inside = Arc::new(Inside::default());
        let router = Router::new().fallback(take).with_state(Arc::clone(&inside));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        discord.deliver_to(&url);
        App { inside, server }
    }

    pub(super) fn answer(&self, response: &Value) {
        self.say(200, &response.to_string());
    }

    /// Status 0: no answer at all.
    pub(super) fn say(&self, status: u16, body: &str) {
        self.inside.answers.lock().unwrap().push_back((status, body.to_owned()));
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.inside.got.borrow().clone()
    }

    /// Waits until so many have come, at most ten seconds.
    pub(super) async fn until_got(&self, count: usize) {
        let mut got = self.inside.got.subscribe();
        let come = tokio::time::timeout(WAIT, got.wait_for(|got| got.len() >= count)).await;
        come.unwrap_or_else(|_| panic!("waited ten seconds for {count} interactions")).unwrap();
    }

    pub(super) fn last(&self) -> Value {
        self.got().last().unwrap().payload()
    }
}

async fn take(
    Extract(inside): Extract<Arc<Inside>>,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    inside.got.send_modify(|got| got.push(Got { headers, body }));
    let (status, body) = inside.answers.lock().unwrap().pop_front().unwrap_or((202, String::new()));
    if status == 0 {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}
