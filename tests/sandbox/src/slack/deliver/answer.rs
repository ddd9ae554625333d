//! What the app's answer to a delivery does: a command's message, a submission's next step. Invariant:
//! an answer passes the same checks as a call. Called once a delivery was acknowledged in time.

use serde_json::Value;

use super::Delivery;
use crate::slack::limits::{self, Surface};
use crate::slack::refusal::Refusal;
use crate::slack::response_url::{self, Origin};
use crate::slack::state::State;
use crate::slack::views;

/// # Errors
/// Whatever a message or a view can be refused for; `invalid_response` for what is neither.
pub(super) fn apply(state: &mut State, delivery: &Delivery, answer: &Value) -> Result<(), Refusal> {
    match delivery {
        Delivery::Command(fields) => command(state, fields, answer),
        Delivery::Interactive(payload) if payload["type"] == "view_submission" => {
            submission(state, payload, answer)
        }
        // Slack does not look at other answers.
        Delivery::Interactive(_) | Delivery::Event(_) => Ok(()),
    }
}

fn command(state: &mut State, fields: &Value, answer: &Value) -> Result<(), Refusal> {
    let text = |key: &str| fields[key].as_str().unwrap_or_default().to_owned();
    let origin = Origin {
        user: text("user_id"),
        channel: text("channel_id"),
        message: None,
        thread_ts: None,
    };
    let message = match answer {
        Value::Null => return Ok(()),
        Value::String(text) => serde_json::json!({ "text": text }),
        Value::Object(fields) => {
            // Only a type: the command itself is shown to all, and nothing is said.
            let says =
                ["text", "blocks", "attachments"].iter().any(|key| fields.contains_key(*key));
            if !says {
                return Ok(());
            }
            answer.clone()
        }
        _ => return Err(Refusal::new("invalid_response")),
    };
    if let Some(ts) = response_url::answer(state, &origin, &message)? {
        response_url::made_by_ack(state, &text("response_url"), &ts);
    }
    Ok(())
}

fn submission(state: &mut State, payload: &Value, answer: &Value) -> Result<(), Refusal> {
    let id = payload["view"]["id"].as_str().unwrap_or_default();
    let user = payload["user"]["id"].as_str().unwrap_or_default();
    let action = match answer {
        Value::Null => None,
        Value::Object(fields) if fields.is_empty() => None,
        Value::Object(fields) => Some(fields.get("response_action").and_then(Value::as_str)),
        _ => Some(None),
    };
    match action {
        None => {
            views::close(state, id, false);
            Ok(())
        }
        Some(Some("clear")) => {
            views::close(state, id, true);
            Ok(())
        }
        Some(Some("errors")) => errors(state, id, &answer["errors"]),
        Some(Some("update")) => {
            limits::view(&answer["view"], Surface::Modal)?;
            views::update(state, id, None, &answer["view"]).map(|_| ())
        }
        Some(Some("push")) => {
            limits::view(&answer["view"], Surface::Modal)?;
            views::open(state, user, &answer["view"], true).map(|_| ())
        }
        Some(_) => Err(Refusal::new("invalid_response")),
    }
}

/// Shows what is wrong at the fields of a form. Each must be one of its input blocks.
fn errors(state: &mut State, id: &str, errors: &Value) -> Result<(), Refusal> {
    let invalid = || Refusal::new("invalid_response");
    let given = errors.as_object().filter(|errors| !errors.is_empty()).ok_or_else(invalid)?;
    let view = state.views.find(id).ok_or_else(|| Refusal::new("not_found"))?;
    let blocks = view.view["blocks"].as_array().cloned().unwrap_or_default();
    for (block_id, text) in given {
        let of = blocks.iter().any(|b| b["type"] == "input" && b["block_id"] == block_id.as_str());
        if !of || text.as_str().is_none_or(str::is_empty) {
            return Err(invalid());
        }
    }
    view.errors = errors.clone();
    Ok(())
}
