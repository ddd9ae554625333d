//! Tokens and what they may do. Invariant: a call goes on only with a live token of the right kind
//! that has one of the scopes its method asks for. Source: the "Required scopes" of each method on
//! docs.slack.dev. Asked by the server (token) and the methods (scopes of one channel's kind).

use std::collections::HashMap;

use super::journal::Caller;
use super::refusal::Refusal;

/// What a method asks of a bot token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Any token at all, or none (`api.test`).
    Nothing,
    /// Any live token.
    Token,
    /// An app-level token.
    AppToken,
    Scope(&'static str),
    /// `channels:X`, `groups:X`, `im:X` or `mpim:X`, by the conversation's kind.
    Kind(&'static str),
    /// To change conversations: `channels:manage`, `groups:write`, `im:write` or `mpim:write`.
    Manage,
}

/// The kind of a conversation, as far as scopes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Private,
    Direct,
}

const KINDS: [Kind; 3] = [Kind::Public, Kind::Private, Kind::Direct];

impl Needs {
    /// The scope for conversations of this kind.
    fn scope(self, kind: Kind) -> String {
        match (self, kind) {
            (Needs::Scope(scope), _) => scope.to_owned(),
            (Needs::Kind(what), Kind::Public) => format!("channels:{what}"),
            (Needs::Kind(what), Kind::Private) => format!("groups:{what}"),
            (Needs::Kind(what), Kind::Direct) => format!("im:{what}"),
            (Needs::Manage, Kind::Public) => "channels:manage".to_owned(),
            (Needs::Manage, Kind::Private) => "groups:write".to_owned(),
            (Needs::Manage, Kind::Direct) => "im:write".to_owned(),
            (Needs::Nothing | Needs::Token | Needs::AppToken, _) => String::new(),
        }
    }

    /// Checks that the token has a scope for some kind of conversation at least.
    ///
    /// # Errors
    /// `missing_scope`, with what is needed and what there is.
    pub(super) fn any(self, scopes: &[String]) -> Result<(), Refusal> {
        if matches!(self, Needs::Nothing | Needs::Token | Needs::AppToken) {
            return Ok(());
        }
        if KINDS.iter().any(|&kind| scopes.contains(&self.scope(kind))) {
            return Ok(());
        }
        let mut needed: Vec<String> = KINDS.iter().map(|&kind| self.scope(kind)).collect();
        needed.dedup();
        Err(Refusal::missing_scope(&needed.join(","), scopes))
    }

    /// Whether the token may do this to a conversation of one kind.
    ///
    /// # Errors
    /// `missing_scope`.
    pub(super) fn of(self, kind: Kind, scopes: &[String]) -> Result<(), Refusal> {
        let needed = self.scope(kind);
        if needed.is_empty() || scopes.contains(&needed) {
            Ok(())
        } else {
            Err(Refusal::missing_scope(&needed, scopes))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Live,
    Revoked,
    /// The bot's user or the workspace is gone.
    Inactive,
}

#[derive(Debug)]
pub(super) struct Tokens {
    known: HashMap<String, (Caller, Standing)>,
    pub(super) bot: String,
    /// Of the bot token.
    pub(super) scopes: Vec<String>,
    rotations: u32,
}

impl Tokens {
    pub(super) fn new(bot: &str, app: &str, scopes: &[String]) -> Self {
        let known = HashMap::from([
            (bot.to_owned(), (Caller::Bot, Standing::Live)),
            (app.to_owned(), (Caller::App, Standing::Live)),
        ]);
        Tokens { known, bot: bot.to_owned(), scopes: scopes.to_vec(), rotations: 0 }
    }

    pub(super) fn caller(&self, token: Option<&str>) -> Caller {
        match token {
            None => Caller::Nobody,
            Some(token) => self.known.get(token).map_or(Caller::Unknown, |(caller, _)| *caller),
        }
    }

    /// # Errors
    /// `not_authed`, `invalid_auth`, `token_revoked`, `account_inactive`, `not_allowed_token_type`.
    pub(super) fn admit(&self, token: Option<&str>, needs: Needs) -> Result<Caller, Refusal> {
        if needs == Needs::Nothing {
            return Ok(self.caller(token));
        }
        let token = token.ok_or_else(|| Refusal::new("not_authed"))?;
        let (caller, standing) =
            self.known.get(token).copied().ok_or_else(|| Refusal::new("invalid_auth"))?;
        match standing {
            Standing::Revoked => return Err(Refusal::new("token_revoked")),
            Standing::Inactive => return Err(Refusal::new("account_inactive")),
            Standing::Live => {}
        }
        let right = match needs {
            Needs::AppToken => caller == Caller::App,
            Needs::Nothing | Needs::Token => true,
            _ => caller == Caller::Bot,
        };
        if right { Ok(caller) } else { Err(Refusal::new("not_allowed_token_type")) }
    }

    pub(super) fn revoke(&mut self) {
        self.known.insert(self.bot.clone(), (Caller::Bot, Standing::Revoked));
    }

    pub(super) fn deactivate(&mut self) {
        self.known.insert(self.bot.clone(), (Caller::Bot, Standing::Inactive));
    }

    /// A new bot token; the old one is revoked.
    pub(super) fn rotate(&mut self) -> String {
        self.revoke();
        self.rotations += 1;
        self.bot = format!("xoxb-sandbox-bot-{}", self.rotations + 1);
        self.known.insert(self.bot.clone(), (Caller::Bot, Standing::Live));
        self.bot.clone()
    }
}
