//! Deliveries over HTTP: signed the way Slack signs, in the encodings Slack uses, with a deadline.
//! Invariant: a repeated delivery says so. Source: docs.slack.dev, "Verifying requests from Slack".

use std::fmt::Write as _;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::{Attempt, Delivery};
use crate::exchange::post;
use crate::slack::state::seconds;

const USER_AGENT: &str = "Slackbot 1.0 (+https://api.slack.com/robots)";

/// Where the app listens (`http://127.0.0.1:PORT/…`), and the secret its deliveries are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTarget {
    pub commands_url: String,
    pub interactivity_url: String,
    pub events_url: String,
    pub signing_secret: String,
}

/// The headers that prove a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `X-Slack-Request-Timestamp`: seconds since 1970.
    pub timestamp: String,
    /// `X-Slack-Signature`: `v0=` and 64 hexadecimal digits.
    pub signature: String,
}

/// Signs a body as sent at `timestamp`.
pub(in crate::slack) fn sign(secret: &str, timestamp: u64, body: &[u8]) -> Signed {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    let mut signature = "v0=".to_owned();
    for byte in mac.finalize().into_bytes() {
        // Writing to a String cannot fail.
        write!(signature, "{byte:02x}").ok();
    }
    Signed { timestamp: timestamp.to_string(), signature }
}

pub(super) async fn send(
    target: &HttpTarget,
    delivery: &Delivery,
    deadline: Duration,
    retry: u32,
    reason: &str,
) -> Attempt {
    let (url, body, content_type) = encode(target, delivery);
    let signed = sign(&target.signing_secret, seconds(), body.as_bytes());
    let mut head = format!(
        "Accept-Encoding: gzip,deflate\r\nUser-Agent: {USER_AGENT}\r\n\
         Content-Type: {content_type}\r\n\
         X-Slack-Request-Timestamp: {}\r\nX-Slack-Signature: {}\r\n",
        signed.timestamp, signed.signature,
    );
    if retry > 0 {
        // Writing to a String cannot fail.
        write!(head, "x-slack-retry-num: {retry}\r\nx-slack-retry-reason: {reason}\r\n").ok();
    }
    let Ok(answered) = tokio::time::timeout(deadline, post(url, &head, &body)).await else {
        return Attempt { late: true, ..Attempt::failed("http_timeout") };
    };
    let Some(answer) = answered else {
        return Attempt::failed("connection_failed");
    };
    let acked = match delivery {
        Delivery::Event(_) => (200..300).contains(&answer.status),
        _ => answer.status == 200,
    };
    Attempt {
        acked,
        status: Some(answer.status),
        response: decode(&answer.body),
        no_retry: answer.header("x-slack-no-retry") == "1",
        ..Attempt::failed("http_error")
    }
}

fn encode<'a>(target: &'a HttpTarget, delivery: &Delivery) -> (&'a str, String, &'static str) {
    const FORM: &str = "application/x-www-form-urlencoded";
    let mut form = form_urlencoded::Serializer::new(String::new());
    match delivery {
        Delivery::Command(fields) => {
            for (key, value) in fields.as_object().into_iter().flatten() {
                form.append_pair(key, value.as_str().unwrap_or_default());
            }
            (&target.commands_url, form.finish(), FORM)
        }
        Delivery::Interactive(payload) => {
            form.append_pair("payload", &payload.to_string());
            (&target.interactivity_url, form.finish(), FORM)
        }
        Delivery::Event(payload) => (&target.events_url, payload.to_string(), "application/json"),
    }
}

fn decode(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_the_documented_ones() {
        // The example on docs.slack.dev, "Verifying requests from Slack".
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
            &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
            &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F\
            commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=\
            398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signed = sign("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body.as_bytes());
        assert_eq!(
            signed.signature,
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
    }
}
