//! Posting, updating and finding again.

use serde_json::{Value, json};

use super::server::{Answers, error, posted, posted_in};
use super::{ANA, BOT, CHANNEL, MESSAGE, class, client, done, place};
use crate::chat::{Chat, MessageRef, Platform};
use crate::workspace::Workspace;

pub(super) const POST: &str = "POST /channels/1400000000000000001/messages";
pub(super) const EDIT: &str = "PATCH /channels/1400000000000000001/messages/1600000000000000001";
pub(super) const LIST: &str = "GET /channels/1400000000000000001/messages";
const OPEN: &str = "POST /users/@me/channels";

pub(super) fn at() -> MessageRef {
    MessageRef { conversation: place(CHANNEL), id: MESSAGE.into() }
}

#[tokio::test]
async fn a_post_carries_its_key_and_mentions_nobody() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    server.to(POST, posted());
    let stands = discord.post(&place(CHANNEL), &done("all is well"), "k-1").await.unwrap();
    assert_eq!(stands, at());
    discord.post(&place(CHANNEL), &done("all is well"), "k-1").await.unwrap();
    discord.post(&place(CHANNEL), &done("all is well"), "k-2").await.unwrap();

    let seen = server.seen(POST);
    let mut sent = seen[0].arguments.clone();
    let nonce = sent["nonce"].take();
    assert_eq!(nonce.as_str().map(str::len), Some(25));
    let expected = json!({
        "content": "✅ **all is well**", "embeds": [], "components": [],
        "allowed_mentions": { "parse": [], "replied_user": false },
        "nonce": null, "enforce_nonce": true,
    });
    assert_eq!(sent, expected);
    assert_eq!(seen[1].arguments["nonce"], nonce, "a repeat is the same message to Discord");
    assert_ne!(seen[2].arguments["nonce"], nonce);
    assert_eq!(seen[0].header("authorization"), Some("Bot first.bot-token"));
    let agent = seen[0].header("user-agent").unwrap();
    assert!(agent.starts_with("DiscordBot (https://") && agent.ends_with(')'), "{agent}");
}

#[tokio::test]
async fn a_person_becomes_a_channel_once() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    server.to(OPEN, error(403, 50033)).to(OPEN, json!({ "id": CHANNEL, "type": 1 }));
    server.to(POST, posted()).to(EDIT, json!({}));
    let ana = place(&format!("@{ANA}"));
    assert_eq!(class(&discord.post(&ana, &done("up"), "k").await), "refused");
    let stands = discord.post(&ana, &done("up"), "k").await.unwrap();
    assert_eq!(stands, at());
    discord.whisper(&place(CHANNEL), ANA, &done("psst")).await.unwrap();
    discord.update(&stands, &done("up")).await.unwrap();
    assert_eq!(server.seen(OPEN)[1].arguments, json!({ "recipient_id": ANA }));
    assert_eq!(server.seen(OPEN).len(), 2);
    let edited = &server.seen(EDIT)[0].arguments;
    assert_eq!((edited.get("nonce"), &edited["embeds"]), (None, &json!([])));
    let whispered = &server.seen(POST)[1].arguments;
    assert_eq!(whispered.get("nonce"), None, "no key, no nonce");
}

#[tokio::test]
async fn what_is_not_on_discord_is_not_asked_for() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let mut elsewhere = place(CHANNEL);
    elsewhere.platform = Platform::Slack;
    for to in [place("general"), place(""), place("1/../2"), place("@ana"), elsewhere] {
        assert_eq!(class(&discord.post(&to, &done("up"), "k").await), "gone");
    }
    let bad = MessageRef { id: "@original".into(), ..at() };
    assert_eq!(class(&discord.update(&bad, &done("up")).await), "gone");
    assert_eq!(class(&discord.whisper(&place(CHANNEL), "ana", &done("up")).await), "gone");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_post_is_found_again_by_its_key_if_it_is_ours() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    server.to(POST, posted_in("garbage")).to(POST, posted());
    assert_eq!(class(&discord.post(&place(CHANNEL), &done("up"), "wanted").await), "unanswered");
    let nonce = server.seen(POST)[0].arguments["nonce"].clone();
    let message = |id: &str, author: &str, nonce: &Value| json!({ "id": id, "author": { "id": author }, "nonce": nonce, "content": "" });
    server.to(
        LIST,
        json!([
            17,
            {},
            message("1", ANA, &nonce),
            message("2", BOT, &json!(17)),
            message("../3", ANA, &nonce),
            message("4", BOT, &nonce),
        ]),
    );
    let found = discord.find(&place(CHANNEL), "wanted").await.unwrap();
    assert_eq!(found, Some(MessageRef { conversation: place(CHANNEL), id: "4".into() }));
    assert_eq!(discord.find(&place(CHANNEL), "never posted").await.unwrap(), None);
    assert_eq!(server.seen(LIST)[0].arguments, json!({ "limit": "100" }));
    assert_eq!(server.seen("GET /users/@me").len(), 1, "who nova is does not change");
}

#[tokio::test]
async fn a_link_is_made_without_asking() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let link = discord.permalink(&at()).await.unwrap();
    let expected =
        "https://discord.com/channels/1200000000000000001/1400000000000000001/1600000000000000001";
    assert_eq!(link, expected);
    assert_eq!(server.count(), 0);
}
