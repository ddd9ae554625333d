//! What the conversations share: a world, nova's own engine on it, and a terminal whose output the
//! test reads. The client code is production's; only the other side is ours.

pub(crate) mod python;
pub(crate) mod shape;

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nova::config::{Config, Environment};
use nova::engine::{Answer, Engine, Invocation, Line, Outlet, Speaker, converse, open_store};
use nova::store::{Entry, Page, Store};
use nova_adapters::chat::{Account, Conversation, Platform};
use nova_adapters::console::{Console, Style};
use nova_commands::grammar::Dialect;
use nova_commands::platform::Secrets;
use nova_permissions::Role;
use nova_sandbox::{World, WorldOptions};
use tempfile::TempDir;

/// One nova with a terminal, on a world.
pub(crate) struct Nova {
    pub(crate) world: World,
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) speaker: Speaker,
    printed: Arc<Mutex<Vec<u8>>>,
    said: u64,
    _folder: TempDir,
}

/// The TLS library wants one provider for the process.
pub(crate) fn install_tls() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// A world with one cluster; `databases` starts the real programs, which must be there.
pub(crate) async fn world(databases: bool) -> World {
    let clusters = vec!["us-east".to_owned()];
    let options = WorldOptions { clusters, step: Duration::from_millis(10), databases };
    let world = World::start(options).await.expect("the sandbox starts");
    let real =
        world.postgres().is_some() && world.redis().is_some() && world.prometheus().is_some();
    assert!(real || !databases, "PostgreSQL, Redis and Prometheus are needed: run tests/run");
    world
}

impl Nova {
    /// Nova on a world without databases.
    pub(crate) async fn start() -> Self {
        Self::on(world(false).await, patient).await
    }

    /// Nova on this world, with its configuration as `edit` changes it.
    pub(crate) async fn on(world: World, edit: impl FnOnce(String) -> String) -> Self {
        install_tls();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = world.config_toml(folder.path()).expect("the world describes itself");
        let database = folder.path().join("nova.db");
        let text = edit(format!("{text}\n[store]\nurl = \"sqlite:{}\"\n", database.display()));
        let config = Config::parse("nova.toml", &text).expect("the configuration is sound");
        let secrets = Secrets::new(HashMap::new());
        let environment = Environment::default();
        let store = open_store(&config, &environment, &secrets).await.expect("the store opens");
        let engine = Engine::new(&config, &secrets, Ok(store.clone())).expect("the engine starts");
        let speaker = Speaker {
            account: Account { platform: Platform::Console, id: "ana".to_owned() },
            platform: nova_permissions::Platform::Console,
            person: "ana".to_owned(),
            roles: vec![Role::Operator],
        };
        let printed = Arc::new(Mutex::new(Vec::new()));
        Self { world, engine, store, speaker, printed, said: 0, _folder: folder }
    }

    /// An invocation of this line, different from every other one.
    pub(crate) fn invocation(&mut self, line: &str) -> Invocation {
        self.said += 1;
        Invocation {
            speaker: self.speaker.clone(),
            conversation: "terminal".to_owned(),
            line: Line::typed(line, Dialect::Plain),
            dedupe: format!("test {}", self.said),
        }
    }

    /// Says a line and returns all that the terminal shows, with an exit status under it.
    pub(crate) async fn say(&mut self, line: &str) -> String {
        let invocation = self.invocation(line);
        self.deliver(&invocation).await.1
    }

    /// Delivers an invocation, perhaps not for the first time.
    pub(crate) async fn deliver(&self, invocation: &Invocation) -> (Answer, String) {
        let style = Style { width: 200, colour: false, unicode: true, full: true };
        let console = Console::new(Arc::clone(&self.printed) as _, style);
        let here = Conversation { platform: Platform::Console, id: "terminal".to_owned() };
        let pace = Duration::from_millis(10);
        let outlet = Outlet { chat: &console, to: &here, pace };
        let answer = converse(&self.engine, invocation, outlet, pending()).await;
        let answer = answer.expect("the terminal takes everything");
        let bytes = std::mem::take(&mut *self.printed.lock().expect("nobody panicked"));
        let text = String::from_utf8(bytes).expect("the terminal is given text");
        let shown = format!("{text}exit {}\n", answer.exit as u8);
        (answer, shown)
    }

    /// Breaks or heals something, as the demo's `sandbox …` does.
    pub(crate) async fn sandbox(&self, line: &str) {
        self.world.control(line).await.expect("the sandbox obeys");
    }

    /// The timeline, oldest first.
    pub(crate) async fn timeline(&self) -> Vec<Entry> {
        let page = Page { before: None, limit: Page::MAX };
        let mut entries = self.store.timeline(page).await.expect("the store answers");
        entries.reverse();
        entries
    }
}

/// A deadline that no honest answer misses, however busy the machine is.
pub(crate) fn patient(text: String) -> String {
    text + "[limits]\ndeadline = \"30s\"\n"
}

/// Runs `body` with everything that differs from run to run replaced in snapshots.
pub(crate) fn stable(body: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    for (pattern, replacement) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\b\d+ ms", "N ms"),
        (r"\b(now|\d+ (s|min) ago)\b", "AGE"),
        (r"-[a-z0-9]{6,10}-[a-z0-9]{5}\b", "-TEMPLATE-PODID"),
        (r"-[a-z0-9]*…[a-z0-9]*-[a-z0-9]{5}\b", "-TEMPLATE-PODID"),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME UTC"),
        (r"\*room\* \| C[A-Z0-9]+", "*room* | CHANNEL"),
        (r"PostgreSQL 1\d\.\d+", "PostgreSQL 1N.N"),
        (r"Redis 7\.\d+\.\d+", "Redis 7.N.N"),
        (r"\d\.\d MiB", "N.N MiB"),
        (r"\d+ of 100 connections, \d+ active", "N of 100 connections, N active"),
        (r"failed inside nova; reference \S+", "failed inside nova; reference ID"),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings.set_omit_expression(true);
    settings.bind(body);
}
