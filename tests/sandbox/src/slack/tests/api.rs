//! The methods: what they change and what they answer.

use super::*;

#[tokio::test]
async fn messages_are_posted_changed_and_found_again() {
    let world = world().await;
    let metadata = json!({ "event_type": "nova_message", "event_payload": { "key": "k1" } });
    let posted = world
        .ok(
            "chat.postMessage",
            json!({ "channel": INCIDENTS, "text": "a <b> & c", "metadata": metadata }),
        )
        .await;
    let ts = posted["ts"].as_str().unwrap();
    assert_eq!(posted["message"]["text"], "a <b> & c");
    let read = json!({ "channel": INCIDENTS, "limit": 10 });
    let history = world.ok("conversations.history", read.clone()).await;
    assert_eq!(history["messages"][0]["metadata"], Value::Null, "only on request");
    let mut read = read;
    read["include_all_metadata"] = json!(true);
    let history = world.ok("conversations.history", read).await;
    assert_eq!(history["messages"][0]["metadata"], metadata);

    world.ok("chat.update", json!({ "channel": INCIDENTS, "ts": ts, "text": "new" })).await;
    let message = world.slack.messages("incidents").remove(0);
    assert_eq!((message.text.as_str(), message.edits), ("new", 1));
    let link =
        world.ok("chat.getPermalink", json!({ "channel": INCIDENTS, "message_ts": ts })).await;
    let wanted = format!("https://novacron.slack.com/archives/C0INCIDENT/p{}", ts.replace('.', ""));
    assert_eq!(link["permalink"], json!(wanted));
    world.ok("chat.delete", json!({ "channel": INCIDENTS, "ts": ts })).await;
    assert!(world.slack.messages("incidents").is_empty());
    for method in ["chat.update", "chat.delete"] {
        let gone = json!({ "channel": INCIDENTS, "ts": ts, "text": "x" });
        assert_eq!(world.refused(method, gone).await, "message_not_found");
    }
    let theirs = world.slack.say("ana", "incidents", "mine", None).unwrap();
    let args = json!({ "channel": INCIDENTS, "ts": theirs, "text": "yours" });
    assert_eq!(world.refused("chat.update", args).await, "cant_update_message");
}

#[tokio::test]
async fn timestamps_are_unique_and_grow() {
    let world = world().await;
    let mut seen = Vec::new();
    for n in 0..50 {
        seen.push(world.post(INCIDENTS, &n.to_string()).await);
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}

#[tokio::test]
async fn threads_stand_apart_from_the_channel() {
    let world = world().await;
    let root = world.post(INCIDENTS, "root").await;
    let reply = json!({ "channel": INCIDENTS, "text": "reply", "thread_ts": root });
    let reply = world.ok("chat.postMessage", reply).await;
    world.slack.say("bo", "incidents", "me too", Some(&root)).unwrap();
    let history = world.ok("conversations.history", json!({ "channel": INCIDENTS })).await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 1);
    assert_eq!(history["messages"][0]["reply_count"], 2);
    let args = json!({ "channel": INCIDENTS, "ts": root });
    let replies = world.ok("conversations.replies", args).await;
    let texts: Vec<&str> = replies["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["root", "reply", "me too"]);
    let args = json!({ "channel": INCIDENTS, "message_ts": reply["ts"] });
    let link = world.ok("chat.getPermalink", args).await;
    assert!(
        link["permalink"].as_str().unwrap().ends_with(&format!("?thread_ts={root}&cid=C0INCIDENT"))
    );
    let nowhere = json!({ "channel": INCIDENTS, "text": "x", "thread_ts": "1.000001" });
    assert_eq!(world.refused("chat.postMessage", nowhere).await, "thread_not_found");
}

#[tokio::test]
async fn history_comes_in_pages_and_windows() {
    let world = world().await;
    let mut all = Vec::new();
    for n in 0..5 {
        all.push(world.post(INCIDENTS, &n.to_string()).await);
    }
    let first =
        world.ok("conversations.history", json!({ "channel": INCIDENTS, "limit": 3 })).await;
    assert_eq!(first["has_more"], true);
    let cursor = &first["response_metadata"]["next_cursor"];
    let second = json!({ "channel": INCIDENTS, "limit": 3, "cursor": cursor });
    let second = world.ok("conversations.history", second).await;
    assert_eq!(second["has_more"], false);
    assert_eq!(second["messages"][1]["text"], "0");
    let window = json!({ "channel": INCIDENTS, "oldest": all[1], "latest": all[3] });
    let window = world.ok("conversations.history", window).await;
    assert_eq!(window["messages"].as_array().unwrap().len(), 1);
    let bad = json!({ "channel": INCIDENTS, "cursor": "nonsense" });
    assert_eq!(world.refused("conversations.history", bad).await, "invalid_cursor");
}

#[tokio::test]
async fn an_incident_channel_lives_its_life() {
    let world = world().await;
    let made = world.ok("conversations.create", json!({ "name": "inc-1" })).await;
    let id = made["channel"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made["channel"]["is_member"], true);
    for (name, error) in [
        ("inc-1", "name_taken"),
        ("Inc", "invalid_name_specials"),
        ("a b", "invalid_name_specials"),
        ("--", "invalid_name_punctuation"),
    ] {
        assert_eq!(world.refused("conversations.create", json!({ "name": name })).await, error);
    }
    let long = json!({ "name": "x".repeat(81) });
    assert_eq!(world.refused("conversations.create", long).await, "invalid_name_maxlength");
    world.ok("conversations.setTopic", json!({ "channel": id, "topic": "down" })).await;
    let topic = json!({ "channel": id, "topic": "x".repeat(251) });
    assert_eq!(world.refused("conversations.setTopic", topic).await, "too_long");
    let invite = json!({ "channel": id, "users": format!("{ANA},{BO}") });
    world.ok("conversations.invite", invite.clone()).await;
    let again = world.call("conversations.invite", invite).await;
    assert_eq!(again["error"], "already_in_channel");
    assert_eq!(again["errors"][1]["user"], BO);
    let nobody = json!({ "channel": id, "users": "U0NOBODY01" });
    assert_eq!(world.refused("conversations.invite", nobody).await, "user_not_found");

    let ts = world.post(&id, "pin me").await;
    let pin = json!({ "channel": id, "timestamp": ts });
    world.ok("pins.add", pin.clone()).await;
    assert_eq!(world.refused("pins.add", pin).await, "already_pinned");
    let pins = world.ok("pins.list", json!({ "channel": id })).await;
    assert_eq!(pins["items"][0]["message"]["text"], "pin me");
    world.ok("conversations.archive", json!({ "channel": id })).await;
    assert_eq!(
        world.refused("conversations.archive", json!({ "channel": id })).await,
        "already_archived"
    );
    let late = json!({ "channel": id, "text": "too late" });
    assert_eq!(world.refused("chat.postMessage", late).await, "is_archived");
    let channel = world.slack.channel("inc-1");
    assert!(channel.archived && channel.topic == "down" && channel.members.len() == 3);
    assert_eq!(channel.pins[0].ts, ts);
}

#[tokio::test]
async fn a_file_takes_three_steps() {
    let world = world().await;
    let bytes = b"line 1\nline 2\n".to_vec();
    let ask = json!({ "filename": "report.txt", "length": bytes.len() });
    let place = world.ok("files.getUploadURLExternal", ask).await;
    let url = place["upload_url"].as_str().unwrap();
    let files = json!([{ "id": place["file_id"], "title": "The report" }]);
    let share = json!({ "files": files, "channel_id": INCIDENTS, "initial_comment": "here" });
    let early = world.refused("files.completeUploadExternal", share.clone()).await;
    assert_eq!(early, "file_not_found", "the bytes have not come");
    let short = world.http.post(url).body("short").send().await.unwrap();
    assert_eq!(short.status(), 400);
    let sent = world.http.post(url).body(bytes.clone()).send().await.unwrap();
    assert_eq!((sent.status().as_u16(), sent.text().await.unwrap()), (200, "OK - 14".to_owned()));
    world.ok("files.completeUploadExternal", share).await;
    let file = world.slack.files().remove(0);
    assert_eq!((file.bytes.as_ref(), file.title.as_str()), (bytes.as_slice(), "The report"));
    let message = world.slack.messages("incidents").remove(0);
    assert_eq!((message.text.as_str(), message.files), ("here", vec![file.id.clone()]));
    world.ok("files.delete", json!({ "file": file.id })).await;
    assert_eq!(world.refused("files.info", json!({ "file": file.id })).await, "file_not_found");
}

#[tokio::test]
async fn people_are_what_they_are() {
    let world = world().await;
    let user = |id: &'static str| world.ok("users.info", json!({ "user": id }));
    assert_eq!(user("U0GUS00001").await["user"]["is_restricted"], true);
    assert_eq!(user("U0SOL00001").await["user"]["is_ultra_restricted"], true);
    assert_eq!(user("U0DEPLOY01").await["user"]["is_bot"], true);
    assert_eq!(user("U0DORA0001").await["user"]["deleted"], true);
    let con = user("U0CON00001").await;
    assert_eq!(
        (&con["user"]["is_stranger"], &con["user"]["team_id"]),
        (&json!(true), &json!("T0OTHER001"))
    );
    assert_eq!(user(ANA).await["user"]["profile"]["email"], "ana@example.com");
    let found = world.ok("users.lookupByEmail", json!({ "email": "bo@example.com" })).await;
    assert_eq!(found["user"]["id"], BO);
    let gone = json!({ "email": "dora@example.com" });
    assert_eq!(world.refused("users.lookupByEmail", gone).await, "users_not_found");
    world.slack.set_scope("users:read.email", false);
    assert_eq!(user(ANA).await["user"]["profile"].get("email"), None);
    let groups = world.ok("usergroups.list", json!({ "include_users": true })).await;
    assert_eq!(groups["usergroups"][0]["handle"], "oncall");
    let members = world.ok("usergroups.users.list", json!({ "usergroup": "S0OPS00001" })).await;
    assert_eq!(members["users"], json!([ANA, BO]));
}

#[tokio::test]
async fn conversations_are_seen_as_far_as_the_bot_is_in_them() {
    let world = world().await;
    let types = json!({ "types": "public_channel,private_channel", "exclude_archived": true });
    let listed = world.ok("conversations.list", types).await;
    let names: Vec<&str> = listed["channels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"war-room") && !names.contains(&"board"), "{names:?}");
    assert!(names.contains(&"random") && !names.contains(&"old-incident"), "{names:?}");
    let of = |channel: &str| json!({ "channel": channel, "text": "x", "users": ANA, "topic": "t" });
    assert_eq!(world.refused("chat.postMessage", of("C0SECRET01")).await, "channel_not_found");
    assert_eq!(world.refused("conversations.info", of("C0SECRET01")).await, "channel_not_found");
    assert_eq!(world.refused("chat.postMessage", of("C0RANDOM01")).await, "not_in_channel");
    assert_eq!(world.refused("conversations.history", of("C0RANDOM01")).await, "not_in_channel");
    assert_eq!(world.refused("conversations.setTopic", of("C0RANDOM01")).await, "not_in_channel");
    world.ok("conversations.join", of("C0RANDOM01")).await;
    world.post("#random", "by name").await;
    world.post(ANA, "to a person").await;
    assert_eq!(world.slack.direct_messages("ana")[0].text, "to a person");
    assert_eq!(world.refused("chat.postMessage", of("C0OLD00001")).await, "is_archived");
    let alone = json!({ "channel": "C0OPS00001", "user": "U0GUS00001", "text": "x" });
    assert_eq!(world.refused("chat.postEphemeral", alone).await, "user_not_in_channel");
    let alone = json!({ "channel": INCIDENTS, "user": ANA, "text": "psst" });
    world.ok("chat.postEphemeral", alone).await;
    assert_eq!(world.slack.ephemerals("incidents", "ana")[0].text, "psst");
    assert!(world.slack.messages("incidents").is_empty());
}

#[tokio::test]
async fn home_pages_are_published_and_guarded_by_their_hash() {
    let world = world().await;
    let view = json!({ "type": "home", "blocks": [{ "type": "divider" }] });
    let publish = |hash: Value| json!({ "user_id": ANA, "view": view, "hash": hash });
    let first = world.ok("views.publish", json!({ "user_id": ANA, "view": view })).await;
    let hash = first["view"]["hash"].clone();
    world.ok("views.publish", publish(hash.clone())).await;
    assert_eq!(world.refused("views.publish", publish(hash)).await, "hash_conflict");
    assert_eq!(json!(world.slack.home("ana").unwrap().id), first["view"]["id"]);
    let nobody = json!({ "view_id": "V0NOTHERE1", "view": view });
    assert_eq!(world.refused("views.update", nobody).await, "not_found");
}
