//! Files beside messages.

use super::messages::{POST, at};
use super::server::{Answers, Reply, posted};
use super::{class, client};
use crate::chat::Chat;
use crate::message::Attachment;

fn file(name: &str, media_type: &'static str, bytes: &[u8]) -> Attachment {
    Attachment { name: name.into(), media_type, bytes: bytes.to_vec() }
}

#[tokio::test]
async fn a_file_answers_the_message_it_belongs_to() {
    let server = Answers::start().await;
    server.to(POST, posted());
    let discord = client(&server.api_url());
    let picture = file("disk usage.png", "image/png", b"\x89PNG\r\n--nova");
    discord.attach(&at(), &picture).await.unwrap();

    let seen = &server.seen(POST)[0];
    let media_type = seen.header("content-type").unwrap();
    let boundary = media_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = String::from_utf8_lossy(&seen.body).replace(boundary, "BOUNDARY");
    let nonce = |part: &str| part.split_once("\"nonce\":\"").map(|(_, rest)| rest[..25].to_owned());
    let shown = body.replace(&nonce(&body).unwrap(), "NONCE").replace('\r', "");
    insta::assert_snapshot!(shown, @r#"
    --BOUNDARY
    Content-Disposition: form-data; name="payload_json"
    Content-Type: application/json

    {"attachments":[{"id":"0","filename":"disk_usage.png","description":"Picture: disk_usage.png"}],"allowed_mentions":{"parse":[],"replied_user":false},"nonce":"NONCE","enforce_nonce":true,"message_reference":{"message_id":"1600000000000000001","fail_if_not_exists":false}}
    --BOUNDARY
    Content-Disposition: form-data; name="files[0]"; filename="disk_usage.png"
    Content-Type: image/png

    �PNG
    --nova
    --BOUNDARY--
    "#);
}

#[tokio::test]
async fn the_same_file_twice_is_one_to_discord() {
    let server = Answers::start().await;
    server.to(POST, Reply::new(500, "")).to(POST, posted());
    let discord = client(&server.api_url());
    let (log, other) = (file("a.log", "text/plain", b"x"), file("a.log", "text/plain", b"y"));
    assert_eq!(class(&discord.attach(&at(), &log).await), "unavailable");
    discord.attach(&at(), &log).await.unwrap();
    discord.attach(&at(), &other).await.unwrap();
    let bodies: Vec<_> = server.seen(POST).into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies[0], bodies[1]);
    assert_ne!(bodies[1], bodies[2]);
    let empty = file("a", "text/plain", b"");
    assert_eq!(class(&discord.attach(&at(), &empty).await), "refused");
}
