//! A `slack_bolt` app in the sandbox's workspace, over both transports from one text: what people do
//! reaches it, and what it does stands in the workspace.

use nova_sandbox::slack::{Delivered, HttpTarget, Outcome, Slack, SlackOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::slack::Transport;
use crate::support::python::{LIMIT, script};

/// The app as a process of its own. It is killed when dropped.
struct App {
    child: Child,
    stdin: Option<ChildStdin>,
    printed: Lines<BufReader<ChildStdout>>,
    /// Where it listens, over HTTP.
    url: Option<String>,
}

impl App {
    /// Starts the app and connects the workspace with it.
    async fn start(slack: &Slack, transport: Transport) -> Self {
        let mut child =
            script("slack_vendor/bolt_app.py").spawn().expect("the app's process starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let printed = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let installed = slack.app();
        let kind = if transport == Transport::Http { "http" } else { "sockets" };
        let given = json!({
            "api_url": slack.api_url(), "bot_token": installed.bot_token,
            "app_token": installed.app_token, "signing_secret": installed.signing_secret,
            "transport": kind,
        });
        stdin.write_all(format!("{given}\n").as_bytes()).await.expect("the app reads");
        let mut app = App { child, stdin: Some(stdin), printed, url: None };
        app.url = app.line().await["url"].as_str().map(str::to_owned);
        match &app.url {
            Some(url) => slack.deliver_to(target(url, &installed.signing_secret)),
            None => {
                let one = |slack: &Slack| (slack.sockets() == 1).then_some(());
                slack.until("Bolt's socket", one).await.expect("Bolt connects");
            }
        }
        app
    }

    async fn line(&mut self) -> Value {
        let line = tokio::time::timeout(LIMIT, self.printed.next_line()).await;
        let line = line.expect("the app prints in time").expect("it prints text");
        serde_json::from_str(&line.expect("the app still runs")).expect("it prints JSON")
    }

    /// Ends it, and gives what Bolt complained of.
    async fn end(mut self) -> Value {
        // The end of its input is what it ends by.
        drop(self.stdin.take());
        let complaints = self.line().await;
        let status = tokio::time::timeout(LIMIT, self.child.wait()).await;
        let status = status.expect("the app ends in time").expect("it can be waited for");
        assert!(status.success(), "the app: {status}");
        complaints
    }
}

fn target(url: &str, secret: &str) -> HttpTarget {
    HttpTarget {
        commands_url: url.to_owned(),
        interactivity_url: url.to_owned(),
        events_url: url.to_owned(),
        signing_secret: secret.to_owned(),
    }
}

/// A delivery that Bolt took at once, and whose answer Slack would show.
fn taken(delivered: anyhow::Result<Delivered>) -> Delivered {
    let delivered = delivered.expect("the workspace has all that is named");
    assert!(delivered.acked && !delivered.late && delivered.attempts == 1, "{delivered:?}");
    assert_eq!(delivered.refused, None, "{delivered:?}");
    delivered
}

async fn says(slack: &Slack, line: &str) {
    taken(slack.command("ana", "incidents", "/nova", line).await);
}

/// The `ts` of the message with this text, once it stands in the channel.
async fn posted(slack: &Slack, text: &str) -> String {
    let found = slack.until(text, |slack| {
        let messages = slack.messages("incidents");
        messages.into_iter().find(|message| message.by_bot && message.text == text)
    });
    found.await.expect("Bolt posts it").ts
}

/// What ana alone sees, once it is this many messages.
async fn whispered(slack: &Slack, count: usize) -> Vec<String> {
    let found = slack.until("what ana alone sees", |slack| {
        let messages = slack.ephemerals("incidents", "ana");
        (messages.len() >= count).then(|| messages.into_iter().map(|m| m.text).collect())
    });
    found.await.expect("Bolt answers")
}

async fn commands(slack: &Slack) {
    says(slack, "grün & <b>").await;
    // The answer and what is posted to the response URL go two ways: neither is first.
    let mut whispers = whispered(slack, 2).await;
    whispers.sort();
    assert_eq!(whispers, ["more", "you said grün & <b>"]);
    says(slack, "people").await;
    let people = whispered(slack, 3).await.pop().expect("there are three");
    assert_eq!(people, "nova ana bo gus sol con una deploybot dora");
}

async fn buttons(slack: &Slack) {
    says(slack, "post").await;
    let ts = posted(slack, "choose").await;
    taken(slack.click("bo", "incidents", &ts, "go").await);
    assert_eq!(posted(slack, "gone 7").await, ts, "the message was replaced");
    let edits: Vec<u32> = slack.messages("incidents").iter().map(|m| m.edits).collect();
    assert_eq!(edits, [1]);
}

async fn forms(slack: &Slack) {
    says(slack, "ask").await;
    let open = |slack: &Slack| slack.open_views("ana").pop();
    let view = slack.until("the form", open).await.expect("Bolt opens it");
    assert_eq!(view.callback_id(), "ask");
    let refused = taken(slack.submit(&view.id, &[("name", "bad")]).await);
    assert_eq!(refused.response["response_action"], "errors");
    assert_eq!(slack.open_views("ana")[0].errors, json!({ "name": "not that one" }));
    taken(slack.submit(&view.id, &[("name", "good")]).await);
    assert_eq!(slack.open_views("ana").len(), 0, "the form is closed");
    let told = |slack: &Slack| slack.direct_messages("ana").pop().map(|message| message.text);
    assert_eq!(slack.until("the greeting", told).await.expect("Bolt posts it"), "hello good");
}

async fn events(slack: &Slack) {
    taken(slack.open_home("bo").await);
    let home = slack.until("bo's home page", |slack| slack.home("bo")).await;
    let home = home.expect("Bolt publishes it").view;
    assert_eq!(home["blocks"][0]["text"]["text"], "for <@U0BO000001>");
    taken(slack.mention("bo", "incidents", "are you there?").await);
    let reply = posted(slack, "hi").await;
    let messages = slack.messages("incidents");
    let at = |ts: &str| messages.iter().find(|m| m.ts == ts).expect("it stands there");
    let asked = at(&reply).thread_ts.clone().expect("it is a reply");
    assert_eq!((at(&asked).user.as_str(), at(&asked).replies), ("U0BO000001", 1));
    taken(slack.message_shortcut("ana", "incidents", &asked, "keep").await);
    let pins = |slack: &Slack| slack.channel("incidents").pins.pop();
    assert_eq!(slack.until("the pin", pins).await.expect("Bolt pins it").ts, asked);
}

async fn files_and_history(slack: &Slack) {
    says(slack, "file").await;
    posted(slack, "file").await;
    let files = slack.files();
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].name.as_str(), files[0].title.as_str()), ("a.txt", "A"));
    assert_eq!(&files[0].bytes[..], b"one\ntwo\n");
    assert_eq!(files[0].channels, ["C0INCIDENT"]);
    // "gone 7", the mention and the file; the reply stands in its thread.
    says(slack, "history").await;
    posted(slack, "pages [2, 1]").await;
}

/// What is signed with another secret, Bolt turns down.
async fn forged(slack: &Slack, url: &str) {
    slack.deliver_to(target(url, "another secret"));
    let delivered = slack.command("ana", "incidents", "/nova", "post").await;
    let delivered = delivered.expect("the workspace has all that is named");
    assert_eq!((delivered.acked, delivered.status), (false, Some(401)), "{delivered:?}");
}

async fn converse(transport: Transport) {
    let slack = Slack::start(SlackOptions::default()).await.expect("the workspace starts");
    let app = App::start(&slack, transport).await;
    commands(&slack).await;
    buttons(&slack).await;
    forms(&slack).await;
    events(&slack).await;
    files_and_history(&slack).await;
    if let Some(url) = &app.url {
        forged(&slack, url).await;
    }
    assert_eq!(app.end().await, json!([]), "Bolt complained");
    let refused: Vec<_> =
        slack.journal().into_iter().filter(|request| request.outcome != Outcome::Ok).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let none = |slack: &Slack| (slack.sockets() == 0).then_some(());
    slack.until("the end of the sockets", none).await.expect("Bolt closes them");
}

#[tokio::test]
async fn an_app_of_bolt_works_over_http() {
    converse(Transport::Http).await;
}

#[tokio::test]
async fn an_app_of_bolt_works_over_socket_mode() {
    converse(Transport::Sockets).await;
}
