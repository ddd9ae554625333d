//! Slack in trouble: slow, limited, silent, half gone.

use std::time::Duration;

use nova_sandbox::slack::{Disconnect, Fault, Slack};

use super::workspace::read_aloud;
use super::{Office, Transport, on_both_transports};

on_both_transports!(
    limits_and_errors_are_waited_out,
    a_lost_reply_makes_no_second_message,
    a_channel_that_is_gone_falls_back,
    a_revoked_token_stops_everything_until_there_is_a_new_one,
    a_new_token_is_found_where_the_old_one_was_kept,
    a_token_that_is_kept_elsewhere_now_is_not_replaced_by_the_old_one,
);

/// Asks, and expects exactly one final message.
async fn one_answer(office: &Office, channel: &str, before: usize) {
    office.says("ana", channel, "health vm-service").await;
    let messages = office.answers(channel, before + 1).await;
    assert_eq!(messages.len(), before + 1);
    let shown = read_aloud(&messages[before]);
    assert!(shown.contains("vm-service"), "{shown}");
}

async fn limits_and_errors_are_waited_out(transport: Transport) {
    let office = Office::open(transport).await;
    let faults = [
        Fault::TooMany(Duration::from_secs(1)),
        Fault::RateLimited,
        Fault::Status(500),
        Fault::Status(503),
        Fault::Drop,
        Fault::Error("internal_error".to_owned()),
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        office.slack.fault("chat.postMessage", Some("incidents"), 1, fault);
        one_answer(&office, "incidents", at).await;
    }
    office.close().await;
}

async fn a_lost_reply_makes_no_second_message(transport: Transport) {
    let office = Office::open(transport).await;
    for (at, fault) in [Fault::LoseReply, Fault::Truncated].into_iter().enumerate() {
        office.slack.fault("chat.postMessage", Some("incidents"), 1, fault);
        one_answer(&office, "incidents", at).await;
    }
    // And when history cannot be read at once, either.
    office.slack.fault("chat.postMessage", Some("incidents"), 1, Fault::LoseReply);
    office.slack.fault("conversations.history", None, 1, Fault::Status(503));
    one_answer(&office, "incidents", 2).await;
    office.close().await;
}

async fn a_channel_that_is_gone_falls_back(transport: Transport) {
    let office = Office::open(transport).await;
    // The command is taken; before its answer goes out the channel is archived.
    office.slack.fault(
        "chat.postMessage",
        Some("incidents"),
        1,
        Fault::Error("is_archived".to_owned()),
    );
    office.slack.fault("response_url", None, 5, Fault::Status(404));
    office.slack.fault("chat.postEphemeral", None, 5, Fault::Error("is_archived".to_owned()));
    office.says("ana", "incidents", "health vm-service").await;
    let messages = office.answers("ops", 1).await;
    let shown = read_aloud(&messages[0]);
    assert!(shown.contains("vm-service") && shown.contains("C0INCIDENT"), "{shown}");
    office.slack.clear_faults();
    let events = office.slack.remove_bot("incidents").await.expect("it was a member");
    assert!(events.iter().all(|delivered| delivered.acked), "{events:?}");
    office.close().await;
}

async fn a_revoked_token_stops_everything_until_there_is_a_new_one(transport: Transport) {
    let office = Office::open(transport).await;
    one_answer(&office, "incidents", 0).await;
    drop(office.slack.rotate_token());
    office.says("ana", "incidents", "health vm-service").await;
    let refused = |slack: &Slack| {
        let calls = slack.journal();
        calls
            .iter()
            .any(|call| format!("{:?}", call.outcome).contains("token_revoked"))
            .then_some(())
    };
    office.slack.until("a call with the old token", refused).await.expect("nova tries");
    ready(&office, "503").await;
    let calls = office.slack.journal().len();
    office.says("ana", "incidents", "health vm-service").await;
    office.says("ana", "incidents", "ping").await;
    let after = office.slack.journal();
    let with_old = after[calls..].iter().filter(|call| call.method.starts_with("chat."));
    assert_eq!(with_old.count(), 0, "nothing is sent with a token that is not accepted");
    office.reload(&office.config);
    ready(&office, "200").await;
    one_answer(&office, "incidents", 1).await;
    office.close().await;
}

/// A configuration whose bot token is in this file.
fn in_file(text: &str, file: &std::path::Path) -> String {
    let reference = format!("bot_token = {{ file = \"{}\" }}", file.display());
    text.replace("bot_token = { env = \"BOT\" }", &reference)
}

/// Waits until Slack has been asked so often who nova is.
async fn identified(office: &Office, times: usize) {
    let asked = |slack: &Slack| {
        let calls = slack.journal();
        (calls.iter().filter(|call| call.method == "auth.test").count() >= times).then_some(())
    };
    office.slack.until("nova trying a token", asked).await.expect("nova tries it");
}

async fn a_new_token_is_found_where_the_old_one_was_kept(transport: Transport) {
    let office = Office::open(transport).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("token");
    std::fs::write(&file, office.slack.bot_token()).expect("it can be written");
    office.reload(&in_file(&office.config, &file));
    identified(&office, 2).await;
    std::fs::write(&file, office.slack.rotate_token()).expect("it can be written");
    office.says("ana", "incidents", "health vm-service").await;
    // With the old token, whose refusal it was noticed by, and then with the new one.
    identified(&office, 3).await;
    ready(&office, "200").await;
    one_answer(&office, "incidents", 0).await;
    office.close().await;
}

async fn a_token_that_is_kept_elsewhere_now_is_not_replaced_by_the_old_one(transport: Transport) {
    let office = Office::open(transport).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("token");
    std::fs::write(&file, office.slack.bot_token()).expect("it can be written");
    office.reload(&in_file(&office.config, &file));
    identified(&office, 2).await;
    drop(office.slack.rotate_token());
    office.says("ana", "incidents", "health vm-service").await;
    ready(&office, "503").await;
    // Something else stands where it was kept, and the configuration names another place.
    std::fs::write(&file, "xoxb-of-nobody").expect("it can be written");
    office.reload(&office.config);
    ready(&office, "200").await;
    one_answer(&office, "incidents", 0).await;
    let calls = office.slack.journal();
    let foreign =
        calls.iter().filter(|call| format!("{:?}", call.outcome).contains("invalid_auth"));
    assert_eq!(foreign.count(), 0, "the old place was looked at again");
    office.close().await;
}

/// Waits until `/readyz` answers so.
async fn ready(office: &Office, status: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = office.address.trim_start_matches("http://");
    let mut last = String::new();
    for _ in 0..1_000 {
        let mut stream = tokio::net::TcpStream::connect(host).await.expect("nova listens");
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("nova reads");
        last.clear();
        stream.read_to_string(&mut last).await.expect("nova answers");
        if last.split(' ').nth(1) == Some(status) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("/readyz was awaited to be {status}: {last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_come_back_and_overlap() {
    let office = Office::open(Transport::Sockets).await;
    let both = |slack: &Slack| (slack.sockets() == 2).then_some(());
    for reason in [Disconnect::Warning, Disconnect::RefreshRequested] {
        let opened = opened(&office.slack);
        office.slack.disconnect(reason, 1);
        let fresh = |slack: &Slack| (opened < self::opened(slack)).then_some(());
        office.slack.until("a new socket", fresh).await.expect("nova opens one");
        office.slack.until("two sockets", both).await.expect("the old one goes");
    }
    let before = opened(&office.slack);
    office.slack.drop_sockets();
    let fresh = |slack: &Slack| (opened(slack) >= before + 2).then_some(());
    office.slack.until("two new sockets", fresh).await.expect("nova comes back");
    office.slack.until("two sockets again", both).await.expect("nova comes back");
    one_answer(&office, "incidents", 0).await;
    office.close().await;
}

fn opened(slack: &Slack) -> usize {
    slack.journal().iter().filter(|call| call.method == "apps.connections.open").count()
}
