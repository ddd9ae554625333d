//! What people do, delivered over HTTP, and what the answers do.

use super::app::App;
use super::*;

async fn served() -> (Guild, App) {
    let guild = guild().await;
    guild.register().await;
    let app = App::start(&guild.discord).await;
    (guild, app)
}

fn says(content: &str, flags: u64) -> Value {
    json!({ "type": 4, "data": { "content": content, "flags": flags } })
}

#[tokio::test]
async fn a_command_is_signed_whole_and_answered() {
    let (guild, app) = served().await;
    app.answer(&says("all is well", 64));
    let done = guild.discord.typed("ana", "incidents", "health").await.unwrap();
    assert!(done.acked && !done.late && done.refused.is_none(), "{done:?}");
    assert_eq!(done.response["type"], 4);
    let got = app.got().remove(0);
    let at = got.header("x-signature-timestamp").parse().unwrap();
    let signed = deliver::sign(&guild.discord.app().seed, at, &got.body);
    assert_eq!(got.header("x-signature-ed25519"), signed.signature);
    let payload = got.payload();
    assert_eq!(payload["member"]["user"]["id"], ANA);
    assert_eq!(payload["data"]["options"], json!([{ "name": "health", "type": 1, "options": [] }]));
    for key in ["token", "app_permissions", "guild_id", "channel", "locale", "version", "context"] {
        assert!(!payload[key].is_null(), "{key}");
    }
    let whisper = guild.discord.ephemerals("incidents", "ana").remove(0);
    assert_eq!((whisper.content.as_str(), whisper.kind), ("all is well", 20));
    assert_eq!(guild.discord.ephemerals("incidents", "bo").len(), 0);
    assert_eq!(guild.discord.messages("incidents").len(), 0);
    let judged = guild.discord.journal().pop().unwrap();
    assert_eq!((judged.caller, &judged.arguments["type"]), (Caller::Answer, &json!(4)));
}

#[tokio::test]
async fn the_client_sends_only_what_is_registered() {
    let (guild, app) = served().await;
    let words = ["nova", "incident", "declare"];
    let good = [("severity", json!("high")), ("title", json!("api down")), ("priority", json!(2))];
    app.answer(&says("declared", 0));
    guild.discord.command("ana", "incidents", &words, &good).await.unwrap();
    let options = &app.last()["data"]["options"][0]["options"][0]["options"];
    assert_eq!(options[2], json!({ "name": "priority", "type": 4, "value": 2 }));
    app.answer(&says("declared", 0));
    guild.discord.typed("bo", "incidents", "incident declare low the api is down").await.unwrap();
    let options = &app.last()["data"]["options"][0]["options"][0]["options"];
    assert_eq!(options[1]["value"], "the api is down");
    for (at, bad) in [(0, json!("worst")), (1, json!(7)), (2, json!(4)), (2, json!("2"))] {
        let mut given = good.clone();
        given[at].1 = bad;
        let refused = guild.discord.command("ana", "incidents", &words, &given).await;
        assert!(refused.is_err(), "{given:?}");
    }
    for words in
        [&["nova", "incident"][..], &["nova", "shout"], &["other"], &["nova", "health", "x"]]
    {
        assert!(guild.discord.command("ana", "incidents", words, &[]).await.is_err(), "{words:?}");
    }
    let few = guild.discord.command("ana", "incidents", &words, &good[..1]).await;
    assert!(few.is_err(), "an option is missing");
    assert!(guild.discord.typed("dora", "incidents", "health").await.is_err(), "she has left");
    assert!(guild.discord.typed("bo", "board", "health").await.is_err(), "he does not see it");
    assert_eq!(app.got().len(), 2);
}

#[tokio::test]
async fn a_deferred_answer_takes_the_place_of_its_mark() {
    let (guild, app) = served().await;
    app.answer(&json!({ "type": 5 }));
    guild.discord.typed("ana", "incidents", "health").await.unwrap();
    assert_eq!(
        (guild.discord.thinking("incidents"), guild.discord.messages("incidents").len()),
        (1, 0)
    );
    let token = app.last()["token"].as_str().unwrap().to_owned();
    let hook = format!("/webhooks/1100000000000000001/{token}");
    let original = format!("{hook}/messages/@original");
    guild.ok(&format!("PATCH {original}"), json!({ "content": "well" })).await;
    let shown = guild.discord.messages("incidents").remove(0);
    assert_eq!((shown.content.as_str(), shown.edits, shown.flags), ("well", 0, 0));
    let more = json!({ "content": "between us", "flags": 64 });
    let more = guild.ok(&format!("POST {hook}"), more).await;
    assert_eq!(guild.discord.ephemerals("incidents", "ana").len(), 1);
    let private = format!("{hook}/messages/{}", more["id"].as_str().unwrap());
    guild.ok(&format!("PATCH {private}"), json!({ "content": "still" })).await;
    let read = format!("GET /channels/{INCIDENTS}/messages/{}", more["id"].as_str().unwrap());
    assert_eq!(guild.refused(&read, Value::Null).await, (404, 10008), "only the token reads it");
    guild.ok(&format!("DELETE {private}"), Value::Null).await;
    assert_eq!(guild.refused(&format!("GET {private}"), Value::Null).await, (404, 10008));
    guild.discord.advance(Duration::from_secs(15 * 60));
    assert_eq!(guild.refused(&format!("GET {original}"), Value::Null).await, (401, 50027));
    let edit = format!("PATCH /channels/{INCIDENTS}/messages/{}", shown.id);
    guild.ok(&edit, json!({ "content": "by the channel now" })).await;
}

#[tokio::test]
async fn the_first_message_after_a_deferred_one_fills_it_in() {
    let (guild, app) = served().await;
    app.answer(&json!({ "type": 5, "data": { "flags": 64 } }));
    guild.discord.typed("ana", "incidents", "health").await.unwrap();
    let token = app.last()["token"].as_str().unwrap().to_owned();
    let hook = format!("POST /webhooks/1100000000000000001/{token}");
    guild.ok(&hook, json!({ "content": "public?" })).await;
    assert_eq!(guild.discord.messages("incidents").len(), 0, "it stays as private as it began");
    assert_eq!(guild.discord.ephemerals("incidents", "ana")[0].content, "public?");
    guild.ok(&hook, json!({ "content": "public!" })).await;
    assert_eq!(guild.discord.messages("incidents").len(), 1);
}

#[tokio::test]
async fn an_interaction_is_answered_once_and_in_time() {
    let (guild, app) = served().await;
    // Accepted, and the answer comes as a call.
    let delivery =
        guild.discord.command_delivery("ana", "incidents", &["nova", "health"], &[]).unwrap();
    let text = |key: &str| delivery.payload[key].as_str().unwrap();
    let path = format!("POST /interactions/{}/{}/callback", text("id"), text("token"));
    assert_eq!(guild.refused(&path, says("early", 0)).await, (404, 10062));
    let answer = async {
        app.until_got(1).await;
        let hook = format!("POST /webhooks/1100000000000000001/{}", text("token"));
        assert_eq!(guild.refused(&hook, says("", 0)).await, (404, 10015), "not before the first");
        guild.ok(&format!("{path}?with_response=true"), says("called", 0)).await
    };
    let (done, told) = tokio::join!(guild.discord.deliver(&delivery), answer);
    assert!(done.acked && done.status == Some(202), "{done:?}");
    assert_eq!(told["resource"]["message"]["content"], "called");
    assert_eq!(guild.refused(&path, says("again", 0)).await, (400, 40060));
    // A second delivery of the same is answered by what was sent before.
    app.answer(&says("twice", 0));
    let twice = guild.discord.deliver(&delivery).await;
    assert!(!twice.acked && twice.refused.unwrap().starts_with("40060"), "{:?}", twice.response);
    let late =
        guild.discord.command_delivery("ana", "incidents", &["nova", "health"], &[]).unwrap();
    app.say(500, "");
    assert!(!guild.discord.deliver(&late).await.acked);
    guild.discord.advance(Duration::from_millis(3_001));
    let text = |key: &str| late.payload[key].as_str().unwrap();
    let path = format!("POST /interactions/{}/{}/callback", text("id"), text("token"));
    assert_eq!(guild.refused(&path, says("late", 0)).await, (404, 10062));
}

#[tokio::test]
async fn no_answer_is_late() {
    let options =
        DiscordOptions { deadline: Duration::from_millis(50), ..DiscordOptions::default() };
    let guild = guild_of(options).await;
    guild.register().await;
    let app = App::start(&guild.discord).await;
    app.say(0, "");
    let done = guild.discord.typed("ana", "incidents", "health").await.unwrap();
    assert!(done.late && !done.acked, "{done:?}");
    guild.discord.deliver_to_gateway();
    let done = guild.discord.typed("ana", "incidents", "health").await.unwrap();
    assert!(!done.late && !done.acked, "nobody is connected");
}

#[tokio::test]
async fn an_answer_that_discord_would_not_show_is_refused() {
    let (guild, app) = served().await;
    let menu = json!({ "type": 1, "components": [{ "type": 3, "custom_id": "m", "options": [] }] });
    for (answer, code) in [
        (says(&"x".repeat(2001), 0), "50035"),
        (json!({ "type": 6 }), "50035"),
        (json!({ "type": 9, "data": { "title": "t" } }), "50035"),
        (json!({ "type": 4, "data": {} }), "50006"),
        (json!({ "type": 4, "data": { "content": "a", "components": [menu] } }), "50035"),
        (json!("hello"), "50035"),
    ] {
        app.answer(&answer);
        let done = guild.discord.typed("ana", "incidents", "health").await.unwrap();
        assert!(done.refused.as_ref().unwrap().starts_with(code), "{answer}: {done:?}");
    }
}

#[tokio::test]
async fn buttons_and_menus_answer_beside_in_place_or_with_a_form() {
    let (guild, app) = served().await;
    let menu = json!({ "type": 3, "custom_id": "m", "options": [{ "label": "A", "value": "1" }] });
    let rows = json!([
        { "type": 1, "components": [button("go")] }, { "type": 1, "components": [menu] },
    ]);
    let body = json!({ "content": "card", "components": rows });
    let card = guild.ok(&format!("POST /channels/{INCIDENTS}/messages"), body).await;
    let card = card["id"].as_str().unwrap();
    app.answer(&json!({ "type": 6 }));
    assert!(guild.discord.click("ana", "incidents", card, "go").await.unwrap().acked);
    assert_eq!(app.last()["message"]["id"], card);
    let token = app.last()["token"].as_str().unwrap().to_owned();
    let original = format!("PATCH /webhooks/1100000000000000001/{token}/messages/@original");
    guild.ok(&original, json!({ "content": "clicked" })).await;
    assert_eq!(guild.discord.messages("incidents")[0].content, "clicked");
    app.answer(&json!({ "type": 7, "data": { "content": "chosen", "components": [] } }));
    guild.discord.choose("ana", "incidents", card, "m", "1").await.unwrap();
    assert_eq!(app.last()["data"]["values"], json!(["1"]));
    assert_eq!(guild.discord.messages("incidents")[0].components, Vec::<Value>::new());
    assert!(guild.discord.click("ana", "incidents", card, "go").await.is_err(), "it is gone");
}

#[tokio::test]
async fn a_form_is_filled_in_as_it_asks_and_closes_when_it_is_answered() {
    let (guild, app) = served().await;
    let text =
        json!({ "type": 4, "custom_id": "title", "style": 1, "min_length": 2, "max_length": 9 });
    let menu = json!({ "type": 3, "custom_id": "level", "required": false, "options": [
        { "label": "High", "value": "high" },
    ] });
    app.answer(&json!({ "type": 9, "data": { "custom_id": "f:declare:", "title": "Declare",
        "components": [
            { "type": 18, "label": "Title", "component": text },
            { "type": 18, "label": "Level", "component": menu },
        ] } }));
    guild.discord.typed("ana", "incidents", "health").await.unwrap();
    let modal = guild.discord.open_modals("ana").pop().unwrap();
    assert_eq!(modal.fields().map(|(label, _)| label).collect::<Vec<_>>(), ["Title", "Level"]);
    for bad in [&[("title", "a")][..], &[("title", "longer than it")], &[], &[("none", "a")]] {
        assert!(guild.discord.submit(&modal, bad).await.is_err(), "{bad:?}");
    }
    let unknown = [("title", "api"), ("level", "low")];
    assert!(guild.discord.submit(&modal, &unknown).await.is_err());
    app.say(500, "");
    assert!(!guild.discord.submit(&modal, &[("title", "api")]).await.unwrap().acked);
    assert_eq!(guild.discord.open_modals("ana").len(), 1, "it stays open");
    app.answer(&says("taken", 64));
    let sent = [("title", "api"), ("level", "high")];
    assert!(guild.discord.submit(&modal, &sent).await.unwrap().acked);
    let components = &app.last()["data"]["components"];
    assert_eq!(components[0]["component"]["value"], "api");
    assert_eq!(components[1]["component"]["values"], json!(["high"]));
    assert_eq!(guild.discord.open_modals("ana").len(), 0);
}

#[tokio::test]
async fn completion_and_commands_on_messages_have_their_payloads() {
    let (guild, app) = served().await;
    app.answer(&json!({ "type": 8, "data": { "choices": [{ "name": "api", "value": "api" }] } }));
    let typed = [("service", json!("a"))];
    let words = ["nova", "logs"];
    let done = guild.discord.autocomplete("ana", "incidents", &words, &typed, "service").await;
    assert!(done.unwrap().acked);
    let focused = &app.last()["data"]["options"][0]["options"][0];
    let service = json!({ "name": "service", "type": 3, "value": "a", "focused": true });
    assert_eq!(focused, &service);
    assert_eq!(app.last()["type"], 4);
    let many: Vec<Value> =
        (0..26).map(|n| json!({ "name": n.to_string(), "value": n.to_string() })).collect();
    app.answer(&json!({ "type": 8, "data": { "choices": many } }));
    let done =
        guild.discord.autocomplete("ana", "incidents", &words, &[], "service").await.unwrap();
    assert!(done.refused.is_some());
    let said = guild.discord.say("bo", "incidents", "look here").unwrap();
    app.answer(&json!({ "type": 5, "data": { "flags": 64 } }));
    let name = "Add to incident";
    guild.discord.message_command("ana", "incidents", &said, name).await.unwrap();
    let data = app.last()["data"].clone();
    assert_eq!(data["resolved"]["messages"][&said]["content"], "look here");
    assert_eq!((&data["type"], &data["target_id"]), (&json!(3), &json!(said)));
}

#[tokio::test]
async fn a_command_in_a_direct_conversation_has_a_user_and_no_member() {
    let (guild, app) = served().await;
    assert!(guild.discord.typed("ana", "@ana", "health").await.is_err(), "it is the guild's");
    let health = json!({ "type": 1, "name": "health", "description": "d" });
    let nova = json!({ "name": "nova", "description": "Everything", "options": [health], "contexts": [0, 1] });
    let id = guild.discord.app().application_id.clone();
    guild.ok(&format!("PUT /applications/{id}/commands"), json!([nova])).await;
    app.answer(&says("here", 0));
    guild.discord.typed("ana", "@ana", "health").await.unwrap();
    let payload = app.last();
    assert_eq!((&payload["user"]["id"], &payload["context"]), (&json!(ANA), &json!(1)));
    assert!(payload["member"].is_null() && payload["guild_id"].is_null(), "{payload}");
    assert_eq!(guild.discord.direct_messages("ana")[0].content, "here");
}

#[tokio::test]
async fn the_address_is_checked_with_a_good_and_a_bad_signature() {
    let (guild, app) = served().await;
    app.say(401, "");
    app.answer(&json!({ "type": 1 }));
    guild.discord.check_endpoint().await.unwrap();
    app.answer(&json!({ "type": 1 }));
    assert!(guild.discord.check_endpoint().await.is_err(), "it takes any signature");
}
