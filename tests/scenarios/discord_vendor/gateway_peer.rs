//! A discord.py app in the sandbox's guild, over both transports from one text: what people do reaches
//! it, what it does stands in the guild, and it survives what the gateway does to it.

use nova_sandbox::discord::{Delivered, Discord, DiscordOptions, Message};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::{events, judge};
use crate::support::python::{LIMIT, script};

/// The app as a process of its own. It is killed when dropped.
struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    printed: Lines<BufReader<ChildStdout>>,
    /// Where it listens, over HTTP.
    url: Option<String>,
}

impl Peer {
    /// Starts the app and connects the guild with it.
    async fn start(discord: &Discord, transport: &str) -> Self {
        let mut child =
            script("discord_vendor/gateway_peer.py").spawn().expect("the app's process starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let printed = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let app = discord.app();
        let given = json!({
            "api_url": discord.api_url(), "gateway_url": discord.gateway_url(),
            "bot_token": discord.bot_token(), "guild_id": app.guild_id,
            "public_key": app.public_key, "transport": transport,
        });
        stdin.write_all(format!("{given}\n").as_bytes()).await.expect("the app reads");
        let mut peer = Peer { child, stdin: Some(stdin), printed, url: None };
        peer.url = peer.line().await["url"].as_str().map(str::to_owned);
        match &peer.url {
            Some(url) => discord.deliver_to(url),
            None => assert_eq!(discord.connections(), 1, "it is ready, so it is connected"),
        }
        peer
    }

    async fn line(&mut self) -> Value {
        let line = tokio::time::timeout(LIMIT, self.printed.next_line()).await;
        let line = line.expect("the app prints in time").expect("it prints text");
        serde_json::from_str(&line.expect("the app still runs")).expect("it prints JSON")
    }

    /// Ends it, and gives what it saw.
    async fn end(mut self) -> Value {
        // The end of its input is what it ends by.
        drop(self.stdin.take());
        let seen = self.line().await;
        let status = tokio::time::timeout(LIMIT, self.child.wait()).await;
        let status = status.expect("the app ends in time").expect("it can be waited for");
        assert!(status.success(), "the app: {status}");
        seen
    }
}

/// A delivery that discord.py answered at once, and whose answer Discord would show.
fn taken(delivered: anyhow::Result<Delivered>) -> Delivered {
    let delivered = delivered.expect("the guild has all that is named");
    assert!(delivered.acked && !delivered.late && delivered.attempts == 1, "{delivered:?}");
    assert_eq!(delivered.refused, None, "{delivered:?}");
    delivered
}

async fn says(discord: &Discord, line: &str) -> Value {
    taken(discord.typed("ana", "incidents", line).await).response
}

/// The bot's message with this text, once it stands in the channel.
async fn posted(discord: &Discord, text: &str) -> Message {
    let found = discord.until(text, |discord| {
        let messages = discord.messages("incidents");
        messages.into_iter().find(|message| message.by_bot && message.content == text)
    });
    found.await.expect("discord.py posts it")
}

/// What ana alone sees last, once it is this.
async fn whispered(discord: &Discord, text: &str) {
    let found = discord.until(text, |discord| {
        let messages = discord.ephemerals("incidents", "ana");
        messages.last().is_some_and(|message| message.content == text).then_some(())
    });
    found.await.expect("discord.py answers");
}

async fn commands(discord: &Discord) {
    let names: Vec<Value> =
        discord.commands().iter().map(|command| command["name"].clone()).collect();
    assert_eq!(names, ["nova", "Keep"]);
    let response = says(discord, "say grün & <b>").await;
    assert_eq!((&response["type"], &response["data"]["flags"]), (&json!(4), &json!(64)));
    whispered(discord, "you said grün & <b>").await;
    let unknown = discord.typed("ana", "incidents", "nothing").await;
    assert!(unknown.is_err(), "it is not registered: {unknown:?}");
    let few = discord.command("ana", "incidents", &["nova", "say"], &[]).await;
    assert!(few.is_err(), "an option is missing: {few:?}");
    let many = [("text", json!("x")), ("times", json!(4))];
    let many = discord.command("ana", "incidents", &["nova", "say"], &many).await;
    assert!(many.is_err(), "four is more than three: {many:?}");
    assert_eq!(says(discord, "slow").await["type"], 5);
    let done = posted(discord, "done").await;
    assert_eq!(done.embeds[0]["description"], "well");
    whispered(discord, "more").await;
}

async fn completion(discord: &Discord) {
    let words = ["nova", "check"];
    let options = [("service", json!("a"))];
    let offered = discord.autocomplete("ana", "incidents", &words, &options, "service").await;
    let response = taken(offered).response;
    assert_eq!(response["type"], 8);
    let choices = json!([{ "name": "API", "value": "api" }, { "name": "AUTH", "value": "auth" }]);
    assert_eq!(response["data"]["choices"], choices);
    says(discord, "check api").await;
    whispered(discord, "checked api").await;
}

async fn buttons(discord: &Discord) {
    says(discord, "post").await;
    let message = posted(discord, "choose").await;
    taken(discord.choose("ana", "incidents", &message.id, "pick", "1").await);
    whispered(discord, "picked 1").await;
    let response = taken(discord.click("ana", "incidents", &message.id, "go").await).response;
    assert_eq!(response["type"], 7);
    let gone = posted(discord, "gone ana").await;
    assert_eq!((gone.id, gone.components), (message.id, Vec::new()), "the message was replaced");
}

async fn forms(discord: &Discord) {
    assert_eq!(says(discord, "ask").await["type"], 9);
    let modal = discord.open_modals("ana").pop().expect("discord.py opens it");
    taken(discord.submit(&modal, &[("name", "good"), ("level", "high")]).await);
    whispered(discord, "hello good high").await;
    assert_eq!(discord.open_modals("ana").len(), 0, "the form is closed");
}

async fn messages(discord: &Discord) {
    let said = discord.say("bo", "incidents", "remember this").expect("bo is there");
    taken(discord.message_command("ana", "incidents", &said, "Keep").await);
    whispered(discord, "kept remember this of bo").await;
    says(discord, "work").await;
    whispered(discord, "1 private").await;
    let message = posted(discord, "second").await;
    assert!(message.pinned && message.edits == 1, "{message:?}");
    assert_eq!(message.nonce.as_deref(), Some("a-nonce"));
    assert_eq!(discord.files()[0].name, "peer.py");
    let thread = discord.messages("talk").pop().expect("the thread is there");
    assert_eq!(thread.content, "in the thread");
    let direct = discord.direct_messages("ana").pop().expect("it was sent");
    assert_eq!(direct.content, "for you alone");
}

/// What bo types reaches the app: it is connected, and has not lost its commands.
async fn answers(discord: &Discord) {
    says(discord, "say again").await;
}

/// Waits until sessions have been begun and resumed so many times, and one is connected.
async fn sessions(discord: &Discord, identifies: usize, resumes: usize) {
    let what = format!("{identifies} sessions and {resumes} resumes");
    let come = discord.until(&what, |discord| {
        let counts = (discord.identifies(), discord.resumes(), discord.connections());
        (counts == (identifies, resumes, 1)).then_some(())
    });
    come.await.expect("discord.py comes back");
}

/// Everything that the gateway may do to an app.
async fn faults(discord: &Discord) {
    discord.drop_connections();
    sessions(discord, 1, 1).await;
    answers(discord).await;
    discord.reconnect_requested();
    sessions(discord, 1, 2).await;
    discord.invalidate(true);
    sessions(discord, 1, 3).await;
    discord.close_connections(4000);
    sessions(discord, 1, 4).await;
    answers(discord).await;
    discord.invalidate(false);
    sessions(discord, 2, 4).await;
    answers(discord).await;
    let beats = discord.heartbeats();
    discord.request_heartbeat();
    let beaten =
        discord.until("a heartbeat", |discord| (discord.heartbeats() > beats).then_some(()));
    beaten.await.expect("discord.py sends it at once");
}

/// What happens to channels and roles.
async fn happenings(discord: &Discord) {
    discord.archive_thread("talk", true).expect("it is there");
    discord.archive_thread("talk", false).expect("it is there");
    discord.delete_channel("talk").expect("it is there");
    discord.delete_channel("ops").expect("it is there");
    discord.remove_bot("random").expect("it is there");
    discord.set_role("nova", "oncall", true).expect("both are there");
    // Events come in their order, so that those before an answer have come.
    answers(discord).await;
}

/// The status and the body of a request that this test makes itself.
async fn post(url: &str, timestamp: &str, signature: &str, body: &str) -> (u16, String) {
    let (host, path) = url.trim_start_matches("http://").split_once('/').expect("it has a path");
    let mut stream = TcpStream::connect(host).await.expect("the app listens");
    let request = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         x-signature-timestamp: {timestamp}\r\nx-signature-ed25519: {signature}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("the app reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the app answers");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status.expect("it has a status"), body.expect("it has a body"))
}

/// What is not Discord's, the verifier of another library turns down.
async fn forged(discord: &Discord, url: &str) {
    let ping = r#"{"type":1}"#;
    let signed = discord.signed(ping.as_bytes());
    let pong = post(url, &signed.timestamp, &signed.signature, ping).await;
    assert_eq!(pong, (200, r#"{"type": 1}"#.to_owned()));
    for (timestamp, body) in [(signed.timestamp.as_str(), r#"{"type":2}"#), ("1", ping)] {
        assert_eq!(post(url, timestamp, &signed.signature, body).await.0, 401);
    }
}

/// What discord.py sends, and no schema has.
const MORE: [(&str, &str); 3] = [
    ("nsfw", "of a command: documented, and missing in the schema"),
    ("tts", "of an edit: passed over"),
    ("flags", "of an embed: passed over"),
];

/// # Panics
/// When Discord's contract has other complaints, or one of these not.
fn judged(discord: &Discord) {
    let mut found = judge::verdict(discord);
    for (key, why) in MORE {
        let (before, told) =
            (found.len(), format!("Additional properties are not allowed ('{key}' was"));
        found.retain(|one| !(one.contains(": sent ") && one.contains(&told)));
        assert!(found.len() < before, "no {key} was sent: {why}");
    }
    assert!(found.is_empty(), "against Discord's contract:\n{}", found.join("\n"));
}

async fn converse(transport: &str) {
    let discord = Discord::start(DiscordOptions::default()).await.expect("the guild starts");
    let peer = Peer::start(&discord, transport).await;
    commands(&discord).await;
    completion(&discord).await;
    buttons(&discord).await;
    forms(&discord).await;
    messages(&discord).await;
    let mut forgeries = 0;
    match &peer.url {
        Some(url) => {
            forged(&discord, url).await;
            forgeries = 2;
        }
        None => {
            faults(&discord).await;
            happenings(&discord).await;
        }
    }
    let seen = peer.end().await;
    assert_eq!(seen["complaints"], json!([]), "discord.py complained");
    assert!(seen["forged"].as_u64() >= Some(forgeries), "{seen}");
    let seen_events = seen["events"].as_array().expect("it lists them");
    let count = |name: &str| seen_events.iter().filter(|event| event[0] == name).count();
    if transport == "gateway" {
        assert_eq!((count("READY"), count("RESUMED")), (2, 4));
        assert_eq!(seen["channels"], json!(["incidents"]));
        for happened in ["THREAD_DELETE", "CHANNEL_DELETE", "GUILD_MEMBER_UPDATE"] {
            assert_ne!(count(happened), 0, "{happened} came");
        }
    }
    for event in seen_events {
        let name = event[0].as_str().expect("an event has a name");
        let wrong = events::complaints(name, &event[1]);
        assert!(wrong.is_empty(), "{wrong:#?} in {:#}", event[1]);
    }
    judged(&discord);
    let none = |discord: &Discord| (discord.connections() == 0).then_some(());
    discord.until("the end of the connection", none).await.expect("discord.py closes it");
}

#[tokio::test]
async fn an_app_of_discord_py_works_over_the_gateway() {
    converse("gateway").await;
}

#[tokio::test]
async fn an_app_of_discord_py_works_over_http() {
    converse("http").await;
}
