//! Deliveries over HTTP and what their answers do; response URLs.

use super::app::App;
use super::*;

#[tokio::test]
async fn a_command_is_signed_and_its_answer_is_seen() {
    let world = world().await;
    let app = App::start(&world.slack).await;
    app.answer(200, json!({ "text": "all is well" }).to_string());
    let delivered =
        world.slack.command("ana", "incidents", "/nova", "health & more").await.unwrap();
    assert!(delivered.acked && !delivered.late && delivered.refused.is_none(), "{delivered:?}");
    let got = app.got().remove(0);
    let signed = deliver::sign(
        &world.slack.app().signing_secret,
        got.header("x-slack-request-timestamp").parse().unwrap(),
        &got.body,
    );
    assert_eq!(got.header("x-slack-signature"), signed.signature);
    assert_eq!(got.header("content-type"), "application/x-www-form-urlencoded");
    assert!(got.header("user-agent").starts_with("Slackbot 1.0"));
    assert_eq!((got.field("text"), got.field("user_name")), ("health & more".into(), "ana".into()));
    assert_eq!(world.slack.ephemerals("incidents", "ana")[0].text, "all is well");
    app.answer(200, json!({ "response_type": "in_channel", "text": "for all" }).to_string());
    world.slack.command("ana", "board", "/nova", "health").await.unwrap();
    assert_eq!(world.slack.messages("board")[0].text, "for all", "also where the bot is not");
    app.answer(200, json!({ "blocks": [{ "type": "nonsense" }] }).to_string());
    let delivered = world.slack.command("ana", "ops", "/nova", "").await.unwrap();
    assert_eq!(delivered.refused.as_deref(), Some("invalid_blocks"));
}

#[tokio::test]
async fn a_response_url_is_good_for_five_answers_and_half_an_hour() {
    let world = world().await;
    let app = App::start(&world.slack).await;
    world.slack.command("ana", "board", "/nova", "health").await.unwrap();
    let url = app.got()[0].field("response_url");
    let send = |body: Value| world.http.post(&url).json(&body).send();
    assert_eq!(send(json!({ "text": "first" })).await.unwrap().status(), 200);
    let change = json!({ "text": "second", "replace_original": true });
    assert_eq!(send(change).await.unwrap().status(), 200);
    let seen = world.slack.ephemerals("board", "ana");
    assert_eq!((seen.len(), seen[0].text.as_str(), seen[0].edits), (1, "second", 1));
    assert_eq!(send(json!({})).await.unwrap().status(), 400, "no text uses nothing up");
    for n in 3..=5 {
        assert_eq!(send(json!({ "text": n.to_string() })).await.unwrap().status(), 200);
    }
    let used = send(json!({ "text": "sixth" })).await.unwrap();
    assert_eq!(used.status(), 404);
    assert_eq!(used.json::<Value>().await.unwrap(), json!({ "ok": false, "error": "used_url" }));

    world.slack.command("ana", "board", "/nova", "health").await.unwrap();
    let url = app.got()[1].field("response_url");
    world.slack.advance(Duration::from_secs(30 * 60 + 1));
    let expired = world.http.post(&url).json(&json!({ "text": "late" })).send().await.unwrap();
    assert_eq!(expired.json::<Value>().await.unwrap()["error"], "expired_url");
}

#[tokio::test]
async fn a_click_carries_its_message_and_can_replace_it() {
    let world = world().await;
    let app = App::start(&world.slack).await;
    let menu = json!({
        "type": "static_select", "action_id": "pick",
        "options": [{ "text": plain("One"), "value": "1" }, { "text": plain("Two"), "value": "2" }],
    });
    let blocks = json!([{ "type": "actions", "elements": [button("go"), menu] }]);
    let args = json!({ "channel": INCIDENTS, "text": "choose", "blocks": blocks });
    let ts = world.ok("chat.postMessage", args).await["ts"].as_str().unwrap().to_owned();
    assert!(world.slack.click("ana", "incidents", &ts, "go").await.unwrap().acked);
    world.slack.select("bo", "incidents", &ts, "pick", "2").await.unwrap();
    let (click, select) = (app.got()[0].payload(), app.got()[1].payload());
    assert_eq!(click["type"], "block_actions");
    assert_eq!(click["actions"][0]["value"], "7");
    assert_eq!(click["message"]["ts"], json!(ts));
    assert_eq!(click["container"]["channel_id"], INCIDENTS);
    assert_eq!(select["user"]["id"], BO);
    assert_eq!(select["actions"][0]["selected_option"]["value"], "2");
    let block = select["actions"][0]["block_id"].as_str().unwrap();
    assert_eq!(select["state"]["values"][block]["pick"]["selected_option"]["value"], "2");
    let url = click["response_url"].as_str().unwrap();
    let change = json!({ "text": "chosen", "replace_original": true });
    world.http.post(url).json(&change).send().await.unwrap();
    assert_eq!(world.slack.messages("incidents")[0].text, "chosen");
    assert!(world.slack.select("bo", "incidents", &ts, "pick", "2").await.is_err(), "it is gone");
    world.http.post(url).json(&json!({ "delete_original": true })).send().await.unwrap();
    assert!(world.slack.messages("incidents").is_empty());
}

/// A modal with a name to fill in and a menu.
fn form() -> Value {
    json!({
        "type": "modal", "callback_id": "ask", "private_metadata": "p", "notify_on_close": true,
        "title": plain("Ask"), "submit": plain("Send"),
        "blocks": [
            { "type": "input", "block_id": "name", "label": plain("Name"),
              "element": { "type": "plain_text_input", "action_id": "v", "max_length": 5 } },
            { "type": "input", "block_id": "level", "label": plain("Level"), "optional": true,
              "element": { "type": "static_select", "action_id": "v",
                           "options": [{ "text": plain("High"), "value": "high" }] } },
        ],
    })
}

async fn opened(world: &World, app: &App) -> String {
    world.slack.command("ana", "incidents", "/nova", "ask").await.unwrap();
    let trigger = app.got().last().unwrap().field("trigger_id");
    let mut view = form();
    view["blocks"][1]["element"]["action_id"] = json!("w");
    let args = json!({ "trigger_id": trigger, "view": view });
    let answer = world.ok("views.open", args.clone()).await;
    assert_eq!(world.refused("views.open", args).await, "exchanged_trigger_id");
    answer["view"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_form_is_filled_in_corrected_and_sent() {
    let world = world().await;
    let app = App::start(&world.slack).await;
    let id = opened(&world, &app).await;
    assert!(world.slack.submit(&id, &[]).await.is_err(), "a required field is empty");
    assert!(world.slack.submit(&id, &[("name", "too long")]).await.is_err());
    assert!(world.slack.submit(&id, &[("name", "ok"), ("level", "odd")]).await.is_err());
    app.answer(
        200,
        json!({ "response_action": "errors", "errors": { "name": "taken" } }).to_string(),
    );
    world.slack.submit(&id, &[("name", "web")]).await.unwrap();
    assert_eq!(world.slack.open_views("ana")[0].errors, json!({ "name": "taken" }));
    app.answer(200, json!({ "response_action": "errors", "errors": { "nmae": "x" } }).to_string());
    let delivered = world.slack.submit(&id, &[("name", "web")]).await.unwrap();
    assert_eq!(delivered.refused.as_deref(), Some("invalid_response"));
    world.slack.submit(&id, &[("name", "api"), ("level", "high")]).await.unwrap();
    let sent = app.got().last().unwrap().payload();
    assert_eq!(sent["view"]["state"]["values"]["name"]["v"]["value"], "api");
    assert_eq!(sent["view"]["state"]["values"]["level"]["w"]["selected_option"]["value"], "high");
    assert_eq!(sent["view"]["private_metadata"], "p");
    assert!(world.slack.open_views("ana").is_empty());
}

#[tokio::test]
async fn modals_are_pushed_updated_and_closed() {
    let world = world().await;
    let app = App::start(&world.slack).await;
    let id = opened(&world, &app).await;
    let push = json!({ "response_action": "push", "view": {
        "type": "modal", "title": plain("More"), "blocks": [{ "type": "divider" }] } });
    app.answer(200, push.to_string());
    world.slack.submit(&id, &[("name", "a")]).await.unwrap();
    let stack = world.slack.open_views("ana");
    assert_eq!((stack.len(), stack[1].view["previous_view_id"].as_str()), (2, Some(id.as_str())));
    let args = json!({ "view_id": id, "view": form(), "hash": "old" });
    assert_eq!(world.refused("views.update", args).await, "invalid_arguments", "ids are doubled");
    assert!(world.slack.close_view(&stack[1].id).await.unwrap().is_none(), "nobody asked for it");
    assert!(world.slack.close_view(&id).await.unwrap().unwrap().acked);
    assert_eq!(app.got().last().unwrap().payload()["type"], "view_closed");
    let id = opened(&world, &app).await;
    app.answer(200, json!({ "response_action": "clear" }).to_string());
    world.slack.submit(&id, &[("name", "a")]).await.unwrap();
    assert!(world.slack.open_views("ana").is_empty());
}

#[tokio::test]
async fn a_trigger_expires() {
    let world = world().await;
    let app = App::start(&world.slack).await;
    world.slack.command("ana", "incidents", "/nova", "ask").await.unwrap();
    world.slack.advance(Duration::from_secs(4));
    let trigger = app.got()[0].field("trigger_id");
    let mut view = form();
    view["blocks"].as_array_mut().unwrap().truncate(1);
    let args = json!({ "trigger_id": trigger, "view": view });
    assert_eq!(world.refused("views.open", args).await, "expired_trigger_id");
}

#[tokio::test]
async fn events_are_sent_again_and_commands_are_not() {
    let world = world().await;
    let app = App::start(&world.slack).await;
    app.answer(503, "");
    app.answer(500, "");
    let delivered = world.slack.open_home("ana").await.unwrap();
    assert_eq!((delivered.acked, delivered.attempts), (true, 3));
    let got = app.got();
    assert_eq!(got[0].header("x-slack-retry-num"), "");
    assert_eq!(got[2].header("x-slack-retry-num"), "2");
    assert_eq!(got[2].header("x-slack-retry-reason"), "http_error");
    assert_eq!(got[0].body, got[2].body, "the same event, with the same id");
    app.answer(500, "");
    let delivered = world.slack.command("ana", "ops", "/nova", "").await.unwrap();
    assert_eq!((delivered.acked, delivered.status, delivered.attempts), (false, Some(500), 1));
}

#[tokio::test]
async fn an_app_that_does_not_answer_is_late() {
    let options = SlackOptions { deadline: Duration::from_millis(50), ..SlackOptions::default() };
    let world = world_of(options).await;
    let app = App::start(&world.slack).await;
    app.answer(0, "");
    let delivered = world.slack.command("ana", "ops", "/nova", "").await.unwrap();
    assert!(delivered.late && !delivered.acked, "{delivered:?}");
    assert!(delivered.within >= Duration::from_millis(50));
    world.slack.deliver_to(HttpTarget {
        commands_url: "http://127.0.0.1:9/".to_owned(),
        interactivity_url: String::new(),
        events_url: String::new(),
        signing_secret: String::new(),
    });
    let delivered = world.slack.command("ana", "ops", "/nova", "").await.unwrap();
    assert!(!delivered.acked && !delivered.late, "nobody listens: {delivered:?}");
}

#[tokio::test]
async fn what_happens_to_channels_and_tokens_is_told() {
    let world = world().await;
    let app = App::start(&world.slack).await;
    world.slack.remove_bot("war-room").await.unwrap();
    world.slack.archive("ana", "incidents").await.unwrap();
    world.slack.revoke_tokens().await;
    world.slack.uninstall().await;
    world.slack.change_user("bo", |bo| bo.deleted = true).await.unwrap();
    let events: Vec<Value> =
        app.got().iter().map(|got| serde_json::from_slice(&got.body).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|e| e["event"]["type"].as_str().unwrap()).collect();
    let wanted = [
        "member_left_channel",
        "group_left",
        "channel_archive",
        "tokens_revoked",
        "app_uninstalled",
        "user_change",
    ];
    assert_eq!(kinds, wanted);
    assert_eq!(world.refused("auth.test", json!({})).await, "token_revoked");
    assert!(world.slack.channel("incidents").archived);
}
