//! `nova demo`: the whole product on a platform that it brings along.
//!
//! The sandbox writes a configuration, and the demo is the console with that configuration: nothing
//! of nova is different here.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt;
use nova_commands::platform::Secrets;
use nova_sandbox::{World, WorldOptions};

use crate::config::{Config, Environment};
use crate::console::{self, Extra, Terminal};
use crate::engine::{Engine, Exit, open_store};

/// How long a pod of the demo takes from one phase to the next: slow enough to watch.
const STEP: Duration = Duration::from_secs(1);

/// Starts the sandbox and a session on it; everything goes when it ends.
///
/// # Errors
/// When a part of the sandbox does not start.
pub async fn run(environment: Environment, terminal: Terminal) -> anyhow::Result<Exit> {
    eprintln!("starting a NovaCron platform on this machine …");
    let options = WorldOptions { step: STEP, ..WorldOptions::default() };
    let world = World::start(options).await.context("the sandbox does not start")?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let mut text = world.config_toml(folder.path())?;
    let store = folder.path().join("nova.db");
    text += &format!("\n[store]\nurl = \"sqlite:{}\"\n", store.display());
    let file = folder.path().join("nova.toml");
    std::fs::write(&file, &text).context("the demo's configuration cannot be written")?;
    let config = Config::load(Some(&file))?;
    let secrets = Secrets::new(environment.0.clone());
    let store = open_store(&config, &environment, &secrets).await;
    let engine = Arc::new(Engine::new(&config, &secrets, store)?);
    let world = Arc::new(world);
    eprintln!("{}", greeting(&world, &file.display().to_string()));
    let sandbox = Arc::clone(&world);
    let extra = Extra {
        word: "sandbox",
        candidates: world.control_words(),
        run: Box::new(move |line| {
            let world = Arc::clone(&sandbox);
            async move { world.control(&line).await }.boxed_local()
        }),
    };
    let speaker = console::speaker(&config);
    // The session ends at a signal too, so that what was started goes.
    let exit = console::session(&engine, &speaker, &terminal, &environment, Some(extra)).await;
    engine.close().await;
    exit
}

fn greeting(world: &World, file: &str) -> String {
    let missing: Vec<&str> = [
        ("PostgreSQL", world.postgres().is_some()),
        ("Redis", world.redis().is_some()),
        ("Prometheus", world.prometheus().is_some()),
    ]
    .into_iter()
    .filter_map(|(name, runs)| (!runs).then_some(name))
    .collect();
    let missing = match missing[..] {
        [] => String::new(),
        _ => format!("\nNot on this machine, so shown as not configured: {}.", missing.join(", ")),
    };
    format!(
        "It runs, with its configuration in {file}.{missing}\n\
         \n\
         \x20 health                     what is broken\n\
         \x20 sandbox break vm-service   break something, then ask again\n\
         \x20 sandbox heal               mend it\n\
         \x20 sandbox help               what else can be broken\n"
    )
}
