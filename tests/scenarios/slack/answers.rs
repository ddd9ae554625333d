//! What people see when they type and press.

use nova_sandbox::slack::{Slack, SlackOptions};

use super::workspace::{blocks_aloud, read_aloud};
use super::{Office, Transport, on_both_transports};
use crate::support::stable;

on_both_transports!(
    health_in_an_incident_channel,
    quick_answers_come_with_the_acknowledgement,
    a_button_asks_the_next_question,
    where_the_bot_is_no_member_the_event_itself_is_answered,
    a_long_answer_is_attached_whole,
    a_command_that_is_delivered_twice_runs_once,
);

async fn health_in_an_incident_channel(transport: Transport) {
    let office = Office::open(transport).await;
    office.sandbox("break vm-service").await;
    let delivered = office.says("ana", "incidents", "health vm-service").await;
    assert_eq!(delivered.response["response_type"], "in_channel");
    let messages = office.answers("incidents", 1).await;
    assert_eq!(messages.len(), 1, "one message, edited");
    let shown = read_aloud(&messages[0]);
    stable(|| insta::assert_snapshot!("slack_health", shown));
    assert!(messages[0].text.contains("vm-service"), "{}", messages[0].text);
    let timeline = office.timeline().await;
    let kinds: Vec<&str> = timeline.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["invoked", "answered"]);
    assert_eq!(timeline[0].actor, "ana");
    office.close().await;
}

async fn quick_answers_come_with_the_acknowledgement(transport: Transport) {
    let office = Office::open(transport).await;
    let mut replies = String::new();
    for line in ["ping", "whoami", "", "help health", "helth", "health “vm"] {
        let delivered = office.says("ana", "incidents", line).await;
        if delivered.response.is_null() {
            // Too long for the acknowledgement: it comes directly, and the channel says so.
            let told = |slack: &Slack| {
                let whispers = slack.ephemerals("incidents", "ana").into_iter();
                let mut whispers = whispers.map(|message| read_aloud(&message));
                whispers.find(|text| text.contains("direct messages"))
            };
            let told = office.slack.until("a hint", told).await.expect("nova says where it is");
            let direct = office.slack.direct_messages("ana").pop().expect("it is there");
            replies += &format!("> {line}\n{told}\n{}\n\n", read_aloud(&direct));
            continue;
        }
        assert_eq!(delivered.response["response_type"], "ephemeral", "{line}");
        let blocks = delivered.response["blocks"].as_array().expect("it has blocks");
        replies += &format!("> {line}\n{}\n\n", blocks_aloud(blocks));
    }
    stable(|| insta::assert_snapshot!("slack_quick_answers", replies));
    office.close().await;
}

async fn a_button_asks_the_next_question(transport: Transport) {
    let office = Office::open(transport).await;
    office.sandbox("break vm-service").await;
    office.says("ana", "incidents", "health").await;
    let first = office.answers("incidents", 1).await.remove(0);
    let buttons: Vec<&str> = first
        .blocks
        .iter()
        .filter(|block| block["type"] == "actions")
        .flat_map(|block| block["elements"].as_array().into_iter().flatten())
        .filter_map(|element| element["action_id"].as_str())
        .collect();
    let next = buttons.first().expect("the next sensible step is a button");
    let delivered = office.clicks("bo", "incidents", &first.ts, next).await;
    assert!(!delivered.response.is_object(), "{delivered:?}");
    let messages = office.answers("incidents", 2).await;
    assert!(read_aloud(&messages[1]).contains("vm-service"), "{}", read_aloud(&messages[1]));
    assert_eq!(messages[0].edits, first.edits, "the first answer stays as it was");
    office.close().await;
}

async fn where_the_bot_is_no_member_the_event_itself_is_answered(transport: Transport) {
    let office = Office::open(transport).await;
    for channel in ["random", "board"] {
        office.says("ana", channel, "health vm-service").await;
        let messages = office.answers(channel, 1).await;
        assert_eq!(messages.len(), 1);
        assert!(read_aloud(&messages[0]).contains("vm-service"), "{messages:?}");
    }
    office.close().await;
}

async fn a_long_answer_is_attached_whole(transport: Transport) {
    let services = |text: String| {
        let mut text = text;
        for number in 0..80 {
            text += &format!("[[services]]\nname = \"extra-{number:02}\"\nport = 1\n");
        }
        text
    };
    let office = Office::with(transport, SlackOptions::default(), services).await;
    office.says("ana", "incidents", "health").await;
    let answer = office.answers("incidents", 1).await.remove(0);
    let shared = |slack: &Slack| slack.files().into_iter().find(|file| !file.bytes.is_empty());
    let file = office.slack.until("a file", shared).await.expect("the whole answer is attached");
    let whole = String::from_utf8(file.bytes.to_vec()).expect("it is text");
    for number in 0..80 {
        assert!(whole.contains(&format!("extra-{number:02}")), "{whole}");
    }
    assert!(answer.blocks.len() <= 50);
    office.close().await;
}

async fn a_command_that_is_delivered_twice_runs_once(transport: Transport) {
    let office = Office::open(transport).await;
    let twice = office.slack.command_delivery("ana", "incidents", "/nova", "health vm-service");
    let twice = twice.expect("there are such a person and channel");
    let (one, other) = tokio::join!(office.delivers(&twice), office.delivers(&twice));
    let third = office.delivers(&twice).await;
    let public = [&one, &other, &third]
        .iter()
        .filter(|delivered| delivered.response["response_type"] == "in_channel")
        .count();
    assert_eq!(public, 1);
    office.answers("incidents", 1).await;
    let ours = office.slack.messages("incidents").iter().filter(|m| m.by_bot).count();
    assert_eq!(ours, 1);
    assert_eq!(office.timeline().await.len(), 2);
    office.close().await;
}
