//! The gateway against a small WebSocket server that does what a test says.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::Message as Ws;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::*;
use crate::discord::inbound::fixtures::{ID, TOKEN, intake, ping, press, us};
use crate::event::Ack;
use crate::intake::fixtures::{Desk, Said, pong, soon};

type Peer = WebSocketStream<TcpStream>;

/// As in production, but for what a test would have to wait for.
const QUICK: Pace = Pace { identify: Duration::ZERO, goodbye: Duration::from_millis(200), ..PACE };

/// Discord's side: each connection comes out of `peers`.
struct Discord {
    url: String,
    /// How often the address was asked for.
    opened: Arc<AtomicUsize>,
    peers: mpsc::Receiver<Peer>,
    _accepting: JoinSet<()>,
}

impl Discord {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let (sender, peers) = mpsc::channel(16);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(peer) = accept_async(stream).await {
                    sender.send(peer).await.unwrap();
                }
            }
        });
        Self { url, opened: Arc::default(), peers, _accepting: accepting }
    }

    fn open(&self) -> Open {
        let (url, opened) = (self.url.clone(), Arc::clone(&self.opened));
        Arc::new(move || {
            opened.fetch_add(1, Ordering::SeqCst);
            let entry = Entry { url: url.clone(), remaining: 1_000, reset_after: Duration::ZERO };
            std::future::ready(Ok(entry)).boxed()
        })
    }

    /// The next connection, greeted, and what nova says on it.
    async fn greeted(&mut self) -> (Peer, Value) {
        let mut peer = soon("a connection", self.peers.recv()).await.unwrap();
        say(
            &mut peer,
            &json!({ "op": 10, "d": { "heartbeat_interval": 45_000 }, "s": null, "t": null }),
        )
        .await;
        let said = hear(&mut peer).await;
        (peer, said)
    }

    /// The next connection with a session.
    async fn session(&mut self) -> Peer {
        let (mut peer, said) = self.greeted().await;
        assert_eq!(said["op"], 2, "{said}");
        say(&mut peer, &dispatch(1, "READY", &self.ready(&self.url))).await;
        peer
    }

    fn ready(&self, resume: &str) -> Value {
        json!({ "v": 10, "session_id": "s-1", "resume_gateway_url": resume, "guilds": [] })
    }
}

/// What the callbacks do with one answer.
type Fate = Result<(), ChatError>;

/// nova's side.
struct Nova {
    health: watch::Receiver<SocketHealth>,
    token: watch::Sender<SecretString>,
    cancel: CancellationToken,
    running: JoinHandle<Ended>,
    answers: mpsc::UnboundedReceiver<Callback>,
    said: Said,
}

fn nova(desk: &Arc<Desk>, open: Open, reach: Reach, pace: Pace, fates: Vec<Fate>) -> Nova {
    let (intake, said) = intake(desk, 8);
    let (sender, answers) = mpsc::unbounded_channel();
    let fates = Mutex::new(VecDeque::from(fates));
    let respond: Respond = Arc::new(move |callback| {
        drop(sender.send(callback));
        std::future::ready(fates.lock().unwrap().pop_front().unwrap_or(Ok(()))).boxed()
    });
    let (token, tokens) = watch::channel(SecretString::from("tell-nobody"));
    let options = GatewayOptions { token: tokens, open, respond, reach, intake };
    let gateway = Gateway::with_pace(options, pace);
    let (health, cancel) = (gateway.health(), CancellationToken::new());
    let running = tokio::spawn(gateway.run(cancel.clone()));
    Nova { health, token, cancel, running, answers, said }
}

impl Nova {
    async fn until(&mut self, what: &str, fits: impl Fn(&SocketHealth) -> bool) -> SocketHealth {
        soon(what, self.health.wait_for(|health| fits(health))).await.unwrap().clone()
    }

    async fn stands(&mut self) {
        self.until("the gateway", |health| health.connected == 1).await;
    }

    async fn failed(&mut self) -> String {
        let health = self.until("the failure", |health| health.last_error.is_some()).await;
        health.last_error.unwrap()
    }

    async fn answer(&mut self) -> (String, Value) {
        let callback = soon("an answer", self.answers.recv()).await.unwrap();
        assert_eq!(callback.token.expose_secret(), TOKEN);
        (callback.interaction, serde_json::from_str(&callback.body).unwrap())
    }

    async fn end(self) -> Ended {
        self.cancel.cancel();
        soon("the end", self.running).await.unwrap()
    }
}

/// A connection that stands, and nova.
async fn standing(desk: &Arc<Desk>, fates: Vec<Fate>) -> (Discord, Nova, Peer) {
    let mut discord = Discord::start().await;
    let mut nova = nova(desk, discord.open(), Reach::Loopback, QUICK, fates);
    let peer = discord.session().await;
    nova.stands().await;
    (discord, nova, peer)
}

fn dispatch(seq: u64, kind: &str, data: &Value) -> Value {
    json!({ "op": 0, "t": kind, "s": seq, "d": data })
}

async fn say(peer: &mut Peer, message: &Value) {
    peer.send(Ws::text(message.to_string())).await.unwrap();
}

/// The next message of nova's, heartbeats aside.
async fn hear(peer: &mut Peer) -> Value {
    soon("a message", async {
        loop {
            match peer.next().await {
                Some(Ok(Ws::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["op"] != 1 {
                        return message;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await
}

/// Reads until nova has closed the connection; the code it gave.
async fn closed(peer: &mut Peer) -> Option<u16> {
    soon("a close", async {
        let mut code = None;
        // To the end, so that nova gets an answer to its close.
        while let Some(Ok(message)) = peer.next().await {
            if let Ws::Close(Some(frame)) = message {
                code = Some(frame.code.into());
            }
        }
        code
    })
    .await
}

async fn close(peer: &mut Peer, code: u16) {
    peer.close(Some(CloseFrame { code: code.into(), reason: "".into() })).await.unwrap();
}

#[tokio::test]
async fn a_session_is_begun_and_an_interaction_answered() {
    let desk = Desk::says(pong());
    let mut discord = Discord::start().await;
    let mut nova = nova(&desk, discord.open(), Reach::Loopback, QUICK, vec![]);
    let (mut peer, identify) = discord.greeted().await;
    assert_eq!(identify["op"], 2);
    assert_eq!(identify["d"]["token"], "Bot tell-nobody");
    assert_eq!(identify["d"]["intents"], 1, "guilds and nothing else");
    assert_eq!(nova.health.borrow().connected, 0);
    say(&mut peer, &dispatch(1, "READY", &discord.ready(&discord.url))).await;
    nova.stands().await;
    for (seq, payload, text) in [(2, ping(), "pong"), (3, press("approve"), "does not know")] {
        say(&mut peer, &dispatch(seq, "INTERACTION_CREATE", &payload)).await;
        let (interaction, answer) = nova.answer().await;
        assert_eq!((interaction.as_str(), &answer["type"]), (ID, &json!(4)));
        assert!(answer.to_string().contains(text), "{answer}");
    }
    assert_eq!(desk.ids(), [format!("discord:interaction:{ID}")]);
    nova.cancel.cancel();
    // Neither 1000 nor 1001, which would end the session.
    assert_eq!(closed(&mut peer).await, Some(4000));
    assert_eq!(soon("the end", nova.running).await.unwrap(), Ended::Cancelled);
    assert_eq!(nova.health.borrow().connected, 0);
}

#[tokio::test]
async fn a_lost_connection_is_resumed_where_it_broke_off() {
    let desk = Desk::says(Ack::Received);
    let (mut discord, mut nova, mut peer) = standing(&desk, vec![]).await;
    say(&mut peer, &dispatch(2, "INTERACTION_CREATE", &ping())).await;
    nova.answer().await;
    drop(peer);
    for seq in [2, 3] {
        let (mut peer, resume) = discord.greeted().await;
        let expected = json!({ "token": "Bot tell-nobody", "session_id": "s-1", "seq": seq });
        assert_eq!(resume, json!({ "op": 6, "d": expected }));
        say(&mut peer, &dispatch(seq + 1, "RESUMED", &json!({}))).await;
        nova.stands().await;
        assert_eq!(discord.opened.load(Ordering::SeqCst), 1, "the address is known");
        if seq == 2 {
            close(&mut peer, 4000).await;
            nova.until("the loss", |health| health.connected == 0).await;
        } else {
            nova.cancel.cancel();
            assert_eq!(closed(&mut peer).await, Some(4000));
        }
    }
    soon("the end", nova.running).await.unwrap();
}

#[tokio::test]
async fn what_discord_asks_back_is_resumed() {
    let desk = Desk::says(Ack::Received);
    for ask in [json!({ "op": 7, "d": null }), json!({ "op": 9, "d": true })] {
        let (mut discord, nova, mut peer) = standing(&desk, vec![]).await;
        say(&mut peer, &ask).await;
        assert_eq!(closed(&mut peer).await, Some(4000), "{ask}");
        drop(peer);
        let (_peer, said) = discord.greeted().await;
        assert_eq!((&said["op"], &said["d"]["session_id"]), (&json!(6), &json!("s-1")), "{ask}");
        assert_eq!(nova.health.borrow().last_error, None);
        assert_eq!(nova.end().await, Ended::Cancelled);
    }
}

#[tokio::test]
async fn a_session_that_is_gone_is_begun_anew() {
    let desk = Desk::says(Ack::Received);
    let (mut discord, mut nova, mut peer) = standing(&desk, vec![]).await;
    say(&mut peer, &json!({ "op": 9, "d": false })).await;
    assert_eq!(closed(&mut peer).await, Some(1000));
    drop(peer);
    let mut peer = discord.session().await;
    nova.stands().await;
    assert_eq!(discord.opened.load(Ordering::SeqCst), 2, "the budget is asked for");
    close(&mut peer, 4009).await;
    nova.until("the loss", |health| health.connected == 0).await;
    drop(peer);
    let _peer = discord.session().await;
    nova.stands().await;
    assert_eq!(nova.end().await, Ended::Cancelled);
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_not_tried_again() {
    let desk = Desk::says(Ack::Received);
    let (mut discord, mut nova, mut peer) = standing(&desk, vec![]).await;
    close(&mut peer, 4004).await;
    assert_eq!(nova.failed().await, "Discord does not accept the bot token");
    drop(peer);
    let opened = Arc::clone(&discord.opened);
    let asked = async {
        while opened.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    };
    soon("the API being asked, whose refusal is heard of", asked).await;
    nova.token.send_replace(SecretString::from("another"));
    let (_peer, said) = discord.greeted().await;
    assert_eq!((&said["op"], &said["d"]["token"]), (&json!(2), &json!("Bot another")));
    assert_eq!(opened.load(Ordering::SeqCst), 3, "once, and once with the new token");
    assert_eq!(nova.end().await, Ended::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_api_does_not_accept_is_not_tried_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let open: Open = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Err(ChatError::Unauthorised("revoked".into()))).boxed()
    });
    let desk = Desk::says(Ack::Received);
    let mut nova = nova(&desk, open, Reach::Loopback, PACE, vec![]);
    // The clock is a paused one: the hour passes at once.
    assert!(timeout(Duration::from_secs(3600), &mut nova.running).await.is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(nova.end().await, Ended::Cancelled);
}

#[tokio::test]
async fn what_discord_refuses_for_good_ends_it() {
    let desk = Desk::says(Ack::Received);
    for code in [4013, 4014] {
        let (_discord, mut nova, mut peer) = standing(&desk, vec![]).await;
        close(&mut peer, code).await;
        assert_eq!(soon("the end", &mut nova.running).await.unwrap(), Ended::Refused(code));
        let why = nova.health.borrow().last_error.clone().unwrap();
        assert!(why.contains(&code.to_string()), "{why}");
    }
}

#[tokio::test]
async fn an_answer_is_repeated_only_when_discord_has_not_got_it() {
    let down = || std::io::Error::other("down").into();
    let desk = Desk::says(Ack::Received);
    let fates = vec![
        Err(ChatError::Unavailable(down())),
        Err(ChatError::RateLimited { retry_after: Duration::from_millis(1) }),
        Ok(()),
        Err(ChatError::Unanswered(down())),
        Err(ChatError::Gone),
    ];
    let (_discord, mut nova, mut peer) = standing(&desk, fates).await;
    for (seq, attempts) in [(2, 3), (3, 1), (4, 1)] {
        say(&mut peer, &dispatch(seq, "INTERACTION_CREATE", &ping())).await;
        for _ in 0..attempts {
            nova.answer().await;
        }
    }
    let (mut answers, cancel) = (nova.answers, nova.cancel);
    cancel.cancel();
    drop(peer);
    soon("the end", nova.running).await.unwrap();
    assert!(answers.try_recv().is_err(), "an answer more than there should be");
}

#[tokio::test]
async fn an_event_in_hand_is_answered_though_its_connection_is_lost() {
    let (desk, gate) = Desk::waiting();
    let (_discord, mut nova, mut peer) = standing(&desk, vec![]).await;
    say(&mut peer, &dispatch(2, "INTERACTION_CREATE", &ping())).await;
    desk.taken(1).await;
    drop(peer);
    nova.failed().await;
    nova.cancel.cancel();
    gate.notify_one();
    let (_, answer) = nova.answer().await;
    assert_eq!(answer["type"], 4, "{answer}");
    assert_eq!(soon("the end", nova.running).await.unwrap(), Ended::Cancelled);
    assert!(nova.said.try_recv().is_err(), "it was said twice");
}

#[tokio::test]
async fn channels_that_are_gone_reach_the_inbox_and_want_no_answer() {
    let desk = Desk::says(Ack::Received);
    let (_discord, mut nova, mut peer) = standing(&desk, vec![]).await;
    let channel = json!({ "id": "1000000000000000021", "guild_id": us().guild, "type": 0 });
    say(&mut peer, &dispatch(2, "CHANNEL_DELETE", &channel)).await;
    desk.taken(1).await;
    assert_eq!(desk.ids(), ["discord:event:CHANNEL_DELETE:1000000000000000021:2"]);
    nova.cancel.cancel();
    drop(peer);
    soon("the end", nova.running).await.unwrap();
    assert!(nova.answers.try_recv().is_err());
}

#[tokio::test]
async fn hostile_messages_are_survived() {
    let desk = Desk::says(Ack::Received);
    let (_discord, mut nova, mut peer) = standing(&desk, vec![]).await;
    let deep = "[".repeat(100_000);
    for text in ["", "null", "{", "\0", r#"{"op":0}"#, r#"{"op":99}"#, r#"{"op":0,"t":"X"}"#, &deep]
    {
        peer.send(Ws::text(text)).await.unwrap();
    }
    peer.send(Ws::binary(vec![0xff; 100])).await.unwrap();
    for (seq, data) in [(2, json!(7)), (3, json!({ "type": 2 })), (4, ping())] {
        say(&mut peer, &dispatch(seq, "INTERACTION_CREATE", &data)).await;
    }
    assert_eq!(nova.answer().await.1["type"], 5);
    assert_eq!(nova.health.borrow().last_error, None);
    assert_eq!(desk.ids().len(), 1);
    drop(peer);
    nova.end().await;
}

#[tokio::test]
async fn an_address_that_is_not_discords_is_not_connected_to_and_not_told() {
    let desk = Desk::says(Ack::Received);
    // As the first address.
    let mut discord = Discord::start().await;
    let mut refused = nova(&desk, discord.open(), Reach::Discord, QUICK, vec![]);
    let why = refused.failed().await;
    assert!(why.contains("not its own") && !why.contains("127.0.0.1"), "{why}");
    refused.end().await;
    // As the one to resume at: the session is resumed at the first address.
    for url in ["wss://gateway.example.org/?tell-nobody", "no url, tell-nobody", ""] {
        let mut nova = nova(&desk, discord.open(), Reach::Loopback, QUICK, vec![]);
        let (mut peer, _) = discord.greeted().await;
        say(&mut peer, &dispatch(1, "READY", &discord.ready(url))).await;
        let why = nova.failed().await;
        assert!(why.contains("not its own") && !why.contains("tell-nobody"), "{why}");
        let (_peer, said) = discord.greeted().await;
        assert_eq!((&said["op"], &said["d"]["session_id"]), (&json!(6), &json!("s-1")), "{url}");
        nova.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_spread_and_the_rest_of_the_budget_is_kept() {
    let attempts: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let kept = Arc::clone(&attempts);
    let open: Open = Arc::new(move || {
        kept.lock().unwrap().push(Instant::now());
        // Nothing listens there. With so few sessions left each is waited for.
        let url = "ws://127.0.0.1:9".to_owned();
        let entry = Entry { url, remaining: 10, reset_after: Duration::from_secs(36_000) };
        std::future::ready(Ok(entry)).boxed()
    });
    let desk = Desk::says(Ack::Received);
    let mut nova = nova(&desk, open, Reach::Loopback, PACE, vec![]);
    assert!(timeout(Duration::from_secs(36_000), &mut nova.running).await.is_err());
    let attempts = attempts.lock().unwrap().len();
    assert!((8..=11).contains(&attempts), "{attempts}");
    nova.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_discord_asks_for_is_kept() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let open: Open = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let retry_after = Duration::from_secs(300);
        std::future::ready(Err(ChatError::RateLimited { retry_after })).boxed()
    });
    let mut nova = nova(&Desk::says(Ack::Received), open, Reach::Loopback, PACE, vec![]);
    assert!(timeout(Duration::from_secs(299), &mut nova.running).await.is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    nova.end().await;
}
