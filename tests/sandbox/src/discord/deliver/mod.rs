//! What Discord sends to the app: interactions, over HTTP or the gateway. Invariant: one interaction has
//! the same payload on both transports, and its answer has the same effect, whether it comes in the
//! HTTP answer or as a call. Discord never sends an interaction again by itself. Called by the façade
//! for what people do ([`people`]) and what happens to channels and the guild ([`events`]).

mod events;
mod http;
mod line;
mod options;
mod payload;
mod people;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::interactions::{self, Tried};
use super::journal::{Caller, Outcome, Request};
use super::modals;
use super::state::Shared;
use crate::exchange::Answered;

pub use http::Signed;
pub(super) use http::{public_key, sign};

/// An interaction to be sent, as often as a test wants, or to be forged.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub payload: Value,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// It was answered in time, and Discord takes the answer.
    pub acked: bool,
    /// Of the answer over HTTP.
    pub status: Option<u16>,
    /// From sending to the answer, or to giving up.
    pub within: Duration,
    /// The interaction response as JSON, however it came; `Null` for none.
    pub response: Value,
    /// No answer came before the deadline.
    pub late: bool,
    /// How often it was sent: once.
    pub attempts: u32,
    /// It had been delivered before, or was at the same time.
    pub again: bool,
    /// Why Discord does not take the answer: code, message and what is wrong in it.
    pub refused: Option<String>,
}

/// Sends it and waits for the answer. What was answered before needs no second one over the gateway.
pub(super) async fn deliver(shared: &Shared, delivery: &Delivery) -> Delivered {
    let start = Instant::now();
    let id = delivery.payload["id"].as_str().unwrap_or_default();
    let target = shared.with(|state| {
        let (now, opener) = (state.now, modals::opener(state, &delivery.payload));
        state.interactions.begin(&delivery.payload, opener, now);
        state.target.clone()
    });
    let mut status = None;
    let send = async {
        match target {
            Some(target) => {
                let answered = http::send(shared, &target, delivery).await?;
                status = Some(answered.status);
                match answered.status {
                    200 => return Some(take(shared, delivery, &answered)),
                    // "Accepted": the response comes as a call.
                    202 | 204 => {}
                    _ => return None,
                }
            }
            None if shared.hub.dispatch("INTERACTION_CREATE", &delivery.payload) == 0 => {
                return None;
            }
            None => {}
        }
        tried(shared, id).await
    };
    let waited = tokio::time::timeout(shared.deadline, send).await;
    let again = shared.look(|state| state.interactions.deliveries(id) > 1);
    let late = waited.is_err();
    let tried = waited.ok().flatten();
    let refused = tried.as_ref().and_then(|tried| tried.refused.as_ref());
    Delivered {
        acked: tried.is_some() && refused.is_none(),
        status,
        within: start.elapsed(),
        refused: refused.map(super::refusal::Refusal::line),
        response: tried.map(|tried| tried.response).unwrap_or_default(),
        late,
        attempts: 1,
        again,
    }
}

/// The next response; none where another delivery has had the one that counts.
async fn tried(shared: &Shared, id: &str) -> Option<Tried> {
    let mut changes = shared.changes();
    loop {
        let found = shared.look(|state| {
            let next = state.interactions.next(id);
            let answered = state.interactions.get(id)?.responded;
            (next.is_some() || answered).then_some(next)
        });
        if let Some(found) = found {
            return found;
        }
        changes.changed().await.ok()?;
    }
}

/// Takes the body of an HTTP answer as what the callback would have brought.
fn take(shared: &Shared, delivery: &Delivery, answer: &Answered) -> Tried {
    let response: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |key: &str| delivery.payload[key].as_str().unwrap_or_default().to_owned();
    let (id, token) = (text("id"), text("token"));
    let answered = shared.with(|state| {
        let answered = interactions::respond(state, &id, &token, &response, &[]);
        // This delivery's own.
        drop(state.interactions.next(&id));
        answered
    });
    shared.journal.record(Request {
        at: shared.clock.now(),
        method: "POST".to_owned(),
        path: "/interactions/{interaction_id}/{interaction_token}/callback".to_owned(),
        parameters: vec![("interaction_id", id)],
        query: String::new(),
        content_type: answer.header("content-type").to_owned(),
        user_agent: String::new(),
        caller: Caller::Answer,
        size: answer.body.len(),
        arguments: Arc::new(response.clone()),
        files: Vec::new(),
        outcome: match &answered {
            Ok(_) => Outcome::Ok(200),
            Err(refusal) => Outcome::Refused { status: refusal.status, code: refusal.code },
        },
        response: Arc::default(),
    });
    shared.changed();
    Tried { response, refused: answered.err() }
}
