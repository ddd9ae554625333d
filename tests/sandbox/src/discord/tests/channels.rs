//! Channels, threads, people and commands over REST.

use super::*;
use crate::discord::permissions as may;

const GUILD: &str = "1100000000000000002";

#[tokio::test]
async fn a_channel_is_made_changed_and_deleted() {
    let guild = guild().await;
    let create = format!("POST /guilds/{GUILD}/channels");
    let body = json!({ "name": "INC 7 api", "topic": "t", "permission_overwrites": [
        { "id": GUILD, "type": 0, "deny": "2048", "allow": "0" },
    ] });
    let made = guild.ok(&create, body).await;
    assert_eq!((&made["name"], &made["topic"]), (&json!("inc-7-api"), &json!("t")));
    let path = format!("/channels/{}", made["id"].as_str().unwrap());
    let write = json!({ "content": "a" });
    let refused = guild.refused(&format!("POST {path}/messages"), write.clone()).await;
    assert_eq!(refused, (403, 50013), "everybody's overwrite is the bot's too");
    let own = json!({ "type": 1, "allow": "2048" });
    let refused =
        guild.refused(&format!("PUT {path}/permissions/1100000000000000001"), own.clone()).await;
    assert_eq!(refused, (403, 50013), "the bot gives only what it has there");
    guild.ok(&format!("DELETE {path}/permissions/{GUILD}"), Value::Null).await;
    guild.ok(&format!("PUT {path}/permissions/1100000000000000001"), own).await;
    guild.ok(&format!("POST {path}/messages"), write).await;
    guild.ok(&format!("DELETE {path}"), Value::Null).await;
    assert_eq!(guild.refused(&format!("GET {path}"), Value::Null).await, (404, 10003));
    assert_eq!(guild.refused(&create, json!({ "topic": "x" })).await, (400, 50035));
    let topic = json!({ "name": "a", "topic": "x".repeat(1025) });
    assert_eq!(guild.refused(&create, topic).await, (400, 50035));
}

#[tokio::test]
async fn a_name_or_topic_is_changed_twice_in_ten_minutes() {
    let guild = guild().await;
    let edit = format!("PATCH /channels/{INCIDENTS}");
    for topic in ["a", "b", "b"] {
        guild.ok(&edit, json!({ "topic": topic })).await;
    }
    let (status, answer) = guild.call(&edit, json!({ "name": "other" })).await;
    assert_eq!((status, &answer["global"]), (429, &json!(false)));
    assert!(answer["retry_after"].as_f64() > Some(590.0), "{answer}");
    assert_eq!(guild.discord.channel("incidents").name, "incidents");
    guild.ok(&edit, json!({ "position": 3 })).await;
    guild.discord.advance(Duration::from_secs(600));
    guild.ok(&edit, json!({ "name": "other" })).await;
}

#[tokio::test]
async fn what_the_bot_may_not_is_refused() {
    let guild = guild().await;
    let board = format!("GET /channels/{BOARD}");
    assert_eq!(guild.refused(&board, Value::Null).await, (403, 50001));
    assert_eq!(guild.refused("GET /channels/12", Value::Null).await, (404, 10003));
    let channels = guild.ok(&format!("GET /guilds/{GUILD}/channels"), Value::Null).await;
    assert_eq!(channels.as_array().unwrap().len(), 3);
    guild.discord.set_permissions(may::SEND_MESSAGES | may::MANAGE_CHANNELS, false);
    let post = format!("POST /channels/{INCIDENTS}/messages");
    assert_eq!(guild.refused(&post, json!({ "content": "a" })).await, (403, 50013));
    let create = format!("POST /guilds/{GUILD}/channels");
    assert_eq!(guild.refused(&create, json!({ "name": "a" })).await, (403, 50013));
    guild.discord.set_permissions(may::SEND_MESSAGES, true);
    guild.ok(&post, json!({ "content": "a" })).await;
    guild.discord.remove_bot("incidents").unwrap();
    assert_eq!(guild.refused(&post, json!({ "content": "a" })).await, (403, 50001));
    guild.discord.kick_bot_from_guild();
    let ops = "POST /channels/1300000000000000002/messages";
    assert_eq!(guild.refused(ops, json!({ "content": "a" })).await, (403, 50001));
}

#[tokio::test]
async fn threads_are_begun_archived_and_opened_by_writing() {
    let guild = guild().await;
    let id = guild.post("card").await;
    let begin = format!("POST /channels/{INCIDENTS}/messages/{id}/threads");
    let thread = guild.ok(&begin, json!({ "name": "talk" })).await;
    assert_eq!((&thread["id"], &thread["type"]), (&json!(id), &json!(11)));
    assert_eq!(guild.refused(&begin, json!({ "name": "talk" })).await, (400, 160_004));
    let path = format!("/channels/{id}");
    guild.ok(&format!("PUT {path}/thread-members/{ANA}"), Value::Null).await;
    let add = format!("PUT {path}/thread-members/{DORA}");
    assert_eq!(guild.refused(&add, Value::Null).await, (404, 10007));
    let said = guild.ok(&format!("POST {path}/messages"), json!({ "content": "a" })).await;
    guild.ok(&format!("PATCH {path}"), json!({ "archived": true })).await;
    let edit = format!("PATCH {path}/messages/{}", said["id"].as_str().unwrap());
    assert_eq!(guild.refused(&edit, json!({ "content": "b" })).await, (400, 50083));
    guild.ok(&format!("POST {path}/messages"), json!({ "content": "c" })).await;
    assert!(!guild.discord.channel("talk").archived, "writing opens it");
    guild.ok(&format!("PATCH {path}"), json!({ "archived": true, "locked": true })).await;
    let post = format!("POST {path}/messages");
    assert_eq!(guild.refused(&post, json!({ "content": "d" })).await, (400, 50083));
    let alone = json!({ "name": "alone", "type": 11 });
    guild.ok(&format!("POST /channels/{INCIDENTS}/threads"), alone).await;
    let active = guild.ok(&format!("GET /guilds/{GUILD}/threads/active"), Value::Null).await;
    assert_eq!(active["threads"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn people_are_known_as_the_guild_knows_them() {
    let guild = guild().await;
    let member = |id: &str| format!("GET /guilds/{GUILD}/members/{id}");
    let ana = guild.ok(&member(ANA), Value::Null).await;
    assert_eq!(ana["roles"].as_array().unwrap().len(), 2);
    assert_eq!(guild.refused(&member(DORA), Value::Null).await, (404, 10007));
    assert_eq!(guild.refused(&member("12"), Value::Null).await, (404, 10013));
    assert_eq!(guild.ok(&format!("GET /users/{DORA}"), Value::Null).await["username"], "dora");
    guild.discord.set_role("ana", "oncall", false).unwrap();
    let ana = guild.ok(&member(ANA), Value::Null).await;
    assert_eq!(ana["roles"].as_array().unwrap().len(), 1);
    let found =
        guild.ok(&format!("GET /guilds/{GUILD}/members/search?query=AN"), Value::Null).await;
    assert_eq!(found[0]["user"]["id"], ANA);
    assert_eq!(guild.ok("GET /users/@me", Value::Null).await["bot"], true);
    let app = guild.ok("GET /applications/@me", Value::Null).await;
    assert_eq!(app["verify_key"], guild.discord.app().public_key.as_str());
    let gateway = guild.ok("GET /gateway/bot", Value::Null).await;
    assert_eq!(gateway["url"], guild.discord.gateway_url());
    assert_eq!(gateway["session_start_limit"]["remaining"], 1000);
}

#[tokio::test]
async fn commands_keep_their_ids_and_their_number_a_day_is_limited() {
    let guild = guild().await;
    guild.register().await;
    let first = guild.discord.commands();
    guild.register().await;
    assert_eq!(guild.discord.commands()[0]["id"], first[0]["id"]);
    let path = "/applications/1100000000000000001/commands";
    let mut refused = None;
    for n in 0..210 {
        let body = json!({ "name": format!("c{n}"), "description": "d" });
        let (status, answer) = guild.call(&format!("POST {path}"), body).await;
        match status {
            201 => {
                let id = answer["id"].as_str().unwrap();
                guild.ok(&format!("DELETE {path}/{id}"), Value::Null).await;
            }
            _ => {
                refused = Some((n, answer["code"].clone()));
                break;
            }
        }
    }
    assert_eq!(refused, Some((198, json!(30034))), "two were made before");
    let put = format!("PUT {path}");
    assert_eq!(guild.refused(&put, json!([{ "name": "Nova" }])).await, (400, 50035));
    let other = "PUT /applications/12/commands";
    assert_eq!(guild.refused(other, json!([])).await, (403, 20012));
}
