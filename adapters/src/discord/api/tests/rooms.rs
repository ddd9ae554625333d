//! Incidents' rooms.

use serde_json::{Value, json};

use super::messages::at;
use super::server::{Answers, Reply, error};
use super::{ANA, BOT, CHANNEL, GUILD, class, client, options, place};
use crate::discord::api::{Discord, DiscordOptions, Rooms};
use crate::workspace::Workspace;

const MAKE: &str = "POST /guilds/1200000000000000001/channels";
const LOOK: &str = "GET /channels/1400000000000000001";
const CHANGE: &str = "PATCH /channels/1400000000000000001";
const THREAD: &str = "POST /channels/1700000000000000001/threads";
const VIEW: u64 = 1 << 10;
const SEND: u64 = 1 << 11;

/// A server with one room.
async fn room(kind: u8, overwrites: Value) -> (Answers, Discord) {
    let server = Answers::start().await;
    server.to(LOOK, json!({ "id": CHANNEL, "type": kind, "permission_overwrites": overwrites }));
    server.to(CHANGE, json!({}));
    let discord = client(&server.api_url());
    (server, discord)
}

#[tokio::test]
async fn a_channel_is_made_in_its_category() {
    let server = Answers::start().await;
    server.to(MAKE, json!({ "id": CHANNEL, "type": 0 }));
    let rooms = Rooms::Channels { category: Some("1800000000000000001".into()) };
    let discord = Discord::new(DiscordOptions { rooms, ..options(&server.api_url()) }).unwrap();
    let made = discord.create_room("INC-7: API down", false).await.unwrap();
    assert_eq!(made, place(CHANNEL));
    let sent = &server.seen(MAKE)[0].arguments;
    let expected =
        json!({ "name": "inc-7-api-down", "type": 0, "parent_id": "1800000000000000001" });
    assert_eq!(*sent, expected);

    discord.create_room("x", true).await.unwrap();
    let sent = &server.seen(MAKE)[1].arguments["permission_overwrites"];
    assert_eq!(sent[0], json!({ "id": GUILD, "type": 0, "allow": 0, "deny": VIEW }));
    assert_eq!((&sent[1]["id"], &sent[1]["type"]), (&json!(BOT), &json!(1)));
}

#[tokio::test]
async fn a_thread_is_made_in_its_channel() {
    let server = Answers::start().await;
    server.to(THREAD, json!({ "id": CHANNEL, "type": 11 })).to(THREAD, Reply::new(500, ""));
    let rooms = Rooms::Threads { parent: "1700000000000000001".into() };
    let discord = Discord::new(DiscordOptions { rooms, ..options(&server.api_url()) }).unwrap();
    assert_eq!(discord.create_room("INC-7: API down", false).await.unwrap(), place(CHANNEL));
    let sent = &server.seen(THREAD)[0].arguments;
    let expected = json!({ "name": "INC-7: API down", "type": 11, "auto_archive_duration": 10080 });
    assert_eq!(*sent, expected);
    assert_eq!(class(&discord.create_room("x", true).await), "unanswered");
    assert_eq!(server.seen(THREAD)[1].arguments["type"], 12);
}

#[tokio::test]
async fn a_topic_is_inert_and_given_up_when_it_would_wait_long() {
    let (server, discord) = room(0, json!([])).await;
    discord.set_topic(&place(CHANNEL), "<@1> **now**").await.unwrap();
    assert_eq!(server.seen(CHANGE)[0].arguments, json!({ "topic": r"\<\@1> \*\*now\*\*" }));
    let slow = r#"{"retry_after":534.1,"global":false}"#;
    server.anew(CHANGE).to(CHANGE, Reply::new(429, slow)).to(CHANGE, json!({}));
    assert_eq!(class(&discord.set_topic(&place(CHANNEL), "later").await), "refused");
    assert_eq!(class(&discord.set_topic(&place(CHANNEL), "later").await), "refused");
    assert_eq!(server.seen(CHANGE).len(), 2, "the second is not even sent");
    // Closing has another limit.
    discord.archive(&place(CHANNEL)).await.unwrap();

    let (server, discord) = room(11, json!(null)).await;
    assert_eq!(class(&discord.set_topic(&place(CHANNEL), "x").await), "unavailable");
    assert_eq!(server.seen(CHANGE).len(), 0);
    let (server, discord) = room(11, json!([])).await;
    discord.set_topic(&place(CHANNEL), "a thread has none").await.unwrap();
    assert_eq!(server.seen(CHANGE).len(), 0);
}

#[tokio::test]
async fn people_are_added_where_they_could_not_come_themselves() {
    let everybody = [ANA.to_owned(), BOT.to_owned()];
    let (server, discord) = room(0, json!([])).await;
    discord.invite(&place(CHANNEL), &everybody).await.unwrap();
    assert_eq!(server.count(), 1, "a public channel is open");

    let hidden = json!([{ "id": GUILD, "type": 0, "allow": "0", "deny": VIEW.to_string() }]);
    let (server, discord) = room(0, hidden).await;
    let call = |account: &str| format!("PUT /channels/{CHANNEL}/permissions/{account}");
    server.to(&call(ANA), error(404, 10009)).to(&call(BOT), Reply::new(204, ""));
    assert_eq!(class(&discord.invite(&place(CHANNEL), &everybody).await), "refused");
    assert_eq!(server.seen(&call(BOT))[0].arguments["allow"], VIEW | SEND | 1 << 16);

    let (server, discord) = room(12, json!([])).await;
    let call = |account: &str| format!("PUT /channels/{CHANNEL}/thread-members/{account}");
    server.to(&call(ANA), Reply::new(204, "")).to(&call(BOT), Reply::new(204, ""));
    discord.invite(&place(CHANNEL), &everybody).await.unwrap();
    assert_eq!(class(&discord.invite(&place(CHANNEL), &["ana".into()]).await), "gone");
}

#[tokio::test]
async fn a_closed_channel_is_for_reading() {
    let before = json!([
        { "id": "7", "type": 0, "allow": (VIEW | SEND).to_string(), "deny": "0" },
        { "id": GUILD, "type": 0, "allow": SEND.to_string(), "deny": VIEW.to_string() },
    ]);
    let (server, discord) = room(0, before).await;
    discord.archive(&place(CHANNEL)).await.unwrap();
    let sent = server.seen(CHANGE)[0].arguments["permission_overwrites"].clone();
    assert_eq!(sent[0], json!({ "id": "7", "type": 0, "allow": VIEW, "deny": 0 }));
    let (id, allow, deny) = (&sent[1]["id"], &sent[1]["allow"], sent[1]["deny"].as_u64().unwrap());
    assert_eq!((id, allow, deny & (VIEW | SEND)), (&json!(GUILD), &json!(0), VIEW | SEND));
    assert_eq!((&sent[2]["id"], sent[2]["allow"].as_u64().unwrap() & SEND), (&json!(BOT), SEND));
}

#[tokio::test]
async fn a_closed_thread_is_locked_and_twice_is_no_error() {
    let (server, discord) = room(11, json!([])).await;
    discord.archive(&place(CHANNEL)).await.unwrap();
    assert_eq!(server.seen(CHANGE)[0].arguments, json!({ "archived": true, "locked": true }));
    server.anew(CHANGE).to(CHANGE, error(400, 50083));
    discord.archive(&place(CHANNEL)).await.unwrap();
    server.anew(LOOK).to(LOOK, error(404, 10003));
    assert_eq!(class(&discord.archive(&place(CHANNEL)).await), "gone");
}

#[tokio::test]
async fn a_pin_that_may_not_be_set_says_what_is_missing() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let call = "PUT /channels/1400000000000000001/messages/pins/1600000000000000001";
    server.to(call, Reply::new(204, "")).to(call, error(403, 50013));
    discord.pin(&at()).await.unwrap();
    let said = discord.pin(&at()).await.unwrap_err().to_string();
    assert!(said.contains("lacks a permission here: Pin Messages"), "{said}");
}
