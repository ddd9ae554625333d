//! What holds for one of the databases only: SQLite's files and locks, PostgreSQL's network.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use nova::store::{Clock, Store, StoreConfig, StoreError, TimelineKey};
use nova_sandbox::process::Postgres;
use sqlx::{Connection as _, SqliteConnection};

use super::database::{Database, HANGS, KEY, NEWEST, answered, health, intact, note};

#[tokio::test]
async fn sqlite_files_are_private() -> Result<()> {
    let db = Database::sqlite()?;
    let store = db.open().await?;
    store.append(note("secret")).await?;
    let home = db.home.as_ref().context("SQLite has a directory")?.path().join("state");
    let mode = |path: &std::path::Path| -> Result<u32> {
        Ok(std::fs::metadata(path)?.permissions().mode() & 0o777)
    };
    ensure!(mode(&home)? == 0o700);
    let mut names = BTreeSet::new();
    for file in std::fs::read_dir(&home)? {
        let file = file?;
        ensure!(mode(&file.path())? == 0o600, "{file:?}");
        names.insert(file.file_name().to_string_lossy().into_owned());
    }
    ensure!(names.contains("nova.db") && names.contains("nova.db-wal"), "{names:?}");
    store.close().await;
    ensure!(std::fs::read_dir(&home)?.count() == 1, "closing left the log behind");
    Ok(())
}

#[tokio::test]
async fn what_is_answered_outlives_the_process() -> Result<()> {
    let db = Database::sqlite()?;
    let store = db.open().await?;
    for i in 0..20 {
        store.record(health(&i.to_string()), answered()).await?;
    }
    // The files as kill -9 would leave them: the log is not folded in.
    let after = Database::sqlite()?;
    let [from, to] = [&db, &after].map(|db| db.home.as_ref().map(|home| home.path().join("state")));
    let (from, to) = (from.context("a directory")?, to.context("a directory")?);
    std::fs::create_dir(&to)?;
    for file in ["nova.db", "nova.db-wal"] {
        std::fs::copy(from.join(file), to.join(file))?;
    }
    ensure!(intact(&after.open().await?).await? == store.head().await?);
    Ok(())
}

#[tokio::test]
async fn a_locked_sqlite_file_is_busy_and_recovers() -> Result<()> {
    let db = Database::sqlite()?;
    let store = db.open().await?;
    let mut other = SqliteConnection::connect(&db.url).await?;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await?;
    let refused = tokio::time::timeout(HANGS, store.append(note("now"))).await?;
    let error = refused.err().context("it was written past the lock")?;
    ensure!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    ensure!(store.timeline(NEWEST).await?.is_empty(), "readers do not wait for writers");
    sqlx::raw_sql("COMMIT").execute(&mut other).await?;
    store.append(note("then")).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_database_is_named() -> Result<()> {
    let db = Database::sqlite()?;
    let home = db.home.as_ref().context("SQLite has a directory")?.path();
    std::fs::create_dir(home.join("state"))?;
    std::fs::write(home.join("state/nova.db"), "certainly not a database".repeat(100))?;
    let error = db.open().await.err().context("it was opened")?;
    ensure!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    ensure!(error.to_string().contains("state/nova.db"), "{error}");

    let inside = Database { url: format!("{}/nova.db", db.url), ..Database::sqlite()? };
    let error = inside.open().await.err().context("it was opened")?;
    ensure!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_postgres_that_is_away_is_named_in_time_and_may_come_back() -> Result<()> {
    let server = Postgres::start().await?;
    let db = Database::postgres(&server, "away").await?;
    let store = db.open().await?;
    store.append(note("before")).await?;

    // Connections that were ended from the other side are replaced without anybody noticing.
    server
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'nova'",
        )
        .await?;
    store.append(note("after the cut")).await?;

    server.stop();
    let (written, asked, opened) = tokio::time::timeout(HANGS, async {
        tokio::join!(store.append(note("down")), store.ping(), db.open())
    })
    .await
    .context("the store hangs on a server that is down")?;
    for error in [written.err(), asked.err(), opened.err()] {
        let error = error.context("it spoke with a server that is down")?;
        ensure!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
        ensure!(error.to_string().contains("127.0.0.1"), "{error}");
    }

    server.start_again().await?;
    store.append(note("back")).await?;
    ensure!(intact(&store).await?.seq == 3);
    Ok(())
}

#[tokio::test]
async fn a_postgres_that_refuses_is_named_without_the_password() -> Result<()> {
    let server = Postgres::start().await?;
    let wrong = "wr0ng-passw0rd";
    let nowhere = format!("{}_nowhere", server.url());
    let url = server.url_as("postgres", wrong);
    for (url, password) in [(url.clone(), None), (server.url(), Some(wrong)), (nowhere, None)] {
        let config = StoreConfig { url, password: password.map(Into::into) };
        let key = TimelineKey::new(&KEY)?;
        let error =
            Store::open(&config, key, Clock::System).await.err().context("it was opened")?;
        ensure!(matches!(error, StoreError::Denied { .. }), "{error:?}");
        let told = format!("{config:?} {error} {error:?}");
        let told = format!("{told} {:#}", anyhow::Error::from(error));
        ensure!(!told.contains(wrong), "{told}");
    }
    // The configured password wins over the URL's.
    let password = server.url();
    let (_, password) = password.split_once("postgres:").context("the URL has a user")?;
    let (_, password) = password.split_once("postgres:").context("the URL has a password")?;
    let (password, _) = password.split_once('@').context("the URL has a host")?;
    let config = StoreConfig { url, password: Some(password.into()) };
    Store::open(&config, TimelineKey::new(&KEY)?, Clock::System).await?.close().await;
    Ok(())
}

#[tokio::test]
async fn a_postgres_that_says_nothing_is_given_up() -> Result<()> {
    // Accepts by the kernel's backlog, and never a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("postgres://bot@{}/nova", silent.local_addr()?);
    let config = StoreConfig { url, password: None };
    let key = TimelineKey::new(&KEY)?;
    let opened = tokio::time::timeout(HANGS, Store::open(&config, key, Clock::System)).await;
    let error = opened.context("opening hangs")?.err().context("it was opened")?;
    ensure!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    Ok(())
}
