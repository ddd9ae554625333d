//! Slack: the sandbox's workspace, with nova reached over HTTP or over two sockets. What went out is
//! judged by Slack's own code (`../../slack/judge.py`).

mod aloud;

use std::cell::RefCell;
use std::collections::HashMap;

use futures_util::future::LocalBoxFuture;
use nova::config::Config;
use nova_commands::platform::Secrets;
use nova_sandbox::slack::{
    self, Delivered, Delivery as Sending, HttpTarget, Message, Outcome, Slack, SlackOptions,
};
use serde_json::{Value, json};

use super::Office;
use super::driver::{
    Call, ChatDriver, Deed, Delivery, Driver, Fault, Forgery, Room, Said, Sent, Shown, Token,
};
use super::serving::Serving;
use crate::slack::{Transport, judge};
use aloud::{blocks_aloud, buttons};

/// Each kind of call, and the method that it is.
const METHODS: [(Call, &str); 7] = [
    (Call::Post, "chat.postMessage"),
    (Call::Update, "chat.update"),
    (Call::Whisper, "chat.postEphemeral"),
    (Call::Reply, "response_url"),
    (Call::Find, "conversations.history"),
    (Call::SetTopic, "conversations.setTopic"),
    (Call::Identify, "auth.test"),
];

/// A workspace that Slack's people work in.
pub(super) struct Workspace {
    slack: Slack,
    transport: Transport,
    /// What went out without a method.
    answers: RefCell<Vec<Value>>,
}

impl Office {
    /// Slack itself, for what is Slack's alone.
    ///
    /// # Panics
    /// On another platform.
    pub(crate) fn slack(&self) -> &Slack {
        &self.workspace().slack
    }

    /// Sends what a test has made of a deed.
    pub(crate) async fn slack_sends(&self, sending: Sending) -> Said {
        self.workspace().sends(sending).deliver().await
    }

    fn workspace(&self) -> &Workspace {
        let driver: &dyn std::any::Any = &*self.driver;
        driver.downcast_ref().expect("this conversation is Slack's alone")
    }
}

impl Workspace {
    pub(super) async fn start(transport: Transport) -> Self {
        let slack = Slack::start(SlackOptions::default()).await.expect("the workspace starts");
        Self { slack, transport, answers: RefCell::default() }
    }

    /// Waits until people can reach nova at its address.
    async fn connect(&self, address: &str) {
        if self.transport == Transport::Http {
            self.slack.deliver_to(HttpTarget {
                commands_url: format!("{address}/slack/commands"),
                interactivity_url: format!("{address}/slack/interactivity"),
                events_url: format!("{address}/slack/events"),
                signing_secret: self.slack.app().signing_secret.clone(),
            });
        } else {
            let both = |slack: &Slack| (slack.sockets() == 2).then_some(());
            self.slack.until("two sockets", both).await.expect("nova opens them");
        }
    }

    /// Sends this whenever it is delivered.
    fn sends(&self, sending: Sending) -> Delivery<'_> {
        Delivery::new(move || {
            let sending = sending.clone();
            Box::pin(async move { self.said(self.slack.deliver(&sending).await) })
        })
    }

    /// What the acknowledgement showed. What Slack would not show is a fault of nova's, and so is a
    /// late answer.
    fn said(&self, delivered: Delivered) -> Said {
        assert!(delivered.acked && !delivered.late, "{delivered:?}");
        assert_eq!(delivered.refused, None, "{delivered:?}");
        let response = delivered.response;
        if !response.is_object() {
            return Said::Nothing;
        }
        self.answers.borrow_mut().push(response.clone());
        if response["response_action"] == "errors" {
            let errors = serde_json::from_value(response["errors"].clone());
            return Said::Wrong(errors.expect("each error is a text at its field"));
        }
        let text = response["blocks"].as_array().map_or_else(String::new, |b| blocks_aloud(b));
        match response["response_type"].as_str() {
            Some("in_channel") => Said::Publicly(text),
            Some("ephemeral") => Said::Privately(text),
            _ => panic!("an answer that shows nothing: {response}"),
        }
    }

    /// A press of that button with something else in it, as a press of its own.
    fn forged(&self, user: &str, on: &Shown, label: &str, forgery: Forgery<'_>) -> Sending {
        let Sending::Interactive(mut press) = self.press(user, on, label) else {
            panic!("a press is an interaction");
        };
        let value = match forgery {
            Forgery::Unknown => {
                press["actions"][0]["action_id"] = json!("unknown");
                "x"
            }
            Forgery::Line(line) => line,
        };
        press["actions"][0]["value"] = json!(value);
        press["trigger_id"] = json!(format!("17.{}.0123456789abcdef", value.len()));
        Sending::Interactive(press)
    }

    fn press(&self, user: &str, on: &Shown, label: &str) -> Sending {
        let channel = on.channel.as_ref().expect("it stands in a channel");
        let sending = self.slack.click_delivery(user, channel, &on.id, on.handle(label), None);
        sending.expect("there is such a button")
    }
}

impl Driver for Workspace {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn chat(&self) -> Option<&dyn ChatDriver> {
        Some(self)
    }

    fn section(&self) -> String {
        let way = match self.transport {
            Transport::Http => "signing_secret = { env = \"SIGNING\" }",
            Transport::Sockets => "app_token = { env = \"APP\" }",
        };
        format!(
            "[[people]]\nname = \"ana\"\nslack = \"{}\"\nroles = [\"operator\"]\n\
             [slack]\nbot_token = {{ env = \"BOT\" }}\n{way}\napi_url = \"{}\"\n\
             fallback_channel = \"{}\"\nmember_roles = [\"viewer\"]\n",
            self.id("ana"),
            self.slack.api_url(),
            self.id("ops"),
        )
    }

    fn secrets(&self) -> HashMap<String, String> {
        HashMap::from([
            ("BOT".to_owned(), self.slack.bot_token()),
            ("APP".to_owned(), self.slack.app().app_token.clone()),
            ("SIGNING".to_owned(), self.slack.app().signing_secret.clone()),
        ])
    }

    fn start<'a>(
        &'a self,
        config: &'a Config,
        secrets: &'a Secrets,
    ) -> LocalBoxFuture<'a, Option<Serving>> {
        Box::pin(async move {
            let nova = Serving::start(config, secrets).await;
            self.connect(&nova.address).await;
            Some(nova)
        })
    }

    fn does<'a>(&'a self, user: &'a str, deed: Deed<'a>) -> Delivery<'a> {
        match deed {
            Deed::Types { channel, line } => {
                let sending = self.slack.command_delivery(user, channel, "/nova", line);
                self.sends(sending.expect("there are such a person and channel"))
            }
            Deed::Presses { on, label } if on.channel.is_some() => {
                self.sends(self.press(user, on, label))
            }
            Deed::Presses { on, label } => Delivery::new(move || {
                Box::pin(async move {
                    let clicked = self.slack.click_home(user, on.handle(label), None).await;
                    self.said(clicked.expect("there is such a button"))
                })
            }),
            Deed::Forges { on, label, forgery } => {
                self.sends(self.forged(user, on, label, forgery))
            }
            Deed::OpensHome => Delivery::new(move || {
                Box::pin(async move {
                    let opened = self.slack.open_home(user).await;
                    self.said(opened.expect("there is such a person"))
                })
            }),
            Deed::Submits { fields } => {
                let form = self.form(user).expect("they see a form");
                let sending = self.slack.submit_delivery(&form, fields);
                self.sends(sending.expect("the form takes it"))
            }
            Deed::Quotes { channel, message } => Delivery::new(move || {
                Box::pin(async move {
                    let shortcut = "add_to_incident";
                    let chosen = self.slack.message_shortcut(user, channel, message, shortcut);
                    self.said(chosen.await.expect("there is such a message"))
                })
            }),
            Deed::Closes { channel } => Delivery::new(move || {
                Box::pin(async move {
                    let told = self.slack.archive(user, channel).await;
                    self.said(told.expect("there is such a channel"))
                })
            }),
            Deed::Removes { channel } => Delivery::new(move || {
                Box::pin(async move {
                    let told = self.slack.remove_bot(channel).await.expect("it was a member");
                    for told in told {
                        self.said(told);
                    }
                    Said::Nothing
                })
            }),
        }
    }

    fn messages(&self, channel: &str) -> Vec<Shown> {
        self.slack.messages(channel).iter().map(|message| shown(channel, message)).collect()
    }

    fn until<'a>(
        &'a self,
        awaited: &'a str,
        look: &'a mut dyn FnMut() -> bool,
    ) -> LocalBoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.slack.until(awaited, move |_| look().then_some(())))
    }

    fn judge(&self) {
        assert_eq!(self.slack.sockets(), 0, "the sockets are closed");
        judge(&self.slack, &self.answers.borrow());
    }
}

impl ChatDriver for Workspace {
    fn id(&self, name: &str) -> String {
        let channel = self.slack.channels().into_iter().find(|channel| channel.name == name);
        channel.map_or_else(|| self.slack.user(name).id, |channel| channel.id)
    }

    fn link(&self, channel: &str) -> String {
        format!("slack.com/archives/{}", self.id(channel))
    }

    fn outsiders(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("gus", "incidents"),
            ("sol", "incidents"),
            ("con", "partners"),
            ("deploybot", "ops"),
            ("dora", "ops"),
        ]
    }

    fn writes(&self, user: &str, channel: &str, text: &str) -> String {
        self.slack.say(user, channel, text, None).expect("there are such a person and channel")
    }

    fn whispers(&self, channel: &str, user: &str) -> Vec<Shown> {
        let seen = self.slack.ephemerals(channel, user);
        seen.iter().map(|message| shown(channel, message)).collect()
    }

    fn direct(&self, user: &str) -> Vec<Shown> {
        let id = Some(self.slack.user(user).id);
        let channel = self.slack.channels().into_iter().find(|channel| channel.direct == id);
        channel.map_or_else(Vec::new, |channel| self.messages(&channel.id))
    }

    fn home(&self, user: &str) -> Option<Shown> {
        let view = self.slack.home(user)?.view;
        let blocks = view["blocks"].as_array().expect("it has blocks");
        Some(Shown {
            channel: None,
            id: view["hash"].to_string(),
            text: blocks_aloud(blocks),
            notice: String::new(),
            buttons: buttons(blocks),
            edits: 0,
            by_bot: true,
        })
    }

    fn form(&self, user: &str) -> Option<String> {
        self.slack.open_views(user).last().map(|view| view.id.clone())
    }

    fn keeps_wrong_forms(&self) -> bool {
        true
    }

    fn rooms(&self) -> Vec<String> {
        let rooms = self.slack.channels().into_iter().filter(|channel| channel.direct.is_none());
        rooms.map(|channel| channel.name).collect()
    }

    fn room(&self, channel: &str) -> Room {
        let channel = self.slack.channel(channel);
        let (members, pins) = (channel.members, channel.pins.len());
        Room { topic: channel.topic, members, pins, closed: channel.archived }
    }

    fn files(&self) -> Vec<Vec<u8>> {
        let files = self.slack.files().into_iter().filter(|file| !file.bytes.is_empty());
        files.map(|file| file.bytes.to_vec()).collect()
    }

    fn fault(&self, call: Call, channel: Option<&str>, times: u32, fault: Fault) {
        let method = METHODS.iter().find(|(kind, _)| *kind == call).expect("every call is there").1;
        let error = |word: &str| slack::Fault::Error(word.to_owned());
        let fault = match (fault, call) {
            (Fault::TooMany(pause), _) => slack::Fault::TooMany(pause),
            (Fault::Limited, _) => slack::Fault::RateLimited,
            (Fault::Status(status), _) => slack::Fault::Status(status),
            (Fault::Internal, _) => error("internal_error"),
            (Fault::Gone, Call::Reply) => slack::Fault::Status(404),
            (Fault::Gone, Call::Update) => error("message_not_found"),
            (Fault::Gone, _) => error("is_archived"),
            (Fault::Drop, _) => slack::Fault::Drop,
            (Fault::LoseReply, _) => slack::Fault::LoseReply,
            (Fault::Truncated, _) => slack::Fault::Truncated,
            (Fault::Hang, _) => slack::Fault::Hang,
        };
        self.slack.fault(method, channel, times, fault);
    }

    fn clear_faults(&self) {
        self.slack.clear_faults();
    }

    fn sent(&self) -> Vec<Sent> {
        let sent = |request: &slack::Request| Sent {
            call: METHODS.iter().find(|(_, name)| *name == request.method).map(|(call, _)| *call),
            shows: request.method.starts_with("chat."),
            token: match &request.outcome {
                Outcome::Refused(error) if error == "token_revoked" => Token::Revoked,
                Outcome::Refused(error) if error == "invalid_auth" => Token::Unknown,
                _ => Token::Accepted,
            },
        };
        self.slack.journal().iter().map(sent).collect()
    }

    fn rotate_token(&self) -> String {
        self.slack.rotate_token()
    }
}

fn shown(channel: &str, message: &Message) -> Shown {
    Shown {
        channel: Some(channel.to_owned()),
        id: message.ts.clone(),
        text: match &message.blocks[..] {
            [] => message.text.clone(),
            blocks => blocks_aloud(blocks),
        },
        notice: message.text.clone(),
        buttons: buttons(&message.blocks),
        edits: message.edits,
        by_bot: message.by_bot,
    }
}
