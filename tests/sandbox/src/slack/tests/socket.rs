//! Socket Mode by a real WebSocket client.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

async fn ticket(world: &World) -> Value {
    let request = world.request("apps.connections.open", &json!({}));
    let request = request.bearer_auth(&world.slack.app().app_token);
    request.send().await.unwrap().json().await.unwrap()
}

async fn connect(world: &World) -> (Socket, Value) {
    let url = ticket(world).await["url"].as_str().unwrap().to_owned();
    let (mut socket, _) = connect_async(url).await.unwrap();
    let hello = next(&mut socket).await.expect("a hello");
    (socket, hello)
}

/// The next text, as JSON; `None` when the socket is closed.
async fn next(socket: &mut Socket) -> Option<Value> {
    let wait = async {
        loop {
            match socket.next().await {
                Some(Ok(Frame::Text(text))) => return serde_json::from_str(&text).ok(),
                Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                _ => return None,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), wait).await.expect("a frame within five seconds")
}

async fn ack(socket: &mut Socket, envelope: &Value, payload: Option<Value>) {
    let mut ack = json!({ "envelope_id": envelope["envelope_id"] });
    if let Some(payload) = payload {
        ack["payload"] = payload;
    }
    socket.send(Frame::text(ack.to_string())).await.unwrap();
}

#[tokio::test]
async fn a_command_is_acknowledged_with_its_answer() {
    let world = world().await;
    let (mut socket, hello) = connect(&world).await;
    assert_eq!((&hello["type"], &hello["num_connections"]), (&json!("hello"), &json!(1)));
    let app = async {
        let envelope = next(&mut socket).await.unwrap();
        ack(&mut socket, &envelope, Some(json!({ "text": "pong" }))).await;
        envelope
    };
    let (delivered, envelope) =
        tokio::join!(world.slack.command("ana", "incidents", "/nova", "ping"), app);
    assert!(delivered.unwrap().acked);
    assert_eq!(envelope["type"], "slash_commands");
    assert_eq!(envelope["accepts_response_payload"], true);
    assert_eq!(envelope["payload"]["command"], "/nova");
    assert_eq!(world.slack.ephemerals("incidents", "ana")[0].text, "pong");
}

#[tokio::test]
async fn an_unacknowledged_event_goes_to_another_socket() {
    let options = SlackOptions { deadline: Duration::from_millis(50), ..SlackOptions::default() };
    let world = world_of(options).await;
    let (mut first, _) = connect(&world).await;
    let (mut second, hello) = connect(&world).await;
    assert_eq!(hello["num_connections"], 2);
    // Sockets are served in turn, so the silent one gets the event first or the other one does.
    let app = async {
        let silent = next(&mut second).await.unwrap();
        let again = next(&mut first).await.unwrap();
        ack(&mut first, &again, None).await;
        (silent, again)
    };
    let (delivered, (silent, again)) = tokio::join!(world.slack.open_home("ana"), app);
    let delivered = delivered.unwrap();
    assert!(delivered.acked && delivered.late && delivered.attempts == 2, "{delivered:?}");
    assert_eq!(silent["payload"], again["payload"]);
    assert_eq!((&again["retry_attempt"], &again["retry_reason"]), (&json!(1), &json!("timeout")));
    assert_ne!(silent["envelope_id"], again["envelope_id"]);
}

#[tokio::test]
async fn sockets_are_told_to_go_and_are_cut() {
    let world = world().await;
    let (mut old, _) = connect(&world).await;
    world.slack.disconnect(Disconnect::RefreshRequested, 1);
    let told = next(&mut old).await.unwrap();
    assert_eq!(
        (&told["type"], &told["reason"]),
        (&json!("disconnect"), &json!("refresh_requested"))
    );
    assert_eq!(world.slack.sockets(), 0, "it gets no more envelopes");
    let (mut new, _) = connect(&world).await;
    let app = async {
        let envelope = next(&mut new).await.unwrap();
        ack(&mut new, &envelope, None).await;
    };
    let (delivered, ()) = tokio::join!(world.slack.command("bo", "ops", "/nova", ""), app);
    assert!(delivered.unwrap().acked);
    world.slack.drop_sockets();
    assert_eq!(next(&mut new).await, None);
    world.slack.until("no socket", |slack| (slack.sockets() == 0).then_some(())).await.unwrap();
    let delivered = world.slack.command("bo", "ops", "/nova", "").await.unwrap();
    assert!(!delivered.acked && !delivered.late, "{delivered:?}");
}

#[tokio::test]
async fn a_disabled_link_closes_and_refuses() {
    let world = world().await;
    let (mut socket, _) = connect(&world).await;
    world.slack.disconnect(Disconnect::LinkDisabled, 10);
    assert_eq!(next(&mut socket).await.unwrap()["reason"], "link_disabled");
    assert_eq!(next(&mut socket).await, None);
    assert_eq!(ticket(&world).await["ok"], false);
    world.slack.allow_sockets(true);
    assert_eq!(connect(&world).await.1["type"], "hello");
}

#[tokio::test]
async fn a_ticket_opens_one_socket_and_there_are_ten() {
    let world = world().await;
    let url = ticket(&world).await["url"].as_str().unwrap().to_owned();
    let (_first, _) = connect_async(&url).await.unwrap();
    assert!(connect_async(&url).await.is_err(), "a used ticket");
    assert!(connect_async(format!("{url}x")).await.is_err(), "an unknown ticket");
    let mut sockets = Vec::new();
    for _ in 0..9 {
        sockets.push(connect(&world).await.0);
    }
    let eleventh = connect(&world).await.1;
    assert_eq!(eleventh["reason"], "too_many_websockets");
    assert_eq!(world.slack.sockets(), 10);
}

#[tokio::test]
async fn nonsense_from_the_app_is_not_heard() {
    let world = world().await;
    let (mut socket, _) = connect(&world).await;
    for nonsense in ["", "{", "[]", "{\"envelope_id\":7}", "{\"envelope_id\":\"nope\"}", "\u{0}"] {
        socket.send(Frame::text(nonsense)).await.unwrap();
    }
    let app = async {
        let envelope = next(&mut socket).await.unwrap();
        ack(&mut socket, &envelope, None).await;
    };
    let (delivered, ()) = tokio::join!(world.slack.command("ana", "ops", "/nova", ""), app);
    assert!(delivered.unwrap().acked);
}
