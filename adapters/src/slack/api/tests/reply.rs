//! Answers to one event, where nova is a member and where it is not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::server::{Answers, Reply, error};
use super::{class, client, done, place, working};
use crate::chat::{Account, Chat, ChatError, MessageRef, Platform};
use crate::event::{Actor, Deed, Event, Press, Reply as EventReply};
use crate::message::Attachment;
use crate::slack::api::Slack;
use crate::workspace::Workspace;

const POST: &str = "chat.postMessage";
const PRIVATELY: &str = "chat.postEphemeral";
const HOOK: &str = "hook/s3cret";

/// Somebody typed a command in `C1`.
pub(super) fn command(response_url: &str) -> Event {
    Event {
        id: "slack:cmd:1".into(),
        actor: Actor {
            account: Account { platform: Platform::Slack, id: "U1".into() },
            foreign: false,
            profile: None,
        },
        place: Some(place("C1")),
        place_name: None,
        deed: Deed::Command { line: "health".into() },
        reply: EventReply { token: Some(response_url.into()), trigger: None },
    }
}

fn press(response_url: &str) -> Event {
    let action = Press::Run { line: "health".into() };
    Event { deed: Deed::Press { action, message: None }, ..command(response_url) }
}

/// A channel that nova is not in, with an event from it.
async fn outside(event: fn(&str) -> Event) -> (Answers, Slack, Arc<dyn Chat>) {
    let server = Answers::start().await;
    server.to(POST, error("not_in_channel")).to(PRIVATELY, error("user_not_in_channel"));
    server.to(HOOK, Reply::new(200, "ok"));
    let slack = client(&server.api_url());
    let reply = slack.reply(&event(&server.url(HOOK)));
    (server, slack, reply)
}

fn headlines(server: &Answers) -> Vec<(String, bool)> {
    let told = |arguments: &Value| {
        let text = arguments["text"].as_str().unwrap().to_owned();
        (text, arguments["replace_original"].as_bool().unwrap())
    };
    server.seen(HOOK).iter().map(|seen| told(&seen.arguments)).collect()
}

#[tokio::test]
async fn a_member_answers_by_an_ordinary_message() {
    let server = Answers::start().await;
    server.to(POST, json!({ "channel": "C1", "ts": "1700000000.000100" }));
    server.to("chat.update", json!({}));
    let slack = client(&server.api_url());
    let reply = slack.reply(&command(&server.url(HOOK)));
    let at = reply.post(&place("C1"), &working("looking"), "k").await.unwrap();
    assert_eq!(at, MessageRef { conversation: place("C1"), id: "1700000000.000100".into() });
    reply.update(&at, &done("fine")).await.unwrap();
    assert_eq!((server.seen("chat.update").len(), server.seen(HOOK).len()), (1, 0));
}

#[tokio::test]
async fn progress_never_costs_the_result() {
    let (server, slack, reply) = outside(command).await;
    let to = place("C1/1600000000.000200");
    let at = reply.post(&to, &working("0 %"), "k").await.unwrap();
    for n in 1..=9 {
        reply.update(&at, &working(&format!("{n}0 %"))).await.unwrap();
    }
    reply.update(&at, &done("fine")).await.unwrap();

    let shown = headlines(&server);
    let texts: Vec<_> = shown.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts.len(), 5);
    for (text, expected) in texts.iter().zip(["0 %", "10 %", "20 %", "30 %", "fine"]) {
        assert!(text.contains(expected), "{texts:?}");
    }
    let replaced: Vec<_> = shown.iter().map(|(_, replaces)| *replaces).collect();
    assert_eq!(replaced, [false, true, true, true, true]);
    let first = &server.seen(HOOK)[0];
    assert_eq!(first.authorisation, None, "the address is the permission");
    assert_eq!(first.arguments["response_type"], "in_channel");
    assert_eq!(first.arguments["thread_ts"], "1600000000.000200");
    // Nobody else can do anything with such a message.
    assert_eq!(class(&slack.update(&at, &done("fine")).await), "gone");
}

#[tokio::test]
async fn a_used_up_address_leaves_a_word_to_the_person() {
    let (server, _slack, reply) = outside(command).await;
    let at = reply.post(&place("C1"), &done("1"), "k").await.unwrap();
    for n in 2..=5 {
        reply.update(&at, &done(&n.to_string())).await.unwrap();
    }
    server.anew(PRIVATELY).to(PRIVATELY, json!({})).to(PRIVATELY, error("user_not_in_channel"));
    reply.update(&at, &done("6")).await.unwrap();
    let sent = &server.seen(PRIVATELY)[0].arguments;
    assert_eq!((&sent["channel"], &sent["user"]), (&json!("C1"), &json!("U1")));
    assert_eq!(class(&reply.update(&at, &done("7")).await), "gone");
    // Progress is not worth a message of its own.
    assert_eq!(class(&reply.update(&at, &working("8")).await), "done");
    assert_eq!((server.seen(HOOK).len(), server.seen(PRIVATELY).len()), (5, 2));
}

#[tokio::test]
async fn after_half_an_hour_the_address_is_not_tried() {
    let (server, _slack, reply) = outside(command).await;
    let at = reply.post(&place("C1"), &working("looking"), "k").await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30 * 60)).await;
    tokio::time::resume();
    assert_eq!(class(&reply.update(&at, &done("fine")).await), "gone");
    assert_eq!((server.seen(HOOK).len(), server.seen(PRIVATELY).len()), (1, 1));
}

#[tokio::test]
async fn slack_may_count_otherwise() {
    let spent = |code: &str| Reply::new(404, json!({ "ok": false, "error": code }).to_string());
    for answer in [spent("used_url"), spent("expired_url"), Reply::new(404, "No service")] {
        let (server, _slack, reply) = outside(command).await;
        server.anew(HOOK).to(HOOK, answer);
        server.anew(PRIVATELY).to(PRIVATELY, json!({}));
        let at = reply.post(&place("C1"), &done("fine"), "k").await.unwrap();
        reply.update(&at, &done("better")).await.unwrap();
        assert_eq!((server.seen(HOOK).len(), server.seen(PRIVATELY).len()), (1, 2));
    }
}

#[tokio::test]
async fn a_pause_costs_no_use() {
    let (server, _slack, reply) = outside(command).await;
    let at = reply.post(&place("C1"), &done("1"), "k").await.unwrap();
    server.anew(HOOK);
    for _ in 0..10 {
        server.to(HOOK, Reply::new(429, "").header("retry-after", "3"));
    }
    server.to(HOOK, Reply::new(200, "ok"));
    for _ in 0..10 {
        assert_eq!(class(&reply.update(&at, &done("2")).await), "limited");
    }
    for n in 2..=5 {
        assert_eq!(class(&reply.update(&at, &done(&n.to_string())).await), "done");
    }
    assert_eq!(server.seen(HOOK).len(), 1 + 10 + 4);
}

#[tokio::test]
async fn a_lost_answer_is_in_doubt_unless_it_replaces() {
    let (server, _slack, reply) = outside(command).await;
    server.anew(HOOK).to(HOOK, Reply::new(500, ""));
    let posted = reply.post(&place("C1"), &done("fine"), "k").await;
    assert_eq!(class(&posted), "unanswered");
    let at = MessageRef { conversation: place("C1"), id: "reply:k".into() };
    assert_eq!(class(&reply.update(&at, &done("fine")).await), "unavailable");
    // Whether it arrived cannot be seen from outside, and it is not as if the channel were gone.
    server.to("conversations.history", error("not_in_channel"));
    assert_eq!(class(&reply.find(&place("C1"), "k").await), "refused");
}

#[tokio::test]
async fn the_answer_to_a_press_does_not_replace_what_was_pressed() {
    let (server, _slack, reply) = outside(press).await;
    let at = reply.post(&place("C1"), &working("looking"), "k").await.unwrap();
    reply.update(&at, &working("50 %")).await.unwrap();
    reply.update(&at, &done("fine")).await.unwrap();
    let replaced: Vec<_> = headlines(&server).into_iter().map(|(_, replaces)| replaces).collect();
    assert_eq!(replaced, [false, false]);
}

#[tokio::test]
async fn an_answer_goes_nowhere_else() {
    // Another channel than the event's.
    let (server, slack, reply) = outside(command).await;
    assert_eq!(class(&reply.post(&place("C2"), &done("fine"), "k").await), "gone");
    // An address that is not Slack's, or none at all.
    let mut event = command("https://evil.example/hook");
    let posted = slack.reply(&event).post(&place("C1"), &done("fine"), "k").await;
    assert_eq!(class(&posted), "gone");
    event.reply.token = None;
    let posted = slack.reply(&event).post(&place("C1"), &done("fine"), "k").await;
    assert_eq!(class(&posted), "gone");
    assert_eq!(server.seen(HOOK).len(), 0);
}

#[tokio::test]
async fn nothing_goes_out_by_an_address_either_after_a_stop() {
    let (server, slack, reply) = outside(command).await;
    let at = reply.post(&place("C1"), &working("looking"), "k").await.unwrap();
    slack.stop("the app was removed");
    assert_eq!(class(&reply.update(&at, &done("fine")).await), "unauthorised");
    slack.replace_token("xoxb-second-token".into());
    assert_eq!(class(&reply.update(&at, &done("fine")).await), "done");
    assert_eq!(server.seen(HOOK).len(), 2);
}

#[tokio::test]
async fn a_file_needs_a_member() {
    let (_server, _slack, reply) = outside(command).await;
    let at = reply.post(&place("C1"), &done("fine"), "k").await.unwrap();
    let file = Attachment { name: "a.txt".into(), media_type: "text/plain", bytes: vec![1] };
    let attached = reply.attach(&at, &file).await;
    let Err(ChatError::Refused(why)) = attached else { panic!("{attached:?}") };
    assert!(why.contains("/invite"), "{why}");
}
