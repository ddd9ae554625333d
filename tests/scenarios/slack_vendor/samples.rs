//! What the sandbox answers and sends, against the samples that Slack's own SDK for Java is tested
//! with: every key stands in the sample, with a value of the same type. Invariant: every sample that
//! is here is used, and so is every exception.

use std::collections::BTreeSet;

use nova_adapters::slack::inbound::{Identity, command_json, event, interaction};
use nova_sandbox::slack::{Outcome, Slack, SlackOptions};
use serde_json::{Value, json};

use super::api_calls;
use super::everything::delivered;
use super::listener::{Got, ask};
use crate::support::python::scenarios;
use crate::support::shape::{Exception, Findings, without};

/// What stands in an answer and not in its sample. The last ones are the sandbox's alone: Slack is not
/// known to send them, and nova reads none of them.
const MORE_IN_ANSWERS: &[Exception] = &[
    (
        "conversations.history",
        "/messages[]/bot_profile/user_id",
        "in the sample of chat.postMessage",
    ),
    (
        "conversations.replies",
        "/messages[]/bot_profile/user_id",
        "in the sample of chat.postMessage",
    ),
    ("chat.update", "/message/bot_profile/user_id", "in the sample of chat.postMessage"),
    ("chat.update", "/message/attachments", "in the published schema"),
    (
        "conversations.info",
        "/channel/is_open",
        "the sample is of channels only, not of direct messages",
    ),
    (
        "conversations.info",
        "/channel/user",
        "the sample is of channels only, not of direct messages",
    ),
    ("conversations.list", "/channels[]/is_open", "in the sample of users.conversations"),
    ("conversations.leave", "/not_in_channel", "in the published schema"),
    (
        "conversations.setPurpose",
        "/channel/internal_team_ids",
        "in the sample of conversations.info",
    ),
    ("conversations.setTopic", "/channel/internal_team_ids", "in the sample of conversations.info"),
    ("pins.list", "/items[]/channel", "the sample is of files; in the published schema"),
    ("pins.list", "/items[]/message", "the sample is of files; in the published schema"),
    ("usergroups.list", "/usergroups[]/auto_type", "null, and samples leave that out"),
    ("users.info", "/user/profile/fields", "in the sample of users.list"),
    ("users.lookupByEmail", "/user/profile/fields", "in the sample of users.list"),
    ("chat.postMessage", "/warning", "of a call without a charset; in other methods' samples"),
    ("chat.postMessage", "/response_metadata/warnings", "of a call without a charset"),
    ("chat.update", "/message/ts", "the sandbox's alone"),
    ("chat.update", "/message/thread_ts", "the sandbox's alone"),
    ("chat.update", "/message/reply_count", "the sandbox's alone"),
    ("chat.update", "/message/reply_users", "the sandbox's alone"),
    ("chat.update", "/message/reply_users_count", "the sandbox's alone"),
    ("chat.update", "/message/latest_reply", "the sandbox's alone"),
    ("chat.update", "/message/subscribed", "the sandbox's alone"),
    ("chat.update", "/message/is_locked", "the sandbox's alone"),
    ("conversations.setPurpose", "/purpose", "the sandbox's alone"),
    ("users.conversations", "/channels[]/is_member", "the sandbox's alone"),
    ("users.conversations", "/channels[]/num_members", "the sandbox's alone"),
];

const COMMAND: &str = "app-backend/slash-commands/SlashCommandPayload";
const CLICK: &str = "app-backend/interactive-components/BlockActionPayload";
const SHORTCUT: &str = "app-backend/interactive-components/MessageShortcutPayload";
const SUBMISSION: &str = "app-backend/views/ViewSubmissionPayload";
const CLOSED: &str = "app-backend/views/ViewClosedPayload";

/// What stands in a payload and not in its sample. nova reads every payload the same without it.
const MORE_IN_PAYLOADS: &[Exception] = &[
    (COMMAND, "/is_enterprise_install: no text there", "a form has no booleans"),
    (CLICK, "/message/blocks[]/elements[]/options", "the sample has only empty menus"),
    (CLICK, "/message/bot_profile/user_id", "in the sample of chat.postMessage"),
    (CLICK, "/view/blocks", "the samples leave out a view's blocks"),
    (SUBMISSION, "/view/blocks", "the samples leave out a view's blocks"),
    (SUBMISSION, "/response_urls", "docs.slack.dev, \"View interactions payload\""),
    (CLOSED, "/view/blocks", "the samples leave out a view's blocks"),
    (SHORTCUT, "/message/blocks[]/elements[]/options", "the sample has only empty menus"),
    (SHORTCUT, "/message/bot_profile/user_id", "in the sample of chat.postMessage"),
    (SHORTCUT, "/user/username", "of apps installed for an organisation, Bolt's types say"),
    (SHORTCUT, "/api_app_id", "the sandbox's alone"),
    ("*", "/context_team_id", "newer than most samples; in MemberLeftChannelPayload"),
    ("*", "/context_enterprise_id", "newer than most samples; in MemberLeftChannelPayload"),
    ("*", "/event/event_ts", "of every event (docs.slack.dev, \"The Events API\")"),
    ("events/AppHomeOpenedPayload", "/event/view/blocks", "the samples leave out a view's blocks"),
    ("events/UserChangePayload", "/event/user/profile/fields", "in the sample of users.list"),
    (
        "events/UserChangePayload",
        "/event/user/profile/status_emoji_display_info",
        "in the sample of users.list",
    ),
];

/// Events without a sample of their own. Their envelope is held against another event's.
const UNPUBLISHED: [&str; 2] = ["channel_left", "group_left"];

fn sample(path: &str) -> Value {
    let file = scenarios().join("contracts/slack/samples").join(path);
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).expect("a sample is JSON")
}

/// The samples in a folder, by name.
fn samples(folder: &str) -> BTreeSet<String> {
    let folder = scenarios().join("contracts/slack/samples").join(folder);
    let files = std::fs::read_dir(folder).expect("the samples are there");
    let name = |file: std::io::Result<std::fs::DirEntry>| {
        let name = file.expect("it can be listed").file_name().into_string();
        name.expect("names are text").trim_end_matches(".json").to_owned()
    };
    files.map(name).collect()
}

#[tokio::test]
async fn answers_have_the_published_keys() {
    let slack = Slack::start(SlackOptions::default()).await.expect("the workspace starts");
    let mut findings = Findings::new(MORE_IN_ANSWERS);
    for (method, answer) in api_calls::all(&slack).await {
        findings.compare(&method, &answer, &sample(&format!("api/{method}.json")));
    }
    findings.end();
    let journal = slack.journal();
    let answered = journal.iter().filter(|request| request.outcome == Outcome::Ok);
    let answered: BTreeSet<String> = answered.map(|request| request.method.clone()).collect();
    let missing: Vec<_> = samples("api").difference(&answered).cloned().collect();
    assert!(missing.is_empty(), "samples without an answer: {missing:?}");
}

#[tokio::test]
async fn refusals_have_the_published_keys() {
    let slack = Slack::start(SlackOptions::default()).await.expect("the workspace starts");
    let token = slack.bot_token();
    let mut findings = Findings::new(&[]);
    let published = sample("api/chat.postMessage.json");
    let mut refused = |answer: &Value, error: &str| {
        assert_eq!((&answer["ok"], &answer["error"]), (&json!(false), &json!(error)));
        findings.compare("chat.postMessage", answer, &published);
    };
    let message = json!({ "channel": "C0INCIDENT", "text": "a" });
    slack.set_scope("chat:write", false);
    let method = "chat.postMessage";
    refused(&ask(&slack, &token, method, &message).await, "missing_scope");
    slack.set_scope("chat:write", true);
    let blocks = json!({ "channel": "C0INCIDENT", "blocks": [{ "type": "section" }] });
    refused(&ask(&slack, &token, method, &blocks).await, "invalid_blocks");
    refused(&ask(&slack, &token, method, &json!({})).await, "invalid_arguments");
    refused(&ask(&slack, "xoxb-nobody", method, &message).await, "invalid_auth");
    findings.end();
}

#[tokio::test]
async fn payloads_have_the_published_keys() {
    let slack = Slack::start(SlackOptions::default()).await.expect("the workspace starts");
    let mut findings = Findings::new(MORE_IN_PAYLOADS);
    let mut used = BTreeSet::new();
    for got in delivered(&slack).await {
        let mut payload = got.payload();
        let path = published(&payload);
        let own = payload["event"]["type"].as_str().unwrap_or_default().to_owned();
        if UNPUBLISHED.contains(&own.as_str()) {
            payload["event"] = Value::Null;
        }
        findings.compare(path, &payload, &sample(&format!("{path}.json")));
        used.insert(path.to_owned());
    }
    findings.end();
    for folder in ["app-backend/slash-commands", "app-backend/interactive-components"] {
        assert_all_used(folder, &used);
    }
    assert_all_used("app-backend/views", &used);
    assert_all_used("events", &used);
}

/// So that nova does not live by what Slack may not send.
#[tokio::test]
async fn nova_needs_nothing_of_what_the_samples_lack() {
    let slack = Slack::start(SlackOptions::default()).await.expect("the workspace starts");
    let app = slack.app();
    let us = Identity {
        team: "T0NOVA0001".to_owned(),
        enterprise: None,
        app: Some(app.id.clone()),
        bot_user: app.bot_user.clone(),
    };
    let read = |payload: &Value| {
        let json = payload.to_string();
        let read = match payload["type"].as_str() {
            None => command_json(json.as_bytes(), &us),
            Some("event_callback") => event(json.as_bytes(), &us),
            Some(_) => interaction(json.as_bytes(), &us),
        };
        format!("{read:?}")
    };
    let (mut served, mut changed) = (0, 0);
    for payload in delivered(&slack).await.iter().map(Got::payload) {
        let path = published(&payload);
        let mut less = payload.clone();
        for (what, more, _) in MORE_IN_PAYLOADS.iter().filter(|more| [path, "*"].contains(&more.0))
        {
            let more = more.split_once(':').map_or(*more, |(more, _)| more);
            changed += usize::from(without(&mut less, more));
            assert_eq!(read(&less), read(&payload), "without {more}, for {what}");
        }
        served += usize::from(read(&payload).starts_with("Ok(Event("));
    }
    assert!(changed >= MORE_IN_PAYLOADS.len(), "only {changed} keys were taken away");
    assert!(served > 5, "only {served} payloads are served");
}

fn assert_all_used(folder: &str, used: &BTreeSet<String>) {
    let here = samples(folder).into_iter().map(|name| format!("{folder}/{name}"));
    let unused: Vec<_> = here.filter(|path| !used.contains(path)).collect();
    assert!(unused.is_empty(), "samples of payloads that were not sent: {unused:?}");
}

/// The sample of a payload.
fn published(payload: &Value) -> &'static str {
    let kind = payload["event"]["type"].as_str().or(payload["type"].as_str());
    match kind.unwrap_or("a command") {
        "a command" => COMMAND,
        "block_actions" => CLICK,
        "message_action" => SHORTCUT,
        "view_submission" => SUBMISSION,
        "view_closed" => CLOSED,
        "app_home_opened" => "events/AppHomeOpenedPayload",
        "app_mention" => "events/AppMentionPayload",
        "app_uninstalled" => "events/AppUninstalledPayload",
        "channel_archive" => "events/ChannelArchivePayload",
        "member_left_channel" | "channel_left" | "group_left" => "events/MemberLeftChannelPayload",
        "tokens_revoked" => "events/TokensRevokedPayload",
        "user_change" => "events/UserChangePayload",
        other => panic!("a payload of a kind that no sample is known for: {other}"),
    }
}
