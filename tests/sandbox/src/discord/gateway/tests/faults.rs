//! What the gateway does to its apps, and what apps do to it.

use super::*;

#[tokio::test]
async fn a_revoked_token_opens_nothing() {
    let served = serve().await;
    let (mut app, session) = served.identified().await;
    *served.guild.token.lock().unwrap() = None;
    served.hub.close_with(4004);
    assert_eq!(app.closed().await, 4004);
    assert_eq!(refused(&served, resume(&session, 2)).await, 4004);
    assert_eq!(refused(&served, identify(INTENTS)).await, 4004);
}

#[tokio::test]
async fn the_closing_code_decides_over_the_session() {
    let served = serve().await;
    for (code, kept) in [(4000, true), (4008, true), (1001, true), (4007, false), (4009, false)] {
        let (mut app, session) = served.identified().await;
        served.hub.close_with(code);
        assert_eq!(app.closed().await, code);
        let mut again = served.connect().await;
        again.send(resume(&session, 2)).await;
        assert_eq!(again.next().await["t"] == "RESUMED", kept, "{code}");
        again.close(1000).await;
    }
}

#[tokio::test]
async fn an_invalidated_session_is_resumed_or_begun_again() {
    let served = serve().await;
    let (mut app, session) = served.identified().await;
    served.hub.invalidate(true);
    let told = app.next().await;
    assert_eq!((&told["op"], &told["d"]), (&json!(9), &json!(true)));
    app.close(4000).await;
    let mut again = served.connect().await;
    again.send(resume(&session, 2)).await;
    again.event("RESUMED").await;
    served.hub.invalidate(false);
    assert_eq!(again.next().await["d"], false);
    assert_eq!(served.hub.dispatch("INTERACTION_CREATE", &json!({})), 0);
    again.send(resume(&session, 2)).await;
    assert_eq!(again.next().await["d"], false);
    again.send(identify(INTENTS)).await;
    again.event("READY").await;
}

#[tokio::test]
async fn an_app_is_told_to_reconnect_and_to_send_a_heartbeat() {
    let served = serve().await;
    let (mut app, session) = served.identified().await;
    served.hub.request_heartbeat();
    assert_eq!(app.next().await["op"], 1);
    served.hub.request_reconnect();
    assert_eq!(app.next().await["op"], 7);
    app.close(4000).await;
    let mut again = served.connect().await;
    again.send(resume(&session, 2)).await;
    again.event("RESUMED").await;
}

#[tokio::test]
async fn a_connection_without_heartbeats_is_closed_and_resumed() {
    let limits = Limits { heartbeat: Duration::from_secs(1), ..Limits::default() };
    let served = serve_with(limits).await;
    let (mut app, session) = served.identified().await;
    assert_eq!(app.closed().await, 4000);
    let mut again = served.connect().await;
    again.send(resume(&session, 2)).await;
    again.event("RESUMED").await;
}

#[tokio::test]
async fn a_silent_connection_is_given_up_and_nothing_is_lost() {
    let served = serve().await;
    let (mut app, session) = served.identified().await;
    served.hub.silence();
    app.send(json!({ "op": 1, "d": 2 })).await;
    assert_eq!(served.hub.dispatch("INTERACTION_CREATE", &json!({})), 1);
    let mut again = served.connect().await;
    again.send(resume(&session, 2)).await;
    again.event("INTERACTION_CREATE").await;
    again.event("RESUMED").await;
    assert_eq!(app.frame().await, None, "nothing was sent before it was cut");
    assert_eq!(served.hub.heartbeats(), 0);
}

#[tokio::test]
async fn an_app_that_talks_too_much_is_closed() {
    let served = serve().await;
    let (mut app, _) = served.identified().await;
    // One payload was the identification.
    for _ in 0..120 {
        app.send(json!({ "op": 3, "d": {} })).await;
    }
    assert_eq!(app.closed().await, 4008);
}

#[tokio::test]
async fn an_app_that_does_not_read_is_let_go_and_misses_nothing() {
    let served = serve().await;
    let (mut app, session) = served.identified().await;
    // More than any buffer between the two holds.
    let large = json!({ "id": "x".repeat(1 << 18) });
    let mut sent = 0;
    while served.hub.connections() == 1 && sent < 400 {
        served.hub.dispatch("INTERACTION_CREATE", &large);
        sent += 1;
        tokio::task::yield_now().await;
    }
    while app.frame().await.is_some() {}
    served.connected(0).await;
    let mut again = served.connect().await;
    again.send(resume(&session, 1 + sent)).await;
    assert_eq!(again.event("INTERACTION_CREATE").await["s"], 2 + sent);
    again.event("RESUMED").await;
}

#[tokio::test]
async fn a_gateway_that_is_down_or_ends_takes_nobody() {
    let served = serve().await;
    served.hub.refuse(true);
    let url = format!("{}?v=10", served.guild.url);
    assert!(connect_async(&url).await.is_err());
    served.hub.refuse(false);
    let (mut app, _) = served.identified().await;
    served.hub.shut_down();
    assert_eq!(app.frame().await, None);
    assert!(connect_async(&url).await.is_err());
}
