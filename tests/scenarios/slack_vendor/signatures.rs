//! Every delivery over HTTP carries a signature that `slack_sdk` accepts for these bytes only.

use nova_sandbox::slack::{Signed, Slack, SlackOptions};
use serde_json::{Value, json};

use super::everything::{TEXT, delivered};
use super::listener::Got;
use crate::support::python::{run, script};

const TIMESTAMP: &str = "x-slack-request-timestamp";
const SIGNATURE: &str = "x-slack-signature";

async fn verify(secret: &str, deliveries: &[Value]) -> Value {
    let given = json!({ "secret": secret, "deliveries": deliveries });
    let printed = run(script("slack_vendor/verify.py"), &given.to_string()).await;
    serde_json::from_str(&printed).expect("it prints JSON")
}

fn raw(got: &Got) -> Value {
    let headers: Value = got
        .headers
        .keys()
        .map(|name| (name.to_string(), Value::from(got.header(name.as_str()))))
        .collect();
    json!({ "headers": headers, "body": got.text() })
}

/// How many bytes there are to change.
fn bytes(deliveries: &[Value]) -> usize {
    deliveries.iter().map(|delivery| delivery["body"].as_str().map_or(0, str::len)).sum()
}

#[tokio::test]
async fn every_delivery_is_signed_as_the_sdk_wants() {
    let slack = Slack::start(SlackOptions::default()).await.expect("the workspace starts");
    let got = delivered(&slack).await;
    let repeated = got.iter().filter(|got| got.headers.contains_key("x-slack-retry-num"));
    assert_eq!(repeated.count(), 1, "one event was sent again");
    let deliveries: Vec<Value> = got.iter().map(raw).collect();
    let found = verify(&slack.app().signing_secret, &deliveries).await;
    let valid = vec![true; deliveries.len()];
    let expected = json!({ "valid": valid, "changed": bytes(&deliveries), "taken": [] });
    assert_eq!(found, expected);
    let found = verify("another secret", &deliveries).await;
    assert_eq!(found["valid"], json!(vec![false; deliveries.len()]));
}

/// What tests sign themselves; the SDK takes five minutes.
#[tokio::test]
async fn a_signature_holds_for_five_minutes() {
    let slack = Slack::start(SlackOptions::default()).await.expect("the workspace starts");
    let delivery = |Signed { timestamp, signature }: Signed, body: &str| json!({ "headers": { TIMESTAMP: timestamp, SIGNATURE: signature }, "body": body });
    let at = |seconds: i64| delivery(slack.signed_at(TEXT.as_bytes(), seconds), TEXT);
    let now = delivery(slack.signed(TEXT.as_bytes()), TEXT);
    let deliveries = [now, at(-240), at(240), at(-400), at(400)];
    let found = verify(&slack.app().signing_secret, &deliveries).await;
    let valid = [true, true, true, false, false];
    assert_eq!(found, json!({ "valid": valid, "changed": bytes(&deliveries), "taken": [] }));
}
