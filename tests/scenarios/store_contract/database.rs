//! A database to ask the store about, a way around the store, and what the cases write.

use std::time::Duration;

use anyhow::{Context as _, Result};
use nova::store::{
    Account, Anchor, Begun, Clock, DedupeId, Ending, IncidentId, InvocationId, Kind, ManualClock,
    NewEntry, NewInvocation, Outcome, Page, PersonId, Store, StoreConfig, StoreError, TimelineKey,
    Verification,
};
use nova_sandbox::process::Postgres;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

pub(super) const KEY: [u8; 32] = [7; 32];
pub(super) const START_MS: i64 = 1_700_000_000_000;
/// Far beyond any wait inside the store; only a store that hangs gets here.
pub(super) const HANGS: Duration = Duration::from_secs(60);

/// An empty database, and a way around the store.
pub(super) struct Database {
    pub(super) url: String,
    pub(super) clock: ManualClock,
    /// SQLite's directory.
    pub(super) home: Option<TempDir>,
}

impl Database {
    pub(super) fn sqlite() -> Result<Self> {
        let home = tempfile::tempdir()?;
        Ok(Self {
            url: format!("sqlite:{}/state/nova.db", home.path().display()),
            clock: ManualClock::at(START_MS),
            home: Some(home),
        })
    }

    pub(super) async fn postgres(server: &Postgres, name: &str) -> Result<Self> {
        server.execute(&format!("CREATE DATABASE {name}")).await?;
        let url = server.url();
        let (base, _) = url.rsplit_once('/').context("the URL ends with a database")?;
        Ok(Self { url: format!("{base}/{name}"), clock: ManualClock::at(START_MS), home: None })
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.home.is_some()
    }

    pub(super) async fn open(&self) -> Result<Store, StoreError> {
        self.open_with(&KEY).await
    }

    pub(super) async fn open_with(&self, key: &[u8]) -> Result<Store, StoreError> {
        let config = StoreConfig { url: self.url.clone(), password: None };
        let key = TimelineKey::new(key).expect("test keys are long enough");
        Store::open(&config, key, Clock::Manual(self.clock.clone())).await
    }

    /// Runs SQL behind the store's back.
    pub(super) async fn raw(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.is_sqlite() {
            let mut connection = SqliteConnection::connect(&self.url).await?;
            sqlx::raw_sql(sql).execute(&mut connection).await?;
            connection.close().await
        } else {
            let mut connection = PgConnection::connect(&self.url).await?;
            sqlx::raw_sql(sql).execute(&mut connection).await?;
            connection.close().await
        }
    }

    /// One number, read behind the store's back.
    pub(super) async fn number(&self, sql: &'static str) -> Result<i64> {
        if self.is_sqlite() {
            let mut connection = SqliteConnection::connect(&self.url).await?;
            Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
        } else {
            let mut connection = PgConnection::connect(&self.url).await?;
            Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
        }
    }

    /// Takes the second layer away, as whoever owns the database can.
    pub(super) async fn without_triggers(&self) -> Result<()> {
        self.raw(if self.is_sqlite() {
            "DROP TRIGGER timeline_no_update; DROP TRIGGER timeline_no_delete"
        } else {
            "ALTER TABLE timeline DISABLE TRIGGER USER"
        })
        .await?;
        Ok(())
    }
}

pub(super) fn note(text: &str) -> NewEntry {
    NewEntry {
        incident: Some(IncidentId::new("inc-1")),
        kind: Kind::Note,
        invocation: None,
        actor: "ana".to_owned(),
        body: json!({ "text": text }),
    }
}

pub(super) fn health(dedupe: &str) -> NewInvocation {
    NewInvocation {
        dedupe: DedupeId::new(dedupe),
        account: Account { platform: "console".to_owned(), id: "ana".to_owned() },
        person: Some(PersonId::new("person-ana")),
        conversation: "tty1".to_owned(),
        command: "/nova health".to_owned(),
    }
}

pub(super) fn answered() -> Outcome {
    Outcome { ending: Ending::Answered, exit_status: 3, detail: json!({ "fail": 1 }) }
}

pub(super) async fn begin_new(store: &Store, new: NewInvocation) -> Result<InvocationId> {
    match store.begin(new).await? {
        Begun::New(id) => Ok(id),
        Begun::Duplicate(found) => anyhow::bail!("it was begun before: {found:?}"),
    }
}

pub(super) async fn intact(store: &Store) -> Result<Anchor> {
    match store.verify(None).await? {
        Verification::Intact { head } => Ok(head),
        broken @ Verification::Broken { .. } => anyhow::bail!("{broken:?}"),
    }
}

pub(super) const NEWEST: Page = Page { before: None, limit: Page::MAX };
