//! The Slack workspace that the contestants start in: its Web API, as far as a ping needs it.
//!
//! Nova looks up who asks, and Bolt who it is itself; both keep the answers, so that this costs them
//! next to nothing. Called by `mod`, which asks for [`Workspace::start`] only: whatever stands behind it
//! can change.

use std::collections::HashMap;
use std::net::SocketAddr;

use anyhow::Context as _;
use axum::extract::{Path, Query};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Form, Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::ping::TEAM;

/// Not a secret: nothing but this server looks at it, and it does not.
pub(super) const BOT_TOKEN: &str = "xoxb-bench";
const BOT_USER: &str = "U0BOT0000";
/// Everything that a bot may ask of a workspace's people.
const SCOPES: &str = "app_mentions:read,channels:history,channels:join,channels:manage,channels:read,\
    chat:write,chat:write.public,commands,files:write,groups:history,groups:read,groups:write,\
    im:history,im:read,im:write,pins:write,team:read,usergroups:read,users:read,users:read.email";

/// A server that ends with its owner.
pub(super) struct Workspace {
    at: SocketAddr,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Workspace {
    /// # Errors
    /// When there is no free port.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for a workspace")?;
        let at = listener.local_addr()?;
        let serving = tokio::spawn(axum::serve(listener, routes()).into_future());
        Ok(Self { at, serving })
    }

    /// Where the methods are, without a slash at the end.
    pub(super) fn api_url(&self) -> String {
        format!("http://{}/api", self.at)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Arguments = HashMap<String, String>;

fn routes() -> Router {
    let asked = async |Path(method): Path<String>, Query(arguments)| answer(&method, &arguments);
    let posted = async |Path(method): Path<String>, Form(arguments)| answer(&method, &arguments);
    Router::new().route("/api/{method}", get(asked).post(posted))
}

fn answer(method: &str, arguments: &Arguments) -> impl IntoResponse + use<> {
    let value = match method {
        "auth.test" => json!({
            "ok": true, "url": "https://bench.slack.com/", "team": "bench", "team_id": TEAM,
            "user": "nova", "user_id": BOT_USER, "bot_id": "B0BENCH00", "is_enterprise_install": false,
        }),
        "users.info" => arguments.get("user").map_or_else(
            || json!({ "ok": false, "error": "user_not_found" }),
            |id| json!({ "ok": true, "user": user(id) }),
        ),
        "usergroups.list" => json!({ "ok": true, "usergroups": [] }),
        _ => json!({ "ok": false, "error": "unknown_method" }),
    };
    ([("x-oauth-scopes", SCOPES)], Json(value))
}

/// A plain member.
fn user(id: &str) -> Value {
    json!({
        "id": id, "team_id": TEAM, "name": "person", "real_name": "Person", "deleted": false,
        "tz": "Europe/Berlin", "tz_label": "Central European Time", "tz_offset": 3600,
        "profile": {
            "real_name": "Person", "display_name": "person", "team": TEAM,
            "email": "person@example.com",
        },
        "is_admin": false, "is_owner": false, "is_primary_owner": false, "is_restricted": false,
        "is_ultra_restricted": false, "is_bot": false, "is_app_user": false,
        "is_email_confirmed": true, "updated": 1_700_000_000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contest::connection::Connection;

    async fn ask(workspace: &Workspace, request: &str) -> Value {
        let mut connection = Connection::open(workspace.at).await.unwrap();
        let answer = connection.ask(request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 200);
        serde_json::from_slice(&answer.body).unwrap()
    }

    #[tokio::test]
    async fn a_method_is_asked_in_both_of_slacks_ways() {
        let workspace = Workspace::start().await.unwrap();
        let get = "GET /api/users.info?user=U1 HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(ask(&workspace, get).await["user"]["id"], "U1");
        let post = "POST /api/users.info HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\
            Content-Type: application/x-www-form-urlencoded\r\n\r\nuser=U2";
        assert_eq!(ask(&workspace, post).await["user"]["team_id"], TEAM);
        let other = "GET /api/chat.delete HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(ask(&workspace, other).await["error"], "unknown_method");
    }
}
