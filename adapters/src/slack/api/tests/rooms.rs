//! Channels, forms, pages and words to one person.

use serde_json::{Value, json};

use super::server::{Answers, Reply, error};
use super::{class, client, done, place};
use crate::chat::{ChatError, MessageRef};
use crate::form::Form;
use crate::workspace::Workspace;

fn column(server: &Answers, method: &str, name: &str) -> Vec<Value> {
    server.seen(method).iter().map(|seen| seen.arguments[name].clone()).collect()
}

fn standing() -> MessageRef {
    MessageRef { conversation: place("C1/1600000000.000200"), id: "1700000000.000100".into() }
}

#[tokio::test]
async fn a_taken_name_gets_a_number() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let method = "conversations.create";
    server.to(method, error("name_taken")).to(method, error("name_taken"));
    server.to(method, json!({ "channel": { "id": "C9", "created": "unlike the model" } }));

    let room = slack.create_room("INC 42: API down", true).await.unwrap();
    assert_eq!(room, place("C9"));
    let names = column(&server, method, "name");
    assert_eq!(names, ["inc-42-api-down", "inc-42-api-down-2", "inc-42-api-down-3"]);
    assert_eq!(column(&server, method, "is_private")[0], true);

    server.anew(method).to(method, error("name_taken"));
    assert_eq!(class(&slack.create_room("x", false).await), "refused");
    assert_eq!(server.seen(method).len(), 3 + 20, "and no further");
    server.anew(method).to(method, Reply::new(500, ""));
    assert_eq!(class(&slack.create_room("x", false).await), "unanswered");
    server.anew(method).to(method, error("restricted_action"));
    let refused = slack.create_room("x", false).await;
    let Err(ChatError::Refused(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("ask its owner (restricted_action)"), "{why}");
}

#[tokio::test]
async fn what_stands_already_is_success() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    server.to("pins.add", json!({})).to("pins.add", error("already_pinned"));
    server.to("conversations.archive", json!({}));
    server.to("conversations.archive", error("already_archived"));
    server.to("conversations.setTopic", json!({ "channel": {} }));
    for _ in 0..2 {
        slack.pin(&standing()).await.unwrap();
        slack.archive(&place("C1")).await.unwrap();
        slack.set_topic(&place("C1"), "<!channel> 50 % down").await.unwrap();
    }
    let pinned = json!({ "channel": "C1", "timestamp": "1700000000.000100" });
    assert_eq!(server.seen("pins.add")[0].arguments, pinned);
    let topic = &column(&server, "conversations.setTopic", "topic")[0];
    assert_eq!(topic, "&lt;!channel&gt; 50 % down");
}

#[tokio::test]
async fn people_are_added_even_when_some_are_there() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let method = "conversations.invite";
    let people = ["U1", "U2", "U3"].map(String::from);
    server.to(method, json!({}));
    slack.invite(&place("C1"), &people).await.unwrap();
    assert_eq!(column(&server, method, "users"), ["U1,U2,U3"]);

    server.anew(method).to(method, error("already_in_channel"));
    server.to(method, json!({})).to(method, error("already_in_channel")).to(method, json!({}));
    slack.invite(&place("C1"), &people).await.unwrap();
    assert_eq!(column(&server, method, "users")[1..], ["U1,U2,U3", "U1", "U2", "U3"]);

    // One who cannot come does not keep the others out, and is not passed over in silence.
    server.anew(method).to(method, error("already_in_channel"));
    server.to(method, error("ura_max_channels")).to(method, json!({}));
    assert_eq!(class(&slack.invite(&place("C1"), &people).await), "refused");
    assert_eq!(column(&server, method, "users")[5..], ["U1,U2,U3", "U1", "U2", "U3"]);

    let before = server.count();
    slack.invite(&place("C1"), &[]).await.unwrap();
    let unlikely = ["U1,UADMIN".to_owned()];
    assert_eq!(class(&slack.invite(&place("C1"), &unlikely).await), "gone");
    assert_eq!(server.count(), before);
}

#[tokio::test]
async fn a_link_leads_to_slack() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let method = "chat.getPermalink";
    let link = "https://nova.slack.com/archives/C1/p1700000000000100";
    server.to(method, json!({ "permalink": link }));
    server.to(method, json!({ "permalink": "https://evil.example/C1" }));
    server.to(method, error("message_not_found"));
    assert_eq!(slack.permalink(&standing()).await.unwrap(), link);
    assert_eq!(class(&slack.permalink(&standing()).await), "refused");
    assert_eq!(class(&slack.permalink(&standing()).await), "gone");
}

#[tokio::test]
async fn a_word_to_one_person() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let method = "chat.postEphemeral";
    server.to(method, json!({})).to(method, error("user_not_in_channel"));
    slack.whisper(&standing().conversation, "U1", &done("only you")).await.unwrap();
    let sent = &server.seen(method)[0].arguments;
    let to = (&sent["channel"], &sent["user"], &sent["thread_ts"]);
    assert_eq!(to, (&json!("C1"), &json!("U1"), &json!("1600000000.000200")));
    assert_eq!(class(&slack.whisper(&place("C1"), "U1", &done("only you")).await), "gone");
    assert_eq!(class(&slack.whisper(&place("C1"), "ana", &done("only you")).await), "gone");
    assert_eq!(server.seen(method).len(), 2);
}

#[tokio::test]
async fn a_form_opens_while_its_trigger_lives() {
    let form = Form {
        id: "note".into(),
        argument: String::new(),
        title: "Add a note".into(),
        submit: "Add".into(),
        intro: None,
        fields: Vec::new(),
    };
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    server.to("views.open", json!({ "view": "unlike the model" }));
    server.to("views.open", error("expired_trigger_id"));
    slack.open_form(&"12.34.abc".into(), &form).await.unwrap();
    let sent = &server.seen("views.open")[0].arguments;
    assert_eq!(
        (&sent["trigger_id"], &sent["view"]["type"]),
        (&json!("12.34.abc"), &json!("modal"))
    );
    assert_eq!(class(&slack.open_form(&"12.34.abc".into(), &form).await), "gone");
}

#[tokio::test]
async fn a_home_page_is_published() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    server.to("views.publish", json!({ "view": {} }));
    slack.home("U1", &done("No open incident")).await.unwrap();
    let sent = &server.seen("views.publish")[0].arguments;
    assert_eq!((&sent["user_id"], &sent["view"]["type"]), (&json!("U1"), &json!("home")));
    assert_eq!(class(&slack.home("", &done("x")).await), "gone");
}
