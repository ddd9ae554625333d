//! The workspace by real clients: HTTP by `reqwest`, sockets by `tokio-tungstenite`, and small apps
//! that listen for deliveries.

mod api;
mod app;
mod http;
mod rules;
mod socket;

use serde_json::{Value, json};

use super::*;

/// A workspace and a client that calls its methods.
struct World {
    slack: Slack,
    http: reqwest::Client,
}

async fn world() -> World {
    world_of(SlackOptions::default()).await
}

async fn world_of(options: SlackOptions) -> World {
    // Another test may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
    let slack = Slack::start(options).await.unwrap();
    World { slack, http: reqwest::Client::builder().no_proxy().build().unwrap() }
}

impl World {
    fn request(&self, method: &str, args: &Value) -> reqwest::RequestBuilder {
        let form: Vec<(&String, String)> = args
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| {
                (key, value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect();
        self.http.post(format!("{}/{method}", self.slack.api_url())).form(&form)
    }

    /// Calls a method as the bot, with form fields.
    async fn call(&self, method: &str, args: Value) -> Value {
        let request = self.request(method, &args).bearer_auth(self.slack.bot_token());
        request.send().await.unwrap().json().await.unwrap()
    }

    /// As [`World::call`], and it must be `ok`.
    async fn ok(&self, method: &str, args: Value) -> Value {
        let answer = self.call(method, args).await;
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        answer
    }

    /// As [`World::call`], and it must be refused; the error.
    async fn refused(&self, method: &str, args: Value) -> String {
        let answer = self.call(method, args).await;
        assert_eq!(answer["ok"], false, "{method}: {answer}");
        answer["error"].as_str().unwrap().to_owned()
    }

    async fn post(&self, channel: &str, text: &str) -> String {
        let answer = self.ok("chat.postMessage", json!({ "channel": channel, "text": text })).await;
        answer["ts"].as_str().unwrap().to_owned()
    }
}

const INCIDENTS: &str = "C0INCIDENT";
const ANA: &str = "U0ANA00001";
const BO: &str = "U0BO000001";

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

fn button(action_id: &str) -> Value {
    json!({ "type": "button", "action_id": action_id, "value": "7", "text": plain("Do it") })
}
