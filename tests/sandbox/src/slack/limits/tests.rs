//! One case at and one beyond each limit.

use serde_json::{Value, json};

use super::*;

fn text(kind: &str, length: usize) -> Value {
    json!({ "type": kind, "text": "x".repeat(length) })
}

fn button(label: usize) -> Value {
    json!({ "type": "button", "text": text("plain_text", label) })
}

/// The error of a message with these blocks, "" for none.
fn refused(blocks: &Value) -> String {
    content(&json!({ "text": "fallback", "blocks": blocks }))
        .map_or_else(|r| r.error, |_| String::new())
}

/// Asserts that the first is taken and the second refused.
fn border(good: &Value, bad: &Value) {
    assert_eq!(refused(&json!([good])), "", "{good}");
    assert_eq!(refused(&json!([bad])), "invalid_blocks", "{bad}");
}

fn actions(elements: impl Into<Value>) -> Value {
    let elements: Value = elements.into();
    json!({ "type": "actions", "elements": elements })
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    object[key] = value;
    object
}

#[test]
fn texts_have_their_lengths() {
    let section = |length| json!({ "type": "section", "text": text("mrkdwn", length) });
    border(&section(3000), &section(3001));
    border(&section(1), &section(0));
    let header = |length| json!({ "type": "header", "text": text("plain_text", length) });
    border(&header(150), &header(151));
    border(&header(1), &json!({ "type": "header", "text": text("mrkdwn", 1) }));
    let fields =
        |count, length| json!({ "type": "section", "fields": vec![text("mrkdwn", length); count] });
    border(&fields(10, 9), &fields(11, 9));
    border(&fields(1, 2000), &fields(1, 2001));
    let context = |count| json!({ "type": "context", "elements": vec![text("mrkdwn", 3); count] });
    border(&context(10), &context(11));
}

#[test]
fn characters_are_counted_and_not_bytes() {
    let header = |length| json!({ "type": "header", "text": { "type": "plain_text", "text": "é".repeat(length) } });
    border(&header(150), &header(151));
}

#[test]
fn buttons_and_selects_have_their_limits() {
    border(&actions(vec![button(75)]), &actions(vec![button(76)]));
    border(&actions(vec![button(1); 25]), &actions(vec![button(1); 26]));
    let valued = |length: usize| actions(vec![with(button(1), "value", json!("v".repeat(length)))]);
    border(&valued(2000), &valued(2001));
    let linked = |length: usize| {
        let url = format!("https://{}", "u".repeat(length - 8));
        actions(vec![with(button(1), "url", json!(url))])
    };
    border(&linked(3000), &linked(3001));
    let named = |id: &str| with(button(1), "action_id", json!(id));
    border(&actions(vec![named("a"), named("b")]), &actions(vec![named("a"), named("a")]));
    border(&actions(vec![named(&"a".repeat(255))]), &actions(vec![named(&"a".repeat(256))]));
    let option =
        |n: usize, length| json!({ "text": text("plain_text", length), "value": n.to_string() });
    let select = |count, length| {
        let options: Vec<Value> = (0..count).map(|n| option(n, length)).collect();
        actions(vec![json!({ "type": "static_select", "options": options })])
    };
    border(&select(100, 1), &select(101, 1));
    border(&select(1, 75), &select(1, 76));
    border(&select(1, 1), &select(0, 1));
}

#[test]
fn confirmations_have_their_limits() {
    let confirm = |title, body, label| {
        let dialog = json!({
            "title": text("plain_text", title), "text": text("mrkdwn", body),
            "confirm": text("plain_text", label), "deny": text("plain_text", label),
        });
        actions(vec![with(button(1), "confirm", dialog)])
    };
    let good = confirm(100, 300, 30);
    border(&good, &confirm(101, 300, 30));
    border(&good, &confirm(100, 301, 30));
    border(&good, &confirm(100, 300, 31));
}

#[test]
fn pictures_need_their_text_and_address() {
    let image = json!({ "type": "image", "image_url": "https://e.com/a.png", "alt_text": "graph" });
    let without = |key: &str| {
        let mut image = image.clone();
        image.as_object_mut().unwrap().remove(key);
        image
    };
    border(&image, &without("alt_text"));
    border(&image, &without("image_url"));
    border(&image, &with(image.clone(), "image_url", json!("javascript:alert(1)")));
}

#[test]
fn a_message_is_bounded_as_a_whole() {
    let blocks = |count: usize| json!(vec![json!({ "type": "divider" }); count]);
    assert_eq!(refused(&blocks(50)), "");
    assert_eq!(refused(&blocks(51)), "invalid_blocks");
    let long = json!(vec![json!({ "type": "section", "text": text("mrkdwn", 2900) }); 5]);
    assert_eq!(refused(&long), "msg_blocks_too_long");
    let twice =
        json!([{ "type": "divider", "block_id": "a" }, { "type": "divider", "block_id": "a" }]);
    assert_eq!(refused(&twice), "invalid_blocks");
    assert_eq!(refused(&json!("not decoded")), "invalid_blocks_format");
    assert_eq!(refused(&json!([{ "type": "divder" }])), "invalid_blocks");
    assert_eq!(refused(&json!([{ "type": "divider", "txet": 1 }])), "invalid_blocks");
    let error = |fields: Value| content(&fields).unwrap_err().error;
    assert_eq!(error(json!({})), "no_text");
    assert_eq!(error(json!({ "text": "x".repeat(40_001) })), "msg_too_long");
    assert!(content(&json!({ "text": "x".repeat(40_000) })).is_ok());
}

#[test]
fn problems_name_their_place() {
    let blocks =
        json!([{ "type": "divider" }, { "type": "section", "text": text("mrkdwn", 3001) }]);
    let refusal = content(&json!({ "blocks": blocks })).unwrap_err();
    assert_eq!(
        refusal.body()["response_metadata"]["messages"][0],
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
    );
}

#[test]
fn metadata_is_flat_and_small() {
    let of = |metadata: Value| super::metadata(&json!({ "metadata": metadata }));
    let good = json!({ "event_type": "note", "event_payload": { "key": "1", "list": [1, 2] } });
    assert_eq!(of(good.clone()).unwrap(), Some(good));
    let error = |value: Value| of(value).unwrap_err().error;
    for bad in [
        json!("text"),
        json!({ "event_type": "note" }),
        json!({ "event_type": "", "event_payload": {} }),
        json!({ "event_type": "note", "event_payload": { "deep": { "a": 1 } } }),
    ] {
        assert_eq!(error(bad), "invalid_metadata_format");
    }
    let big = json!({ "event_type": "note", "event_payload": { "key": "x".repeat(9000) } });
    assert_eq!(error(big), "metadata_too_large");
}

#[test]
fn views_have_their_limits() {
    let modal = |title, blocks: usize| {
        json!({
            "type": "modal", "title": text("plain_text", title),
            "blocks": vec![json!({ "type": "divider" }); blocks],
        })
    };
    let error =
        |given: &Value, surface| view(given, surface).map_or_else(|r| r.error, |()| String::new());
    assert_eq!(error(&modal(24, 100), Surface::Modal), "");
    assert_eq!(error(&modal(25, 1), Surface::Modal), "invalid_arguments");
    assert_eq!(error(&modal(24, 101), Surface::Modal), "invalid_arguments");
    assert_eq!(error(&modal(24, 1), Surface::Home), "invalid_arguments");
    let private = |length: usize| with(modal(9, 1), "private_metadata", json!("p".repeat(length)));
    assert_eq!(error(&private(3000), Surface::Modal), "");
    assert_eq!(error(&private(3001), Surface::Modal), "invalid_arguments");
    let input = json!({
        "type": "input", "label": text("plain_text", 5), "element": { "type": "plain_text_input" },
    });
    let form = with(modal(9, 1), "blocks", json!([input]));
    assert_eq!(error(&form, Surface::Modal), "invalid_arguments", "it has no submit button");
    let form = with(form, "submit", text("plain_text", 24));
    assert_eq!(error(&form, Surface::Modal), "");
    let home = json!({ "type": "home", "blocks": [{ "type": "divider" }] });
    assert_eq!(error(&home, Surface::Home), "");
}
