//! The place of a conversation: a world, a platform with people in it, nova serving both. The verbs of
//! the scenarios.
//!
//! Invariant: every wait is on a condition, bounded, and says what it awaited; [`Office::close`] leaves
//! nothing running and has everything judged that nova sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nova::config::Config;
use nova::serve::Reloaded;
use nova::store::{Clock, Entry, Page, Store, StoreConfig, TimelineKey};
use nova_commands::platform::Secrets;
use nova_sandbox::World;
use tempfile::TempDir;

use super::Platform;
use super::driver::{Call, ChatDriver, Deed, Delivery, Driver, Fault, Forgery, Said, Shown, Token};
use super::serving::Serving;
use crate::support::{install_tls, stable, world};

/// How long a condition is looked at that nobody tells the test about.
const WAIT: Duration = Duration::from_secs(20);

/// A platform with nova on it.
pub(crate) struct Office {
    pub(crate) driver: Box<dyn Driver>,
    /// The configuration's text without the secrets.
    pub(crate) config: String,
    world: World,
    folder: TempDir,
    nova: Option<Serving>,
}

impl Office {
    pub(crate) async fn open(platform: Platform) -> Self {
        Self::with(platform, |text| text).await
    }

    /// With the configuration as `edit` changes it.
    pub(crate) async fn with(platform: Platform, edit: impl FnOnce(String) -> String) -> Self {
        install_tls();
        let world = world(false).await;
        let driver = platform.driver().await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = edit(format!(
            "{}\n[store]\nurl = \"sqlite:{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [limits]\ndeadline = \"30s\"\n{}",
            world.config_toml(folder.path()).expect("the world describes itself"),
            folder.path().join("nova.db").display(),
            driver.section(),
        ));
        let (parsed, secrets) = read(&config, &*driver);
        let nova = driver.start(&parsed, &secrets).await;
        Self { driver, config, world, folder, nova }
    }

    /// What a terminal has not.
    pub(crate) fn chat(&self) -> &dyn ChatDriver {
        self.driver.chat().expect("this conversation needs channels")
    }

    /// What `user` does, to be delivered when and as often as the test wants.
    pub(crate) fn does<'a>(&'a self, user: &'a str, deed: Deed<'a>) -> Delivery<'a> {
        self.driver.does(user, deed)
    }

    /// Types `/nova LINE`.
    pub(crate) async fn says(&self, user: &str, channel: &str, line: &str) -> Said {
        self.does(user, Deed::Types { channel, line }).deliver().await
    }

    /// Presses a button; what it does comes as a message or a form.
    pub(crate) async fn presses(&self, user: &str, on: &Shown, label: &str) {
        let said = self.does(user, Deed::Presses { on, label }).deliver().await;
        assert_eq!(said, Said::Nothing);
    }

    /// Claims to have pressed a button.
    pub(crate) async fn forges(&self, on: &Shown, label: &str, forgery: Forgery<'_>) {
        let said = self.does("ana", Deed::Forges { on, label, forgery }).deliver().await;
        assert_eq!(said, Said::Nothing);
    }

    /// Sends the form that `user` sees.
    ///
    /// # Errors
    /// With what is wrong, by the ids of the form's questions.
    pub(crate) async fn submits(
        &self,
        user: &str,
        fields: &[(&str, &str)],
    ) -> Result<(), BTreeMap<String, String>> {
        match self.does(user, Deed::Submits { fields }).deliver().await {
            Said::Nothing => Ok(()),
            Said::Wrong(errors) => Err(errors),
            said => panic!("a form is taken or not: {said:?}"),
        }
    }

    /// Chooses "Add to incident" on a message.
    pub(crate) async fn quotes(&self, user: &str, channel: &str, message: &str) {
        self.does(user, Deed::Quotes { channel, message }).deliver().await;
    }

    /// Asks for the overview and gives it as it is drawn then.
    pub(crate) async fn home(&self, user: &str) -> Shown {
        let version = |office: &Self| office.chat().home(user).map(|page| page.id);
        let before = version(self);
        self.does(user, Deed::OpensHome).deliver().await;
        let look = |office: &Self| office.chat().home(user).filter(|_| version(office) != before);
        self.until("a home page", look).await
    }

    /// The form that `user` sees, once there is one.
    pub(crate) async fn form(&self, user: &str) -> String {
        self.until("a form", |office| office.chat().form(user)).await
    }

    /// The bot's messages in a channel.
    pub(crate) fn ours(&self, channel: &str) -> Vec<Shown> {
        self.driver.messages(channel).into_iter().filter(|message| message.by_bot).collect()
    }

    /// The same once there are so many and all of them are final.
    pub(crate) async fn answers(&self, channel: &str, count: usize) -> Vec<Shown> {
        let look = |office: &Self| {
            let ours = office.ours(channel);
            let done =
                ours.len() >= count && ours.iter().all(|shown| !shown.text.starts_with('⏳'));
            done.then_some(ours)
        };
        self.until(&format!("{count} final messages in {channel}"), look).await
    }

    /// A line that `user` alone sees in a channel, once there is one.
    pub(crate) async fn whisper(&self, channel: &str, user: &str) -> String {
        let look = |office: &Self| office.chat().whispers(channel, user).pop();
        self.until(&format!("a line for {user}"), look).await.text
    }

    /// Waits until `look` finds something on the platform.
    ///
    /// # Panics
    /// After ten seconds, with what was awaited.
    pub(crate) async fn until<T>(
        &self,
        awaited: &str,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> T {
        let mut found = None;
        let mut looked = || {
            found = look(self);
            found.is_some()
        };
        if let Err(error) = self.driver.until(awaited, &mut looked).await {
            let rooms = self.driver.chat().map_or_else(Vec::new, ChatDriver::rooms);
            let shown: Vec<_> = rooms.iter().flat_map(|room| self.driver.messages(room)).collect();
            panic!("{error}: {shown:#?}");
        }
        found.expect("it was found")
    }

    /// Waits until `look` finds something in nova itself.
    ///
    /// # Panics
    /// When it does not come, with what was awaited.
    pub(crate) async fn until_kept<T>(
        &self,
        awaited: &str,
        look: impl AsyncFn(&Self) -> Option<T>,
    ) -> T {
        let start = Instant::now();
        while start.elapsed() < WAIT {
            if let Some(found) = look(self).await {
                return found;
            }
            tokio::task::yield_now().await;
        }
        panic!("{awaited}: awaited in vain")
    }

    /// Breaks or heals something, as the demo's `sandbox …` does.
    pub(crate) async fn sandbox(&self, line: &str) {
        self.world.control(line).await.expect("the sandbox obeys");
    }

    pub(crate) fn fault(&self, call: Call, channel: Option<&str>, times: u32, fault: Fault) {
        self.chat().fault(call, channel, times, fault);
    }

    /// How many calls of this kind nova has made.
    pub(crate) fn calls(&self, call: Call) -> usize {
        self.chat().sent().iter().filter(|sent| sent.call == Some(call)).count()
    }

    /// How many calls nova has made with such a token.
    pub(crate) fn calls_with(&self, token: Token) -> usize {
        self.chat().sent().iter().filter(|sent| sent.token == token).count()
    }

    /// The nova that serves.
    pub(crate) fn nova(&self) -> &Serving {
        self.nova.as_ref().expect("nova serves this platform")
    }

    /// A second nova with this configuration, on the same store and platform.
    pub(crate) async fn another(&self, config: &str) -> Serving {
        let (config, secrets) = read(config, &*self.driver);
        let nova = self.driver.start(&config, &secrets).await;
        nova.expect("nova serves this platform")
    }

    /// Gives nova the configuration again, with the platform's present secrets.
    pub(crate) fn reload(&self, config: &str) {
        self.nova().reload(read(config, &*self.driver));
    }

    /// Waits until `/readyz` answers so.
    pub(crate) async fn ready(&self, status: u16) {
        let look = async |office: &Self| {
            let now = office.nova().request("GET", "/readyz", &[], b"").await;
            (now == status).then_some(())
        };
        self.until_kept(&format!("/readyz to be {status}"), look).await;
    }

    /// The timeline, oldest first.
    pub(crate) async fn timeline(&self) -> Vec<Entry> {
        let store = self.store().await;
        let page = Page { before: None, limit: Page::MAX };
        let mut entries = store.timeline(page).await.expect("the store answers");
        store.close().await;
        entries.reverse();
        entries
    }

    /// The kinds of the timeline's entries, oldest first.
    pub(crate) async fn recorded(&self) -> Vec<&'static str> {
        self.timeline().await.iter().map(|entry| entry.kind.as_str()).collect()
    }

    /// The id of an incident's card, as nova remembers it.
    pub(crate) async fn card(&self, incident: u32) -> Option<String> {
        let store = self.store().await;
        let number = incident.to_string().parse().expect("it is a number");
        let found = store.incident(number).await.expect("the store answers");
        store.close().await;
        let rooms = found.expect("there is such an incident").rooms;
        rooms.first().and_then(|room| Some(room.card.as_ref()?.id.clone()))
    }

    async fn store(&self) -> Store {
        let database = self.folder.path().join("nova.db");
        let key = std::fs::read(self.folder.path().join("timeline.key")).expect("the key is there");
        let key = TimelineKey::new(key.trim_ascii()).expect("it is a key");
        let config = StoreConfig { url: format!("sqlite:{}", database.display()), password: None };
        Store::open(&config, key, Clock::System).await.expect("the store opens")
    }

    /// Holds `text` against the platform's own snapshot: drawing differs.
    pub(crate) fn snapshot(&self, name: &str, text: &str) {
        same(&format!("{}_{name}", self.driver.name()), text);
    }

    /// Ends nova and has everything judged that it sent: nothing is left, nothing broke a rule.
    pub(crate) async fn close(self) {
        if let Some(nova) = self.nova {
            nova.end().await;
        }
        self.driver.judge();
    }
}

/// Holds `text` against a snapshot. Without a platform's word in its name it is the same everywhere.
pub(crate) fn same(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| stable(|| insta::assert_snapshot!(name, text)));
}

fn read(config: &str, driver: &dyn Driver) -> Reloaded {
    let config = Config::parse("nova.toml", config).expect("the configuration is sound");
    (config, Secrets::new(driver.secrets()))
}
