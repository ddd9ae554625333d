//! A platform in trouble: slow, limited, silent, half gone.

use std::path::Path;
use std::time::Duration;

use super::{Call, Deed, Fault, Office, Platform, Shown, Token, on_every_platform};

on_every_platform!(
    limits_and_errors_are_waited_out,
    a_lost_reply_makes_no_second_message,
    a_channel_that_is_gone_falls_back,
    a_revoked_token_stops_everything_until_there_is_a_new_one,
    a_new_token_is_found_where_the_old_one_was_kept,
    a_token_that_is_kept_elsewhere_now_is_not_replaced_by_the_old_one,
);

/// Asks, and expects exactly one final message.
pub(crate) async fn one_answer(office: &Office, channel: &str, before: usize) {
    office.says("ana", channel, "health vm-service").await;
    let messages = office.answers(channel, before + 1).await;
    assert_eq!(messages.len(), before + 1);
    assert!(messages[before].text.contains("vm-service"), "{}", messages[before].text);
}

async fn limits_and_errors_are_waited_out(platform: Platform) {
    let office = Office::open(platform).await;
    let faults = [
        Fault::TooMany(Duration::from_secs(1)),
        Fault::Limited,
        Fault::Status(500),
        Fault::Status(503),
        Fault::Drop,
        Fault::Internal,
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        office.fault(Call::Post, Some("incidents"), 1, fault);
        one_answer(&office, "incidents", at).await;
    }
    office.close().await;
}

async fn a_lost_reply_makes_no_second_message(platform: Platform) {
    let office = Office::open(platform).await;
    for (at, fault) in [Fault::LoseReply, Fault::Truncated].into_iter().enumerate() {
        office.fault(Call::Post, Some("incidents"), 1, fault);
        one_answer(&office, "incidents", at).await;
    }
    // And when it cannot be looked for at once, either.
    office.fault(Call::Post, Some("incidents"), 1, Fault::LoseReply);
    office.fault(Call::Find, None, 1, Fault::Status(503));
    one_answer(&office, "incidents", 2).await;
    // And of a message of nova's own.
    let answer = office.ours("incidents").pop().expect("it is there");
    office.fault(Call::Post, Some("incidents"), 1, Fault::LoseReply);
    press(&office, &answer).await;
    assert_eq!(office.answers("incidents", 4).await.len(), 4);
    office.close().await;
}

async fn a_channel_that_is_gone_falls_back(platform: Platform) {
    let office = Office::open(platform).await;
    // The command is taken; before its answer goes out the channel is archived.
    office.fault(Call::Post, Some("incidents"), 1, Fault::Gone);
    office.fault(Call::Reply, None, 5, Fault::Gone);
    office.fault(Call::Whisper, None, 5, Fault::Gone);
    office.says("ana", "incidents", "health vm-service").await;
    let told = office.answers("ops", 1).await.remove(0).text;
    let meant_for = office.chat().id("incidents");
    assert!(told.contains("vm-service") && told.contains(&meant_for), "{told}");
    office.chat().clear_faults();
    office.does("ana", Deed::Removes { channel: "incidents" }).deliver().await;
    office.close().await;
}

/// Waits until nova has called with a token that is revoked.
async fn refused(office: &Office) {
    let look = |office: &Office| (office.calls_with(Token::Revoked) > 0).then_some(());
    office.until("a call with the old token", look).await;
}

/// The first answer in the channel, with a button.
async fn answer_with_button(office: &Office) -> Shown {
    office.says("ana", "incidents", "health").await;
    let answer = office.answers("incidents", 1).await.pop().expect("it is there");
    assert!(!answer.buttons.is_empty(), "{}", answer.text);
    answer
}

/// Asks once more, when there is an answer to everything that nova has taken.
async fn all_answered(office: &Office) {
    let taken = office.recorded().await.iter().filter(|kind| **kind == "invoked").count();
    office.answers("incidents", taken).await;
    one_answer(office, "incidents", taken).await;
}

/// Presses a button: the answer is a message of nova's own, which takes its token everywhere.
async fn press(office: &Office, on: &Shown) {
    let label = &on.buttons.first().expect("there is a button").label;
    office.presses("ana", on, label).await;
}

async fn a_revoked_token_stops_everything_until_there_is_a_new_one(platform: Platform) {
    let office = Office::open(platform).await;
    let answer = answer_with_button(&office).await;
    drop(office.chat().rotate_token());
    press(&office, &answer).await;
    refused(&office).await;
    office.ready(503).await;
    let calls = office.chat().sent().len();
    office.says("ana", "incidents", "health vm-service").await;
    office.says("ana", "incidents", "ping").await;
    let after = office.chat().sent();
    let with_old = after[calls..].iter().filter(|sent| sent.shows && sent.token != Token::Accepted);
    assert_eq!(with_old.count(), 0, "nothing is sent with a token that is not accepted");
    office.reload(&office.config);
    office.ready(200).await;
    all_answered(&office).await;
    office.close().await;
}

/// Has nova take its bot token from this file.
async fn keep_in(office: &Office, file: &Path) {
    std::fs::write(file, &office.chat().secrets()["BOT"]).expect("it can be written");
    let reference = format!("bot_token = {{ file = \"{}\" }}", file.display());
    office.reload(&office.config.replace("bot_token = { env = \"BOT\" }", &reference));
    identified(office, 2).await;
}

/// Waits until the platform has been asked so often who nova is.
async fn identified(office: &Office, times: usize) {
    let look = |office: &Office| (office.calls(Call::Identify) >= times).then_some(());
    office.until("nova trying a token", look).await;
}

async fn a_new_token_is_found_where_the_old_one_was_kept(platform: Platform) {
    let office = Office::open(platform).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("token");
    keep_in(&office, &file).await;
    let answer = answer_with_button(&office).await;
    std::fs::write(&file, office.chat().rotate_token()).expect("it can be written");
    press(&office, &answer).await;
    // With the old token, whose refusal it was noticed by, and then with the new one.
    identified(&office, 3).await;
    office.ready(200).await;
    all_answered(&office).await;
    office.close().await;
}

async fn a_token_that_is_kept_elsewhere_now_is_not_replaced_by_the_old_one(platform: Platform) {
    let office = Office::open(platform).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("token");
    keep_in(&office, &file).await;
    let answer = answer_with_button(&office).await;
    drop(office.chat().rotate_token());
    press(&office, &answer).await;
    refused(&office).await;
    // The one that is kept there is tried once more, and is the old one.
    identified(&office, 3).await;
    office.ready(503).await;
    // Something else stands where it was kept, and the configuration names another place.
    std::fs::write(&file, "xoxb-of-nobody").expect("it can be written");
    office.reload(&office.config);
    office.ready(200).await;
    all_answered(&office).await;
    assert_eq!(office.calls_with(Token::Unknown), 0, "the old place was looked at again");
    office.close().await;
}
