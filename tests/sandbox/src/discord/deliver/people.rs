//! What people do in the client. Users and channels are named by id or by name. Invariant: nobody can
//! do what the client would not let them: click what is not there, leave out what is asked for, write
//! where they cannot. Part of the façade.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::{Delivered, Delivery, http, line, options, payload};
use crate::discord::Discord;
use crate::discord::channel::{Channel, Message};
use crate::discord::modals::{self, Modal};
use crate::discord::options::User;
use crate::discord::permissions as may;
use crate::discord::posts;
use crate::discord::state::{State, unix_millis};

impl Discord {
    /// Sends a filled-in command: `command("ana", "incidents", &["nova", "health"], &[])`.
    ///
    /// # Errors
    /// When nothing like it is registered, or the client would not send it: an option is missing,
    /// unknown, of another type, out of range, not among the choices.
    pub async fn command(
        &self,
        user: &str,
        channel: &str,
        words: &[&str],
        options: &[(&str, Value)],
    ) -> anyhow::Result<Delivered> {
        let delivery = self.command_delivery(user, channel, words, options)?;
        Ok(self.deliver(&delivery).await)
    }

    /// What [`Discord::command`] sends.
    ///
    /// # Errors
    /// As there.
    pub fn command_delivery(
        &self,
        user: &str,
        channel: &str,
        words: &[&str],
        given: &[(&str, Value)],
    ) -> anyhow::Result<Delivery> {
        self.shared.with(|state| {
            let (user, channel) = there(state, user, channel, may::USE_COMMANDS)?;
            let (name, words) = words.split_first().context("a command has a name")?;
            let command = options::registered(state, (name, 1), &user, &channel)?;
            let (leaf, used) = options::descend(&command, words)?;
            ensure!(used == words.len(), "{:?} leads nowhere", &words[used..]);
            let values = options::complete(leaf, given)?;
            let wrapped = options::wrap(&command, words, values);
            Ok(payload::command(state, &user, &channel, &command, wrapped, false))
        })
    }

    /// Sends a line as a filled-in `/nova`: `typed("ana", "incidents", "health")`. Words fill what is
    /// asked for in its order, `--name value` fills an option by its name, and the last text takes what
    /// is left over.
    ///
    /// # Errors
    /// As [`Discord::command`].
    pub async fn typed(&self, user: &str, channel: &str, line: &str) -> anyhow::Result<Delivered> {
        let delivery = self.typed_delivery(user, channel, line)?;
        Ok(self.deliver(&delivery).await)
    }

    /// What [`Discord::typed`] sends.
    ///
    /// # Errors
    /// As there.
    pub fn typed_delivery(
        &self,
        user: &str,
        channel: &str,
        line: &str,
    ) -> anyhow::Result<Delivery> {
        let words = line::words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = self.shared.with(|state| {
            let (user, channel) = (person(state, user)?, room(state, channel)?);
            options::registered(state, (&state.app.name, 1), &user, &channel)
        })?;
        let (used, given) = line::fill(&command, &words)?;
        let name = command["name"].as_str().unwrap_or_default();
        let path: Vec<&str> = std::iter::once(name).chain(words[..used].iter().copied()).collect();
        self.command_delivery(user, channel, &path, &given)
    }

    /// Asks for completions while `focused` is filled in; `options` are what was filled in so far, its
    /// own included.
    ///
    /// # Errors
    /// When nothing like it is registered or the option has no completion.
    pub async fn autocomplete(
        &self,
        user: &str,
        channel: &str,
        words: &[&str],
        options: &[(&str, Value)],
        focused: &str,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.shared.with(|state| -> anyhow::Result<_> {
            let (user, channel) = there(state, user, channel, may::USE_COMMANDS)?;
            let (name, words) = words.split_first().context("a command has a name")?;
            let command = options::registered(state, (name, 1), &user, &channel)?;
            let (leaf, used) = options::descend(&command, words)?;
            ensure!(used == words.len(), "{:?} leads nowhere", &words[used..]);
            let values = options::partial(leaf, options, focused)?;
            let wrapped = options::wrap(&command, words, values);
            Ok(payload::command(state, &user, &channel, &command, wrapped, true))
        })?;
        Ok(self.deliver(&delivery).await)
    }

    /// Clicks a button of a message.
    ///
    /// # Errors
    /// When there is no such user, channel, message or button.
    pub async fn click(
        &self,
        user: &str,
        channel: &str,
        message: &str,
        custom_id: &str,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.click_delivery(user, channel, message, custom_id, None)?;
        Ok(self.deliver(&delivery).await)
    }

    /// Chooses the option with this value in a menu of a message.
    ///
    /// # Errors
    /// When there is no such user, channel, message, menu or option.
    pub async fn choose(
        &self,
        user: &str,
        channel: &str,
        message: &str,
        custom_id: &str,
        value: &str,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.click_delivery(user, channel, message, custom_id, Some(value))?;
        Ok(self.deliver(&delivery).await)
    }

    /// What [`Discord::click`] or, with a value, [`Discord::choose`] sends.
    ///
    /// # Errors
    /// As there.
    pub fn click_delivery(
        &self,
        user: &str,
        channel: &str,
        message: &str,
        custom_id: &str,
        value: Option<&str>,
    ) -> anyhow::Result<Delivery> {
        self.shared.with(|state| {
            let (user, channel) = there(state, user, channel, 0)?;
            let message = seen(&channel, &user, message)?;
            let control = message.controls().find(|control| control["custom_id"] == custom_id);
            let control = control.with_context(|| format!("there is no `{custom_id}`"))?;
            ensure!(control["disabled"] != true, "`{custom_id}` is disabled");
            let button = control["type"].as_u64() == Some(2);
            ensure!(button == value.is_none(), "`{custom_id}` is used otherwise");
            if let Some(value) = value {
                let options = control["options"].as_array();
                let mut all = options.map(Vec::as_slice).unwrap_or_default().iter();
                let offered = all.any(|option| option["value"] == value);
                ensure!(offered, "`{custom_id}` does not offer `{value}`");
            }
            let values = value.map(|value| vec![value]);
            Ok(payload::component(state, &user, &channel, &message, control, values))
        })
    }

    /// Sends a form: custom ids and values, where a choice is named by its option's value. What is not
    /// named keeps what it began with. The form is closed when the app answers.
    ///
    /// # Errors
    /// When it is not open or has no such field, and when the client would not send it: a required
    /// field is empty, a text is too long, a choice is not offered.
    pub async fn submit(
        &self,
        modal: &Modal,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Delivered> {
        let delivery = self.submit_delivery(modal, fields)?;
        let delivered = self.deliver(&delivery).await;
        if delivered.acked {
            self.shared.with(|state| state.modals.retain(|known| known.id != modal.id));
        }
        Ok(delivered)
    }

    /// What [`Discord::submit`] sends.
    ///
    /// # Errors
    /// As there.
    pub fn submit_delivery(
        &self,
        modal: &Modal,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Delivery> {
        self.shared.with(|state| {
            ensure!(state.modals.contains(modal), "the form is not open");
            let (user, channel) = there(state, &modal.user, &modal.channel, 0)?;
            let components = modals::filled(modal, fields)?;
            Ok(payload::submission(state, &user, &channel, modal, &components))
        })
    }

    /// Closes a form. The app hears nothing of it.
    pub fn close_modal(&self, modal: &Modal) {
        self.shared.with(|state| state.modals.retain(|known| known.id != modal.id));
    }

    /// Uses a command on a message.
    ///
    /// # Errors
    /// When there is no such user, channel, message or command.
    pub async fn message_command(
        &self,
        user: &str,
        channel: &str,
        message: &str,
        name: &str,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.message_command_delivery(user, channel, message, name)?;
        Ok(self.deliver(&delivery).await)
    }

    /// What [`Discord::message_command`] sends.
    ///
    /// # Errors
    /// As there.
    pub fn message_command_delivery(
        &self,
        user: &str,
        channel: &str,
        message: &str,
        name: &str,
    ) -> anyhow::Result<Delivery> {
        self.shared.with(|state| {
            let (user, channel) = there(state, user, channel, may::USE_COMMANDS)?;
            let message = seen(&channel, &user, message)?;
            let command = options::registered(state, (name, 3), &user, &channel)?;
            Ok(payload::message_command(state, &user, &channel, &command, &message))
        })
    }

    /// A person writes a message. The app hears of it as far as its intents go.
    ///
    /// # Errors
    /// When there is no such user or channel, or they cannot write there.
    pub fn say(&self, user: &str, channel: &str, text: &str) -> anyhow::Result<String> {
        self.shared.with(|state| {
            let (user, channel) = there(state, user, channel, may::SEND_MESSAGES)?;
            let body = json!({ "content": text });
            let base = Message { channel: channel.id, author: user.id, ..Message::default() };
            let message = posts::create(state, &body, &[], base);
            Ok(message.map_err(|refusal| anyhow::anyhow!(refusal.line()))?.id)
        })
    }

    /// What Discord does when the address for interactions is set: a PING that has to be answered, and
    /// one with a bad signature that has to get 401.
    ///
    /// # Errors
    /// When it is answered otherwise, or interactions do not go over HTTP.
    pub async fn check_endpoint(&self) -> anyhow::Result<()> {
        let found = self.shared.look(|state| (state.target.clone(), state.app.seed));
        let (target, seed) = (found.0.context("there is no address")?, found.1);
        let body = self.shared.with(payload::ping).to_string();
        let good = http::sign(&seed, unix_millis() / 1000, body.as_bytes());
        let mut bad = good.clone();
        let last = if bad.signature.pop() == Some('0') { '1' } else { '0' };
        bad.signature.push(last);
        let status = http::send_signed(&target, &body, &bad).await.context("no answer")?.status;
        ensure!(status == 401, "a bad signature got {status}");
        let pong = http::send_signed(&target, &body, &good).await.context("no answer")?;
        let answer: Value = serde_json::from_slice(&pong.body).unwrap_or_default();
        ensure!(pong.status == 200 && answer["type"] == 1, "PING got {} {answer}", pong.status);
        Ok(())
    }
}

pub(super) fn person(state: &State, name: &str) -> anyhow::Result<User> {
    state.user(name).cloned().with_context(|| format!("there is no user `{name}`"))
}

/// A channel by id or by name; `@NAME` is the direct conversation between somebody and the bot.
pub(super) fn room(state: &mut State, name: &str) -> anyhow::Result<Channel> {
    if let Some(user) = name.strip_prefix('@') {
        let user = person(state, user)?.id;
        let id = state.direct(&user);
        return state.channels.get(&id).cloned().context("it was made above");
    }
    state.room(name).cloned().with_context(|| format!("there is no channel `{name}`"))
}

/// Somebody in a channel that they see, where they may do this.
fn there(
    state: &mut State,
    user: &str,
    channel: &str,
    needs: u64,
) -> anyhow::Result<(User, Channel)> {
    let (user, channel) = (person(state, user)?, room(state, channel)?);
    let has = state.permissions(&user, &channel);
    ensure!(has & may::VIEW_CHANNEL != 0, "{} does not see `{}`", user.name, channel.name);
    // In a direct conversation everybody may use commands.
    let needs = if channel.recipient.is_some() { needs & !may::USE_COMMANDS } else { needs };
    let needs = match needs {
        may::SEND_MESSAGES if channel.is_thread() => may::SEND_IN_THREADS,
        needs => needs,
    };
    ensure!(has & needs == needs, "{} may not do that in `{}`", user.name, channel.name);
    Ok((user, channel))
}

/// A message, a private one only for whom it is meant.
fn seen(channel: &Channel, user: &User, id: &str) -> anyhow::Result<Message> {
    let own = |message: &&Message| {
        message.id == id && message.ephemeral_to.as_ref().is_none_or(|to| *to == user.id)
    };
    let found = channel.messages.iter().chain(&channel.ephemerals).find(own);
    found.cloned().with_context(|| format!("{} sees no message {id}", user.name))
}
