//! The gateway by a real WebSocket client.

mod faults;

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;

const TOKEN: &str = "a.bot.token";
const BOT: &str = "900000000000000001";

/// Intents that a bot like ours has: guilds and their messages.
const INTENTS: u64 = 1 | 1 << 9;

struct Guild {
    url: String,
    token: Mutex<Option<String>>,
    changes: AtomicUsize,
}

impl World for Guild {
    fn token(&self) -> Option<String> {
        self.token.lock().unwrap().clone()
    }

    fn ready(&self) -> Ready {
        Ready {
            user: json!({
                "id": BOT, "username": "nova", "discriminator": "0", "avatar": null, "bot": true,
            }),
            guilds: vec![json!({ "id": "7", "unavailable": true })],
            guild_create: vec![json!({ "id": "7", "name": "Guild" })],
            application: json!({ "id": "9", "flags": 0 }),
        }
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    fn gateway_url(&self) -> String {
        self.url.clone()
    }
}

struct Served {
    hub: Hub,
    guild: Arc<Guild>,
    server: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.hub.shut_down();
        self.server.abort();
    }
}

async fn serve() -> Served {
    // Nothing here is about the pace of identifying but the test that is.
    serve_with(Limits { pace: Duration::ZERO, ..Limits::default() }).await
}

async fn serve_with(limits: Limits) -> Served {
    serve_hub(|world| Hub::with(world, limits)).await
}

async fn serve_hub(hub: impl FnOnce(Arc<dyn World>) -> Hub) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let guild = Arc::new(Guild {
        url: format!("ws://{}/gateway", listener.local_addr().unwrap()),
        token: Mutex::new(Some(TOKEN.to_owned())),
        changes: AtomicUsize::new(0),
    });
    let hub = hub(Arc::clone(&guild) as Arc<dyn World>);
    let app = hub.route();
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Served { hub, guild, server }
}

impl Served {
    /// A connection that has had its hello.
    async fn connect(&self) -> App {
        let mut app = self.connect_to("/?v=10&encoding=json").await;
        assert_eq!(app.next().await["op"], 10);
        app
    }

    async fn connect_to(&self, query: &str) -> App {
        let (socket, _) = connect_async(format!("{}{query}", self.guild.url)).await.unwrap();
        App(socket)
    }

    /// A connection with a session, and the session's id. Two events have been sent.
    async fn identified(&self) -> (App, String) {
        let mut app = self.connect().await;
        app.send(identify(INTENTS)).await;
        let ready = app.event("READY").await;
        app.event("GUILD_CREATE").await;
        (app, ready["d"]["session_id"].as_str().unwrap().to_owned())
    }

    /// Waits until this many sessions are connected.
    async fn connected(&self, count: usize) {
        let wait = async {
            while self.hub.connections() != count {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), wait).await;
        waited.unwrap_or_else(|_| panic!("{} connections", self.hub.connections()));
    }
}

struct App(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl App {
    async fn send(&mut self, payload: Value) {
        self.0.send(Frame::text(payload.to_string())).await.unwrap();
    }

    async fn frame(&mut self) -> Option<Frame> {
        let next = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await;
        next.expect("a frame within ten seconds").and_then(Result::ok)
    }

    async fn next(&mut self) -> Value {
        match self.frame().await {
            Some(Frame::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("no payload but {other:?}"),
        }
    }

    async fn event(&mut self, name: &str) -> Value {
        let payload = self.next().await;
        assert_eq!((&payload["op"], &payload["t"]), (&json!(0), &json!(name)), "{payload}");
        payload
    }

    /// The code that the gateway closes with.
    async fn closed(&mut self) -> u16 {
        match self.frame().await {
            Some(Frame::Close(Some(frame))) => frame.code.into(),
            other => panic!("no close but {other:?}"),
        }
    }

    async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.0.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.0.next().await {}
    }
}

fn identify(intents: u64) -> Value {
    json!({ "op": 2, "d": {
        "token": TOKEN, "intents": intents,
        "properties": { "os": "linux", "browser": "nova", "device": "nova" },
    }})
}

fn resume(session: &str, sequence: u64) -> Value {
    json!({ "op": 6, "d": { "token": TOKEN, "session_id": session, "seq": sequence } })
}

/// The code that a new connection is closed with for this payload.
async fn refused(served: &Served, payload: Value) -> u16 {
    let mut app = served.connect().await;
    app.send(payload).await;
    app.closed().await
}

#[tokio::test]
async fn a_session_begins_with_ready_and_its_guilds() {
    let served = serve().await;
    let mut app = served.connect_to("?v=10&encoding=json").await;
    let hello = app.next().await;
    assert_eq!(hello["d"]["heartbeat_interval"], 41_250);
    app.send(json!({ "op": 1, "d": null })).await;
    assert_eq!(app.next().await["op"], 11);
    let mut payload = identify(INTENTS);
    payload["d"]["shard"] = json!([0, 1]);
    app.send(payload).await;
    let ready = app.event("READY").await;
    assert_eq!(ready["s"], 1);
    assert_eq!(ready["d"]["v"], 10);
    assert_eq!(ready["d"]["shard"], json!([0, 1]));
    assert_eq!(ready["d"]["user"]["id"], BOT);
    assert_eq!(ready["d"]["guilds"], json!([{ "id": "7", "unavailable": true }]));
    assert_eq!(ready["d"]["resume_gateway_url"], *served.guild.url);
    let guild = app.event("GUILD_CREATE").await;
    assert_eq!((&guild["s"], &guild["d"]["name"]), (&json!(2), &json!("Guild")));
    assert_eq!(served.hub.dispatch("INTERACTION_CREATE", &json!({ "id": "1" })), 1);
    let event = app.event("INTERACTION_CREATE").await;
    assert_eq!((&event["s"], &event["d"]["id"]), (&json!(3), &json!("1")));
    assert_eq!((served.hub.connections(), served.hub.identifies()), (1, 1));
    assert_eq!(served.hub.heartbeats(), 1);
    assert!(served.guild.changes.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn a_dropped_session_is_resumed_with_what_it_missed() {
    let served = serve().await;
    let (mut app, session) = served.identified().await;
    served.hub.drop_connections();
    assert_eq!(app.frame().await, None, "no close frame");
    served.connected(0).await;
    for id in ["1", "2", "3"] {
        assert_eq!(served.hub.dispatch("INTERACTION_CREATE", &json!({ "id": id })), 1);
    }
    let mut again = served.connect().await;
    // It has heard of the first one.
    again.send(resume(&session, 3)).await;
    for (sequence, id) in [(4, "2"), (5, "3")] {
        let event = again.event("INTERACTION_CREATE").await;
        assert_eq!((&event["s"], &event["d"]["id"]), (&json!(sequence), &json!(id)));
    }
    assert_eq!(again.event("RESUMED").await["s"], 6);
    served.hub.dispatch("INTERACTION_CREATE", &json!({ "id": "4" }));
    assert_eq!(again.event("INTERACTION_CREATE").await["s"], 7);
    assert_eq!((served.hub.identifies(), served.hub.resumes()), (1, 1));
}

#[tokio::test]
async fn a_session_is_served_by_one_connection() {
    let served = serve().await;
    let (mut app, session) = served.identified().await;
    let mut again = served.connect().await;
    again.send(resume(&session, 2)).await;
    again.event("RESUMED").await;
    assert_eq!(app.frame().await, None, "the first connection is cut");
    assert_eq!(served.hub.dispatch("INTERACTION_CREATE", &json!({})), 1);
    again.event("INTERACTION_CREATE").await;
}

#[tokio::test]
async fn what_is_too_old_or_was_never_sent_cannot_be_resumed() {
    let served = serve_with(Limits { kept: 2, pace: Duration::ZERO, ..Limits::default() }).await;
    let (_app, session) = served.identified().await;
    for _ in 0..2 {
        served.hub.dispatch("INTERACTION_CREATE", &json!({}));
    }
    let mut late = served.connect().await;
    late.send(resume(&session, 1)).await;
    assert_eq!(late.next().await, json!({ "op": 9, "d": false, "s": null, "t": null }));
    // The same connection may begin another one.
    late.send(identify(INTERACTIONS)).await;
    let ready = late.event("READY").await;
    let session = ready["d"]["session_id"].as_str().unwrap();
    assert_eq!(refused(&served, resume(session, 99)).await, 4007);
    assert_eq!(refused_softly(&served, resume(session, 1)).await, json!(false), "it has ended");
}

/// No intents: interactions come all the same.
const INTERACTIONS: u64 = 0;

/// What INVALID_SESSION says.
async fn refused_softly(served: &Served, payload: Value) -> Value {
    let mut app = served.connect().await;
    app.send(payload).await;
    let answer = app.next().await;
    assert_eq!(answer["op"], 9, "{answer}");
    answer["d"].clone()
}

#[tokio::test]
async fn the_code_of_an_apps_close_decides_over_its_session() {
    let served = serve().await;
    for (code, kept) in [(1000, false), (1001, false), (4000, true), (3000, true)] {
        let (app, session) = served.identified().await;
        app.close(code).await;
        served.connected(0).await;
        let mut again = served.connect().await;
        again.send(resume(&session, 2)).await;
        let answer = again.next().await;
        assert_eq!(answer["t"] == "RESUMED", kept, "{code}: {answer}");
        assert_eq!(answer["op"] == 9, !kept, "{code}: {answer}");
        again.close(1000).await;
        served.connected(0).await;
    }
}

#[tokio::test]
async fn a_session_ends_that_nobody_resumes() {
    let limits = Limits { resumable: Duration::ZERO, pace: Duration::ZERO, ..Limits::default() };
    let served = serve_with(limits).await;
    let (app, session) = served.identified().await;
    drop(app);
    served.connected(0).await;
    assert_eq!(served.hub.dispatch("INTERACTION_CREATE", &json!({})), 0);
    assert_eq!(refused_softly(&served, resume(&session, 2)).await, json!(false));
}

#[tokio::test]
async fn mistakes_are_closed_with_their_code() {
    let served = serve().await;
    let with = |key: &str, value: Value| {
        let mut payload = identify(INTENTS);
        payload["d"][key] = value;
        payload
    };
    let cases = [
        (json!({ "op": 77, "d": {} }), 4001),
        (json!({ "op": "1" }), 4002),
        (json!([1]), 4002),
        (json!({ "op": 1, "d": "x" }), 4002),
        (json!({ "op": 3, "d": { "a": "x".repeat(4096) } }), 4002),
        (json!({ "op": 3, "d": {} }), 4003),
        (with("token", json!("another")), 4004),
        (with("token", json!(7)), 4002),
        (with("properties", Value::Null), 4002),
        (with("large_threshold", json!(10)), 4002),
        (with("shard", json!([1, 1])), 4010),
        (with("shard", json!("0")), 4010),
        (with("intents", Value::Null), 4013),
        (with("intents", json!(1 << 17)), 4013),
        (with("intents", json!(1 << 15)), 4014),
        (json!({ "op": 6, "d": { "token": TOKEN } }), 4002),
        (json!({ "op": 6, "d": { "token": "another", "session_id": "x", "seq": 1 } }), 4004),
    ];
    for (payload, code) in cases {
        assert_eq!(refused(&served, payload.clone()).await, code, "{payload}");
    }
    for nonsense in [Frame::text("{"), Frame::text(""), Frame::binary(b"x".to_vec())] {
        let mut app = served.connect().await;
        app.0.send(nonsense).await.unwrap();
        assert_eq!(app.closed().await, 4002);
    }
    assert_eq!(served.connect_to("?v=6&encoding=json").await.closed().await, 4012);
    let etf = format!("{}?v=10&encoding=etf", served.guild.url);
    assert!(connect_async(etf).await.is_err(), "only JSON");
    let (mut app, _) = served.identified().await;
    app.send(identify(INTENTS)).await;
    assert_eq!(app.closed().await, 4005);
    assert_eq!(served.hub.identifies(), 1);
}

#[tokio::test]
async fn sessions_are_begun_at_a_pace_and_so_many_a_day() {
    let served = serve().await;
    let limit = served.hub.session_start_limit();
    assert_eq!((&limit["total"], &limit["remaining"]), (&json!(1000), &json!(1000)));
    let hurry = serve_hub(Hub::new).await;
    let (_app, _) = hurry.identified().await;
    assert_eq!(refused_softly(&hurry, identify(INTENTS)).await, json!(false));
    assert_eq!(hurry.hub.identifies(), 1);
    let poor = Limits { identifies: 1, pace: Duration::ZERO, ..Limits::default() };
    let poor = serve_with(poor).await;
    let (_app, _) = poor.identified().await;
    assert_eq!(refused(&poor, identify(INTENTS)).await, 4008);
    assert_eq!(poor.hub.session_start_limit()["remaining"], 0);
}

#[tokio::test]
async fn a_session_hears_of_what_it_asked_for() {
    let served = serve().await;
    let mut app = served.connect().await;
    app.send(identify(1 << 9)).await;
    app.event("READY").await;
    let hub = &served.hub;
    assert_eq!(hub.dispatch("CHANNEL_DELETE", &json!({ "id": "1", "guild_id": "7" })), 0);
    assert_eq!(hub.dispatch("MESSAGE_CREATE", &json!({ "content": "direct" })), 0);
    let said = |author: &str, mentions: Value| {
        json!({
            "guild_id": "7", "content": "words", "embeds": [{}], "author": { "id": author },
            "mentions": mentions,
        })
    };
    let cases = [
        (said("1", json!([])), "", json!([])),
        (said(BOT, json!([])), "words", json!([{}])),
        (said("1", json!([{ "id": BOT }])), "words", json!([{}])),
    ];
    for (message, content, embeds) in cases {
        assert_eq!(hub.dispatch("MESSAGE_CREATE", &message), 1);
        let heard = app.event("MESSAGE_CREATE").await;
        assert_eq!((&heard["d"]["content"], &heard["d"]["embeds"]), (&json!(content), &embeds));
    }
}
