//! Everything that can go wrong between nova and Slack: what a caller hears of it, and what of it is
//! repeated.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpListener;

use super::server::{Answers, Reply, Then, error, raw};
use super::{class, client, done, hasty, place};
use crate::chat::{Chat, ChatError, MessageRef};
use crate::slack::api::{Slack, SlackOptions};
use crate::workspace::Workspace;

/// How a post and an update end.
async fn both(slack: &Slack) -> (&'static str, &'static str) {
    let at = MessageRef { conversation: place("C1"), id: "1700000000.000100".into() };
    let posted = slack.post(&place("C1"), &done("up"), "key").await;
    let updated = slack.update(&at, &done("up")).await;
    (class(&posted), class(&updated))
}

async fn both_answered(reply: Reply) -> (&'static str, &'static str) {
    let server = Answers::start().await;
    server.to("chat.postMessage", reply.clone()).to("chat.update", reply);
    let ends = both(&client(&server.api_url())).await;
    assert_eq!(server.count(), 2, "neither is repeated");
    ends
}

#[tokio::test]
async fn every_kind_of_answer_has_its_class() {
    let html = "<!DOCTYPE html><title>Slack</title>";
    let cases = [
        (Reply::new(500, "oops"), ("unanswered", "unavailable")),
        (Reply::new(503, html), ("unanswered", "unavailable")),
        (Reply::new(408, ""), ("unanswered", "unavailable")),
        (Reply::new(200, html), ("unanswered", "unavailable")),
        (Reply::new(200, ""), ("unanswered", "unavailable")),
        (Reply::new(200, r#"{"ok":true,"ts":"17"#), ("unanswered", "unavailable")),
        (Reply::new(200, "[".repeat(100_000)), ("unanswered", "unavailable")),
        (Reply::new(200, " ".repeat(10_000_000)), ("unanswered", "unavailable")),
        (Reply::new(200, b"\xff\xfe\0".as_slice()), ("unanswered", "unavailable")),
        (Reply::new(200, "null"), ("unanswered", "unavailable")),
        (Reply::new(200, r#"{"ts":"1700000000.000100"}"#), ("unanswered", "unavailable")),
        // Done, but what is needed of the answer is not in it.
        (json!({}).into(), ("unanswered", "done")),
        (json!({ "channel": "C1", "ts": 17 }).into(), ("unanswered", "done")),
        (json!({ "channel": "C1", "ts": "../.." }).into(), ("unanswered", "done")),
        (Reply::new(404, html), ("refused", "refused")),
        (Reply::new(403, r#"{"ok":false,"error":"not_in_channel"}"#), ("gone", "gone")),
        (Reply::new(429, ""), ("limited", "limited")),
        (error("ratelimited"), ("limited", "limited")),
        (error("is_archived"), ("gone", "gone")),
        (error("invalid_blocks"), ("refused", "refused")),
        (error("internal_error"), ("unanswered", "unavailable")),
        (error("service_unavailable"), ("unavailable", "unavailable")),
        (json!({ "ok": false }).into(), ("refused", "refused")),
    ];
    for (number, (reply, expected)) in cases.into_iter().enumerate() {
        assert_eq!(both_answered(reply).await, expected, "case {number}");
    }
}

#[tokio::test]
async fn a_pause_is_as_long_as_slack_says() {
    let cases = [
        (Reply::new(429, "").header("retry-after", "7"), 7),
        (error("ratelimited").header("retry-after", "12"), 12),
        (Reply::new(429, "<html>").header("retry-after", "soon"), 1),
        (Reply::new(429, "").header("retry-after", "18446744073709551615"), 3600),
    ];
    for (reply, seconds) in cases {
        let server = Answers::start().await;
        server.to("chat.postMessage", reply);
        let posted = client(&server.api_url()).post(&place("C1"), &done("up"), "key").await;
        let pause = posted.unwrap_err().retry_after();
        assert_eq!(pause, Some(Duration::from_secs(seconds)));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, other) = (Answers::start().await, Answers::start().await);
    let away = Reply::new(302, "").header("location", other.url("api/chat.postMessage"));
    server.to("chat.postMessage", away);
    let posted = client(&server.api_url()).post(&place("C1"), &done("up"), "key").await;
    assert_eq!(class(&posted), "refused");
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn what_never_arrived_may_be_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Connects, and never speaks TLS.
    assert_eq!(both(&hasty(&format!("https://{address}/api"))).await, UNSENT);
    drop(listener);
    assert_eq!(both(&hasty(&format!("http://{address}/api"))).await, UNSENT);
    assert_eq!(both(&hasty("https://slack.invalid/api")).await, UNSENT);
    // Speaks, but no TLS.
    let (address, _tasks) = plain_speaker().await;
    assert_eq!(both(&client(&format!("https://{address}/api"))).await, UNSENT);
}

const UNSENT: (&str, &str) = ("unavailable", "unavailable");

async fn plain_speaker() -> (std::net::SocketAddr, tokio::task::JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        use tokio::io::AsyncWriteExt;
        while let Ok((mut connection, _)) = listener.accept().await {
            connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok();
        }
    });
    (address, tasks)
}

#[tokio::test]
async fn a_lost_answer_leaves_a_post_in_doubt() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\":true";
    for then in [Then::Close, Then::Write(half), Then::Write("HTTP/9 nonsense\r\n\r\n")] {
        let (address, _tasks) = raw(then).await;
        let ends = both(&client(&format!("http://{address}/api"))).await;
        assert_eq!(ends, ("unanswered", "unavailable"));
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"ok\":true";
    for then in [Then::WriteAndStay(""), Then::WriteAndStay(half)] {
        let (address, _tasks) = raw(then).await;
        let slack = hasty(&format!("http://{address}/api"));
        let start = Instant::now();
        assert_eq!(both(&slack).await, ("unanswered", "unavailable"));
        assert_eq!(class(&slack.profile("U1").await), "unavailable");
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn reads_are_repeated_twice_and_only_where_it_helps() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let at = MessageRef { conversation: place("C1"), id: "1700000000.000100".into() };
    let link = json!({ "permalink": server.url("archives/C1/p17") });
    let soon = Reply::new(429, "").header("retry-after", "0");
    let later = Reply::new(429, "").header("retry-after", "30");
    let method = "chat.getPermalink";

    server.to(method, Reply::new(500, "")).to(method, soon).to(method, link);
    assert_eq!(class(&slack.permalink(&at).await), "done");
    assert_eq!(server.seen(method).len(), 3);

    server.anew(method).to(method, Reply::new(500, ""));
    assert_eq!(class(&slack.permalink(&at).await), "unavailable");
    assert_eq!(server.seen(method).len(), 6);

    server.anew(method).to(method, later);
    assert_eq!(class(&slack.permalink(&at).await), "limited");
    server.anew(method).to(method, error("message_not_found"));
    assert_eq!(class(&slack.permalink(&at).await), "gone");
    assert_eq!(server.seen(method).len(), 8);
}

#[tokio::test]
async fn a_revoked_token_stops_everything_until_there_is_a_new_one() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let mut stopped = slack.watch_stopped();
    server.to("chat.postMessage", error("token_revoked"));
    server.to("chat.postMessage", json!({ "channel": "C1", "ts": "1700000000.000100" }));
    assert_eq!(slack.stopped(), None);

    let posted = slack.post(&place("C1"), &done("up"), "key").await;
    let Err(ChatError::Unauthorised(why)) = posted else { panic!("{posted:?}") };
    assert!(why.starts_with("the token was revoked"), "{why}");
    assert_eq!(stopped.borrow_and_update().as_ref(), Some(&why));
    assert_eq!(slack.stopped(), Some(why));

    let before = server.count();
    assert_eq!(both(&slack).await, ("unauthorised", "unauthorised"));
    assert_eq!(class(&slack.profile("U1").await), "unauthorised");
    assert_eq!(class(&slack.identity().await), "unauthorised");
    assert_eq!(server.count(), before, "nothing goes out");

    slack.replace_token("xoxb-second-token".into());
    assert_eq!(*stopped.borrow_and_update(), None);
    let posted = slack.clone().post(&place("C1"), &done("up"), "key").await;
    assert_eq!(class(&posted), "done");
    let tokens: Vec<_> =
        server.seen("chat.postMessage").into_iter().filter_map(|seen| seen.authorisation).collect();
    assert_eq!(tokens, ["Bearer xoxb-first-token", "Bearer xoxb-second-token"]);
}

#[tokio::test]
async fn more_calls_than_there_are_places_wait_their_turn() {
    let server = Answers::start().await;
    server.to("chat.postMessage", json!({ "channel": "C1", "ts": "1700000000.000100" }));
    let slack = client(&server.api_url());
    let (to, message) = (place("C1"), done("up"));
    let posts = (0..100).map(|_| slack.post(&to, &message, "key"));
    let ends = futures_util::future::join_all(posts).await;
    assert!(ends.iter().all(Result::is_ok));
    assert_eq!(server.count(), 100);
}

#[test]
fn options_that_cannot_work_are_told_at_once() {
    let bad = |api_url: &str, token: &str| {
        let options = SlackOptions { bot_token: token.into(), ..super::options(api_url) };
        class(&Slack::new(options))
    };
    assert_eq!(bad("http://slack.com/api", "xoxb-1"), "refused");
    assert_eq!(bad("https://slack.com/api", ""), "unauthorised");
    assert_eq!(bad("https://slack.com/api", "xoxb-1\n"), "unauthorised");
    assert_eq!(bad("https://slack.com/api", "xoxb-1"), "done");
}
