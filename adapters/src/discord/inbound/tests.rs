//! Interactions as Discord sends them, and what an attacker would make of them.

use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::fixtures::{ID, TOKEN, command, complete, press, quote, submit, us, user, why};
use super::*;
use crate::chat::MessageRef;
use crate::discord::commands::QUOTE;
use crate::event::{Deed, Press, Quote};
use crate::workspace::Standing;

fn bytes(payload: &Value) -> Vec<u8> {
    serde_json::to_vec(payload).unwrap()
}

fn read(payload: &Value) -> Result<Inbound, Refusal> {
    interaction(&bytes(payload), &us())
}

fn event_of(read: Result<Inbound, Refusal>) -> (Event, Route) {
    match read {
        Ok(Inbound::Event(event, route)) => (*event, route),
        other => panic!("{other:?}"),
    }
}

fn acted(payload: &Value) -> (Event, Route) {
    event_of(read(payload))
}

fn told(kind: &str, data: &Value) -> Result<Inbound, Refusal> {
    dispatch(kind, 7, &bytes(data), &us())
}

fn run(line: &str) -> Press {
    Press::Run { line: line.into() }
}

#[test]
fn a_command_is_its_words_with_the_member_who_gave_it() {
    let payload = command(
        &["incident", "note"],
        &json!([
            { "name": "text", "type": 3, "value": "disk full" }, { "name": "number", "type": 4, "value": 7 },
        ]),
    );
    let over_gateway = event_of(told("INTERACTION_CREATE", &payload)).0;
    let (event, route) = acted(&payload);
    assert_eq!(event.id, over_gateway.id);
    assert_eq!(event.id, format!("discord:interaction:{ID}"));
    assert_eq!(event.place, Some(conversation("1000000000000000020")));
    assert_eq!(event.place_name.as_deref(), Some("incidents"));
    let words = ["incident", "note", "disk full", "7"].map(str::to_owned).into();
    assert_eq!((event.deed, route), (Deed::Chosen { words }, Route::Command));
    assert_eq!(event.actor.account, account("1000000000000000010"));
    let profile = event.actor.profile.unwrap();
    assert_eq!((profile.name.as_str(), profile.standing), ("Ana", Standing::Member));
    assert_eq!(profile.groups, ["1000000000000000030"]);
    assert_eq!(event.reply.token.unwrap().expose_secret(), format!("{ID}:{TOKEN}"));
    assert!(event.reply.trigger.is_none());
}

#[test]
fn the_member_decides_the_name_and_the_standing() {
    let profile = |pointer: &str, value: Value| {
        let mut payload = command(&["ping"], &json!([]));
        let member = payload["member"].as_object_mut().unwrap();
        if pointer == "bot" || pointer == "global_name" {
            member["user"][pointer] = value;
        } else {
            member[pointer] = value;
        }
        acted(&payload).0.actor.profile.unwrap()
    };
    assert_eq!(profile("nick", json!("Ana (on call)")).name, "Ana (on call)");
    assert_eq!(profile("global_name", json!(null)).name, "ana");
    assert_eq!(profile("pending", json!(true)).standing, Standing::Guest);
    assert_eq!(profile("bot", json!(true)).standing, Standing::Bot);
    assert_eq!(profile("roles", json!([])).groups, [""; 0]);
}

#[test]
fn in_a_direct_conversation_nothing_is_vouched_for() {
    let mut payload = press("r:run health");
    for key in ["guild_id", "guild", "member"] {
        payload.as_object_mut().unwrap().remove(key);
    }
    payload["user"] = user();
    let (event, _) = acted(&payload);
    assert_eq!(event.actor.account, account("1000000000000000010"));
    assert_eq!(event.actor.profile, None);
    // A user beside a server is not what Discord sends: the member decides there.
    payload["guild_id"] = json!(us().guild);
    assert!(matches!(read(&payload), Err(Refusal::Malformed("member"))));
}

#[test]
fn a_word_that_is_being_typed_is_completed() {
    let (event, route) = acted(&complete("db-"));
    let (words, typed) = (vec!["disk".to_owned()], "db-".to_owned());
    assert_eq!((event.deed, route), (Deed::Complete { words, typed }, Route::Complete));
}

#[test]
fn a_button_is_a_press_on_its_message_and_a_select_carries_its_choice() {
    let (event, route) = acted(&press("r:run health"));
    let conversation = conversation("1000000000000000020");
    let message = MessageRef { conversation, id: "1100000000000000002".into() };
    let deed = Deed::Press { action: run("run health"), message: Some(message) };
    assert_eq!((event.deed, route), (deed, Route::Press));
    let mut select = press("s:0");
    select["data"]["values"] = json!(["r:disk node-1"]);
    let (event, _) = acted(&select);
    assert!(matches!(event.deed, Deed::Press { action, .. } if action == run("disk node-1")));
}

#[test]
fn a_button_that_asks_first_does_nothing_yet() {
    match read(&press("c:run health")) {
        Ok(Inbound::Question(message)) => assert!(message.headline.contains("run health")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_only_the_person_sees_has_a_place_and_no_message() {
    let mut payload = press("r:run health");
    payload["message"]["flags"] = json!(64);
    let (event, _) = acted(&payload);
    assert_eq!(event.place.unwrap().id, "1000000000000000020");
    assert!(matches!(event.deed, Deed::Press { message: None, .. }));
}

#[test]
fn a_form_gives_its_fields_whatever_they_stand_in() {
    let text = |id: &str, value: Value| json!({ "type": 4, "custom_id": id, "value": value });
    let components = json!([
        { "type": 18, "component": text("reason", json!("disk full")) },
        { "type": 18, "component": { "type": 3, "custom_id": "target", "values": ["db-1"] } },
        { "type": 18, "component": { "type": 3, "custom_id": "none", "values": [] } },
        { "type": 1, "components": [text("old", json!("row"))] },
        { "type": 18, "component": text("note", json!("")) },
        { "type": 10, "id": 9 },
    ]);
    let (event, route) = acted(&submit("f:approve:7", &components));
    let Deed::Submit(submission) = event.deed else { panic!("{:?}", event.deed) };
    assert_eq!((submission.form.as_str(), submission.argument.as_str()), ("approve", "7"));
    let fields: Vec<_> = submission.fields.into_iter().collect();
    let expected = [("old", "row"), ("reason", "disk full"), ("target", "db-1")];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(route, Route::Form { on_message: false });
    let mut on_message = why("disk");
    on_message["message"] = press("")["message"].clone();
    assert_eq!(acted(&on_message).1, Route::Form { on_message: true });
    let twice = json!([text("why", json!("a")), text("why", json!("b"))]);
    assert!(matches!(read(&submit("f:approve:7", &twice)), Err(Refusal::Malformed(_))));
}

#[test]
fn a_message_can_be_quoted_with_its_author() {
    let (event, route) = acted(&quote(QUOTE));
    let conversation = conversation("1000000000000000020");
    let message = MessageRef { conversation, id: "1100000000000000002".into() };
    let author = Some(account("1000000000000000011"));
    let text = "disk *full* <@&1>".to_owned();
    assert_eq!((event.deed, route), (Deed::Quote(Quote { message, author, text }), Route::Command));
    for (key, value) in [("/author/bot", json!(true)), ("/webhook_id", json!("1"))] {
        let mut by_program = quote(QUOTE);
        let message = &mut by_program["data"]["resolved"]["messages"]["1100000000000000002"];
        match key {
            "/webhook_id" => message["webhook_id"] = value,
            _ => message["author"]["bot"] = value,
        }
        let Deed::Quote(quote) = acted(&by_program).0.deed else { panic!() };
        assert_eq!(quote.author, None, "{key}");
    }
    let mut elsewhere = quote(QUOTE);
    elsewhere["data"]["target_id"] = json!("1100000000000000003");
    assert!(matches!(read(&elsewhere), Err(Refusal::Malformed("resolved"))));
}

#[test]
fn what_nova_does_not_know_says_whom_to_tell() {
    let mut other = command(&["ping"], &json!([]));
    other["data"]["name"] = json!("other");
    let gone = command(&["shout"], &json!([]));
    for (payload, expected, said) in [
        (press("approve"), Route::Press, None),
        (press(""), Route::Press, None),
        (submit("x", &json!([])), Route::Form { on_message: false }, None),
        (quote("Delete everything"), Route::Command, None),
        (other, Route::Command, Some(WordsError::Unknown)),
        (gone, Route::Command, Some(WordsError::Unknown)),
    ] {
        match read(&payload) {
            Err(Refusal::UnknownAction { from, route, why }) => {
                assert_eq!(from.account, account("1000000000000000010"));
                assert_eq!((route, why), (expected, said));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_ping_needs_no_place_and_no_person() {
    let ping = json!({ "id": ID, "application_id": us().application, "type": 1, "token": TOKEN });
    assert!(matches!(read(&ping), Ok(Inbound::Ping)));
    let mut new = ping;
    new["type"] = json!(6);
    assert!(matches!(read(&new), Ok(Inbound::Ignored)));
}

#[test]
fn what_belongs_elsewhere_is_no_event() {
    for key in ["application_id", "guild_id"] {
        let mut payload = press("r:run health");
        payload[key] = json!("1000000000000000099");
        assert!(matches!(read(&payload), Err(Refusal::Elsewhere)), "{key}");
    }
}

#[test]
fn nova_notices_what_is_gone() {
    let thread = |archived: bool| {
        json!({ "id": "1000000000000000021", "guild_id": us().guild,
                "thread_metadata": { "archived": archived } })
    };
    let channel = json!({ "id": "1000000000000000021", "guild_id": us().guild, "type": 0 });
    for (kind, data) in [
        ("CHANNEL_DELETE", &channel),
        ("THREAD_DELETE", &channel),
        ("THREAD_UPDATE", &thread(true)),
    ] {
        let (event, route) = event_of(told(kind, data));
        assert_eq!(event.id, format!("discord:event:{kind}:1000000000000000021:7"));
        assert_eq!((event.deed, route), (Deed::Left, Route::Event));
        assert_eq!(event.place, Some(conversation("1000000000000000021")));
        assert_eq!(event.actor.account, account(&us().application));
    }
    let (event, _) = event_of(told("GUILD_DELETE", &json!({ "id": us().guild })));
    assert_eq!((event.deed, event.place), (Deed::Left, None));
    let mut elsewhere = channel.clone();
    elsewhere["guild_id"] = json!("1000000000000000099");
    for (kind, data) in [
        ("THREAD_UPDATE", &thread(false)),
        ("GUILD_DELETE", &json!({ "id": us().guild, "unavailable": true })),
        ("CHANNEL_DELETE", &elsewhere),
        ("CHANNEL_UPDATE", &channel),
        ("READY", &json!({ "v": 10 })),
        ("NEW", &json!(null)),
    ] {
        assert!(matches!(told(kind, data), Ok(Inbound::Ignored)), "{kind}");
    }
}

#[test]
fn ids_that_are_none_are_refused() {
    let bad = ["", "C0001", "-1", "1.5", "1 ", "1/2", "１", "<@1>"];
    for id in bad.into_iter().chain([&*"1".repeat(21)]) {
        for pointer in [
            "/id",
            "/application_id",
            "/guild_id",
            "/channel_id",
            "/member/user/id",
            "/message/id",
            "/member/roles/0",
        ] {
            let mut payload = press("r:run health");
            *payload.pointer_mut(pointer).unwrap() = json!(id);
            assert!(matches!(read(&payload), Err(Refusal::Malformed(_))), "{pointer}={id:?}");
        }
    }
    for token in ["", "a b", "a/b", "a\r\nb", "a:b", &"x".repeat(1_001)] {
        let mut payload = press("r:run health");
        payload["token"] = json!(token);
        assert!(matches!(read(&payload), Err(Refusal::Malformed("token"))), "{token:.20}");
        assert!(address(&bytes(&payload)).is_none());
    }
}

#[test]
fn an_answer_has_an_address_whatever_else_is_wrong() {
    let mut payload = press("r:run health");
    payload["data"] = json!(7);
    let address = address(&bytes(&payload)).unwrap();
    assert_eq!((address.id.as_str(), address.token.expose_secret()), (ID, TOKEN));
    assert!(!format!("{address:?}").contains(TOKEN));
}

#[test]
fn texts_are_bounded_and_nul_is_only_a_character() {
    assert!(matches!(read(&why(&"x".repeat(MAX_TEXT + 1))), Err(Refusal::Malformed(_))));
    let Deed::Submit(submission) = acted(&why("a\0b")).0.deed else { panic!() };
    assert_eq!(submission.fields["why"], "a\0b");
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let text = String::from_utf8(bytes(&press("r:run health"))).unwrap();
    let twice = text.replacen('{', r#"{"guild_id":"1000000000000000099","#, 1);
    assert!(matches!(interaction(twice.as_bytes(), &us()), Err(Refusal::Malformed(_))));
}

/// Every prefix, every wrong type, and nesting that would exhaust the stack: a line, never a panic.
#[test]
fn what_is_broken_is_refused_with_a_line() {
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let nested = "{\"type\":2,\"name\":\"a\",\"options\":[".repeat(100_000);
    for payload in [
        command(&["ping"], &json!([])),
        press("r:run health"),
        why("disk"),
        complete("db-"),
        quote(QUOTE),
    ] {
        let whole = bytes(&payload);
        let step = (whole.len() / 500).max(1);
        for end in (0..whole.len()).step_by(step) {
            let read = interaction(&whole[..end], &us());
            assert!(matches!(read, Err(Refusal::Malformed(_))), "{end}");
        }
        for key in payload.as_object().unwrap().keys() {
            for wrong in [json!(7), json!([[]]), json!({ "a": {} }), json!(""), json!(null)] {
                let mut payload = payload.clone();
                payload[key] = wrong;
                if let Err(refusal) = read(&payload) {
                    assert!(!refusal.to_string().contains('\n'), "{key}: {refusal}");
                }
            }
        }
    }
    let empty = ["", "null", "[]", "7", "\"x\"", "\0", "{\"type\":7}", "\u{feff}{}", "{}{}"];
    for text in empty.into_iter().chain([&*deep("[", "]"), &*deep("{\"data\":", "}"), &*nested]) {
        assert!(interaction(text.as_bytes(), &us()).is_err(), "{text:.40}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..400)) {
        for kind in ["INTERACTION_CREATE", "THREAD_UPDATE"] {
            if let Err(refusal) = dispatch(kind, 1, &body, &us()) {
                prop_assert!(!refusal.to_string().contains('\n'));
            }
        }
    }

    #[test]
    fn any_text_comes_through_a_form_as_it_is(text in any::<String>()) {
        let Deed::Submit(submission) = acted(&why(&text)).0.deed else { panic!() };
        prop_assert_eq!(submission.fields.get("why"), Some(&text).filter(|text| !text.is_empty()));
    }
}
