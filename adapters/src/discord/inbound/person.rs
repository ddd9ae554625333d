//! Who caused an interaction. In a server Discord sends the member with it, so that nobody has to be
//! asked; in a direct conversation only the user.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::{Refusal, account, ids};
use crate::event::Actor;
use crate::workspace::{Profile, Standing};

/// docs.discord.com/developers/resources/guild#guild-member-object
#[derive(Deserialize)]
pub(super) struct Member<'a> {
    #[serde(borrow)]
    user: User<'a>,
    nick: Option<String>,
    #[serde(borrow)]
    roles: Vec<&'a str>,
    /// Has not passed the server's membership screening.
    #[serde(default)]
    pending: bool,
}

/// docs.discord.com/developers/resources/user#user-object
#[derive(Deserialize)]
pub(super) struct User<'a> {
    pub(super) id: Option<&'a str>,
    #[serde(borrow, default)]
    username: Cow<'a, str>,
    global_name: Option<String>,
    #[serde(default)]
    pub(super) bot: bool,
}

impl Member<'_> {
    pub(super) fn actor(self) -> Result<Actor, Refusal> {
        let account = account(ids::id(self.user.id, "user")?);
        let groups =
            self.roles.into_iter().map(|role| ids::id(Some(role), "role").map(str::to_owned));
        let standing = match (self.user.bot, self.pending) {
            (true, _) => Standing::Bot,
            (false, true) => Standing::Guest,
            (false, false) => Standing::Member,
        };
        let name = self.nick.or(self.user.global_name);
        let name = name.unwrap_or_else(|| self.user.username.into_owned());
        let profile = Profile {
            name: ids::text(&name)?.to_owned(),
            email: None,
            standing,
            time_zone: None,
            groups: groups.collect::<Result<_, _>>()?,
        };
        Ok(Actor { account, foreign: false, profile: Some(Arc::new(profile)) })
    }
}

impl User<'_> {
    /// Without the server nothing is vouched for: Discord is asked.
    pub(super) fn actor(&self) -> Result<Actor, Refusal> {
        let account = account(ids::id(self.id, "user")?);
        Ok(Actor { account, foreign: false, profile: None })
    }
}
