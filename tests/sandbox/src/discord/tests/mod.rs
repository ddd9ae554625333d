//! The guild by real clients: HTTP by `reqwest`, the gateway by `tokio-tungstenite`, and a small app that
//! listens for interactions.

mod app;
mod channels;
mod deeds;
mod gateway;
mod messages;
mod rules;

use reqwest::Method;
use serde_json::{Value, json};

use super::*;

/// A guild and a client that calls its routes.
struct Guild {
    discord: Discord,
    http: reqwest::Client,
}

async fn guild() -> Guild {
    guild_of(DiscordOptions::default()).await
}

async fn guild_of(options: DiscordOptions) -> Guild {
    // Another test may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
    let discord = Discord::start(options).await.unwrap();
    let agent = "DiscordBot (https://example.com, 1.0)";
    let http = reqwest::Client::builder().no_proxy().user_agent(agent).build().unwrap();
    Guild { discord, http }
}

impl Guild {
    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.discord.api_url());
        let token = format!("Bot {}", self.discord.bot_token());
        self.http.request(method, url).header("authorization", token)
    }

    /// The status and the JSON of a call as the bot; `METHOD /path`.
    async fn call(&self, what: &str, body: Value) -> (u16, Value) {
        let (method, path) = what.split_once(' ').unwrap();
        let request = self.request(method.parse().unwrap(), path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// As [`Guild::call`], and it must be taken.
    async fn ok(&self, what: &str, body: Value) -> Value {
        let (status, answer) = self.call(what, body).await;
        assert!((200..300).contains(&status), "{what}: {status} {answer}");
        answer
    }

    /// As [`Guild::call`], and it must be refused; status and code.
    async fn refused(&self, what: &str, body: Value) -> (u16, u64) {
        let (status, answer) = self.call(what, body).await;
        assert!(status >= 400, "{what}: {status} {answer}");
        (status, answer["code"].as_u64().unwrap_or_default())
    }

    async fn post(&self, content: &str) -> String {
        let path = format!("POST /channels/{INCIDENTS}/messages");
        let answer = self.ok(&path, json!({ "content": content })).await;
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Registers `/nova` with some commands, and a command on messages.
    async fn register(&self) {
        let app = self.discord.app();
        let (app, guild) = (&app.application_id, &app.guild_id);
        let text = |name: &str, required: bool| json!({ "type": 3, "name": name, "description": "d", "required": required });
        let mut service = text("service", true);
        service["autocomplete"] = json!(true);
        let declare = json!({ "type": 1, "name": "declare", "description": "d", "options": [
            { "type": 3, "name": "severity", "description": "d", "required": true, "choices": [
                { "name": "High", "value": "high" }, { "name": "Low", "value": "low" },
            ] },
            text("title", true),
            { "type": 4, "name": "priority", "description": "d", "min_value": 1, "max_value": 3 },
        ] });
        let nova = json!({ "name": "nova", "description": "Everything", "options": [
            { "type": 1, "name": "health", "description": "d" },
            { "type": 1, "name": "logs", "description": "d", "options": [service] },
            { "type": 2, "name": "incident", "description": "d", "options": [declare] },
        ] });
        let commands = json!([nova, { "type": 3, "name": "Add to incident" }]);
        self.ok(&format!("PUT /applications/{app}/guilds/{guild}/commands"), commands).await;
    }
}

const INCIDENTS: &str = "1300000000000000001";
const BOARD: &str = "1300000000000000004";
const ANA: &str = "1200000000000000001";
const DORA: &str = "1200000000000000005";

fn button(id: &str) -> Value {
    json!({ "type": 2, "style": 1, "label": "Go", "custom_id": id })
}

fn row(controls: &Value) -> Value {
    json!([{ "type": 1, "components": controls }])
}
