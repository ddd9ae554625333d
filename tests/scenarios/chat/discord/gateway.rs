//! The gateway's own life: connections that break, sessions that end, a token that counts no more.

use nova_sandbox::discord::Discord;

use crate::chat::{Office, Platform, one_answer};

/// Waits until the guild says so.
async fn once(office: &Office, awaited: &str, look: impl Fn(&Discord) -> bool) {
    office.until(awaited, |office| look(office.discord()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_is_resumed_and_its_command_goes_on() {
    let office = Office::open(Platform::DiscordGateway).await;
    office.says("ana", "incidents", "health vm-service").await;
    office.discord().drop_connections();
    office.answers("incidents", 1).await;
    once(&office, "a resumed session", |discord| discord.resumes() == 1).await;
    one_answer(&office, "incidents", 1).await;
    office.discord().reconnect_requested();
    once(&office, "it resumed again", |discord| discord.resumes() == 2).await;
    one_answer(&office, "incidents", 2).await;
    assert_eq!(office.discord().identifies(), 1, "one session all along");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_over_is_begun_anew() {
    let office = Office::open(Platform::DiscordGateway).await;
    one_answer(&office, "incidents", 0).await;
    office.discord().invalidate(false);
    once(&office, "another session", |discord| discord.identifies() == 2).await;
    one_answer(&office, "incidents", 1).await;
    assert_eq!(office.discord().resumes(), 0);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_revoked_is_not_tried_again() {
    let office = Office::open(Platform::DiscordGateway).await;
    one_answer(&office, "incidents", 0).await;
    drop(office.chat().rotate_token());
    office.ready(503).await;
    // Twice the same one: that it is not accepted is known.
    office.reload(&office.config.replace("{ env = \"BOT\" }", "{ env = \"NONE\" }"));
    office.reload(&office.config);
    office.ready(200).await;
    one_answer(&office, "incidents", 1).await;
    assert_eq!(office.discord().identifies(), 2);
    let invalid = office.discord().invalid_requests();
    assert!(invalid < 5, "{invalid} calls with a token that is not accepted");
    office.close().await;
}
