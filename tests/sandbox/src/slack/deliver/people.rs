//! What people do in the client. Users and channels are named by id or by name. Invariant: nobody can
//! click what is not there, and a form is sent only when its fields are filled in as it asks. Part of
//! the façade.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::elements::{self, Found};
use super::{Delivered, Delivery, payload};
use crate::slack::Slack;
use crate::slack::api::direct;
use crate::slack::channel::{Channel, Message};
use crate::slack::options::User;
use crate::slack::state::State;
use crate::slack::views::{self, View};

impl Slack {
    /// Types a slash command, e.g. `command("ana", "incidents", "/nova", "health")`.
    ///
    /// # Errors
    /// When there is no such user or channel.
    pub async fn command(
        &self,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.command_delivery(user, channel, command, text)?;
        Ok(self.deliver(&delivery).await)
    }

    /// What [`Slack::command`] sends, to be sent as often as a test wants.
    ///
    /// # Errors
    /// When there is no such user or channel.
    pub fn command_delivery(
        &self,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> anyhow::Result<Delivery> {
        self.shared.with(|state| {
            let (user, channel) = (person(state, user)?, room(state, channel)?);
            Ok(payload::command(state, &user, &channel, command, text))
        })
    }

    /// Clicks a button of the message at `ts`.
    ///
    /// # Errors
    /// When there is no such user, channel, message or button.
    pub async fn click(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.click_delivery(user, channel, ts, action_id, None)?;
        Ok(self.deliver(&delivery).await)
    }

    /// Chooses the option with this value in a menu of the message at `ts`.
    ///
    /// # Errors
    /// When there is no such user, channel, message, menu or option.
    pub async fn select(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
        value: &str,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.click_delivery(user, channel, ts, action_id, Some(value))?;
        Ok(self.deliver(&delivery).await)
    }

    /// What [`Slack::click`] or, with a value, [`Slack::select`] sends.
    ///
    /// # Errors
    /// As there.
    pub fn click_delivery(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
        value: Option<&str>,
    ) -> anyhow::Result<Delivery> {
        self.shared.with(|state| {
            let (user, channel) = (person(state, user)?, room(state, channel)?);
            let message = seen(&channel, &user, ts)?;
            let found = elements::find(&message.blocks, action_id)?;
            let (action, values) = pressed(state, &message.blocks, &found, value)?;
            Ok(payload::message_click(state, &user, &channel, &message, &action, &values))
        })
    }

    /// Clicks a button, or chooses a value, in a person's home page.
    ///
    /// # Errors
    /// When there is no such user, home page, element or option.
    pub async fn click_home(
        &self,
        user: &str,
        action_id: &str,
        value: Option<&str>,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.shared.with(|state| {
            let user = person(state, user)?;
            let view = state.views.homes.get(&user.id).context("nothing was published")?;
            let view = view.view.clone();
            view_pressed(state, &user, &view, action_id, value)
        })?;
        Ok(self.deliver(&delivery).await)
    }

    /// Clicks a button, or chooses a value, in an open modal.
    ///
    /// # Errors
    /// When there is no such view, element or option.
    pub async fn click_view(
        &self,
        view_id: &str,
        action_id: &str,
        value: Option<&str>,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.shared.with(|state| {
            let view = modal(state, view_id)?;
            let user = person(state, &view.user)?;
            view_pressed(state, &user, &view.view, action_id, value)
        })?;
        Ok(self.deliver(&delivery).await)
    }

    /// Sends a form: block ids and values, where a choice is named by its option's value. What is not
    /// named keeps its initial value.
    ///
    /// # Errors
    /// When there is no such view or field, and when the client would not send it: a required field
    /// is empty, a text is too long, a choice is not offered.
    pub async fn submit(
        &self,
        view_id: &str,
        values: &[(&str, &str)],
    ) -> anyhow::Result<Delivered> {
        let delivery = self.submit_delivery(view_id, values)?;
        Ok(self.deliver(&delivery).await)
    }

    /// What [`Slack::submit`] sends.
    ///
    /// # Errors
    /// As there.
    pub fn submit_delivery(
        &self,
        view_id: &str,
        values: &[(&str, &str)],
    ) -> anyhow::Result<Delivery> {
        self.shared.with(|state| {
            let view = modal(state, view_id)?;
            let user = person(state, &view.user)?;
            let filled = filled(&view, values)?;
            let stored = state.views.find(view_id).context("it was found above")?;
            stored.view["state"] = filled;
            stored.errors = Value::Null;
            let shown = stored.view.clone();
            Ok(payload::submission(state, &user, &shown))
        })
    }

    /// Closes a modal. The app hears of it only where the view asked for that.
    ///
    /// # Errors
    /// When there is no such view.
    pub async fn close_view(&self, view_id: &str) -> anyhow::Result<Option<Delivered>> {
        let delivery = self.shared.with(|state| -> anyhow::Result<_> {
            let view = modal(state, view_id)?;
            let user = person(state, &view.user)?;
            views::close(state, view_id, false);
            let told = view.view["notify_on_close"] == true;
            Ok(told.then(|| payload::closed(state, &user, &view.view, false)))
        })?;
        match delivery {
            Some(delivery) => Ok(Some(self.deliver(&delivery).await)),
            None => Ok(None),
        }
    }

    /// Chooses a message shortcut.
    ///
    /// # Errors
    /// When there is no such user, channel or message.
    pub async fn message_shortcut(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        callback_id: &str,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.shared.with(|state| -> anyhow::Result<_> {
            let (user, channel) = (person(state, user)?, room(state, channel)?);
            let message = seen(&channel, &user, ts)?;
            Ok(payload::message_shortcut(state, &user, &channel, &message, callback_id))
        })?;
        Ok(self.deliver(&delivery).await)
    }

    /// Opens the app's home page: `app_home_opened`.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn open_home(&self, user: &str) -> anyhow::Result<Delivered> {
        let delivery = self.shared.with(|state| -> anyhow::Result<_> {
            let user = person(state, user)?;
            let channel = direct(state, &user.id);
            let mut event = json!({
                "type": "app_home_opened", "user": user.id, "channel": channel, "tab": "home",
            });
            if let Some(home) = state.views.homes.get(&user.id) {
                event["view"] = home.view.clone();
            }
            Ok(payload::event(state, event, false))
        })?;
        Ok(self.deliver(&delivery).await)
    }

    /// Writes a message that mentions the bot: `app_mention`.
    ///
    /// # Errors
    /// When there is no such user or channel.
    pub async fn mention(
        &self,
        user: &str,
        channel: &str,
        text: &str,
    ) -> anyhow::Result<Delivered> {
        let delivery = self.shared.with(|state| -> anyhow::Result<_> {
            let text = format!("<@{}> {text}", state.app.bot_user);
            let (user, channel) = (person(state, user)?, room(state, channel)?);
            let ts = write(state, &user, &channel.id, &text, None)?;
            let event = json!({
                "type": "app_mention", "client_msg_id": format!("00000000-{ts}"),
                "user": user.id, "text": text, "ts": ts, "team": state.team.id,
                "user_team": user.team, "source_team": user.team,
                "channel": channel.id, "event_ts": ts, "blocks": [],
            });
            Ok(payload::event(state, event, channel.shared))
        })?;
        Ok(self.deliver(&delivery).await)
    }

    /// A person writes a message, in a thread if one is named. The app hears nothing of it.
    ///
    /// # Errors
    /// When there is no such user or channel.
    pub fn say(
        &self,
        user: &str,
        channel: &str,
        text: &str,
        thread_ts: Option<&str>,
    ) -> anyhow::Result<String> {
        self.shared.with(|state| {
            let (user, channel) = (person(state, user)?, room(state, channel)?);
            write(state, &user, &channel.id, text, thread_ts)
        })
    }
}

pub(super) fn person(state: &State, name: &str) -> anyhow::Result<User> {
    state.user(name).cloned().with_context(|| format!("there is no user `{name}`"))
}

pub(super) fn room(state: &mut State, name: &str) -> anyhow::Result<Channel> {
    state.room(name).cloned().with_context(|| format!("there is no channel `{name}`"))
}

fn modal(state: &mut State, id: &str) -> anyhow::Result<View> {
    let view = state.views.find(id).with_context(|| format!("there is no open view `{id}`"))?;
    ensure!(view.view["type"] == "modal", "`{id}` is no modal");
    Ok(view.clone())
}

/// The message at `ts`, ephemeral ones only for those who see them.
fn seen(channel: &Channel, user: &User, ts: &str) -> anyhow::Result<Message> {
    let own = |message: &&Message| message.ts == ts && message.only_for.as_ref() == Some(&user.id);
    let found = match channel.position(ts) {
        Some(at) => channel.messages.get(at),
        None => channel.ephemerals.iter().find(own),
    };
    found.cloned().with_context(|| format!("{} sees no message at {ts}", user.name))
}

/// The action and the state of the elements after it.
fn pressed(
    state: &mut State,
    blocks: &[Value],
    found: &Found<'_>,
    value: Option<&str>,
) -> anyhow::Result<(Value, Value)> {
    let action = elements::action(found, value, &state.ts())?;
    let mut chosen = Vec::new();
    if let Some(value) = value {
        let mut held = elements::chosen(found.element, value)?;
        held.insert("type".to_owned(), found.element["type"].clone());
        let action_id = found.element["action_id"].as_str().unwrap_or_default().to_owned();
        chosen.push((found.block_id.to_owned(), action_id, Value::Object(held)));
    }
    let values = elements::state(blocks, &chosen);
    Ok((action, values))
}

fn view_pressed(
    state: &mut State,
    user: &User,
    view: &Value,
    action_id: &str,
    value: Option<&str>,
) -> anyhow::Result<Delivery> {
    let blocks = view["blocks"].as_array().cloned().unwrap_or_default();
    let found = elements::find(&blocks, action_id)?;
    let (action, values) = pressed(state, &blocks, &found, value)?;
    Ok(payload::view_click(state, user, view, &action, &values))
}

/// `state` of a form with these values.
fn filled(view: &View, values: &[(&str, &str)]) -> anyhow::Result<Value> {
    let blocks = view.view["blocks"].as_array().cloned().unwrap_or_default();
    let mut chosen = Vec::new();
    for (block_id, value) in values {
        let block = blocks.iter().find(|block| block["block_id"] == *block_id);
        let block = block.with_context(|| format!("the form has no field `{block_id}`"))?;
        let element = &block["element"];
        let mut held = elements::chosen(element, value)
            .with_context(|| format!("the client would not take `{block_id}`"))?;
        held.insert("type".to_owned(), element["type"].clone());
        let action_id = element["action_id"].as_str().unwrap_or_default().to_owned();
        chosen.push(((*block_id).to_owned(), action_id, Value::Object(held)));
    }
    let state = elements::state(&blocks, &chosen);
    for block in blocks.iter().filter(|b| b["type"] == "input" && b["optional"] != true) {
        let block_id = block["block_id"].as_str().unwrap_or_default();
        let action_id = block["element"]["action_id"].as_str().unwrap_or_default();
        let held = state["values"][block_id][action_id].as_object();
        let empty = |value: &Value| value.is_null() || *value == json!([]) || value == "";
        let some = held.is_some_and(|held| held.iter().any(|(key, v)| key != "type" && !empty(v)));
        ensure!(some, "the client would not send the form: `{block_id}` is required");
    }
    Ok(state)
}

fn write(
    state: &mut State,
    user: &User,
    channel: &str,
    text: &str,
    thread_ts: Option<&str>,
) -> anyhow::Result<String> {
    let ts = state.ts();
    let message = Message {
        ts: ts.clone(),
        user: user.id.clone(),
        text: text.to_owned(),
        thread_ts: thread_ts.map(str::to_owned),
        ..Message::default()
    };
    state.channels.get_mut(channel).context("there is no such channel")?.post(message);
    Ok(ts)
}
