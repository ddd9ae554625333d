//! Profiles and groups: what is asked, and how often.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::server::{Answers, Reply, error};
use super::{class, client};
use crate::workspace::{Standing, Workspace};

fn user(id: &str) -> Value {
    json!({ "user": {
        "id": id, "team_id": "T1", "name": "ana", "is_email_confirmed": true, "tz": "Europe/Vienna",
        "updated": "a form that Slack does not document",
        "profile": { "display_name": "Ana", "email": "ana@example.com", "fields": [] },
    } })
}

fn group(id: &str, handle: &str, users: &Value) -> Value {
    json!({ "id": id, "handle": handle, "date_delete": 0, "users": users, "prefs": 1 })
}

async fn with_groups(groups: Value) -> Answers {
    let server = Answers::start().await;
    server.to("users.info", user("U1")).to("usergroups.list", json!({ "usergroups": groups }));
    server
}

fn asked(server: &Answers) -> (usize, usize) {
    (server.seen("users.info").len(), server.seen("usergroups.list").len())
}

#[tokio::test]
async fn a_person_has_the_groups_of_our_organisation() {
    let mut external = group("S3", "admins", &json!(["U1"]));
    external["is_external"] = true.into();
    let mut disabled = group("S4", "old", &json!(["U1"]));
    disabled["date_delete"] = 1_700_000_000.into();
    let mut unlisted = group("S5", "oncall", &json!(null));
    unlisted["user_count"] = 2.into();
    let mut empty = group("S6", "nobody", &json!(null));
    empty["user_count"] = "0".into();
    let sre = group("S1", "sre", &json!(["U0", "U1"]));
    let other = group("S2", "dba", &json!(["U0"]));
    let server = with_groups(json!([sre, other, external, disabled, unlisted, empty])).await;
    server.to("usergroups.users.list", json!({ "users": ["U1", "U2"] }));

    let profile = client(&server.api_url()).profile("U1").await.unwrap();
    assert_eq!((profile.name.as_str(), profile.standing), ("Ana", Standing::Member));
    assert_eq!(profile.email.as_deref(), Some("ana@example.com"));
    assert_eq!(profile.groups, ["S1", "sre", "S5", "oncall"]);
    let asked: Vec<_> = server.seen("usergroups.users.list");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].arguments, json!({ "usergroup": "S5" }));
}

#[tokio::test]
async fn however_many_ask_slack_is_asked_once_in_five_minutes() {
    let server = with_groups(json!([group("S1", "sre", &json!(["U1"]))])).await;
    let slack = client(&server.api_url());
    let profiles = join_all((0..20).map(|_| slack.profile("U1"))).await;
    assert!(profiles.iter().all(|profile| profile.as_ref().unwrap().groups == ["S1", "sre"]));
    assert_eq!(asked(&server), (1, 1));

    // Another person, the same groups.
    server.anew("users.info").to("users.info", user("U2"));
    assert_eq!(class(&slack.profile("U2").await), "done");
    assert_eq!(asked(&server), (2, 1));

    later(Duration::from_secs(4 * 60)).await;
    server.anew("users.info").to("users.info", user("U1"));
    slack.profile("U1").await.unwrap();
    assert_eq!(asked(&server), (2, 1));
    later(Duration::from_secs(61)).await;
    slack.profile("U1").await.unwrap();
    assert_eq!(asked(&server), (3, 2));
}

/// Lets `time` pass for the client.
async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_failure_is_no_answer_and_is_not_kept() {
    let server = with_groups(json!([])).await;
    let slack = client(&server.api_url());
    server.anew("users.info").to("users.info", error("user_not_found"));
    server.to("users.info", Reply::new(429, "").header("retry-after", "60"));
    server.to("users.info", user("U1"));
    assert_eq!(class(&slack.profile("U1").await), "gone");
    assert_eq!(class(&slack.profile("U1").await), "limited");
    assert_eq!(class(&slack.profile("U1").await), "done");

    // Not with the groups missing either: they decide what somebody may do.
    later(Duration::from_secs(301)).await;
    server.anew("usergroups.list").to("usergroups.list", Reply::new(500, ""));
    assert_eq!(class(&slack.profile("U1").await), "unavailable");
}

#[tokio::test]
async fn without_permission_for_groups_nobody_has_any() {
    let server = with_groups(json!([])).await;
    let refusal = json!({ "ok": false, "error": "missing_scope", "needed": "usergroups:read" });
    server.anew("usergroups.list").to("usergroups.list", refusal);
    let slack = client(&server.api_url());
    let profile = slack.profile("U1").await.unwrap();
    assert_eq!((profile.groups.len(), profile.standing), (0, Standing::Member));
    assert_eq!(asked(&server), (1, 1));
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_none() {
    let server = with_groups(json!([])).await;
    server.anew("users.info").to("users.info", user("UADMIN"));
    let slack = client(&server.api_url());
    assert_eq!(class(&slack.profile("U1").await), "unavailable");
    let before = server.count();
    for id in ["", "u1", "U1&user=UADMIN", "@ana"] {
        assert_eq!(class(&slack.profile(id).await), "gone", "{id}");
    }
    assert_eq!(server.count(), before);
}
