//! What goes back to Slack at once, in the body of the answer or with an envelope's acknowledgement.
//!
//! Invariant: a message is drawn by [`render`] and by nothing else, so that it is escaped there.

use std::collections::BTreeMap;

use serde::Serialize;
use slack_morphism::prelude::SlackBlock;

use crate::event::Ack;
use crate::intake::{Beside, NOT_RECORDED};
use crate::message::{Mark, Message};
use crate::slack::render;

/// How a payload can be answered at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// With a message.
    Command,
    /// Not at all: Slack shows nothing of the answer to a click. What has to be said goes beside it.
    Click,
    /// With errors in the form, under these blocks.
    Form { first: Option<String> },
    /// Not at all, but Slack delivers it again unless it is acknowledged.
    Event,
}

/// What goes back, the same over both transports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Received.
    Empty,
    /// Received, with this JSON.
    Json(String),
    /// Not received: to be delivered again.
    Again,
}

#[derive(Serialize)]
struct Shown<'a> {
    response_type: &'static str,
    text: &'a str,
    blocks: &'a [SlackBlock],
}

#[derive(Serialize)]
struct Errors<'a> {
    response_action: &'static str,
    errors: &'a BTreeMap<String, String>,
}

/// A line that says what went wrong, where the person sees it.
pub(super) fn trouble(route: &Route, line: &str) -> Ack {
    match route {
        Route::Event => Ack::Again,
        Route::Form { first: Some(block) } => {
            Ack::Wrong(BTreeMap::from([(block.clone(), line.to_owned())]))
        }
        Route::Command | Route::Click | Route::Form { .. } => {
            Ack::Say { message: Box::new(Message::new(Mark::Warn, line)), private: true }
        }
    }
}

/// The answer, and what it cannot carry.
pub(super) fn answer(ack: Ack, route: &Route) -> (Answer, Option<Beside>) {
    match (ack, route) {
        (Ack::Received | Ack::Repeated, _) => (Answer::Empty, None),
        (Ack::Public, Route::Command) => {
            (Answer::Json(r#"{"response_type":"in_channel"}"#.to_owned()), None)
        }
        (Ack::Public, _) => (Answer::Empty, None),
        (Ack::Say { message, private }, Route::Command) => said(*message, private),
        (Ack::Say { message, private }, _) => beside(*message, private),
        (Ack::Wrong(errors), Route::Form { .. }) => {
            (json(&Errors { response_action: "errors", errors: &errors }), None)
        }
        (Ack::Wrong(errors), route) => {
            let lines: Vec<_> = errors.into_values().collect();
            answer(trouble(route, &lines.join("; ")), route)
        }
        // Slack opens forms by a trigger and completes nothing.
        (Ack::Form(_) | Ack::Choices(_), route) => {
            answer(trouble(route, "that cannot be shown here"), route)
        }
        (Ack::Again, Route::Event) => (Answer::Again, None),
        (Ack::Again, route) => answer(trouble(route, NOT_RECORDED), route),
    }
}

/// A message in the answer to a command. Files cannot go there, and without them it says too little.
fn said(message: Message, private: bool) -> (Answer, Option<Beside>) {
    let drawn = render::message(&message);
    if !drawn.files.is_empty() {
        return beside(message, private);
    }
    let response_type = if private { "ephemeral" } else { "in_channel" };
    (json(&Shown { response_type, text: &drawn.text, blocks: &drawn.blocks }), None)
}

fn beside(message: Message, private: bool) -> (Answer, Option<Beside>) {
    (Answer::Empty, Some(Beside { message, private }))
}

fn json(body: &impl Serialize) -> Answer {
    Answer::Json(serde_json::to_string(body).expect("strings and blocks are always JSON"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn body(ack: Ack, route: &Route) -> Value {
        match answer(ack, route) {
            (Answer::Json(text), None) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn say(private: bool) -> Ack {
        Ack::Say { message: Box::new(Message::new(Mark::Ok, "pong")), private }
    }

    const FORM: Route = Route::Form { first: None };

    #[test]
    fn a_command_is_answered_in_the_body() {
        assert_eq!(body(Ack::Public, &Route::Command), json!({ "response_type": "in_channel" }));
        for (private, expected) in [(true, "ephemeral"), (false, "in_channel")] {
            let body = body(say(private), &Route::Command);
            assert_eq!(body["response_type"], expected);
            assert!(body["text"].as_str().unwrap().contains("pong"), "{body}");
            assert!(body["blocks"].is_array(), "{body}");
        }
    }

    #[test]
    fn a_message_with_files_goes_beside_the_answer() {
        let file = crate::message::Attachment {
            name: "a".into(),
            media_type: "text/plain",
            bytes: vec![],
        };
        let message = Message::new(Mark::Ok, "pong").file(file);
        let ack = Ack::Say { message: Box::new(message.clone()), private: true };
        let expected = Some(Beside { message, private: true });
        assert_eq!(answer(ack, &Route::Command), (Answer::Empty, expected));
    }

    #[test]
    fn what_a_click_is_told_goes_beside_the_answer() {
        let (answer, beside) = answer(say(true), &Route::Click);
        assert_eq!(answer, Answer::Empty);
        assert_eq!(beside.unwrap().message.headline, "pong");
    }

    #[test]
    fn errors_stand_in_the_form() {
        let wrong = Ack::Wrong(BTreeMap::from([("reason".into(), "say why".into())]));
        let expected = json!({ "response_action": "errors", "errors": { "reason": "say why" } });
        assert_eq!(body(wrong.clone(), &FORM), expected);
        let told = body(wrong, &Route::Command);
        assert!(told["text"].as_str().unwrap().contains("say why"), "{told}");
    }

    #[test]
    fn only_an_event_is_asked_for_again() {
        assert_eq!(answer(Ack::Again, &Route::Event), (Answer::Again, None));
        assert_eq!(body(Ack::Again, &Route::Command)["response_type"], "ephemeral");
        assert!(answer(Ack::Again, &Route::Click).1.is_some());
        let form = Route::Form { first: Some("why".into()) };
        assert!(body(Ack::Again, &form)["errors"]["why"].is_string());
    }
}
