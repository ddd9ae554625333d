//! The routes over a real socket, spoken to byte by byte.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::event::Ack;
use crate::http::fixtures::{self, Reply, request, send};
use crate::intake::fixtures::{Desk, Said, pong, soon};
use crate::slack::inbound::fixtures::{click, form, home, intake, slash, submission, us};

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const NOW: i64 = 1_531_420_618;

/// The routes, and what they lead to.
struct Served {
    at: std::net::SocketAddr,
    intake: Arc<Intake>,
    said: Said,
    _served: fixtures::Served,
}

async fn serve(desk: &Arc<Desk>, places: usize) -> Served {
    let (intake, said) = intake(desk, places);
    let verifier = Verifier::new([&SecretString::from(SECRET)]).unwrap();
    let router = routes(Arc::new(verifier), Arc::clone(&intake), || NOW);
    let served = fixtures::serve(router).await;
    Served { at: served.at, intake, said, _served: served }
}

fn sign(body: &[u8], stamp: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("v0:{stamp}:").as_bytes());
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("x-slack-request-timestamp: {stamp}\r\nx-slack-signature: v0={hex}\r\n")
}

fn signed(path: &str, body: &[u8]) -> Vec<u8> {
    let content_type = if path == "/slack/events" { JSON } else { FORM };
    request(path, content_type, &sign(body, NOW), body)
}

fn ping() -> Vec<u8> {
    signed("/slack/commands", form(&slash("ping")).as_bytes())
}

fn interactive(payload: &Value) -> Vec<u8> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let body = form.append_pair("payload", &payload.to_string()).finish();
    signed("/slack/interactivity", body.as_bytes())
}

fn opened() -> Vec<u8> {
    signed("/slack/events", home().to_string().as_bytes())
}

fn why() -> Vec<u8> {
    interactive(&submission(&json!({ "why": { "why": { "value": "disk" } } })))
}

fn empty() -> Reply {
    Reply::empty(200)
}

#[tokio::test]
async fn each_kind_reaches_the_inbox_and_is_answered() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    for bytes in [ping(), interactive(&click("run:0", "run health")), why(), opened()] {
        assert_eq!(send(served.at, &bytes).await, empty());
    }
    let kinds: Vec<_> =
        desk.ids().iter().map(|id| id.split(':').nth(1).unwrap().to_owned()).collect();
    assert_eq!(kinds, ["cmd", "act", "view", "event"]);
}

#[tokio::test]
async fn an_answer_stands_in_the_body() {
    for (ack, expected) in [(pong(), "ephemeral"), (Ack::Public, "in_channel")] {
        let served = serve(&Desk::says(ack), 8).await;
        let body = send(served.at, &ping()).await.json();
        assert_eq!(body["response_type"], expected, "{body}");
    }
}

#[tokio::test]
async fn a_click_is_answered_beside() {
    let mut served = serve(&Desk::says(pong()), 8).await;
    assert_eq!(send(served.at, &interactive(&click("run:0", "ping"))).await, empty());
    let (to, message, private) = soon("the answer", served.said.recv()).await.unwrap();
    assert_eq!(
        (to.account.id.as_str(), message.headline.as_str(), private),
        ("U0ANA", "pong", true)
    );
    assert!(to.reply.token.is_some());
}

#[tokio::test]
async fn what_was_not_recorded_is_sent_again_by_slack_or_by_the_person() {
    let served = serve(&Desk::says(Ack::Again), 8).await;
    assert_eq!(send(served.at, &opened()).await.status, 503);
    let told = send(served.at, &ping()).await.json();
    assert!(told["text"].as_str().unwrap().contains("try again"), "{told}");
    let form = send(served.at, &why()).await.json();
    assert!(form["errors"]["why"].as_str().unwrap().contains("try again"), "{form}");
}

#[tokio::test]
async fn the_same_bytes_are_the_same_event() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    for bytes in [ping(), interactive(&click("run:0", "run health")), why(), opened()] {
        for _ in 0..3 {
            send(served.at, &bytes).await;
        }
    }
    let mut ids = desk.ids();
    assert_eq!(ids.len(), 12);
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
}

#[tokio::test]
async fn slacks_own_tests_are_answered() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    let challenge = json!({ "type": "url_verification", "challenge": "3eZbrw1a" }).to_string();
    let reply = send(served.at, &signed("/slack/events", challenge.as_bytes())).await;
    assert_eq!(reply, Reply { status: 200, body: "3eZbrw1a".into() });
    assert_eq!(send(served.at, &signed("/slack/commands", b"ssl_check=1")).await, empty());
    assert_eq!(desk.ids(), [""; 0]);
}

#[tokio::test]
async fn nothing_forged_gets_in() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    let body = form(&slash("ping"));
    let good = sign(body.as_bytes(), NOW);
    let other = sign(b"text=other", NOW);
    let stale = sign(body.as_bytes(), NOW - 301);
    let early = sign(body.as_bytes(), NOW + 301);
    let halves: Vec<_> = good.split_inclusive("\r\n").collect();
    let bad = good.replace("v0=", "v1=");
    for headers in ["", &other, &stale, &early, halves[0], halves[1], &bad] {
        let reply =
            send(served.at, &request("/slack/commands", FORM, headers, body.as_bytes())).await;
        assert_eq!(reply, Reply { status: 401, body: String::new() }, "{headers}");
    }
    // Neither does the type of what was not proved matter, nor its contents.
    for (path, kind) in [("/slack/events", "text/plain"), ("/slack/interactivity", JSON)] {
        let reply = send(served.at, &request(path, kind, &good, b"{")).await;
        assert_eq!(reply, Reply { status: 401, body: String::new() }, "{path}");
    }
    let step = body.len() / 20;
    for at in (0..body.len()).step_by(step) {
        let mut flipped = body.clone().into_bytes();
        flipped[at] ^= 1;
        let reply = send(served.at, &request("/slack/commands", FORM, &good, &flipped)).await;
        assert_eq!(reply.status, 401, "{at}");
    }
    assert_eq!(desk.ids(), [""; 0]);
}

#[tokio::test]
async fn what_slack_would_not_send_is_refused_with_a_line() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    let body = form(&slash("ping")).into_bytes();
    let plain = request("/slack/commands", "text/plain", &sign(&body, NOW), &body);
    let typed = request(
        "/slack/commands",
        "Application/X-WWW-form-urlencoded; charset=utf-8",
        &sign(&body, NOW),
        &body,
    );
    assert_eq!(send(served.at, &typed).await, empty());
    assert_eq!(desk.ids().len(), 1);
    let get = b"GET /slack/commands HTTP/1.1\r\nhost: nova\r\nconnection: close\r\n\r\n".to_vec();
    let text = |path: &str, body: &[u8]| signed(path, body);
    let deep = "[".repeat(200_000);
    for (bytes, status) in [
        (plain, 415),
        (get, 405),
        (text("/slack/other", b""), 404),
        (text("/slack/commands", b""), 400),
        (text("/slack/commands", b"\xff\xfe\0&&==%zz"), 400),
        (text("/slack/interactivity", b"payload=%7B"), 400),
        (text("/slack/interactivity", b"payload=%00"), 400),
        (text("/slack/events", b""), 400),
        (text("/slack/events", &home().to_string().as_bytes()[..300]), 400),
        (text("/slack/events", deep.as_bytes()), 400),
        (text("/slack/events", b"{\"type\":\"event_callback\"}"), 400),
    ] {
        let reply = send(served.at, &bytes).await;
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(reply.body.lines().count() <= 1 && reply.body.len() < 100, "{reply:?}");
    }
    assert_eq!(desk.ids().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_promised_or_not() {
    let served = serve(&Desk::says(Ack::Received), 8).await;
    let signature = sign(b"", NOW);
    for (path, limit) in [("/slack/commands", "64 KiB"), ("/slack/events", "1024 KiB")] {
        let promised = format!(
            "POST {path} HTTP/1.1\r\nhost: nova\r\nconnection: close\r\n\
             content-length: 10000000\r\n{signature}\r\n"
        );
        let mut chunked = format!(
            "POST {path} HTTP/1.1\r\nhost: nova\r\nconnection: close\r\n\
             transfer-encoding: chunked\r\n{signature}\r\n"
        );
        for _ in 0..160 {
            chunked.push_str("10000\r\n");
            chunked.push_str(&"x".repeat(0x10000));
            chunked.push_str("\r\n");
        }
        for bytes in [promised, chunked] {
            let reply = send(served.at, bytes.as_bytes()).await;
            assert_eq!(reply.status, 413, "{reply:?}");
            assert_eq!(reply.body, format!("the body is larger than {limit}\n"));
        }
    }
}

#[tokio::test]
async fn a_large_body_in_pieces_is_read_whole() {
    let desk = Desk::says(Ack::Received);
    let served = serve(&desk, 8).await;
    let mut payload = click("run:0", "run health");
    payload["message"]["text"] = json!("x".repeat(500_000));
    assert_eq!(send(served.at, &interactive(&payload)).await, empty());
    assert_eq!(desk.ids().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_not_waited_for() {
    let served = serve(&Desk::says(Ack::Received), 8).await;
    let signature = sign(b"", NOW);
    let head = format!(
        "POST /slack/events HTTP/1.1\r\nhost: nova\r\ntransfer-encoding: chunked\r\n{signature}\r\n1\r\n{{\r\n"
    );
    let reply = send(served.at, head.as_bytes()).await;
    assert_eq!(reply.status, 408);
}

#[tokio::test(start_paused = true)]
async fn a_slow_inbox_is_not_waited_for_and_is_heard_in_the_end() {
    let (desk, gate) = Desk::waiting();
    let mut served = serve(&desk, 8).await;
    assert_eq!(send(served.at, &ping()).await, empty());
    gate.notify_one();
    let (_, message, private) = soon("the late answer", served.said.recv()).await.unwrap();
    assert_eq!((message.headline.as_str(), private), ("pong", true));
    assert_eq!(served.intake.close(Duration::from_secs(5)).await, 0);
}

#[tokio::test]
async fn an_event_is_seen_through_when_the_connection_breaks() {
    let (desk, gate) = Desk::waiting();
    let mut served = serve(&desk, 8).await;
    let mut stream = TcpStream::connect(served.at).await.unwrap();
    stream.write_all(&ping()).await.unwrap();
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
async fn a_panic_is_answered() {
    let desk = Desk::new(|_| async { panic!("a bug") });
    let mut served = serve(&desk, 8).await;
    let told = send(served.at, &ping()).await.json();
    assert_eq!(told["response_type"], "ephemeral");
    assert_eq!(send(served.at, &opened()).await.status, 503);
    assert!(send(served.at, &why()).await.json()["errors"]["why"].is_string());
    assert_eq!(send(served.at, &interactive(&click("run:0", "ping"))).await, empty());
    let (_, message, _) = soon("a line", served.said.recv()).await.unwrap();
    assert!(message.headline.contains("nova failed"), "{message:?}");
    assert_eq!(served.intake.unfinished(), 0);
}

#[tokio::test]
async fn without_a_place_people_are_asked_to_come_again() {
    let (desk, gate) = Desk::waiting();
    let mut served = serve(&desk, 1).await;
    let first = ping();
    let (first, ()) = tokio::join!(send(served.at, &first), async {
        desk.taken(1).await;
        assert_eq!(send(served.at, &opened()).await.status, 503);
        let told = send(served.at, &ping()).await.json();
        assert!(told["text"].as_str().unwrap().contains("nova is busy"), "{told}");
        let form = send(served.at, &why()).await.json();
        assert!(form["errors"]["why"].as_str().unwrap().contains("nova is busy"), "{form}");
        assert_eq!(send(served.at, &interactive(&click("run:0", "ping"))).await, empty());
        let (_, message, _) = soon("a line", served.said.recv()).await.unwrap();
        assert!(message.headline.contains("nova is busy"), "{message:?}");
        gate.notify_one();
    });
    assert_eq!(first.json()["response_type"], "ephemeral");
    assert_eq!(desk.ids().len(), 1);
}

#[tokio::test]
async fn an_unknown_button_and_another_workspace_get_a_kind_line() {
    let desk = Desk::says(Ack::Received);
    let mut served = serve(&desk, 8).await;
    assert_eq!(send(served.at, &interactive(&click("approve", "7"))).await, empty());
    let (_, message, private) = soon("a line", served.said.recv()).await.unwrap();
    assert!(message.headline.contains("does not know this button") && private, "{message:?}");
    let mut payload = slash("ping");
    payload["team_id"] = json!("T0002");
    let bytes = signed("/slack/commands", form(&payload).as_bytes());
    let told = send(served.at, &bytes).await.json();
    assert!(told["text"].as_str().unwrap().contains("does not serve this workspace"), "{told}");
    let mut payload = home();
    payload["authorizations"][0]["team_id"] = json!("T0002");
    let bytes = signed("/slack/events", payload.to_string().as_bytes());
    assert_eq!(send(served.at, &bytes).await, empty());
    assert_eq!(desk.ids(), [""; 0]);
}

struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_ends_what_does_not_end_by_itself() {
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let desk = Desk::new(move |_| {
        let guard = Dropped(Arc::clone(&flag));
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ack::Received
        }
    });
    let served = serve(&desk, 8).await;
    assert_eq!(send(served.at, &ping()).await, empty());
    assert_eq!(served.intake.unfinished(), 1);
    assert_eq!(served.intake.close(Duration::from_secs(5)).await, 1);
    assert!(dropped.load(Ordering::SeqCst));
    let told = send(served.at, &ping()).await.json();
    assert!(told["text"].as_str().unwrap().contains("try again"), "{told}");
    assert_eq!(us(), *served.intake.identity());
}
