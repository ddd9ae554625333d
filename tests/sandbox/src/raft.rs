//! Members of a raft group as their HTTP endpoints tell of it: `/NAME/api/v1/raft/status` and
//! `/NAME/api/v1/raft/peers`. Every member has its own account, so that they can disagree. Dropping it
//! ends it. Used by scenarios.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::task::JoinHandle;

/// What one member says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `leader`, `follower` or `candidate`.
    pub state: String,
    pub term: u64,
    pub leader: String,
    pub commit: u64,
    /// Whom it counts as members, itself included.
    pub peers: Vec<String>,
}

type Members = Arc<Mutex<BTreeMap<String, Member>>>;

/// A running group.
pub struct Raft {
    members: Members,
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Raft {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Raft {
    /// Starts a group whose first member leads in term 7, on a free port of the loopback.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start<N: AsRef<str>>(names: &[N]) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let peers: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let member = |index: usize| Member {
            state: if index == 0 { "leader" } else { "follower" }.to_owned(),
            term: 7,
            leader: peers.first().cloned().unwrap_or_default(),
            commit: 4_200,
            peers: peers.clone(),
        };
        let members: BTreeMap<String, Member> =
            peers.iter().enumerate().map(|(n, name)| (name.clone(), member(n))).collect();
        let members: Members = Arc::new(Mutex::new(members));
        let app = Router::new()
            .route("/{name}/api/v1/raft/status", get(status))
            .route("/{name}/api/v1/raft/peers", get(peers_of))
            .with_state(Arc::clone(&members));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::warn!(%error, "the raft stand-in ended");
            }
        });
        Ok(Self { members, port, task })
    }

    /// Where a member answers.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// Changes what a member says.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Member)) {
        if let Some(member) = held(&self.members).get_mut(name) {
            change(member);
        }
    }
}

/// Plain values: they stay usable whatever a holder of the lock did.
fn held(members: &Members) -> MutexGuard<'_, BTreeMap<String, Member>> {
    members.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn status(State(members): State<Members>, Path(name): Path<String>) -> Response {
    let Some(member) = held(&members).get(&name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    Json(json!({
        "node_id": name, "state": member.state, "term": member.term, "leader_id": member.leader,
        "commit_index": member.commit, "last_applied": member.commit,
    }))
    .into_response()
}

async fn peers_of(State(members): State<Members>, Path(name): Path<String>) -> Response {
    let Some(member) = held(&members).get(&name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let peers: Vec<_> = member
        .peers
        .iter()
        .map(|id| json!({ "id": id, "address": format!("{id}.novacron.internal:8084") }))
        .collect();
    Json(json!({ "node_id": name, "peers": peers })).into_response()
}
