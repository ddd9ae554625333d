//! `nova check` against a server: the token, what nova may do there, how interactions come.

use std::collections::HashMap;

use nova::check::check;
use nova::config::{Config, Environment};
use nova_commands::platform::Secrets;
use nova_sandbox::discord::{Discord, DiscordOptions};

use crate::support::install_tls;

/// What `nova check` says of Discord, with this token in this server.
async fn said(discord: &Discord, token: &str, guild: &str) -> String {
    let app = discord.app();
    let text = format!(
        "[discord]\napplication_id = \"{}\"\nguild_id = \"{guild}\"\n\
         bot_token = {{ env = \"BOT\" }}\napi_url = \"{}\"\n",
        app.application_id,
        discord.api_url(),
    );
    let config = Config::parse("nova.toml", &text).expect("the configuration is sound");
    let secrets = Secrets::new(HashMap::from([("BOT".to_owned(), token.to_owned())]));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = ("XDG_STATE_HOME".to_owned(), folder.path().display().to_string());
    let report = check(&config, &Environment(HashMap::from([home])), &secrets).await;
    let about = report.findings.iter().filter(|f| f.subject.raw().starts_with("Discord"));
    let lines = about.map(|finding| {
        let hint = finding.hint.as_ref().map_or(String::new(), |hint| format!(" → {}", hint.raw()));
        let (word, subject) = (finding.status.word(), finding.subject.raw());
        format!("{word} {subject}: {}{hint}", finding.measured.raw())
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_token_the_permissions_and_the_way_in_are_told() {
    install_tls();
    let discord = Discord::start(DiscordOptions::default()).await.expect("the server starts");
    let (token, guild) = (discord.bot_token(), discord.app().guild_id.clone());
    let mut replies = format!("as it should be:\n{}\n", said(&discord, &token, &guild).await);
    discord.set_permissions(1 << 15, false);
    replies += &format!("\nno files may be attached:\n{}\n", said(&discord, &token, &guild).await);
    discord.set_permissions(1 << 15, true);
    let elsewhere = said(&discord, &token, "1999999999999999999").await;
    replies += &format!("\nnot invited:\n{elsewhere}\n");
    discord.deliver_to("http://127.0.0.1:9/discord/interactions");
    replies +=
        &format!("\nan endpoint URL, and no key:\n{}\n", said(&discord, &token, &guild).await);
    replies += &format!("\na wrong token:\n{}\n", said(&discord, "no.such.token", &guild).await);
    assert!(!replies.contains(&token), "{replies}");
    insta::assert_snapshot!("discord_check", replies);
}
