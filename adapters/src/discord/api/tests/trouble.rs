//! Everything that can go wrong between nova and Discord: what a caller hears of it, and what of it is
//! repeated or not even sent.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;

use super::messages::{EDIT, LIST, POST, at};
use super::server::{Answers, Reply, error, posted, posted_in};
use super::{CHANNEL, class, client, done, hasty, place};
use crate::chat::{Chat, ChatError};
use crate::discord::api::{Discord, DiscordOptions, Rooms};

/// How a post and an update end.
async fn both(discord: &Discord) -> (&'static str, &'static str) {
    let posted = discord.post(&place(CHANNEL), &done("up"), "key").await;
    let updated = discord.update(&at(), &done("up")).await;
    (class(&posted), class(&updated))
}

#[tokio::test]
async fn every_kind_of_answer_has_its_class() {
    let html = "<!DOCTYPE html><title>Discord</title>";
    let slow = r#"{"retry_after":3.5,"global":false}"#;
    let cases = [
        (Reply::new(500, "oops"), ("unanswered", "unavailable")),
        (Reply::new(503, html), ("unanswered", "unavailable")),
        (Reply::new(200, html), ("unanswered", "done")),
        (Reply::new(200, ""), ("unanswered", "done")),
        (Reply::new(200, "[".repeat(100_000)), ("unanswered", "done")),
        (Reply::new(200, " ".repeat(10_000_000)), ("unanswered", "unavailable")),
        (json!({ "id": 17, "channel_id": CHANNEL }).into(), ("unanswered", "done")),
        (posted_in("../.."), ("unanswered", "done")),
        (posted(), ("done", "done")),
        (Reply::new(302, html), ("refused", "refused")),
        (Reply::new(404, html), ("refused", "refused")),
        (Reply::new(429, slow), ("limited", "limited")),
        (error(404, 10003), ("gone", "gone")),
        (error(403, 50001), ("gone", "gone")),
        (error(403, 50013), ("refused", "refused")),
        (error(400, 50035), ("refused", "refused")),
        (error(400, 99999), ("refused", "refused")),
        (error(401, 0), ("unauthorised", "unauthorised")),
        (error(400, 130_000), ("unavailable", "unavailable")),
    ];
    for (number, (reply, expected)) in cases.into_iter().enumerate() {
        let server = Answers::start().await;
        server.to(POST, reply.clone()).to(EDIT, reply);
        assert_eq!(both(&client(&server.api_url())).await, expected, "case {number}");
        assert!(server.seen(POST).len() == 1 && server.seen(EDIT).len() <= 1, "none is repeated");
    }
}

#[tokio::test]
async fn a_pause_is_as_long_as_discord_says_and_kept() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let slow = r#"{"retry_after":7.25,"global":false}"#;
    server.to(POST, Reply::new(429, slow)).to(EDIT, posted());
    let first = discord.post(&place(CHANNEL), &done("up"), "key").await.unwrap_err();
    assert_eq!(first.retry_after(), Some(Duration::from_millis(7_250)));
    let second = discord.post(&place(CHANNEL), &done("up"), "key").await;
    assert_eq!((class(&second), server.seen(POST).len()), ("limited", 1), "not even sent");
    discord.update(&at(), &done("up")).await.unwrap();
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_not_tried() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let last = posted()
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset-after", "4.5")
        .header("x-ratelimit-bucket", "abc");
    server.to(POST, last);
    discord.post(&place(CHANNEL), &done("up"), "1").await.unwrap();
    let held = discord.post(&place(CHANNEL), &done("up"), "2").await.unwrap_err();
    assert!(held.retry_after() > Some(Duration::from_secs(1)), "{held:?}");
    assert_eq!(server.seen(POST).len(), 1);
}

#[tokio::test]
async fn far_below_the_ban_nothing_is_sent_any_more() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    server.to(POST, error(403, 50013));
    let mut ends = Vec::new();
    for _ in 0..60 {
        ends.push(class(&discord.post(&place(CHANNEL), &done("up"), "key").await));
    }
    assert_eq!(server.seen(POST).len(), 50);
    assert_eq!((ends[49], ends[50]), ("refused", "limited"));
}

#[tokio::test]
async fn what_cannot_be_reached_got_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let unsent = ("unavailable", "unavailable");
    // Connects, and never speaks TLS.
    assert_eq!(both(&hasty(&format!("https://{address}/api/v10"))).await, unsent);
    // Accepts, and never answers.
    let silent = ("unanswered", "unavailable");
    assert_eq!(both(&hasty(&format!("http://{address}/api/v10"))).await, silent);
    drop(listener);
    assert_eq!(both(&hasty(&format!("http://{address}/api/v10"))).await, unsent);
}

#[tokio::test]
async fn reads_are_repeated_twice_and_only_where_it_helps() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let soon = Reply::new(429, r#"{"retry_after":0.01}"#);
    server.to(LIST, Reply::new(500, "")).to(LIST, soon).to(LIST, json!([]));
    assert_eq!(class(&discord.find(&place(CHANNEL), "k").await), "done");
    assert_eq!(server.seen(LIST).len(), 3);
    server.anew(LIST).to(LIST, Reply::new(500, ""));
    assert_eq!(class(&discord.find(&place(CHANNEL), "k").await), "unavailable");
    assert_eq!(server.seen(LIST).len(), 6);
    server.anew(LIST).to(LIST, error(404, 10003));
    assert_eq!(class(&discord.find(&place(CHANNEL), "k").await), "gone");
    assert_eq!(server.seen(LIST).len(), 7);
}

#[tokio::test]
async fn a_refused_token_stops_everything_until_there_is_a_new_one() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let mut stopped = discord.watch_stopped();
    server.to(POST, error(401, 0)).to(POST, posted());
    let refused = discord.post(&place(CHANNEL), &done("up"), "key").await;
    let Err(ChatError::Unauthorised(why)) = refused else { panic!("{refused:?}") };
    assert_eq!(stopped.borrow_and_update().as_ref(), Some(&why));

    let before = server.count();
    assert_eq!(both(&discord).await, ("unauthorised", "unauthorised"));
    assert_eq!(class(&discord.identity().await), "unauthorised");
    assert!(discord.bot_token().is_err());
    assert_eq!(server.count(), before, "nothing goes out");

    discord.replace_token("second.bot-token".into());
    assert_eq!(*stopped.borrow_and_update(), None);
    assert_eq!(class(&discord.clone().post(&place(CHANNEL), &done("up"), "key").await), "done");
    let seen = server.seen(POST);
    let tokens: Vec<_> = seen.iter().filter_map(|seen| seen.header("authorization")).collect();
    assert_eq!(tokens, ["Bot first.bot-token", "Bot second.bot-token"]);
}

#[test]
fn options_that_cannot_work_are_told_at_once() {
    let good = || super::options("https://discord.com/api/v10");
    let class = |options: DiscordOptions| class(&Discord::new(options));
    assert_eq!(class(good()), "done");
    assert_eq!(class(super::options("http://discord.com/api/v10")), "refused");
    assert_eq!(class(DiscordOptions { guild_id: "NovaCron".into(), ..good() }), "refused");
    let rooms = Rooms::Threads { parent: "#ops".into() };
    assert_eq!(class(DiscordOptions { rooms, ..good() }), "refused");
    assert_eq!(class(DiscordOptions { bot_token: "a\nb".into(), ..good() }), "unauthorised");
}
