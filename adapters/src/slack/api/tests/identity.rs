//! Who nova is, and addresses for Socket Mode.

use secrecy::ExposeSecret;
use serde_json::json;

use super::server::{Answers, Reply, error};
use super::{class, client, options};
use crate::slack::api::{SCOPES, Slack, SlackOptions};

fn me(scopes: &str) -> Reply {
    let answer = json!({
        "team_id": "T1", "user_id": "UBOT", "bot_id": "BBOT", "enterprise_id": "E1",
        "url": 17, "is_enterprise_install": false,
    });
    Reply::from(answer).header("x-oauth-scopes", scopes)
}

#[tokio::test]
async fn the_token_tells_its_team_and_its_scopes() {
    let server = Answers::start().await;
    let all: Vec<_> = SCOPES.iter().map(|(scope, _)| *scope).collect();
    let some = "chat:write, commands,  users:read";
    server.anew("auth.test").to("auth.test", me(some)).to("auth.test", me(&all.join(",")));
    let slack = client(&server.api_url());

    let identity = slack.identity().await.unwrap();
    assert_eq!((identity.team.as_str(), identity.user.as_str()), ("T1", "UBOT"));
    assert_eq!(identity.bot.as_deref(), Some("BBOT"));
    assert_eq!(identity.enterprise.as_deref(), Some("E1"));
    assert_eq!(identity.scopes, ["chat:write", "commands", "users:read"]);
    let missing: Vec<_> = identity.missing_scopes().collect();
    assert_eq!(missing.len(), SCOPES.len() - 3);
    assert!(missing.contains(&("pins:write", "pinning an incident's card")));

    let identity = slack.identity().await.unwrap();
    assert_eq!(identity.missing_scopes().count(), 0);
}

#[tokio::test]
async fn a_socket_is_opened_with_the_app_level_token() {
    let server = Answers::start().await;
    let slack = client(&server.api_url());
    let method = "apps.connections.open";
    server.to(method, json!({ "url": "wss://wss-primary.slack.com/link/?ticket=1" }));
    server.to(method, error("invalid_auth"));

    let url = slack.open_socket().await.unwrap();
    assert_eq!(url.expose_secret(), "wss://wss-primary.slack.com/link/?ticket=1");
    let token = server.seen(method)[0].authorisation.clone();
    assert_eq!(token.as_deref(), Some("Bearer xapp-app-token"));

    assert_eq!(class(&slack.open_socket().await), "unauthorised");
    assert_eq!(slack.stopped(), None, "the bot token is another one");
    slack.stop("the app was removed");
    assert_eq!(class(&slack.open_socket().await), "unauthorised");
    assert_eq!(server.seen(method).len(), 3, "and the other way round");
}

#[tokio::test]
async fn without_an_app_level_token_there_is_no_socket() {
    let server = Answers::start().await;
    let options = SlackOptions { app_token: None, ..options(&server.api_url()) };
    let slack = Slack::new(options).unwrap();
    assert_eq!(class(&slack.open_socket().await), "unauthorised");
    assert_eq!(server.count(), 0);
}
