//! Messages over REST: written, repeated, changed, pinned, read again.

use super::*;

fn at(rest: &str) -> String {
    format!("/channels/{INCIDENTS}{rest}")
}

#[tokio::test]
async fn a_message_is_written_changed_and_taken_away() {
    let guild = guild().await;
    let body = json!({
        "content": "down", "embeds": [{ "title": "t" }], "components": row(&json!([button("a")])),
        "allowed_mentions": { "parse": [] },
    });
    let made = guild.ok(&format!("POST {}", at("/messages")), body).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["embeds"][0]["type"], &made["type"]), (&json!("rich"), &json!(0)));
    assert_eq!(made["components"][0]["components"][0]["id"], 2);
    let path = at(&format!("/messages/{id}"));
    let changed = guild.ok(&format!("PATCH {path}"), json!({ "content": "up" })).await;
    assert_eq!((&changed["content"], &changed["embeds"][0]["title"]), (&json!("up"), &json!("t")));
    let stored = guild.discord.messages("incidents").remove(0);
    assert!(stored.by_bot && stored.edits == 1, "{stored:?}");
    assert_eq!(guild.ok(&format!("GET {path}"), Value::Null).await["content"], "up");
    guild.ok(&format!("DELETE {path}"), Value::Null).await;
    assert_eq!(guild.refused(&format!("GET {path}"), Value::Null).await, (404, 10008));
    assert_eq!(guild.discord.messages("incidents").len(), 0);
}

#[tokio::test]
async fn the_same_nonce_makes_one_message_for_some_minutes() {
    let guild = guild().await;
    let post = format!("POST {}", at("/messages"));
    let body = json!({ "content": "once", "nonce": "n1", "enforce_nonce": true });
    let first = guild.ok(&post, body.clone()).await;
    assert_eq!(guild.ok(&post, body.clone()).await["id"], first["id"]);
    let free = json!({ "content": "once", "nonce": "n1" });
    assert_ne!(guild.ok(&post, free).await["id"], first["id"]);
    guild.discord.advance(Duration::from_secs(301));
    assert_ne!(guild.ok(&post, body).await["id"], first["id"]);
    let list = guild.ok(&format!("GET {}", at("/messages?limit=1")), Value::Null).await;
    assert_eq!(list[0]["nonce"], "n1");
}

#[tokio::test]
async fn files_come_with_a_message_and_can_be_read() {
    let guild = guild().await;
    let body = "--b\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n\
        {\"attachments\":[{\"id\":0,\"description\":\"all of it\"}]}\r\n--b\r\n\
        Content-Disposition: form-data; name=\"files[0]\"; filename=\"log.txt\"\r\n\
        Content-Type: text/plain\r\n\r\nline\n\r\n--b--\r\n";
    let request = guild
        .request(Method::POST, &at("/messages"))
        .header("content-type", "multipart/form-data; boundary=b");
    let made: Value = request.body(body).send().await.unwrap().json().await.unwrap();
    let attachment = &made["attachments"][0];
    assert_eq!((&attachment["filename"], &attachment["size"]), (&json!("log.txt"), &json!(5)));
    let url = attachment["url"].as_str().unwrap();
    assert_eq!(guild.http.get(url).send().await.unwrap().text().await.unwrap(), "line\n");
    let file = guild.discord.files().remove(0);
    assert_eq!((file.name.as_str(), file.description.as_deref()), ("log.txt", Some("all of it")));
    assert_eq!(guild.discord.journal()[0].files, ["log.txt"]);
    // An edit keeps what it names.
    let path = format!("PATCH {}", at(&format!("/messages/{}", made["id"].as_str().unwrap())));
    let kept = json!({ "content": "a", "attachments": [{ "id": attachment["id"] }] });
    assert_eq!(guild.ok(&path, kept).await["attachments"].as_array().unwrap().len(), 1);
    let gone = guild.ok(&path, json!({ "attachments": [] })).await;
    assert_eq!(gone["attachments"], json!([]));
}

#[tokio::test]
async fn what_others_said_is_not_read_without_the_intent() {
    let guild = guild().await;
    let said = guild.discord.say("ana", "incidents", "a secret").unwrap();
    let asked = guild.discord.say("ana", "incidents", "<@1100000000000000001> help").unwrap();
    guild.post("mine").await;
    let list = guild.ok(&format!("GET {}", at("/messages")), Value::Null).await;
    let contents: Vec<_> = list.as_array().unwrap().iter().map(|one| &one["content"]).collect();
    assert_eq!(contents, ["mine", "<@1100000000000000001> help", ""]);
    let before = format!("GET {}", at(&format!("/messages?before={asked}&limit=5")));
    assert_eq!(guild.ok(&before, Value::Null).await[0]["id"], said.as_str());
    let others = format!("PATCH {}", at(&format!("/messages/{said}")));
    assert_eq!(guild.refused(&others, json!({ "content": "mine" })).await, (403, 50005));
}

#[tokio::test]
async fn pins_stand_apart_and_are_told_of() {
    let guild = guild().await;
    let id = guild.post("card").await;
    guild.ok(&format!("PUT {}", at(&format!("/messages/pins/{id}"))), Value::Null).await;
    guild.ok(&format!("PUT {}", at(&format!("/pins/{id}"))), Value::Null).await;
    let pins = guild.ok(&format!("GET {}", at("/messages/pins")), Value::Null).await;
    assert_eq!(
        (&pins["items"][0]["message"]["id"], &pins["has_more"]),
        (&json!(id), &json!(false))
    );
    assert!(guild.discord.messages("incidents")[0].pinned);
    assert_eq!(guild.discord.channel("incidents").messages[1].kind, 6, "Discord's notice");
    guild.ok(&format!("DELETE {}", at(&format!("/messages/pins/{id}"))), Value::Null).await;
    let pins = guild.ok(&format!("GET {}", at("/pins")), Value::Null).await;
    assert_eq!(pins, json!([]));
}

#[tokio::test]
async fn a_direct_message_comes_to_those_who_take_it() {
    let guild = guild().await;
    let open = |id: &str| guild.ok("POST /users/@me/channels", json!({ "recipient_id": id }));
    let channel = open(ANA).await;
    assert_eq!(channel["id"], open(ANA).await["id"]);
    let post = format!("POST /channels/{}/messages", channel["id"].as_str().unwrap());
    guild.ok(&post, json!({ "content": "for you" })).await;
    assert_eq!(guild.discord.direct_messages("ana")[0].content, "for you");
    guild.discord.change_user("ana", |ana| ana.direct = false);
    assert_eq!(guild.refused(&post, json!({ "content": "more" })).await, (403, 50007));
    let gone = open(DORA).await;
    let post = format!("POST /channels/{}/messages", gone["id"].as_str().unwrap());
    assert_eq!(guild.refused(&post, json!({ "content": "come back" })).await, (403, 50278));
}

#[tokio::test]
async fn a_wrong_body_is_refused_with_its_places() {
    let guild = guild().await;
    let post = format!("POST {}", at("/messages"));
    let (status, answer) = guild.call(&post, json!({ "content": "x".repeat(2001) })).await;
    assert_eq!((status, &answer["code"]), (400, &json!(50035)));
    assert_eq!(
        answer["errors"]["content"]["_errors"][0]["code"].as_str(),
        Some("BASE_TYPE_MAX_LENGTH")
    );
    let broken =
        guild.request(Method::POST, &at("/messages")).header("content-type", "application/json");
    let broken: Value = broken.body("{").send().await.unwrap().json().await.unwrap();
    assert_eq!(broken["code"], 50109);
    let lost = json!({ "content": "a", "message_reference": { "message_id": "12" } });
    assert_eq!(guild.refused(&post, lost).await, (400, 50035));
}
