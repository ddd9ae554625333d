//! No token shows anywhere, and no word of an answer's body.

use std::error::Error;

use serde_json::json;

use super::messages::at;
use super::reply::command;
use super::server::{Answers, Reply, error};
use super::{ANA, CHANNEL, client, done, hasty, options, place};
use crate::chat::{Chat, ChatError};
use crate::discord::api::Discord;
use crate::message::Attachment;
use crate::workspace::Workspace;

/// Parts of secrets, and of an answer's body.
const SECRETS: [&str; 3] = ["bot-token", "s3cret", "in the body"];

/// The error in all its forms, with its sources.
fn told(error: &ChatError) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(" {inner} {inner:?}"));
        source = inner.source();
    }
    text
}

fn silent(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is in: {text}");
    }
}

async fn failures(discord: &Discord) -> Vec<ChatError> {
    let file = Attachment { name: "a.txt".into(), media_type: "text/plain", bytes: vec![1] };
    let (to, event) = (place(CHANNEL), command());
    let mut errors = Vec::new();
    errors.extend(discord.reply(&event).post(&to, &done("up"), "key").await.err());
    errors.extend(discord.answer(&to, ANA, &event.reply, &done("up"), true).await.err());
    errors.extend(discord.respond("17", "s3cret", &json!({ "type": 5 })).await.err());
    errors.extend(discord.post(&to, &done("up"), "key").await.err());
    errors.extend(discord.update(&at(), &done("up")).await.err());
    errors.extend(discord.find(&to, "key").await.err());
    errors.extend(discord.attach(&at(), &file).await.err());
    errors.extend(discord.profile(ANA).await.err());
    errors.extend(discord.gateway().await.err());
    errors.extend(discord.identity().await.err());
    errors
}

#[tokio::test]
async fn errors_repeat_no_secret_and_no_body() {
    let calls = [
        "PATCH /webhooks/1100000000000000001/s3cret/messages/@original",
        "POST /webhooks/1100000000000000001/s3cret",
        "POST /interactions/17/s3cret/callback",
        "POST /channels/1400000000000000001/messages",
        "PATCH /channels/1400000000000000001/messages/1600000000000000001",
        "GET /channels/1400000000000000001/messages",
        "GET /guilds/1200000000000000001/members/1500000000000000001",
        "GET /gateway/bot",
        "GET /users/@me",
    ];
    let named = json!({ "code": 50035, "message": "in the body", "errors":
        { "in the body": { "_errors": [{ "code": "in the body" }] } } });
    let bodies = [
        Reply::new(500, "bot-token is in the body"),
        Reply::new(200, r#"{"url":"wss://s3cret.example/in the body","id":"in the body"}"#),
        Reply::new(403, "in the body"),
        Reply::new(400, named.to_string()),
        error(400, 12345),
        error(401, 0),
    ];
    for body in bodies {
        let server = Answers::start().await;
        for call in calls {
            server.anew(call).to(call, body.clone());
        }
        let discord = client(&server.api_url());
        let errors = failures(&discord).await;
        assert!(errors.len() >= 4, "{errors:?}");
        errors.iter().for_each(|error| silent(&told(error)));
        silent(&format!("{discord:?}"));
    }
}

#[tokio::test]
async fn broken_connections_tell_no_secret() {
    let discord = hasty("https://discord.invalid/api/v10");
    for error in failures(&discord).await {
        silent(&told(&error));
    }
    silent(&format!("{:?}", options("https://discord.com/api/v10")));
}
