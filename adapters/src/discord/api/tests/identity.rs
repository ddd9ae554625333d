//! Who nova is, and where the gateway is.

use std::time::Duration;

use serde_json::{Value, json};

use super::server::{Answers, Reply, error};
use super::{APPLICATION, BOT, GUILD, class, client};
use crate::discord::api::Discord;

const APP: &str = "GET /applications/@me";
const SERVER: &str = "GET /guilds/1200000000000000001";
const SELF: &str = "GET /guilds/1200000000000000001/members/1300000000000000001";
const GATEWAY: &str = "GET /gateway/bot";

fn guild(owner: &str, everyone: u64, own: u64) -> Value {
    json!({ "id": GUILD, "name": "NovaCron", "owner_id": owner, "roles": [
        { "id": GUILD, "name": "@everyone", "permissions": everyone.to_string() },
        { "id": "7", "name": "nova", "permissions": own.to_string() },
        { "id": "8", "name": "other", "permissions": "8" },
    ] })
}

async fn installed(guild: Value) -> (Answers, Discord) {
    let server = Answers::start().await;
    server.to(APP, json!({ "id": APPLICATION, "verify_key": "ab12", "name": "nova" }));
    server.to(SERVER, guild);
    server.to(
        SELF,
        json!({ "user": { "id": BOT, "username": "nova", "bot": true }, "roles": ["7"] }),
    );
    let discord = client(&server.api_url());
    (server, discord)
}

#[tokio::test]
async fn the_token_tells_its_application_and_its_permissions() {
    // View Channels for everybody; Send Messages and Embed Links for nova.
    let (_server, discord) = installed(guild("1", 1 << 10, 1 << 11 | 1 << 14)).await;
    let identity = discord.identity().await.unwrap();
    assert_eq!((identity.user.as_str(), identity.public_key.as_str()), (BOT, "ab12"));
    assert_eq!(identity.guild_name, "NovaCron");
    assert_eq!(identity.permissions.bits(), 1 << 10 | 1 << 11 | 1 << 14);
    let missing: Vec<_> = identity.missing_permissions().map(|(name, _)| name).collect();
    let expected = [
        "Attach Files",
        "Read Message History",
        "Send Messages in Threads",
        "Pin Messages",
        "Manage Channels",
        "Manage Roles",
    ];
    assert_eq!(missing, expected);
}

#[tokio::test]
async fn an_administrator_and_the_owner_may_do_everything() {
    for guild in [guild("1", 0, 8), guild(BOT, 0, 0)] {
        let (_server, discord) = installed(guild).await;
        assert_eq!(discord.identity().await.unwrap().missing_permissions().count(), 0);
    }
}

#[tokio::test]
async fn what_is_mixed_up_is_told() {
    let (server, discord) = installed(guild("1", 0, 0)).await;
    server.anew(SERVER).to(SERVER, error(403, 50001));
    let said = discord.identity().await.unwrap_err().to_string();
    assert!(said.contains("not in the server"), "{said}");
    server.anew(APP).to(APP, json!({ "id": "1", "verify_key": "ab12" }));
    let said = discord.identity().await.unwrap_err().to_string();
    assert!(said.contains("another application"), "{said}");
}

#[tokio::test]
async fn the_gateway_is_here_or_discords() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let told = |url: &str| {
        json!({ "url": url, "shards": 1, "session_start_limit":
            { "total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1 } })
    };
    server.to(GATEWAY, told("ws://127.0.0.1:1/")).to(GATEWAY, told("wss://evil.example"));
    let gateway = discord.gateway().await.unwrap();
    assert_eq!((gateway.url.as_str(), gateway.remaining), ("ws://127.0.0.1:1/", 999));
    assert_eq!(gateway.reset_after, Duration::from_secs(4 * 3600));
    assert_eq!(class(&discord.gateway().await), "refused");
}

#[tokio::test]
async fn an_interaction_is_answered_without_the_bots_token() {
    let server = Answers::start().await;
    let discord = client(&server.api_url());
    let call = "POST /interactions/17/s3cret/callback";
    server.to(call, Reply::new(204, "")).to(call, error(400, 40060)).to(call, error(404, 10062));
    let pong = json!({ "type": 1 });
    discord.respond("17", "s3cret", &pong).await.unwrap();
    discord.respond("17", "s3cret", &pong).await.unwrap();
    assert_eq!(class(&discord.respond("17", "s3cret", &pong).await), "gone");
    assert_eq!(class(&discord.respond("17", "../x", &pong).await), "gone");
    let seen = server.seen(call);
    assert_eq!((seen.len(), seen[0].header("authorization")), (3, None));
    assert_eq!(seen[0].arguments, pong);
}
