//! What is refused, limited, spoilt and recorded.

use super::*;

#[tokio::test]
async fn tokens_are_told_apart() {
    let world = world().await;
    let call = |method: &'static str, token: Option<String>| {
        let request = world.request(method, &json!({ "channel": INCIDENTS, "text": "x" }));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        async move {
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            answer["error"].as_str().unwrap_or("ok").to_owned()
        }
    };
    let bot = world.slack.bot_token();
    let app = world.slack.app().app_token.clone();
    assert_eq!(call("auth.test", None).await, "not_authed");
    assert_eq!(call("auth.test", Some("xoxb-wrong".into())).await, "invalid_auth");
    assert_eq!(call("chat.postMessage", Some(app.clone())).await, "not_allowed_token_type");
    assert_eq!(call("apps.connections.open", Some(bot.clone())).await, "not_allowed_token_type");
    assert_eq!(call("apps.connections.open", Some(app)).await, "ok");
    assert_eq!(call("no.such", Some(bot.clone())).await, "unknown_method");
    let form = json!({ "token": bot, "channel": INCIDENTS, "text": "by form" });
    let answer = world.request("chat.postMessage", &form).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["ok"], true);
    let new = world.slack.rotate_token();
    assert_eq!(call("auth.test", Some(bot)).await, "token_revoked");
    assert_eq!(call("auth.test", Some(new.clone())).await, "ok");
    world.slack.deactivate_bot();
    assert_eq!(call("auth.test", Some(new)).await, "account_inactive");
    let journal = world.slack.journal();
    assert!(!format!("{journal:?}").contains("xoxb"), "a token stands in the journal");
}

#[tokio::test]
async fn scopes_are_asked_for_and_told() {
    let world = world().await;
    world.slack.set_scope("pins:write", false);
    let pin = json!({ "channel": INCIDENTS, "timestamp": "1.000001" });
    let answer = world.call("pins.add", pin).await;
    assert_eq!(
        (&answer["error"], &answer["needed"]),
        (&json!("missing_scope"), &json!("pins:write"))
    );
    assert!(answer["provided"].as_str().unwrap().contains("chat:write"));
    world.slack.set_scope("groups:history", false);
    world.ok("conversations.history", json!({ "channel": INCIDENTS })).await;
    let private = json!({ "channel": "C0WARROOM1" });
    assert_eq!(world.refused("conversations.history", private).await, "missing_scope");
    let request = world.request("auth.test", &json!({})).bearer_auth(world.slack.bot_token());
    let answer = request.send().await.unwrap();
    let scopes = answer.headers()["x-oauth-scopes"].to_str().unwrap();
    assert!(scopes.contains("chat:write") && !scopes.contains("pins:write"), "{scopes}");
}

#[tokio::test]
async fn bodies_come_in_three_ways() {
    let world = world().await;
    let url = |method: &str| format!("{}/{method}", world.slack.api_url());
    let bot = world.slack.bot_token();
    let body = json!({ "channel": INCIDENTS, "text": "json", "blocks": [{ "type": "divider" }] });
    let posted: Value = world
        .http
        .post(url("chat.postMessage"))
        .bearer_auth(&bot)
        .json(&body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((&posted["ok"], &posted["warning"]), (&json!(true), &json!("missing_charset")));
    assert!(posted["message"]["blocks"][0]["block_id"].is_string(), "Slack names blocks");
    let get = world.http.get(url("users.info")).bearer_auth(&bot).query(&[("user", ANA)]);
    let got: Value = get.send().await.unwrap().json().await.unwrap();
    assert_eq!(got["user"]["name"], "ana");
    // This method reads no JSON.
    let post = world.http.post(url("users.info")).bearer_auth(&bot).json(&json!({ "user": ANA }));
    let got: Value = post.send().await.unwrap().json().await.unwrap();
    assert_eq!(got["error"], "invalid_arguments");
    for (content, body, error) in [
        ("application/json", "{", "invalid_json"),
        ("application/json", "[]", "json_not_object"),
        ("text/plain", "x", "invalid_post_type"),
    ] {
        let request = world.http.post(url("chat.postMessage")).bearer_auth(&bot);
        let request = request.header("content-type", content).body(body);
        let got: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(got["error"], error);
    }
    let huge = world.http.post(url("chat.postMessage")).body(vec![b'x'; 10 << 20]).send().await;
    assert!(huge.is_err() || huge.unwrap().status() == 413);
    let blocks = world.slack.journal().remove(0).arguments["blocks"].clone();
    assert_eq!(blocks, json!([{ "type": "divider" }]));
}

#[tokio::test]
async fn posting_is_limited_to_one_a_second_and_channel() {
    let world = world().await;
    world.slack.set_pace(Pace::Real);
    for _ in 0..4 {
        world.post(INCIDENTS, "burst").await;
    }
    let request = world.request("chat.postMessage", &json!({ "channel": INCIDENTS, "text": "x" }));
    let limited = request.bearer_auth(world.slack.bot_token()).send().await.unwrap();
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()["retry-after"], "1");
    assert_eq!(limited.json::<Value>().await.unwrap()["error"], "ratelimited");
    world.post("C0OPS00001", "elsewhere").await;
    world.slack.advance(Duration::from_secs(1));
    world.post(INCIDENTS, "later").await;
    assert_eq!(world.slack.messages("incidents").len(), 5);
}

#[tokio::test]
async fn faults_spoil_what_they_should_and_nothing_else() {
    let world = world().await;
    let send = |text: &str| {
        let request =
            world.request("chat.postMessage", &json!({ "channel": INCIDENTS, "text": text }));
        request.bearer_auth(world.slack.bot_token()).send()
    };
    let texts = || -> Vec<String> {
        world.slack.messages("incidents").into_iter().map(|m| m.text).collect()
    };
    let fault = |fault| world.slack.fault("chat.postMessage", Some("incidents"), 1, fault);
    fault(Fault::Status(503));
    assert_eq!(send("503").await.unwrap().status(), 503);
    fault(Fault::Html);
    assert!(send("html").await.unwrap().text().await.unwrap().starts_with("<!DOCTYPE"));
    fault(Fault::TooMany(Duration::from_secs(7)));
    assert_eq!(send("429").await.unwrap().headers()["retry-after"], "7");
    fault(Fault::RateLimited);
    let limited = send("200").await.unwrap();
    assert_eq!(limited.status(), 200);
    assert_eq!(limited.json::<Value>().await.unwrap()["error"], "ratelimited");
    fault(Fault::Error("fatal_error".to_owned()));
    assert_eq!(send("error").await.unwrap().json::<Value>().await.unwrap()["error"], "fatal_error");
    fault(Fault::Drop);
    assert!(send("drop").await.is_err());
    assert!(texts().is_empty(), "nothing of this was done");
    fault(Fault::LoseReply);
    assert!(send("lost").await.is_err());
    fault(Fault::Truncated);
    assert!(send("cut").await.unwrap().json::<Value>().await.is_err());
    assert_eq!(texts(), ["lost", "cut"]);
    world.post("C0OPS00001", "fine").await;
    let outcomes: Vec<Outcome> = world.slack.journal().into_iter().map(|r| r.outcome).collect();
    assert_eq!(outcomes.iter().filter(|o| **o == Outcome::Spoilt).count(), 2);
    assert_eq!(outcomes.last(), Some(&Outcome::Ok));
}

#[tokio::test]
async fn a_hanging_call_hangs_until_it_is_let_go() {
    let world = world().await;
    world.slack.fault("auth.test", None, 1, Fault::Hang);
    let request = world.request("auth.test", &json!({})).bearer_auth(world.slack.bot_token());
    let mut hanging = Box::pin(request.send());
    let patience = tokio::time::timeout(Duration::from_millis(50), &mut hanging).await;
    assert!(patience.is_err(), "it was answered");
    world.slack.clear_faults();
    assert!(hanging.await.is_err());
    world.ok("auth.test", json!({})).await;
}

#[tokio::test]
async fn dropping_the_workspace_ends_it() {
    let world = world().await;
    let url = world.slack.url();
    world.slack.fault("auth.test", None, 1, Fault::Hang);
    let request = world.request("auth.test", &json!({}));
    let hanging = tokio::spawn(request.send());
    tokio::task::yield_now().await;
    drop(world.slack);
    let ended =
        tokio::time::timeout(Duration::from_secs(5), hanging).await.expect("it ends").unwrap();
    assert!(ended.is_err() || ended.unwrap().status() == 503);
    assert!(world.http.get(url).send().await.is_err());
}
