//! What happens to channels, tokens and people, and the event that tells the app. Each function
//! changes the workspace first and delivers then, as Slack does. Part of the façade.

use serde_json::{Value, json};

use super::people::{person, room};
use super::{Delivered, Delivery, payload};
use crate::slack::Slack;
use crate::slack::api::shown_user;
use crate::slack::state::State;

impl Slack {
    /// Sends anything at all, as it is, in the given order of keys.
    pub async fn raw(&self, delivery: &Delivery) -> Delivered {
        self.deliver(delivery).await
    }

    /// Delivers an event with Slack's envelope around it, e.g. `{"type":"channel_rename", …}`.
    pub async fn event(&self, event: Value) -> Delivered {
        let delivery = self.event_delivery(event);
        self.deliver(&delivery).await
    }

    /// What [`Slack::event`] sends.
    #[must_use]
    pub fn event_delivery(&self, event: Value) -> Delivery {
        self.shared.with(|state| payload::event(state, event, false))
    }

    /// Removes the bot from a channel. The app hears `member_left_channel` and, as the one concerned,
    /// `channel_left` or, for a private channel, `group_left`.
    ///
    /// # Errors
    /// When there is no such channel.
    pub async fn remove_bot(&self, channel: &str) -> anyhow::Result<[Delivered; 2]> {
        let (first, second) = self.shared.with(|state| -> anyhow::Result<_> {
            let channel = room(state, channel)?;
            let bot = state.app.bot_user.clone();
            if let Some(stored) = state.channels.get_mut(&channel.id) {
                stored.members.retain(|member| *member != bot);
            }
            let left = left_event(state, &channel.id, &bot, channel.private);
            let (team, shared) = (state.team.id.clone(), channel.shared);
            let kind = if channel.private { "group_left" } else { "channel_left" };
            let own = json!({ "type": kind, "channel": channel.id, "actor_id": "", "team": team });
            Ok((payload::event(state, left, shared), payload::event(state, own, shared)))
        })?;
        Ok([self.deliver(&first).await, self.deliver(&second).await])
    }

    /// A person leaves a channel: `member_left_channel`.
    ///
    /// # Errors
    /// When there is no such user or channel.
    pub async fn leave(&self, user: &str, channel: &str) -> anyhow::Result<Delivered> {
        let delivery = self.shared.with(|state| -> anyhow::Result<_> {
            let (user, channel) = (person(state, user)?, room(state, channel)?);
            if let Some(stored) = state.channels.get_mut(&channel.id) {
                stored.members.retain(|member| *member != user.id);
            }
            let event = left_event(state, &channel.id, &user.id, channel.private);
            Ok(payload::event(state, event, channel.shared))
        })?;
        Ok(self.deliver(&delivery).await)
    }

    /// Archives a channel: `channel_archive` or `group_archive`.
    ///
    /// # Errors
    /// When there is no such user or channel.
    pub async fn archive(&self, user: &str, channel: &str) -> anyhow::Result<Delivered> {
        let delivery = self.shared.with(|state| -> anyhow::Result<_> {
            let (user, channel) = (person(state, user)?, room(state, channel)?);
            if let Some(stored) = state.channels.get_mut(&channel.id) {
                stored.archived = true;
            }
            let kind = if channel.private { "group_archive" } else { "channel_archive" };
            let event = json!({
                "type": kind, "channel": channel.id, "user": user.id, "is_moved": 0,
            });
            Ok(payload::event(state, event, channel.shared))
        })?;
        Ok(self.deliver(&delivery).await)
    }

    /// Revokes the bot token and says so: `tokens_revoked`.
    pub async fn revoke_tokens(&self) -> Delivered {
        let delivery = self.shared.with(|state| {
            state.tokens.revoke();
            let bot = state.app.bot_user.clone();
            let tokens = json!({ "oauth": [], "bot": [bot] });
            payload::event(state, json!({ "type": "tokens_revoked", "tokens": tokens }), false)
        });
        self.deliver(&delivery).await
    }

    /// Uninstalls the app: `app_uninstalled`. The bot token is revoked.
    pub async fn uninstall(&self) -> Delivered {
        let delivery = self.shared.with(|state| {
            state.tokens.revoke();
            payload::event(state, json!({ "type": "app_uninstalled" }), false)
        });
        self.deliver(&delivery).await
    }

    /// Changes a person: `user_change`.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn change_user(
        &self,
        name: &str,
        change: impl FnOnce(&mut crate::slack::User),
    ) -> anyhow::Result<Delivered> {
        let delivery = self.shared.with(|state| -> anyhow::Result<_> {
            let id = person(state, name)?.id;
            if let Some(user) = state.users.iter_mut().find(|user| user.id == id) {
                change(user);
            }
            let shown = shown_user(state, &person(state, &id)?);
            let event = json!({ "type": "user_change", "user": shown, "cache_ts": 0 });
            Ok(payload::event(state, event, false))
        })?;
        Ok(self.deliver(&delivery).await)
    }
}

fn left_event(state: &State, channel: &str, user: &str, private: bool) -> Value {
    json!({
        "type": "member_left_channel", "user": user, "channel": channel,
        "channel_type": if private { "G" } else { "C" }, "team": state.team.id,
    })
}
