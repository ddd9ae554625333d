//! nova serving a Slack workspace: the whole process in one task, the workspace beside it.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Mutex;

use nova::config::{Config, Environment};
use nova::serve::{Reloaded, Server};
use nova::store::{Clock, Entry, Incident, Page, Store, StoreConfig, TimelineKey};
use nova_commands::platform::Secrets;
use nova_sandbox::World;
use nova_sandbox::slack::{Delivered, Delivery, HttpTarget, Message, Slack, SlackOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::judge::judge;
use crate::support::{install_tls, world};

/// How Slack reaches nova.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    Sockets,
}

/// A workspace with nova in it.
pub(crate) struct Office {
    pub(crate) slack: Slack,
    pub(crate) world: World,
    /// `http://127.0.0.1:PORT`, where nova listens.
    pub(crate) address: String,
    /// The configuration's text without the secrets.
    pub(crate) config: String,
    folder: TempDir,
    reload: mpsc::UnboundedSender<Reloaded>,
    answers: Mutex<Vec<Value>>,
    cancel: CancellationToken,
    running: JoinHandle<usize>,
}

/// People and roles of the conversations, on top of the sandbox's workspace.
const PEOPLE: &str = r#"
[[people]]
name = "ana"
slack = "U0ANA00001"
roles = ["operator"]
"#;

impl Office {
    pub(crate) async fn open(transport: Transport) -> Self {
        Self::with(transport, SlackOptions::default(), |text| text).await
    }

    /// With the configuration as `edit` changes it.
    pub(crate) async fn with(
        transport: Transport,
        options: SlackOptions,
        edit: impl FnOnce(String) -> String,
    ) -> Self {
        install_tls();
        let world = world(false).await;
        let slack = Slack::start(options).await.expect("the workspace starts");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let way = match transport {
            Transport::Http => "signing_secret = { env = \"SIGNING\" }",
            Transport::Sockets => "app_token = { env = \"APP\" }",
        };
        let platform = world.config_toml(folder.path()).expect("the world describes itself");
        let config = edit(format!(
            "{platform}\n[store]\nurl = \"sqlite:{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [limits]\ndeadline = \"30s\"\n{PEOPLE}\n\
             [slack]\nbot_token = {{ env = \"BOT\" }}\n{way}\napi_url = \"{}\"\n\
             fallback_channel = \"C0OPS00001\"\nmember_roles = [\"viewer\"]\n",
            folder.path().join("nova.db").display(),
            slack.api_url(),
        ));
        let (parsed, secrets) = read(&config, &slack);
        let server = Server::start(&parsed, &Environment::default(), &secrets).await;
        let server = server.expect("nova starts");
        let address = format!("http://{}", server.address().expect("it listens"));
        let cancel = server.cancel();
        let (reload, mut reloads) = mpsc::unbounded_channel();
        let running = tokio::spawn(server.run(async move || match reloads.recv().await {
            Some(reloaded) => reloaded,
            None => pending().await,
        }));
        if transport == Transport::Http {
            slack.deliver_to(HttpTarget {
                commands_url: format!("{address}/slack/commands"),
                interactivity_url: format!("{address}/slack/interactivity"),
                events_url: format!("{address}/slack/events"),
                signing_secret: slack.app().signing_secret.clone(),
            });
        } else {
            let both = |slack: &Slack| (slack.sockets() == 2).then_some(());
            slack.until("two sockets", both).await.expect("nova opens them");
        }
        let answers = Mutex::default();
        Self { slack, world, address, config, folder, reload, answers, cancel, running }
    }

    /// Types `/nova LINE`.
    pub(crate) async fn says(&self, user: &str, channel: &str, line: &str) -> Delivered {
        let delivered = self.slack.command(user, channel, "/nova", line).await;
        self.kept(delivered.expect("there are such a person and channel"))
    }

    pub(crate) async fn clicks(&self, user: &str, channel: &str, ts: &str, id: &str) -> Delivered {
        let delivered = self.slack.click(user, channel, ts, id).await;
        self.kept(delivered.expect("there is such a button"))
    }

    pub(crate) async fn delivers(&self, delivery: &Delivery) -> Delivered {
        let delivered = self.slack.deliver(delivery).await;
        self.kept(delivered)
    }

    /// What Slack would not show is a fault of nova's, and so is a late answer.
    pub(crate) fn kept(&self, delivered: Delivered) -> Delivered {
        assert!(delivered.acked && !delivered.late, "{delivered:?}");
        assert_eq!(delivered.refused, None, "{delivered:?}");
        if delivered.response.is_object() {
            self.answers.lock().expect("nobody panicked").push(delivered.response.clone());
        }
        delivered
    }

    /// Breaks or heals something, as the demo's `sandbox …` does.
    pub(crate) async fn sandbox(&self, line: &str) {
        self.world.control(line).await.expect("the sandbox obeys");
    }

    /// The bot's messages in a channel, once there are so many and the last one is final.
    pub(crate) async fn answers(&self, channel: &str, count: usize) -> Vec<Message> {
        let awaited = format!("{count} final messages in {channel}");
        let look = |slack: &Slack| {
            let messages = slack.messages(channel);
            let ours: Vec<Message> = messages.into_iter().filter(|m| m.by_bot).collect();
            let done = ours.len() >= count && ours.iter().all(|m| !read_aloud(m).starts_with('⏳'));
            done.then_some(ours)
        };
        self.slack.until(&awaited, look).await.unwrap_or_else(|error| {
            let texts: Vec<String> = self.slack.messages(channel).iter().map(read_aloud).collect();
            panic!("{error}: {texts:#?}")
        })
    }

    /// Gives nova the configuration again, with the workspace's present tokens.
    pub(crate) fn reload(&self, config: &str) {
        self.reload.send(read(config, &self.slack)).expect("nova runs");
    }

    /// The timeline, oldest first.
    pub(crate) async fn timeline(&self) -> Vec<Entry> {
        let store = self.store().await;
        let page = Page { before: None, limit: Page::MAX };
        let mut entries = store.timeline(page).await.expect("the store answers");
        store.close().await;
        entries.reverse();
        entries
    }

    /// An incident as the store has it.
    pub(crate) async fn incident(&self, number: u32) -> Incident {
        let store = self.store().await;
        let number = number.to_string().parse().expect("it is a number");
        let found = store.incident(number).await.expect("the store answers");
        store.close().await;
        found.expect("there is such an incident")
    }

    async fn store(&self) -> Store {
        let database = self.folder.path().join("nova.db");
        let key = std::fs::read(self.folder.path().join("timeline.key")).expect("the key is there");
        let key = TimelineKey::new(key.trim_ascii()).expect("it is a key");
        let config = StoreConfig { url: format!("sqlite:{}", database.display()), password: None };
        Store::open(&config, key, Clock::System).await.expect("the store opens")
    }

    /// Ends nova and has everything judged that it sent: nothing is left, nothing broke a rule.
    pub(crate) async fn close(self) {
        self.cancel.cancel();
        let left = self.running.await.expect("nova ends without a panic");
        assert_eq!(left, 0, "messages were left undelivered");
        assert_eq!(self.slack.sockets(), 0, "the sockets are closed");
        judge(&self.slack, &self.answers.into_inner().expect("nobody panicked"));
    }
}

fn read(config: &str, slack: &Slack) -> Reloaded {
    let config = Config::parse("nova.toml", config).expect("the configuration is sound");
    let secrets = HashMap::from([
        ("BOT".to_owned(), slack.bot_token()),
        ("APP".to_owned(), slack.app().app_token.clone()),
        ("SIGNING".to_owned(), slack.app().signing_secret.clone()),
    ]);
    (config, Secrets::new(secrets))
}

/// A message as text: what stands in its blocks, line by line.
pub(crate) fn read_aloud(message: &Message) -> String {
    if message.blocks.is_empty() { message.text.clone() } else { blocks_aloud(&message.blocks) }
}

/// Blocks as text: every text in its order, buttons as `[label]`.
pub(crate) fn blocks_aloud(blocks: &[Value]) -> String {
    let lines: Vec<String> =
        blocks.iter().map(|block| aloud(block).trim_end().to_owned()).collect();
    lines.join("\n")
}

fn aloud(value: &Value) -> String {
    let kind = value["type"].as_str().unwrap_or_default();
    let text = || match &value["text"] {
        Value::String(text) => text.clone(),
        object => object["text"].as_str().unwrap_or_default().to_owned(),
    };
    let all = |key: &str, between: &str| {
        let parts = value[key].as_array().into_iter().flatten();
        parts.map(aloud).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
    };
    match kind {
        "button" => format!("[{}]({})", text(), value["action_id"].as_str().unwrap_or_default()),
        "actions" => all("elements", " "),
        "context" => format!("~ {}", all("elements", " ")),
        "rich_text" => all("elements", "\n"),
        "rich_text_list" => all("elements", "\n"),
        "emoji" => format!(":{}:", value["name"].as_str().unwrap_or_default()),
        "section" => [text(), all("fields", " | ")].join("\n").trim().to_owned(),
        "divider" => "---".to_owned(),
        _ if value["elements"].is_array() => all("elements", ""),
        _ => text(),
    }
}
