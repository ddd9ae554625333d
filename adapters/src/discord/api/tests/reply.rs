//! Answers to one event, by its token and without.

use std::sync::Arc;
use std::time::Duration;

use super::messages::{EDIT, POST, at};
use super::server::{Answers, Reply, error, posted};
use super::{ANA, CHANNEL, MESSAGE, class, client, done, place, working};
use crate::chat::{Account, Chat, Platform};
use crate::discord::api::Discord;
use crate::event::{Actor, Deed, Event, Press, Reply as EventReply};
use crate::message::Attachment;
use crate::workspace::Workspace;

const ORIGINAL: &str = "PATCH /webhooks/1100000000000000001/s3cret/messages/@original";
const REWRITE: &str = "PATCH /webhooks/1100000000000000001/s3cret/messages/1600000000000000001";
const FOLLOW_UP: &str = "POST /webhooks/1100000000000000001/s3cret";
const OPEN: &str = "POST /users/@me/channels";
const DIRECT: &str = "POST /channels/1900000000000000001/messages";

/// Somebody used a command in [`CHANNEL`].
pub(super) fn command() -> Event {
    Event {
        id: "discord:interaction:17".into(),
        actor: Actor {
            account: Account { platform: Platform::Discord, id: ANA.into() },
            foreign: false,
            profile: None,
        },
        place: Some(place(CHANNEL)),
        place_name: None,
        deed: Deed::Chosen { words: vec!["health".into()] },
        reply: EventReply { token: Some("17:s3cret".into()), trigger: None },
    }
}

fn press() -> Event {
    let action = Press::Run { line: "health".into() };
    Event { deed: Deed::Press { action, message: None }, ..command() }
}

async fn answering(event: Event) -> (Answers, Discord, Arc<dyn Chat>) {
    let server = Answers::start().await;
    server.to(OPEN, serde_json::json!({ "id": "1900000000000000001" })).to(DIRECT, posted());
    let discord = client(&server.api_url());
    let reply = discord.reply(&event);
    (server, discord, reply)
}

fn later(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lets time go by.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_commands_answer_takes_the_place_of_the_waiting() {
    let (server, _discord, reply) = answering(command()).await;
    server.to(ORIGINAL, posted()).to(REWRITE, posted());
    let stands = reply.post(&place(CHANNEL), &working("looking"), "k").await.unwrap();
    assert_eq!(stands, at());
    reply.update(&stands, &done("fine")).await.unwrap();
    assert_eq!((server.seen(POST).len(), server.seen(FOLLOW_UP).len()), (0, 0));
    let seen = &server.seen(ORIGINAL)[0];
    assert_eq!(seen.header("authorization"), None, "the token in the path is the permission");
    assert!(seen.arguments["content"].as_str().unwrap().contains("looking"));

    // A second message is an ordinary one.
    server.to(POST, posted());
    reply.post(&place(CHANNEL), &done("more"), "k2").await.unwrap();
    assert_eq!(server.seen(POST).len(), 1);
}

#[tokio::test]
async fn an_acknowledgement_still_on_its_way_is_waited_for() {
    let (server, _discord, reply) = answering(command()).await;
    server.to(ORIGINAL, error(404, 10015)).to(ORIGINAL, posted());
    let early = reply.post(&place(CHANNEL), &done("fine"), "k").await;
    assert_eq!(class(&early), "limited");
    reply.post(&place(CHANNEL), &done("fine"), "k").await.unwrap();
    assert_eq!((server.seen(ORIGINAL).len(), server.seen(POST).len()), (2, 0));
}

#[tokio::test]
async fn what_was_never_acknowledged_is_an_ordinary_message() {
    for code in [10008, 10015, 10062, 50027] {
        let (server, _discord, reply) = answering(command()).await;
        server.to(ORIGINAL, error(404, code)).to(POST, posted()).to(EDIT, posted());
        pass(later(6)).await;
        let stands = reply.post(&place(CHANNEL), &working("looking"), "k").await.unwrap();
        reply.update(&stands, &done("fine")).await.unwrap();
        assert_eq!((server.seen(ORIGINAL).len(), server.seen(EDIT).len()), (1, 1), "{code}");
    }
}

#[tokio::test]
async fn a_token_that_is_over_is_not_waited_for() {
    let (server, _discord, reply) = answering(command()).await;
    server.to(ORIGINAL, error(401, 50027)).to(POST, posted());
    reply.post(&place(CHANNEL), &working("looking"), "k").await.unwrap();
    assert_eq!((server.seen(ORIGINAL).len(), server.seen(POST).len()), (1, 1));
}

#[tokio::test]
async fn after_a_quarter_of_an_hour_the_token_is_not_tried() {
    let (server, _discord, reply) = answering(command()).await;
    server.to(ORIGINAL, posted()).to(REWRITE, posted()).to(EDIT, posted());
    let stands = reply.post(&place(CHANNEL), &working("looking"), "k").await.unwrap();
    pass(later(15 * 60)).await;
    reply.update(&stands, &done("fine")).await.unwrap();
    assert_eq!((server.seen(REWRITE).len(), server.seen(EDIT).len()), (0, 1));
}

#[tokio::test]
async fn where_nova_may_not_write_the_result_goes_to_the_person() {
    let (server, _discord, reply) = answering(command()).await;
    server.to(ORIGINAL, posted()).to(EDIT, error(403, 50001));
    let stands = reply.post(&place(CHANNEL), &working("looking"), "k").await.unwrap();
    pass(later(15 * 60)).await;
    reply.update(&stands, &working("half")).await.unwrap();
    assert_eq!(server.seen(DIRECT).len(), 0, "progress is not worth a message of its own");
    reply.update(&stands, &done("fine")).await.unwrap();
    reply.update(&stands, &done("fine")).await.unwrap();
    let seen = server.seen(DIRECT);
    assert_eq!(seen[0].arguments["nonce"], seen[1].arguments["nonce"], "one message to Discord");
}

#[tokio::test]
async fn the_answer_to_a_press_does_not_replace_what_was_pressed() {
    let (server, _discord, reply) = answering(press()).await;
    server.to(POST, posted()).to(EDIT, posted());
    let stands = reply.post(&place(CHANNEL), &working("looking"), "k").await.unwrap();
    reply.update(&stands, &done("fine")).await.unwrap();
    assert_eq!((server.seen(ORIGINAL).len(), server.seen(EDIT).len()), (0, 1));

    // By a follow-up where nova may not write.
    let (server, _discord, reply) = answering(press()).await;
    server.to(POST, error(403, 50001)).to(FOLLOW_UP, posted()).to(REWRITE, posted());
    let stands = reply.post(&place(CHANNEL), &working("looking"), "k").await.unwrap();
    reply.update(&stands, &done("fine")).await.unwrap();
    assert_eq!((server.seen(FOLLOW_UP).len(), server.seen(REWRITE).len()), (1, 1));
}

#[tokio::test]
async fn an_answer_goes_nowhere_else() {
    let (server, discord, reply) = answering(command()).await;
    let other = place("1400000000000000002");
    server.to("POST /channels/1400000000000000002/messages", error(403, 50001));
    assert_eq!(class(&reply.post(&other, &done("fine"), "k").await), "gone");
    for token in ["", "17", "17:../x", "x:s3cret"] {
        let mut event = command();
        event.reply.token = Some(token.into());
        server.anew(POST).to(POST, error(404, 10003));
        let posted = discord.reply(&event).post(&place(CHANNEL), &done("fine"), "k").await;
        assert_eq!(class(&posted), "gone");
    }
    assert_eq!(server.seen(ORIGINAL).len(), 0);
}

#[tokio::test]
async fn a_lost_answer_is_in_doubt_unless_it_replaces() {
    let (server, _discord, reply) = answering(command()).await;
    server.to(ORIGINAL, Reply::new(502, ""));
    assert_eq!(class(&reply.post(&place(CHANNEL), &done("fine"), "k").await), "unavailable");
    let (server, _discord, reply) = answering(press()).await;
    server.to(POST, error(403, 50001)).to(FOLLOW_UP, Reply::new(502, ""));
    assert_eq!(class(&reply.post(&place(CHANNEL), &done("fine"), "k").await), "unanswered");
    server.to("GET /channels/1400000000000000001/messages", error(403, 50001));
    assert_eq!(class(&reply.find(&place(CHANNEL), "k").await), "refused");
}

#[tokio::test]
async fn a_file_goes_the_way_of_its_message() {
    let file = Attachment { name: "a.txt".into(), media_type: "text/plain", bytes: vec![1] };
    let (server, _discord, reply) = answering(command()).await;
    server.to(ORIGINAL, posted()).to(FOLLOW_UP, posted()).to(POST, posted());
    let stands = reply.post(&place(CHANNEL), &done("fine"), "k").await.unwrap();
    reply.attach(&stands, &file).await.unwrap();
    assert_eq!((server.seen(FOLLOW_UP).len(), server.seen(POST).len()), (1, 0));
    server.anew(FOLLOW_UP).to(FOLLOW_UP, error(401, 50027));
    reply.attach(&stands, &file).await.unwrap();
    assert_eq!(server.seen(POST).len(), 1);
}

#[tokio::test]
async fn something_is_said_once_beside() {
    let (server, discord, _reply) = answering(press()).await;
    server.to(FOLLOW_UP, posted());
    let (to, event) = (place(CHANNEL), press());
    discord.answer(&to, ANA, &event.reply, &done("for you"), true).await.unwrap();
    discord.answer(&to, ANA, &event.reply, &done("for all"), false).await.unwrap();
    let flags: Vec<_> =
        server.seen(FOLLOW_UP).iter().map(|s| s.arguments["flags"].as_u64()).collect();
    assert_eq!(flags, [Some(64), None]);

    // Too late for the token.
    server.anew(FOLLOW_UP).to(FOLLOW_UP, error(401, 50027)).to(POST, posted());
    discord.answer(&to, ANA, &event.reply, &done("for you"), true).await.unwrap();
    discord.answer(&to, ANA, &event.reply, &done("for all"), false).await.unwrap();
    assert_eq!((server.seen(DIRECT).len(), server.seen(POST).len()), (1, 1));
    assert_eq!(discord.stopped(), None, "the token was the interaction's, not the bot's");
}

#[tokio::test]
async fn nothing_goes_out_by_a_token_either_after_a_stop() {
    let (server, discord, reply) = answering(command()).await;
    server.to(ORIGINAL, posted()).to(REWRITE, posted());
    let stands = reply.post(&place(CHANNEL), &working("looking"), "k").await.unwrap();
    assert_eq!(stands.id, MESSAGE);
    discord.stop("the app was removed");
    assert_eq!(class(&reply.update(&stands, &done("fine")).await), "unauthorised");
    discord.replace_token("second.bot-token".into());
    assert_eq!(class(&reply.update(&stands, &done("fine")).await), "done");
}
