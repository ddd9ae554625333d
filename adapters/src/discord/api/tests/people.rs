//! Who people are.

use std::time::Duration;

use serde_json::json;

use super::server::{Answers, Reply, error};
use super::{ANA, class, client};
use crate::workspace::{Standing, Workspace};

const MEMBER: &str = "GET /guilds/1200000000000000001/members/1500000000000000001";

#[tokio::test]
async fn a_profile_is_kept_for_minutes_and_asked_again() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let member = |role: &str| json!({ "user": { "id": ANA, "username": "ana" }, "roles": [role] });
    server.to(MEMBER, member("11")).to(MEMBER, member("12"));
    let groups = || async { discord.profile(ANA).await.unwrap().groups.clone() };
    assert_eq!(groups().await, ["11"]);
    assert_eq!(groups().await, ["11"]);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(301)).await;
    tokio::time::resume();
    assert_eq!(groups().await, ["12"]);
}

#[tokio::test]
async fn whoever_is_not_in_the_server_is_nobody() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    server.to(MEMBER, error(404, 10007));
    assert_eq!(discord.profile(ANA).await.unwrap().standing, Standing::Gone);
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    server.to(MEMBER, error(404, 10013));
    assert_eq!(class(&discord.profile(ANA).await), "gone");
    assert_eq!(class(&discord.profile("ana").await), "gone");
}

#[tokio::test]
async fn a_failure_is_no_answer_and_is_not_kept() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let other = json!({ "user": { "id": "1", "username": "x" }, "roles": [] });
    for _ in 0..3 {
        server.to(MEMBER, Reply::new(502, "<html>"));
    }
    server.to(MEMBER, other.clone()).to(MEMBER, other.clone()).to(MEMBER, other);
    assert_eq!(class(&discord.profile(ANA).await), "unavailable");
    assert_eq!(class(&discord.profile(ANA).await), "unavailable");
    assert_eq!(server.seen(MEMBER).len(), 3 + 1, "an answer about somebody else is not repeated");
}
