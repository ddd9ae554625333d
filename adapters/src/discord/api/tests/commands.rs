//! Registering commands.

use serde_json::json;

use super::client;
use super::server::{Answers, error};
use crate::discord::commands::{RegisterError, Scope, declare, register};
use crate::menu::{Item, Menu};

const GET: &str = "GET /applications/1100000000000000001/guilds/1200000000000000001/commands";
const PUT: &str = "PUT /applications/1100000000000000001/guilds/1200000000000000001/commands";

const ELSEWHERE: &str = "GET /applications/1100000000000000001/commands";
const CLEAR: &str = "PUT /applications/1100000000000000001/commands";

fn menu(name: &str) -> Menu {
    let words = vec!["ping".to_owned()];
    let item = Item { words, summary: "Is it there?".into(), arguments: vec![] };
    Menu { name: name.into(), summary: "Ask".into(), groups: vec![], items: vec![item] }
}

#[tokio::test]
async fn commands_are_registered_only_when_they_differ() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let wanted = declare(&menu("nova"), Scope::Guild).unwrap();
    let mut present = json!(wanted);
    present[0]["id"] = "17".into();
    present[0]["default_member_permissions"] = json!(null);
    server.to(GET, json!([])).to(GET, present).to(PUT, json!([]));
    // Registered for everywhere, before.
    let others = json!([{ "id": "1", "name": "nova" }, { "id": "2", "name": "other" }]);
    server.to(ELSEWHERE, others).to(ELSEWHERE, json!([])).to(CLEAR, json!([]));
    assert!(register(&discord, &menu("nova"), Scope::Guild).await.unwrap());
    assert_eq!(server.seen(PUT)[0].arguments, json!(wanted));
    assert!(!register(&discord, &menu("nova"), Scope::Guild).await.unwrap());
    assert_eq!((server.seen(PUT).len(), server.seen(CLEAR).len()), (1, 1));
    assert_eq!(server.seen(CLEAR)[0].arguments, json!([{ "id": "2", "name": "other" }]));
}

#[tokio::test]
async fn what_cannot_be_registered_says_so() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let failed = register(&discord, &menu("Nova!"), Scope::Guild).await;
    assert!(matches!(failed, Err(RegisterError::Declare(_))), "{failed:?}");
    assert_eq!(server.count(), 0);
    server.to(GET, error(404, 10002)).to(ELSEWHERE, json!([]));
    let failed = register(&discord, &menu("nova"), Scope::Guild).await;
    assert!(matches!(failed, Err(RegisterError::Chat(_))), "{failed:?}");
}
