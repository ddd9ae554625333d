//! Discord: the sandbox's guild, with nova reached over HTTP or over the gateway. What went out is judged
//! by Discord's published contract (`../../discord_vendor/judge.rs`).
//!
//! Where Discord differs: the overview is the private answer to `/nova home`, a form closes whatever is
//! wrong with it, and a press may be answered by a message of its own.

mod aloud;
mod both;
mod calls;
mod check;
mod commands;
mod elsewhere;
mod gateway;
mod http;
mod rooms;
mod said;
mod words;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use futures_util::future::LocalBoxFuture;
use nova::config::Config;
use nova_commands::platform::Secrets;
use nova_sandbox::discord::{
    Channel, Delivered, Delivery as Sending, Discord, DiscordOptions, Modal,
};
use serde_json::{Value, json};

use super::Office;
use super::driver::{
    Call, ChatDriver, Deed, Delivery, Driver, Fault, Forgery, Room, Said, Sent, Shown,
};
use super::serving::Serving;
use crate::discord_vendor::judge::judge;
use aloud::{buttons, unescaped};
use said::{is_private, said_beside, shown, shown_at_once, wrong};

/// Where the overview is asked for.
const HOME: &str = "random";

/// Discord's bits.
const VIEW_CHANNEL: u64 = 1 << 10;
const SEND_MESSAGES: u64 = 1 << 11;

/// How Discord reaches an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    Gateway,
}

/// A guild that people work in.
pub(super) struct Guild {
    discord: Discord,
    transport: Transport,
    /// How many sessions had been begun when the token was revoked.
    revoked: Cell<Option<usize>>,
    /// Channels that were told to be gone, and in which marks stand for ever.
    gone: RefCell<Vec<String>>,
}

impl Office {
    /// Discord itself, for what is Discord's alone.
    ///
    /// # Panics
    /// On another platform.
    pub(crate) fn discord(&self) -> &Discord {
        &self.guild().discord
    }

    /// Sends what a test has made of a deed.
    pub(crate) async fn discord_sends(&self, sending: &Sending) -> Delivered {
        self.guild().deliver(sending).await
    }

    fn guild(&self) -> &Guild {
        let driver: &dyn std::any::Any = &*self.driver;
        driver.downcast_ref().expect("this conversation is Discord's alone")
    }
}

impl Guild {
    pub(super) async fn start(transport: Transport) -> Self {
        let discord = Discord::start(DiscordOptions::default()).await.expect("the guild starts");
        Self { discord, transport, revoked: Cell::new(None), gone: RefCell::default() }
    }

    /// Waits until people can reach nova: the commands are there, and whoever answers them.
    async fn connect(&self, address: &str) {
        let registered = |discord: &Discord| (!discord.commands().is_empty()).then_some(());
        self.discord.until("the commands", registered).await.expect("nova registers them");
        if self.transport == Transport::Http {
            self.discord.deliver_to(&format!("{address}/discord/interactions"));
            self.discord.check_endpoint().await.expect("Discord takes the address");
        }
    }

    /// Waits for the gateway: a person tries again as long as nobody answers. Without a token nobody
    /// will.
    async fn deliver(&self, sending: &Sending) -> Delivered {
        let now = |yes: bool| yes.then_some(());
        if self.transport == Transport::Gateway && self.without_token() {
            let closed = |discord: &Discord| now(discord.connections() == 0);
            self.discord.until("the gateway to close", closed).await.expect("Discord closes it");
        } else if self.transport == Transport::Gateway {
            let connected = |discord: &Discord| now(discord.connections() > 0);
            self.discord.until("the gateway", connected).await.expect("nova connects");
        }
        self.discord.deliver(sending).await
    }

    /// The token was revoked, and nova has not connected with another one since.
    fn without_token(&self) -> bool {
        let begun = self.revoked.get();
        begun.is_some_and(|before| self.discord.identifies() == before)
    }

    /// Delivers it, and gives what Discord shows of the response. What it would not show is a fault of
    /// nova's, and so is a late answer or none; unless it was delivered before, its channel is
    /// gone, or nova has no token.
    async fn response(&self, sending: &Sending) -> Option<Value> {
        let delivered = self.deliver(sending).await;
        assert!(!delivered.late, "{delivered:?}");
        let refused = delivered.refused.as_deref().unwrap_or_default();
        if refused.starts_with("10003") || delivered.again && refused.starts_with("40060") {
            return None;
        }
        assert_eq!(refused, "", "{delivered:?}");
        assert!(delivered.acked || delivered.again || self.without_token(), "{delivered:?}");
        delivered.acked.then_some(delivered.response)
    }

    /// Sends this whenever it is delivered, and reads what the acknowledgement showed.
    fn sends<'a>(&'a self, sending: Sending, read: fn(&Value) -> Said) -> Delivery<'a> {
        Delivery::new(move || {
            let sending = sending.clone();
            Box::pin(async move {
                let response = self.response(&sending).await;
                response.map_or(Said::Nothing, |response| read(&response))
            })
        })
    }

    /// A line as somebody fills it in. What leads nowhere is sent as by a client that still shows other
    /// commands: the words of the line, in the form that Discord gives them.
    fn typed(&self, user: &str, channel: &str, line: &str) -> Sending {
        let words: Vec<&str> = line.split_whitespace().collect();
        let all = self.discord.commands();
        let offered = |word: &&str| {
            let options = all.iter().filter_map(|command| command["options"].as_array()).flatten();
            options.into_iter().any(|option| option["name"] == **word)
        };
        if words.first().is_some_and(offered) {
            let typed = self.discord.typed_delivery(user, channel, line);
            return typed.unwrap_or_else(|error| panic!("`{line}` cannot be filled in: {error:#}"));
        }
        let stale = self.discord.typed_delivery(user, channel, "ping");
        let mut stale = stale.expect("there are such a person, channel and command");
        let option = |word: &&str| json!({ "name": word, "type": 1, "options": [] });
        stale.payload["data"]["options"] = words.iter().take(1).map(option).collect();
        stale
    }

    fn press(&self, user: &str, on: &Shown, label: &str) -> Sending {
        let channel = on.channel.as_ref().expect("it stands in a channel");
        let sending = self.discord.click_delivery(user, channel, &on.id, on.handle(label), None);
        sending.expect("there is such a button")
    }

    /// A press of that button with something else in it, as a press of its own.
    fn forged(&self, user: &str, on: &Shown, label: &str, forgery: Forgery<'_>) -> Sending {
        let mut press = self.press(user, on, label);
        press.payload["data"]["custom_id"] = match forgery {
            Forgery::Unknown => json!("x:unknown"),
            Forgery::Line(line) => json!(format!("r:{line}")),
        };
        press
    }

    /// A press, and for a button that asks first the yes to its question.
    async fn presses(&self, user: &str, channel: &str, sending: &Sending) -> Said {
        let id = sending.payload["data"]["custom_id"].as_str().unwrap_or_default();
        let response = self.response(sending).await;
        if let Some(response) = response.filter(|_| id.starts_with("c:")) {
            assert!(is_private(&response["data"]), "a question is for whoever pressed: {response}");
            let question = self.discord.ephemerals(channel, user).pop().expect("it is shown");
            let yes = buttons(&question.components).pop().expect("it can be answered").handle;
            let press = self.discord.click_delivery(user, channel, &question.id, &yes, None);
            self.response(&press.expect("there is such a button")).await;
        }
        // What is said to a press is a message like any other.
        Said::Nothing
    }

    fn modal(&self, user: &str) -> Option<Modal> {
        self.discord.open_modals(user).pop()
    }

    fn find(&self, channel: &str) -> Option<Channel> {
        let all = self.discord.channels();
        all.into_iter().rev().find(|one| one.name == channel || one.id == channel)
    }

    /// The line of the configuration that says how nova is reached.
    fn way(&self) -> String {
        match self.transport {
            Transport::Http => {
                format!("public_key = \"{}\"\ngateway = false", self.discord.app().public_key)
            }
            Transport::Gateway => "gateway = true".to_owned(),
        }
    }
}

impl Driver for Guild {
    fn name(&self) -> &'static str {
        "discord"
    }

    fn chat(&self) -> Option<&dyn ChatDriver> {
        Some(self)
    }

    fn section(&self) -> String {
        let app = self.discord.app();
        format!(
            "[[people]]\nname = \"ana\"\ndiscord = \"{}\"\nroles = [\"operator\"]\n\
             [discord]\napplication_id = \"{}\"\nguild_id = \"{}\"\n\
             bot_token = {{ env = \"BOT\" }}\n{}\napi_url = \"{}\"\n\
             fallback_channel = \"{}\"\nmember_roles = [\"viewer\"]\n",
            self.id("ana"),
            app.application_id,
            app.guild_id,
            self.way(),
            self.discord.api_url(),
            self.id("ops"),
        )
    }

    fn secrets(&self) -> HashMap<String, String> {
        HashMap::from([("BOT".to_owned(), self.discord.bot_token())])
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
                self.sends(self.typed(user, channel, line), shown_at_once)
            }
            Deed::OpensHome => self.sends(self.typed(user, HOME, "home"), shown_at_once),
            Deed::Presses { on, label } => {
                let sending = self.press(user, on, label);
                Delivery::new(move || {
                    let sending = sending.clone();
                    let channel = on.channel.as_deref().expect("it stands in a channel");
                    Box::pin(async move { self.presses(user, channel, &sending).await })
                })
            }
            Deed::Forges { on, label, forgery } => {
                self.sends(self.forged(user, on, label, forgery), said_beside)
            }
            Deed::Submits { fields } => {
                let modal = self.modal(user).expect("they see a form");
                let sending = self.discord.submit_delivery(&modal, fields);
                let sending = sending.expect("the form takes it");
                Delivery::new(move || {
                    let (modal, sending) = (modal.clone(), sending.clone());
                    Box::pin(async move {
                        let response = self.response(&sending).await;
                        self.discord.close_modal(&modal);
                        response.map_or(Said::Nothing, |response| wrong(&response))
                    })
                })
            }
            Deed::Quotes { channel, message } => {
                let chosen = self.discord.message_command_delivery(
                    user,
                    channel,
                    message,
                    "Add to incident",
                );
                self.sends(chosen.expect("there is such a message"), shown_at_once)
            }
            Deed::Closes { channel } => Delivery::new(move || {
                self.discord.delete_channel(channel).expect("there is such a channel");
                Box::pin(std::future::ready(Said::Nothing))
            }),
            Deed::Removes { channel } => Delivery::new(move || {
                self.discord.remove_bot(channel).expect("there is such a channel");
                Box::pin(std::future::ready(Said::Nothing))
            }),
        }
    }

    fn messages(&self, channel: &str) -> Vec<Shown> {
        let Some(_) = self.find(channel) else { return Vec::new() };
        self.discord.messages(channel).iter().map(|message| shown(channel, message)).collect()
    }

    fn until<'a>(
        &'a self,
        awaited: &'a str,
        look: &'a mut dyn FnMut() -> bool,
    ) -> LocalBoxFuture<'a, anyhow::Result<()>> {
        Box::pin(self.discord.until(awaited, move |_| look().then_some(())))
    }

    fn judge(&self) {
        assert_eq!(self.discord.connections(), 0, "the gateway is closed");
        judge(&self.discord);
        let gone = self.gone.borrow();
        for channel in self.discord.channels().iter().filter(|one| !gone.contains(&one.name)) {
            assert_eq!(self.discord.thinking(&channel.id), 0, "an answer is still to come");
        }
    }
}

impl ChatDriver for Guild {
    fn id(&self, name: &str) -> String {
        self.find(name).map_or_else(|| self.discord.user(name).id, |channel| channel.id)
    }

    fn link(&self, channel: &str) -> String {
        format!("discord.com/channels/{}/{}", self.discord.app().guild_id, self.id(channel))
    }

    fn outsiders(&self) -> &'static [(&'static str, &'static str)] {
        &[("gus", "incidents"), ("deploybot", "ops")]
    }

    fn writes(&self, user: &str, channel: &str, text: &str) -> String {
        self.discord.say(user, channel, text).expect("there are such a person and channel")
    }

    fn whispers(&self, channel: &str, user: &str) -> Vec<Shown> {
        let seen = self.discord.ephemerals(channel, user);
        seen.iter().map(|message| shown(channel, message)).collect()
    }

    fn direct(&self, user: &str) -> Vec<Shown> {
        let channel = format!("@{user}");
        let seen = self.discord.direct_messages(user);
        seen.iter().map(|message| shown(&channel, message)).collect()
    }

    fn home(&self, user: &str) -> Option<Shown> {
        self.whispers(HOME, user).pop()
    }

    fn form(&self, user: &str) -> Option<String> {
        self.modal(user).map(|modal| modal.id)
    }

    fn keeps_wrong_forms(&self) -> bool {
        false
    }

    fn rooms(&self) -> Vec<String> {
        let rooms = self.discord.channels().into_iter().filter(|one| one.recipient.is_none());
        rooms.map(|channel| channel.name).collect()
    }

    fn room(&self, channel: &str) -> Room {
        let Some(channel) = self.find(channel) else {
            return Room { topic: String::new(), members: Vec::new(), pins: 0, closed: true };
        };
        let guild = &self.discord.app().guild_id;
        let everybody = channel.overwrites.iter().find(|one| one.id == *guild);
        let denied = |bits: u64| everybody.is_some_and(|one| one.deny & bits != 0);
        let invited = channel.overwrites.iter().filter(|one| one.allow & VIEW_CHANNEL != 0);
        let invited = invited.filter(|one| one.member).map(|one| one.id.clone());
        Room {
            topic: unescaped(channel.topic.as_deref().unwrap_or_default()),
            // Into a channel that everybody sees nobody has to be put.
            members: match (channel.is_thread(), denied(VIEW_CHANNEL)) {
                (true, _) => channel.members.clone(),
                (false, true) => invited.collect(),
                (false, false) => ["ana", "bo"].map(|name| self.discord.user(name).id).into(),
            },
            pins: channel.messages.iter().filter(|message| message.pinned).count(),
            closed: channel.archived || denied(SEND_MESSAGES),
        }
    }

    fn files(&self) -> Vec<Vec<u8>> {
        self.discord.files().into_iter().map(|file| file.content).collect()
    }

    fn fault(&self, call: Call, channel: Option<&str>, times: u32, fault: Fault) {
        if let (Fault::Gone, Some(channel)) = (fault, channel) {
            self.gone.borrow_mut().push(channel.to_owned());
        }
        calls::fail(&self.discord, call, channel, times, fault);
    }

    fn clear_faults(&self) {
        self.discord.clear_faults();
    }

    fn sent(&self) -> Vec<Sent> {
        self.discord.journal().iter().map(calls::sent).collect()
    }

    fn rotate_token(&self) -> String {
        self.revoked.set(Some(self.discord.identifies()));
        self.discord.rotate_token()
    }
}
