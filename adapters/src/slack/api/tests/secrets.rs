//! No token and no address that is a permission shows anywhere.

use std::error::Error;

use secrecy::SecretString;
use serde_json::json;

use super::reply::command;
use super::server::{Answers, Reply, Then, error, raw};
use super::{client, done, hasty, options, place};
use crate::chat::{Chat, ChatError, MessageRef};
use crate::message::Attachment;
use crate::slack::api::Slack;
use crate::workspace::Workspace;

/// Parts of secrets, and of an answer's body.
const SECRETS: [&str; 4] = ["first-token", "app-token", "s3cret", "in the body"];

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

async fn failures(slack: &Slack, server: &str) -> Vec<ChatError> {
    let at = MessageRef { conversation: place("C1"), id: "1700000000.000100".into() };
    let mut event = command(&format!("{server}/hook/s3cret"));
    let file = Attachment { name: "a.txt".into(), media_type: "text/plain", bytes: vec![1] };
    let mut errors = Vec::new();
    errors.extend(slack.post(&place("C1"), &done("up"), "key").await.err());
    errors.extend(slack.update(&at, &done("up")).await.err());
    errors.extend(slack.find(&place("C1"), "key").await.err());
    errors.extend(slack.attach(&at, &file).await.err());
    errors.extend(slack.profile("U1").await.err());
    errors.extend(slack.open_socket().await.err());
    errors.extend(slack.identity().await.err());
    errors.extend(slack.reply(&event).post(&place("C1"), &done("up"), "key").await.err());
    event.reply.token = Some("https://evil.example/s3cret".into());
    errors.extend(slack.reply(&event).post(&place("C1"), &done("up"), "key").await.err());
    errors
}

#[tokio::test]
async fn errors_repeat_no_secret_and_no_body() {
    let bodies = [
        Reply::new(500, "first-token is in the body"),
        Reply::new(200, "<html>first-token is in the body"),
        Reply::new(200, r#"{"ok":"in the body","first-token":1}"#),
        Reply::new(403, "in the body"),
        error("first-token is in the body"),
        json!({ "ok": false, "error": "missing_scope", "needed": "app-token s3cret!" }).into(),
        json!({ "ok": false, "error": "invalid_blocks",
            "response_metadata": { "messages": ["in the body [json-pointer:s3cret in the body]"] } })
        .into(),
        json!({ "upload_url": "https://evil.example/s3cret", "file_id": "F1" }).into(),
        json!({ "upload_url": "s3cret", "file_id": "F1", "user": { "id": "s3cret" } }).into(),
    ];
    for body in bodies {
        let server = Answers::start().await;
        for method in [
            "auth.test",
            "chat.postMessage",
            "chat.update",
            "conversations.history",
            "files.getUploadURLExternal",
            "users.info",
            "apps.connections.open",
            "hook/s3cret",
        ] {
            server.anew(method).to(method, body.clone());
        }
        let slack = client(&server.api_url());
        let errors = failures(&slack, &server.url("")).await;
        assert!(errors.len() >= 4, "{errors:?}");
        errors.iter().for_each(|error| silent(&told(error)));
        silent(&format!("{slack:?}"));
    }
}

#[tokio::test]
async fn broken_connections_tell_no_secret() {
    let (address, _tasks) = raw(Then::Close).await;
    let slack = client(&format!("http://{address}/api"));
    for error in failures(&slack, &format!("http://{address}")).await {
        silent(&told(&error));
    }
    let slack = hasty("https://slack.invalid/api");
    for error in failures(&slack, "https://hooks.slack.com").await {
        silent(&told(&error));
    }
}

#[test]
fn options_show_no_token() {
    let mut options = options("https://slack.com/api");
    silent(&format!("{options:?}"));
    options.bot_token = SecretString::from("first-token \n");
    let error = Slack::new(options).unwrap_err();
    silent(&told(&error));
}
