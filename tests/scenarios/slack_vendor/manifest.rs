//! `deploy/slack/manifest.yaml` asks for what nova uses, all of it and nothing else, in words that
//! slack-morphism's model of a manifest knows.

use std::collections::BTreeSet;

use nova_adapters::slack::api::SCOPES;
use nova_adapters::slack::inbound::{ADD_TO_INCIDENT, Identity, Inbound, event};
use serde_json::{Value, json};
use slack_morphism::prelude::SlackAppManifest;

use crate::support::python::{run, scenarios, script};

/// What Slack takes and the model does not have (docs.slack.dev, "App manifest reference").
const NOT_IN_THE_MODEL: [&str; 1] = ["/settings/token_rotation_enabled"];

async fn manifest() -> Value {
    let mut command = script("slack_vendor/manifest.py");
    command.arg(scenarios().join("../../deploy/slack/manifest.yaml"));
    serde_json::from_str(&run(command, "").await).expect("it prints JSON")
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("it is a list");
    list.iter().map(|item| item.as_str().expect("it is a text")).collect()
}

#[tokio::test]
async fn the_model_knows_every_key() {
    let mut written = manifest().await;
    let model: SlackAppManifest =
        serde_json::from_value(written.clone()).expect("the model reads it");
    for path in NOT_IN_THE_MODEL {
        let (above, key) = path.rsplit_once('/').expect("a path has a slash");
        let above = written.pointer_mut(above).and_then(Value::as_object_mut);
        let removed = above.and_then(|above| above.remove(key));
        assert!(removed.is_some(), "{path} is not there any more");
    }
    assert_eq!(serde_json::to_value(model).expect("the model is JSON"), written);
}

#[tokio::test]
async fn it_asks_for_the_scopes_that_nova_checks() {
    let manifest = manifest().await;
    let scopes = &manifest["oauth_config"]["scopes"];
    let needed: Vec<&str> = SCOPES.iter().map(|(scope, _)| *scope).collect();
    assert_eq!(texts(&scopes["bot"]), needed);
    assert_eq!(scopes.as_object().map(serde_json::Map::len), Some(1), "nothing for a person");
}

#[tokio::test]
async fn its_command_and_shortcut_are_those_that_nova_serves() {
    let manifest = manifest().await;
    let features = &manifest["features"];
    let commands = features["slash_commands"].as_array().expect("there are commands");
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0]["command"], "/nova");
    // Without it nova is told names of people and channels, which anybody can change.
    assert_eq!(commands[0]["should_escape"], true);
    let shortcuts = features["shortcuts"].as_array().expect("there are shortcuts");
    assert_eq!(shortcuts.len(), 1);
    assert_eq!(shortcuts[0]["callback_id"], ADD_TO_INCIDENT);
    assert_eq!(shortcuts[0]["type"], "message");
    assert_eq!(features["app_home"]["home_tab_enabled"], true);
    assert_eq!(manifest["settings"]["interactivity"]["is_enabled"], true);
    assert_eq!(manifest["settings"]["socket_mode_enabled"], true);
}

/// Whether nova does anything about an event of this name that concerns nova itself.
fn serves(name: &str) -> bool {
    let us = Identity {
        team: "T0NOVA0001".to_owned(),
        enterprise: None,
        app: Some("A0NOVA0001".to_owned()),
        bot_user: "U0NOVA0001".to_owned(),
    };
    let told = json!({
        "type": name, "user": us.bot_user, "channel": "C0INCIDENT", "tab": "home",
        "tokens": { "oauth": [], "bot": [us.bot_user] }, "event_ts": "1700000000.000100",
    });
    let envelope = json!({
        "type": "event_callback", "team_id": us.team, "api_app_id": us.app, "event": told,
        "event_id": "Ev0NOVA0001", "event_time": 1_700_000_000,
    });
    let read = event(envelope.to_string().as_bytes(), &us);
    !matches!(read.expect("it is an event of ours"), Inbound::Ignored)
}

/// Every event that Slack has published, by the names that stand in payloads.
fn published() -> BTreeSet<String> {
    let schema: Value =
        serde_json::from_str(include_str!("../contracts/slack/slack_events_api_async_v1.json"))
            .expect("the published file is JSON");
    let topics = schema["topics"].as_object().expect("it has topics");
    topics.keys().map(|topic| topic.replace('.', "_")).collect()
}

#[tokio::test]
async fn its_events_are_those_that_nova_reads() {
    let manifest = manifest().await;
    let asked = texts(&manifest["settings"]["event_subscriptions"]["bot_events"]);
    assert!(asked.is_sorted(), "{asked:?}");
    let ignored: Vec<_> = asked.iter().filter(|name| !serves(name)).collect();
    assert!(ignored.is_empty(), "asked for and never read: {ignored:?}");
    let published = published();
    assert!(published.len() > 60 && published.contains("channel_archive"), "{published:?}");
    let never = |name: &&String| !asked.contains(&name.as_str()) && serves(name);
    let missing: Vec<_> = published.iter().filter(never).collect();
    assert!(missing.is_empty(), "read and not asked for: {missing:?}");
}
