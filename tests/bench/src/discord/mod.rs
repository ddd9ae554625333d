//! `/nova ping` in Discord over HTTP: `nova serve` against a bare axum server and against Express with
//! Discord's own `discord-interactions`.
//!
//! Invariant: that of [`crate::contest`], and nova's timeline knows of each request. Called by `main`.

mod ping;

use std::path::Path;

use anyhow::Context as _;
use nova_sandbox::discord::Discord;

use self::ping::{Guild, PATH, pong};
use crate::contest::bare::{self, BARE};
use crate::contest::nova::Nova;
use crate::contest::npm::Script;
use crate::contest::server::{Server, free_address};
use crate::contest::{self, Measured, Peer, Pings};
use crate::measure::Place;

/// The packages as `npm install` takes them.
const PACKAGES: [&str; 2] = ["express@5.3.0", PACKAGE];
const PACKAGE: &str = "discord-interactions@4.4.0";
const EXPRESS: &str = include_str!("express.js");
/// Whom nova's CPU time is held against. Both verify and give a fixed answer.
const PEERS: [Peer; 2] = [(BARE, Some(1.3)), (PACKAGE, Some(1.0 / 7.0))];

/// Under what conditions the figures hold.
pub(crate) fn conditions() -> String {
    contest::conditions("discord")
}

/// Runs everything. `bare` is the bare server's program.
///
/// # Errors
/// When a contestant cannot be started or gives a wrong answer. That there is no Express is none: it is
/// said in the result.
pub(crate) async fn measure(place: &Place, nova: &Path, bare: &Path) -> anyhow::Result<Measured> {
    let guild = Guild::start().await?;
    let installed = Script::install(place, "express.js", EXPRESS, &PACKAGES).await;
    let (express, missing) = match installed {
        Ok(express) => (Some(express), None),
        Err(error) => (None, Some(format!("discord against {}: {error:#}", PACKAGES.join(" ")))),
    };
    let token = vec![("NOVA_DISCORD_BOT_TOKEN", guild.0.bot_token())];
    let setup = Nova::new(place, nova, "discord", &section(&guild.0), token)?;
    guild.0.deliver_to(&format!("http://{}{PATH}", setup.at()));
    let public_key = &guild.0.app().public_key;
    let mut servers = vec![
        setup.start(place, pong, &guild).await?,
        bare::start(place, bare, "discord", public_key, pong, &guild).await?,
    ];
    if let Some(express) = &express {
        let at = free_address()?;
        let mut command = express.command(place, at)?;
        command.env("PUBLIC_KEY", public_key);
        servers.push(Server::start(place, "express", pong, at, command, &guild).await?);
    }
    let mut pings: Vec<Pings<'_>> = servers.iter().map(|_| Pings::new(&guild)).collect();
    let cpu = contest::rounds("discord", &servers, &mut pings).await?;
    let mut servers = servers.into_iter();
    let nova = servers.next().context("nova was started")?;
    for peer in servers {
        peer.stop().await?;
    }
    eprintln!("discord: timeline");
    setup.end(place, nova, pings[0].made()).await?;
    let rows = contest::cpu_rows("discord, CPU of 10,000", cpu, &PEERS)?;
    Ok(Measured { rows, node: express.map(|express| express.node), missing })
}

fn section(guild: &Discord) -> String {
    let app = guild.app();
    format!(
        "api_url = \"{}\"\napplication_id = \"{}\"\nguild_id = \"{}\"\npublic_key = \"{}\"\n\
         gateway = false\nmember_roles = [\"viewer\"]\n\
         bot_token = {{ env = \"NOVA_DISCORD_BOT_TOKEN\" }}\n",
        guild.api_url(),
        app.application_id,
        app.guild_id,
        app.public_key
    )
}
