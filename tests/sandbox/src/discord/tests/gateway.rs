//! Interactions and events over the gateway, answered by calls.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message as Frame;

use super::*;

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// The next event of this name.
async fn event(socket: &mut Socket, name: &str) -> Value {
    loop {
        let frame = socket.next().await.unwrap().unwrap();
        let payload: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap();
        if payload["t"] == name {
            return payload["d"].clone();
        }
    }
}

async fn connect(guild: &Guild) -> Socket {
    let url = format!("{}/?v=10&encoding=json", guild.discord.gateway_url());
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let identify = json!({ "op": 2, "d": {
        "token": guild.discord.bot_token(), "intents": 1,
        "properties": { "os": "linux", "browser": "nova", "device": "nova" },
    } });
    socket.send(Frame::text(identify.to_string())).await.unwrap();
    socket
}

#[tokio::test]
async fn an_interaction_comes_over_the_gateway_and_is_answered_by_a_call() {
    let guild = guild().await;
    guild.register().await;
    let mut socket = connect(&guild).await;
    let ready = event(&mut socket, "READY").await;
    assert_eq!(ready["user"]["id"], "1100000000000000001");
    let whole = event(&mut socket, "GUILD_CREATE").await;
    assert_eq!(whole["channels"].as_array().unwrap().len(), 3, "{whole}");
    let answer = async {
        let interaction = event(&mut socket, "INTERACTION_CREATE").await;
        let text = |key: &str| interaction[key].as_str().unwrap();
        let path = format!("POST /interactions/{}/{}/callback", text("id"), text("token"));
        let body = json!({ "type": 4, "data": { "content": "over the gateway" } });
        assert_eq!(guild.call(&path, body).await, (204, Value::Null));
    };
    let (done, ()) = tokio::join!(guild.discord.typed("ana", "incidents", "health"), answer);
    let done = done.unwrap();
    assert!(done.acked && done.status.is_none(), "{done:?}");
    assert_eq!(guild.discord.messages("incidents")[0].content, "over the gateway");
}

#[tokio::test]
async fn channels_that_go_are_told_of() {
    let guild = guild().await;
    let mut socket = connect(&guild).await;
    event(&mut socket, "GUILD_CREATE").await;
    guild.discord.remove_bot("ops").unwrap();
    assert_eq!(event(&mut socket, "CHANNEL_DELETE").await["name"], "ops");
    guild.discord.delete_channel("incidents").unwrap();
    assert_eq!(event(&mut socket, "CHANNEL_DELETE").await["name"], "incidents");
    guild.discord.lose_guild();
    assert_eq!(event(&mut socket, "GUILD_DELETE").await["unavailable"], true);
    guild.discord.kick_bot_from_guild();
    assert!(event(&mut socket, "GUILD_DELETE").await["unavailable"].is_null());
}
