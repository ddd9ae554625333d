//! What outsiders and broken clients send: refused or idempotent, never a 500, and nothing of it on
//! the timeline unless it was Slack's.

use nova_sandbox::slack::{Delivery, Slack};
use serde_json::json;

use crate::chat::{Office, Platform, on_slack};

on_slack!(events_that_are_unknown_are_taken);

/// The status of a request that this test makes itself.
async fn post(office: &Office, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    office.nova().request("POST", path, headers, body).await
}

fn command(slack: &Slack) -> Vec<u8> {
    let delivery = slack.command_delivery("ana", "incidents", "/nova", "ping");
    let Delivery::Command(fields) = delivery.expect("there are such a person and channel") else {
        panic!("a command is a command");
    };
    let fields = fields.as_object().expect("it has fields");
    let pairs = fields.iter().map(|(key, value)| (key, value.as_str().unwrap_or_default()));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_requests_are_refused_and_leave_no_row() {
    let office = Office::open(Platform::SlackHttp).await;
    let body = command(office.slack());
    let signed = office.slack().signed(&body);
    let proof = [
        FORM,
        ("x-slack-request-timestamp", signed.timestamp.as_str()),
        ("x-slack-signature", signed.signature.as_str()),
    ];
    let path = "/slack/commands";
    assert_eq!(post(&office, path, &[FORM], &body).await, 401, "no signature");
    for at in 0..body.len() {
        let mut flipped = body.clone();
        flipped[at] ^= 1;
        assert_eq!(post(&office, path, &proof, &flipped).await, 401, "byte {at} is another");
    }
    let stale = office.slack().signed_at(&body, -301);
    let old = [
        FORM,
        ("x-slack-request-timestamp", &stale.timestamp),
        ("x-slack-signature", &stale.signature),
    ];
    assert_eq!(post(&office, path, &old, &body).await, 401, "five minutes old");
    let early = office.slack().signed_at(&body, 301);
    let early = [
        FORM,
        ("x-slack-request-timestamp", &early.timestamp),
        ("x-slack-signature", &early.signature),
    ];
    assert_eq!(post(&office, path, &early, &body).await, 401, "from the future");
    let huge = vec![b'a'; 10 * 1024 * 1024];
    assert_eq!(post(&office, path, &proof, &huge).await, 413, "10 MB");
    let json = [("content-type", "application/json"), proof[1], proof[2]];
    assert_eq!(post(&office, path, &json, &body).await, 415, "not a form");
    assert!(office.timeline().await.is_empty());
    // The same bytes a hundred times are one command.
    for _ in 0..100 {
        assert_eq!(post(&office, path, &proof, &body).await, 200);
    }
    assert_eq!(office.timeline().await.len(), 1, "one command");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_nonsense_is_a_bad_request() {
    let office = Office::open(Platform::SlackHttp).await;
    let long = "x".repeat(60_000);
    let cases: Vec<(&str, (&str, &str), String)> = vec![
        ("/slack/commands", FORM, String::new()),
        ("/slack/commands", FORM, "text=%ff%00&user_id=../../etc".to_owned()),
        ("/slack/commands", FORM, format!("text={long}")),
        ("/slack/interactivity", FORM, "payload=".to_owned()),
        ("/slack/interactivity", FORM, "payload={\"type\":\"block_actions\"".to_owned()),
        ("/slack/interactivity", FORM, format!("payload={}", "[".repeat(50_000))),
        (
            "/slack/interactivity",
            FORM,
            "payload=%7B%22type%22%3A%22view_submission%22%7D".to_owned(),
        ),
        ("/slack/events", ("content-type", "application/json"), "null".to_owned()),
        ("/slack/events", ("content-type", "application/json"), "{\"type\":3}".to_owned()),
    ];
    for (path, kind, body) in cases {
        let signed = office.slack().signed(body.as_bytes());
        let headers = [
            kind,
            ("x-slack-request-timestamp", signed.timestamp.as_str()),
            ("x-slack-signature", signed.signature.as_str()),
        ];
        let status = post(&office, path, &headers, body.as_bytes()).await;
        assert_eq!(status, 400, "{path} {}", &body[..body.len().min(60)]);
    }
    for path in ["/", "/slack", "/slack/commands/", "/metrics", "/healthz"] {
        let status = post(&office, path, &[FORM], b"").await;
        assert!([401, 404, 405].contains(&status), "{path}: {status}");
    }
    assert!(office.timeline().await.is_empty());
    office.close().await;
}

async fn events_that_are_unknown_are_taken(platform: Platform) {
    let office = Office::open(platform).await;
    for event in [
        json!({ "type": "something_new", "user": "U0ANA00001" }),
        json!({ "type": "message", "channel": "C0INCIDENT", "text": "<!channel> hi", "ts": "1.000001" }),
        json!({ "type": "app_home_opened", "user": "U0ANA00001", "tab": "messages", "channel": "D1" }),
    ] {
        let delivered = office.slack().event(event).await;
        assert!(delivered.acked && delivered.attempts == 1, "{delivered:?}");
    }
    assert!(office.timeline().await.is_empty());
    office.close().await;
}
