//! What Slack sends over a socket, and what goes back (docs.slack.dev/apis/events-api/using-socket-mode).
//!
//! Invariant: an envelope's id is checked before it is repeated.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::slack::inbound::{self, Identity, Inbound, Refusal, Route};

/// One message of Slack.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    Hello,
    Disconnect(Reason),
    Envelope(Envelope<'a>),
    /// A kind that is not known, without an id: nothing to do and nothing to acknowledge.
    Unknown,
}

/// Why Slack wants a socket back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It will be closed soon, or is too old, or Slack has a reason that is not known here.
    Replace,
    /// Socket Mode was switched off.
    Disabled,
}

/// A payload that wants to be acknowledged.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) id: &'a str,
    kind: &'a str,
    takes_answer: bool,
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    envelope_id: Option<&'a str>,
    #[serde(default)]
    accepts_response_payload: bool,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    reason: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Serialize)]
struct Acknowledged<'a> {
    envelope_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
}

/// Reads one message.
pub(super) fn read(text: &str) -> Result<Frame<'_>, Refusal> {
    let wire: Wire<'_> =
        serde_json::from_str(text).map_err(|_| Refusal::Malformed("a message is no envelope"))?;
    let frame = match (wire.kind, wire.envelope_id) {
        ("hello", _) => Frame::Hello,
        ("disconnect", _) if wire.reason.as_deref() == Some("link_disabled") => {
            Frame::Disconnect(Reason::Disabled)
        }
        ("disconnect", _) => Frame::Disconnect(Reason::Replace),
        (_, None) => Frame::Unknown,
        (_, Some(id)) if !is_id(id) => return Err(Refusal::Malformed("envelope_id")),
        (kind, Some(id)) => {
            let takes_answer = wire.accepts_response_payload;
            Frame::Envelope(Envelope { id, kind, takes_answer, payload: wire.payload })
        }
    };
    Ok(frame)
}

impl Envelope<'_> {
    /// What the payload is, as over HTTP.
    pub(super) fn read(&self, us: &Identity) -> Result<Inbound, Refusal> {
        let payload = self.payload.ok_or(Refusal::Malformed("an envelope is empty"))?;
        let payload = payload.get().as_bytes();
        let read = match self.kind {
            "slash_commands" => inbound::command_json(payload, us),
            "interactive" => inbound::interaction(payload, us),
            "events_api" => inbound::event(payload, us),
            _ => Ok(Inbound::Ignored),
        };
        match read {
            // What the acknowledgement cannot carry is said beside it, as for a click.
            Ok(Inbound::Event(event, Route::Command | Route::Form { .. }))
                if !self.takes_answer =>
            {
                Ok(Inbound::Event(event, Route::Click))
            }
            read => read,
        }
    }

    /// How a person who is not served can be told so.
    pub(super) fn route(&self) -> Route {
        match self.kind {
            "slash_commands" if self.takes_answer => Route::Command,
            _ => Route::Click,
        }
    }
}

/// The acknowledgement of an envelope, with the JSON of an answer.
pub(super) fn acknowledge(id: &str, answer: Option<&str>) -> String {
    let payload = answer.and_then(|json| serde_json::from_str(json).ok());
    let body = Acknowledged { envelope_id: id, payload };
    serde_json::to_string(&body).expect("an id and JSON are JSON")
}

fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=128).contains(&id.len()) && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slacks_own_messages_are_read() {
        let hello = r#"{"type":"hello","num_connections":1,"debug_info":{"host":"h"}}"#;
        assert!(matches!(read(hello), Ok(Frame::Hello)));
        for (reason, expected) in [
            ("warning", Reason::Replace),
            ("refresh_requested", Reason::Replace),
            ("too_many_websockets", Reason::Replace),
            ("link_disabled", Reason::Disabled),
        ] {
            let text = format!(r#"{{"type":"disconnect","reason":"{reason}"}}"#);
            assert!(matches!(read(&text), Ok(Frame::Disconnect(r)) if r == expected), "{reason}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_refused() {
        for text in ["", "null", "[]", "{", r#"{"type":1}"#, "{\"type\":\"hello\"", "\0"] {
            assert!(read(text).is_err(), "{text}");
        }
        let text = r#"{"type":"interactive","envelope_id":"a\"}","payload":{}}"#;
        assert!(read(text).is_err());
        assert!(read(r#"{"type":"interactive","envelope_id":"a b","payload":{}}"#).is_err());
        assert!(matches!(read(r#"{"type":"other"}"#), Ok(Frame::Unknown)));
    }

    #[test]
    fn an_acknowledgement_carries_the_answer() {
        assert_eq!(acknowledge("e-1", None), r#"{"envelope_id":"e-1"}"#);
        let with = acknowledge("e-1", Some(r#"{"text":"hi"}"#));
        assert_eq!(with, r#"{"envelope_id":"e-1","payload":{"text":"hi"}}"#);
    }
}
