//! The `nova` program: reads arguments, environment and configuration, builds, runs.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use nova::cli::{Audit, Cli, Task, arrange, join};
use nova::config::{Config, Environment};
use nova::console::{self, Terminal};
use nova::engine::{Engine, Exit, open_store, sanitiser};
use nova::serve::serve;
use nova::store::Verification;
use nova::{check, view};
use nova_commands::grammar::Grammar;
use nova_commands::platform::Secrets;
use nova_permissions::GateTable;

/// Most of what a short command costs is memory that is asked for on one thread and given back on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The place of the configuration when nobody says another.
const DEFAULT_CONFIG: &str = "/etc/nova/nova.toml";

fn main() -> ExitCode {
    let args = match arrange(std::env::args_os()) {
        Ok(args) => args,
        Err(wrong) => return complain(&wrong),
    };
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not mistakes.
            let code = if error.use_stderr() { 2 } else { 0 };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::from(2) };
        }
    };
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return complain("another TLS provider is installed already");
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(log_level(&cli.task))
        .init();
    // One command needs one thread, and so do many that wait for others: a second one would cost them more
    // in waking each other than it takes off. A prompt shows progress while it waits for a person.
    let mut runtime = match cli.task {
        Task::Run { .. } | Task::Serve => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = match runtime.worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("no runtime: {error}")),
    };
    let done = runtime.block_on(run(cli));
    // A thread that still waits for the terminal's next line must not hold the exit.
    runtime.shutdown_background();
    match done {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => complain(&format!("{error:#}")),
    }
}

async fn run(cli: Cli) -> anyhow::Result<Exit> {
    let environment = Environment::read();
    let terminal = Terminal::detect(&environment, std::io::stdout().is_terminal());
    if let Task::Catalogue { json } = cli.task {
        let grammar = Grammar::new();
        let text = match json {
            true => view::catalogue::json(&grammar, &GateTable::default())?,
            false => view::catalogue::text(&grammar),
        };
        console::print(&text)?;
        return Ok(Exit::Ok);
    }
    #[cfg(feature = "demo")]
    if let Task::Demo = cli.task {
        return Box::pin(nova::demo::run(environment, terminal)).await;
    }
    let path = configuration(cli.config, &environment);
    let config = Config::load(path.as_deref())?;
    let secrets = Secrets::new(environment.0.clone());
    if let Task::Check = cli.task {
        let started = Instant::now();
        let report = check::check(&config, &environment, &secrets).await;
        return console::show(&report, &sanitiser(&config, &secrets), started, &terminal).await;
    }
    if let Task::Serve = cli.task {
        serve(path, &config, &environment).await?;
        return Ok(Exit::Ok);
    }
    let store = open_store(&config, &environment, &secrets).await;
    if let Task::Audit { task: Audit::Verify } = cli.task {
        let verification = store?.verify(None).await?;
        let (exit, text) = match verification {
            Verification::Intact { head } => {
                (Exit::Ok, format!("intact: {} rows, head {}", head.seq, head.hash))
            }
            Verification::Broken { seq, fault } => (Exit::Findings, format!("row {seq}: {fault}")),
        };
        console::print(&text)?;
        return Ok(exit);
    }
    let engine = Arc::new(Engine::new(&config, &secrets, store)?);
    let speaker = console::speaker(&config);
    let exit = match cli.task {
        Task::Run { json, full, line } => {
            let terminal = Terminal { full, ..terminal };
            console::one_shot(&engine, &speaker, join(&line), json, &terminal).await
        }
        _ => console::session(&engine, &speaker, &terminal, &environment, None).await,
    };
    engine.close().await;
    exit
}

/// A person at a terminal sees what went wrong; whoever serves also wants to know that it runs.
fn log_level(task: &Task) -> tracing::Level {
    match task {
        Task::Serve => tracing::Level::INFO,
        _ => tracing::Level::ERROR,
    }
}

/// The configuration file to read, if any.
fn configuration(given: Option<PathBuf>, environment: &Environment) -> Option<PathBuf> {
    let named = given.or_else(|| environment.get("NOVA_CONFIG").map(PathBuf::from));
    named.or_else(|| Some(PathBuf::from(DEFAULT_CONFIG)).filter(|path| Path::exists(path)))
}

fn complain(wrong: &str) -> ExitCode {
    let mut out = std::io::stderr().lock();
    for line in wrong.lines() {
        // Nothing is left to tell when even this fails.
        drop(writeln!(out, "nova: {line}"));
    }
    ExitCode::from(2)
}
