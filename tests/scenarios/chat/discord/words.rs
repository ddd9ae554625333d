//! What nova says: it pings nobody, keeps to the limits that Discord tells, and goes on by an ordinary
//! message when an interaction's token is over.

use std::time::Duration;

use nova_sandbox::discord::{Outcome, Pace};
use serde_json::json;

use crate::chat::{Call, Fault, Office, Platform, on_discord};

on_discord!(
    words_of_people_ping_nobody,
    limits_are_kept_that_are_told,
    an_answer_after_a_quarter_of_an_hour_is_an_ordinary_message,
);

async fn words_of_people_ping_nobody(platform: Platform) {
    let office = Office::open(platform).await;
    let (bo, role) = (office.chat().id("bo"), "1150000000000000003");
    let words =
        format!("@everyone @here <@{bo}> <@&{role}> <#1300000000000000002> [a](https://b.c)");
    office.says("ana", "incidents", &format!("incident declare high {words}")).await;
    office.says("ana", "incidents", &format!("incident note --incident=1 {words}")).await;
    let message = office.chat().writes("bo", "incidents", &words);
    office.quotes("ana", "incidents", &message).await;
    office.form("ana").await;
    assert_eq!(office.submits("ana", &[("text", &words)]).await, Ok(()));
    let room = |office: &Office| {
        let rooms = office.chat().rooms().into_iter();
        rooms.into_iter().find(|name| name.starts_with("inc-1"))
    };
    let room = office.until("the incident's channel", room).await;
    let noted =
        |office: &Office| office.ours(&room).first()?.text.contains("Last notes").then_some(());
    office.until("the card with its notes", noted).await;
    for channel in office.discord().channels() {
        for message in channel.messages.iter().chain(&channel.ephemerals).filter(|one| one.by_bot) {
            assert!(message.mentions.is_empty(), "{message:?}");
            let drawn = format!("{} {}", message.content, json!(message.embeds));
            for live in [format!("<@{bo}>"), format!("<@&{role}>"), "[a](https".to_owned()] {
                let at =
                    drawn.replace(&format!("\\\\{live}"), "").replace(&format!("\\{live}"), "");
                assert!(!at.contains(&live), "{live} in {drawn}");
            }
        }
    }
    for call in office.discord().journal() {
        let data = if call.path.ends_with("/callback") {
            &call.arguments["data"]
        } else {
            &call.arguments
        };
        if data.get("content").is_some() {
            assert_eq!(data["allowed_mentions"]["parse"], json!([]), "{}", call.path);
        }
    }
    office.close().await;
}

async fn limits_are_kept_that_are_told(platform: Platform) {
    let office = Office::open(platform).await;
    office.discord().set_pace(Pace::Real);
    office.says("ana", "incidents", "incident declare high login hangs").await;
    for count in 1..=8 {
        office
            .says("ana", "incidents", &format!("incident note --incident=1 number {count}"))
            .await;
    }
    let room = "inc-1-login-hangs";
    let drawn = |office: &Office| {
        let rooms = office.chat().rooms();
        let there = rooms.iter().any(|name| name == room).then_some(room)?;
        office.ours(there).first()?.text.contains("number 8").then_some(())
    };
    office.until("the card's last state", drawn).await;
    let calls = office.discord().journal();
    let limited: Vec<_> = calls
        .iter()
        .filter(|call| call.outcome == Outcome::Limited)
        .map(|call| &call.path)
        .collect();
    assert!(limited.is_empty(), "{limited:?}");
    office.close().await;
}

async fn an_answer_after_a_quarter_of_an_hour_is_an_ordinary_message(platform: Platform) {
    let office = Office::open(platform).await;
    office.fault(Call::Post, Some("incidents"), 1, Fault::Hang);
    office.says("ana", "incidents", "health vm-service").await;
    let hangs = |office: &Office| (office.discord().faults_left() == 0).then_some(());
    office.until("the answer on its way", hangs).await;
    office.discord().advance(Duration::from_secs(15 * 60));
    office.chat().clear_faults();
    let messages = office.answers("incidents", 1).await;
    assert_eq!(messages.len(), 1);
    assert!(messages[0].text.contains("vm-service"), "{}", messages[0].text);
    office.close().await;
}
