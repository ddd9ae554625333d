//! What goes back to Discord at once, in the body of the answer or by a call
//! (docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object).
//!
//! Invariant: a message is drawn by [`render`] and by nothing else, so that it is escaped there. Every
//! interaction is answered with something that its kind may be answered with.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::discord::render;
use crate::event::Ack;
use crate::form::Form;
use crate::intake::{Beside, NOT_RECORDED};
use crate::message::{Mark, Message};

/// How a payload can be answered at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// With a message, a form, or that there will be a message.
    Command,
    /// With a message or a form; otherwise the pressed message stays as it is.
    Press,
    /// With a message, but no form. `on_message`: the form was opened from a message, which stays as
    /// it is.
    Form { on_message: bool },
    /// With choices and nothing else.
    Complete,
    /// Not at all: an event of the gateway, which nobody waits for.
    Event,
    /// Not any more: the answer is gone, and what has to be said goes beside it.
    Late,
}

/// What goes back, the same over both transports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Nothing,
    /// This JSON.
    Json(String),
}

const PONG: u8 = 1;
const MESSAGE: u8 = 4;
const DEFERRED: u8 = 5;
const UNCHANGED: u8 = 6;
const CHOICES: u8 = 8;
const MODAL: u8 = 9;

/// The flag of a message that one person sees.
const EPHEMERAL: u64 = 1 << 6;

/// Discord takes so many choices.
const MAX_CHOICES: usize = 25;
/// Characters of a choice.
const MAX_CHOICE: usize = 100;

const NOT_HERE: &str = "that cannot be shown here";
const TOO_LATE: &str = "that took too long, please try again";

#[derive(Serialize)]
struct Response<T> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
}

/// What a message that is to come will be.
#[derive(Serialize)]
struct Coming {
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<u64>,
}

#[derive(Serialize)]
struct Choices<'a> {
    choices: Vec<Choice<'a>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    name: &'a str,
    value: &'a str,
}

/// The answer to Discord's test of the address.
pub(super) fn pong() -> Answer {
    bare(PONG)
}

/// A question to whoever pressed a button.
pub(super) fn question(message: Message) -> Answer {
    said(message, true, Route::Press).0
}

/// A line that says what went wrong, where the person sees it.
pub(super) fn trouble(route: Route, line: &str) -> Ack {
    match route {
        // Nobody looks for an error among choices.
        Route::Complete => Ack::Choices(Vec::new()),
        Route::Event => Ack::Received,
        _ => Ack::Say { message: Box::new(Message::new(Mark::Warn, line)), private: true },
    }
}

/// The answer, and what it cannot carry.
pub(super) fn answer(ack: Ack, route: Route) -> (Answer, Option<Beside>) {
    match (ack, route) {
        (Ack::Choices(values), Route::Complete) => (choices(&values), None),
        (_, Route::Complete) => (choices(&[]), None),
        (Ack::Received, route) => (received(route, true), None),
        // An answer here could come before the one that is meant to stand.
        (Ack::Repeated, _) => (Answer::Nothing, None),
        (Ack::Public, route) => (received(route, false), None),
        (Ack::Say { message, private }, route) => said(*message, private, route),
        (Ack::Wrong(errors), route) => said(render::errors(&errors), true, route),
        (Ack::Form(form), Route::Command | Route::Press) => (opened(&form), None),
        (Ack::Form(_), Route::Late) => answer(trouble(route, TOO_LATE), route),
        (Ack::Form(_) | Ack::Choices(_), route) => answer(trouble(route, NOT_HERE), route),
        (Ack::Again, route) => answer(trouble(route, NOT_RECORDED), route),
    }
}

/// Whatever follows comes as a message.
fn received(route: Route, private: bool) -> Answer {
    match route {
        Route::Command | Route::Form { on_message: false } => {
            json(DEFERRED, Some(Coming { flags: private.then_some(EPHEMERAL) }))
        }
        Route::Press | Route::Form { on_message: true } => bare(UNCHANGED),
        Route::Complete => choices(&[]),
        Route::Event | Route::Late => Answer::Nothing,
    }
}

/// A message in the answer. Files cannot go there, and without them it says too little.
fn said(message: Message, private: bool, route: Route) -> (Answer, Option<Beside>) {
    let drawn = match route {
        Route::Event | Route::Late => None,
        _ => Some(render::message(&message)).filter(|drawn| drawn.files.is_empty()),
    };
    match drawn {
        Some(drawn) => (json(MESSAGE, Some(drawn.body.private(private))), None),
        None => (received(route, private), Some(Beside { message, private })),
    }
}

fn opened(form: &Form) -> Answer {
    json(MODAL, Some(render::modal(form)))
}

/// What is too long for a choice is left out: cut, it would mean something else.
fn choices(values: &[String]) -> Answer {
    let fits = |value: &&String| (1..=MAX_CHOICE).contains(&value.chars().count());
    let choices = values.iter().filter(fits).take(MAX_CHOICES);
    let choices = choices.map(|value| Choice { name: value, value }).collect();
    json(CHOICES, Some(Choices { choices }))
}

fn bare(kind: u8) -> Answer {
    json(kind, None::<&RawValue>)
}

fn json(kind: u8, data: Option<impl Serialize>) -> Answer {
    let text = serde_json::to_string(&Response { kind, data });
    Answer::Json(text.expect("texts and numbers are always JSON"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    const FORM: Route = Route::Form { on_message: false };
    const FORM_ON_MESSAGE: Route = Route::Form { on_message: true };
    const ALL: [Route; 7] = [
        Route::Command,
        Route::Press,
        FORM,
        FORM_ON_MESSAGE,
        Route::Complete,
        Route::Event,
        Route::Late,
    ];

    fn value(answer: &Answer) -> Value {
        match answer {
            Answer::Json(text) => serde_json::from_str(text).unwrap(),
            Answer::Nothing => Value::Null,
        }
    }

    fn body(ack: Ack, route: Route) -> Value {
        let (answer, beside) = answer(ack, route);
        assert_eq!(beside, None);
        value(&answer)
    }

    fn say(private: bool) -> Ack {
        Ack::Say { message: Box::new(Message::new(Mark::Ok, "pong")), private }
    }

    fn form() -> Ack {
        let (id, title) = ("approve".into(), "Approve".into());
        let (argument, submit) = ("7".into(), "Send".into());
        Ack::Form(Box::new(Form { id, argument, title, submit, intro: None, fields: vec![] }))
    }

    #[test]
    fn what_was_received_is_answered_as_its_kind_may_be() {
        let deferred = |flags: Value| json!({ "type": 5, "data": flags });
        for (route, received, public) in [
            (Route::Command, deferred(json!({ "flags": 64 })), deferred(json!({}))),
            (FORM, deferred(json!({ "flags": 64 })), deferred(json!({}))),
            (Route::Press, json!({ "type": 6 }), json!({ "type": 6 })),
            (FORM_ON_MESSAGE, json!({ "type": 6 }), json!({ "type": 6 })),
            (Route::Event, Value::Null, Value::Null),
            (Route::Late, Value::Null, Value::Null),
        ] {
            assert_eq!(body(Ack::Received, route), received, "{route:?}");
            assert_eq!(body(Ack::Public, route), public, "{route:?}");
        }
    }

    #[test]
    fn a_message_stands_in_the_answer_and_is_private_when_it_should_be() {
        for route in [Route::Command, Route::Press, FORM, FORM_ON_MESSAGE] {
            let private = body(say(true), route);
            assert_eq!((&private["type"], &private["data"]["flags"]), (&json!(4), &json!(64)));
            assert!(private["data"].to_string().contains("pong"), "{private}");
            let public = body(say(false), route);
            assert_eq!((&public["type"], &public["data"]["flags"]), (&json!(4), &Value::Null));
        }
    }

    #[test]
    fn what_an_answer_cannot_carry_goes_beside_it() {
        let (media_type, bytes) = ("text/plain", vec![]);
        let file = crate::message::Attachment { name: "a".into(), media_type, bytes };
        let message = Message::new(Mark::Ok, "pong").file(file);
        for (route, kind) in [(Route::Command, json!(5)), (Route::Press, json!(6))] {
            let ack = Ack::Say { message: Box::new(message.clone()), private: false };
            let (answer, beside) = answer(ack, route);
            assert_eq!(value(&answer)["type"], kind);
            assert_eq!(beside, Some(Beside { message: message.clone(), private: false }));
        }
        let (answer, beside) = answer(say(true), Route::Late);
        assert_eq!((answer, beside.unwrap().private), (Answer::Nothing, true));
    }

    #[test]
    fn a_form_is_an_answer_to_what_may_open_one() {
        for route in [Route::Command, Route::Press] {
            assert_eq!(body(form(), route)["type"], 9, "{route:?}");
        }
        let refused = body(form(), FORM);
        assert_eq!(refused["type"], 4);
        assert!(refused.to_string().contains("cannot be shown here"), "{refused}");
        let (_, beside) = answer(form(), Route::Late);
        assert!(beside.unwrap().message.headline.contains("took too long"));
    }

    #[test]
    fn what_was_delivered_before_is_left_to_its_first_answer() {
        for route in
            [Route::Command, Route::Press, FORM, FORM_ON_MESSAGE, Route::Event, Route::Late]
        {
            assert_eq!(answer(Ack::Repeated, route), (Answer::Nothing, None), "{route:?}");
        }
    }

    #[test]
    fn errors_of_a_form_name_their_fields() {
        let wrong = Ack::Wrong(BTreeMap::from([("reason".into(), "say why".into())]));
        let told = body(wrong, FORM_ON_MESSAGE);
        assert_eq!((&told["type"], &told["data"]["flags"]), (&json!(4), &json!(64)));
        let text = told.to_string();
        assert!(text.contains("reason") && text.contains("say why"), "{text}");
    }

    #[test]
    fn completion_is_answered_with_choices_whatever_happens() {
        let choices = |ack| body(ack, Route::Complete)["data"]["choices"].clone();
        let values = ["db-1".to_owned(), String::new(), "x".repeat(101)];
        assert_eq!(
            choices(Ack::Choices(values.into())),
            json!([{ "name": "db-1", "value": "db-1" }])
        );
        let many: Vec<_> = (0..40).map(|number| format!("db-{number}")).collect();
        assert_eq!(choices(Ack::Choices(many)).as_array().unwrap().len(), 25);
        for ack in [Ack::Received, Ack::Public, Ack::Again, say(true), form()] {
            assert_eq!(choices(ack), json!([]));
        }
    }

    #[test]
    fn what_was_not_recorded_is_said_since_discord_does_not_come_again() {
        for route in ALL {
            let (answer, beside) = answer(Ack::Again, route);
            match route {
                Route::Complete => assert_eq!(value(&answer)["type"], 8),
                Route::Event => assert_eq!((answer, beside), (Answer::Nothing, None)),
                Route::Late => assert!(beside.unwrap().message.headline.contains("try again")),
                _ => assert!(value(&answer).to_string().contains("try again"), "{route:?}"),
            }
        }
    }
}
