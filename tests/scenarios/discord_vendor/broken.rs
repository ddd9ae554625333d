//! The judge of the conversations, judged: it lets sound requests and answers pass and complains of each
//! of these broken ones. A judge that accepts everything fails here.

use std::sync::Arc;
use std::time::Duration;

use nova_sandbox::discord::{Caller, Outcome, Request};
use serde_json::{Value, json};

use super::judge::complaints;
use super::{events, interaction};

const ID: &str = "1100000000000000001";
const MESSAGES: &str = "POST /channels/{channel_id}/messages";
const HISTORY: &str = "GET /channels/{channel_id}/messages";
const CALLBACK: &str = "POST /interactions/{interaction_id}/{interaction_token}/callback";
const FOLLOW_UP: &str = "POST /webhooks/{webhook_id}/{webhook_token}";
const ORIGINAL: &str = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original";
const COMMANDS: &str = "PUT /applications/{application_id}/guilds/{guild_id}/commands";
const CHANNELS: &str = "POST /guilds/{guild_id}/channels";

/// A request with the ids that its path asks for, and whose answer a fault took away.
pub(super) fn request(operation: &str, body: Value) -> Request {
    let (method, path) = operation.split_once(' ').expect("a method and a path");
    let names =
        ["application_id", "guild_id", "channel_id", "message_id", "interaction_id", "webhook_id"];
    let named = names.into_iter().filter(|name| path.contains(&format!("{{{name}}}")));
    Request {
        at: Duration::ZERO,
        method: method.to_owned(),
        path: path.to_owned(),
        parameters: named.map(|name| (name, ID.to_owned())).collect(),
        query: String::new(),
        content_type: if body.is_null() { String::new() } else { "application/json".to_owned() },
        user_agent: String::new(),
        caller: Caller::Bot,
        arguments: Arc::new(body),
        files: Vec::new(),
        size: 0,
        outcome: Outcome::Faulted,
        response: Arc::default(),
    }
}

/// The same with an answer.
fn answered(operation: &str, body: Value, status: u16, answer: &Value) -> Request {
    let response = if answer.is_null() { String::new() } else { answer.to_string() };
    let outcome = match status {
        429 => Outcome::Limited,
        400.. => Outcome::Refused { status, code: 0 },
        _ => Outcome::Ok(status),
    };
    Request { outcome, response: response.into(), ..request(operation, body) }
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    object[key] = value;
    object
}

fn button() -> Value {
    json!({ "type": 2, "style": 1, "label": "Go", "custom_id": "r:health" })
}

/// A message with these controls in its row.
fn row(controls: &Value) -> Value {
    json!({ "components": [{ "type": 1, "components": controls }] })
}

fn embed(key: &str, value: &Value) -> Value {
    json!({ "embeds": [{ key: value }] })
}

fn modal() -> Value {
    let input = json!({ "type": 4, "custom_id": "title", "style": 1, "max_length": 200 });
    let label = json!({ "type": 18, "label": "Title", "component": input });
    json!({ "type": 9, "data": { "custom_id": "f:declare", "title": "Declare", "components": [label] } })
}

fn command() -> Value {
    let level = json!({ "type": 3, "name": "level", "description": "How bad", "required": true,
        "choices": [{ "name": "high", "value": "high" }] });
    let declare =
        json!({ "type": 1, "name": "declare", "description": "Begin one", "options": [level] });
    let group =
        json!({ "type": 2, "name": "incident", "description": "Incidents", "options": [declare] });
    json!({ "type": 1, "name": "nova", "description": "Everything", "options": [group] })
}

fn user() -> Value {
    json!({ "id": ID, "username": "ana", "avatar": null, "discriminator": "0", "public_flags": 0,
        "flags": 0, "global_name": null, "primary_guild": null })
}

fn message() -> Value {
    json!({ "id": ID, "channel_id": ID, "type": 0, "author": user(), "content": "a",
        "timestamp": "2024-01-01T00:00:00.000000+00:00", "edited_timestamp": null, "tts": false,
        "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [],
        "embeds": [], "components": [], "pinned": false, "flags": 0 })
}

fn refusal() -> Value {
    json!({ "code": 50035, "message": "Invalid Form Body", "errors": { "embeds": { "0": { "title": {
        "_errors": [{ "code": "BASE_TYPE_REQUIRED", "message": "This field is required" }] } } } } })
}

fn sound() -> Vec<Request> {
    let private = json!({ "type": 4, "data": { "content": "a", "flags": 64 } });
    let post = json!({ "content": "x".repeat(2000), "nonce": "x".repeat(25), "enforce_nonce": true,
        "allowed_mentions": { "parse": [] } });
    let file = json!({ "content": "a", "attachments": [{ "id": 0, "filename": "a.txt" }] });
    let keep = json!({ "type": 3, "name": "Add to incident" });
    let room = json!({ "name": "inc-1", "type": 0, "parent_id": ID, "topic": "a",
        "permission_overwrites": [{ "id": ID, "type": 1, "allow": "1024", "deny": "0" }] });
    let limited = json!({ "message": "slow", "retry_after": 0.5, "global": false });
    vec![
        request(MESSAGES, post),
        request(MESSAGES, row(&json!([button(), button(), button(), button(), button()]))),
        request(MESSAGES, embed("description", &json!("x".repeat(4096)))),
        Request {
            content_type: "multipart/form-data; boundary=b".to_owned(),
            files: vec!["a.txt".to_owned()],
            ..request(MESSAGES, file)
        },
        Request { query: "limit=100&after=1".to_owned(), ..request(HISTORY, Value::Null) },
        Request { query: "with_response=true".to_owned(), ..request(CALLBACK, private) },
        request(CALLBACK, json!({ "type": 5, "data": { "flags": 64 } })),
        request(CALLBACK, json!({ "type": 6 })),
        request(CALLBACK, modal()),
        request(FOLLOW_UP, json!({ "content": "a", "flags": 64 })),
        request(ORIGINAL, json!({ "content": "a", "embeds": [], "components": [] })),
        request(COMMANDS, json!([command(), keep])),
        request(COMMANDS, json!([with(command(), "name", json!("störung"))])),
        request(CHANNELS, room),
        answered(HISTORY, Value::Null, 200, &json!([message()])),
        answered(
            HISTORY,
            Value::Null,
            404,
            &json!({ "code": 10003, "message": "Unknown Channel" }),
        ),
        answered(MESSAGES, json!({ "content": "a" }), 400, &refusal()),
        answered(MESSAGES, json!({ "content": "a" }), 429, &limited),
        answered(
            "DELETE /channels/{channel_id}/messages/{message_id}",
            Value::Null,
            204,
            &Value::Null,
        ),
    ]
}

/// A request and a part of the complaint that it deserves.
type Case = (Request, &'static str);

fn broken_requests() -> Vec<Case> {
    let post = |body: Value| request(MESSAGES, body);
    let plain = || request(MESSAGES, json!({ "content": "a" }));
    let history =
        |query: &str| Request { query: query.to_owned(), ..request(HISTORY, Value::Null) };
    let named = |name: &str| request(COMMANDS, json!([with(command(), "name", json!(name))]));
    let six: Value = (0..6).map(|_| button()).collect();
    let mut misspelt = command();
    misspelt["options"][0]["options"][0]["options"][0]["name"] = json!("Level");
    let mut long_label = modal();
    long_label["data"]["components"][0]["label"] = json!("x".repeat(46));
    vec![
        (request("POST /channels/{channel_id}/shout", Value::Null), "no such operation"),
        (request("PATCH /users/{user_id}", json!({})), "no such operation"),
        (request("POST /api/v10/channels/1/messages", json!({})), "no such operation"),
        (
            Request { parameters: vec![("channel_id", "@me".into())], ..plain() },
            "channel_id of the path is wrong: @me",
        ),
        (Request { parameters: Vec::new(), ..plain() }, "channel_id of the path is missing"),
        (history("limit=101"), "limit of the query is wrong: 101"),
        (history("limit=many"), "limit of the query is wrong: many"),
        (history("count=1"), "unknown count in the query"),
        (post(Value::Null), "takes no body of type \"\""),
        (
            Request { content_type: "text/plain".into(), ..plain() },
            "takes no body of type \"text/plain\"",
        ),
        (Request { files: vec!["a".into()], ..plain() }, "a body of several parts only"),
        (request(HISTORY, json!({})), "takes no body"),
        (post(json!([])), "sent : value is not of type \"object\""),
        (post(json!({ "content": "a", "colour": "red" })), "'colour' was unexpected"),
        (post(json!({ "content": 1 })), "/content: value is not of types"),
        (post(json!({ "content": "x".repeat(2001) })), "is longer than 2000"),
        (post(json!({ "nonce": "x".repeat(26) })), "/nonce: "),
        (post(json!({ "allowed_mentions": { "parse": ["all"] } })), "/allowed_mentions/parse/0: "),
        (post(json!({ "allowed_mentions": { "parsed": [] } })), "'parsed' was unexpected"),
        (
            post(json!({ "message_reference": { "message_id": "one" } })),
            "/message_reference/message_id: ",
        ),
        (post(embed("title", &json!("x".repeat(257)))), "is longer than 256"),
        (post(embed("description", &json!("x".repeat(4097)))), "is longer than 4096"),
        (post(embed("fields", &json!([{ "name": "a" }]))), "\"value\" is a required property"),
        (post(embed("timestamp", &json!("now"))), "/embeds/0/timestamp: "),
        (post(json!({ "embeds": vec![json!({ "title": "a" }); 11] })), "has more than 10 items"),
        (post(row(&six)), "has more than 5 items"),
        (
            post(row(&json!([with(button(), "style", json!(9))]))),
            "/components/0/components/0/style: ",
        ),
        (post(row(&json!([with(button(), "label", json!("x".repeat(81)))]))), "is longer than 80"),
        (
            post(row(&json!([with(button(), "custom_id", json!("x".repeat(101)))]))),
            "is longer than 100",
        ),
        (post(json!({ "components": [button()] })), "/components/0"),
        (request(CALLBACK, json!({ "type": 3 })), "/type: "),
        (
            request(CALLBACK, json!({ "data": { "content": "a" } })),
            "\"type\" is a required property",
        ),
        (request(CALLBACK, json!({ "type": 4, "data": { "text": "a" } })), "'text' was unexpected"),
        (
            request(CALLBACK, with(modal(), "data", json!({ "title": "a" }))),
            "is a required property",
        ),
        (request(CALLBACK, long_label), "is longer than 45"),
        (request(FOLLOW_UP, json!({ "content": "a", "nonce": "1" })), "'nonce' was unexpected"),
        (request(ORIGINAL, json!({ "content": ["a"] })), "/content: "),
        (named("Nova"), "/0/name: "),
        (named("no va"), "/0/name: "),
        (named(&"x".repeat(33)), "/0/name: "),
        (request(COMMANDS, json!([misspelt])), "/0/options/0/options/0/options/0/name: "),
        (
            request(COMMANDS, json!([with(command(), "description", json!("x".repeat(101)))])),
            "is longer than 100",
        ),
        (request(CHANNELS, json!({ "type": 0 })), "\"name\" is a required property"),
        (request(CHANNELS, json!({ "name": "a", "type": "text" })), "/type: "),
    ]
}

fn broken_answers() -> Vec<Case> {
    let history = |status, answer: &Value| answered(HISTORY, Value::Null, status, answer);
    let mut nameless = message();
    nameless["author"] = json!({ "id": ID });
    let limited = json!({ "message": "slow", "retry_after": "soon", "global": false });
    vec![
        (
            history(200, &json!([with(message(), "colour", json!("red"))])),
            "'colour' was unexpected",
        ),
        (
            history(200, &json!([with(message(), "edited_timestamp", json!("now"))])),
            "/0/edited_timestamp: ",
        ),
        (
            history(200, &json!([with(message(), "id", json!(1))])),
            "/0/id: value is not of type \"string\"",
        ),
        (history(200, &json!([nameless])), "\"username\" is a required property"),
        (history(200, &Value::Null), "is no JSON"),
        (history(201, &json!([])), "an answer with 201 is not published"),
        (history(404, &json!({ "message": "Unknown Channel" })), "\"code\" is a required property"),
        (history(404, &json!({ "code": 1, "message": "a", "why": "b" })), "'why' was unexpected"),
        (history(429, &limited), "/retry_after: "),
        (
            answered("POST /channels/{channel_id}/typing", Value::Null, 204, &json!({})),
            "a body was answered with 204",
        ),
    ]
}

#[test]
fn the_judge_lets_sound_requests_and_answers_pass() {
    assert_eq!(complaints(&sound()), Vec::<String>::new());
}

#[test]
fn the_judge_complains_of_every_broken_request_and_answer() {
    let mut missed = Vec::new();
    for (request, complaint) in broken_requests().into_iter().chain(broken_answers()) {
        let subject = format!("{} {}: ", request.method, request.path);
        let found = complaints(std::slice::from_ref(&request));
        if !found.iter().any(|one| one.starts_with(&subject) && one.contains(complaint)) {
            missed.push((subject, complaint, found));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn the_judge_complains_of_what_stands_in_an_interaction_or_event() {
    let payload = json!({ "id": ID, "application_id": ID, "channel_id": ID, "guild_id": ID, "type": 2,
        "context": 0, "user": user(), "message": message() });
    assert_eq!(interaction::complaints(&payload), Vec::<String>::new());
    for (key, value, complaint) in [
        ("type", json!(9), "interaction: type: value"),
        ("message", with(message(), "colour", json!(1)), "interaction: message: "),
        ("user", json!({ "id": ID }), "interaction: user: "),
        ("member", json!({ "roles": [] }), "interaction: member: "),
        ("channel", json!({ "id": ID, "type": 0 }), "interaction: channel: "),
        (
            "data",
            json!({ "resolved": { "messages": { ID: {} } } }),
            "interaction: data/resolved/messages: ",
        ),
    ] {
        let found = interaction::complaints(&with(payload.clone(), key, value));
        assert!(found.iter().any(|one| one.starts_with(complaint)), "{complaint:?}: {found:#?}");
    }
    assert_eq!(events::complaints("MESSAGE_CREATE", &message()), Vec::<String>::new());
    let wrong = events::complaints("MESSAGE_CREATE", &with(message(), "id", json!(1)));
    assert!(wrong[0].starts_with("MESSAGE_CREATE: /id: "), "{wrong:?}");
}
