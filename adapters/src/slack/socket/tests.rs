//! Socket Mode against a small WebSocket server that does what a test says.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message as Ws;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::*;
use crate::event::Ack;
use crate::intake::fixtures::{Desk, Said, pong, soon};
use crate::slack::inbound::fixtures::{click, home, intake, slash, submission};

type Peer = WebSocketStream<TcpStream>;

/// Slack's side: each socket that is opened comes out of `sockets`.
struct Slack {
    url: String,
    opened: Arc<AtomicUsize>,
    sockets: mpsc::Receiver<Peer>,
    _accepting: JoinSet<()>,
}

impl Slack {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/link/?ticket=tell-nobody", listener.local_addr().unwrap());
        let (sender, sockets) = mpsc::channel(16);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(peer) = accept_async(stream).await {
                    sender.send(peer).await.unwrap();
                }
            }
        });
        Self { url, opened: Arc::default(), sockets, _accepting: accepting }
    }

    fn open(&self) -> Open {
        let (url, opened) = (self.url.clone(), Arc::clone(&self.opened));
        Arc::new(move || {
            opened.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(SecretString::from(url.as_str()))).boxed()
        })
    }

    /// The next socket, greeted.
    async fn socket(&mut self) -> Peer {
        let mut peer = soon("a socket", self.sockets.recv()).await.unwrap();
        say(&mut peer, &json!({ "type": "hello", "num_connections": 1 })).await;
        peer
    }
}

/// nova's side.
struct Nova {
    health: watch::Receiver<SocketHealth>,
    cancel: CancellationToken,
    running: JoinHandle<Ended>,
    intake: Arc<Intake>,
    said: Said,
}

fn nova(desk: &Arc<Desk>, open: Open, places: usize, pace: Pace) -> Nova {
    let (intake, said) = intake(desk, places);
    let connector = Connector::new(Reach::Loopback);
    let board = Board::new();
    let shared = Shared { open, connector, intake: Arc::clone(&intake), board, pace };
    let sockets = SocketMode { shared: Arc::new(shared) };
    let (health, cancel) = (sockets.health(), CancellationToken::new());
    let running = tokio::spawn(sockets.run(cancel.clone()));
    Nova { health, cancel, running, intake, said }
}

impl Nova {
    async fn until(&mut self, what: &str, fits: impl Fn(&SocketHealth) -> bool) -> SocketHealth {
        soon(what, self.health.wait_for(|health| fits(health))).await.unwrap().clone()
    }

    async fn connected(&mut self, count: usize) {
        self.until("the sockets", |health| health.connected == count).await;
    }

    async fn end(self) -> Ended {
        self.cancel.cancel();
        soon("the end", self.running).await.unwrap()
    }
}

/// Two sockets that stand, and nova.
async fn two(desk: &Arc<Desk>, places: usize) -> (Slack, Nova, Peer, Peer) {
    let mut slack = Slack::start().await;
    let mut nova = nova(desk, slack.open(), places, PACE);
    let (one, other) = (slack.socket().await, slack.socket().await);
    nova.connected(2).await;
    (slack, nova, one, other)
}

async fn say(peer: &mut Peer, message: &Value) {
    peer.send(Ws::text(message.to_string())).await.unwrap();
}

fn envelope(id: &str, kind: &str, payload: &Value) -> Value {
    let answers = kind != "events_api";
    json!({ "envelope_id": id, "type": kind, "accepts_response_payload": answers, "payload": payload })
}

/// The next text of nova; the pings between are Slack's library's business.
async fn hear(peer: &mut Peer) -> Value {
    soon("an acknowledgement", async {
        loop {
            match peer.next().await {
                Some(Ok(Ws::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Ws::Ping(_) | Ws::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await
}

/// Reads until nova has closed the socket; what came before.
async fn closed(peer: &mut Peer) -> Vec<Value> {
    soon("a close", async {
        let mut heard = Vec::new();
        while let Some(Ok(message)) = peer.next().await {
            if let Ws::Text(text) = message {
                heard.push(serde_json::from_str(&text).unwrap());
            }
        }
        heard
    })
    .await
}

fn disconnect(reason: &str) -> Value {
    json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": "wss" } })
}

#[tokio::test]
async fn two_sockets_stand_and_are_closed_in_the_end() {
    let desk = Desk::says(Ack::Received);
    let (slack, mut nova, mut one, mut other) = two(&desk, 8).await;
    assert_eq!(slack.opened.load(Ordering::SeqCst), 2);
    let health = nova.health.borrow_and_update().clone();
    assert_eq!((health.connected, health.last_error), (2, None));
    nova.cancel.cancel();
    let (heard, also, ended) =
        tokio::join!(closed(&mut one), closed(&mut other), soon("the end", nova.running));
    assert_eq!((heard.len(), also.len(), ended.unwrap()), (0, 0, Ended::Cancelled));
    assert_eq!(nova.health.borrow().connected, 0);
}

#[tokio::test]
async fn an_envelope_is_acknowledged_with_the_answer() {
    let desk = Desk::says(pong());
    let (_slack, mut nova, mut one, _other) = two(&desk, 8).await;
    say(&mut one, &envelope("e-1", "slash_commands", &slash("ping"))).await;
    let heard = hear(&mut one).await;
    assert_eq!(heard["envelope_id"], "e-1");
    assert_eq!(heard["payload"]["response_type"], "ephemeral");
    assert!(heard["payload"]["text"].as_str().unwrap().contains("pong"), "{heard}");
    // What a click is told does not go with its acknowledgement.
    say(&mut one, &envelope("e-2", "interactive", &click("run:0", "ping"))).await;
    assert_eq!(hear(&mut one).await, json!({ "envelope_id": "e-2" }));
    assert!(soon("the answer", nova.said.recv()).await.is_some());
    // Neither where Slack takes no answer.
    let mut silent = envelope("e-3", "slash_commands", &slash("ping"));
    silent["accepts_response_payload"] = json!(false);
    say(&mut one, &silent).await;
    assert_eq!(hear(&mut one).await, json!({ "envelope_id": "e-3" }));
    assert!(soon("the answer", nova.said.recv()).await.is_some());
    assert_eq!(nova.end().await, Ended::Cancelled);
}

#[tokio::test]
async fn errors_go_back_into_the_form() {
    let wrong = Ack::Wrong([("why".to_owned(), "say more".to_owned())].into());
    let (_slack, nova, mut one, _other) = two(&Desk::says(wrong), 8).await;
    let form = submission(&json!({ "why": { "why": { "value": "x" } } }));
    say(&mut one, &envelope("e-1", "interactive", &form)).await;
    let expected = json!({ "response_action": "errors", "errors": { "why": "say more" } });
    assert_eq!(hear(&mut one).await["payload"], expected);
    nova.end().await;
}

#[tokio::test]
async fn an_event_that_was_not_recorded_is_not_acknowledged_and_comes_again() {
    let asked = AtomicUsize::new(0);
    let desk = Desk::new(move |_| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        std::future::ready(if first { Ack::Again } else { Ack::Received })
    });
    let (_slack, nova, mut one, mut other) = two(&desk, 8).await;
    say(&mut one, &envelope("e-1", "events_api", &home())).await;
    desk.taken(1).await;
    say(&mut other, &envelope("e-2", "events_api", &home())).await;
    assert_eq!(hear(&mut other).await, json!({ "envelope_id": "e-2" }));
    let ids = desk.ids();
    assert_eq!(ids[0], ids[1]);
    nova.cancel.cancel();
    let (heard, _, _) = tokio::join!(closed(&mut one), closed(&mut other), nova.running);
    assert_eq!(heard, [Value::Null; 0]);
}

#[tokio::test]
async fn hostile_messages_are_survived_and_known_envelopes_acknowledged() {
    let desk = Desk::says(Ack::Received);
    let (_slack, nova, mut one, _other) = two(&desk, 8).await;
    let deep = "[".repeat(100_000);
    for text in ["", "null", "{", "\0", r#"{"type":7}"#, r#"{"type":"new"}"#, &deep] {
        one.send(Ws::text(text)).await.unwrap();
    }
    one.send(Ws::binary(vec![0xff; 100])).await.unwrap();
    let bad = [
        envelope("e-1", "slash_commands", &json!({ "team_id": 7 })),
        envelope("e-2", "interactive", &json!([])),
        envelope("e-3", "events_api", &json!(null)),
        envelope("e-4", "something_new", &json!({})),
        json!({ "envelope_id": "e-5", "type": "interactive" }),
    ];
    for (number, message) in bad.iter().enumerate() {
        say(&mut one, message).await;
        assert_eq!(hear(&mut one).await, json!({ "envelope_id": format!("e-{}", number + 1) }));
    }
    say(&mut one, &envelope("e-6", "slash_commands", &slash("ping"))).await;
    assert_eq!(hear(&mut one).await["envelope_id"], "e-6");
    assert_eq!(desk.ids().len(), 1);
    nova.end().await;
}

#[tokio::test]
async fn a_slow_envelope_holds_up_no_other() {
    let (desk, gate) = Desk::waiting();
    let (_slack, nova, mut one, _other) = two(&desk, 8).await;
    say(&mut one, &envelope("e-1", "slash_commands", &slash("ping"))).await;
    desk.taken(1).await;
    say(&mut one, &envelope("e-2", "events_api", &json!({ "type": "app_rate_limited" }))).await;
    assert_eq!(hear(&mut one).await, json!({ "envelope_id": "e-2" }));
    gate.notify_one();
    assert_eq!(hear(&mut one).await["envelope_id"], "e-1");
    nova.end().await;
}

#[tokio::test]
async fn no_more_is_taken_in_than_there_are_places() {
    let (desk, gate) = Desk::waiting();
    let (_slack, nova, mut one, _other) = two(&desk, 4).await;
    // Each socket that reads holds a place for what it will read next.
    for number in 0..10 {
        say(&mut one, &envelope(&format!("e-{number}"), "slash_commands", &slash("ping"))).await;
    }
    desk.taken(3).await;
    assert!(nova.intake.place().is_none());
    for number in 0..10 {
        gate.notify_one();
        assert_eq!(hear(&mut one).await["payload"]["response_type"], "ephemeral", "{number}");
        assert!(desk.ids().len() <= number + 4, "{number}");
    }
    assert_eq!(desk.ids().len(), 10);
    nova.end().await;
}

#[tokio::test]
async fn the_replacement_stands_before_the_old_socket_ends() {
    for reason in ["warning", "refresh_requested"] {
        let (desk, gate) = Desk::waiting();
        let (mut slack, mut nova, mut one, _other) = two(&desk, 8).await;
        say(&mut one, &disconnect(reason)).await;
        let mut new = soon("a replacement", slack.sockets.recv()).await.unwrap();
        // Until the new one is greeted, the old one serves as ever.
        say(&mut one, &envelope("e-1", "slash_commands", &slash("ping"))).await;
        desk.taken(1).await;
        gate.notify_one();
        assert_eq!(hear(&mut one).await["envelope_id"], "e-1");
        assert_eq!(nova.health.borrow().connected, 2);
        // After that it finishes what it has in hand.
        say(&mut one, &envelope("e-2", "slash_commands", &slash("ping"))).await;
        desk.taken(2).await;
        say(&mut new, &json!({ "type": "hello" })).await;
        nova.connected(3).await;
        gate.notify_one();
        let heard = closed(&mut one).await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0]["envelope_id"], "e-2");
        nova.connected(2).await;
        assert_eq!(nova.health.borrow().last_error, None);
        nova.end().await;
    }
}

#[tokio::test]
async fn a_lost_socket_is_opened_again() {
    let desk = Desk::says(Ack::Received);
    let (mut slack, mut nova, one, mut other) = two(&desk, 8).await;
    drop(one);
    nova.until("the loss", |health| health.last_error.is_some()).await;
    let mut new = slack.socket().await;
    nova.connected(2).await;
    for peer in [&mut new, &mut other] {
        say(peer, &envelope("e-1", "slash_commands", &slash("ping"))).await;
        assert_eq!(hear(peer).await, json!({ "envelope_id": "e-1" }));
    }
    nova.end().await;
}

#[tokio::test]
async fn an_event_in_hand_is_seen_through_when_its_socket_is_lost() {
    let (desk, gate) = Desk::waiting();
    let (_slack, mut nova, mut one, _other) = two(&desk, 8).await;
    say(&mut one, &envelope("e-1", "slash_commands", &slash("ping"))).await;
    desk.taken(1).await;
    drop(one);
    nova.until("the loss", |health| health.last_error.is_some()).await;
    gate.notify_one();
    let (to, message, _) = soon("the answer", nova.said.recv()).await.unwrap();
    assert_eq!((to.account.id.as_str(), message.headline.as_str()), ("U0ANA", "pong"));
    nova.end().await;
}

#[tokio::test]
async fn a_silent_peer_is_given_up() {
    let mut slack = Slack::start().await;
    let pace =
        Pace { ping: Duration::from_millis(50), silence: Duration::from_millis(300), ..PACE };
    let mut nova = nova(&Desk::says(Ack::Received), slack.open(), 8, pace);
    let (mut one, silent) = (slack.socket().await, slack.socket().await);
    // One peer is read, and so answers pings; the other is not.
    let mut answered = 0;
    let alive = async {
        loop {
            if let Some(Ok(Ws::Ping(_))) = one.next().await {
                answered += 1;
            }
        }
    };
    let health = tokio::select! {
        () = alive => unreachable!("it never ends"),
        health = nova.until("the loss", |health| health.last_error.is_some()) => health,
    };
    assert_eq!(health.last_error.as_deref(), Some("Slack was silent for too long"));
    assert!(answered > 1, "{answered} pings");
    drop(silent);
    let _new = soon("another", slack.sockets.recv()).await.unwrap();
    nova.cancel.cancel();
    drop(one);
    soon("the end", nova.running).await.unwrap();
}

#[tokio::test]
async fn a_message_that_is_too_large_costs_the_socket_only() {
    let desk = Desk::says(Ack::Received);
    let (mut slack, mut nova, mut one, _other) = two(&desk, 8).await;
    let large = json!({ "type": "x".repeat(2 * connect::MAX_MESSAGE) });
    // The other side may be gone before all is sent.
    let _sent = one.send(Ws::text(large.to_string())).await;
    let health = nova.until("the loss", |health| health.last_error.is_some()).await;
    assert_eq!(health.last_error.as_deref(), Some("a message is larger than 1024 KiB"));
    slack.socket().await;
    nova.end().await;
}

#[tokio::test]
async fn socket_mode_that_is_switched_off_ends_it() {
    let desk = Desk::says(Ack::Received);
    let (slack, nova, mut one, mut other) = two(&desk, 8).await;
    say(&mut one, &disconnect("link_disabled")).await;
    let (_, _, ended) =
        tokio::join!(closed(&mut one), closed(&mut other), soon("the end", nova.running));
    assert_eq!(ended.unwrap(), Ended::LinkDisabled);
    assert_eq!(slack.opened.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_shutdown_reads_no_more_and_finishes_what_it_has() {
    let (desk, gate) = Desk::waiting();
    let (_slack, nova, mut one, mut other) = two(&desk, 8).await;
    say(&mut one, &envelope("e-1", "slash_commands", &slash("ping"))).await;
    desk.taken(1).await;
    nova.cancel.cancel();
    // The idle socket closes first; after that the busy one reads nothing any more, either.
    closed(&mut other).await;
    say(&mut one, &envelope("e-2", "slash_commands", &slash("ping"))).await;
    // That nothing is read shows only in a while in which nothing comes.
    let more = tokio::time::timeout(Duration::from_millis(200), desk.taken(2)).await;
    assert!(more.is_err(), "a socket that is being closed takes in more");
    gate.notify_one();
    let heard = closed(&mut one).await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["envelope_id"], "e-1");
    assert_eq!(soon("the end", nova.running).await.unwrap(), Ended::Cancelled);
    assert_eq!(desk.ids().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_spread_under_a_bound_that_doubles() {
    let attempts: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let kept = Arc::clone(&attempts);
    let open: Open = Arc::new(move || {
        kept.lock().unwrap().push(Instant::now());
        let gone = std::io::Error::other("down");
        std::future::ready(Err(ChatError::Unavailable(gone.into()))).boxed()
    });
    let begun = Instant::now();
    let mut nova = nova(&Desk::says(Ack::Received), open, 8, PACE);
    soon("the first failure", nova.health.changed()).await.unwrap();
    let health = nova.health.borrow_and_update().clone();
    let why = "no address for a socket: the platform cannot be reached";
    assert_eq!((health.connected, health.last_error.as_deref()), (0, Some(why)));
    // The clock is a paused one: the hour passes at once.
    assert!(tokio::time::timeout(Duration::from_secs(3600), &mut nova.running).await.is_err());
    let attempts = attempts.lock().unwrap().clone();
    // Two sockets, each about every 30 s, and at least every 60 s.
    assert!((120..400).contains(&attempts.len()), "{}", attempts.len());
    assert!(attempts.iter().take(2).all(|at| *at == begun));
    let gaps: Vec<_> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap <= Duration::from_secs(61)), "{gaps:?}");
    let distinct: std::collections::HashSet<_> = gaps.iter().collect();
    assert!(distinct.len() > gaps.len() / 2, "the attempts keep step: {gaps:?}");
    assert_eq!(nova.end().await, Ended::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_slack_asks_for_is_kept() {
    let attempts: Arc<Mutex<VecDeque<Instant>>> = Arc::default();
    let kept = Arc::clone(&attempts);
    let open: Open = Arc::new(move || {
        kept.lock().unwrap().push_back(Instant::now());
        let retry_after = Duration::from_secs(300);
        std::future::ready(Err(ChatError::RateLimited { retry_after })).boxed()
    });
    let mut nova = nova(&Desk::says(Ack::Received), open, 8, PACE);
    assert!(tokio::time::timeout(Duration::from_secs(299), &mut nova.running).await.is_err());
    assert_eq!(attempts.lock().unwrap().len(), 2, "one for each socket");
    nova.end().await;
}

#[tokio::test]
async fn an_address_that_is_not_slacks_is_not_connected_to_and_not_told() {
    let slack = Slack::start().await;
    let (intake, _said) = intake(&Desk::says(Ack::Received), 8);
    let sockets = SocketMode::new(slack.open(), Reach::Slack, intake);
    let (mut health, cancel) = (sockets.health(), CancellationToken::new());
    let running = tokio::spawn(sockets.run(cancel.clone()));
    soon("the refusal", health.wait_for(|health| health.last_error.is_some())).await.unwrap();
    let told = format!("{:?}", *health.borrow());
    assert!(told.contains("an address that is not its own") && !told.contains("tell-nobody"));
    cancel.cancel();
    assert_eq!(soon("the end", running).await.unwrap(), Ended::Cancelled);
}
