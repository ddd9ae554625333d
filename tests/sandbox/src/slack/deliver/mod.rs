//! What Slack sends to the app: commands, clicks and events, over HTTP or Socket Mode. Invariant: one
//! delivery has the same payload on both transports, and its answer has the same effect. Called by the
//! façade for what people do ([`people`]) and what happens to channels and tokens ([`events`]).

mod answer;
mod elements;
mod events;
mod http;
mod payload;
mod people;
mod socket;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::state::Shared;

pub use http::{HttpTarget, Signed};
pub use socket::Disconnect;

pub(super) use http::sign;
pub(super) use socket::{Admission, Sockets, admit, ticket};

/// Something to send to the app. It can be sent again, to play a repeated delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// A slash command's fields, each a text.
    Command(Value),
    /// A click, a shortcut, a submission.
    Interactive(Value),
    /// An event with its envelope.
    Event(Value),
}

impl Delivery {
    #[must_use]
    pub fn payload(&self) -> &Value {
        let (Delivery::Command(payload)
        | Delivery::Interactive(payload)
        | Delivery::Event(payload)) = self;
        payload
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The app took it in time: HTTP 200 (any 2xx for an event), or an acknowledged envelope.
    pub acked: bool,
    /// Of the last answer over HTTP.
    pub status: Option<u16>,
    /// From sending to the last answer, or to giving up.
    pub within: Duration,
    /// The body or the acknowledgement's payload: JSON, or a text for what is none; `Null` for
    /// nothing.
    pub response: Value,
    /// No answer came before the deadline, at least once.
    pub late: bool,
    /// How often it was sent. Only events are sent again.
    pub attempts: u32,
    /// Why Slack would not show the answer, e.g. `invalid_blocks`.
    pub refused: Option<String>,
}

/// One sending.
#[derive(Debug)]
struct Attempt {
    acked: bool,
    status: Option<u16>,
    response: Value,
    late: bool,
    /// Why it is sent again, in Slack's words.
    reason: &'static str,
    /// The app asked not to be sent it again.
    no_retry: bool,
}

impl Attempt {
    fn failed(reason: &'static str) -> Self {
        Attempt {
            acked: false,
            status: None,
            response: Value::Null,
            late: false,
            reason,
            no_retry: false,
        }
    }
}

/// Sends it, again where Slack would, and applies the answer.
pub(super) async fn deliver(shared: &Shared, delivery: &Delivery) -> Delivered {
    let start = Instant::now();
    let event = matches!(delivery, Delivery::Event(_));
    let mut late = false;
    let mut attempts = 0;
    let mut reason = "";
    let last = loop {
        let attempt = send(shared, delivery, attempts, reason).await;
        attempts += 1;
        late |= attempt.late;
        let pause = shared.retries.get(attempts as usize - 1).filter(|_| event);
        let Some(pause) = pause.filter(|_| !attempt.acked && !attempt.no_retry) else {
            break attempt;
        };
        reason = attempt.reason;
        tokio::time::sleep(*pause).await;
    };
    let refused = if last.acked {
        shared.with(|state| answer::apply(state, delivery, &last.response).err())
    } else {
        None
    };
    Delivered {
        acked: last.acked,
        status: last.status,
        within: start.elapsed(),
        response: last.response,
        late,
        attempts,
        refused: refused.map(|refusal| refusal.error),
    }
}

async fn send(shared: &Shared, delivery: &Delivery, retry: u32, reason: &'static str) -> Attempt {
    match shared.look(|state| state.target.clone()) {
        Some(target) => http::send(&target, delivery, shared.deadline, retry, reason).await,
        None => socket::send(shared, delivery, retry, reason).await,
    }
}

/// The envelope's type in Socket Mode.
fn kind(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Command(_) => "slash_commands",
        Delivery::Interactive(_) => "interactive",
        Delivery::Event(_) => "events_api",
    }
}

fn envelope(delivery: &Delivery, id: &str, retry: u32, reason: &str) -> Value {
    let event = matches!(delivery, Delivery::Event(_));
    let mut envelope = json!({
        "envelope_id": id,
        "type": kind(delivery),
        "payload": delivery.payload(),
        "accepts_response_payload": !event,
    });
    if event {
        envelope["retry_attempt"] = json!(retry);
        envelope["retry_reason"] = json!(reason);
    }
    envelope
}
