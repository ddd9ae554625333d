//! `/nova ping` as Slack sends it: the form, its v0 signature, and the HTTP request around both.
//!
//! Invariant: no two pings of a run have the same `trigger_id`, so that none of them is a repetition
//! that need not be answered anew. The form's fields are those of Slack's published sample. Called by `mod` and by the contestants.

use form_urlencoded::Serializer;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::contest::{Asks, now};

/// Where all contestants take slash commands.
pub(super) const PATH: &str = "/slack/commands";
pub(super) const TEAM: &str = "T0BENCH00";
pub(super) const APP: &str = "A0BENCH00";
/// Not a secret: it signs nothing but this benchmark's requests.
pub(super) const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
/// How many people ask, in turn.
const PEOPLE: usize = 20;

/// Slack, as far as it sends pings.
pub(super) struct Slack;

impl Asks for Slack {
    fn ping(&self, number: usize) -> anyhow::Result<Vec<u8>> {
        Ok(signed(now()?, &form(number), SIGNING_SECRET))
    }

    fn forged(&self) -> anyhow::Result<Vec<u8>> {
        Ok(signed(now()?, &form(0), "of somebody else"))
    }
}

/// What Slack posts when somebody types `/nova ping`.
fn form(number: usize) -> String {
    let person = number % PEOPLE;
    Serializer::new(String::new())
        .append_pair("token", "gIkuvaNzQIHg97ATvDxqgjtO")
        .append_pair("team_id", TEAM)
        .append_pair("team_domain", "bench")
        .append_pair("channel_id", "C0BENCH00")
        .append_pair("channel_name", "incidents")
        .append_pair("user_id", &format!("U0BENCH{person:02}"))
        .append_pair("user_name", &format!("person{person}"))
        .append_pair("command", "/nova")
        .append_pair("text", "ping")
        .append_pair("api_app_id", APP)
        .append_pair("is_enterprise_install", "false")
        .append_pair(
            "response_url",
            &format!("https://hooks.slack.com/commands/{TEAM}/1/x{number}"),
        )
        .append_pair("trigger_id", &format!("{number}.738474920.8088930838d88f008e0"))
        .finish()
}

fn signed(timestamp: u64, form: &str, secret: &str) -> Vec<u8> {
    let signature = signature(secret, timestamp, form);
    format!(
        "POST {PATH} HTTP/1.1\r\n\
         Host: 127.0.0.1\r\n\
         User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\n\
         Accept: application/json,*/*\r\n\
         X-Slack-Signature: {signature}\r\n\
         X-Slack-Request-Timestamp: {timestamp}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// Slack's v0 signature of a body (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).
fn signature(secret: &str, timestamp: u64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut mac = mac.expect("HMAC takes a key of any length");
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    digest.iter().fold("v0=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::contest::Pings;

    #[test]
    fn the_signature_is_that_of_slacks_published_example() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
            &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
            &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
            %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121\
            .803a0bc887a14d10d2c447fce8b6703c";
        assert_eq!(
            signature("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body),
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
    }

    #[test]
    fn no_two_pings_have_the_same_trigger() {
        let mut pings = Pings::new(&Slack);
        let requests = [pings.make(50).unwrap(), pings.make(50).unwrap()].concat();
        assert_eq!(pings.made(), 100);
        let triggers: HashSet<String> = requests
            .iter()
            .map(|request| {
                let text = String::from_utf8(request.clone()).unwrap();
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
                let mut fields = form_urlencoded::parse(body.as_bytes());
                fields.find(|(name, _)| name == "trigger_id").unwrap().1.into_owned()
            })
            .collect();
        assert_eq!(triggers.len(), 100);
    }
}
