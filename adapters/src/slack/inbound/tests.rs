//! Slack's published payloads, filled in, and what an attacker would make of them.

use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::fixtures::{
    TRIGGER, TS, click, form, home, published, sample, shortcut, slash, submission, told, us,
};
use super::*;
use crate::chat::MessageRef;
use crate::event::{Deed, Press, Quote};

fn bytes(payload: &Value) -> Vec<u8> {
    serde_json::to_vec(payload).unwrap()
}

fn event_of(read: Result<Inbound, Refusal>) -> (Event, Route) {
    match read {
        Ok(Inbound::Event(event, route)) => (*event, route),
        other => panic!("{other:?}"),
    }
}

fn acted(payload: &Value) -> (Event, Route) {
    event_of(interaction(&bytes(payload), &us()))
}

fn happened(payload: &Value) -> (Event, Route) {
    event_of(event(&bytes(payload), &us()))
}

fn ignored(read: &Result<Inbound, Refusal>) -> bool {
    matches!(read, Ok(Inbound::Ignored))
}

fn run(line: &str) -> Press {
    Press::Run { line: line.into() }
}

#[test]
fn a_command_is_the_same_event_over_both_transports() {
    let payload = slash("run health \u{201c}all\u{201d}");
    let (over_http, route) = event_of(command(form(&payload).as_bytes(), &us()));
    let (over_socket, _) = event_of(command_json(&bytes(&payload), &us()));
    for event in [over_http, over_socket] {
        assert_eq!(event.id, format!("slack:cmd:{TRIGGER}"));
        assert_eq!(event.actor, Actor { account: account("U0ANA"), foreign: false, profile: None });
        assert_eq!(event.place, Some(conversation("C0001", None)));
        assert_eq!(event.place_name.as_deref(), Some("incidents"));
        assert_eq!(event.deed, Deed::Command { line: "run health \u{201c}all\u{201d}".into() });
        assert_eq!(event.reply.trigger.unwrap().expose_secret(), TRIGGER);
        let url = event.reply.token.unwrap();
        assert_eq!(url.expose_secret(), "https://hooks.slack.com/commands/T0001/1/x");
    }
    assert_eq!(route, Route::Command);
}

#[test]
fn a_channel_without_a_name_has_none() {
    let mut payload = slash("");
    payload["channel_name"] = json!("directmessage");
    let (event, _) = event_of(command_json(&bytes(&payload), &us()));
    assert_eq!((event.place_name, event.deed), (None, Deed::Command { line: String::new() }));
}

#[test]
fn a_check_of_the_certificate_is_no_command() {
    assert!(ignored(&command(b"ssl_check=1&token=x", &us())));
    assert!(ignored(&interaction_form(b"ssl_check=1", &us())));
}

#[test]
fn a_button_is_a_press_on_its_message() {
    let (event, route) = acted(&click("run:0", "run health"));
    assert_eq!(event.id, format!("slack:act:{TRIGGER}:run:0"));
    assert_eq!(event.place, Some(conversation("C0001", None)));
    let message = MessageRef { conversation: conversation("C0001", None), id: TS.into() };
    assert_eq!(event.deed, Deed::Press { action: run("run health"), message: Some(message) });
    assert_eq!(route, Route::Click);
}

#[test]
fn a_select_carries_its_choice_and_the_first_known_action_counts() {
    let mut payload = click("other", "");
    let chosen = json!({ "action_id": "run:4", "selected_option": { "value": "disk node-1" } });
    payload["actions"].as_array_mut().unwrap().push(chosen);
    let (event, _) = acted(&payload);
    assert!(event.id.ends_with(":run:4"), "{}", event.id);
    assert!(matches!(event.deed, Deed::Press { action, .. } if action == run("disk node-1")));
}

#[test]
fn a_message_in_a_thread_stands_there_and_its_root_in_the_channel() {
    for (thread, place) in [("1690000000.000200", "C0001/1690000000.000200"), (TS, "C0001")] {
        let mut payload = click("run:0", "run health");
        payload["container"]["thread_ts"] = json!(thread);
        let (event, _) = acted(&payload);
        assert_eq!(event.place.unwrap().id, place);
        let Deed::Press { message: Some(message), .. } = event.deed else { panic!() };
        assert_eq!((message.conversation.id.as_str(), message.id.as_str()), (place, TS));
    }
}

#[test]
fn what_only_the_person_sees_has_a_place_and_no_message() {
    let mut payload = click("run:0", "run health");
    payload["container"]["is_ephemeral"] = json!(true);
    payload.as_object_mut().unwrap().remove("message");
    let (event, _) = acted(&payload);
    assert_eq!(event.place.unwrap().id, "C0001");
    assert!(matches!(event.deed, Deed::Press { message: None, .. }));
}

#[test]
fn a_button_of_the_home_page_has_no_place() {
    let mut payload = click("open:1", "approve\nrequest 7");
    payload["container"] = json!({ "type": "view", "view_id": "V0001" });
    for key in ["channel", "message", "response_url"] {
        payload.as_object_mut().unwrap().remove(key);
    }
    let (event, _) = acted(&payload);
    assert_eq!((event.place, event.reply.token.is_none()), (None, true));
    let form = Press::Open { form: "approve".into(), argument: "request 7".into() };
    assert_eq!(event.deed, Deed::Press { action: form, message: None });
}

#[test]
fn an_unknown_action_says_whom_to_tell_and_a_link_is_nothing() {
    for (id, value) in [("approve", "7"), ("run:x", "run health"), ("", "x")] {
        match interaction(&bytes(&click(id, value)), &us()) {
            Err(Refusal::UnknownAction(origin)) => assert_eq!(origin.account, account("U0ANA")),
            other => panic!("{other:?}"),
        }
    }
    assert!(ignored(&interaction(&bytes(&click("link:3", "")), &us())));
}

#[test]
fn a_form_gives_its_fields() {
    let (event, route) = acted(&submission(&json!({
        "reason": { "reason": { "type": "plain_text_input", "value": "disk full" } },
        "target": { "x": { "type": "static_select", "selected_option": { "value": "db-1" } } },
        "note": { "note": { "type": "plain_text_input", "value": null } },
    })));
    let Deed::Submit(submission) = event.deed else { panic!("{:?}", event.deed) };
    assert_eq!((submission.form.as_str(), submission.argument.as_str()), ("approve", "request 7"));
    let fields: Vec<_> = submission.fields.into_iter().collect();
    let expected = [("reason", "disk full"), ("target", "db-1")];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(event.place, None);
    assert_eq!(route, Route::Form { first: Some("note".into()) });
}

#[test]
fn a_form_that_is_sent_twice_is_one_deed_and_a_corrected_one_another() {
    let filled = |text: &str, trigger: &str| {
        let mut payload = submission(&json!({ "why": { "why": { "value": text } } }));
        payload["trigger_id"] = json!(trigger);
        acted(&payload).0.id
    };
    let id = filled("disk", "1.2.a");
    assert!(id.starts_with("slack:view:V0001:156772938.1827394:"), "{id}");
    assert_eq!(filled("disk", "1.2.b"), id);
    assert_ne!(filled("disk full", "1.2.b"), id);
}

#[test]
fn a_message_can_be_quoted_with_its_author() {
    let (event, route) = acted(&shortcut("add_to_incident"));
    assert_eq!(event.id, format!("slack:msg:{TRIGGER}"));
    let message = MessageRef { conversation: conversation("C0001", None), id: TS.into() };
    let text = "disk full &amp; <!channel>".to_owned();
    let quote = Quote { message, author: Some(account("U0BO")), text };
    assert_eq!((event.deed, route), (Deed::Quote(quote), Route::Click));
    let mut by_program = shortcut("add_to_incident");
    by_program["message"]["bot_id"] = json!("B0001");
    let Deed::Quote(quote) = acted(&by_program).0.deed else { panic!() };
    assert_eq!(quote.author, None);
    let other = interaction(&bytes(&shortcut("delete_everything")), &us());
    assert!(matches!(other, Err(Refusal::UnknownAction(_))), "{other:?}");
}

#[test]
fn what_nova_does_not_offer_is_ignored() {
    for text in [published!("AttachmentAction"), published!("ViewClosed")] {
        assert!(ignored(&interaction(text.as_bytes(), &us())));
    }
    for text in [
        published!("ChannelCreated"),
        published!("ChannelRename"),
        published!("MemberJoinedChannel"),
        published!("UserChange"),
        published!("Message"),
        published!("Goodbye"),
    ] {
        assert!(ignored(&event(&bytes(&told(text, &[])), &us())), "{text:.80}");
    }
    let limited = sample(published!("AppRateLimited"), &[("/type", json!("app_rate_limited"))]);
    assert!(ignored(&event(&bytes(&limited), &us())));
}

#[test]
fn the_home_page_is_opened_by_a_person() {
    let (event_, route) = happened(&home());
    assert_eq!(event_.id, "slack:event:Ev08MFMKH6");
    assert_eq!(event_.actor, Actor { account: account("U0ANA"), foreign: false, profile: None });
    assert_eq!((event_.deed, event_.place, route), (Deed::Home, None, Route::Event));
    let mut other_tab = home();
    other_tab["event"]["tab"] = json!("messages");
    assert!(ignored(&event(&bytes(&other_tab), &us())));
}

#[test]
fn nova_notices_where_it_was_removed() {
    let left = |user: &str| {
        let values = [("/event/user", json!(user)), ("/event/channel", json!("C0001"))];
        told(published!("MemberLeftChannel"), &values)
    };
    assert!(ignored(&event(&bytes(&left("U0ANA")), &us())));
    let mut gone = vec![left("U0BOT")];
    let kinds =
        ["channel_archive", "group_archive", "channel_deleted", "channel_left", "group_left"];
    for kind in kinds {
        let values = [("/event/type", json!(kind)), ("/event/channel", json!("C0001"))];
        gone.push(told(published!("ChannelArchive"), &values));
    }
    for payload in gone {
        let (event, _) = happened(&payload);
        assert_eq!((event.deed, event.place.unwrap().id.as_str()), (Deed::Left, "C0001"));
        assert_eq!(event.actor.account, account("U0BOT"));
    }
}

#[test]
fn a_revoked_token_counts_when_it_is_novas() {
    for (bot, counts) in [("U0BOT", true), ("U0OTHER", false)] {
        let values = [("/event/tokens/bot", json!([bot]))];
        let read = event(&bytes(&told(published!("TokensRevoked"), &values)), &us());
        assert_eq!(!ignored(&read), counts, "{bot}");
        if counts {
            assert_eq!(event_of(read).0.deed, Deed::Revoked);
        }
    }
    assert_eq!(happened(&told(published!("AppUninstalled"), &[])).0.deed, Deed::Revoked);
}

#[test]
fn a_challenge_goes_back_if_it_can_be_one() {
    let ask =
        |text: &str| event(&bytes(&json!({"type":"url_verification","challenge":text})), &us());
    assert!(matches!(ask("3eZbrw1a"), Ok(Inbound::Challenge(text)) if text == "3eZbrw1a"));
    for text in ["", "<script>a b</script>", "a\r\nb", &"x".repeat(2_000)] {
        assert!(matches!(ask(text), Err(Refusal::Malformed(_))), "{text:.20}");
    }
}

#[test]
fn people_of_other_organisations_are_foreign() {
    for (team, foreign) in [("T0001", false), ("", false), ("T0002", true), ("E0002", true)] {
        let mut payload = click("run:0", "run health");
        payload["user"]["team_id"] = json!(team);
        assert_eq!(acted(&payload).0.actor.foreign, foreign, "{team}");
    }
    let grid = Identity { enterprise: Some("E0001".into()), ..us() };
    for (team, foreign) in [("T0001", false), ("T0002", false), ("E0001", false), ("E0002", true)] {
        let mut payload = click("run:0", "run health");
        payload["user"]["team_id"] = json!(team);
        let read = interaction(&bytes(&payload), &grid);
        assert_eq!(event_of(read).0.actor.foreign, foreign, "{team} in an organisation");
    }
    let mut shared = home();
    shared["team_id"] = json!("T0002");
    shared["is_ext_shared_channel"] = json!(true);
    shared["event"]["user_team"] = json!("T0002");
    assert!(happened(&shared).0.actor.foreign);
}

#[test]
fn what_belongs_elsewhere_is_no_event() {
    for (key, value) in [("team_id", "T0002"), ("api_app_id", "A0002"), ("team_id", "")] {
        let mut payload = slash("run health");
        payload[key] = json!(value);
        let read = command(form(&payload).as_bytes(), &us());
        assert!(matches!(read, Err(Refusal::Elsewhere)), "{key}={value}: {read:?}");
    }
    let mut payload = click("run:0", "run health");
    payload["team"]["id"] = json!("T0002");
    assert!(matches!(interaction(&bytes(&payload), &us()), Err(Refusal::Elsewhere)));
    let mut payload = home();
    payload["authorizations"][0]["team_id"] = json!("T0002");
    assert!(matches!(event(&bytes(&payload), &us()), Err(Refusal::Elsewhere)));
}

#[test]
fn an_app_of_a_whole_organisation_is_addressed_by_it() {
    let us = Identity { enterprise: Some("E0001".into()), ..us() };
    let mut payload = click("run:0", "run health");
    payload["team"] = json!(null);
    payload["user"]["team_id"] = json!("E0001");
    payload["enterprise"]["id"] = json!("E0001");
    assert!(!event_of(interaction(&bytes(&payload), &us)).0.actor.foreign);
    payload["enterprise"]["id"] = json!("E0002");
    assert!(matches!(interaction(&bytes(&payload), &us), Err(Refusal::Elsewhere)));
}

#[test]
fn ids_that_are_none_are_refused() {
    let bad = ["", "c0001", "C0001/1", "C 1", "C\0\u{31}", "C", "C0001<!channel>", "Ｃ０００１"];
    for id in bad.into_iter().chain([&*"C".repeat(31)]) {
        for key in ["channel_id", "user_id", "trigger_id"] {
            // A trigger may be longer and has lower case.
            if key == "trigger_id" && (id.len() == 31 || matches!(id, "c0001" | "C")) {
                continue;
            }
            let mut payload = slash("run health");
            payload[key] = json!(id);
            let read = command(form(&payload).as_bytes(), &us());
            assert!(matches!(read, Err(Refusal::Malformed(_))), "{key}={id:?}: {read:?}");
        }
    }
    for ts in ["1700000000", "1700000000.1", ".000100", "17e9.000100", "1.0000000", "-1.000100"] {
        let mut payload = click("run:0", "run health");
        payload["container"]["message_ts"] = json!(ts);
        let read = interaction(&bytes(&payload), &us());
        assert!(matches!(read, Err(Refusal::Malformed(_))), "{ts}: {read:?}");
    }
    let mut payload = slash("run health");
    payload["response_url"] = json!("https://hooks.slack.com/a\r\nb");
    assert!(command(form(&payload).as_bytes(), &us()).is_err());
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let twice = format!("{}&user_id=U0EVE", form(&slash("run health")));
    assert!(matches!(command(twice.as_bytes(), &us()), Err(Refusal::Malformed(_))));
    assert!(interaction_form(b"payload={}&payload={}", &us()).is_err());
    let json = String::from_utf8(bytes(&click("run:0", "run health"))).unwrap();
    let twice = json.replacen('{', r#"{"user":{"id":"U0EVE"},"#, 1);
    assert!(matches!(interaction(twice.as_bytes(), &us()), Err(Refusal::Malformed(_))));
}

#[test]
fn texts_are_bounded_and_nul_is_only_a_character() {
    let long = "x".repeat(MAX_TEXT + 1);
    let mut payload = submission(&json!({ "why": { "why": { "value": long } } }));
    assert!(matches!(interaction(&bytes(&payload), &us()), Err(Refusal::Malformed(_))));
    payload["view"]["state"] = json!({ "values": { "why": { "why": { "value": "a\0b" } } } });
    let Deed::Submit(submission) = acted(&payload).0.deed else { panic!() };
    assert_eq!(submission.fields["why"], "a\0b");
}

/// Every prefix, every wrong type, and nesting that would exhaust the stack: a line, never a panic.
#[test]
fn what_is_broken_is_refused_with_a_line() {
    type Read = fn(&[u8], &Identity) -> Result<Inbound, Refusal>;
    let readers: [(Value, Read); 4] = [
        (slash("run health"), command_json),
        (submission(&json!({})), interaction),
        (shortcut("add_to_incident"), interaction),
        (home(), event),
    ];
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    for (payload, read) in readers {
        let whole = bytes(&payload);
        assert!(matches!(read(&whole, &us()), Ok(Inbound::Event(..))));
        let step = (whole.len() / 500).max(1);
        for end in (0..whole.len()).step_by(step) {
            assert!(matches!(read(&whole[..end], &us()), Err(Refusal::Malformed(_))), "{end}");
        }
        for key in payload.as_object().unwrap().keys() {
            for wrong in [json!(7), json!([[]]), json!({ "a": {} }), json!(""), json!(null)] {
                let mut payload = payload.clone();
                payload[key] = wrong;
                if let Err(refusal) = read(&bytes(&payload), &us()) {
                    assert!(!refusal.to_string().contains('\n'), "{key}: {refusal}");
                }
            }
        }
        for text in ["", "null", "[]", "7", "\"x\"", "\0", "{\"type\":7}", "\u{feff}{}", "{}{}"] {
            assert!(read(text.as_bytes(), &us()).is_err(), "{text}");
        }
        for text in [deep("[", "]"), deep("{\"type\":", "}"), deep("{\"event\":", "}")] {
            assert!(read(text.as_bytes(), &us()).is_err());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..400)) {
        for read in [command, command_json, interaction, interaction_form, event] {
            if let Err(refusal) = read(&body, &us()) {
                prop_assert!(!refusal.to_string().contains('\n'));
            }
        }
    }

    #[test]
    fn any_line_comes_through_a_form_as_it_is(line in any::<String>()) {
        let (event, _) = event_of(command(form(&slash(&line)).as_bytes(), &us()));
        prop_assert_eq!(event.deed, Deed::Command { line });
    }
}
