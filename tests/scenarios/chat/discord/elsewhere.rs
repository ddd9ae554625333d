//! Interactions from other servers, from other applications, and from direct conversations.

use serde_json::json;

use crate::chat::{Office, Platform, Said, on_discord};

on_discord!(
    other_servers_and_applications_are_not_served,
    in_a_direct_conversation_the_server_says_who_somebody_is,
);

async fn other_servers_and_applications_are_not_served(platform: Platform) {
    let office = Office::open(platform).await;
    let elsewhere = json!("1100000000000000099");
    for (key, line) in [
        ("guild_id", "ping"),
        ("guild_id", "incident declare high mine"),
        ("application_id", "ping"),
    ] {
        let delivery = office.discord().typed_delivery("ana", "incidents", line);
        let mut delivery = delivery.expect("the command is registered");
        delivery.payload[key] = elsewhere.clone();
        let told = office.discord_sends(&delivery).await;
        assert!(told.acked, "{key}: {told:?}");
        let data = &told.response["data"];
        assert_eq!(data["flags"], 64, "{key}: for the person alone");
        let text = data["content"].as_str().unwrap_or_default();
        assert!(text.contains("does not serve this server"), "{key}: {text}");
    }
    assert!(office.timeline().await.is_empty());
    office.close().await;
}

async fn in_a_direct_conversation_the_server_says_who_somebody_is(platform: Platform) {
    let global = |text: String| text.replace("member_roles", "commands = \"global\"\nmember_roles");
    let office = Office::with(platform, global).await;
    let mut replies = String::new();
    for user in ["ana", "bo", "gus", "dora"] {
        match office.says(user, &format!("@{user}"), "whoami").await {
            Said::Privately(text) => replies += &format!("{user}: {text}\n"),
            said => panic!("{user}: {said:?}"),
        }
    }
    office.snapshot("direct_conversations", &replies);
    office.says("ana", "@ana", "health vm-service").await;
    let answered = |office: &Office| {
        let seen = office.chat().direct("ana").into_iter();
        seen.map(|shown| shown.text).find(|text| text.contains("3/3 ready"))
    };
    office.until("the answer, directly", answered).await;
    office.close().await;
}
