//! Messages, by whatever way they are sent. Source: docs.discord.com/developers/resources/message,
//! "Create Message", and developers/interactions/receiving-and-responding.

use serde_json::Value;

use super::{Check, join};
use crate::discord::channel::Message;
use crate::discord::multipart::Upload;
use crate::discord::refusal::Refusal;

/// A file's bytes, and a message's files.
const FILE: usize = 10 << 20;
const FILES: usize = 10;

const SUPPRESS_EMBEDS: u64 = 1 << 2;
const SILENT: u64 = 1 << 12;

/// Where a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::discord) enum Place {
    /// In a channel, by the bot.
    Channel,
    /// As the answer to an interaction or a message after it.
    Interaction,
    /// In the place of one that is there already.
    Edit,
}

/// # Errors
/// 50035 for what is wrong in it, 50006 when there is nothing in it, 40005 for a file that is too large.
pub(in crate::discord) fn message(
    body: &Value,
    files: &[Upload],
    place: Place,
) -> Result<(), Refusal> {
    let mut check = Check::default();
    if check.object("", body).is_none() {
        return check.done();
    }
    check.optional("", body, "content", 0, 2000);
    check.boolean("", body, "tts");
    check.embeds(body);
    check.components("", body);
    check.allowed_mentions(&body["allowed_mentions"]);
    check.flags(body, place);
    check.nonce(body);
    check.attachments(body, files);
    check.done()?;
    if files.iter().any(|file| file.content.len() > FILE) {
        return Err(Refusal::new(413, 40005, "Request entity too large"));
    }
    if place != Place::Edit && empty(body, files) {
        return Err(Refusal::new(400, 50006, "Cannot send an empty message"));
    }
    Ok(())
}

fn empty(body: &Value, files: &[Upload]) -> bool {
    let none = |key: &str| body[key].as_array().is_none_or(Vec::is_empty);
    let blank = body["content"].as_str().is_none_or(|content| content.trim().is_empty());
    blank && none("embeds") && files.is_empty()
}

/// The suggestions of a completion.
///
/// # Errors
/// 50035 for what is wrong in it.
pub(in crate::discord) fn choices(data: &Value, option: u64) -> Result<(), Refusal> {
    let mut check = Check::default();
    if data["choices"].is_null() {
        check.say("data.choices", "BASE_TYPE_REQUIRED", "This field is required");
    }
    for (at, choice) in check.list("data", data, "choices", 0, 25).iter().enumerate() {
        check.choice(&format!("data.choices.{at}"), choice, option);
    }
    check.done()
}

impl Check {
    fn allowed_mentions(&mut self, allowed: &Value) {
        const AT: &str = "allowed_mentions";
        if allowed.is_null() || self.object(AT, allowed).is_none() {
            return;
        }
        let parse = self.list(AT, allowed, "parse", 0, 3);
        for (at, kind) in parse.iter().enumerate() {
            if !matches!(kind.as_str(), Some("roles" | "users" | "everyone")) {
                let message = "Value must be one of ('roles', 'users', 'everyone').";
                self.say(&format!("{AT}.parse.{at}"), "BASE_TYPE_CHOICES", message);
            }
        }
        for key in ["users", "roles"] {
            let named = self.list(AT, allowed, key, 0, 100);
            if !named.is_empty() && parse.iter().any(|kind| kind == key) {
                let message =
                    format!("parse:[\"{key}\"] and {key}: [ids...] are mutually exclusive.");
                self.say(AT, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", &message);
            }
        }
    }

    fn flags(&mut self, body: &Value, place: Place) {
        let allowed = match place {
            Place::Channel => SUPPRESS_EMBEDS | SILENT,
            Place::Interaction => SUPPRESS_EMBEDS | SILENT | Message::EPHEMERAL,
            Place::Edit => SUPPRESS_EMBEDS | Message::EPHEMERAL,
        };
        match (&body["flags"], body["flags"].as_u64()) {
            (Value::Null, _) => {}
            (_, Some(flags)) if flags & !allowed == 0 => {}
            _ => self.say("flags", "BASE_TYPE_CHOICES", "These flags cannot be set here."),
        }
    }

    fn nonce(&mut self, body: &Value) {
        self.boolean("", body, "enforce_nonce");
        if !body["nonce"].is_number() {
            self.optional("", body, "nonce", 0, 25);
        }
    }

    /// What is said of the files: each one's number, or the id of one that is there already.
    fn attachments(&mut self, body: &Value, files: &[Upload]) {
        let listed = self.list("", body, "attachments", 0, FILES);
        if files.len() > FILES {
            self.length("attachments", files.len(), 0, FILES, "number");
        }
        for (at, attachment) in listed.iter().enumerate() {
            let at = format!("attachments.{at}");
            self.optional(&at, attachment, "filename", 1, 1024);
            self.optional(&at, attachment, "description", 0, 1024);
            let Some(id) = number(&attachment["id"]) else {
                self.say(&join(&at, "id"), "NUMBER_TYPE_COERCE", "Value is not snowflake.");
                continue;
            };
            // Small numbers are files of this body, snowflakes those of the message.
            if id < 1_000 && files.iter().all(|file| file.number != id) {
                let message = "The file is not in the body.";
                self.say(&join(&at, "id"), "ATTACHMENT_NOT_FOUND", message);
            }
        }
    }

    /// A choice of an option of this type.
    pub(super) fn choice(&mut self, at: &str, choice: &Value, option: u64) {
        self.text(at, choice, "name", 1, 100);
        let value = &choice["value"];
        let fits = match option {
            4 => value.is_i64() || value.is_u64(),
            10 => value.is_number(),
            _ => {
                self.text(at, choice, "value", 1, 100);
                true
            }
        };
        if !fits {
            let message = "The value does not have the option's type.";
            self.say(&join(at, "value"), "NUMBER_TYPE_COERCE", message);
        }
    }
}

/// An id as a number or as a text.
pub(in crate::discord) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
