//! The judge of the conversations, judged: it lets sound requests pass and complains of each of these
//! broken ones. A judge that accepts everything fails here.

use serde_json::{Value, json};

use crate::support::python::{run, scenarios, script};

/// A method, its arguments and the one complaint that they deserve.
type Case = (&'static str, Value, &'static str);

fn text(words: &str) -> Value {
    json!({ "type": "plain_text", "text": words })
}

fn button(id: &str) -> Value {
    json!({ "type": "button", "action_id": id, "text": text("Go") })
}

/// A message with these blocks.
fn message(blocks: &Value) -> Value {
    json!({ "channel": "C0INCIDENT", "text": "a", "blocks": blocks })
}

/// A row of actions with these elements.
fn actions(elements: &Value) -> Value {
    message(&json!([{ "type": "actions", "elements": elements }]))
}

/// The object with `key` changed, or added.
fn with(mut object: Value, key: &str, value: Value) -> Value {
    object[key] = value;
    object
}

fn without(mut object: Value, key: &str) -> Value {
    object.as_object_mut().expect("it is an object").remove(key);
    object
}

fn input() -> Value {
    json!({ "type": "input", "block_id": "name", "label": text("Name"),
        "element": { "type": "plain_text_input", "action_id": "typed" } })
}

fn modal() -> Value {
    json!({ "type": "modal", "callback_id": "ask", "title": text("Ask"), "submit": text("Send"),
        "blocks": [input()] })
}

fn opened(view: &Value) -> Value {
    json!({ "trigger_id": "1.2.a", "view": view })
}

fn sound() -> Vec<(&'static str, Value)> {
    let section =
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(3000) } });
    let header = json!({ "type": "header", "text": text(&"x".repeat(150)) });
    let post = message(&json!([header, section, { "type": "divider" }]));
    let many: Value = (0..25).map(|at| button(&at.to_string())).collect();
    let errors = json!({ "response_action": "errors", "errors": { "name": "no" } });
    let whisper = json!({ "text": "a", "response_type": "ephemeral", "replace_original": false });
    vec![
        ("chat.postMessage", post),
        ("chat.postMessage", actions(&many)),
        ("chat.update", with(message(&json!([])), "ts", json!("1.2"))),
        ("conversations.history", json!({ "channel": "C0INCIDENT", "limit": "2" })),
        ("apps.connections.open", json!({})),
        ("views.open", opened(&with(modal(), "title", text(&"x".repeat(24))))),
        ("answer", errors),
        ("response_url", whisper),
    ]
}

fn broken_arguments() -> Vec<Case> {
    let post = message(&json!([{ "type": "divider" }]));
    let private = json!({ "name": "a", "is_private": "perhaps" });
    vec![
        ("chat.shout", post.clone(), "no such method"),
        ("chat.postMessage", with(post.clone(), "colour", json!("red")), "unknown argument colour"),
        ("chat.postMessage", without(post.clone(), "channel"), "channel is missing"),
        ("chat.update", post.clone(), "ts is missing"),
        ("pins.add", json!({ "timestamp": "1.2" }), "channel is missing"),
        ("files.getUploadURLExternal", json!({ "filename": "a" }), "length is missing"),
        ("conversations.history", without(post, "blocks"), "unknown argument text"),
        (
            "conversations.history",
            json!({ "channel": "C0INCIDENT", "limit": "many" }),
            "limit is no integer: 'many'",
        ),
        ("conversations.create", private, "is_private is no boolean: 'perhaps'"),
        ("answer", json!({ "text": "a", "colour": "red" }), "unknown key colour"),
        ("answer", json!({ "response_action": "errors", "errors": {} }), "errors are missing"),
        ("answer", json!({ "response_action": "explode" }), "unknown response_action explode"),
        ("response_url", json!({ "text": "a", "channel": "C0OPS00001" }), "unknown key channel"),
    ]
}

fn broken_blocks() -> Vec<Case> {
    let post = |block: Value| ("chat.postMessage", message(&json!([block])));
    let case =
        |(method, arguments): (&'static str, Value), complaint| (method, arguments, complaint);
    let section =
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(3001) } });
    let fields = vec![json!({ "type": "mrkdwn", "text": "a" }); 11];
    let many: Value = (0..26).map(|at| button(&at.to_string())).collect();
    let row = |elements: Value| ("chat.postMessage", actions(&elements));
    let option = |at: u32| json!({ "text": text("o"), "value": at.to_string() });
    let options: Value = (0..101).map(option).collect();
    let menu = json!({ "type": "static_select", "action_id": "a", "placeholder": text("?"),
        "options": options });
    let go = button("go");
    vec![
        ("chat.postMessage", message(&json!({ "type": "divider" })), "blocks is not a list"),
        case(
            post(json!({ "type": "divider", "colour": "red" })),
            "divider: unknown keys ['colour']",
        ),
        case(
            post(json!({ "type": "divider", "block_id": "x".repeat(256) })),
            "DividerBlock: block_id cannot exceed 255 characters",
        ),
        case(
            post(json!({ "type": "header", "text": text(&"x".repeat(151)) })),
            "HeaderBlock: text attribute cannot exceed 150 characters",
        ),
        case(
            post(json!({ "type": "marquee" })),
            "a block of a type that slack_sdk does not know: marquee",
        ),
        case(
            post(json!({ "type": "image", "image_url": "https://example.com/a.png" })),
            "ImageBlock.__init__() missing 1 required keyword-only argument: 'alt_text'",
        ),
        case(
            post(json!({ "type": "section", "fields": [text(&"x".repeat(2001))] })),
            "a field of a section cannot exceed 2000 characters",
        ),
        case(
            ("chat.postMessage", message(&json!(vec![json!({ "type": "divider" }); 51]))),
            "a message cannot exceed 50 blocks",
        ),
        case(
            (
                "chat.postMessage",
                message(&json!(vec![json!({ "type": "divider", "block_id": "a" }); 2])),
            ),
            "a block_id stands twice",
        ),
        case(
            row(json!([with(go.clone(), "colour", json!("red"))])),
            "button: unknown keys ['colour']",
        ),
        case(post(section), "SectionBlock: text attribute cannot exceed 3000 characters"),
        case(
            post(json!({ "type": "section" })),
            "SectionBlock: text or fields attribute must be specified",
        ),
        case(
            post(json!({ "type": "section", "fields": fields })),
            "SectionBlock: fields attribute cannot exceed 10 items",
        ),
        case(
            post(json!({ "type": "context", "elements": fields })),
            "ContextBlock: elements attribute cannot exceed 10 elements",
        ),
        case(row(many), "ActionsBlock: elements attribute cannot exceed 25 elements"),
        case(
            row(json!([with(go.clone(), "text", text(&"x".repeat(76)))])),
            "ActionsBlock: text attribute cannot exceed 75 characters",
        ),
        case(
            row(json!([with(go.clone(), "value", json!("x".repeat(2001)))])),
            "ActionsBlock: value attribute cannot exceed 2000 characters",
        ),
        case(
            row(json!([with(go.clone(), "style", json!("loud"))])),
            "ActionsBlock: style attribute must be one of the following values",
        ),
        case(
            row(json!([button(&"x".repeat(256))])),
            "ActionsBlock: action_id attribute cannot exceed 255 characters",
        ),
        case(row(json!([go.clone(), go])), "an action_id stands twice"),
        case(row(json!([menu])), "ActionsBlock: options attribute cannot exceed 100 elements"),
        (
            "answer",
            json!({ "text": "a", "blocks": [{ "type": "section" }] }),
            "SectionBlock: text or fields attribute must be specified",
        ),
    ]
}

fn broken_views() -> Vec<Case> {
    let view = |key: &str, value: Value| opened(&with(modal(), key, value));
    let dividers = vec![json!({ "type": "divider" }); 101];
    vec![
        (
            "views.open",
            view("title", text(&"x".repeat(25))),
            "View: title must be between 1 and 24 characters",
        ),
        (
            "views.push",
            view("submit", text(&"x".repeat(25))),
            "View: submit cannot exceed 24 characters",
        ),
        (
            "views.update",
            with(
                without(view("close", text(&"x".repeat(25))), "trigger_id"),
                "view_id",
                json!("V1"),
            ),
            "View: close cannot exceed 24 characters",
        ),
        (
            "views.open",
            view("private_metadata", json!("x".repeat(3001))),
            "View: private_metadata cannot exceed 3000 characters",
        ),
        (
            "views.open",
            view("callback_id", json!("x".repeat(256))),
            "View: callback_id cannot exceed 255 characters",
        ),
        (
            "views.open",
            view("type", json!("window")),
            "View: type must be either \"modal\", \"home\" or \"workflow_step\"",
        ),
        (
            "views.open",
            view("blocks", json!(dividers)),
            "View: views must contain between 1 and 100 blocks",
        ),
        ("views.open", view("colour", json!("red")), "view: unknown keys ['colour']"),
        ("views.open", opened(&without(modal(), "title")), "a modal without a title"),
        (
            "views.open",
            opened(&without(modal(), "submit")),
            "a modal with inputs and without submit",
        ),
        (
            "answer",
            json!({ "response_action": "update", "view": without(modal(), "title") }),
            "a modal without a title",
        ),
        ("views.open", without(opened(&modal()), "trigger_id"), "trigger_id is missing"),
        ("views.publish", json!({ "view": modal() }), "user_id is missing"),
    ]
}

async fn judged(requests: &[(&str, Value)]) -> String {
    let requests: Vec<Value> = requests
        .iter()
        .map(|(method, arguments)| json!({ "method": method, "arguments": arguments }))
        .collect();
    let mut command = script("slack/judge.py");
    command.arg(scenarios().join("contracts/slack/web_openapi_v2.bot.json"));
    run(command, &Value::from(requests).to_string()).await
}

#[tokio::test]
async fn the_judge_lets_sound_requests_pass() {
    let sound = sound();
    assert_eq!(judged(&sound).await, format!("judged {}\n", sound.len()));
}

#[tokio::test]
async fn the_judge_complains_of_every_broken_request() {
    let cases = [broken_arguments(), broken_blocks(), broken_views()].concat();
    let requests: Vec<_> =
        cases.iter().map(|(method, given, _)| (*method, given.clone())).collect();
    let printed = judged(&requests).await;
    let mut lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.pop(), Some(format!("judged {}", cases.len()).as_str()));
    assert_eq!(lines.len(), cases.len(), "one complaint for each: {lines:#?}");
    for (line, (method, given, complaint)) in lines.iter().zip(&cases) {
        // How a complaint goes on may differ: a set has no order in Python.
        assert!(line.starts_with(&format!("{method}: {complaint}")), "{line:?} of {given}");
    }
}
