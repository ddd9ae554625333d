//! What the tests of both transports share: interactions in the form of Discord's documentation
//! (docs.discord.com/developers/interactions/receiving-and-responding).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Identity, Intake};
use crate::intake::fixtures::{self, Desk, Said};
use crate::menu::{Argument, Item, Menu, Takes};

pub(in crate::discord) const ID: &str = "1100000000000000001";
pub(in crate::discord) const TOKEN: &str = "aW50ZXJhY3Rpb246dGVsbC1ub2JvZHk";

pub(in crate::discord) fn us() -> Identity {
    let argument = |name: &str| Argument {
        name: name.to_owned(),
        summary: name.to_owned(),
        required: false,
        takes: Takes::Text,
        option: None,
        many: false,
    };
    let item = |path: &str, arguments: &[&str]| Item {
        words: path.split(' ').map(str::to_owned).collect(),
        summary: path.to_owned(),
        arguments: arguments.iter().map(|name| argument(name)).collect(),
    };
    let items = vec![
        item("ping", &[]),
        item("disk", &["node"]),
        item("incident note", &["text", "number"]),
    ];
    let (name, summary) = ("nova".to_owned(), "Looks after the platform".to_owned());
    Identity {
        application: "1000000000000000001".into(),
        guild: "1000000000000000002".into(),
        menu: Arc::new(Menu { name, summary, groups: vec![], items }),
    }
}

pub(super) fn user() -> Value {
    json!({
        "id": "1000000000000000010", "username": "ana", "global_name": "Ana", "discriminator": "0",
        "avatar": null, "public_flags": 0,
    })
}

/// An interaction in a channel of the server.
fn interaction(kind: u64, data: &Value) -> Value {
    json!({
        "id": ID, "application_id": us().application, "type": kind, "token": TOKEN, "version": 1,
        "guild_id": us().guild, "guild": { "id": us().guild, "locale": "en-US", "features": [] },
        "channel_id": "1000000000000000020",
        "channel": { "id": "1000000000000000020", "name": "incidents", "type": 0 },
        "member": {
            "user": user(), "nick": null, "roles": ["1000000000000000030"], "pending": false,
            "permissions": "2147483647", "joined_at": "2024-01-01T00:00:00+00:00", "flags": 0,
        },
        "app_permissions": "2147483647", "locale": "en-US", "guild_locale": "en-US",
        "entitlements": [], "authorizing_integration_owners": { "0": us().guild }, "context": 0,
        "data": data,
    })
}

fn message() -> Value {
    json!({
        "id": "1100000000000000002", "channel_id": "1000000000000000020", "type": 0, "flags": 0,
        "content": "disk *full* <@&1>", "author": { "id": "1000000000000000011", "username": "bo" },
        "embeds": [], "attachments": [], "mentions": [], "components": [],
        "timestamp": "2024-01-01T00:00:00+00:00",
    })
}

/// `/nova group word` or `/nova word`, with options.
pub(in crate::discord) fn command(words: &[&str], options: &Value) -> Value {
    let mut level = options.clone();
    for (depth, word) in words.iter().rev().enumerate() {
        level = json!([{ "name": word, "type": 1 + depth, "options": level }]);
    }
    let data = json!({ "id": "1000000000000000040", "name": "nova", "type": 1, "options": level });
    interaction(2, &data)
}

pub(in crate::discord) fn ping() -> Value {
    command(&["ping"], &json!([]))
}

pub(in crate::discord) fn press(custom_id: &str) -> Value {
    let mut payload = interaction(3, &json!({ "custom_id": custom_id, "component_type": 2 }));
    payload["message"] = message();
    payload
}

pub(in crate::discord) fn submit(custom_id: &str, components: &Value) -> Value {
    interaction(5, &json!({ "custom_id": custom_id, "components": components }))
}

/// A form with one field that was filled in.
pub(in crate::discord) fn why(text: &str) -> Value {
    let field = json!({ "type": 4, "id": 2, "custom_id": "why", "value": text });
    submit("f:approve:7", &json!([{ "type": 18, "id": 1, "component": field }]))
}

pub(in crate::discord) fn complete(typed: &str) -> Value {
    let option = json!({ "name": "node", "type": 3, "value": typed, "focused": true });
    let mut payload = command(&["disk"], &json!([option]));
    payload["type"] = json!(4);
    payload
}

pub(super) fn quote(name: &str) -> Value {
    let resolved = json!({ "messages": { "1100000000000000002": message() } });
    let data = json!({
        "id": "1000000000000000041", "name": name, "type": 3,
        "target_id": "1100000000000000002", "resolved": resolved,
    });
    interaction(2, &data)
}

/// An intake with so many places, and what it says beside its answers.
pub(in crate::discord) fn intake(desk: &Arc<Desk>, places: usize) -> (Arc<Intake>, Said) {
    fixtures::intake(us(), desk, places)
}
