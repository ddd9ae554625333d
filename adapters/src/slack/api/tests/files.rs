//! Files beside a message.

use serde_json::{Value, json};

use super::server::{Answers, Reply, error};
use super::{class, client, place};
use crate::chat::{Chat, ChatError, MessageRef};
use crate::message::Attachment;

const ADDRESS: &str = "files.getUploadURLExternal";
const SHARE: &str = "files.completeUploadExternal";

fn picture() -> Attachment {
    Attachment { name: "cpu.png".into(), media_type: "image/png", bytes: b"\x89PNG\0\xff".to_vec() }
}

fn standing(conversation: &str) -> MessageRef {
    MessageRef { conversation: place(conversation), id: "1700000000.000100".into() }
}

async fn ready() -> Answers {
    let server = Answers::start().await;
    let address = json!({ "upload_url": server.url("upload/1"), "file_id": "F1" });
    server.to(ADDRESS, address).to("upload/1", Reply::new(200, "OK - 6"));
    server.to(SHARE, json!({ "files": [{ "id": "F1", "anything": [1, null] }] }));
    server
}

#[tokio::test]
async fn a_file_goes_into_the_messages_thread() {
    let server = ready().await;
    let slack = client(&server.api_url());
    slack.attach(&standing("C1"), &picture()).await.unwrap();

    let asked = json!({ "filename": "cpu.png", "length": "6", "alt_txt": "Picture: cpu.png" });
    assert_eq!(server.seen(ADDRESS)[0].arguments, asked);
    let sent = &server.seen("upload/1")[0];
    assert_eq!(sent.body, picture().bytes);
    assert_eq!(sent.authorisation, None, "the address is the permission");
    let shared = json!({
        "files": [{ "id": "F1", "title": "cpu.png" }],
        "channel_id": "C1", "thread_ts": "1700000000.000100", "channels": null,
    });
    assert_eq!(without_nulls(&server.seen(SHARE)[0].arguments), without_nulls(&shared));

    let thread = standing("C1/1600000000.000200");
    slack.attach(&thread, &picture()).await.unwrap();
    assert_eq!(server.seen(SHARE)[1].arguments["thread_ts"], "1600000000.000200");
}

fn without_nulls(value: &Value) -> Value {
    let object = value.as_object().unwrap();
    object.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[tokio::test]
async fn bytes_go_to_slack_only() {
    for foreign in ["https://evil.example/upload", "http://169.254.169.254/x", "not an address"] {
        let server = ready().await;
        let address = json!({ "upload_url": foreign, "file_id": "F1" });
        server.anew(ADDRESS).to(ADDRESS, address);
        let attached = client(&server.api_url()).attach(&standing("C1"), &picture()).await;
        assert_eq!(class(&attached), "refused");
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn only_the_last_step_is_in_doubt() {
    let broken = Reply::new(500, "");
    for (step, expected) in
        [(ADDRESS, "unavailable"), ("upload/1", "unavailable"), (SHARE, "unanswered")]
    {
        let server = ready().await;
        server.anew(step).to(step, broken.clone());
        let attached = client(&server.api_url()).attach(&standing("C1"), &picture()).await;
        assert_eq!(class(&attached), expected, "{step}");
    }
    let server = ready().await;
    server.anew(SHARE).to(SHARE, error("not_in_channel"));
    let attached = client(&server.api_url()).attach(&standing("C1"), &picture()).await;
    assert_eq!(class(&attached), "gone");
}

#[tokio::test]
async fn an_empty_file_is_refused_with_its_name() {
    let server = ready().await;
    let empty = Attachment { bytes: Vec::new(), ..picture() };
    let attached = client(&server.api_url()).attach(&standing("C1"), &empty).await;
    let Err(ChatError::Refused(why)) = attached else { panic!("{attached:?}") };
    assert_eq!(why, "cpu.png is empty");
    assert_eq!(server.count(), 0);
}
