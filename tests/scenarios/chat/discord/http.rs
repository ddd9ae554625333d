//! The door of the interactions: what was not signed by Discord is refused unread and leaves no row, and
//! what was signed is answered once.

use serde_json::json;

use crate::chat::{Office, Platform, Said};

const PATH: &str = "/discord/interactions";
const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(office: &Office, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    office.nova().request("POST", PATH, headers, body).await
}

fn headers<'a>(at: &'a str, signature: &'a str) -> [(&'a str, &'a str); 3] {
    [JSON, ("x-signature-timestamp", at), ("x-signature-ed25519", signature)]
}

/// The status of a body with the app's signature on it, as if signed so many seconds from now.
async fn signed(office: &Office, body: &[u8], seconds: i64) -> u16 {
    let proof = office.discord().signed_at(body, seconds);
    post(office, &headers(&proof.timestamp, &proof.signature), body).await
}

fn ping(office: &Office) -> Vec<u8> {
    let delivery = office.discord().typed_delivery("ana", "incidents", "ping");
    delivery.expect("the command is registered").payload.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_requests_are_refused_and_leave_no_row() {
    let office = Office::open(Platform::DiscordHttp).await;
    let body = ping(&office);
    let proof = office.discord().signed(&body);
    let (at, signature) = (proof.timestamp.as_str(), proof.signature.as_str());
    let good = headers(at, signature);
    assert_eq!(post(&office, &good[..1], &body).await, 401, "no signature");
    assert_eq!(post(&office, &good[..2], &body).await, 401, "half of one");
    for byte in 0..body.len() {
        let mut flipped = body.clone();
        flipped[byte] ^= 1 << (byte % 8);
        assert_eq!(post(&office, &good, &flipped).await, 401, "byte {byte} is another");
    }
    for digit in 0..signature.len() {
        let other = if &signature[digit..=digit] == "0" { "1" } else { "0" };
        let flipped = format!("{}{other}{}", &signature[..digit], &signature[digit + 1..]);
        assert_eq!(post(&office, &headers(at, &flipped), &body).await, 401, "digit {digit}");
    }
    let later = (at.parse::<u64>().expect("it is a time") + 1).to_string();
    assert_eq!(post(&office, &headers(&later, signature), &body).await, 401, "another time");
    assert_eq!(signed(&office, &body, -301).await, 401, "five minutes old");
    assert_eq!(signed(&office, &body, 302).await, 401, "from the future");
    let huge = vec![b'a'; 10 * 1024 * 1024];
    assert_eq!(post(&office, &good, &huge).await, 413, "10 MB");
    let form = [("content-type", "application/x-www-form-urlencoded"), good[1], good[2]];
    assert_eq!(post(&office, &form, &body).await, 415, "not JSON");
    assert!(office.timeline().await.is_empty());
    // The same bytes a hundred times are one command.
    for _ in 0..100 {
        let status = post(&office, &good, &body).await;
        assert!([200, 204].contains(&status), "{status}");
    }
    assert_eq!(office.timeline().await.len(), 1, "one command");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_nonsense_is_a_bad_request() {
    let office = Office::open(Platform::DiscordHttp).await;
    office.discord().check_endpoint().await.expect("a PING is answered whenever it comes");
    let bodies = [
        String::new(),
        "null".to_owned(),
        "[".repeat(50_000),
        "{\"type\":2".to_owned(),
        json!({ "type": 2 }).to_string(),
        String::from_utf8(ping(&office)).expect("it is text").replace("\"member\"", "\"nobody\""),
    ];
    for body in bodies {
        let status = signed(&office, body.as_bytes(), 0).await;
        assert_eq!(status, 400, "{}", &body[..body.len().min(60)]);
    }
    for path in ["/", "/discord", "/discord/interactions/", "/slack/commands"] {
        assert_eq!(office.nova().request("POST", path, &[JSON], b"").await, 404, "{path}");
    }
    assert!(office.timeline().await.is_empty());
    let Said::Privately(text) = office.says("ana", "incidents", "ping").await else {
        panic!("nova goes on");
    };
    assert!(text.contains("pong"), "{text}");
    office.close().await;
}
