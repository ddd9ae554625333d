//! The route over a real socket, spoken to byte by byte.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::discord::inbound::fixtures::{ID, TOKEN, complete, intake, ping, press, us, why};
use crate::discord::signature::tests::{sign, verifier};
use crate::event::Ack;
use crate::http::fixtures::{self, Reply, request, send};
use crate::intake::fixtures::{Desk, Said, pong, soon};

const NOW: i64 = 1_700_000_000;
const PATH: &str = "/discord/interactions";

/// The route, and what it leads to.
struct Served {
    at: std::net::SocketAddr,
    intake: Arc<Intake>,
    said: Said,
    _served: fixtures::Served,
}

async fn serve(desk: &Arc<Desk>, places: usize) -> Served {
    let (intake, said) = intake(desk, places);
    let served = fixtures::serve(routes(verifier(), Arc::clone(&intake), || NOW)).await;
    Served { at: served.at, intake, said, _served: served }
}

fn headers(stamp: i64, body: &[u8]) -> String {
    let signature = sign(stamp.to_string().as_bytes(), body);
    format!("x-signature-timestamp: {stamp}\r\nx-signature-ed25519: {signature}\r\n")
}

fn signed_bytes(body: &[u8]) -> Vec<u8> {
    request(PATH, JSON, &headers(NOW, body), body)
}

fn signed(payload: &Value) -> Vec<u8> {
    signed_bytes(payload.to_string().as_bytes())
}

#[tokio::test]
async fn discords_test_of_the_address_is_answered() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    let ping = json!({ "id": ID, "application_id": us().application, "type": 1, "token": TOKEN });
    assert_eq!(send(served.at, &signed(&ping)).await.json(), json!({ "type": 1 }));
    let unsigned = request(PATH, JSON, "", ping.to_string().as_bytes());
    assert_eq!(send(served.at, &unsigned).await, Reply::empty(401));
    assert_eq!(desk.ids(), [""; 0]);
}

#[tokio::test]
async fn each_kind_reaches_the_inbox_and_is_answered() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    for (payload, kind) in
        [(ping(), 5), (press("r:run health"), 6), (why("disk"), 5), (complete("db-"), 8)]
    {
        assert_eq!(send(served.at, &signed(&payload)).await.json()["type"], kind);
    }
    assert_eq!(desk.ids(), [format!("discord:interaction:{ID}").as_str(); 4]);
}

#[tokio::test]
async fn an_answer_stands_in_the_body() {
    let served = serve(&Desk::says(pong()), 8).await;
    for payload in [ping(), press("r:ping")] {
        let body = send(served.at, &signed(&payload)).await.json();
        assert_eq!((&body["type"], &body["data"]["flags"]), (&json!(4), &json!(64)), "{body}");
        assert!(body["data"].to_string().contains("pong"), "{body}");
    }
}

#[tokio::test]
async fn nothing_forged_gets_in() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    let body = ping().to_string().into_bytes();
    let good = headers(NOW, &body);
    let (stale, early) = (headers(NOW - 301, &body), headers(NOW + 301, &body));
    let other = headers(NOW, b"{}");
    let halves: Vec<_> = good.split_inclusive("\r\n").collect();
    for headers in ["", &other, &stale, &early, halves[0], halves[1]] {
        let reply = send(served.at, &request(PATH, JSON, headers, &body)).await;
        assert_eq!(reply, Reply::empty(401), "{headers}");
    }
    // Neither does the type of what was not proved matter, nor its contents.
    let reply = send(served.at, &request(PATH, "text/plain", &good, b"{")).await;
    assert_eq!(reply, Reply::empty(401));
    for at in (0..body.len()).step_by(body.len() / 20) {
        let mut flipped = body.clone();
        flipped[at] ^= 1;
        let reply = send(served.at, &request(PATH, JSON, &good, &flipped)).await;
        assert_eq!(reply.status, 401, "{at}");
    }
    assert_eq!(desk.ids(), [""; 0]);
}

#[tokio::test]
async fn what_discord_would_not_send_is_refused_with_a_line() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    let body = ping().to_string().into_bytes();
    let get = format!("GET {PATH} HTTP/1.1\r\nhost: nova\r\nconnection: close\r\n\r\n");
    let large = format!(
        "POST {PATH} HTTP/1.1\r\nhost: nova\r\nconnection: close\r\ncontent-length: 10000000\r\n{}\r\n",
        headers(NOW, b"")
    );
    let deep = "[".repeat(200_000);
    for (bytes, status) in [
        (request(PATH, "text/plain", &headers(NOW, &body), &body), 415),
        (get.into_bytes(), 405),
        (large.into_bytes(), 413),
        (signed_bytes(b""), 400),
        (signed_bytes(&body[..300]), 400),
        (signed_bytes(b"\xff\xfe\0"), 400),
        (signed_bytes(deep.as_bytes()), 400),
    ] {
        let reply = send(served.at, &bytes).await;
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(reply.body.lines().count() <= 1 && reply.body.len() < 100, "{reply:?}");
    }
    assert_eq!(desk.ids(), [""; 0]);
}

#[tokio::test]
async fn the_unknown_and_other_servers_get_a_kind_line() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    let told = send(served.at, &signed(&press("approve"))).await.json();
    assert!(told.to_string().contains("does not know this button"), "{told}");
    let asked = send(served.at, &signed(&press("c:run health"))).await.json();
    assert_eq!((&asked["type"], &asked["data"]["flags"]), (&json!(4), &json!(64)));
    let mut payload = ping();
    payload["guild_id"] = json!("1000000000000000099");
    let told = send(served.at, &signed(&payload)).await.json();
    assert_eq!((&told["type"], &told["data"]["flags"]), (&json!(4), &json!(64)));
    assert!(told.to_string().contains("does not serve this server"), "{told}");
    assert_eq!(desk.ids(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_inbox_is_not_waited_for_and_is_heard_in_the_end() {
    for (payload, kind) in [(ping(), 5), (press("r:ping"), 6)] {
        let (desk, gate) = Desk::waiting();
        let mut served = serve(&desk, 8).await;
        assert_eq!(send(served.at, &signed(&payload)).await.json()["type"], kind);
        gate.notify_one();
        let (to, message, private) = soon("the late answer", served.said.recv()).await.unwrap();
        assert_eq!((message.headline.as_str(), private), ("pong", true));
        assert!(to.reply.token.is_some());
        assert_eq!(served.intake.close(Duration::from_secs(5)).await, 0);
    }
}

#[tokio::test]
async fn an_event_is_seen_through_when_the_connection_breaks() {
    let (desk, gate) = Desk::waiting();
    let mut served = serve(&desk, 8).await;
    let mut stream = TcpStream::connect(served.at).await.unwrap();
    stream.write_all(&signed(&ping())).await.unwrap();
    desk.taken(1).await;
    drop(stream);
    // The task takes over when the connection is seen to be gone; then it is told to go on.
    soon("a task", async {
        while served.intake.unfinished() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    gate.notify_one();
    let (_, message, _) = soon("the answer", served.said.recv()).await.unwrap();
    assert_eq!(message.headline, "pong");
}

#[tokio::test]
async fn a_panic_is_answered_and_so_is_the_want_of_a_place() {
    let served = serve(&Desk::new(|_| async { panic!("a bug") }), 8).await;
    let told = send(served.at, &signed(&ping())).await.json();
    assert!(told.to_string().contains("nova failed"), "{told}");
    let choices = send(served.at, &signed(&complete("db-"))).await.json();
    assert_eq!(choices["data"]["choices"], json!([]));
    let full = serve(&Desk::says(Ack::Received), 0).await;
    let told = send(full.at, &signed(&why("disk"))).await.json();
    assert!(told.to_string().contains("nova is busy"), "{told}");
}
