//! `/nova ping` as Discord sends it: the interaction, its Ed25519 signature, and the HTTP request around
//! both.
//!
//! Invariant: every ping has an id, a token and a signature of its own. It is made of the commands that
//! nova has registered: without them there is none. Called by `mod`.

use anyhow::Context as _;
use nova_sandbox::discord::{Discord, DiscordOptions, Signed, User};
use serde_json::Value;

use crate::contest::Asks;

/// Where all contestants take interactions.
pub(super) const PATH: &str = "/discord/interactions";
/// How many people ask, in turn.
const PEOPLE: usize = 20;
const CHANNEL: &str = "incidents";

/// A guild whose people give the command.
pub(super) struct Guild(pub(super) Discord);

impl Guild {
    /// # Errors
    /// When there is no free port.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let mut options = DiscordOptions::default();
        options.users.extend((0..PEOPLE).map(|number| {
            User::member(&format!("12500000000000000{number:02}"), &name(number), "Person")
        }));
        Ok(Self(Discord::start(options).await?))
    }
}

impl Asks for Guild {
    fn ping(&self, number: usize) -> anyhow::Result<Vec<u8>> {
        let person = name(number % PEOPLE);
        let command = self.0.typed_delivery(&person, CHANNEL, "ping");
        let body = command.context("Discord does not offer `/nova ping`")?.payload.to_string();
        Ok(request(&self.0.signed(body.as_bytes()), &body))
    }

    fn forged(&self) -> anyhow::Result<Vec<u8>> {
        // What is sent when an address is set, to see whether signatures are verified.
        let body = r#"{"type":1,"version":1}"#;
        Ok(request(&self.0.signed(b"of something else"), body))
    }
}

fn name(person: usize) -> String {
    format!("person{person}")
}

fn request(signed: &Signed, body: &str) -> Vec<u8> {
    let Signed { timestamp, signature } = signed;
    format!(
        "POST {PATH} HTTP/1.1\r\n\
         Host: 127.0.0.1\r\n\
         User-Agent: Discord-Interactions/1.0 (+https://discord.com)\r\n\
         X-Signature-Ed25519: {signature}\r\n\
         X-Signature-Timestamp: {timestamp}\r\n\
         Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Whether an answer is a message that says so.
pub(super) fn pong(body: &str) -> bool {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let said = answer["data"]["content"].as_str().unwrap_or_default();
    answer["type"] == 4 && said.contains("pong")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::contest::Pings;
    use crate::contest::connection::Connection;

    /// Registers `/nova ping`, as nova does with all its commands.
    async fn register(guild: &Discord) {
        let commands = r#"[{"name":"nova","description":"n","options":[{"type":1,"name":"ping","description":"p"}]}]"#;
        let app = guild.app();
        let request = format!(
            "PUT /api/v10/applications/{}/guilds/{}/commands HTTP/1.1\r\nHost: x\r\n\
             Authorization: Bot {}\r\nUser-Agent: DiscordBot (https://example.com, 1)\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{commands}",
            app.application_id,
            app.guild_id,
            guild.bot_token(),
            commands.len()
        );
        let address = guild.url().trim_start_matches("http://").parse().unwrap();
        let mut connection = Connection::open(address).await.unwrap();
        let answer = connection.ask(request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }

    #[tokio::test]
    async fn every_ping_has_an_id_a_token_and_a_signature_of_its_own() {
        let guild = Guild::start().await.unwrap();
        register(&guild.0).await;
        let requests = Pings::new(&guild).make(50).unwrap();
        let mut seen = HashSet::new();
        for request in &requests {
            let text = String::from_utf8(request.clone()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
            let signature = head.split_once("X-Signature-Ed25519: ").unwrap().1;
            let payload: Value = serde_json::from_str(body).unwrap();
            let text = |key: &str| payload[key].as_str().unwrap().to_owned();
            assert!(seen.insert(text("id")) && seen.insert(text("token")));
            assert!(seen.insert(signature[..128].to_owned()));
        }
        assert_eq!(seen.len(), 3 * requests.len());
    }

    #[tokio::test]
    async fn without_nova_nobody_can_give_the_command() {
        let guild = Guild::start().await.unwrap();
        let error = guild.ping(0).unwrap_err();
        assert_eq!(error.to_string(), "Discord does not offer `/nova ping`");
    }

    #[test]
    fn only_a_message_that_says_pong_is_right() {
        assert!(pong(r#"{"type":4,"data":{"content":"✅ **pong**"}}"#));
        for wrong in [
            r#"{"type":4,"data":{"content":"busy"}}"#,
            r#"{"type":5,"data":{"content":"pong"}}"#,
            r#"{"type":4,"data":{"embeds":[]}}"#,
            "pong",
            "",
        ] {
            assert!(!pong(wrong), "{wrong}");
        }
    }
}
