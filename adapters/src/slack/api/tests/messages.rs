//! Posting, updating and finding again.

use serde_json::{Value, json};

use super::server::Answers;
use super::{class, client, done, place};
use crate::chat::{Chat, MessageRef, Platform};

const TS: &str = "1700000000.000100";

#[tokio::test]
async fn a_post_carries_its_key_and_parses_nothing() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    // As Slack answers: the message again, here with metadata that the library's model refuses.
    let message = json!({ "ts": TS, "metadata": { "event_type": 1, "event_payload": { "n": 2 } } });
    server.to("chat.postMessage", json!({ "channel": "C1", "ts": TS, "message": message }));

    let at = slack.post(&place("C1"), &done("all is well"), "k-1").await.unwrap();
    assert_eq!(at, MessageRef { conversation: place("C1"), id: TS.into() });
    let mut sent = server.seen("chat.postMessage")[0].arguments.clone();
    assert!(!sent["blocks"].take().as_array().unwrap().is_empty());
    assert!(sent["text"].take().as_str().unwrap().contains("all is well"));
    let expected = json!({
        "channel": "C1", "text": null, "blocks": null, "parse": "none", "link_names": false,
        "unfurl_links": false, "unfurl_media": false,
        "metadata": { "event_type": "nova_message", "event_payload": { "key": "k-1" } },
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_thread_stays_a_thread_and_a_person_becomes_a_channel() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    server
        .to("chat.postMessage", json!({ "channel": "D1", "ts": TS }))
        .to("chat.update", json!({}));

    let at = slack.post(&place("U1/1600000000.000200"), &done("up"), "k").await.unwrap();
    assert_eq!(at.conversation.id, "D1/1600000000.000200");
    let sent = &server.seen("chat.postMessage")[0].arguments;
    assert_eq!((&sent["channel"], &sent["thread_ts"]), (&json!("U1"), &json!("1600000000.000200")));

    slack.update(&at, &done("up")).await.unwrap();
    let sent = &server.seen("chat.update")[0].arguments;
    assert_eq!((&sent["channel"], &sent["ts"]), (&json!("D1"), &json!(TS)));
    assert_eq!(sent.get("metadata"), None, "Slack keeps what was there");
}

#[tokio::test]
async fn what_is_not_on_slack_is_not_asked_for() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let mut elsewhere = place("C1");
    elsewhere.platform = Platform::Discord;
    for to in [place("general"), place(""), place("C1/x"), elsewhere] {
        assert_eq!(class(&slack.post(&to, &done("up"), "k").await), "gone");
    }
    let at = MessageRef { conversation: place("C1"), id: "reply:k".into() };
    assert_eq!(class(&slack.update(&at, &done("up")).await), "gone");
    assert_eq!(server.count(), 0);
}

fn message(ts: &str, from: &Value, key: &str) -> Value {
    let metadata = json!({ "event_type": "nova_message", "event_payload": { "key": key } });
    let mut message = json!({ "type": "message", "ts": ts, "metadata": metadata });
    message.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
    message
}

#[tokio::test]
async fn a_post_is_found_again_by_its_key_if_it_is_ours() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let history = json!({ "messages": [
        17,
        {},
        { "ts": [], "user": {}, "metadata": "x" },
        { "ts": "1.000001", "user": "UBOT", "metadata": { "event_type": "nova_message" } },
        message("2.000002", &json!({ "bot_id": "BEVIL", "user": "UEVIL" }), "wanted"),
        message("3.000003", &json!({}), "wanted"),
        message("4.000004", &json!({ "bot_id": "BBOT" }), "another"),
        message("5.000005", &json!({ "bot_id": "BBOT", "user": "UBOT" }), "wanted"),
    ] });
    server.to("conversations.history", history);

    let found = slack.find(&place("C1"), "wanted").await.unwrap();
    assert_eq!(found, Some(MessageRef { conversation: place("C1"), id: "5.000005".into() }));
    assert_eq!(slack.find(&place("C1"), "never posted").await.unwrap(), None);
    let asked = &server.seen("conversations.history")[0].arguments;
    assert_eq!(*asked, json!({ "channel": "C1", "limit": "100", "include_all_metadata": "true" }));
    assert_eq!(server.seen("auth.test").len(), 1, "who nova is does not change");
}

#[tokio::test]
async fn a_thread_is_looked_through_to_its_end() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let more =
        |cursor: &str| json!({ "messages": [], "response_metadata": { "next_cursor": cursor } });
    let wanted = message("9.000009", &json!({ "user": "UBOT" }), "wanted");
    let method = "conversations.replies";
    server.to(method, more("a")).to(method, more("b")).to(method, json!({ "messages": [wanted] }));

    let thread = place("C1/1600000000.000200");
    let found = slack.find(&thread, "wanted").await.unwrap().unwrap();
    assert_eq!(found, MessageRef { conversation: thread.clone(), id: "9.000009".into() });
    let seen = server.seen(method);
    let cursors: Vec<_> = seen.iter().map(|seen| seen.arguments["cursor"].as_str()).collect();
    assert_eq!(cursors, [None, Some("a"), Some("b")]);
    assert_eq!(seen[0].arguments["ts"], "1600000000.000200");

    server.anew(method).to(method, more("for ever"));
    assert_eq!(class(&slack.find(&thread, "wanted").await), "unavailable");
    assert_eq!(server.seen(method).len(), 3 + 10, "and no further");
}

#[tokio::test]
async fn a_new_token_may_be_another_bot() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let history =
        json!({ "messages": [message("5.000005", &json!({ "bot_id": "BNEW" }), "wanted")] });
    server.to("conversations.history", history);
    assert_eq!(slack.find(&place("C1"), "wanted").await.unwrap(), None);

    let new = json!({ "team_id": "T1", "user_id": "UNEW", "bot_id": "BNEW" });
    server.anew("auth.test").to("auth.test", new);
    slack.replace_token("xoxb-second-token".into());
    assert!(slack.find(&place("C1"), "wanted").await.unwrap().is_some());
}
